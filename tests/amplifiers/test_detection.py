"""Amplifiers of detectors, with heads that stand in for MMDetection's."""

import copy

import pytest
import torch
import torch.nn.functional as F
from mmrazor.registry import MODELS
from torch import nn
from toy_detectors import (
    CHANNELS,
    CLASSES,
    AnchorHead,
    Detector,
    RegionHead,
    features,
    samples,
)

import texture_kd.components  # noqa: F401
from texture_kd.connectors.high_frequency import HighFrequencyMaps

ROIS = torch.tensor([[0.0, 0, 0, 3, 4], [1, 2, 2, 5, 6], [1, 0, 3, 6, 8]])
KINDS = {
    "RetinaNetAmplifier": ("bbox_head", AnchorHead, None),
    "FasterRCNNAmplifier": ("roi_head", RegionHead, ROIS),
}
both = pytest.mark.parametrize("kind", KINDS)


def teacher(kind):
    torch.manual_seed(0)
    name, head, _ = KINDS[kind]
    return Detector(name, head()).eval().requires_grad_(False)


def build(kind, detector=None, **options):
    amplifier = MODELS.build(dict(type=kind, **options))
    amplifier.attach_teacher(teacher(kind) if detector is None else detector)
    return amplifier.eval().requires_grad_(False)


def giou(a, b):
    """Follow the definition, for one pair of boxes."""
    low, high = torch.maximum(a, b)[:2], torch.minimum(a, b)[2:]
    shared = (high - low).clamp_min(0).prod()
    union = sum((x[2:] - x[:2]).prod() for x in (a, b)) - shared
    about = (torch.maximum(a, b)[2:] - torch.minimum(a, b)[:2]).prod()
    return shared / union - (about - union) / about


def slow_anchors(head, student, target, batch, beta):
    """Follow the definition: level by level, anchor by anchor."""
    outputs = [head(x) for x in (student, target)]
    metas = [sample.metainfo for sample in batch]
    grids = [x.shape[-2:] for x in student]
    anchors, flags = head.get_anchors(grids, metas, "cpu")
    boxes = [sample.gt_instances for sample in batch]
    _, weights, _, _, count = head.get_targets(anchors, flags, boxes, metas, boxes)
    total = 0.0
    for level, (height, width) in enumerate(grids):
        for image in range(len(batch)):
            for index in range(height * width * 2):
                y, x, a = index // 2 // width, index // 2 % width, index % 2
                (s, ds), (t, dt) = (
                    (
                        cls[level][image, a * CLASSES : (a + 1) * CLASSES, y, x],
                        reg[level][image, a * 4 : (a + 1) * 4, y, x],
                    )
                    for cls, reg in outputs
                )
                q, p = t.sigmoid(), s.sigmoid()
                entropy = F.binary_cross_entropy(p, q, reduction="none")
                focal = ((p - q).abs() ** beta * entropy).sum()
                total += weights[level][image, index] * focal
                anchor = anchors[0][level][index][None]
                pair = (head.bbox_coder.decode(anchor, d[None])[0] for d in (ds, dt))
                total += q.max() * (1 - giou(*pair))
    return total / count


def slow_regions(head, student, target, temperature, weight):
    """Follow the definition, region by region."""
    outputs = []
    for x in (student, target):
        outputs.append(head.bbox_head(head.bbox_roi_extractor(x, ROIS)))
    (s, ds), (t, dt) = outputs
    divergence = moved = weights = 0.0
    for r in range(len(ROIS)):
        p, q = ((z[r] / temperature).softmax(0) for z in (t, s))
        divergence += temperature**2 * (p * (p / q).log()).sum()
        seen = t[r].softmax(0)[:CLASSES]
        best = int(seen.argmax())
        part = slice(4 * best, 4 * best + 4)
        moved += seen[best] * (ds[r, part] - dt[r, part]).abs().sum()
        weights += seen[best]
    return weight * divergence / len(ROIS) + moved / (4 * weights)


