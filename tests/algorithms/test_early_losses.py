"""Losses computed while the student runs: the same, and with less in memory."""

import copy
import weakref
from typing import NamedTuple

import pytest
import torch
from mmengine.structures import InstanceData
from mmrazor.models.architectures.connectors.base_connector import BaseConnector
from mmrazor.models.distillers import ConfigurableDistiller
from mmrazor.registry import MODELS
from mmseg.models.backbones import ResNetV1c
from torch import Tensor, nn
from toy_models import recorders, segmentor, sstkd

from texture_kd import early_losses
from texture_kd.algorithms import TextureDistill
from texture_kd.algorithms.distiller_records import DistillerRecords


class Squares(nn.Module):
    """A loss of whatever is recorded, in a form of choice."""

    def __init__(self, form: str = "scalar") -> None:
        super().__init__()
        self.form = form

    def forward(self, x):
        if self.form == "pair":
            return [x.mean(), x.square()]
        return x.square() if self.form == "map" else x.square().mean()


class Stages(NamedTuple):
    first: Tensor
    second: dict


class Packed(nn.Module):
    """Give stages as a named tuple with a dict inside."""

    def forward(self, stages):
        return Stages(stages[0], dict(second=stages[1]))


class PackedResNet(ResNetV1c):
    """A backbone with such a module."""

    def __init__(self, **options) -> None:
        super().__init__(**options)
        self.packed = Packed()

    def forward(self, x):
        stages = super().forward(x)
        packed = self.packed(stages)
        return packed.first, packed.second["second"], *stages[2:]


class Wrap(nn.Module):
    """Give a stage inside an object."""

    def forward(self, stage):
        return InstanceData(stage=stage)


class ResNetWithObject(ResNetV1c):
    """A backbone with such a module."""

    def __init__(self, **options) -> None:
        super().__init__(**options)
        self.wrap = Wrap()

    def forward(self, x):
        first, *others = super().forward(x)
        return self.wrap(first).stage, *others


class Second(BaseConnector):
    """Take the second stage out of the dict."""

    def forward_train(self, feature):
        return feature["second"]


for kind in (Squares, PackedResNet, ResNetWithObject, Second):
    MODELS.register_module(module=kind, force=True)


def late(monkeypatch):
    monkeypatch.setattr(TextureDistill, "_can_be_early", lambda *_: False)


def results(model, batch, autocast=None):
    """Return losses and all gradients of a step, in float64 without autocast."""
    model = model.train() if autocast else model.double().train()
    data = model.data_preprocessor(copy.deepcopy(batch), training=True)
    if not autocast:
        data["inputs"] = data["inputs"].double()
    torch.manual_seed(3)
    with torch.autocast("cpu", autocast, enabled=autocast is not None):
        losses = model(**data, mode="loss")
    total, _ = model.parse_losses(losses)
    total.backward()
    values = {k: v if isinstance(v, Tensor) else sum(v) for k, v in losses.items()}
    gradients = {
        name: p.grad for name, p in model.named_parameters() if p.grad is not None
    }
    return {k: v.detach() for k, v in values.items()}, gradients


def assert_the_same(build, batch, monkeypatch, *args, **options):
    """Compare a step with early losses and one with late ones."""
    known = []
    with monkeypatch.context() as patch:
        known_gradient = early_losses.with_known_gradient
        patch.setattr(
            early_losses,
            "with_known_gradient",
            lambda *args: known.append(args) or known_gradient(*args),
        )
        early = results(build(**copy.deepcopy(options)), batch, *args)
    assert known
    with monkeypatch.context() as patch:
        late(patch)
        expected = results(build(**copy.deepcopy(options)), batch, *args)
    assert list(early[0]) == list(expected[0])
    torch.testing.assert_close(early, expected, rtol=1e-6, atol=1e-10)
    return early


def test_losses_and_gradients_are_those_of_mmrazor(build, batch, monkeypatch):
    losses, gradients = assert_the_same(build, batch, monkeypatch)
    assert {name for name in losses if name.startswith("distill.loss")} == {
        f"distill.{name}" for name in sstkd()["distill_losses"]
    }
    trained = {name for name, p in build().named_parameters() if p.requires_grad}
    assert trained == set(gradients)


