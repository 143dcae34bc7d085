"""Denoised texture intensity equalisation (DTIEM) of SSTKD, Eq. 4 to 6."""

from typing import Any

from mmrazor.models.architectures.connectors.base_connector import BaseConnector
from torch import Tensor

from texture_kd.functional.self_similarity import cosine_self_similarity
from texture_kd.functional.texture_histogram import (
    HistogramOptions,
    TextureHistogram,
    texture_histogram,
)


class DTIEMConnector(BaseConnector):
    """Turn a recorded feature into its statistical texture (SSTKD, Eq. 4 to 6).

    It is the histogram of the whole map's self-similarity; nothing is learnt here. With
    ``connector_idx`` a loss gets one of its fields: 0 is the pixels' intensities, 4
    the denoised counts. Regions, and layers that are learnt without collapsing, are in
    :class:`~texture_kd.losses.DTIEMLoss`, which needs no connector.

    Args:
        init_cfg: MMEngine's initialisation config; there is nothing to initialise.
        **histogram: options of
            :class:`~texture_kd.functional.texture_histogram.HistogramOptions`.

    Raises:
        ValueError: an option is out of its range.
        TypeError: an option does not exist.
    """

    def __init__(self, init_cfg: dict | None = None, **histogram: Any) -> None:
        super().__init__(init_cfg=init_cfg)
        self.options = HistogramOptions(**histogram)

    def forward_train(self, feature: Tensor) -> TextureHistogram:
        """Describe a feature.

        Args:
            feature: feature (N, C, H, W) of any floating dtype, of any unit.

        Returns:
            Intensities (N, H W), levels and counts (N, levels) of each image, in
            float32 or, for a float64 feature, in float64.

        Raises:
            ValueError: the feature is no floating tensor (N, C, H, W), or is empty.
        """
        similarity = cosine_self_similarity(feature)
        return texture_histogram(similarity.flatten(1), self.options)