@pytest.mark.parametrize("beta", [1.0, 2.0])
@pytest.mark.parametrize("images", [1, 2])
def test_anchors_equal_the_definition(images, beta):
    detector = teacher("RetinaNetAmplifier").double()
    amplifier = build("RetinaNetAmplifier", detector, beta=beta)
    student, target = (features(images, dtype=torch.float64) for _ in range(2))
    batch = samples(images)
    expected = slow_anchors(detector.bbox_head, student, target, batch, beta)
    torch.testing.assert_close(amplifier(student, target, batch), expected)


@pytest.mark.parametrize("options", [{}, dict(temperature=1.0, kd_weight=2.0)])
def test_regions_equal_the_definition(options):
    detector = teacher("FasterRCNNAmplifier").double()
    amplifier = build("FasterRCNNAmplifier", detector, **options)
    student, target = (features(dtype=torch.float64) for _ in range(2))
    given = dict(temperature=3.0, weight=0.5)
    if options:
        given = dict(temperature=1.0, weight=2.0)
    expected = slow_regions(detector.roi_head, student, target, **given)
    found = amplifier(student, target, samples(), ROIS)
    torch.testing.assert_close(found, expected)


def test_anchors_of_padding_do_not_count():
    detector = teacher("RetinaNetAmplifier").double()
    amplifier = build("RetinaNetAmplifier", detector)
    student, target = (features(dtype=torch.float64) for _ in range(2))
    valid = torch.ones(2, 1, 64, 48, dtype=torch.bool)
    plain = amplifier(student, target, samples())
    everything = amplifier(student, target, samples(), None, valid)
    torch.testing.assert_close(everything, plain)
    # The head's convolutions reach one position further than what differs.
    valid[:, :, :32] = False
    same = [x.clone() for x in target]
    for ours, theirs in zip(same, student, strict=True):
        rows = ours.shape[2] // 2 - 1
        ours[:, :, :rows] = theirs[:, :, :rows]
    assert amplifier(same, target, samples()) > 1e-3
    assert amplifier(same, target, samples(), None, valid).abs() < 1e-10
    valid[:, :, 24:] = True
    assert amplifier(same, target, samples(), None, valid) > 1e-3


def test_the_divergence_is_a_mean_over_regions():
    amplifier = build("FasterRCNNAmplifier")
    student, target = features(), features()
    once, twice = (
        amplifier(student, target, samples(), rois)
        for rois in (ROIS, torch.cat([ROIS, ROIS]))
    )
    torch.testing.assert_close(once, twice)


@both
def test_of_equal_features_nothing_is_left(kind):
    amplifier, x = build(kind), features()
    student = [level.clone().requires_grad_() for level in x]
    value = amplifier(student, x, samples(), KINDS[kind][2])
    assert abs(value.item()) < 1e-5


@both
def test_gradients_reach_the_student_alone(kind):
    detector = teacher(kind)
    amplifier = build(kind, detector)
    student, target = features(), features()
    for level in (*student, *target):
        level.requires_grad_()
    amplifier(student, target, samples(), KINDS[kind][2]).backward()
    assert student[0].grad.abs().sum() > 0
    assert all(level.grad is None for level in target)


@both
def test_the_full_one_is_the_teachers_own_head(kind):
    detector = teacher(kind)
    amplifier = build(kind, detector)
    assert amplifier.head is detector.get_submodule(KINDS[kind][0])
    assert not list(amplifier.parameters())
    assert amplifier.levels == (0, 1)


@both
@pytest.mark.parametrize("mode", ["sum", "magnitude", "concat"])
def test_the_high_one_is_a_copy_with_its_own_weights(kind, mode, tmp_path):
    detector = teacher(kind)
    trained = copy.deepcopy(detector)
    name, _, rois = KINDS[kind]
    # Three levels: an RPN reads one more than the head of regions.
    trained.high_frequency = HighFrequencyMaps([CHANNELS] * 3, mode)
    for part in (trained.get_submodule(name), trained.high_frequency.mixes):
        for parameter in part.parameters():
            parameter.data.add_(0.1 * torch.randn_like(parameter))
    path = str(tmp_path / "amplifier.pth")
    torch.save(dict(state_dict=trained.state_dict()), path)
    amplifier = build(kind, detector, mode=mode, checkpoint=path)
    for key, value in amplifier.state_dict().items():
        assert torch.equal(value, trained.state_dict()[key])
    assert amplifier.head is not detector.get_submodule(name)
    bands = 3 if mode == "concat" else 1
    maps = [tuple(x.repeat_interleave(bands, 1) for x in features()) for _ in range(2)]
    value = amplifier(*maps, samples(), rois)
    mixed = [tuple(trained.high_frequency.mixed([*x, x[0]])[:2]) for x in maps]
    expected = build(kind, trained)(*mixed, samples(), rois)
    torch.testing.assert_close(value, expected)


