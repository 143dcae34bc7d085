"""Regressor of local feature distillation, LFD (Park and Kwak 2021)."""

from mmcv.cnn import ConvModule
from mmrazor.models.architectures.connectors.base_connector import BaseConnector
from torch import Tensor, nn

_LEAKY = dict(type="LeakyReLU", negative_slope=0.1)


class LFDConnector(BaseConnector):
    """Align a student's feature with the teacher's by several convolutions.

    FitNet's regressor looks at one pixel; this one at a neighbourhood of
    depth * (kernel_size - 1) + 1 pixels, 7x7 by default, so that each pixel of the
    teacher guides all of the student's around it. The first half of the convolutions,
    rounded down, has the student's channels, and the others have the teacher's. The
    paper says "much deeper" than FitNet's; three convolutions with leaky activations
    are the translator of its authors' factor transfer.

    FitNet's own is ``depth=1, kernel_size=1, last_act_cfg=dict(type='ReLU')``.

    Args:
        in_channel: channels of the student's feature.
        out_channel: channels of the teacher's.
        depth: number of convolutions, at least 1.
        kernel_size: side of their kernels, odd.
        norm_cfg: MMCV's config of a normalisation after each convolution but the last;
            none by default.
        act_cfg: MMCV's config of the activation after each but the last.
        last_act_cfg: that of the activation after the last; none by default, for a
            teacher's feature may be negative.
        init_cfg: MMEngine's initialisation config.

    Raises:
        ValueError: a number is below 1, or the kernel's side is even.
    """

    def __init__(
        self,
        in_channel: int,
        out_channel: int,
        depth: int = 3,
        kernel_size: int = 3,
        norm_cfg: dict | None = None,
        act_cfg: dict | None = _LEAKY,
        last_act_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if min(in_channel, out_channel, depth) < 1:
            raise ValueError(
                "expected in_channel, out_channel and depth of at least 1, got "
                f"{in_channel}, {out_channel} and {depth}"
            )
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(
                f"expected an odd kernel_size, which keeps the grid, got {kernel_size}"
            )
        widths = [in_channel] * (1 + depth // 2) + [out_channel] * (depth - depth // 2)
        last = depth - 1
        self.layers = nn.Sequential(
            *(
                ConvModule(
                    widths[i],
                    widths[i + 1],
                    kernel_size,
                    padding=kernel_size // 2,
                    norm_cfg=None if i == last else norm_cfg,
                    act_cfg=last_act_cfg if i == last else act_cfg,
                )
                for i in range(depth)
            )
        )

    def forward_train(self, feature: Tensor) -> Tensor:
        """Align a feature.

        Args:
            feature: feature of the student (N, in_channel, H, W).

        Returns:
            The feature (N, out_channel, H, W) to be compared with the teacher's.

        Raises:
            ValueError: what was recorded is no tensor, or has another number of
                dimensions or channels.
        """
        channels = self.layers[0].in_channels
        if not isinstance(feature, Tensor):
            raise ValueError(
                f"expected a feature (N, {channels}, H, W), got "
                f"{type(feature).__name__}: a recorder of a whole backbone needs "
                "data_idx, the number of the stage from 0"
            )
        if feature.ndim != 4 or feature.shape[1] != channels:
            raise ValueError(
                f"expected a feature (N, {channels}, H, W), got shape "
                f"{tuple(feature.shape)}: set in_channel to its channels"
            )
        return self.layers(feature)
