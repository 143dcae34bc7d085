"""What a network costs, as the spectral analysis counts."""

from mmengine.analysis import get_model_complexity_info
from torch import nn

from texture_kd.input_channels import input_channels


def count_gflops(model: nn.Module, size: tuple[int, int]) -> float:
    """Count the operations of a forward pass by MMEngine's counter.

    Args:
        model: a segmentor.
        size: height and width of an image.

    Returns:
        10^9 floating point operations, two a multiply-accumulate.
    """
    counted = get_model_complexity_info(
        model, (input_channels(model), *size), show_table=False, show_arch=False
    )
    # MMEngine counts multiply-accumulates.
    return 2e-9 * counted["flops"]
