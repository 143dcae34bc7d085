"""DS2D2 of detectors in its three stages, as MMDetection trains them."""

import copy

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.runner import load_checkpoint, save_checkpoint
from small_detection import (
    CONFIGS,
    DETECTORS,
    NAMES,
    build,
    leave_checkpoints_out,
    make_shallow,
    need_mmdetection,
    random_batch,
)
from torch import nn

from texture_kd.functional import haar_dwt, high_frequency
from texture_kd.hooks import PlainStudentHook

need_mmdetection()

pytestmark = pytest.mark.usefixtures("mmdets_scope")

both = pytest.mark.parametrize("net", DETECTORS)
HEADS = {"retinanet": ("bbox_head",), "faster-rcnn": ("rpn_head", "roi_head")}


def stage(net: str, beginning: str, **options) -> Config:
    """Read the config of a stage on DIOR, with shallow networks."""
    (name,) = (n for n in NAMES if n.startswith(f"{beginning}{net}") and "dior" in n)
    config = Config.fromfile(CONFIGS / name)
    leave_checkpoints_out(config.model)
    for part in (config.model, config.model.get("teacher")):
        if part is not None and "backbone" in part:
            make_shallow(part)
    config.model.update(options)
    return config


def trained(model: nn.Module, config: Config, steps: int = 2) -> nn.Module:
    wrapper = build_optim_wrapper(model, config.optim_wrapper)
    model.train()
    for seed in range(steps):
        torch.manual_seed(seed)
        model.train_step(random_batch(20), wrapper)
    return model


def values(model: nn.Module) -> dict:
    return {key: value.clone() for key, value in model.state_dict().items()}


def changed(model: nn.Module, before: dict) -> set[str]:
    after = model.state_dict()
    return {key for key, value in before.items() if not torch.equal(value, after[key])}


@pytest.fixture
def teacher(tmp_path):
    """Make a teacher's checkpoint."""

    def make(net: str) -> tuple[nn.Module, str]:
        model = build(stage(net, "ds2d2-amplifier_").model, seed=7)
        state = {k: v for k, v in model.state_dict().items() if "frequency" not in k}
        path = str(tmp_path / f"{net}.pth")
        torch.save(dict(state_dict=state), path)
        return model, path

    return make


@both
@pytest.mark.parametrize("mode", ["sum", "concat"])
def test_an_amplifier_trains_the_heads_alone(net, mode, teacher):
    source, path = teacher(net)
    config = stage(net, "ds2d2-amplifier_", teacher_ckpt=path, mode=mode)
    model = build(config.model)
    before = values(model)
    for key, value in source.state_dict().items():
        if "frequency" not in key:
            assert torch.equal(before[key], value)
    moved = {key.split(".")[0] for key in changed(trained(model, config), before)}
    expected = {*HEADS[net]} | ({"high_frequency"} if mode == "concat" else set())
    assert moved == expected
    assert not any(
        m.training for m in (*model.backbone.modules(), *model.neck.modules())
    )


@both
def test_an_amplifier_sees_details(net, teacher):
    source, path = teacher(net)
    model = build(stage(net, "ds2d2-amplifier_", teacher_ckpt=path).model).eval()
    images = torch.randn(1, 3, 96, 128)
    features = source.neck(source.eval().backbone(images))
    for seen, x in zip(model.extract_feat(images), features, strict=True):
        expected = high_frequency(haar_dwt(x)[1], tuple(x.shape[2:]))
        torch.testing.assert_close(seen, expected)


@both
def test_an_amplifier_starts_from_the_whole_teacher_or_not_at_all(net, teacher):
    _, path = teacher(net)
    state = torch.load(path)["state_dict"]
    name = next(key for key in state if key.startswith(HEADS[net][-1]))
    del state[name]
    torch.save(dict(state_dict=state), path)
    with pytest.raises(ValueError, match=f"lacks 1 of the teacher's.*{name}"):
        build(stage(net, "ds2d2-amplifier_", teacher_ckpt=path).model)


