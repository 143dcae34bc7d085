"""Any decode head, computing on a smaller grid: Sec. 3.2 of the spectral analysis."""

import functools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, get_args

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor

from texture_kd.decode_heads.inputs import read_levels
from texture_kd.functional import band_limit
from texture_kd.functional.band_limit import BandLimit
from texture_kd.functional.choices import check_choice

Grid = int | float | Sequence[int]


class SpectralTruncationHead(BaseDecodeHead):
    """Make a stock decode head that truncates the features that it reads.

    .. code-block:: python

        decode_head = dict(
            type="SpectralTruncationHead",
            grid=65,
            head=dict(type="PSPHead", ...),  # the stock head as it was
        )

    What is built *is* the stock head, of a subclass of its class: checkpoints, module
    names, losses and inference are the stock head's, which resizes its logits to the
    size of labels and images as ever. Its cost falls with the area of the grid.

    The head has to read a list of features (N, C, H, W), as most do; those that come
    after another head, such as OCRHead and PointHead, do not.

    Features that are no larger than the grid stay as they are. In DeepLabV3+ the grid
    is that of the low-level feature, to which the head brings its other one.

    It exports to ONNX; with PyTorch's older exporter, ``dynamo=False``, not with
    ``mode="area"`` unless the grid divides the features.

    Args:
        grid: (height, width) in samples; an int for both; or a float from 0 to 1, the
            share of the largest feature that the head reads, rounded up, along each
            axis. A grid of n samples holds (n - 1) // 2 periods an image, whatever the
            image: for tests on whole images after training on crops take the share.
        head: config of the stock head.
        mode: how, see :func:`~texture_kd.functional.band_limit`. ``bilinear`` has the
            head's ``align_corners``.

    Raises:
        ValueError: the grid or the mode makes no sense, or ``head`` is not the config
            of a decode head; in the forward pass, the grid is larger than all features
            that the head reads.
    """

    stock: type[BaseDecodeHead]

    def __new__(cls, *args: Any, **options: Any) -> "SpectralTruncationHead":
        """Make an instance of a class that is the stock head's too."""
        if cls is not SpectralTruncationHead:
            return super().__new__(cls)
        return super().__new__(_truncated(_head_class(*args, **options)))

    def __init__(self, grid: Grid, head: dict, mode: BandLimit = "bilinear") -> None:
        _check(grid, mode)
        options = {k: v for k, v in head.items() if k not in ("type", "_scope_")}
        super().__init__(**options)
        self.grid = grid
        self.mode = mode

    def __reduce__(self) -> tuple:
        """Pickle by the stock head's class, for the own one has no name to import."""
        return _empty, (self.stock,), self.__dict__

    def forward(self, inputs: Sequence[Tensor], *args: Any, **options: Any) -> Tensor:
        """Compute the stock head's logits from truncated features.

        Args:
            inputs: features (N, C, H, W) of the backbone.
            *args: what the stock head takes besides.
            **options: the same.

        Returns:
            Logits on the grid.
        """
        return super().forward(self.truncate(inputs), *args, **options)

    def truncate(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Truncate the features that the head reads, and leave the others.

        Args:
            inputs: features (N, C, H, W) of the backbone.

        Returns:
            As many features.

        Raises:
            ValueError: the grid is larger than all that the head reads.
        """
        grid = self.grid_for(inputs)
        truncated = list(inputs)
        for index in self._read_indices(len(inputs)):
            feature = inputs[index]
            truncated[index] = band_limit(
                feature,
                tuple(min(pair) for pair in zip(grid, feature.shape[-2:], strict=True)),
                self.mode,
                self.align_corners and self.mode == "bilinear",
            )
        return truncated

    def grid_for(self, inputs: Sequence[Tensor]) -> tuple[int, int]:
        """Return the grid in samples for these features.

        Args:
            inputs: features (N, C, H, W) of the backbone.

        Returns:
            Height and width.

        Raises:
            ValueError: it is larger than all that the head reads, or these are no
                features.
        """
        sequence = isinstance(inputs, list | tuple)
        read = self._read_indices(len(inputs)) if sequence else []
        if not sequence or any(getattr(inputs[i], "ndim", 0) != 4 for i in read):
            raise ValueError(
                "SpectralTruncationHead truncates a list of features (N, C, H, W), and "
                f"{self.stock.__name__} was given something else: leave that head as "
                "it is"
            )
        sizes = [tuple(inputs[index].shape[-2:]) for index in read]
        largest = [max(lengths) for lengths in zip(*sizes, strict=True)]
        if isinstance(self.grid, float):
            # As a fraction, so that 0.07 of 100 is 7 and not the 8 of
            # 7.000000000000001, and in whole numbers, none of them negative, which a
            # graph in ONNX can follow for images of any size.
            share = Fraction(self.grid).limit_denominator(10**6)
            whole, parts = share.numerator, share.denominator
            return tuple((n * whole + parts - 1) // parts for n in largest)
        grid = (self.grid, self.grid) if isinstance(self.grid, int) else self.grid
        if any(n > m for n, m in zip(grid, largest, strict=True)):
            raise ValueError(
                f"the grid {tuple(grid)} of SpectralTruncationHead is larger than the "
                f"features that the head reads, of {sizes}: take a smaller one, or a "
                "share such as grid=0.5, which follows the size of the images"
            )
        return tuple(grid)

    def _read_indices(self, count: int) -> list[int]:
        return sorted({index % count for index in read_levels(self)})


def truncation_options(head: dict) -> dict:
    """Return a decode head's config as that of a truncated one.

    Args:
        head: of a :class:`SpectralTruncationHead`, or of a stock head, which is one on
            the features' own grid.

    Returns:
        The arguments of :class:`SpectralTruncationHead`, its ``head`` the stock head's.
    """
    if "SpectralTruncationHead" not in str(head["type"]):
        return dict(grid=1.0, head=head)
    return {key: value for key, value in head.items() if key != "type"}


@functools.cache
def _truncated(stock: type[BaseDecodeHead]) -> type[SpectralTruncationHead]:
    bases = (SpectralTruncationHead, stock)
    own = dict(__module__=__name__, stock=stock)
    return type(f"Truncated{stock.__name__}", bases, own)


def _empty(stock: type[BaseDecodeHead]) -> SpectralTruncationHead:
    truncated = _truncated(stock)
    return truncated.__new__(truncated)


def _head_class(*args: Any, **options: Any) -> type[BaseDecodeHead]:
    head = options.get("head", args[1] if len(args) > 1 else None)
    kind = head.get("type") if isinstance(head, dict) else None
    stock = MODELS.get(kind) if isinstance(kind, str) else kind
    if not (isinstance(stock, type) and issubclass(stock, BaseDecodeHead)):
        raise ValueError(
            "SpectralTruncationHead needs the config of a decode head of "
            f"MMSegmentation, head=dict(type='PSPHead', ...), got head={head!r}"
        )
    return stock


def _check(grid: Grid, mode: BandLimit) -> None:
    check_choice("mode", mode, get_args(BandLimit))
    if isinstance(grid, float):
        sound = 0 < grid <= 1
    else:
        lengths = [grid] * 2 if isinstance(grid, int) else list(grid)
        sound = len(lengths) == 2 and all(type(n) is int and n > 0 for n in lengths)
    if not sound:
        raise ValueError(
            "expected a grid in samples, such as 65 or (65, 129), or a share of the "
            f"features from 0 to 1, such as 0.5, got {grid!r}"
        )
