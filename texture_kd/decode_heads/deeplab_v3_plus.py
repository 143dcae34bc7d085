"""DeepLabV3+ with plain convolutions."""

from collections.abc import Sequence

import torch
from mmcv.cnn import ConvModule
from mmseg.models.decode_heads.aspp_head import ASPPHead
from mmseg.models.utils import resize
from torch import Tensor, nn


class DeepLabV3PlusHead(ASPPHead):
    """DeepLabV3+ as in the spectral analysis (Fig. 3).

    MMSegmentation has it with depthwise separable convolutions, whose decoder costs a
    fraction of this one's: what truncation saves is to be seen on the plain one.

    Args:
        c1_in_channels: channels of the backbone's first feature.
        c1_channels: channels that it is reduced to.
        **options: those of MMSegmentation's ``ASPPHead``.
    """

    def __init__(self, c1_in_channels: int, c1_channels: int = 48, **options) -> None:
        super().__init__(**options)
        layer = dict(
            conv_cfg=self.conv_cfg, norm_cfg=self.norm_cfg, act_cfg=self.act_cfg
        )
        branches = (len(self.dilations) + 1) * self.channels
        self.bottleneck = ConvModule(branches, self.channels, 1, **layer)
        self.c1_bottleneck = ConvModule(c1_in_channels, c1_channels, 1, **layer)
        self.decoder = nn.Sequential(
            ConvModule(
                self.channels + c1_channels, self.channels, 3, padding=1, **layer
            ),
            ConvModule(self.channels, self.channels, 3, padding=1, **layer),
        )

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Predict at the size of the first feature.

        Args:
            inputs: features (N, C, H, W) of the backbone.

        Returns:
            Logits (N, K, H, W).
        """
        low = self.c1_bottleneck(inputs[0])
        high = resize(
            self._forward_feature(inputs),
            size=low.shape[2:],
            mode="bilinear",
            align_corners=self.align_corners,
        )
        return self.cls_seg(self.decoder(torch.cat([high, low], dim=1)))
