import re
from itertools import combinations

import numpy as np
import pytest
import torch
from matplotlib.patches import Rectangle

from texture_kd.functional import HistogramOptions, cosine_self_similarity
from texture_kd.visualization import Sampled, equalised, statistics_figure

PICTURE = np.random.default_rng(0).integers(256, size=(48, 72, 3), dtype=np.uint8)
BOXES = torch.tensor([[4, 5, 9, 13], [0, 0, 6, 6], [0, 10, 16, 24]])


def sampled(seed=0, important=2, numbers=(1, 3), **options):
    x = torch.randn(1, 4, 16, 24, generator=torch.Generator().manual_seed(seed)) + seed
    options = HistogramOptions(**options)
    histograms = {}
    for number in numbers:
        y0, x0, y1, x1 = BOXES[number - 1].tolist() if number else (0, 0, 16, 24)
        histograms[number] = equalised(
            cosine_self_similarity(x[..., y0:y1, x0:x1]), options
        )
    boxes = BOXES if any(numbers) else BOXES[:0]
    return Sampled(x[0, 0], boxes, important, histograms)


def axes(figure, word):
    """The axes of all images, or of all histograms, in the order of their drawing."""
    return [a for part in figure.subfigs for a in part.axes if word(a)]


def images(figure):
    return axes(figure, lambda a: a.images)


def histograms(figure):
    return axes(figure, lambda a: a.lines)


def regions(axis):
    """Each region's box, as (y0, x0, y1, x1), and how it is drawn, from the top on."""
    patches = [p for p in axis.patches if isinstance(p, Rectangle)]
    return [
        (
            [
                p.get_y(),
                p.get_x(),
                p.get_y() + p.get_height(),
                p.get_x() + p.get_width(),
            ],
            p.get_linestyle(),
            p.get_edgecolor(),
        )
        for p in reversed(patches)
    ]


def test_the_regions_stand_on_the_picture_and_on_the_map():
    block = sampled()
    figure = statistics_figure({"loss": {"teacher": block}}, PICTURE)
    (part,) = figure.subfigs[:-1]
    assert part.get_suptitle() == "loss"
    seen, similarity = images(figure)[:2]
    assert seen.get_title("left") == "teacher"
    np.testing.assert_array_equal(seen.images[0].get_array(), PICTURE)
    np.testing.assert_array_equal(similarity.images[0].get_array(), block.similarity)
    for axis in (seen, similarity):
        assert axis.images[0].get_extent() == [0, 24, 16, 0]
        boxes, lines, colours = zip(*regions(axis), strict=True)
        assert list(boxes) == BOXES[[0, 2, 1]].tolist()
        assert list(lines) == ["-", "--", "-"]
        assert colours[0] == colours[2] != colours[1]
        # Those that are counted have numbers, in their colours.
        numbers = {t.get_text().strip(): t.get_color() for t in axis.texts}
        assert list(numbers) == ["3", "1"]
        assert len(set(numbers.values())) == 2


@pytest.mark.parametrize("options", [{}, dict(count=8, theta=0.5), dict(count=1)])
def test_shares_stand_at_the_positions_of_the_levels(options):
    block = sampled(**options)
    figure = statistics_figure({"": {"": block}}, PICTURE)
    drawn = histograms(figure)
    assert len(drawn) == 2
    for axis, pair in zip(drawn, block.histograms.values(), strict=True):
        centres = pair.before.levels.centres[0]
        found = [[b.get_x() + b.get_width() / 2, b.get_height()] for b in axis.patches]
        shares = pair.before.counts[0] / pair.before.counts.sum()
        np.testing.assert_allclose(found, torch.stack([centres, shares], 1), atol=1e-6)

        levels, after = pair.after.levels.centres[0], pair.after
        denoised, counted = (line.get_xydata() for line in axis.lines)
        for found, counts in ((denoised, after.denoised), (counted, after.counts)):
            expected = torch.stack([levels, counts[0] / counts.sum()], 1)
            np.testing.assert_allclose(found, expected, rtol=1e-5)
        stems = axis.collections[0].get_segments()
        np.testing.assert_array_equal([stem[1] for stem in stems], denoised)
        assert all(stem[0].tolist() == [stem[1][0], 0] for stem in stems)


