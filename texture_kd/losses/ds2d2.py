"""Dual-stream spectral decoupling distillation, DS2D2 (Gao et al. 2025)."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from texture_kd.functional.band_distance import BandNorm, band_distance
from texture_kd.functional.choices import check_choice
from texture_kd.functional.component_shares import check_grid
from texture_kd.functional.valid_area import (
    shared_area,
    valid_area,
    valid_only,
    valid_resize,
)
from texture_kd.losses.amplifiers import Amplifiers, HaarFeature, check_weight
from texture_kd.losses.distillation_loss import DistillationLoss
from texture_kd.losses.feature_checks import (
    check_channels,
    check_levels,
    check_same_images,
)
from texture_kd.losses.level_adapters import LevelAdapters
from texture_kd.losses.sample_shares import Weighting, sample_shares

UseAdapter = Literal["auto", "always"]

# The explicit terms, in the order of the bands of a Haar transform.
_BANDS = ("low", "high")
# What the amplifiers are called in the log, beside those.
_PARTS = {"full": "full", "high": "amplified"}


class DS2D2Loss(DistillationLoss):
    r"""Match the Haar bands of features, and what frozen heads make of them.

    .. math::

        L = w_l L_{low} + w_h L_{high} + w_f L_{full} + w_a L_{amplified}

    (DS2D2). The explicit terms are sums over ``levels`` of
    :func:`~texture_kd.functional.band_distance`, weighted as ``weighting`` says: each
    object has the same share of the extra weight, whatever its size. The implicit terms
    are those of amplifiers, frozen heads of a teacher that are applied to both
    networks' features: ``full`` is the teacher's own head on the features, ``high`` a
    head on :func:`~texture_kd.functional.high_frequency` maps, trained beforehand. What
    they make of both is compared as the teacher's task has it.

    A 1x1 convolution without bias aligns the student's channels for the explicit terms,
    and for the amplifiers where the numbers of channels differ; then the features are
    brought to the teacher's grid bilinearly. Neither the teacher nor the amplifiers are
    trained, and the state dict has nothing of them. A weight of 0 takes a term out,
    with its cost.

    The defaults of ``norm`` and of all weights are ours. The paper's weights, of
    features without norm, differ by 5e4 from one detector to the next. After a call
    ``parts`` has ``low``, ``high``, ``full`` and ``amplified`` before their weights,
    for the log.

    An amplifier is a module of MMRazor's ``MODELS`` with

    - ``mode``, None if it takes the features, or the mode of the maps that it takes;
    - ``attach_teacher(teacher)``, called once, when the teacher is built and loaded;
    - ``levels`` after that, those that it reads; negative ones count from behind;
    - ``forward(student, teacher, samples, rois, valid)``: of both networks a tuple of
      all levels (N, C, H, W), of the teacher's channels and sizes and in float32 at
      least, with None for those that it does not read; the teacher's without gradient.
      Where images are padded, ``valid`` is not None and both are 0 in the padding. It
      returns a scalar, of what is valid.

    Args:
        student_channels: channels of all levels of the student.
        teacher_channels: channels of all levels of the teacher.
        levels: the levels that are compared, from 0; all by default.
        shared_adapter: one convolution for all levels, where each network has one
            number of channels.
        low_weight: w_l.
        high_weight: w_h.
        weighting: what has the same share in the explicit terms: each ``component`` of
            the label map (``LabelComponents`` finds them), each ``class`` of an image,
            the ``bbox`` about each component, or each of the ``boxes`` of a detection;
            or ``none``.
        gamma: what each of them adds in all, to weights of 1.
        norm: ``channel`` standardises each channel of each band first.
        amplifiers: configs under ``full`` and ``high``, with their ``loss_weight``, 1
            by default, beside the options of their type.
        implicit_use_adapter: ``always`` gives the amplifiers aligned features even
            where the channels agree.
        ignore_index: label of the pixels that are in no class and no component, and
            that the amplifiers leave out. ``TextureDistill`` gives that of the
            student's decode head.

    Raises:
        ValueError: an option is unknown or does not fit the others.
    """

    def __init__(
        self,
        student_channels: Sequence[int],
        teacher_channels: Sequence[int],
        levels: Sequence[int] | None = None,
        shared_adapter: bool = False,
        low_weight: float = 1.0,
        high_weight: float = 1.0,
        weighting: Weighting = "component",
        gamma: float = 1.0,
        norm: BandNorm = "channel",
        amplifiers: Mapping[str, Mapping] | None = None,
        implicit_use_adapter: UseAdapter = "auto",
        ignore_index: int = 255,
    ) -> None:
        super().__init__()
        check_choice("weighting", weighting, get_args(Weighting))
        check_choice("norm", norm, get_args(BandNorm))
        check_choice("implicit_use_adapter", implicit_use_adapter, get_args(UseAdapter))
        check_grid((1, 1), gamma)
        self.student_channels, self.teacher_channels = check_channels(
            student_channels, teacher_channels
        )
        self.levels = self._checked_levels(levels)
        weights = zip(_BANDS, (low_weight, high_weight), strict=True)
        self._explicit = {
            name: check_weight(f"{name}_weight", weight)
            for name, weight in weights
            if weight != 0
        }
        self.weighting: Weighting = weighting
        self.gamma = gamma
        self.norm: BandNorm = norm
        self.implicit_use_adapter: UseAdapter = implicit_use_adapter
        self.ignore_index = ignore_index
        self.adapters = LevelAdapters(
            self.student_channels,
            self.teacher_channels,
            [lv for lv in self.levels if self._explicit or self._adapts(lv)],
            shared_adapter,
        )
        self.amplifiers = Amplifiers(amplifiers or {}, ignore_index)
        if not self._explicit and not self.amplifiers.weights:
            raise ValueError(
                "all weights are 0, and nothing is left to be learnt: remove the loss"
            )

    def attach_teacher(self, teacher: nn.Module) -> None:
        """Give the amplifiers their teacher. ``TextureDistill`` does so.

        Args:
            teacher: the built teacher, with its weights.

        Raises:
            ValueError: an amplifier does not fit the teacher or its own checkpoint, or
                reads other levels than ``levels``.
        """
        self.amplifiers.attach_teacher(teacher)
        read = {*self.levels} if self._explicit else set()
        for name, levels in self.amplifiers.reads(len(self.teacher_channels)).items():
            if not {*levels} <= {*self.levels}:
                raise ValueError(
                    f"the amplifier {name!r} reads the levels {levels}, and DS2D2Loss "
                    f"has levels={self.levels}: add what is missing"
                )
            read |= {*levels}
        if read != {*self.levels}:
            raise ValueError(
                f"no term reads the levels {sorted({*self.levels} - read)}: set "
                f"levels={sorted(read)}"
            )

    def forward(
        self,
        student: tuple[Tensor, ...],
        teacher: tuple[Tensor, ...],
        samples: Sequence[Any] | None = None,
        rois: Tensor | None = None,
        valid: Tensor | None = None,
    ) -> Tensor:
        """Compute the loss.

        Args:
            student: features of all levels (N, C, H, W) of the student, what its
                ``backbone`` or ``neck`` returns, of any floating dtype.
            teacher: those of the teacher; no gradient flows into them.
            samples: the N data samples of the images, for weights and amplifiers: what
                the student itself is called with.
            rois: regions (R, 5) for the amplifier of a two-stage detector: image, x0,
                y0, x1, y1.
            valid: booleans (N, H, W) or (N, 1, H, W) at any resolution, true for the
                pixels of the image and false for padding. Features are 0 in the padding
                before they are transformed and judged, a coefficient counts where all
                its pixels show the image, and so do channels' means and variances.
                Without it nothing is padded.

        Returns:
            A scalar, in float32 at least.

        Raises:
            ValueError: the features are not what the channels say, the samples lack
                what is needed, the amplifiers have no teacher, or the valid area is not
                boolean or has another shape.
        """
        self._check(student, teacher, samples)
        targets = {
            level: _target(student[level], teacher[level], valid)
            for level in self.levels
        }
        adapted, plain = self._on_the_teachers_grid(student, targets, valid)
        terms = []
        self.parts = {}
        if self._explicit:
            distances = self._distances(adapted, targets, samples)
            self.parts |= {name: x.detach() for name, x in distances.items()}
            terms += [self._explicit[name] * x for name, x in distances.items()]
        seen = adapted | plain
        values = self.amplifiers(seen, targets, len(teacher), samples, rois, valid)
        self.parts |= {_PARTS[name]: x.detach() for name, x in values.items()}
        terms += [self.amplifiers.weights[name] * x for name, x in values.items()]
        return torch.stack(terms).sum()

    def _adapts(self, level: int) -> bool:
        """Whether the amplifiers get a level's aligned feature."""
        return (
            self.implicit_use_adapter == "always"
            or self.student_channels[level] != self.teacher_channels[level]
        )

    def _checked_levels(self, levels: Sequence[int] | None) -> tuple[int, ...]:
        count = len(self.teacher_channels)
        levels = range(count) if levels is None else levels
        known = isinstance(levels, Sequence) and all(type(lv) is int for lv in levels)
        if not known or not levels or len({*levels}) != len(levels):
            raise ValueError(
                f"expected different levels, at least one, as integers, got {levels!r}"
            )
        levels = tuple(levels)
        for level in levels:
            if not 0 <= level < count:
                raise ValueError(
                    f"there is no level {level}: the channels of {count} are given, "
                    f"numbers 0 to {count - 1}"
                )
        return levels

    def _check(
        self,
        student: tuple[Tensor, ...],
        teacher: tuple[Tensor, ...],
        samples: Sequence[Any] | None,
    ) -> None:
        check_levels("student", student, self.student_channels)
        check_levels("teacher", teacher, self.teacher_channels)
        check_same_images(student[0], teacher[0])
        weighted = self._explicit and self.weighting != "none"
        if weighted or self.amplifiers.weights:
            _check_samples(samples, len(student[0]))

    def _on_the_teachers_grid(
        self,
        student: tuple[Tensor, ...],
        targets: Mapping[int, HaarFeature],
        valid: Tensor | None,
    ) -> tuple[dict[int, HaarFeature], dict[int, HaarFeature]]:
        """Return the levels with aligned channels, and those that need no alignment."""
        reads = self.amplifiers.reads(len(student)).values()
        amplified = {level for levels in reads for level in levels}
        adapted, plain = {}, {}
        for level, target in targets.items():
            x = student[level]
            # Before the adapter, whose gradient it would reach.
            x = valid_only(x, valid_area(valid, len(x), x.shape[-2:]))
            if level in self.adapters.levels:
                adapted[level] = _resized(self.adapters(level, x), target, valid)
            if level in amplified and not self._adapts(level):
                plain[level] = _resized(x, target, valid)
        return adapted, plain

    def _distances(
        self,
        student: Mapping[int, HaarFeature],
        teacher: Mapping[int, HaarFeature],
        samples: Sequence[Any] | None,
    ) -> dict[str, Tensor]:
        """Return the sum over all levels of each explicit term."""
        grids = {
            level: tuple(target.bands[0].shape[-2:])
            for level, target in teacher.items()
        }
        device = teacher[self.levels[0]].feature.device
        options = (self.gamma, self.ignore_index, device)
        shares = {
            grid: sample_shares(self.weighting, samples, grid, *options)
            for grid in {*grids.values()}
        }
        distances = {}
        for name in self._explicit:
            band = _BANDS.index(name)
            of_levels = [
                band_distance(
                    student[level].bands[band],
                    teacher[level].bands[band],
                    shares[grid],
                    self.norm,
                    teacher[level].cells,
                )
                for level, grid in grids.items()
            ]
            distances[name] = torch.stack(of_levels).sum()
        return distances


def _check_samples(samples: object, images: int) -> None:
    if samples is None:
        raise ValueError(
            "DS2D2Loss needs the data samples: map samples to the student's "
            "recorder dict(type='DataSamples')"
        )
    listed = isinstance(samples, Sequence)
    if not listed or not all(hasattr(item, "metainfo") for item in samples):
        inside = ", ".join(type(item).__name__ for item in samples) if listed else ""
        raise ValueError(
            "expected the list of data samples under samples, got a "
            f"{type(samples).__name__}{inside and f' of {inside}'}: map samples to the "
            "student's recorder dict(type='DataSamples'), without data_idx"
        )
    if len(samples) != images:
        raise ValueError(
            f"expected the data samples of {images} images, got {len(samples)}"
        )


def _target(x: Tensor, teacher: Tensor, valid: Tensor | None) -> HaarFeature:
    area = shared_area(valid, len(x), x.shape[-2:], teacher.shape[-2:])
    return HaarFeature(_precise(teacher.detach()), area)


def _resized(x: Tensor, target: HaarFeature, valid: Tensor | None) -> HaarFeature:
    x = valid_resize(x, target.feature.shape[-2:], valid)
    return HaarFeature(x, target.area)


def _precise(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))
