import copy
import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.runner.checkpoint import get_state_dict, load_state_dict
from mmrazor.registry import MODELS
from torch import nn

import texture_kd.components  # noqa: F401
from texture_kd.functional import (
    HistogramOptions,
    clip_redistribute,
    cosine_self_similarity,
    quantize,
    scale_regions,
    texture_histogram,
    whole_maps,
)
from texture_kd.losses import DTIEMLoss
from texture_kd.losses.texture_extractor import TextureExtractor

CLASSES = 4
SAMPLER = dict(regions=3, scales=(3, 6))


def dtiem(extractor="aux", **options):
    """A small loss of histograms, for features of 3 + 5 and 4 + 6 channels."""
    torch.manual_seed(0)
    defaults = dict(channels=8, texture_channels=6, sampler=SAMPLER, seed=0)
    defaults["distance"] = "histogram"
    channels = dict(student_channels=8, teacher_channels=10, num_classes=CLASSES)
    return DTIEMLoss(**(channels | defaults | options), extractor=extractor)


def features(student=(12, 16), teacher=(12, 16), images=2, dtype=torch.float32):
    """Both stages of both networks, the first twice as large, and labels."""
    torch.manual_seed(1)
    (hs, ws), (ht, wt) = student, teacher
    return dict(
        s_stage1=torch.randn(images, 3, 2 * hs, 2 * ws, dtype=dtype),
        s_stage2=torch.randn(images, 5, hs, ws, dtype=dtype),
        t_stage1=torch.randn(images, 4, 2 * ht, 2 * wt, dtype=dtype),
        t_stage2=torch.randn(images, 6, ht, wt, dtype=dtype),
        gt=torch.randint(CLASSES, (images, 1, 8 * ht, 8 * wt)),
    )


def tracked(inputs):
    """The same, to which gradients flow."""
    return {
        k: v.clone().requires_grad_() if v.is_floating_point() else v
        for k, v in inputs.items()
    }


def boxes_of(regions):
    return list(zip(regions.images.tolist(), regions.boxes.tolist(), strict=True))


def both_stages(inputs, side):
    pooled = F.adaptive_avg_pool2d(
        inputs[f"{side}_stage1"], inputs[f"{side}_stage2"].shape[-2:]
    )
    return torch.cat([pooled, inputs[f"{side}_stage2"]], 1)


def test_is_built_by_the_registry_with_the_papers_defaults():
    loss = MODELS.build(
        dict(
            type="DTIEMLoss",
            student_channels=192,
            teacher_channels=768,
            distance="histogram",
            num_classes=9,
        )
    )
    options = loss.texture.options
    assert (options.count, options.alpha, options.theta) == (50, 0.3, 0.9)
    assert (options.steps, options.placement, options.literal) == (
        1,
        "heuristic",
        False,
    )
    sampler = loss.sampler.options
    assert (sampler.regions, sampler.oversampling, sampler.importance) == (16, 3, 0.75)
    assert len(sampler.scales) * len(sampler.ratios) == 9
    assert loss.texture.align_student.weight.shape == (256, 192, 1, 1)
    assert loss.texture.align_teacher.weight.shape == (256, 768, 1, 1)


def test_the_extractor_equals_steps_4_to_14_of_the_definition():
    torch.manual_seed(0)
    options = HistogramOptions(count=7)
    extractor = TextureExtractor(8, 6, options).double()
    aligned = torch.randn(1, 8, 5, 7, dtype=torch.float64)
    rows, statistics = extractor(aligned, whole_maps(aligned))
    x = extractor.core(aligned)
    torch.testing.assert_close(rows, x[0].flatten(1).mT)

    g = x.mean((2, 3))[0]
    pixels = x[0].flatten(1)
    s = (F.normalize(pixels, dim=0) * F.normalize(g, dim=0)[:, None]).sum(0)
    histogram = texture_histogram(s[None], options)
    levels = s.min() + (s.max() - s.min()) * histogram.levels.centres[0]
    e = quantize(((s - s.min()) / (s.max() - s.min()))[None], histogram.levels)[0]
    de = clip_redistribute(e.sum(1), 0.9)

    def linear(layer, value):
        bias = 0 if layer.bias is None else layer.bias[:, None]
        return layer.weight[:, :, 0] @ value + bias

    def normalised(value, *dims):
        variance = value.var(dims, unbiased=False, keepdim=True)
        return (value - value.mean(dims, keepdim=True)) / (variance + 1e-5).sqrt()

    first, _, second, _ = extractor.levels
    h = linear(first, torch.stack([levels, 7 * de / de.sum()]))
    h = normalised(linear(second, F.leaky_relu(h)), 1)
    h = linear(extractor.node[0], torch.cat([h, g[:, None].expand(-1, 7)]))
    h = normalised(h, 0, 1)
    q, k, v = (
        linear(layer, h) for layer in (extractor.query, extractor.key, extractor.value)
    )
    attention = torch.stack([row.softmax(0) for row in k.T @ q])
    nodes = linear(extractor.out, v @ attention.T)
    expected = nodes @ (e / e.sum(0).clamp_min(1e-6))
    torch.testing.assert_close(statistics, expected.mT)


