"""A layer of adaptive average pooling that exports with any size of its input."""

from torch import Tensor, nn

from texture_kd.functional import adaptive_mean


class AdaptiveMean(nn.Module):
    """Do what ``nn.AdaptiveAvgPool2d`` does, by products of matrices.

    Args:
        output_size: of the pooling layer: a side, or height and width, of which None
            stays as it is.
    """

    def __init__(self, output_size: int | tuple[int | None, ...] | None) -> None:
        super().__init__()
        pair = isinstance(output_size, tuple | list)
        self.output_size = tuple(output_size) if pair else (output_size, output_size)

    def forward(self, x: Tensor) -> Tensor:
        """Pool.

        Args:
            x: maps (N, C, H, W).

        Returns:
            The mean of each window, ``(N, C, *output_size)``.
        """
        return adaptive_mean(x, self.output_size)
