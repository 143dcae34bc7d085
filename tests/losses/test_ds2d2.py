import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.dataset import Compose
from mmengine.structures import BaseDataElement, PixelData
from mmrazor.registry import MODELS
from mmseg.datasets.transforms import PackSegInputs
from torch import nn

import texture_kd.components  # noqa: F401
from texture_kd.datasets import LabelComponents
from texture_kd.functional import (
    band_distance,
    component_shares,
    haar_dwt,
    valid_area,
)
from texture_kd.functional import high_frequency as details_map
from texture_kd.losses import DS2D2Loss

S, T = (4, 6, 6), (5, 6, 8)
SIZES = ((12, 10), (6, 5), (6, 5))


@MODELS.register_module()
class SummingAmplifier(nn.Module):
    """Compares sums over a random projection of one level, and keeps what it got."""

    def __init__(self, mode=None, level=-1):
        super().__init__()
        self.mode = mode
        self.levels = (level,)

    def attach_teacher(self, teacher):
        self.norm = nn.BatchNorm2d(teacher.channels[self.levels[0]])
        self.teacher = (teacher,)

    def forward(self, student, teacher, samples, rois, valid):
        self.seen = (student, teacher, samples, rois)
        self.valid = valid
        level = self.levels[0]
        return F.mse_loss(self.norm(student[level]), self.norm(teacher[level]))


class Teacher(nn.Module):
    channels = T


def features(channels, sizes=SIZES, images=2, dtype=torch.float32):
    return tuple(
        torch.randn(images, c, *size, dtype=dtype)
        for c, size in zip(channels, sizes, strict=True)
    )


def samples(images=2, size=(48, 40)):
    return [
        BaseDataElement(
            gt_components=PixelData(data=torch.randint(-1, 5, (1, *size)).int()),
            gt_sem_seg=PixelData(data=torch.randint(0, 3, (1, *size))),
        )
        for _ in range(images)
    ]


def ids_of(batch):
    return torch.cat([sample.gt_components.data for sample in batch])


def build(**options):
    torch.manual_seed(0)
    options = dict(student_channels=S, teacher_channels=T) | options
    loss = MODELS.build(dict(type="DS2D2Loss", **options))
    loss.attach_teacher(Teacher())
    return loss


FULL = dict(type="SummingAmplifier")
HIGH = dict(type="SummingAmplifier", mode="sum")


@pytest.mark.parametrize("norm", ["none", "channel"])
def test_the_explicit_terms_equal_their_definition(norm):
    loss = build(norm=norm, low_weight=0.3, high_weight=7.0, gamma=2.0)
    student, teacher, batch = features(S), features(T), samples()
    low = high = 0
    for level in range(3):
        x = loss.adapters(level, student[level])
        ours, theirs = haar_dwt(x), haar_dwt(teacher[level])
        shares = component_shares(ids_of(batch), tuple(ours[0].shape[2:]), 2.0)
        low += band_distance(ours[0], theirs[0], shares, norm)
        high += band_distance(ours[1], theirs[1], shares, norm)
    value = loss(student, teacher, batch)
    torch.testing.assert_close(value, 0.3 * low + 7 * high)
    torch.testing.assert_close(loss.parts, dict(low=low, high=high))
    assert not any(part.requires_grad for part in loss.parts.values())


@pytest.mark.parametrize("name", ["low", "high"])
def test_a_weight_of_zero_takes_an_explicit_term_out(name):
    loss = build(weighting="none", **{f"{name}_weight": 0})
    value = loss(features(S), features(T))
    assert set(loss.parts) == {"low", "high"} - {name}
    torch.testing.assert_close(value.detach(), *loss.parts.values())


def test_without_weights_and_norm_it_is_four_times_the_error_of_the_features():
    sizes = ((12, 10), (6, 4), (6, 4))
    loss = build(weighting="none", norm="none", high_weight=3.0)
    student, teacher = features(S, sizes), features(T, sizes)
    errors = [
        F.mse_loss(loss.adapters(level, student[level]), teacher[level])
        for level in range(3)
    ]
    torch.testing.assert_close(loss(student, teacher), 4 * sum(errors))


