"""Frozen heads judge features: what they compute, and what they refuse."""

import copy

import pytest
import torch
import torch.nn.functional as F
from mmengine.structures import BaseDataElement, PixelData
from mmrazor.registry import MODELS
from torch import nn

import texture_kd.components  # noqa: F401
from texture_kd.amplifiers import head
from texture_kd.connectors.high_frequency import HighFrequencyMaps
from texture_kd.functional import channel_kl, pixel_kl, two_class_logits

CLASSES, SIZE = 4, (8, 10)


def head_config(**changes):
    return dict(
        dict(
            type="mmseg.PSPHead",
            in_channels=12,
            in_index=3,
            channels=8,
            pool_scales=(1, 2),
            num_classes=CLASSES,
            norm_cfg=dict(type="BN"),
            dropout_ratio=0.5,
            align_corners=False,
        ),
        **changes,
    )


class Segmentor(nn.Module):
    """What an amplifier wants of a teacher."""

    def __init__(self, **changes):
        super().__init__()
        self.backbone = nn.Conv2d(3, 2, 1)
        self.decode_head = MODELS.build(head_config(**changes))
        self.eval()


@pytest.fixture
def teacher():
    torch.manual_seed(0)
    return Segmentor()


@pytest.fixture
def checkpoint(teacher, tmp_path):
    """Write what an amplifier's training leaves, for a mode."""

    def write(mode="sum"):
        trained = copy.deepcopy(teacher)
        trained.high_frequency = HighFrequencyMaps([12], mode)
        with torch.no_grad():
            for part in (trained.decode_head, trained.high_frequency):
                for parameter in part.parameters():
                    parameter.add_(0.1 * torch.randn_like(parameter))
        path = tmp_path / f"{mode}.pth"
        torch.save(dict(state_dict=trained.state_dict()), path)
        return str(path), trained

    return write


def features(channels=12, images=2):
    return (None, None, None, torch.randn(images, channels, *SIZE))


def samples(images=2, ignore=255):
    labels = torch.randint(CLASSES, (images, 1, 32, 40))
    labels[:, :, :16] = ignore
    return [BaseDataElement(gt_sem_seg=PixelData(data=label)) for label in labels]


def build(teacher, **options):
    amplifier = MODELS.build(dict(type="SegmentationAmplifier", **options))
    amplifier.attach_teacher(teacher)
    return amplifier.eval()


def test_without_a_mode_it_is_the_teachers_own_head(teacher):
    amplifier = build(teacher)
    assert amplifier.levels == (3,)
    assert not list(amplifier.parameters())
    assert not amplifier.state_dict()
    student, target, batch = features(), features(), samples()
    s, t = (teacher.decode_head(x) for x in (student, target))
    # The upper half is ignored.
    divergence = pixel_kl(t, s, 3.0)[:, 4:]
    value = amplifier(student, target, batch)
    torch.testing.assert_close(value, 0.5 * divergence.mean())
    assert amplifier(target, target, batch).abs() < 1e-6


@pytest.mark.parametrize("mode", ["sum", "magnitude", "concat"])
def test_with_a_mode_it_is_the_checkpoints(teacher, checkpoint, mode):
    path, trained = checkpoint(mode)
    amplifier = build(teacher, mode=mode, checkpoint=path)
    channels = 36 if mode == "concat" else 12
    student, target, batch = features(channels), features(channels), samples()
    s, t = (
        trained.decode_head((*x[:3], *trained.high_frequency.mixed([x[3]])))
        for x in (student, target)
    )
    value = amplifier(student, target, batch)
    torch.testing.assert_close(value, 0.5 * pixel_kl(t, s, 3.0)[:, 4:].mean())
    # The teacher's own head stays as it was.
    own = teacher.decode_head.state_dict()
    copied = amplifier.decode_head.state_dict()
    assert not torch.equal(own["conv_seg.weight"], copied["conv_seg.weight"])
    assert own["conv_seg.weight"] is not copied["conv_seg.weight"]


def test_without_a_checkpoint_maps_go_to_the_teachers_own_head(teacher, monkeypatch):
    said = []
    monkeypatch.setattr(head, "print_log", lambda text, **options: said.append(text))
    student, target, batch = features(), features(), samples()
    plain = build(teacher)(student, target, batch)
    assert not said
    value = build(teacher, mode="sum")(student, target, batch)
    torch.testing.assert_close(value, plain)
    assert "mode='sum' has no checkpoint" in said[0]


