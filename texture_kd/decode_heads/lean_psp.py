"""PSPNet's head without the enlarged half of its input."""

import torch
import torch.nn.functional as F
from mmseg.models.decode_heads import PSPHead
from torch import Tensor, nn

from texture_kd.functional.enlarged_convolution import conv_enlarged


class LeanPSPHead(PSPHead):
    """MMSegmentation's ``PSPHead`` in half its operations.

    Half of the channels that its 3x3 bottleneck sees are maps of 6x6 pixels at most,
    drawn on the feature's grid. Here they are convolved as they are: the same weights
    under the same names, the same result to rounding, the same gradients.

    Args:
        **options: those of ``PSPHead``.

    Raises:
        ValueError: ``conv_cfg`` makes the bottleneck anything but a plain convolution.
    """

    def __init__(self, **options) -> None:
        super().__init__(**options)
        self.bottleneck.conv = _pyramid_conv(self.bottleneck.conv, self.align_corners)

    def _forward_feature(self, inputs: list[Tensor]) -> Tensor:
        if torch.onnx.is_in_onnx_export() or torch.compiler.is_exporting():
            # Graphs for images of any size have the plain way, of the same weights.
            return super()._forward_feature(inputs)
        x = self._transform_inputs(inputs)
        pooled = [module(x) for module in self.psp_modules]
        # Called as a whole: hooks find the bottleneck's output as in PSPHead.
        return self.bottleneck((x, pooled))


class _PyramidConv2d(nn.Conv2d):
    """Convolution of a feature beside small maps that are enlarged to its size."""

    def __init__(self, *args, align_corners: bool, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.align_corners = align_corners

    def forward(self, inputs: Tensor | tuple[Tensor, list[Tensor]]) -> Tensor:
        if isinstance(inputs, Tensor):
            return super().forward(inputs)
        feature, maps = inputs
        whole, enlarged = self.weight.tensor_split([feature.shape[1]], dim=1)
        output = F.conv2d(feature, whole, self.bias, padding=self.padding)
        size = output.shape[2:]
        return output + conv_enlarged(maps, enlarged, size, self.align_corners)


def _pyramid_conv(conv: nn.Module, align_corners: bool) -> _PyramidConv2d:
    """Take over the parameters of a convolution."""
    if type(conv) is not nn.Conv2d:
        raise ValueError(
            f"LeanPSPHead needs plain convolutions, got {type(conv).__name__}: "
            "remove conv_cfg or take MMSegmentation's PSPHead"
        )
    # Without parameters of its own, and the random numbers for them.
    with torch.device("meta"):
        own = _PyramidConv2d(
            conv.in_channels,
            conv.out_channels,
            conv.kernel_size,
            padding=conv.padding,
            align_corners=align_corners,
        )
    own.weight, own.bias = conv.weight, conv.bias
    return own
