"""The teacher runs to the last thing that is recorded of it, and no further."""

import copy

import pytest
import torch
from toy_models import recorders

from texture_kd.algorithms.teacher_depth import wanted_records

RELU = "torch.nn.functional.relu"


def distiller(mapping=(), **sources) -> dict:
    """A distiller that reads the teacher's modules, and the student's first stage."""
    names = [*sources]
    reads = {name: dict(from_student=False, recorder=name) for name in names}
    reads |= dict(mapping)
    first = dict(from_student=True, recorder="first")
    return dict(
        type="ConfigurableDistiller",
        student_recorders=recorders(first="backbone.layer1"),
        teacher_recorders=recorders(**sources),
        distill_losses={
            f"loss_{name}": dict(type="ChannelWiseDivergence", tau=1) for name in names
        },
        loss_forward_mappings={
            f"loss_{name}": dict(preds_S=first, preds_T=reads[name]) for name in names
        },
    )


def ran(model, batch):
    """Return the names of the teacher's modules that ran in a step."""
    found = []
    handles = [
        module.register_forward_pre_hook(lambda *_, name=name: found.append(name))
        for name, module in model.teacher.named_modules()
    ]
    model.distiller.compute_distill_losses = lambda: dict(loss=torch.zeros(()))
    data = model.data_preprocessor(copy.deepcopy(batch), training=True)
    model(**data, mode="loss")
    for handle in handles:
        handle.remove()
    return set(found)


@pytest.mark.parametrize(
    ("sources", "last", "next_one"),
    [
        (dict(a="backbone.layer1"), "backbone.layer1", "backbone.layer2"),
        (dict(b="backbone.layer2", a="backbone.layer1"), "backbone.layer2", "layer3"),
        (dict(a="backbone"), "backbone.layer4", "decode_head"),
        (
            dict(a="backbone.layer1", b="decode_head.conv_seg"),
            "decode_head.conv_seg",
            None,
        ),
    ],
)
def test_nothing_behind_the_last_record_runs(build, batch, sources, last, next_one):
    model = build(distiller=distiller(**sources)).train()
    found = ran(model, batch)
    assert last in found
    assert not next_one or not any(next_one in name for name in found)
    assert not any("auxiliary" in name for name in found)


def test_a_later_run_of_a_module_is_waited_for(build, batch):
    relu = "backbone.layer1.0.relu"
    first = build(distiller=distiller(a=relu)).train()
    assert "backbone.layer1.0.conv2" not in ran(first, batch)
    record = dict(from_student=False, recorder="a", record_idx=1)
    second = build(distiller=distiller(dict(a=record), a=relu)).train()
    found = ran(second, batch)
    assert "backbone.layer1.0.conv2" in found
    assert "backbone.layer1.1" not in found


def test_the_whole_pass_is_wanted_of_functions_and_of_what_counts_from_behind(build):
    last = dict(from_student=False, recorder="a", record_idx=-1)
    assert wanted_records(build().distiller)
    model = build(distiller=distiller(dict(a=last), a="backbone.layer1"))
    assert wanted_records(model.distiller) is None
    recorded = distiller(a="backbone.layer1")
    recorded["teacher_recorders"]["f"] = dict(type="FunctionOutputs", source=RELU)
    assert wanted_records(build(distiller=recorded).distiller) is None
    delivered = distiller(a="backbone.layer1") | dict(
        distill_deliveries=dict(
            f=dict(type="FunctionOutputs", max_keep_data=1, func_path=RELU)
        )
    )
    assert wanted_records(build(distiller=delivered).distiller) is None


def test_parameters_are_there_without_a_run(build):
    config = distiller(a="backbone.layer1")
    weight = dict(type="Parameter", source="decode_head.conv_seg.weight")
    config["teacher_recorders"]["weight"] = weight
    assert wanted_records(build(distiller=config).distiller) == dict(a=1)


def test_a_stopped_distillation_needs_no_teacher(build, batch):
    model = build().train()
    model.distillation_stopped = True
    assert ran(model, batch) == set()


def test_no_hook_stays_when_a_teacher_fails(build, batch):
    model = build().train()
    hooks = [len(x._forward_hooks) for x in model.teacher.modules()]

    def fail(*_):
        raise RuntimeError("out of memory")

    handle = model.teacher.backbone.layer1.register_forward_pre_hook(fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        ran(model, batch)
    handle.remove()
    model.teacher.train(False)
    found = [len(x._forward_hooks) for x in model.teacher.modules()]
    assert found == hooks
    data = model.data_preprocessor(batch, training=True)
    with torch.no_grad():
        assert model(**data, mode="loss")
