from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmrazor.registry import MODELS

from texture_kd.functional import cosine_self_similarity, region_std, texture_histogram
from texture_kd.losses import texture_extractor
from texture_kd.visualization.compared_statistics import compared_statistics

STUDENT = "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"
CONFIG = Path(__file__).parents[2] / "configs" / f"sstkd_pspnet_r18-w32-d8_{STUDENT}"
# Without what histograms alone take.
SORTED = dict(distance="sorted", num_classes=None, channels=None, texture_channels=None)
# Both regions are shown, one of each kind.
SAMPLER = dict(regions=2, importance=0.5, oversampling=8, scales=(3, 4))


@pytest.fixture
def build():
    """Build the shipped networks with DTIEMLosses alone; their students see much."""

    def built(s_stage2="stage2", student_channels=48, **options):
        torch.manual_seed(0)
        model = Config.fromfile(CONFIG).model
        model.teacher_ckpt = None
        loss = dict(
            type="DTIEMLoss",
            student_channels=student_channels,
            teacher_channels=96,
            distance="histogram",
            num_classes=12,
            channels=16,
            texture_channels=8,
            sampler=SAMPLER,
            seed=0,
            loss_weight=1.5,
        )
        records = {
            f"{side}_{stage}": dict(from_student=side == "s", recorder=stage)
            for side in "st"
            for stage in ("stage1", "stage2")
        }
        records["s_stage2"]["recorder"] = s_stage2
        if (loss | options)["distance"] == "histogram":
            records["gt"] = dict(from_student=True, recorder="labels")
        distiller = model.distiller
        distiller.distill_losses = dict(loss_texture=loss | options)
        distiller.loss_forward_mappings = dict(loss_texture=records)
        algorithm = MODELS.build(model)
        # ResNet's initialisation has residual branches begin with zeros.
        for name, weight in algorithm.named_parameters():
            if "bn2" in name:
                torch.nn.init.normal_(weight)
        return algorithm.eval()

    return built


def the_loss(algorithm):
    return algorithm.distiller.distill_losses["loss_texture"]


def drawn(algorithm, data):
    """The title of the only loss, and both sides."""
    ((title, pair),) = compared_statistics(algorithm, data).items()
    assert list(pair) == ["teacher", "student"]
    return title, pair["teacher"], pair["student"]


@pytest.mark.parametrize(
    ("mode", "histogram"),
    [("sampler", dict(count=12, alpha=0.6, theta=0.5)), ("global", {})],
)
def test_the_drawn_histograms_give_the_loss(build, data, mode, histogram):
    algorithm = build(extractor="none", mode=mode, histogram=histogram)
    title, teacher, student = drawn(algorithm, data)
    numbers = [1, 2] if mode == "sampler" else [0]
    assert list(teacher.histograms) == list(student.histograms) == numbers
    assert teacher.similarity.shape == student.similarity.shape == (8, 12)
    distance = sum(
        (ours.after.nodes - theirs.after.nodes).square().mean()
        + (ours.after.intensity - theirs.after.intensity).square().mean()
        for ours, theirs in zip(
            student.histograms.values(), teacher.histograms.values(), strict=True
        )
    ) / len(numbers)
    assert distance > 0
    name, value = title.split(" = ")
    assert name == "loss_texture"
    assert value == f"1.5 × texture {distance.item():.3g}"


@pytest.mark.parametrize("mode", ["sampler", "global"])
def test_the_drawn_similarities_give_the_loss_of_sorted_ones(build, data, mode):
    algorithm = build(mode=mode, **SORTED)
    title, teacher, student = drawn(algorithm, data)
    loss = the_loss(algorithm)
    numbers = [1, 2] if mode == "sampler" else [0]
    assert list(teacher.histograms) == list(student.histograms) == numbers
    with torch.no_grad():
        losses = algorithm.loss(data["inputs"], data["data_samples"])
    texture = loss.parts["texture"]
    assert title == f"loss_texture = 1.5 × texture {texture.item():.3g}"
    torch.testing.assert_close(losses["distill.loss_texture"], 1.5 * texture)
    # Each histogram has its region's pixels.
    for side in (teacher, student):
        for pair in side.histograms.values():
            assert pair.before.intensity.numel() == pair.size[0] * pair.size[1]