@pytest.mark.parametrize("reduction", ["mean", "sum_channels"])
def test_equals_eq_7_region_by_region(reduction):
    loss = dtiem("frozen", reduction=reduction, loss_weight=2.0).double()
    inputs = features(dtype=torch.float64)
    regions = loss.eval().sampler(both_stages(inputs, "t"))
    distances = []
    maps = {
        side: loss.texture.extractor.core(align(both_stages(inputs, side)))
        for side, align in (
            ("s", loss.texture.align_student),
            ("t", loss.texture.align_teacher),
        )
    }
    for image, (y0, x0, y1, x1) in boxes_of(regions):
        texture = {}
        for side, x in maps.items():
            region = x[image : image + 1, :, y0:y1, x0:x1]
            rows = region[0].flatten(1).mT
            y = loss.texture.extractor._statistics(rows, whole_maps(region))
            deviation = y - y.mean(0)
            texture[side] = deviation / (deviation.square().mean(0) + 1e-5).sqrt()
        squared = (texture["s"] - texture["t"]).square().mean(0)
        distances.append(squared.mean() if reduction == "mean" else squared.sum())
    assert len(distances) == 6
    torch.testing.assert_close(loss(**inputs), 2 * torch.stack(distances).mean())


@pytest.mark.parametrize("mode", ["global", "sampler"])
def test_without_an_extractor_it_compares_histograms_and_intensities(mode):
    loss = dtiem("none", mode=mode).double()
    inputs = features(dtype=torch.float64)
    student, teacher = both_stages(inputs, "s"), both_stages(inputs, "t")
    boxes = [(image, (0, 0, 12, 16)) for image in range(2)]
    if loss.eval().sampler is not None:
        boxes = boxes_of(loss.sampler(teacher))
    nodes, pixels = [], []
    for image, (y0, x0, y1, x1) in boxes:
        s, t = (
            texture_histogram(
                cosine_self_similarity(x[image : image + 1, :, y0:y1, x0:x1]).flatten(1)
            )
            for x in (student, teacher)
        )
        nodes.append((s.nodes - t.nodes).square().mean())
        pixels.append((s.intensity - t.intensity).square().mean())
    expected = torch.stack(nodes).mean() + torch.stack(pixels).mean()
    torch.testing.assert_close(loss(**inputs), expected)
    assert not list(loss.parameters())


def test_the_auxiliary_part_is_the_cross_entropy_of_the_regions_pixels():
    loss = dtiem(loss_weight=3.0).eval()
    inputs = features()
    inputs["gt"][:, :, :30, :50] = 255
    teacher = both_stages(inputs, "t")
    aligned = loss.texture.align_teacher(teacher)
    labels = inputs["gt"][:, 0, 4::8, 4::8]
    losses, regions = [], loss.sampler(teacher)
    x, y = loss.texture.extractor(aligned, regions)
    for r, (image, (y0, x0, y1, x1)) in enumerate(boxes_of(regions)):
        pixels = regions.region == r
        deviation = y[pixels] - y[pixels].mean(0)
        deviation = deviation / (deviation.square().mean(0) + 1e-5).sqrt()
        logits = loss.texture.auxiliary_head.classify(
            torch.cat([x[pixels], deviation], 1)[..., None, None]
        )[..., 0, 0]
        label = labels[image, y0:y1, x0:x1].flatten()
        logp = logits.log_softmax(1)[label != 255]
        losses += [-logp[i, k] for i, k in enumerate(label[label != 255])]
    total = loss(**inputs)
    torch.testing.assert_close(loss.parts["auxiliary"], torch.stack(losses).mean())
    torch.testing.assert_close(total, 3 * sum(loss.parts.values()))


