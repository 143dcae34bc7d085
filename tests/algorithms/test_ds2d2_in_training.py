"""DS2D2 in training: teacher and amplifiers stay, and no checkpoint has them."""

import copy

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.model import ExponentialMovingAverage
from mmengine.optim import OptimWrapper
from mmengine.runner import load_checkpoint
from mmengine.structures import PixelData
from mmrazor.registry import MODELS
from toy_models import segmentor

from texture_kd.datasets import label_components
from texture_kd.hooks import PlainStudentHook

STAGES = dict(type="ModuleOutputs", source="backbone")


@pytest.fixture
def files(tmp_path):
    """Write the checkpoints of a teacher and, as if it was trained, an amplifier."""
    torch.manual_seed(1)
    teacher = MODELS.build(dict(segmentor(8), _scope_="mmrazor"))
    teacher.init_weights()
    # Of other norms than a new network's.
    teacher.train()(torch.randn(4, 3, 32, 32), mode="tensor")
    torch.save(dict(state_dict=teacher.state_dict()), tmp_path / "teacher.pth")
    config = segmentor(8)
    config.update(
        type="texture_kd.HighFrequencyEncoderDecoder",
        auxiliary_head=None,
        teacher_ckpt=str(tmp_path / "teacher.pth"),
    )
    amplifier = MODELS.build(dict(config, _scope_="mmrazor"))
    amplifier.init_weights()
    amplifier.train()(torch.randn(4, 3, 32, 32), mode="tensor")
    with torch.no_grad():
        for parameter in amplifier.decode_head.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    torch.save(dict(state_dict=amplifier.state_dict()), tmp_path / "amplifier.pth")
    return tmp_path


@pytest.fixture
def config(files):
    """Options of a TextureDistill with DS2D2's terms."""

    def options(**changes) -> dict:
        amplifiers = dict(
            full=dict(type="SegmentationAmplifier"),
            high=dict(
                type="SegmentationAmplifier",
                mode="sum",
                checkpoint=str(files / "amplifier.pth"),
            ),
        )
        loss = dict(
            type="DS2D2Loss",
            student_channels=(4, 8, 16, 32),
            teacher_channels=(8, 16, 32, 64),
            amplifiers=amplifiers,
        )
        distiller = dict(
            type="ConfigurableDistiller",
            student_recorders=dict(stages=STAGES, samples=dict(type="DataSamples")),
            teacher_recorders=dict(stages=STAGES),
            distill_losses=dict(loss_ds2d2=dict(loss, **changes)),
            loss_forward_mappings=dict(
                loss_ds2d2=dict(
                    student=dict(from_student=True, recorder="stages"),
                    teacher=dict(from_student=False, recorder="stages"),
                    samples=dict(from_student=True, recorder="samples"),
                )
            ),
        )
        return dict(distiller=distiller, teacher_ckpt=str(files / "teacher.pth"))

    return options


@pytest.fixture
def with_components(batch):
    for sample in batch["data_samples"]:
        ids = label_components(sample.gt_sem_seg.data[0].numpy())
        sample.gt_components = PixelData(data=torch.from_numpy(ids)[None])
    return batch


def train(model, batch, steps=2):
    model.train()
    # Everything is given to the optimiser, as MMEngine does, and decays.
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.1)
    wrapper = OptimWrapper(optimizer)
    torch.manual_seed(7)
    return [model.train_step(copy.deepcopy(batch), wrapper) for _ in range(steps)]


def loss_of(model):
    return model.distiller.distill_losses.loss_ds2d2


def frozen(model):
    amplifiers = {
        f"amplifiers.{name}.{key}": value
        for name, one in loss_of(model).amplifiers.named_children()
        for key, value in one.state_dict().items()
    }
    return amplifiers | model.teacher.state_dict(prefix="teacher.")


def test_two_steps_leave_teacher_and_amplifiers_bit_identical(
    build, config, with_components, files
):
    model = build(**config())
    before = copy.deepcopy(frozen(model))
    written = torch.load(files / "amplifier.pth")["state_dict"]
    assert any("running_var" in key for key in before if "amplifiers.high" in key)
    student = copy.deepcopy(model.student.backbone.state_dict())
    adapters = copy.deepcopy(loss_of(model).adapters.state_dict())
    logs = train(model, with_components)
    for name, value in frozen(model).items():
        assert torch.equal(before[name], value), name
        if name.startswith("amplifiers.high.decode_head."):
            assert torch.equal(written[name.removeprefix("amplifiers.high.")], value)
    assert all(log["loss"].isfinite() for log in logs)
    changed = model.student.backbone.state_dict()
    assert not torch.equal(changed["stem.0.weight"], student["stem.0.weight"])
    for name, value in loss_of(model).adapters.state_dict().items():
        assert not torch.equal(adapters[name], value)
    for log in logs:
        parts = ("low", "high", "full", "amplified")
        total = sum(log[f"distill.part_ds2d2.{part}"] for part in parts)
        torch.testing.assert_close(total, log["distill.loss_ds2d2"])