def test_the_title_is_what_a_training_step_says(build, data):
    algorithm = build()
    title, *_ = drawn(algorithm, data)
    with torch.no_grad():
        losses = algorithm.loss(data["inputs"], data["data_samples"])
    parts = the_loss(algorithm).parts
    part = f"texture {parts['texture'].item():.3g}"
    assert title == f"loss_texture = 1.5 × ({part} + auxiliary, which needs labels)"
    total = 1.5 * (parts["texture"] + parts["auxiliary"])
    torch.testing.assert_close(losses["distill.loss_texture"], total)


def test_a_picture_repeats_and_leaves_training_as_it_was(build, data):
    algorithm = build()
    torch.manual_seed(0)
    sampler = the_loss(algorithm).sampler
    chance, state = torch.get_rng_state(), sampler.get_extra_state()
    first = drawn(algorithm, data)
    assert torch.equal(sampler.get_extra_state(), state)
    assert torch.equal(torch.get_rng_state(), chance)
    second = drawn(algorithm, data)
    assert first[0] == second[0]
    for ours, theirs in zip(first[1:], second[1:], strict=True):
        assert torch.equal(ours.boxes, theirs.boxes)
    # A step of training goes on to other regions.
    sampler.train()
    algorithm.loss(data["inputs"], data["data_samples"])
    sampler.eval()
    assert not torch.equal(drawn(algorithm, data)[1].boxes, first[1].boxes)


def test_the_drawn_histograms_are_those_of_the_extracted_features(
    build, data, monkeypatch
):
    algorithm = build()
    found = []

    def recording(similarity, options, pixels):
        histogram = texture_histogram(similarity, options, pixels)
        found.extend(histogram.denoised)
        return histogram

    monkeypatch.setattr(texture_extractor, "texture_histogram", recording)
    with torch.no_grad():
        algorithm.loss(data["inputs"], data["data_samples"])
    counted = {tuple(row.tolist()) for row in found}
    monkeypatch.undo()
    _, *sides = drawn(algorithm, data)
    rows = [p.after.denoised[0] for side in sides for p in side.histograms.values()]
    assert len(counted) == 4
    assert {tuple(row.tolist()) for row in rows} == counted


def test_regions_are_numbered_as_they_were_ranked_and_cut_where_they_stand(build, data):
    sampler = dict(regions=16, scales=(2, 3, 4), importance=0.5)
    algorithm = build(extractor="none", sampler=sampler)
    _, teacher, student = drawn(algorithm, data)
    assert teacher.important == student.important == 8
    contrast = region_std(teacher.similarity[None], teacher.boxes[None])[0]
    assert torch.equal(contrast.sort(descending=True).values, contrast)
    features = {
        f"{side}_{stage}": algorithm.distiller.get_record(stage, side == "s")
        for side in "st"
        for stage in ("stage1", "stage2")
    }
    compared = the_loss(algorithm).compared(**features)
    for side, (stages, *_) in zip((student, teacher), compared, strict=True):
        assert list(side.histograms) == [1, 9]
        for number, pair in side.histograms.items():
            y0, x0, y1, x1 = side.boxes[number - 1].tolist()
            assert pair.size == (y1 - y0, x1 - x0)
            region = cosine_self_similarity(stages[..., y0:y1, x0:x1])
            expected = texture_histogram(region.flatten(1)).denoised
            torch.testing.assert_close(pair.after.denoised, expected, rtol=1e-3, atol=0)


def test_regions_are_transferred_to_a_students_finer_map(build, data):
    algorithm = build(extractor="none", s_stage2="stage1", student_channels=32)
    _, teacher, student = drawn(algorithm, data)
    assert teacher.similarity.shape == (8, 12)
    assert student.similarity.shape == (16, 24)
    assert torch.equal(student.boxes, 2 * teacher.boxes)
    for number, pair in student.histograms.items():
        size = teacher.histograms[number].size
        assert pair.size == (2 * size[0], 2 * size[1])


def test_the_whole_maps_have_no_regions(build, data):
    _, teacher, student = drawn(build(extractor="frozen", mode="global"), data)
    for side in (teacher, student):
        assert side.boxes.shape == (0, 4)
        assert side.histograms[0].size == (8, 12)