def test_no_regions_and_no_objects():
    amplifier = build("FasterRCNNAmplifier")
    student, target = features(), features()
    student[0].requires_grad_()
    value = amplifier(student, target, samples(), ROIS[:0])
    assert value.item() == 0
    amplifier = build("RetinaNetAmplifier")
    batch = samples()
    amplifier.head.get_targets = lambda *_: (
        None,
        [torch.ones(2, 96), torch.ones(2, 24)],
        None,
        None,
        1,
    )
    for sample in batch:
        sample.gt_instances = sample.gt_instances[:0]
    assert amplifier(student, target, batch).isfinite()


@both
def test_half_precision_under_autocast(kind):
    amplifier = build(kind)
    with torch.autocast("cpu", torch.bfloat16):
        value = amplifier(features(), features(), samples(), KINDS[kind][2])
    assert value.dtype == torch.float32
    assert value.isfinite()


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("RetinaNetAmplifier", dict(beta=0.5), "beta of at least 1"),
        ("RetinaNetAmplifier", dict(mode="max"), "mode among"),
        ("FasterRCNNAmplifier", dict(temperature=0.0), "positive temperature"),
        (
            "FasterRCNNAmplifier",
            dict(checkpoint="x.pth"),
            "a FasterRCNNAmplifier without mode is the teacher's own head",
        ),
    ],
)
def test_wrong_options_are_named(kind, options, message):
    with pytest.raises(ValueError, match=message):
        build(kind, **options)


@both
def test_teachers_that_do_not_fit_are_named(kind):
    other = next(name for name in KINDS if name != kind)
    for detector, found in ((nn.Conv2d(3, 2, 1), "none"), (teacher(other), "none")):
        with pytest.raises(ValueError, match=f"{type(detector).__name__} has {found}"):
            build(kind, detector)


def test_heads_that_cannot_assign_anchors_or_are_a_cascade_are_named():
    detector = teacher("RetinaNetAmplifier")
    detector.bbox_head.train_cfg = None
    with pytest.raises(ValueError, match="train_cfg"):
        build("RetinaNetAmplifier", detector)
    detector = teacher("FasterRCNNAmplifier")
    detector.roi_head.bbox_roi_extractor = nn.ModuleList()
    with pytest.raises(ValueError, match="has RegionHead"):
        build("FasterRCNNAmplifier", detector)


@both
def test_features_that_do_not_fit_are_named(kind):
    amplifier = build(kind)
    for wrong in (features()[:1], (features()[0], torch.randn(2, 7, 4, 3))):
        with pytest.raises(ValueError, match=r"levels \(0, 1\) of \[6, 6\] channels"):
            amplifier(wrong, features(), samples(), KINDS[kind][2])


def test_missing_objects_and_regions_are_named():
    batch = samples()
    del batch[1].gt_instances
    with pytest.raises(ValueError, match="no gt_instances"):
        build("RetinaNetAmplifier")(features(), features(), batch)
    for rois in (None, torch.zeros(3, 4)):
        with pytest.raises(ValueError, match="map rois to the student's"):
            build("FasterRCNNAmplifier")(features(), features(), samples(), rois)


def test_a_head_of_other_maps_is_named(monkeypatch):
    forward = AnchorHead.forward
    monkeypatch.setattr(
        AnchorHead, "forward", lambda self, x: (*forward(self, x), "centerness")
    )
    amplifier = build("RetinaNetAmplifier")
    with pytest.raises(ValueError, match="AnchorHead predicts 3 kinds of maps where"):
        amplifier(features(), features(), samples())
