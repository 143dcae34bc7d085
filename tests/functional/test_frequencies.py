"""The half plane stands for the whole; shells hold what a grid can."""

import pytest
import torch

from texture_kd.functional import magnitude_profile
from texture_kd.functional.frequencies import full_plane, shell_sums

SIZES = [(4, 6), (5, 7), (6, 5), (7, 4), (1, 8), (3, 1), (1, 1), (2, 2), (49, 3)]


def shells(size, radial):
    """Evaluate the definition frequency by frequency."""
    index = torch.zeros(size, dtype=torch.long)
    for y in range(size[0]):
        for x in range(size[1]):
            fy, fx = min(y, size[0] - y), min(x, size[1] - x)
            if radial:
                k = 0
                while fy**2 + fx**2 > k**2:
                    k += 1
            else:
                k = max(fy, fx)
            index[y, x] = k
    return index


@pytest.mark.parametrize("size", SIZES)
def test_the_full_plane_is_completed(size):
    x = torch.randn(2, 3, *size, dtype=torch.float64)
    torch.testing.assert_close(
        full_plane(torch.fft.rfft2(x), size[1]), torch.fft.fft2(x)
    )


@pytest.mark.parametrize("shell", ["chebyshev", "radial"])
@pytest.mark.parametrize("size", SIZES)
def test_each_shell_is_summed(size, shell):
    power = torch.fft.fft2(torch.randn(2, *size, dtype=torch.float64)).abs()
    index = shells(size, radial=shell == "radial")
    sums = shell_sums(power[..., : size[1] // 2 + 1], size[1], shell)
    assert sums.shape == (2, int(index.max()) + 1)
    expected = [power[:, index == k].sum(-1) for k in range(sums.shape[-1])]
    torch.testing.assert_close(sums, torch.stack(expected, -1))


@pytest.mark.parametrize("size", SIZES)
def test_magnitudes_are_averaged_over_channels_and_shells(size):
    x = torch.randn(2, 3, *size, dtype=torch.float64)
    magnitude, index = torch.fft.fft2(x).abs().mean(1), shells(size, radial=False)
    expected = [magnitude[:, index == k].mean(-1) for k in range(max(size) // 2 + 1)]
    torch.testing.assert_close(magnitude_profile(x), torch.stack(expected, -1))


def test_a_shell_that_is_unknown_is_refused():
    with pytest.raises(ValueError, match=r"expected shell among .*'disc'"):
        shell_sums(torch.zeros(4, 3), 4, "disc")
