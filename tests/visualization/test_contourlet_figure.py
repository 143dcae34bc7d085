import math
import re

import numpy as np
import pytest
import torch

from texture_kd.functional import contourlet
from texture_kd.visualization import Decomposed, contourlet_figure, edge_wedges


def decomposed(x, levels=(4, 3)):
    return Decomposed(x, contourlet(x, levels))


def edges(degrees, frequency, size=(128, 128)):
    """A plane wave whose ridges run at an angle, counter-clockwise from horizontal."""
    height, width = size
    y, x = -torch.arange(height)[:, None], torch.arange(width)[None]
    angle = math.radians(degrees)
    across = y * math.cos(angle) - x * math.sin(angle)
    return torch.cos(2 * math.pi * frequency * across)[None, None]


def strips(figure, group=0):
    """The axes that hold bands, row by row, the blocks of a row side by side."""
    return [a for a in figure.subfigs[group].axes if a.images and "°" in texts(a)[0]]


def texts(axis):
    return [label.get_text() for label in axis.get_xticklabels()]


def brightness(image):
    """Mean of what is drawn, from 0 for the first colour to 1 for the last."""
    return float(np.clip(image.norm(image.get_array()), 0, 1).mean())


def by_direction(figure, scale):
    """Brightness of each band of one block, by its angles."""
    return {
        tuple(map(int, re.findall(r"\d+", text.split("\n")[0]))): brightness(image)
        for axis in strips(figure)[2 * scale : 2 * scale + 2]
        for text, image in zip(texts(axis), axis.images, strict=True)
    }


# Waves near the top of a scale's frequencies, in the middles of its wedges; below,
# the pyramid's aliases have energy in other directions.
@pytest.mark.parametrize(
    ("scale", "frequency", "angles"),
    [
        (
            0,
            0.42,
            [7, 20, 32, 41, 49, 58, 70, 83, 97, 110, 122, 131, 139, 148, 160, 173],
        ),
        (1, 0.2, [13, 36, 54, 76, 104, 126, 144, 167]),
    ],
)
def test_edges_light_the_band_that_names_their_direction(scale, frequency, angles):
    for degrees in angles:
        wave = edges(degrees, frequency)
        drawn = by_direction(contourlet_figure({"": {"": decomposed(wave)}}), scale)
        low, high = max(drawn, key=drawn.get)
        assert low < degrees < high
        assert drawn[low, high] > 0.5


@pytest.mark.parametrize("m", [1, 2, 4, 8])
def test_wedges_are_the_documented_frequencies(m):
    def edge(w_r, w_c):
        # At right angles to the frequency, whose y points upwards.
        return math.degrees(math.atan2(w_c, w_r)) % 180

    vertical, horizontal = edge_wedges(m)
    for k in range(m):
        low, high = -1 + 2 * k / m, -1 + 2 * (k + 1) / m
        inside = np.linspace(low, high, 7)[1:-1]
        assert all(vertical[k][0] < edge(s, 1) < vertical[k][1] for s in inside)
        assert vertical[k] == pytest.approx((edge(high, 1), edge(low, 1)))
        for s in inside:
            angle = edge(1, -s)
            assert any(
                horizontal[k][0] < a < horizontal[k][1] for a in (angle, angle - 180)
            )
    widths = [high - low for low, high in vertical + horizontal]
    assert sum(widths) == pytest.approx(180)


def test_bands_come_in_the_documented_order_with_their_rms():
    x = torch.randn(1, 3, 32, 64)
    figure = contourlet_figure({"": {"": decomposed(x)}})
    stacks = [s for level in contourlet(x).directional for s in level.stacks]
    assert len(strips(figure)) == len(stacks) == 4
    for axis, stack in zip(strips(figure), stacks, strict=True):
        rms = stack.square().mean((0, 1, 3, 4)).sqrt().tolist()
        numbers = [float(text.split("\n")[1]) for text in texts(axis)]
        assert numbers == pytest.approx(rms, rel=5e-3)
        for image, band in zip(axis.images, stack[0].unbind(1), strict=True):
            expected = band.square().mean(0).sqrt()
            np.testing.assert_allclose(image.get_array(), expected, rtol=1e-5)
    assert texts(strips(figure)[0])[0].startswith("127–135°")
    assert texts(strips(figure)[1])[0].startswith("37–45°")


