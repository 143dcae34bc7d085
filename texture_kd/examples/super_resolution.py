"""Dense regression: EDSR, pictures to learn from, and their PSNR.

The distillation of LSFD at home, with the components that segmentation uses. A config
names this file:

    custom_imports = dict(imports=["texture_kd.examples.super_resolution"])
"""

import torch
import torch.nn.functional as F
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, METRICS, MODELS
from torch import Tensor, nn
from torch.utils.data import Dataset

from texture_kd.datasets.mosaic import Split, texture_mosaic


@MODELS.register_module()
class EDSR(BaseModel):
    """Enhanced deep super-resolution network (Lim et al. 2017), for one scale.

    Colours are from 0 to 1. What a distillation records: ``body.I``, the output of the
    I-th residual block; ``body_tail``, the last feature before the long skip; and
    ``upsample``, the picture.

    Args:
        channels: channels of all features.
        blocks: number of residual blocks.
        scale: factor of the resolution; a whole number.
        loss_weight: factor of the L1 loss to the true picture.
        data_preprocessor: MMEngine's.
    """

    def __init__(
        self,
        channels: int,
        blocks: int,
        scale: int = 2,
        loss_weight: float = 1.0,
        data_preprocessor: dict | nn.Module | None = None,
    ) -> None:
        super().__init__(data_preprocessor)
        self.loss_weight = loss_weight
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.body = nn.Sequential(*(ResidualBlock(channels) for _ in range(blocks)))
        self.body_tail = nn.Conv2d(channels, channels, 3, padding=1)
        self.upsample = nn.Sequential(
            nn.Conv2d(channels, channels * scale**2, 3, padding=1),
            nn.PixelShuffle(scale),
            nn.Conv2d(channels, 3, 3, padding=1),
        )

    def forward(
        self, inputs: Tensor, data_samples: Tensor | None = None, mode: str = "tensor"
    ) -> Tensor | dict[str, Tensor] | list[dict[str, Tensor]]:
        """Enlarge pictures.

        Args:
            inputs: small pictures (N, 3, h, w).
            data_samples: true large pictures (N, 3, scale h, scale w), unless the mode
                is ``tensor``.
            mode: ``tensor``, ``loss`` or ``predict``.

        Returns:
            The large pictures; or the loss; or each picture beside the true one.
        """
        feature = self.head(inputs - 0.5)
        feature = feature + self.body_tail(self.body(feature))
        large = self.upsample(feature) + 0.5
        if mode == "loss":
            return dict(loss_l1=self.loss_weight * F.l1_loss(large, data_samples))
        if mode == "predict":
            pairs = zip(large, data_samples, strict=True)
            return [dict(predicted=predicted, true=true) for predicted, true in pairs]
        return large


class ResidualBlock(nn.Module):
    """Two convolutions and a skip, without normalisation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return a feature of the same shape (N, C, H, W)."""
        return x + self.convolutions(x)


@DATASETS.register_module()
class MosaicPatches(Dataset):
    """Texture mosaics without noise, and the same at a fraction of their resolution.

    The small picture is the large one, antialiased and reduced bicubically.

    Args:
        split: ``train``, ``val`` or ``test``, of which no two share a picture.
        length: number of pictures.
        size: side of the large pictures, a multiple of the scale.
        scale: factor between them.
        seed: seed of the pictures.

    Raises:
        ValueError: the scale does not divide the size.
    """

    def __init__(
        self, split: Split, length: int, size: int = 96, scale: int = 2, seed: int = 0
    ) -> None:
        if size % scale:
            raise ValueError(f"expected a size that {scale} divides, got {size}")
        self.split: Split = split
        self.length = length
        self.size = size
        self.scale = scale
        self.seed = seed

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Return small and large picture, with colours from 0 to 1."""
        if not 0 <= index < self.length:
            raise IndexError(f"there are {self.length} pictures, and no number {index}")
        size = (self.size, self.size)
        image = texture_mosaic(self.seed, index, self.split, size, noise=0).image
        large = torch.from_numpy(image).movedim(-1, 0) / 255
        small = F.interpolate(
            large[None], self.size // self.scale, mode="bicubic", antialias=True
        )[0]
        return dict(inputs=small.clamp(0, 1), data_samples=large)


@METRICS.register_module()
class PSNR(BaseMetric):
    r"""Peak signal-to-noise ratio, -10 log10(MSE) in dB, a mean over the pictures.

    Args:
        border: pixels at each side that do not count; usually the scale.
        **kwargs: ``collect_device`` and ``prefix`` of MMEngine's metrics.
    """

    def __init__(self, border: int = 2, **kwargs) -> None:
        super().__init__(**kwargs)
        self.border = border

    def process(self, data_batch: dict, data_samples: list[dict]) -> None:
        """Measure each predicted picture, its colours clipped to their range."""
        inner = slice(self.border, -self.border or None)
        for sample in data_samples:
            error = sample["predicted"].clamp(0, 1) - sample["true"]
            mse = error[:, inner, inner].double().square().mean()
            self.results.append(-10 * mse.log10().item())

    def compute_metrics(self, results: list[float]) -> dict[str, float]:
        """Return the mean."""
        return dict(PSNR=sum(results) / len(results))