def test_levels_are_chosen():
    loss = build(weighting="none", levels=(2, 0))
    student, teacher = features(S), features(T)
    total = loss(student, teacher)
    parts = 0
    for level in (0, 2):
        one = build(weighting="none", levels=[level])
        one.adapters.load_state_dict(loss.adapters.state_dict(), strict=False)
        parts = parts + one(student, teacher)
    torch.testing.assert_close(total, parts)
    assert sum(1 for _ in loss.adapters.parameters()) == 2


@pytest.mark.parametrize("size", [(12, 10), (5, 7), (24, 20)])
def test_the_student_is_brought_to_the_grid_of_the_teacher(size):
    loss = build(weighting="none", levels=[0])
    student, teacher = features(S, (size, *SIZES[1:])), features(T)
    aligned = loss.adapters(0, student[0])
    resized = F.interpolate(aligned, (12, 10), mode="bilinear", align_corners=False)
    ours, theirs = haar_dwt(resized), haar_dwt(teacher[0])
    expected = sum(
        band_distance(*pair, norm="channel") for pair in zip(ours, theirs, strict=True)
    )
    torch.testing.assert_close(loss(student, teacher), expected)


def test_one_adapter_may_serve_all_levels():
    loss = build(
        student_channels=[4] * 3,
        teacher_channels=[6] * 3,
        shared_adapter=True,
        weighting="none",
    )
    assert len(list(loss.parameters())) == len(loss.state_dict()) == 1
    loss(features([4] * 3), features([6] * 3)).backward()
    assert all(p.grad is not None for p in loss.parameters())


def test_gradients_reach_the_student_and_the_adapters_only():
    loss = build(amplifiers=dict(full=FULL, high=HIGH)).train()
    student, teacher = features(S), features(T)
    for x in (*student, *teacher):
        x.requires_grad_()
    loss(student, teacher, samples()).backward()
    assert all(x.grad.abs().sum() > 0 for x in student)
    assert all(x.grad is None for x in teacher)
    for name, parameter in loss.named_parameters():
        assert (parameter.grad is not None) == name.startswith("adapters"), name


def test_amplifiers_get_what_they_read():
    loss = build(amplifiers=dict(full=dict(FULL, loss_weight=3.0), high=HIGH))
    student, teacher, batch = features(S), features(T), samples()
    rois = torch.zeros(1, 5)
    value = loss(student, teacher, batch, rois)
    aligned = loss.adapters(2, student[2])
    full, high = loss.amplifiers.full, loss.amplifiers.high
    for amplifier in (full, high):
        ours, theirs, got, regions = amplifier.seen
        assert [x is None for x in ours] == [x is None for x in theirs] == [1, 1, 0]
        assert got is batch
        assert regions is rois
        assert not theirs[2].requires_grad
    torch.testing.assert_close(full.seen[0][2], aligned)
    assert torch.equal(full.seen[1][2], teacher[2])
    for x, side in ((aligned, 0), (teacher[2], 1)):
        expected = details_map(haar_dwt(x)[1], (6, 5), "sum")
        torch.testing.assert_close(high.seen[side][2], expected)
    parts = loss.parts
    assert set(parts) == {"low", "high", "full", "amplified"}
    torch.testing.assert_close(
        value.detach(),
        parts["low"] + parts["high"] + 3 * parts["full"] + parts["amplified"],
    )


@pytest.mark.parametrize("use", ["auto", "always"])
def test_where_channels_agree_amplifiers_get_the_raw_features(use):
    amplifier = dict(FULL, level=1)
    for explicit in (1.0, 0.0):
        loss = build(
            levels=[1],
            weighting="none",
            low_weight=explicit,
            high_weight=explicit,
            implicit_use_adapter=use,
            amplifiers=dict(full=amplifier),
        )
        student, teacher = features(S), features(T)
        loss(student, teacher, samples())
        seen = loss.amplifiers.full.seen[0][1]
        assert torch.equal(seen, student[1]) == (use == "auto")
        needed = explicit or use == "always"
        assert len(list(loss.adapters.parameters())) == bool(needed)