@pytest.mark.parametrize("extractor", ["aux", "frozen", "none"])
@pytest.mark.parametrize("mode", ["sampler", "global"])
def test_equal_networks_have_no_distance(extractor, mode):
    inputs = features()
    inputs["s_stage1"], inputs["s_stage2"] = inputs["t_stage1"], inputs["t_stage2"]
    loss = dtiem(extractor, student_channels=10, mode=mode)
    if extractor != "none":
        loss.texture.align_student.load_state_dict(
            loss.texture.align_teacher.state_dict()
        )
    loss(**inputs)
    assert loss.parts["texture"].item() == pytest.approx(0, abs=1e-10)


# What may be trained by what. ------------------------------------------------------


def norms(module):
    return [0 if p.grad is None else p.grad.norm().item() for p in module.parameters()]


@pytest.mark.parametrize("mode", ["sampler", "global"])
def test_the_distance_trains_the_student_and_its_alignment_only(mode, monkeypatch):
    loss, inputs = dtiem(mode=mode), tracked(features())
    monkeypatch.setattr(
        loss.texture.auxiliary_head, "forward", lambda *_: torch.zeros(())
    )
    loss(**inputs).backward()
    assert not any(norms(loss.texture.auxiliary_head))
    assert not any(norms(loss.texture.extractor))
    assert not any(norms(loss.texture.align_teacher))
    assert all(norms(loss.texture.align_student))
    assert inputs["s_stage1"].grad.norm() > 0
    assert inputs["s_stage2"].grad.norm() > 0
    assert inputs["t_stage1"].grad is None
    assert inputs["t_stage2"].grad is None


@pytest.mark.parametrize("mode", ["sampler", "global"])
def test_the_labels_train_everything_but_the_student(mode):
    loss, inputs = dtiem(mode=mode), tracked(features())
    heads = []
    loss.texture.auxiliary_head.register_forward_hook(
        lambda m, i, value: heads.append(value)
    )
    loss(**inputs)
    heads[0].backward()
    for module in (
        loss.texture.extractor,
        loss.texture.align_teacher,
        loss.texture.auxiliary_head,
    ):
        assert all(norms(module))
    assert not any(norms(loss.texture.align_student))
    assert all(inputs[name].grad is None for name in inputs)


def test_frozen_layers_stay_as_they_are_and_pass_gradients_on():
    loss, inputs = dtiem("frozen"), tracked(features())
    loss(**inputs).backward()
    trained = [name for name, p in loss.named_parameters() if p.requires_grad]
    assert trained == ["texture.align_student.weight", "texture.align_student.bias"]
    assert all(norms(loss.texture.align_student))
    assert inputs["s_stage1"].grad.norm() > 0


@pytest.mark.parametrize("extractor", ["aux", "frozen", "none"])
@pytest.mark.parametrize("mode", ["sampler", "global"])
@pytest.mark.parametrize("case", ["random", "constant", "ignored"])
def test_every_parameter_takes_part_in_every_step(extractor, mode, case):
    loss, inputs = dtiem(extractor, mode=mode), tracked(features())
    if case == "constant":
        inputs = {k: torch.ones_like(v) for k, v in inputs.items()}
    if case == "ignored":
        inputs["gt"] = torch.full_like(inputs["gt"], 255)
    value = loss(**inputs)
    assert value.isfinite()
    if value.requires_grad:
        value.backward()
    for name, parameter in loss.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name


def train(step, parameters, iterations=80, lr=1e-2):
    optimizer = torch.optim.Adam(parameters, lr)
    for _ in range(iterations):
        optimizer.zero_grad()
        step().backward()
        optimizer.step()


def toy():
    """Frozen features of a teacher in two textures, and a student's of its own."""
    torch.manual_seed(0)
    label = torch.zeros(2, 8, 8, dtype=torch.long)
    label[:, :, 4:] = 1
    teacher = torch.randn(2, 4, 8, 8) * (1 + 2 * label[:, None])
    student = nn.Parameter(torch.randn(2, 4, 8, 8))
    return teacher, student, label