def test_it_is_computed_before_the_students_head_runs(build, config, with_components):
    model, log = build(**config()), []
    stock = config()
    # MMRazor's recorder of all that the student is given has it afterwards.
    recorders = stock["distiller"]["student_recorders"]
    recorders["samples"] = dict(type="ModuleInputs", source="")
    mapping = stock["distiller"]["loss_forward_mappings"]["loss_ds2d2"]
    mapping["samples"]["data_idx"] = 1
    late = build(**stock)
    for name, one in (("early", model), ("late", late)):
        loss_of(one).register_forward_hook(lambda *_, n=name: log.append((n, "loss")))
        one.student.decode_head.conv_seg.register_forward_hook(
            lambda *_, n=name: log.append((n, "head"))
        )
    values = [train(one, with_components, 2) for one in (model, late)]
    orders = [[what for n, what in log if n == name] for name in ("early", "late")]
    assert orders == [["loss", "head"] * 2, ["head", "loss"] * 2]
    for early, later in zip(*values, strict=True):
        assert early.keys() == later.keys()
        for key, value in early.items():
            torch.testing.assert_close(value, later[key], msg=key)


def test_the_implicit_terms_alone_reach_the_students_backbone(
    build, config, with_components
):
    model = build(**config(low_weight=0, high_weight=0, levels=[3])).train()
    data = model.data_preprocessor(with_components, training=True)
    losses = model(**data, mode="loss")
    losses["distill.loss_ds2d2"].backward()
    assert model.student.backbone.stem[0].weight.grad.abs().sum() > 0
    # The student's own head has no part in it.
    assert all(p.grad is None for p in model.student.decode_head.parameters())
    assert all(p.grad is None for p in model.teacher.parameters())


def test_the_students_checkpoint_has_neither_and_loads_in_plain_mmseg(
    build, config, with_components, tmp_path
):
    model = build(**config())
    train(model, with_components)
    checkpoint = dict(state_dict=model.state_dict())
    names = set(checkpoint["state_dict"])
    assert not [n for n in names if n.startswith("teacher.") or "amplifiers" in n]
    assert {n.split(".")[0] for n in names} == {"architecture", "distiller"}
    beside = {n for n in names if n.startswith("distiller.")}
    adapters = "distiller.distill_losses.loss_ds2d2.adapters."
    assert len(beside) == 4
    assert all(n.startswith(adapters) for n in beside)

    hook: Hook = PlainStudentHook()
    hook.before_save_checkpoint(None, checkpoint)
    path = str(tmp_path / "student.pth")
    torch.save(checkpoint, path)
    plain = MODELS.build(dict(segmentor(4), _scope_="mmrazor"))
    load_checkpoint(plain, path)
    for name, value in plain.state_dict().items():
        assert torch.equal(value, model.student.state_dict()[name]), name
    image = torch.randn(1, 3, 32, 32)
    ours, theirs = (m.eval()(image, mode="tensor") for m in (model.student, plain))
    assert torch.equal(ours, theirs)


def test_a_checkpoint_goes_on_with_the_same_teacher_and_amplifiers(
    build, config, with_components
):
    model, again = build(**config()), build(**config())
    train(model, with_components)
    result = again.load_state_dict(model.state_dict())
    assert not result.missing_keys
    assert not result.unexpected_keys
    for name, value in frozen(again).items():
        assert torch.equal(frozen(model)[name], value), name
    data = model.data_preprocessor(with_components, training=True)
    losses = [m.eval()(**data, mode="loss") for m in (model, again)]
    assert torch.equal(*(of_one["distill.loss_ds2d2"] for of_one in losses))


def test_averages_of_weights_share_the_amplifiers(build, config, with_components):
    model = build(**config())
    average = ExponentialMovingAverage(model, update_buffers=True)
    train(model, with_components)
    average.update_parameters(model)
    for name, value in frozen(average.module).items():
        assert torch.equal(frozen(model)[name], value), name
    assert loss_of(average.module).amplifiers is loss_of(model).amplifiers
    full = loss_of(average.module).amplifiers.full
    assert full._teachers_head[0] is average.module.teacher.decode_head


def test_a_step_under_bfloat16(build, config, with_components):
    model = build(**config(), teacher_dtype="bfloat16").train()
    data = model.data_preprocessor(with_components, training=True)
    for enabled in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            losses = model(**data, mode="loss")
        assert losses["distill.loss_ds2d2"].dtype == torch.float32
        losses["distill.loss_ds2d2"].backward()
        gradient = model.student.backbone.stem[0].weight.grad
        assert gradient.isfinite().all()
        assert gradient.abs().sum() > 0


def test_with_an_amplifier_of_weight_zero_nothing_of_it_is_read(build, config, files):
    amplifiers = dict(high=dict(type="SegmentationAmplifier", loss_weight=0))
    (files / "amplifier.pth").unlink()
    model = build(**config(amplifiers=amplifiers))
    assert not loss_of(model).amplifiers.weights


def test_an_amplifier_of_another_teacher_is_refused(config, model_config, files):
    options = config()
    state = torch.load(files / "teacher.pth")["state_dict"]
    state["backbone.layer1.0.conv1.weight"] += 0.1
    torch.save(dict(state_dict=state), files / "other.pth")
    options["teacher_ckpt"] = str(files / "other.pth")
    with pytest.raises(ValueError, match=r"another teacher: its backbone\.layer1\.0"):
        MODELS.build(model_config(**options))


def test_the_students_start_is_that_of_a_student_alone(build, config):
    torch.manual_seed(0)
    alone = MODELS.build(dict(segmentor(4), _scope_="mmrazor"))
    alone.init_weights()
    state = build(**config()).student.state_dict()
    for name, value in alone.state_dict().items():
        assert torch.equal(state[name], value), name
