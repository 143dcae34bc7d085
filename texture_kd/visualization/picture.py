"""What a pipeline gives, as a picture."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["shown_picture"]


def shown_picture(image: Tensor) -> NDArray[np.uint8]:
    """Return an image of any channels as one that can be drawn.

    Args:
        image: (C, H, W), of which the first three channels are BGR, as pipelines give
            it. Of fewer channels than three the first is shown in grey. Other values
            than bytes are stretched to the range of these.

    Returns:
        RGB (H, W, 3).
    """
    shown = image[:3].flip(0) if len(image) >= 3 else image[:1].expand(3, -1, -1)
    if shown.dtype != torch.uint8:
        shown = shown.double()
        low, high = shown.aminmax()
        shown = ((shown - low) * 255 / (high - low).clamp_min(1e-12)).round().byte()
    return shown.permute(1, 2, 0).contiguous().numpy()