def test_a_head_of_one_channel_is_a_sigmoids():
    teacher = Segmentor(num_classes=2, out_channels=1, threshold=0.5)
    student, target = features(), features()
    z = [teacher.decode_head(x)[:, :, 4:] for x in (student, target)]
    for kind, divergence in (
        ("kl", pixel_kl(*(two_class_logits(x) for x in z[::-1]), 3.0)),
        ("cwd", channel_kl(*z[::-1], 3.0)),
    ):
        found = build(teacher, kind=kind)(student, target, samples())
        torch.testing.assert_close(found, 0.5 * divergence.mean())


def test_channel_wise(teacher):
    amplifier = build(teacher, kind="cwd", temperature=2.0)
    student, target, batch = features(), features(), samples()
    s, t = (
        teacher.decode_head(x)[:, :, 4:].double().flatten(2) / 2
        for x in (student, target)
    )
    p, q = s.softmax(2), t.softmax(2)
    expected = 0.5 * 4 * (q * (q.log() - p.log())).sum(2).mean()
    torch.testing.assert_close(amplifier(student, target, batch), expected.float())


@pytest.mark.parametrize("kind", ["kl", "cwd"])
def test_nothing_but_ignored_pixels_gives_zero_with_a_graph(kind):
    torch.manual_seed(0)
    amplifier = build(Segmentor(), kind=kind, ignore_index=11)
    student, batch = features(), samples()
    student[3].requires_grad_()
    for sample in batch:
        sample.gt_sem_seg.data.fill_(11)
    value = amplifier(student, features(), batch)
    value.backward()
    assert value.item() == 0
    assert torch.equal(student[3].grad, torch.zeros_like(student[3]))


@pytest.mark.parametrize("kind", ["kl", "cwd"])
def test_pixels_of_padding_do_not_count(teacher, kind):
    amplifier = build(teacher, kind=kind)
    student, target = features(), features()
    labelled, unlabelled = samples(), samples()
    for sample in unlabelled:
        sample.gt_sem_seg.data[:, :16] = 0
    valid = torch.ones(2, 32, 40, dtype=torch.bool)
    valid[:, :16] = False
    expected = amplifier(student, target, labelled)
    torch.testing.assert_close(
        amplifier(student, target, unlabelled, None, valid), expected
    )
    torch.testing.assert_close(
        amplifier(student, target, labelled, None, torch.ones_like(valid)), expected
    )


@pytest.mark.parametrize("kind", ["kl", "cwd"])
def test_gradients_reach_the_student_only(teacher, kind):
    amplifier = build(teacher.requires_grad_(False), kind=kind)
    student, target = features(), features()
    for x in (student[3], target[3]):
        x.requires_grad_()
    amplifier(student, target, samples()).backward()
    assert student[3].grad.abs().sum() > 0
    assert target[3].grad is None
    assert all(p.grad is None for p in teacher.parameters())


def test_the_head_of_a_teacher_in_training_is_frozen():
    teacher = Segmentor(in_index=0).train()
    loss = MODELS.build(
        dict(
            type="DS2D2Loss",
            student_channels=[12],
            teacher_channels=[12],
            low_weight=0,
            high_weight=0,
            amplifiers=dict(full=dict(type="SegmentationAmplifier")),
        )
    )
    before = copy.deepcopy(teacher.decode_head.state_dict())
    loss.attach_teacher(teacher)
    loss.train()
    student, target, batch = features()[3:], features()[3:], samples()
    student[0].requires_grad_()
    values = [loss(student, target, batch) for _ in range(2)]
    values[0].backward()
    assert torch.equal(*values)
    torch.testing.assert_close(teacher.decode_head.state_dict(), before)
    assert all(p.grad is None for p in teacher.parameters())


def test_a_head_of_several_levels():
    several = dict(
        type="mmseg.FCNHead",
        num_convs=0,
        concat_input=False,
        channels=20,
        in_channels=[8, 12],
        in_index=[1, -1],
        input_transform="resize_concat",
    )
    config = {k: v for k, v in head_config(**several).items() if k != "pool_scales"}
    teacher = Segmentor()
    teacher.decode_head = MODELS.build(config).eval()
    amplifier = build(teacher)
    assert amplifier.levels == (1, -1)
    student, target = (
        (None, torch.randn(2, 8, 16, 20), None, torch.randn(2, 12, *SIZE))
        for _ in range(2)
    )
    s, t = (teacher.decode_head(x) for x in (student, target))
    expected = 0.5 * pixel_kl(t, s, 3.0)[:, 8:].mean()
    torch.testing.assert_close(amplifier(student, target, samples()), expected)
    wrong = (None, torch.randn(2, 9, 16, 20), None, torch.randn(2, 12, *SIZE))
    with pytest.raises(ValueError, match=r"of 20 channels.*have 21"):
        amplifier(wrong, target, samples())