def connected() -> dict:
    """A distiller whose losses share a connector, one of them of an early feature."""

    def loss(name, stage):
        return {name: dict(x=dict(from_student=True, recorder=stage, connector="lfd"))}

    return dict(
        type="ConfigurableDistiller",
        student_recorders=recorders(
            stage1="backbone.layer1.0", again="backbone.layer1.1", whole="backbone"
        ),
        teacher_recorders={},
        connectors=dict(lfd=dict(type="LFDConnector", in_channel=4, out_channel=3)),
        distill_losses={name: dict(type="Squares") for name in ("loss_a", "loss_b")},
        loss_forward_mappings=loss("loss_a", "stage1") | loss("loss_b", "again"),
    )


@pytest.mark.parametrize("autocast", [None, torch.bfloat16])
def test_a_connector_serves_several_losses(build, batch, monkeypatch, autocast):
    _, gradients = assert_the_same(
        build, batch, monkeypatch, autocast, distiller=connected()
    )
    assert any("connectors.lfd" in name for name in gradients)


@pytest.mark.parametrize("form", ["map", "pair"])
def test_losses_of_several_values_are_added_up_as_mmengine_does(
    build, batch, monkeypatch, form
):
    distiller = connected()
    distiller["distill_losses"]["loss_a"]["form"] = form
    early = results(build(distiller=copy.deepcopy(distiller)), batch)[1]
    late(monkeypatch)
    expected = results(build(distiller=distiller), batch)[1]
    torch.testing.assert_close(early, expected, rtol=1e-6, atol=1e-10)


def test_records_of_any_structure_pass_their_gradients(build, batch, monkeypatch):
    distiller = connected()
    distiller["student_recorders"]["packed"] = dict(
        type="ModuleOutputs", source="backbone.packed"
    )
    record = dict(from_student=True, recorder="packed")
    distiller["loss_forward_mappings"] = dict(
        loss_a=dict(x=dict(record, data_idx=0)),
        loss_b=dict(x=dict(record, data_idx=1, connector="second")),
    )
    distiller["connectors"] = dict(second=dict(type="Second"))
    student = segmentor(4)
    student["backbone"]["type"] = "PackedResNet"
    assert_the_same(
        build, batch, monkeypatch, distiller=distiller, architecture=student
    )


def test_a_recorded_parameter_gets_its_gradient(build, batch, monkeypatch):
    name = "decode_head.conv_seg.weight"
    distiller = connected()
    distiller["student_recorders"]["weight"] = dict(type="Parameter", source=name)
    record = dict(from_student=True, recorder="weight")
    distiller["loss_forward_mappings"]["loss_a"] = dict(x=record)
    model = build(distiller=copy.deepcopy(distiller))
    for _ in range(2):
        model.zero_grad()
        _, gradients = results(model, batch)
    with monkeypatch.context() as patch:
        late(patch)
        # Its batch norms have seen as much.
        other = build(distiller=distiller)
        for _ in range(2):
            other.zero_grad()
            _, expected = results(other, batch)
    torch.testing.assert_close(gradients, expected, rtol=1e-6, atol=1e-10)


def test_early_features_are_given_up_before_the_student_goes_on(build, batch):
    model = build().train()
    kept, alive = {}, {}
    for name in ("layer1", "layer2"):
        module = model.teacher.backbone.get_submodule(name)
        module.register_forward_hook(
            lambda *args, name=name: kept.update({name: weakref.ref(args[2])})
        )
    model.student.backbone.layer3.register_forward_hook(
        lambda *_: alive.update({name: ref() is not None for name, ref in kept.items()})
    )
    data = model.data_preprocessor(batch, training=True)
    model(**data, mode="loss")
    assert alive == dict(layer1=False, layer2=False)


def test_half_precision_waits_for_its_loss_scale():
    known, cpu = early_losses.gradients_are_known, torch.device("cpu")
    assert known(cpu)
    with torch.autocast("cpu", torch.float16):
        assert not known(cpu)
    with torch.autocast("cpu", torch.bfloat16):
        assert known(cpu)
    with torch.no_grad():
        assert not known(cpu)


def test_a_distiller_of_another_kind_computes_its_own_losses(build, batch):
    class Other(ConfigurableDistiller):
        def compute_distill_losses(self):
            return {"loss_one": torch.ones(())}

    model = build().train()
    distiller = connected()
    model.distiller = Other(**{k: v for k, v in distiller.items() if k != "type"})
    model.distiller.prepare_from_student(model.student)
    losses, _ = results(model, batch)
    distilled = {k: v for k, v in losses.items() if k.startswith("distill.loss")}
    assert distilled == {"distill.loss_one": 1}


