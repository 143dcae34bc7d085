"""Frozen heads of a teacher that DS2D2 applies to both networks' features."""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from texture_kd.functional.choices import check_choice
from texture_kd.functional.valid_area import valid_only
from texture_kd.functional.wavelet import haar_dwt, high_frequency

_NAMES = ("full", "high")


class HaarFeature:
    """A feature, and its Haar bands once somebody asks for them.

    Args:
        feature: (N, C, H, W).
        area: booleans (N, 1, H, W), true where it shows the image and not padding; or
            None for everywhere. Elsewhere the feature is made 0.
    """

    def __init__(self, feature: Tensor, area: Tensor | None = None) -> None:
        self.feature = valid_only(feature, area)
        self.area = area

    @cached_property
    def cells(self) -> Tensor | None:
        """Where all pixels of a coefficient are of the image, (N, 1, h, w)."""
        if self.area is None:
            return None
        return F.max_pool2d((~self.area).float(), 2, ceil_mode=True) == 0

    @cached_property
    def bands(self) -> tuple[Tensor, Tensor]:
        """LL (N, C, h, w) and the details (N, C, 3, h, w); 0 outside ``cells``."""
        low, details = haar_dwt(self.feature)
        return valid_only(low, self.cells), valid_only(details, self.cells)


class Amplifiers(nn.Module):
    """The amplifiers of :class:`~texture_kd.losses.DS2D2Loss`, which says what one is.

    They are frozen and in eval mode whatever happens, and the state dict has nothing of
    them: what they are made of comes from the teacher and from checkpoints of their
    own.

    Args:
        configs: their configs under ``full`` and ``high``, with ``loss_weight``, 1 by
            default. One of weight 0 is not built, nor is None.
        ignore_index: label of the pixels that do not count, for those that have this
            option.

    Raises:
        ValueError: there is another name, a weight is negative, one takes what is the
            other's, or ignores another label.
    """

    def __init__(self, configs: Mapping[str, Mapping], ignore_index: int) -> None:
        super().__init__()
        self.weights: dict[str, float] = {}
        for name, config in configs.items():
            check_choice("a key of amplifiers", name, _NAMES)
            if config is None:
                continue
            config = dict(config)
            weight = config.pop("loss_weight", 1.0)
            if weight != 0:
                self.weights[name] = check_weight(f"loss_weight of {name!r}", weight)
                self.add_module(name, _built(name, config, ignore_index))
        for name in self.weights:
            mode = self.get_submodule(name).mode
            if (mode is None) != (name == "full"):
                raise ValueError(
                    f"the amplifier {name!r} has mode={mode!r}: 'full' takes the "
                    "features and has none, and 'high' takes maps of a mode, such as "
                    "'sum'"
                )
        self._attached = False
        self._register_state_dict_hook(_leave_out)
        self._register_load_state_dict_pre_hook(_complete, with_module=True)

    def __deepcopy__(self, memo: dict) -> "Amplifiers":
        """Share what is frozen: averages of weights are copies of what is trained."""
        return self

    def attach_teacher(self, teacher: nn.Module) -> None:
        """Give each its teacher, and freeze them.

        Args:
            teacher: the built teacher, with its weights.

        Raises:
            ValueError: one does not fit it.
        """
        for name in self.weights:
            self.get_submodule(name).attach_teacher(teacher)
        self.requires_grad_(False).eval()
        self._attached = True

    def reads(self, levels: int) -> dict[str, tuple[int, ...]]:
        """Return which of so many levels each reads, after it has its teacher."""
        return {
            name: tuple(level % levels for level in self.get_submodule(name).levels)
            for name in self.weights
        }

    def train(self, mode: bool = True) -> "Amplifiers":
        """Stay in eval mode."""
        return super().train(False)

    def forward(
        self,
        student: Mapping[int, HaarFeature],
        teacher: Mapping[int, HaarFeature],
        levels: int,
        samples: Sequence[Any] | None,
        rois: Tensor | None,
        valid: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Compute what the student lacks in the eyes of each.

        Args:
            student: levels of the student by their number, as the teacher's.
            teacher: those of the teacher.
            levels: number of levels that there are.
            samples: the data samples of the images.
            rois: regions (R, 5) of a two-stage detector.
            valid: booleans (N, H, W) or (N, 1, H, W), true for pixels of the image; or
                None where nothing is padded.

        Returns:
            Scalars by name, before their weights.

        Raises:
            ValueError: they have no teacher yet.
        """
        if self.weights and not self._attached:
            raise ValueError(
                "DS2D2Loss has amplifiers, and was given no teacher: use it with "
                "TextureDistill, or call its attach_teacher"
            )
        found = {}
        for name, reads in self.reads(levels).items():
            amplifier = self.get_submodule(name)
            seen = [
                tuple(
                    _seen(side[level], amplifier.mode) if level in reads else None
                    for level in range(levels)
                )
                for side in (student, teacher)
            ]
            found[name] = amplifier(*seen, samples, rois, valid)
        return found


def _built(name: str, config: Mapping, ignore_index: int) -> nn.Module:
    # Amplifiers come with OpenMMLab, whose registry knows them.
    from mmrazor.registry import MODELS

    from texture_kd.network_facts import with_fact

    name, said = (
        f"the amplifier {name!r}",
        f"DS2D2Loss ignores the label {ignore_index}",
    )
    return MODELS.build(with_fact(name, config, "ignore_index", ignore_index, said))


def check_weight(name: str, weight: float) -> float:
    """Return a weight of a term, if it is one.

    Args:
        name: what the config calls it, for the message.
        weight: the weight.

    Raises:
        ValueError: it is no number, or negative or infinite.
    """
    if not isinstance(weight, int | float) or not 0 <= weight < math.inf:
        raise ValueError(f"expected a finite {name} of at least 0, got {weight!r}")
    return weight


def _seen(x: HaarFeature, mode: str | None) -> Tensor:
    if mode is None:
        return x.feature
    return high_frequency(x.bands[1], tuple(x.feature.shape[-2:]), mode)


def _leave_out(
    module: Amplifiers, state: dict, prefix: str, local_metadata: dict
) -> None:
    for key in [key for key in state if key.startswith(prefix)]:
        del state[key]


def _complete(module: Amplifiers, state: dict, prefix: str, *unused: object) -> None:
    """Keep the amplifiers as they are, whatever a checkpoint says."""
    for name, amplifier in module.named_children():
        for key, value in amplifier.state_dict().items():
            state[f"{prefix}{name}.{key}"] = value