def test_the_legend_has_the_looks_of_what_is_drawn():
    figure = statistics_figure({"": {"": sampled()}}, PICTURE)
    legend = figure.subfigs[-1].legends[0]
    colours = {
        text.get_text(): handle.get_facecolor()
        if isinstance(handle, Rectangle)
        else handle.get_color()
        for text, handle in zip(legend.get_texts(), legend.legend_handles, strict=True)
    }
    axis = histograms(figure)[0]
    denoised, counted = axis.lines
    assert colours["equalised, E"] == counted.get_color()
    assert colours["denoised, DE"] == denoised.get_color()
    assert colours["uniform levels (Eq. 4)"] == axis.patches[0].get_facecolor()
    labels = {t.get_text().strip(): t.get_color() for t in images(figure)[0].texts}
    assert colours["region chosen for its contrast"] == labels["1"]
    assert colours["region chosen at random"] == labels["3"]


def test_the_entropy_is_one_for_equal_shares_and_zero_for_one_level():
    figure = statistics_figure({"": {"": sampled(theta=0.0, numbers=(0,))}}, PICTURE)
    (axis,) = histograms(figure)
    assert axis.get_title("left") == "whole image, 16 × 24"
    entropies = list(map(float, re.findall(r"[\d.]+", axis.get_title("right"))))
    denoised, counted = (line.get_ydata() for line in axis.lines)
    uniform = np.array([bar.get_height() for bar in axis.patches])
    for entropy, shares in zip(entropies, (uniform, counted, denoised), strict=True):
        shares = shares[shares > 0]
        expected = -(shares @ np.log(shares)) / np.log(50)
        assert entropy == pytest.approx(expected, abs=0.006)
    assert np.ptp(denoised) < 1e-6
    assert entropies[2] == 1 > entropies[0]

    figure = statistics_figure({"": {"": sampled(count=1)}}, PICTURE)
    assert histograms(figure)[0].get_title("right") == "entropy 0.00 → 0.00 → 0.00"


def test_teacher_and_student_share_axes_and_greys():
    pair = dict(teacher=sampled(0), student=sampled(3, theta=0.5))
    figure = statistics_figure({"a": pair, "b": dict(teacher=sampled(1))}, PICTURE)
    assert [part.get_suptitle() for part in figure.subfigs[:-1]] == ["a", "b"]
    drawn = histograms(figure)
    for teacher, student in (drawn[0:3:2], drawn[1:4:2]):
        assert teacher.get_title("left") == student.get_title("left")
        assert teacher.get_ylim() == student.get_ylim()
        assert teacher.get_xlim() == student.get_xlim()
        tops = [
            np.max(line.get_ydata()) for a in (teacher, student) for line in a.lines
        ]
        assert teacher.get_ylim()[0] == 0
        assert teacher.get_ylim()[1] > max(tops)
    teacher, student = (a.images[0] for a in images(figure)[1:4:2])
    assert teacher.get_clim() == student.get_clim()
    both = np.concatenate([teacher.get_array(), student.get_array()])
    assert teacher.get_clim()[1] == both.max()
    assert (both < teacher.get_clim()[0]).mean() == pytest.approx(0.01, abs=2e-3)


@pytest.mark.parametrize("blocks", [1, 2])
def test_no_text_leaves_the_figure_or_stands_on_another(blocks, tmp_path):
    names = ("teacher", "student")[:blocks]
    block = sampled(numbers=(0, 1, 2, 3))
    # Shares that make labels of several widths.
    for pair, top in zip(
        block.histograms.values(), (0.77, 0.5, 0.32, 0.9), strict=True
    ):
        pair.before.counts.fill_((1 - top) / 49)
        pair.before.counts[0, 0] = top
    figure = statistics_figure({"loss": dict.fromkeys(names, block)}, PICTURE)
    figure.savefig(tmp_path / "statistics.png")
    foot = figure.subfigs[-1]
    plots = histograms(figure)
    texts = [
        figure.subfigs[0]._suptitle,
        foot._supxlabel,
        foot.legends[0],
        *(text for a in plots for text in (a._left_title, a._right_title)),
        *(a.yaxis.label for a in plots),
        *(a.xaxis.label for a in (*plots, *images(figure))),
        *(a._left_title for a in images(figure)),
    ]
    boxes = [text.get_window_extent() for text in texts]
    boxes = [box for box in boxes if box.width > 1]
    assert len(boxes) == 3 + 2 * 4 * blocks + 4 + 4 * blocks
    for box in boxes:
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1
    for one, other in combinations(boxes, 2):
        assert not one.overlaps(other)


def test_constant_regions_are_written(tmp_path):
    histograms = {1: equalised(torch.ones(1, 5, 8), HistogramOptions())}
    block = Sampled(torch.zeros(16, 24), BOXES, 3, histograms)
    path = tmp_path / "statistics.png"
    statistics_figure({"": {"": block}}, PICTURE).savefig(path)
    assert path.stat().st_size > 10_000