def test_an_amplifier_of_weight_zero_is_not_built():
    amplifiers = dict(full=FULL, high=dict(type="NoSuchThing", loss_weight=0))
    loss = build(amplifiers=amplifiers)
    assert list(loss.amplifiers.weights) == ["full"]
    loss(features(S), features(T), samples())
    assert set(loss.parts) == {"low", "high", "full"}


def test_amplifiers_are_frozen_and_nobody_saves_them():
    loss = build(amplifiers=dict(full=FULL, high=HIGH))
    before = {k: v.clone() for k, v in loss.amplifiers.full.state_dict().items()}
    for mode in (True, False):
        assert loss.train(mode).training == mode
        assert not any(module.training for module in loss.amplifiers.modules())
        loss(features(S), features(T), samples())
    for key, value in loss.amplifiers.full.state_dict().items():
        assert torch.equal(value, before[key])
    state = loss.state_dict()
    assert all(key.startswith("adapters.") for key in state)
    loss.load_state_dict(state)
    foreign = {f"amplifiers.full.{k}": v + 1 for k, v in before.items()}
    loss.load_state_dict({**state, **foreign})
    for key, value in loss.amplifiers.full.state_dict().items():
        assert torch.equal(value, before[key])


@pytest.mark.parametrize("weighting", ["component", "class", "bbox"])
@pytest.mark.parametrize("norm", ["none", "channel"])
def test_labels_without_anything_weigh_as_none(weighting, norm):
    batch = samples()
    for sample in batch:
        sample.gt_components.data.fill_(-1)
        sample.gt_sem_seg.data.fill_(11)
    student, teacher = features(S), features(T)
    loss = build(weighting=weighting, norm=norm, ignore_index=11)
    plain = build(weighting="none", norm=norm)
    torch.testing.assert_close(loss(student, teacher, batch), plain(student, teacher))


@pytest.mark.parametrize("weighting", ["component", "class", "bbox"])
def test_an_image_of_ignored_labels_weighs_as_none_from_the_pipeline_on(weighting):
    pipeline = Compose([PackSegInputs(), LabelComponents()])
    maps = dict(img=np.zeros((48, 40, 3), np.uint8), seg_fields=["gt_seg_map"])
    batch = [
        pipeline(dict(maps, gt_seg_map=np.full((48, 40), 255, np.uint8)))[
            "data_samples"
        ]
        for _ in range(2)
    ]
    student, teacher = features(S), features(T)
    loss, plain = build(weighting=weighting), build(weighting="none")
    torch.testing.assert_close(loss(student, teacher, batch), plain(student, teacher))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("images", [1, 2])
def test_features_of_any_precision(dtype, images):
    loss = build(amplifiers=dict(full=FULL, high=HIGH))
    student, teacher = (features(c, images=images, dtype=dtype) for c in (S, T))
    if dtype == torch.float64:
        loss.double()
    for autocast in (False, dtype == torch.bfloat16):
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            value = loss(student, teacher, samples(images))
        assert value.dtype == torch.promote_types(dtype, torch.float32)
        assert value.isfinite()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(weighting="area"), "weighting among"),
        (dict(norm="batch"), "norm among"),
        (dict(implicit_use_adapter="never"), "implicit_use_adapter among"),
        (dict(gamma=-1), "gamma"),
        (dict(gamma=float("inf")), "finite gamma"),
        (dict(low_weight=-1), "finite low_weight of at least 0, got -1"),
        (dict(high_weight=float("nan")), "finite high_weight"),
        (
            dict(amplifiers=dict(full=dict(FULL, loss_weight=-1))),
            "loss_weight of 'full'",
        ),
        (dict(high_weight="1"), "finite high_weight of at least 0, got '1'"),
        (dict(student_channels=4), r"student_channels as the channels.*got 4"),
        (dict(student_channels=[4, 8, "16"]), "student_channels as the channels"),
        (dict(teacher_channels=[5, 0, 5]), "teacher_channels as the channels"),
        (dict(levels=3), "different levels.*as integers, got 3"),
        (dict(levels=[0.0]), "as integers"),
        (dict(student_channels=[4]), "as many levels.*of the same strides"),
        (dict(levels=[]), "at least one"),
        (dict(levels=[0, 0]), "different levels"),
        (dict(levels=[0, 3]), "no level 3.*0 to 2"),
        (dict(levels=[-1]), "no level -1"),
        (dict(shared_adapter=True), "shared_adapter needs one"),
        (dict(low_weight=0, high_weight=0), "nothing is left"),
        (dict(amplifiers=dict(mid=FULL)), "key of amplifiers among.*'mid'"),
        (dict(amplifiers=dict(full=HIGH)), "'full' has mode='sum'"),
        (dict(amplifiers=dict(high=FULL)), "'high' has mode=None"),
        (dict(levels=[0], amplifiers=dict(full=FULL)), r"'full' reads .*\(2,\)"),
        (
            dict(low_weight=0, high_weight=0, amplifiers=dict(full=FULL)),
            r"no term reads the levels \[0, 1\]: set levels=\[2\]",
        ),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        build(**options)