def target_std(align, extractor, teacher):
    with torch.no_grad():
        _, statistics = extractor(align(teacher), whole_maps(teacher))
    return statistics.std(0).mean().item()


def test_an_l2_that_trains_both_sides_collapses():
    teacher, student, _ = toy()
    extractor = TextureExtractor(8, 6, HistogramOptions(count=10))
    aligns = nn.Conv2d(4, 8, 1), nn.Conv2d(4, 8, 1)

    def step():
        _, s = extractor(aligns[0](student), whole_maps(student))
        _, t = extractor(aligns[1](teacher), whole_maps(teacher))
        return F.mse_loss(s, t)

    before = step().item(), target_std(aligns[1], extractor, teacher)
    modules = nn.ModuleList([extractor, *aligns])
    train(step, [student, *modules.parameters()])
    after = step().item(), target_std(aligns[1], extractor, teacher)
    assert after[0] < 0.01 * before[0]
    assert after[1] < 0.2 * before[1]


@pytest.mark.parametrize("mode", ["global", "sampler"])
def test_ours_does_not_collapse(mode):
    teacher, student, label = toy()
    loss = dtiem(
        student_channels=4,
        teacher_channels=4,
        num_classes=2,
        mode=mode,
        sampler=dict(regions=4, scales=(4, 6)),
        histogram=dict(count=10),
    )

    def step():
        s, t = (torch.split(x, 2, dim=1) for x in (student, teacher))
        return loss(*s, *t, label)

    before = target_std(loss.texture.align_teacher, loss.texture.extractor, teacher)
    train(step, [student, *loss.parameters()])
    assert (
        target_std(loss.texture.align_teacher, loss.texture.extractor, teacher)
        > 0.5 * before
    )
    assert loss.parts["auxiliary"] < 0.9 * math.log(2)


@pytest.mark.parametrize("extractor", ["frozen", "none"])
def test_a_student_learns_the_teachers_statistics(extractor):
    def maps():
        coarse = torch.randn(2, 10, 4, 4)
        return F.interpolate(coarse, (12, 12), mode="bilinear") + 0.3 * torch.randn(1)

    torch.manual_seed(0)
    loss = dtiem(extractor, student_channels=10, mode="global")
    teacher, student = maps().split([4, 6], 1), nn.Parameter(maps())
    values = []

    def step():
        values.append(loss(*student.split([4, 6], 1), *teacher))
        return values[-1]

    trained = [p for p in loss.parameters() if p.requires_grad]
    train(step, [student, *trained], iterations=300, lr=3e-3)
    assert values[-1] < 0.6 * values[0]


# How it behaves at the edges. ------------------------------------------------------


def test_statistics_differ_from_pixel_to_pixel_at_the_start():
    torch.manual_seed(0)
    extractor = TextureExtractor(64, 32, HistogramOptions())
    aligned = torch.randn(4, 64, 16, 16)
    _, statistics = extractor(aligned, whole_maps(aligned))
    statistics = statistics.unflatten(0, (4, -1))
    between_pixels = statistics.var(1).mean(1)
    assert (between_pixels > 0.02 * statistics.var((1, 2))).all()


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_any_sizes_of_both_networks(data):
    sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))
    extractor = data.draw(st.sampled_from(["aux", "frozen", "none"]))
    mode = data.draw(st.sampled_from(["sampler", "global"]))
    inputs = tracked(
        features(data.draw(sizes), data.draw(sizes), data.draw(st.integers(1, 2)))
    )
    loss = dtiem(extractor, mode=mode)
    value = loss(**inputs)
    assert value.isfinite()
    value.backward()
    for name in ("s_stage1", "s_stage2"):
        assert inputs[name].grad.isfinite().all()


def test_the_student_is_seen_in_the_teachers_regions():
    loss = dtiem("none")
    inputs = features(student=(24, 32))
    regions = loss.eval().sampler(both_stages(inputs, "t"))
    inputs["s_stage2"] = inputs["s_stage2"].requires_grad_()
    loss(**inputs).backward()
    seen = torch.zeros(2, 24, 32, dtype=torch.bool)
    for image, (y0, x0, y1, x1) in boxes_of(scale_regions(regions, (24, 32))):
        seen[image, y0:y1, x0:x1] = True
    assert torch.equal(inputs["s_stage2"].grad.norm(dim=1) > 0, seen)


