"""What the inverses take, and what they refuse."""

import pytest
import torch

from texture_kd.functional import (
    contourlet,
    directional_filter_bank,
    inverse_contourlet,
    inverse_directional_filter_bank,
    inverse_laplacian_pyramid,
    laplacian_pyramid,
)

X = torch.randn(2, 3, 13, 21)


def cast(bands, dtype):
    """The same bands in another dtype."""
    return type(bands)(
        *(
            band.to(dtype)
            if isinstance(band, torch.Tensor)
            else tuple(cast(b, dtype) if isinstance(b, tuple) else b for b in band)
            for band in bands
        )
    )


@pytest.mark.parametrize(
    ("dtype", "expected", "tolerance"),
    [
        (torch.float64, torch.float64, 1e-5),
        (torch.float32, torch.float32, 1e-5),
        (torch.bfloat16, torch.float32, 0.2),
        (torch.float16, torch.float32, 0.02),
    ],
)
@pytest.mark.parametrize(
    ("forward", "inverse"),
    [
        (contourlet, inverse_contourlet),
        (lambda x: directional_filter_bank(x, 2), inverse_directional_filter_bank),
        (laplacian_pyramid, inverse_laplacian_pyramid),
    ],
)
def test_any_floating_dtype_is_taken(forward, inverse, dtype, expected, tolerance):
    rebuilt = inverse(cast(forward(X), dtype))
    assert rebuilt.dtype == expected
    assert rebuilt.shape == X.shape
    assert (rebuilt - X).abs().max() < tolerance


def test_mixed_dtypes_are_promoted():
    low, high, size = laplacian_pyramid(X)
    bands = laplacian_pyramid(X)._replace(low=low.double(), high=high)
    assert inverse_laplacian_pyramid(bands).dtype == torch.float64
    assert bands.size == size


def pyramid(low, high, size):
    bands = laplacian_pyramid(X)._replace(
        low=torch.zeros(low), high=torch.zeros(high), size=size
    )
    return lambda: inverse_laplacian_pyramid(bands)


def directions(vertical, horizontal, size):
    bands = directional_filter_bank(X, 1)._replace(
        vertical=torch.zeros(vertical), horizontal=torch.zeros(horizontal), size=size
    )
    return lambda: inverse_directional_filter_bank(bands)


def edited(**changes):
    bands = contourlet(X)
    return lambda: inverse_contourlet(bands._replace(**changes))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (pyramid((1, 1, 2, 2), (1, 4, 4), (4, 4)), r"\(N, C, H, W\).*\(1, 4, 4\)"),
        (pyramid((1, 1, 2, 2), (1, 1, 5, 4), (5, 4)), r"padded to \(6, 4\)"),
        (pyramid((1, 1, 2, 3), (1, 1, 4, 4), (4, 4)), r"low and high.*\(1, 1, 2, 3\)"),
        (pyramid((1, 1, 2, 2), (1, 1, 4, 4), (2, 4)), r"of size \(2, 4\)"),
        (pyramid((0, 1, 2, 2), (0, 1, 4, 4), (4, 4)), "non-empty"),
        (
            directions((1, 1, 3, 2, 2), (1, 1, 3, 2, 2), (6, 4)),
            r"power of two.*\(1, 1, 3, 2, 2\)",
        ),
        (directions((1, 2, 2, 2), (1, 2, 2, 2), (4, 4)), "power of two"),
        (
            directions((1, 1, 2, 2, 2), (1, 1, 2, 2, 3), (4, 4)),
            "vertical and horizontal bands of shapes",
        ),
        (directions((1, 1, 4, 1, 3), (1, 1, 4, 2, 1), (4, 6)), r"padded to \(4, 8\)"),
        (directions((1, 1, 1, 2, 5), (1, 1, 1, 2, 5), (4, 5)), r"padded to \(4, 6\)"),
        (edited(size=(13, 30)), r"of size \(13, 30\), padded to \(16, 32\)"),
        (edited(low=torch.zeros(2, 3, 4, 4)), "a low-pass image of shapes"),
        (edited(low=torch.zeros(2, 3, 4, 6, dtype=torch.int64)), "point.*int64"),
        (edited(low=torch.zeros(2, 3, 4, 6, device="meta")), "one device.*meta"),
        (edited(directional=()), "at least one contourlet level"),
        (
            edited(directional=contourlet(X, (2,)).directional * 2),
            "level 1, half as high and wide",
        ),
    ],
)
def test_bands_that_do_not_belong_together_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
