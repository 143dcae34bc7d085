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


def recorded_mode(state: dict[str, Tensor], prefix: str) -> HighFrequency | None:
    """Return the mode that a state dict was trained with.

    Args:
        state: a state dict.
        prefix: the name of its :class:`HighFrequencyMaps`, with a dot behind.

    Returns:
        The mode, or None where there is none of them.
    """
    index = state.get(f"{prefix}mode_index")
    return None if index is None else _MODES[int(index)]


def read_levels(head: nn.Module) -> tuple[int, ...]:
    """Return the levels that a decode head reads; negative ones count from behind."""
    index = head.in_index
    return (index,) if isinstance(index, int) else tuple(index)


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
    return (channels,) if isinstance(channels, int) else tuple(channels)


def single_head(segmentor: nn.Module) -> nn.Module:
    """Return the decode head of a segmentor.

    Args:
        segmentor: an ``EncoderDecoder`` of MMSegmentation.

    Raises:
        ValueError: it has none, or a cascade of them.
    """
    head = getattr(segmentor, "decode_head", None)
    if head is None or isinstance(head, nn.ModuleList):
        kind = "none" if head is None else "a cascade of them"
        raise ValueError(
            f"expected a segmentor with one decode head, and {type(segmentor).__name__}"
            f" has {kind}"
        )
    return head
