import pytest
import torch

from texture_kd.functional import (
    contourlet,
    directional_filter_bank,
    laplacian_pyramid,
)


def flat(bands):
    """All coefficients of a decomposition in one vector an image."""
    stacks = [
        bands.low,
        *(stack for level in bands.directional for stack in level.stacks),
    ]
    return torch.cat([stack.flatten(1) for stack in stacks], dim=1)


@pytest.mark.parametrize("pyramid", ["9-7", "maxflat", "burt", "haar"])
@pytest.mark.parametrize("directional", ["dmaxflat7", "pkva"])
@pytest.mark.parametrize("levels", [(4, 3), (1, 2, 1), (2, 4), (3,)])
def test_is_a_pyramid_whose_details_go_through_the_filter_bank(
    levels, pyramid, directional
):
    low = torch.randn(2, 2, 32, 64, dtype=torch.float64)
    bands = contourlet(low, levels, pyramid, directional)
    assert len(bands.directional) == len(levels)
    for level, found in zip(levels, bands.directional, strict=True):
        low, high, _ = laplacian_pyramid(low, pyramid)
        expected = directional_filter_bank(high, level, directional)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(bands.low, low, rtol=0, atol=1e-12)


def test_redundancy_and_shapes_of_the_paper():
    x = torch.zeros(1, 2, 64, 128)
    low, (fine, coarse), _ = contourlet(x)
    assert fine.vertical.shape == (1, 2, 8, 8, 64)
    assert fine.horizontal.shape == (1, 2, 8, 32, 16)
    assert coarse.vertical.shape == (1, 2, 4, 8, 32)
    assert coarse.horizontal.shape == (1, 2, 4, 16, 16)
    assert low.shape == (1, 2, 16, 32)
    assert flat(contourlet(x)).numel() <= 4 / 3 * x.numel()


def test_commutes_with_a_mix_of_channels():
    x = torch.randn(2, 3, 32, 48, dtype=torch.float64)
    mix = torch.randn(4, 3, dtype=torch.float64)
    mixed = contourlet(torch.einsum("dc,nchw->ndhw", mix, x))
    bands = contourlet(x)
    for got, stack in zip(
        mixed.directional[0].stacks, bands.directional[0].stacks, strict=True
    ):
        expected = torch.einsum("dc,nckhw->ndkhw", mix, stack)
        torch.testing.assert_close(got, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("size", [(64, 64), (128, 256), (96, 160)])
def test_rolling_by_the_coarsest_lattice_rolls_everything(size):
    x = torch.randn(1, 1, *size, dtype=torch.float64)
    bands = contourlet(x)
    rolled = contourlet(x.roll((8, 16), (2, 3)))
    for steps, level in (((1, 8), 0), ((1, 4), 1)):
        expected = bands.directional[level].vertical.roll(steps, (3, 4))
        got = rolled.directional[level].vertical
        torch.testing.assert_close(got, expected, rtol=0, atol=1e-10)
    for steps, level in (((4, 2), 0), ((2, 2), 1)):
        expected = bands.directional[level].horizontal.roll(steps, (3, 4))
        got = rolled.directional[level].horizontal
        torch.testing.assert_close(got, expected, rtol=0, atol=1e-10)


def test_odd_sides_are_padded_by_their_last_line():
    x = torch.randn(1, 2, 13, 21)
    by_hand = torch.nn.functional.pad(x, (0, 3, 0, 3), mode="replicate")
    torch.testing.assert_close(flat(contourlet(x)), flat(contourlet(by_hand)))


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (37, 8)])
def test_a_constant_has_no_texture(size):
    low, directional, _ = contourlet(torch.full((1, 1, *size), 7.0))
    torch.testing.assert_close(low, torch.full_like(low, 28.0))
    for level in directional:
        for stack in level.stacks:
            assert stack.abs().max() < 1e-5


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_low_precision_is_computed_in_float32(dtype):
    x = (1e3 * torch.randn(1, 2, 16, 32)).to(dtype)
    low = flat(contourlet(x))
    assert low.dtype == torch.float32
    assert torch.equal(low, flat(contourlet(x.float())))


def test_float32_keeps_float32_accuracy():
    x = torch.randn(2, 3, 64, 96)
    exact = flat(contourlet(x.double()))
    assert exact.dtype == torch.float64
    error = (flat(contourlet(x)) - exact).norm() / exact.norm()
    assert error < 1e-6


def test_autocast_changes_nothing():
    x = torch.randn(1, 2, 16, 32)
    expected = contourlet(x)
    with torch.autocast("cpu", torch.bfloat16):
        found = contourlet(x)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_layout_in_memory_changes_nothing():
    x = torch.randn(2, 3, 16, 32)
    expected = flat(contourlet(x))
    for other in (x.to(memory_format=torch.channels_last), x.mT.contiguous().mT):
        torch.testing.assert_close(flat(contourlet(other)), expected)


def test_inference_mode_leaves_no_trace_in_training():
    # A size no other test uses, so that inference mode fills the cache.
    x = torch.randn(1, 1, 56, 24)
    with torch.inference_mode():
        contourlet(x)
        laplacian_pyramid(x)
        directional_filter_bank(x, 3)
    x.requires_grad_()
    total = flat(contourlet(x)).sum() + laplacian_pyramid(x).high.sum()
    (total + directional_filter_bank(x, 3).vertical.sum()).backward()
    assert x.grad.isfinite().all()


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(3, 8, 8), r"\(N, C, H, W\).*shape \(3, 8, 8\)"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.int64), "floating point.*int64"),
        (torch.zeros(1, 3, 0, 8), r"non-empty.*\(1, 3, 0, 8\)"),
    ],
)
def test_what_is_no_image_is_refused(x, message):
    with pytest.raises(ValueError, match=message):
        contourlet(x)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"levels": ()}, "at least one contourlet level"),
        ({"levels": (4, 0)}, "at least 1, got 0"),
        ({"levels": (4, 2.5)}, "an integer of at least 1, got 2.5"),
        ({"pyramid": "db2"}, "got 'db2'"),
        ({"directional": "haar"}, "got 'haar'"),
    ],
)
def test_unknown_options_are_refused(options, message):
    x = torch.zeros(1, 1, 16, 16)
    with pytest.raises(ValueError, match=message):
        contourlet(x, **options)