def test_functions_that_are_recorded_or_delivered_are_called_when_they_used_to_be():
    source = "torch.nn.functional.relu"
    recorded = dict(
        student_recorders=dict(f=dict(type="FunctionOutputs", source=source))
    )
    delivered = dict(
        distill_deliveries=dict(
            f=dict(type="FunctionOutputs", max_keep_data=1, func_path=source)
        )
    )
    can_be_early = DistillerRecords.can_be_early
    assert can_be_early(ConfigurableDistiller())
    for options in (recorded, delivered):
        assert not can_be_early(ConfigurableDistiller(**options))


def test_gradients_of_several_steps_add_up(build, batch, monkeypatch):
    def accumulated():
        model = build()
        for _ in range(2):
            _, gradients = results(model, batch)
        return gradients

    early = accumulated()
    late(monkeypatch)
    torch.testing.assert_close(early, accumulated(), rtol=1e-6, atol=1e-10)


def recorded(source, **record) -> dict:
    """A distiller with a loss of a module of the student, and another."""
    distiller = connected()
    distiller["student_recorders"]["stage1"]["source"] = source
    distiller["loss_forward_mappings"]["loss_a"]["x"].pop("connector")
    distiller["loss_forward_mappings"]["loss_a"]["x"].update(record)
    return distiller


def test_the_last_of_several_runs_is_waited_for(build, batch, monkeypatch):
    assert_the_same(
        build,
        batch,
        monkeypatch,
        # It runs twice in each block.
        distiller=recorded("backbone.layer1.0.relu", record_idx=-1),
    )


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize("side", ["student", "teacher"])
def test_what_a_network_changes_in_place_is_refused(
    build, batch, monkeypatch, early, side
):
    if not early:
        late(monkeypatch)
    distiller = recorded("backbone.layer1.0.bn2")
    if side == "teacher":
        # It runs on for the second.
        distiller["teacher_recorders"] = recorders(
            stage1="backbone.layer1.0.bn2", stage2="backbone.layer2"
        )
        distiller["student_recorders"]["stage1"]["source"] = "backbone.layer1.0"
        distiller["loss_forward_mappings"]["loss_b"]["x"] = dict(
            from_student=False, recorder="stage1"
        )
    said = rf"The {side}'s recorder 'stage1'.*in place.*Record the module"
    with pytest.raises(ValueError, match=said):
        results(build(distiller=distiller), batch)


def test_records_within_lists_and_dicts_are_refused_too(build, batch):
    teacher = segmentor(8)
    teacher["backbone"]["type"] = "PackedResNet"
    distiller = recorded("backbone.layer1.0")
    distiller["teacher_recorders"] = recorders(
        packed="backbone.packed", logits="decode_head.conv_seg"
    )
    model = build(distiller=distiller, teacher=teacher)

    def change(module, inputs, output):
        output[1].add_(1)

    model.teacher.backbone.register_forward_hook(change)
    with pytest.raises(ValueError, match="The teacher's recorder 'packed'"):
        results(model, batch)


# PyTorch's, of how MMSegmentation asks for it.
@pytest.mark.filterwarnings("ignore:torch.utils.checkpoint")
@pytest.mark.parametrize("early", [True, False])
def test_records_inside_checkpointed_blocks_are_refused(
    build, batch, monkeypatch, early
):
    if not early:
        late(monkeypatch)
    student = segmentor(4)
    student["backbone"]["with_cp"] = True
    build_with = dict(architecture=student)
    model = build(distiller=recorded("backbone.layer1.1.conv1"), **build_with)
    said = r"recorder 'stage1' records inside a block .*'backbone.layer1.1.conv1'"
    with pytest.raises(ValueError, match=said):
        results(model, batch)
    _, gradients = results(
        build(distiller=recorded("backbone.layer1.1"), **build_with), batch
    )
    assert gradients["architecture.backbone.layer1.0.bn2.weight"].abs().sum() > 0


def test_tensors_inside_other_objects_are_refused(build, batch):
    student = segmentor(4)
    student["backbone"]["type"] = "ResNetWithObject"
    model = build(distiller=recorded("backbone.wrap"), architecture=student)
    with pytest.raises(ValueError, match="'stage1' holds a InstanceData with tensors"):
        results(model, batch)