def test_a_student_on_a_finer_grid_is_compared_on_the_teachers():
    loss = dtiem("none", mode="global")
    inputs = features()
    coarse = loss(**inputs)
    student = both_stages(inputs, "s").repeat_interleave(2, 2).repeat_interleave(2, 3)
    inputs["s_stage1"], inputs["s_stage2"] = student.split([3, 5], dim=1)
    torch.testing.assert_close(loss(**inputs), coarse, rtol=1e-4, atol=0)


def test_a_nan_is_not_hidden():
    for extractor in ("aux", "frozen", "none"):
        inputs = features()
        inputs["s_stage2"][0, 0, 0, 0] = math.nan
        assert dtiem(extractor, mode="global")(**inputs).isnan()


@pytest.mark.parametrize("extractor", ["aux", "frozen", "none"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_features_of_low_precision(extractor, dtype):
    inputs = features()
    low = {k: v.to(dtype) if v.is_floating_point() else v for k, v in inputs.items()}
    same = {k: v.float() if v.is_floating_point() else v for k, v in low.items()}
    value = dtiem(extractor)(**low)
    assert value.dtype == torch.float32
    # Pooling rounds in the lower precision.
    torch.testing.assert_close(value, dtiem(extractor)(**same), rtol=0.05, atol=0.01)


@pytest.mark.parametrize("extractor", ["aux", "frozen", "none"])
def test_a_step_under_autocast(extractor):
    inputs = tracked(features())
    loss = dtiem(extractor)
    with torch.autocast("cpu", torch.bfloat16):
        value = loss(**inputs)
    assert value.dtype == torch.float32
    value.backward()
    assert inputs["s_stage2"].grad.isfinite().all()


@pytest.mark.parametrize("extractor", ["aux", "frozen"])
def test_layers_of_low_precision_are_refused(extractor):
    with pytest.raises(ValueError, match=r"bfloat16.*use autocast"):
        dtiem(extractor).bfloat16()(**features(dtype=torch.bfloat16))


def test_channels_last_changes_nothing():
    inputs = features()
    last = {
        k: v.contiguous(memory_format=torch.channels_last) for k, v in inputs.items()
    }
    torch.testing.assert_close(dtiem()(**last), dtiem()(**inputs))


def test_images_do_not_mix():
    loss = dtiem("frozen", mode="global")
    inputs = features(images=3)
    single = [loss(**{k: v[i : i + 1] for k, v in inputs.items()}) for i in range(3)]
    torch.testing.assert_close(loss(**inputs), torch.stack(single).mean())


def test_ignored_labels_teach_nothing():
    inputs = features()
    inputs["gt"][:, :, :40] = 255
    loss = dtiem(mode="global")
    loss(**inputs)
    expected = loss.parts["auxiliary"]
    inputs["gt"][:, :, :40] = torch.where(
        torch.rand(2, 1, 40, 128) < 2, 255, inputs["gt"][:, :, :40]
    )
    loss(**inputs)
    assert loss.parts["auxiliary"] == expected
    inputs["gt"].fill_(255)
    loss(**inputs)
    assert loss.parts["auxiliary"] == 0


# The sampler's random numbers. -----------------------------------------------------


def test_it_leaves_the_global_random_state_alone():
    loss, inputs = dtiem(), features()
    before = torch.get_rng_state()
    loss(**inputs)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_seed_repeats_the_regions_and_steps_differ():
    inputs = features()
    values = [[dtiem("none", seed=s)(**inputs).item() for _ in "12"] for s in (0, 1)]
    assert values[0][0] == values[0][1]
    assert values[0] != values[1]
    loss = dtiem("none", seed=0)
    assert loss(**inputs) != loss(**inputs)
    torch.manual_seed(5)
    first = DTIEMLoss(8, 10).state_dict()
    torch.manual_seed(6)
    second = DTIEMLoss(8, 10).state_dict()
    assert first.keys() == second.keys() == {"sampler._extra_state"}
    assert not torch.equal(*first.values(), *second.values())


def test_in_eval_mode_the_regions_are_those_of_the_next_step():
    loss, inputs = dtiem("none").eval(), features()
    seen = [loss(**inputs) for _ in "12"]
    assert seen[0] == seen[1] == loss.train()(**inputs) != loss(**inputs)


def test_a_checkpoint_brings_the_random_state_back():
    inputs = features()
    loss = dtiem()
    loss(**inputs)
    # MMEngine's own way to save and load.
    state = copy.deepcopy(get_state_dict(loss))
    expected = [loss(**inputs) for _ in range(3)]
    resumed = dtiem(seed=7)
    load_state_dict(resumed, state, strict=True)
    assert [resumed(**inputs) for _ in range(3)] == expected


@pytest.mark.parametrize("extractor", ["aux", "frozen"])
def test_layers_under_their_former_names_are_loaded(extractor):
    expected = dtiem(extractor).state_dict()
    former = {k.removeprefix("texture."): v + 1 for k, v in expected.items()}
    assert former.keys() != expected.keys()
    former["sampler._extra_state"] = expected["sampler._extra_state"]
    for load in (nn.Module.load_state_dict, load_state_dict):
        distiller = nn.ModuleDict(dict(loss=dtiem(extractor)))
        given = {f"loss.{name}": value for name, value in former.items()}
        load(distiller, given, strict=True)
        for name, value in distiller["loss"].texture.state_dict().items():
            assert torch.equal(value, former[name])


def test_it_can_be_copied():
    inputs = features()
    loss = dtiem()
    assert copy.deepcopy(loss)(**inputs) == loss(**inputs)


# What is said of a slip. -----------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (dict(extractor="auxiliary"), ValueError, "expected extractor among"),
        (dict(mode="local"), ValueError, "expected mode among"),
        (dict(reduction="sum"), ValueError, "expected reduction among"),
        (dict(num_classes=None), ValueError, "needs num_classes"),
        (dict(sampler=dict(regions=0)), ValueError, "at least one region"),
        (dict(sampler=dict(scales=())), ValueError, "positive scales"),
        (dict(sampler=dict(importance=2)), ValueError, "importance from 0 to 1"),
        (dict(sampler=dict(oversampling=0.5)), ValueError, "oversampling"),
        (dict(sampler=dict(size=3)), TypeError, "size"),
        (dict(histogram=dict(theta=-1)), ValueError, "theta from 0 to 1"),
        (dict(histogram=dict(levels=3)), TypeError, "levels"),
        (dict(histogram=dict(delta=5)), ValueError, "delta from 0 to 1"),
        (dict(histogram=dict(range_eps=-1)), ValueError, "range_eps of at least 0"),
        (dict(texture_channels=1), ValueError, "two texture_channels"),
        (dict(histogram=dict(count=1)), ValueError, "at least two levels"),
    ],
)
def test_wrong_options(options, error, message):
    with pytest.raises(error, match=message):
        dtiem(**options)


