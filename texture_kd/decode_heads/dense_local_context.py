"""DLC: dilated convolutions, each of which sees what the ones before it have made."""

from collections.abc import Sequence

import torch
from mmcv.cnn import ConvModule
from torch import Tensor, nn


class DenseLocalContext(nn.Module):
    """The dense local context of Sec. III-C (Fig. 4), after DenseASPP.

    The receptive fields of Eq. 4 add up as in Eq. 5: with the default dilations an
    output sees 79x79 inputs.

    Args:
        in_channels: of the input.
        channels: to which it is reduced first.
        growth: channels that each dilated convolution adds.
        bottleneck: channels of the pointwise convolution before each of them.
        dilations: in the order in which they are applied.
        **layer: ``norm_cfg``, ``act_cfg`` and ``conv_cfg`` of the layers.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int = 512,
        growth: int = 128,
        bottleneck: int = 128,
        dilations: Sequence[int] = (3, 6, 12, 18),
        **layer,
    ) -> None:
        super().__init__()
        self.reduce = ConvModule(in_channels, channels, 1, **layer)
        self.branches = nn.ModuleList(
            nn.Sequential(
                ConvModule(channels + index * growth, bottleneck, 1, **layer),
                ConvModule(bottleneck, growth, 3, padding=d, dilation=d, **layer),
            )
            for index, d in enumerate(dilations)
        )
        self.out_channels = channels + len(dilations) * growth

    def forward(self, x: Tensor) -> Tensor:
        """Gather context.

        Args:
            x: (N, in_channels, H, W).

        Returns:
            (N, channels + growth * len(dilations), H, W): the reduced input, and what
            each convolution has added.
        """
        x = self.reduce(x)
        for branch in self.branches:
            x = torch.cat([x, branch(x)], dim=1)
        return x