def without(name):
    batch = samples()
    delattr(batch[1], name)
    return batch


@pytest.mark.parametrize(
    ("options", "wrong", "message"),
    [
        ({}, dict(student=features(S)[0]), "levels of the student.*without data_idx"),
        ({}, dict(teacher=features(T)[:2]), "3 levels from the teacher, got 2"),
        ({}, dict(student=features(T)), "4 channels from the student's level 0, got 5"),
        ({}, dict(teacher=(None,) * 3), "teacher's level 0, got NoneType"),
        ({}, dict(teacher=features(T, images=1)), "as many images"),
        ({}, dict(samples=None), r"recorder dict\(type=.DataSamples.\)$"),
        ({}, dict(samples=(torch.zeros(2, 3, 8, 8), samples(2))), "without data_idx"),
        ({}, dict(samples=samples(2)[0]), "got a BaseDataElement: map"),
        ({}, dict(samples=[*samples(1), None]), "a list of BaseDataElement, NoneType"),
        ({}, dict(samples=[None]), "a list of NoneType: map"),
        ({}, dict(samples=samples(1)), "of 2 images, got 1"),
        ({}, dict(samples=without("gt_components")), "gt_components.*LabelComponents"),
        (
            dict(weighting="class"),
            dict(samples=without("gt_sem_seg")),
            "no gt_sem_seg",
        ),
        (dict(weighting="boxes"), {}, "no gt_instances"),
        (
            dict(weighting="none", amplifiers=dict(full=FULL)),
            dict(samples=None),
            "needs the data samples",
        ),
    ],
)
def test_wrong_inputs_are_named(options, wrong, message):
    inputs = dict(student=features(S), teacher=features(T), samples=samples())
    with pytest.raises(ValueError, match=message):
        build(**options)(**inputs | wrong)


def test_levels_that_no_amplifier_reads_are_resized_for_none(monkeypatch):
    interpolate, sizes = F.interpolate, []

    def counted(x, size, **options):
        sizes.append(size)
        return interpolate(x, size, **options)

    monkeypatch.setattr(F, "interpolate", counted)
    one = dict(type="SummingAmplifier", level=1)
    same = dict(student_channels=T, teacher_channels=T, weighting="none")
    loss = build(amplifiers=dict(full=one), **same)
    loss(features(T), features(T, [(h + 1, w + 1) for h, w in SIZES]), samples())
    # All levels as they are aligned, and the one that is read as it is.
    assert sizes == [(h + 1, w + 1) for h, w in (SIZES[0], SIZES[1], *SIZES[1:])]


def test_samples_that_nothing_reads_are_not_looked_at():
    loss = build(weighting="none")
    values = [loss(features(S), features(T), given) for given in (None, [dict()])]
    assert all(value.isfinite() for value in values)


def test_amplifiers_without_a_teacher_are_named():
    loss = DS2D2Loss(S, T, amplifiers=dict(full=FULL))
    with pytest.raises(ValueError, match="given no teacher: use it with TextureDisti"):
        loss(features(S), features(T), samples())