def without(**changes):
    return {**features(), **changes}


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (without(s_stage1=torch.zeros(2, 2, 24, 32)), "set student_channels=7"),
        (without(t_stage2=torch.zeros(2, 7, 12, 16)), "set teacher_channels=11"),
        (without(s_stage2=torch.zeros(5, 12, 16)), "student's second stage"),
        (without(t_stage1=torch.zeros(2, 4, 24, 32).int()), "teacher's first stage"),
        (without(t_stage1=torch.zeros(1, 4, 24, 32)), "both stages of the teacher"),
        (
            features(images=1)
            | dict(
                t_stage1=torch.zeros(2, 4, 24, 32), t_stage2=torch.zeros(2, 6, 12, 16)
            ),
            "from the student as from the teacher",
        ),
        (without(gt=None), "map gt to the student's recorder"),
        (without(gt=(torch.zeros(2, 96, 128).long(),)), "got tuple.*data_idx, 1"),
        (without(s_stage1=(torch.zeros(2, 3, 24, 32),)), "got tuple.*data_idx"),
        (without(gt=torch.zeros(3, 96, 128).long()), "with N = 2"),
        (without(gt=torch.zeros(2, 96, 128)), "integer labels"),
    ],
)
def test_wrong_inputs(inputs, message):
    with pytest.raises(ValueError, match=message):
        dtiem()(**inputs)