def test_summed_levels_and_the_finest_feature_of_deeplab_v3_plus():
    teacher = Segmentor()
    teacher.decode_head = MODELS.build(
        dict(
            type="mmseg.DepthwiseSeparableASPPHead",
            in_channels=[8, 12],
            in_index=[1, -1],
            input_transform="resize_concat",
            channels=4,
            c1_in_channels=6,
            c1_channels=2,
            num_classes=CLASSES,
            norm_cfg=dict(type="BN"),
            align_corners=False,
        )
    ).eval()
    amplifier = build(teacher)
    assert amplifier.levels == (1, -1, 0)
    student, target = (
        tuple(torch.randn(2, c, *SIZE) for c in (6, 8, 9, 12)) for _ in range(2)
    )
    s, t = (teacher.decode_head(x) for x in (student, target))
    expected = 0.5 * pixel_kl(t, s, 3.0)[:, 4:].mean()
    torch.testing.assert_close(amplifier(student, target, samples()), expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(mode="max"), "mode among"),
        (dict(kind="mse"), "kind among"),
        (dict(temperature=0), "positive temperature"),
        (dict(checkpoint="x.pth"), "without mode is the teacher's own head"),
    ],
)
def test_wrong_options_are_named(teacher, options, message):
    with pytest.raises(ValueError, match=message):
        build(teacher, **options)


def test_checkpoints_that_do_not_fit_are_named(teacher, checkpoint, tmp_path):
    path, trained = checkpoint()

    def attach(mode="sum", path=path, teacher=teacher):
        return build(teacher, mode=mode, checkpoint=path)

    with pytest.raises(ValueError, match=r"trained with mode='sum'.*mode='concat'"):
        attach("concat")
    with pytest.raises(ValueError, match=r"another teacher: its backbone\.weight"):
        attach(teacher=Segmentor())
    plain = str(tmp_path / "plain.pth")
    torch.save(dict(state_dict=teacher.state_dict()), plain)
    with pytest.raises(ValueError, match=r"plain\.pth is of no amplifier"):
        attach(path=plain)
    state = trained.state_dict()
    for change, message in (
        (
            {"decode_head.conv_seg.weight": torch.zeros(7, 8, 1, 1)},
            r"predicts 7 classes, and the amplifier in the config 4: give a checkpoint",
        ),
        (
            {"decode_head.conv_seg.weight": torch.zeros(4, 9, 1, 1)},
            r"does not fit the amplifier in the config: decode_head\.conv_seg\.weight",
        ),
        ({"decode_head.conv_seg.bias": None}, r"lacks 1 of the amplifier's"),
    ):
        changed = {k: v for k, v in (state | change).items() if v is not None}
        torch.save(dict(state_dict=changed), plain)
        with pytest.raises(ValueError, match=message):
            attach(path=plain)
    torch.save([1], plain)
    with pytest.raises(ValueError, match=r"amplifier checkpoint .* is no dict"):
        attach(path=plain)
    (tmp_path / "cut.pth").write_bytes((tmp_path / "sum.pth").read_bytes()[:300])
    with pytest.raises(RuntimeError, match=r"The amplifier checkpoint: .*cut\.pth"):
        attach(path=str(tmp_path / "cut.pth"))
    with pytest.raises(FileNotFoundError, match=r"The amplifier checkpoint: .*absent"):
        attach(path="absent.pth")


def test_teachers_that_do_not_fit_are_named(teacher):
    with pytest.raises(ValueError, match="has none"):
        build(nn.Conv2d(3, 2, 1))
    teacher.decode_head = nn.ModuleList([teacher.decode_head])
    with pytest.raises(ValueError, match="a cascade of them"):
        build(teacher)


def test_features_that_do_not_fit_are_named(teacher):
    amplifier = build(teacher)
    with pytest.raises(
        ValueError, match=r"levels \(3,\) of \[12\] channels.*have \[13\]"
    ):
        amplifier(features(), features(13), samples())
    batch = samples()
    del batch[0].gt_sem_seg
    with pytest.raises(ValueError, match="no gt_sem_seg"):
        amplifier(features(), features(), batch)
    teacher.decode_head.forward = lambda inputs: [inputs[3]]
    with pytest.raises(ValueError, match="returns a list"):
        amplifier(features(), features(), samples())


def test_half_precision_under_autocast(teacher):
    amplifier = build(teacher)
    with torch.autocast("cpu", torch.bfloat16):
        value = amplifier(features(), features(), samples())
    assert value.dtype == torch.float32
    assert value.isfinite()
    assert F.relu(value) == value
