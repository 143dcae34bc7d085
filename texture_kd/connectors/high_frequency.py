"""What stands before a head that reads maps of details in place of features."""

from collections.abc import Sequence
from typing import get_args

import torch
from torch import Tensor, nn

from texture_kd.functional.choices import check_choice
from texture_kd.functional.wavelet import HighFrequency, haar_dwt, high_frequency

_MODES = get_args(HighFrequency)


class HighFrequencyMaps(nn.Module):
    """Turn the features that a head reads into maps of their details.

    With ``concat`` a 1x1 convolution brings the three bands of each feature back to its
    channels. It begins as their sum and is to be trained with the head. The mode is
    kept in the state dict, for a head that was trained on one mode is of no use on
    another.

    Args:
        channels: channels of each feature.
        mode: what is made of the bands, see
            :func:`~texture_kd.functional.high_frequency`.

    Raises:
        ValueError: an option is unknown.
    """

    def __init__(
        self,
        channels: Sequence[int],
        mode: HighFrequency = "sum",
    ) -> None:
        super().__init__()
        check_choice("mode", mode, _MODES)
        self.mode: HighFrequency = mode
        self.register_buffer("mode_index", torch.tensor(_MODES.index(mode)))
        self._register_load_state_dict_pre_hook(_check_mode, with_module=True)
        self.mixes = nn.ModuleList()
        for count in channels if mode == "concat" else ():
            mix = nn.Conv2d(3 * count, count, 1, bias=False)
            with torch.no_grad():
                summed = torch.eye(count).repeat_interleave(3, 1)
                mix.weight.copy_(summed[..., None, None])
            self.mixes.append(mix)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Compute the maps.

        Args:
            features: (N, C, H, W) each.

        Returns:
            Maps of the same shapes.
        """
        return self.mixed(
            [
                high_frequency(haar_dwt(x)[1], tuple(x.shape[-2:]), self.mode)
                for x in features
            ]
        )

    def mixed(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Bring maps of ``high_frequency`` back to the channels of the features.

        Args:
            maps: (N, C, H, W) each, or (N, 3C, H, W) with ``concat``.

        Returns:
            Maps (N, C, H, W).
        """
        if not self.mixes:
            return list(maps)
        return [mix(x) for mix, x in zip(self.mixes, maps, strict=True)]


def _check_mode(
    module: HighFrequencyMaps, state: dict, prefix: str, *unused: object
) -> None:
    mode = recorded_mode(state, prefix)
    if mode not in (None, module.mode):
        raise ValueError(
            f"the checkpoint was trained with mode={mode!r}, and the model in the "
            f"config has mode={module.mode!r}: give both the same"
        )


def recorded_mode(state: dict[str, Tensor], prefix: str) -> HighFrequency | None:
    """Return the mode that a state dict was trained with.

    Args:
        state: a state dict.
        prefix: the name of its :class:`HighFrequencyMaps`, with a dot behind.

    Returns:
        The mode, or None where there is none of them.

    Raises:
        ValueError: it holds no mode that there is.
    """
    index = state.get(f"{prefix}mode_index")
    if index is None:
        return None
    if int(index) not in range(len(_MODES)):
        raise ValueError(
            f"{prefix}mode_index is {int(index)}, which stands for no mode of "
            f"{_MODES}: the checkpoint is damaged, or of a later version"
        )
    return _MODES[int(index)]


def read_levels(head: nn.Module) -> tuple[int, ...]:
    """Return the levels that a decode head reads; negative ones count from behind."""
    index = head.in_index
    levels = (index,) if isinstance(index, int) else tuple(index)
    # DeepLabV3+ reads the finest feature beside those of in_index.
    return levels if _low_level(head) is None else (*levels, 0)


def read_channels(head: nn.Module) -> tuple[int, ...]:
    """Return the channels of each level that a decode head reads.

    Args:
        head: a decode head of MMSegmentation.

    Raises:
        ValueError: it keeps only their sum.
    """
    if head.input_transform == "resize_concat":
        raise ValueError(
            f"{type(head).__name__} concatenates its levels (input_transform="
            "'resize_concat') and does not know the channels of each: take another "
            "mode than 'concat'"
        )
    channels = head.in_channels
    channels = (channels,) if isinstance(channels, int) else tuple(channels)
    low = _low_level(head)
    return channels if low is None else (*channels, low.in_channels)


def summed_channels(head: nn.Module) -> int:
    """Return the channels of all levels that a decode head reads, in all."""
    low = _low_level(head)
    channels = head.in_channels
    summed = channels if isinstance(channels, int) else sum(channels)
    return summed + (0 if low is None else low.in_channels)


def _low_level(head: nn.Module) -> nn.Module | None:
    return getattr(head, "c1_bottleneck", None)


def single_head(segmentor: nn.Module) -> nn.Module:
    """Return the decode head of a segmentor.

    Args:
        segmentor: an ``EncoderDecoder`` of MMSegmentation.

    Raises:
        ValueError: it has none, or a cascade of them, or one that reads the image.
    """
    head = getattr(segmentor, "decode_head", None)
    if head is None or isinstance(head, nn.ModuleList):
        kind = "none" if head is None else "a cascade of them"
        raise ValueError(
            f"expected a segmentor with one decode head, and {type(segmentor).__name__}"
            f" has {kind}"
        )
    if hasattr(head, "image_index"):
        raise ValueError(
            f"{type(head).__name__} reads the image beside the features, and an "
            "amplifier's head is given features alone: take a teacher with another "
            "head, or leave the amplifiers out"
        )
    return head
