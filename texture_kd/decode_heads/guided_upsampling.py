"""DUC: a deep feature drawn on a finer grid, along the edges of the image."""

import torch
from mmcv.cnn import ConvModule
from torch import Tensor, nn

from texture_kd.functional import adaptive_mean, guided_upsample


class GuidedUpsampling(nn.Module):
    """The dense upsampling convolution of Sec. III-B (Fig. 3), as a guided filter.

    The image's guidance is computed at a fraction of its size, and the coefficients of
    Eq. 3 from guidance and deep feature at the deep feature's grid:
    :func:`~texture_kd.functional.guided_upsample` applies them at the fine one.

    Args:
        image_channels: of the image.
        in_channels: of the deep feature, I_l.
        channels: of guidance, coefficients and output.
        guidance_channels: of the pointwise guidance, at the image's size.
        stride: of the convolution that brings the guidance to a coarser grid. Its
            kernel, 2 stride - 1, sees every pixel.
        identity: start with a = 0 and b the deep feature: the output is then that of
            bilinear interpolation, until training has a reason to change it.
        align_corners: of the interpolation.
        **layer: ``norm_cfg``, ``act_cfg`` and ``conv_cfg`` of the layers.
    """

    def __init__(
        self,
        image_channels: int,
        in_channels: int,
        channels: int = 256,
        guidance_channels: int = 16,
        stride: int = 4,
        identity: bool = False,
        align_corners: bool = False,
        **layer,
    ) -> None:
        super().__init__()
        self.align_corners = align_corners
        self.out_channels = channels
        self.guidance = nn.Sequential(
            ConvModule(image_channels, guidance_channels, 1, **layer),
            nn.Conv2d(guidance_channels, guidance_channels, 1),
            nn.Conv2d(
                guidance_channels, channels, 2 * stride - 1, stride, padding=stride - 1
            ),
        )
        self.reduce = ConvModule(
            in_channels, channels, 3, padding=2, dilation=2, **layer
        )
        self.coefficients = nn.Conv2d(2 * channels, 2 * channels, 1)
        if identity:
            self._start_as_bilinear()

    def _start_as_bilinear(self) -> None:
        channels = self.coefficients.out_channels // 2
        nn.init.zeros_(self.coefficients.weight)
        nn.init.zeros_(self.coefficients.bias)
        with torch.no_grad():
            # Offsets come after slopes, and the deep feature after the guidance.
            self.coefficients.weight[channels:, channels:, 0, 0].fill_diagonal_(1.0)

    def forward(self, image: Tensor, feature: Tensor, size: tuple[int, int]) -> Tensor:
        """Draw the feature on a grid.

        Args:
            image: (N, image_channels, H, W), normalised as the backbone gets it.
            feature: I_l, (N, in_channels, h, w).
            size: height and width of the grid.

        Returns:
            O, ``(N, channels, *size)``.
        """
        guidance = self.guidance(image)
        if guidance.shape[2:] != size:
            guidance = adaptive_mean(guidance, size)
        feature = self.reduce(feature)
        coarse = adaptive_mean(guidance, feature.shape[2:])
        slope, offset = self.coefficients(torch.cat([coarse, feature], 1)).chunk(2, 1)
        return guided_upsample(guidance, slope, offset, self.align_corners)