@both
def test_after_two_steps_all_that_is_frozen_is_bit_identical(net, teacher, tmp_path):
    _, path = teacher(net)
    config = stage(net, "ds2d2-amplifier_", teacher_ckpt=path)
    amplifier = trained(build(config.model), config, 1)
    amplifier_path = str(tmp_path / "amplifier.pth")
    save_checkpoint(dict(state_dict=amplifier.state_dict()), amplifier_path)

    config = stage(net, "ds2d2_", teacher_ckpt=path)
    loss = config.model.distiller.distill_losses.loss_ds2d2
    loss.amplifiers.high.checkpoint = amplifier_path
    model = build(config.model)
    amplifiers = model.distiller.distill_losses.loss_ds2d2.amplifiers
    frozen = (model.teacher, amplifiers.high)
    before = [values(part) for part in frozen]
    for key, value in _named(amplifiers.high).items():
        assert torch.equal(value, amplifier.state_dict()[key]), key
    student = values(model.student)
    trained(model, config)
    for part, old in zip(frozen, before, strict=True):
        assert old
        assert not changed(part, old)
        assert not any(module.training for module in part.modules())
    assert changed(model.student, student)

    # As MMEngine writes it, and plain MMDetection reads it.
    checkpoint = dict(state_dict=model.state_dict())
    PlainStudentHook().before_save_checkpoint(None, checkpoint)
    found = checkpoint["state_dict"]
    plain = build(config.model.architecture)
    assert set(found) == {
        *plain.state_dict(),
        *(f"architecture.{key}" for key in plain.state_dict()),
        "distiller.distill_losses.loss_ds2d2.adapters.convolutions.shared.weight",
    }
    save_checkpoint(checkpoint, str(tmp_path / "student.pth"))
    load_checkpoint(plain, str(tmp_path / "student.pth"), strict=False)
    assert not changed(plain, values(model.student))


def _named(module: nn.Module) -> dict:
    """Read buffers and parameters as they are, past the hooks of a state dict."""
    return dict([*module.named_parameters(), *module.named_buffers()])


@both
def test_without_objects_there_is_a_loss(net):
    model = build(stage(net, "ds2d2_").model).train()
    data = model.data_preprocessor(random_batch(20, boxes=0), training=True)
    losses = model(**data, mode="loss")
    loss = losses["distill.loss_ds2d2"]
    assert loss.isfinite()
    loss.backward()


@both
def test_the_teacher_runs_its_backbone_and_neck_alone(net):
    model = build(stage(net, "ds2d2_").model).train()
    ran = []
    for name in HEADS[net]:
        part = model.teacher.get_submodule(name)
        for function in ("forward", "predict"):
            _count(part, function, ran)
    data = model.data_preprocessor(random_batch(20), training=True)
    model._run_teacher(data["inputs"], data["data_samples"])
    assert not ran


def _count(module: nn.Module, name: str, ran: list) -> None:
    original = getattr(module, name)

    def counted(*args, **options):
        ran.append(name)
        return original(*args, **options)

    setattr(module, name, counted)


def test_retinanets_amplifier_equals_mmdetections_own_losses():
    from mmdet.models.losses import GIoULoss

    model = build(stage("retinanet", "ds2d2_").model).train()
    data = model.data_preprocessor(random_batch(20), training=True)
    samples = data["data_samples"]
    amplifier = model.distiller.distill_losses.loss_ds2d2.amplifiers.full
    head = model.teacher.bbox_head
    x, y = (
        side.extract_feat(data["inputs"]) for side in (model.student, model.teacher)
    )
    (s, ds), (t, dt) = head(x), head(y)
    metas = [sample.metainfo for sample in samples]
    anchors, flags = head.get_anchors([m.shape[-2:] for m in s], metas, device="cpu")
    _, weights, _, _, count = head.get_targets(
        anchors, flags, [sample.gt_instances for sample in samples], metas
    )
    expected = 0.0
    for level, boxes in enumerate(anchors[0]):
        a, b, da, db = (
            m[level].permute(0, 2, 3, 1).reshape(-1, size)
            for m, size in ((s, 20), (t, 20), (ds, 4), (dt, 4))
        )
        q = b.sigmoid()
        entropy = nn.BCEWithLogitsLoss(reduction="none")(a, q)
        scores = entropy * (a.sigmoid() - q).abs() * weights[level].reshape(-1, 1)
        boxes = boxes.repeat(len(samples), 1)
        pair = [head.bbox_coder.decode(boxes, d) for d in (da, db)]
        apart = GIoULoss()(*pair, q.amax(1), avg_factor=count)
        expected += scores.sum() / count + apart
    torch.testing.assert_close(amplifier(x, y, samples), expected)


def test_the_regions_are_those_that_the_student_was_trained_on():
    config = stage("faster-rcnn", "ds2d2_")
    model = build(config.model).train()
    loss = model.distiller.distill_losses.loss_ds2d2
    got = []
    forward = loss.amplifiers.full.forward
    loss.amplifiers.full.forward = lambda *given: (
        got.append(given[3]) or forward(*given)
    )
    used = []
    model.student.roi_head.bbox_roi_extractor.register_forward_hook(
        lambda module, inputs, outputs: used.append(inputs[1])
    )
    data = model.data_preprocessor(random_batch(20), training=True)
    model(**copy.deepcopy(data), mode="loss")
    assert len(got) == len(used) == 1
    assert got[0].shape[1] == 5
    assert torch.equal(got[0], used[0])