@pytest.mark.parametrize(
    ("size", "padded", "levels"),
    [
        ((32, 64), (32, 64), (4, 3)),
        ((32, 64), (32, 64), (1, 2)),
        ((13, 21), (16, 24), (4, 3)),
    ],
)
def test_bands_are_stretched_to_the_size_of_the_image(size, padded, levels):
    block = decomposed(torch.randn(1, 1, *size), levels)
    figure = contourlet_figure({"": {"": block}})
    for axis in strips(figure):
        assert axis.get_aspect() == 1
        edge = 0.0
        for image in axis.images:
            left, right, bottom, top = image.get_extent()
            assert (bottom - top, right - left) == pytest.approx(padded)
            assert left >= edge
            edge = right
        assert axis.get_xlim()[1] >= edge


@pytest.mark.parametrize("channel", [None, 1])
def test_teacher_and_student_share_the_colours_of_a_scale(channel):
    x = torch.randn(1, 2, 32, 32)
    pair = dict(teacher=decomposed(x), student=decomposed(0.1 * x))
    figure = contourlet_figure({"": pair}, channel)
    for row in range(4):
        teacher, student = strips(figure)[2 * row : 2 * row + 2]
        limits = {i.get_clim() for i in (*teacher.images, *student.images)}
        ((low, high),) = limits
        assert low == (0 if channel is None else -high)
        for ours, theirs in zip(teacher.images, student.images, strict=True):
            np.testing.assert_allclose(
                theirs.get_array(), 0.1 * ours.get_array(), rtol=1e-3, atol=1e-6
            )
    # Each scale has its own, in which one coefficient of a hundred is too large.
    for scale in (0, 1):
        images = [
            i for a in strips(figure)[4 * scale : 4 * scale + 4] for i in a.images
        ]
        values = np.concatenate([np.abs(i.get_array()).ravel() for i in images])
        share = (values > images[0].get_clim()[1]).mean()
        assert share == pytest.approx(0.01, abs=0.002)


def test_one_channel_keeps_its_sign():
    x = torch.randn(1, 3, 32, 32)
    figure = contourlet_figure({"": {"": decomposed(x)}}, channel=2)
    first = contourlet(x).directional[0].vertical[0, 2, 0]
    np.testing.assert_array_equal(strips(figure)[0].images[0].get_array(), first)
    assert first.min() < 0


@pytest.mark.parametrize("channel", [3, -1])
def test_a_channel_that_does_not_exist_is_named(channel):
    block = decomposed(torch.zeros(1, 3, 16, 16))
    sentence = f"stage1.*channel {channel}.*teacher.*0 to 2"
    with pytest.raises(ValueError, match=sentence):
        contourlet_figure({"stage1": {"teacher": block}}, channel)


def test_the_images_stand_above_the_bands():
    x = torch.full((1, 1, 32, 48), 7.0)
    picture = np.random.default_rng(0).integers(256, size=(64, 96, 3), dtype=np.uint8)
    block = decomposed(x)
    figure = contourlet_figure(
        {"a": {"x": block, "y": block}, "b": {"z": block}}, picture=picture
    )
    assert [part.get_suptitle() for part in figure.subfigs] == ["a", "b"]
    headers = [a for part in figure.subfigs for a in part.axes if a.get_title("left")]
    headers = [a for a in headers if a.images[0].get_array().ndim == 3]
    assert [a.get_title("left") for a in headers] == ["x", "y", "z"]
    seen, original, low = headers[0].images
    np.testing.assert_array_equal(seen.get_array(), picture)
    # The low-pass image has the unit of the original.
    np.testing.assert_allclose(original.get_array(), 7)
    np.testing.assert_allclose(low.get_array(), 7, rtol=1e-4)


@pytest.mark.parametrize("size", [(13, 21), (45, 60)])
@pytest.mark.parametrize("value", [None, 0.0])
def test_odd_sizes_and_flat_images_are_written(tmp_path, size, value):
    x = torch.randn(1, 2, *size) if value is None else torch.full((1, 2, *size), value)
    path = tmp_path / "texture.png"
    contourlet_figure({"": {"teacher": decomposed(x)}}).savefig(path)
    assert path.stat().st_size > 10_000
