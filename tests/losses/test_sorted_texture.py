"""Sorted self-similarities of regions: what DTIEMLoss compares by default."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from fidelity import fidelity
from hypothesis import given, settings
from hypothesis import strategies as st
from mmrazor.registry import MODELS
from torch import nn

import texture_kd.components  # noqa: F401
from texture_kd.functional import cosine_self_similarity, scale_regions
from texture_kd.losses import DTIEMLoss

SAMPLER = dict(regions=3, scales=(3, 6))
STAGES = ("s_stage1", "s_stage2", "t_stage1", "t_stage2")
MODES = pytest.mark.parametrize("mode", ["sampler", "global"])


def dtiem(mode="sampler", **options):
    """A loss of features of 3 + 5 and 4 + 6 channels."""
    return DTIEMLoss(8, 10, mode=mode, **(dict(sampler=SAMPLER, seed=0) | options))


def features(student=(12, 16), teacher=(12, 16), images=2, dtype=torch.float32):
    """Both stages of both networks, the first twice as large, of positive features."""
    torch.manual_seed(1)
    found = {}
    for side, (height, width), channels in (
        ("s", student, (3, 5)),
        ("t", teacher, (4, 6)),
    ):
        for stage, (scale, count) in enumerate(zip((2, 1), channels, strict=True), 1):
            x = torch.randn(images, count, scale * height, scale * width, dtype=dtype)
            found[f"{side}_stage{stage}"] = (x + torch.randn(count, 1, 1)).relu()
    return found


def tracked(inputs):
    return {k: v.clone().requires_grad_() for k, v in inputs.items()}


def both_stages(inputs, side):
    stage2 = inputs[f"{side}_stage2"]
    pooled = F.adaptive_avg_pool2d(inputs[f"{side}_stage1"], stage2.shape[-2:])
    return torch.cat([pooled, stage2], 1)


def boxes_of(regions):
    return list(zip(regions.images.tolist(), regions.boxes.tolist(), strict=True))


def similarities(x, regions):
    """The sorted self-similarity of each region."""
    return [
        cosine_self_similarity(x[image : image + 1, :, y0:y1, x0:x1])
        .flatten()
        .sort()[0]
        for image, (y0, x0, y1, x1) in boxes_of(regions)
    ]


# What it is. -----------------------------------------------------------------------


def test_is_the_default_and_learns_nothing():
    loss = MODELS.build(
        dict(type="DTIEMLoss", student_channels=192, teacher_channels=768)
    )
    options = loss.sampler.options
    assert (options.regions, options.oversampling, options.importance) == (16, 3, 0.75)
    assert loss.texture is None
    assert not list(loss.parameters())
    assert set(loss.state_dict()) == {"sampler._extra_state"}


@MODES
def test_equals_the_definition_region_by_region(mode):
    loss = dtiem(mode, loss_weight=2.0)
    inputs = features(dtype=torch.float64)
    student, teacher = both_stages(inputs, "s"), both_stages(inputs, "t")
    boxes = loss.eval().compared(**inputs)[1].regions
    assert len(boxes_of(boxes)) == (6 if mode == "sampler" else 2)
    distances = [
        (s - t).square().mean()
        for s, t in zip(
            similarities(student, boxes), similarities(teacher, boxes), strict=True
        )
    ]
    expected = torch.stack(distances).mean()
    torch.testing.assert_close(loss(**inputs), 2 * expected)
    torch.testing.assert_close(loss.parts["texture"], expected)


@MODES
def test_equal_networks_have_no_distance(mode):
    inputs = features()
    teacher = inputs["t_stage1"], inputs["t_stage2"]
    loss = DTIEMLoss(10, 10, mode=mode, sampler=SAMPLER, seed=0)
    assert loss(*teacher, *teacher) < 1e-12
    # Nor have features of another unit and in another order of channels.
    assert loss(*(3 * x.flip(1) for x in teacher), *teacher) < 1e-12


def test_the_gradient_reaches_the_student_only_and_is_right():
    loss, inputs = dtiem().eval(), tracked(features(dtype=torch.float64))
    loss(**inputs).backward()
    assert all(inputs[name].grad.norm() > 0 for name in STAGES[:2])
    assert all(inputs[name].grad is None for name in STAGES[2:])
    small = tracked(features((4, 5), (4, 5), 1, torch.float64))
    teacher = small["t_stage1"].detach(), small["t_stage2"].detach()
    assert torch.autograd.gradcheck(
        lambda a, b: loss(a, b, *teacher), (small["s_stage1"], small["s_stage2"])
    )


def test_the_student_is_seen_in_the_teachers_regions():
    loss, inputs = dtiem().eval(), features(student=(24, 32))
    regions = loss.compared(**inputs)[1].regions
    inputs["s_stage2"] = inputs["s_stage2"].requires_grad_()
    loss(**inputs).backward()
    seen = torch.zeros(2, 24, 32, dtype=torch.bool)
    for image, (y0, x0, y1, x1) in boxes_of(scale_regions(regions, (24, 32))):
        seen[image, y0:y1, x0:x1] = True
    reached = inputs["s_stage2"].grad.norm(dim=1) > 0
    assert not reached[~seen].any()
    assert reached[seen].float().mean() > 0.9


def test_a_student_on_a_finer_grid_has_the_same_distribution():
    loss, inputs = dtiem("global"), features()
    coarse = loss(**inputs)
    student = both_stages(inputs, "s").repeat_interleave(2, 2).repeat_interleave(2, 3)
    inputs["s_stage1"], inputs["s_stage2"] = student.split([3, 5], 1)
    torch.testing.assert_close(loss(**inputs), coarse, rtol=1e-4, atol=1e-8)


def test_a_student_learns_the_teachers_statistics():
    inputs = features(dtype=torch.float64)
    loss = dtiem("global")
    student = [nn.Parameter(inputs[name] + 0.1) for name in STAGES[:2]]
    optimizer = torch.optim.Adam(student, 1e-2)
    values = []
    for _ in range(100):
        optimizer.zero_grad()
        values.append(loss(*student, inputs["t_stage1"], inputs["t_stage2"]))
        values[-1].backward()
        optimizer.step()
    assert values[-1] < 0.01 * values[0]


# Its gradient describes it. --------------------------------------------------------


def natural(images=2):
    """Features that vary slowly and a little from pixel to pixel, behind a ReLU."""

    def stage(channels, height, width):
        coarse = torch.randn(images, channels, height // 8, width // 8)
        smooth = F.interpolate(coarse, (height, width), mode="bilinear")
        return (smooth + 0.3 * torch.randn(images, channels, height, width)).relu()

    torch.manual_seed(0)
    sizes = dict(s_stage1=16, s_stage2=32, t_stage1=64, t_stage2=128)
    return [
        stage(channels, *((64, 96) if "1" in name else (32, 48))).double()
        for name, channels in sizes.items()
    ]


def measured(**options):
    """The fidelity of a loss at such features."""
    torch.manual_seed(0)
    loss = DTIEMLoss(48, 192, seed=0, **options).double().eval()
    *student, t_stage1, t_stage2 = natural()
    return fidelity(lambda a, b: loss(a, b, t_stage1, t_stage2), student)


@MODES
def test_a_step_along_the_gradient_does_what_it_promises(mode):
    found = measured(mode=mode)
    assert all(0.9 < ratio < 1.1 for ratio in found.ratios)
    assert found.cosine > 0.99


def test_a_step_along_the_histograms_gradient_does_not():
    found = measured(distance="histogram", extractor="none")
    assert all(abs(ratio - 1) > 0.5 for ratio in found.ratios)
    assert found.cosine < 0.95


# How it behaves at the edges. ------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_sizes_of_both_networks(data):
    sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))
    mode = data.draw(st.sampled_from(["sampler", "global"]))
    inputs = tracked(
        features(data.draw(sizes), data.draw(sizes), data.draw(st.integers(1, 2)))
    )
    value = dtiem(mode)(**inputs)
    value.backward()
    assert value.isfinite()
    assert all(inputs[name].grad.isfinite().all() for name in STAGES[:2])


def test_constant_features_are_finite():
    inputs = tracked({k: torch.ones_like(v) for k, v in features().items()})
    value = dtiem()(**inputs)
    value.backward()
    assert value < 1e-12
    assert inputs["s_stage2"].grad.isfinite().all()


def test_a_nan_is_not_hidden():
    inputs = features()
    inputs["s_stage2"][0, 0, 0, 0] = math.nan
    assert dtiem("global")(**inputs).isnan()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_features_of_low_precision(dtype):
    low = {k: v.to(dtype) for k, v in features().items()}
    value = dtiem()(**low)
    assert value.dtype == torch.float32
    # Pooling rounds in the lower precision.
    same = dtiem()(**{k: v.float() for k, v in low.items()})
    torch.testing.assert_close(value, same, rtol=0.01, atol=1e-5)


def test_a_step_under_autocast():
    inputs = tracked(features())
    with torch.autocast("cpu", torch.bfloat16):
        value = dtiem()(**inputs)
    value.backward()
    torch.testing.assert_close(value, dtiem()(**features()))
    assert inputs["s_stage2"].grad.isfinite().all()


def test_images_do_not_mix():
    loss, inputs = dtiem("global"), features(images=3)
    single = [loss(**{k: v[i : i + 1] for k, v in inputs.items()}) for i in range(3)]
    torch.testing.assert_close(loss(**inputs), torch.stack(single).mean())


def test_in_eval_mode_the_regions_are_those_of_the_next_step():
    loss, inputs = dtiem().eval(), features()
    seen = [loss(**inputs) for _ in "12"]
    assert seen[0] == seen[1] == loss.train()(**inputs) != loss(**inputs)


def test_it_can_be_copied():
    inputs = features()
    loss = dtiem()
    assert copy.deepcopy(loss)(**inputs) == loss(**inputs)


# What is said of a slip. -----------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(distance="wasserstein"), "expected distance among"),
        (dict(distance=19), "expected distance among"),
        (dict(mode="local"), "expected mode among"),
        (dict(num_classes=19), "num_classes would make no difference"),
        (dict(extractor="none"), "extractor would make no difference"),
        (dict(histogram={}, channels=64), "histogram, channels would make no"),
        (dict(texture_channels=8), "set distance='histogram'"),
        (dict(reduction="mean"), "reduction would make no difference"),
    ],
)
def test_options_that_would_make_no_difference_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        DTIEMLoss(8, 10, **options)


def test_labels_that_would_make_no_difference_are_refused():
    gt = torch.zeros(2, 96, 128, dtype=torch.int64)
    with pytest.raises(ValueError, match="leave gt out"):
        dtiem()(**features(), gt=gt)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (dict(s_stage1=torch.zeros(2, 2, 24, 32)), "set student_channels=7"),
        (dict(t_stage2=(torch.zeros(2, 6, 12, 16),)), "got tuple.*data_idx"),
        (
            {k: v[:1] for k, v in features().items() if k[0] == "s"},
            "from the student as from the teacher",
        ),
    ],
)
def test_wrong_inputs(inputs, message):
    with pytest.raises(ValueError, match=message):
        dtiem()(**{**features(), **inputs})
