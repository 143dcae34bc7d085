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
    trained = recorded_mode(state, prefix)
    refuse_other_mode(trained, module.mode, "the checkpoint", "the model")


def refuse_other_mode(
    trained: HighFrequency | None, mode: HighFrequency, what: str, where: str
) -> None:
    """Refuse weights that were trained on other maps.

    Args:
        trained: the mode that they were trained with, None where nothing says so.
        mode: the mode that they are for.
        what: whose they are, for the message.
        where: what of the config has the mode, for the message.

    Raises:
        ValueError: the modes differ.
    """
    if trained not in (None, mode):
        raise ValueError(
            f"{what} was trained with mode={trained!r}, and {where} in the config has "
            f"mode={mode!r}: give both the same."
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
