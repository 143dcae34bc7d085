"""Guided upsampling and dense local context as a decode head."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor

from texture_kd.decode_heads.dense_local_context import DenseLocalContext
from texture_kd.decode_heads.guided_upsampling import GuidedUpsampling

DEFAULTS: Mapping = MappingProxyType({})


class DUCDLCHead(BaseDecodeHead):
    """DUC and DLC (Sediqi and Lee 2021, Fig. 2), either of which can be left out.

    .. code-block:: python

        model = dict(
            type="EncoderDecoderWithImage",
            backbone=dict(type="ResNetV1c", depth=101, ...),
            decode_head=dict(
                type="DUCDLCHead",
                in_channels=[3, 512, 2048],
                in_index=[-1, 1, 3],
                num_classes=150,
                ...
            ),
        )

    It reads the image, which
    :class:`~texture_kd.segmentors.EncoderDecoderWithImage` puts behind the backbone's
    features, an intermediate feature I_m, and the last one, I_l. DUC brings I_l to the
    grid of I_m, whose channels are concatenated behind it, and DLC follows. Logits have
    the grid of I_m, and the grid of I_l without DUC.

    The last feature before the classifier is that of ``decode_head.dlc``, or of
    ``decode_head.duc``, before I_m is concatenated, without DLC.

    In a :class:`SpectralTruncationHead` the features are truncated and the image is
    not: what it guides is on the truncated grid.

    Args:
        in_channels: of image, I_m and I_l.
        in_index: where they are among what the head is given.
        duc: options of :class:`GuidedUpsampling`; None leaves it out, and DLC reads I_l
            alone.
        dlc: options of :class:`DenseLocalContext`; None leaves it out.
        **options: those of MMSegmentation's ``BaseDecodeHead``, but ``channels``, which
            follow, and ``input_transform``.

    Raises:
        ValueError: there are not three inputs, or a part is neither left out nor
            options; in the forward pass, what stands for the image has not its
            channels.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        in_index: Sequence[int] = (-1, 1, 3),
        duc: Mapping | None = DEFAULTS,
        dlc: Mapping | None = DEFAULTS,
        **options,
    ) -> None:
        _check_inputs(in_channels, in_index)
        _check_parts(duc=duc, dlc=dlc)
        # Modules can be set once the base class is there, and it needs their channels.
        layer = {k: options.get(k) for k in ("conv_cfg", "norm_cfg")}
        layer["act_cfg"] = options.get("act_cfg", dict(type="ReLU"))
        image, middle, deep = in_channels
        channels, modules = deep, {}
        if duc is not None:
            align = options.get("align_corners", False)
            modules["duc"] = GuidedUpsampling(
                image, deep, **layer, align_corners=align, **duc
            )
            channels = modules["duc"].out_channels + middle
        if dlc is not None:
            modules["dlc"] = DenseLocalContext(channels, **layer, **dlc)
            channels = modules["dlc"].out_channels
        super().__init__(
            in_channels=list(in_channels),
            in_index=list(in_index),
            input_transform="multiple_select",
            channels=channels,
            **options,
        )
        self.duc, self.dlc = modules.get("duc"), modules.get("dlc")

    @property
    def image_index(self) -> int:
        """Where the image is among what the head is given."""
        return self.in_index[0]

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Predict.

        Args:
            inputs: features (N, C, H, W) of the backbone, and the image.

        Returns:
            Logits (N, K, h, w), on the grid of I_m, or of I_l without DUC.
        """
        image, middle, x = self._transform_inputs(inputs)
        if self.duc is not None:
            self._check_image(image)
            x = self.duc(image, x, middle.shape[2:])
            x = torch.cat([x, middle], dim=1)
        if self.dlc is not None:
            x = self.dlc(x)
        return self.cls_seg(x)

    def _check_image(self, image: Tensor) -> None:
        if image.shape[1] != self.in_channels[0]:
            raise ValueError(
                f"DUCDLCHead expected an image of {self.in_channels[0]} channels at "
                f"in_index {self.image_index}, and found {image.shape[1]}: the "
                "segmentor has to be type='EncoderDecoderWithImage'"
            )


def _check_inputs(in_channels: Sequence[int], in_index: Sequence[int]) -> None:
    if any(isinstance(x, int) or len(x) != 3 for x in (in_channels, in_index)):
        raise ValueError(
            "DUCDLCHead reads three inputs, the image, an intermediate feature and the "
            f"last one, got in_channels={in_channels} and in_index={in_index}"
        )


def _check_parts(**parts: Mapping | None) -> None:
    for name, options in parts.items():
        if not (options is None or isinstance(options, Mapping)):
            raise ValueError(
                f"expected options of {name}, dict() for the paper's, or None to leave "
                f"it out, got {options!r}"
            )