def valid_pixels():
    """Two images of a batch of 48x40, padded below and on the right."""
    valid = torch.ones(2, 1, 48, 40, dtype=torch.bool)
    valid[0, :, 34:] = valid[1, ..., 26:] = False
    return valid


@pytest.mark.parametrize("sizes", [SIZES, ((5, 7), (12, 10), (3, 3))])
@pytest.mark.parametrize("weighting", ["none", "component", "bbox"])
@pytest.mark.parametrize("norm", ["none", "channel"])
def test_what_stands_in_the_padding_is_no_matter(norm, weighting, sizes):
    valid, batch = valid_pixels(), samples()
    student, teacher = features(S, sizes), features(T)
    results = []
    for value in (0.0, 1e3, torch.inf, torch.nan):
        loss = build(
            norm=norm, weighting=weighting, amplifiers=dict(full=FULL, high=HIGH)
        )
        ours, theirs = (
            [x.masked_fill(valid_area(~valid, 2, x.shape[2:]), value) for x in side]
            for side in (student, teacher)
        )
        for x in ours:
            x.requires_grad_()
        total = loss(ours, theirs, batch, valid=valid)
        total.backward()
        gradients = [x.grad for x in (*ours, *loss.adapters.parameters())]
        results.append((total, *gradients))
    for found in results[1:]:
        for x, expected in zip(found, results[0], strict=True):
            assert torch.equal(x, expected)
    for gradient in results[0][1:4]:
        assert gradient.isfinite().all()
        assert gradient.abs().sum() > 0
        outside = ~valid_area(valid, 2, gradient.shape[2:])
        assert not gradient.mul(outside).any()


def test_of_a_padded_batch_the_explicit_terms_are_those_of_the_images():
    sizes = ((12, 8), (6, 4), (6, 4))
    student, teacher = features(S, sizes), features(T, sizes)
    batch, wide = samples(size=(48, 32)), samples(size=(64, 48))
    for sample, narrow in zip(wide, batch, strict=True):
        ids = narrow.gt_components.data
        sample.gt_components.data = F.pad(ids, (0, 16, 0, 16), value=-1)
    valid = F.pad(torch.ones(2, 1, 48, 32), (0, 16, 0, 16)) > 0
    loss = build()
    expected = loss(student, teacher, batch)
    steps = [4, 2, 2]
    ours, theirs = (
        [F.pad(x, (0, n, 0, n), value=9) for x, n in zip(side, steps, strict=True)]
        for side in (student, teacher)
    )
    found = loss(ours, theirs, wide, valid=valid)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("norm", ["none", "channel"])
def test_with_all_pixels_valid_it_is_the_same(norm):
    # Of odd grids, the last coefficients have fewer pixels, all of them valid.
    loss = build(norm=norm, amplifiers=dict(full=FULL, high=HIGH))
    student, teacher, batch = features(S, SIZES[1:] + SIZES[:1]), features(T), samples()
    everything = torch.ones(2, 48, 40, dtype=torch.bool)
    expected = loss(student, teacher, batch)
    assert loss.amplifiers.full.valid is None
    found = loss(student, teacher, batch, valid=everything)
    torch.testing.assert_close(found, expected)
    assert loss.amplifiers.full.valid is everything


def test_amplifiers_get_nothing_of_the_padding():
    loss = build(amplifiers=dict(full=FULL, high=dict(HIGH, level=0)), weighting="none")
    valid = valid_pixels()
    student, teacher = (
        [torch.where(valid_area(valid, 2, x.shape[2:]), x, torch.nan) for x in side]
        for side in (features(S), features(T))
    )
    loss(student, teacher, samples(), valid=valid)
    outside = ~valid_area(valid, 2, SIZES[2])
    for side in loss.amplifiers.full.seen[:2]:
        assert not side[2].masked_select(outside).any()
        assert side[2].masked_select(~outside).all()
    # No detail comes from the edge of the padding, here in the middle of a coefficient.
    constant = [torch.full_like(x, 3.0) for x in teacher]
    valid[:, :, 28:] = False
    loss(student, constant, samples(), valid=valid)
    assert not loss.amplifiers.high.seen[1][0].any()
