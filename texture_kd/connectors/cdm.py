"""Contourlet decomposition module (CDM) of SSTKD, Eq. 1."""

from collections.abc import Sequence

from mmrazor.models.architectures.connectors.base_connector import BaseConnector
from torch import Tensor

from texture_kd.functional.contourlet import (
    ContourletBands,
    DirectionalFilter,
    PyramidFilter,
    check_contourlet,
    contourlet,
)


class CDMConnector(BaseConnector):
    """Turn a recorded feature into its structural texture (SSTKD, Eq. 1).

    The decomposition is fixed and linear: nothing is learnt here.

    Args:
        levels: depth of the directional tree at each scale, finest first; scale i has
            2^levels[i] directional bands.
        pyramid: low-pass filters of the Laplacian pyramid: ``9-7``, ``maxflat``,
            ``burt`` or ``haar``.
        directional: fan filters of the directional filter bank: ``dmaxflat7`` or
            ``pkva``.
        init_cfg: MMEngine's initialisation config; there is nothing to initialise.

    Raises:
        ValueError: a filter is unknown, or ``levels`` is empty or holds a number
            below 1.
    """

    def __init__(
        self,
        levels: Sequence[int] = (4, 3),
        pyramid: PyramidFilter = "maxflat",
        directional: DirectionalFilter = "dmaxflat7",
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        check_contourlet(levels, pyramid, directional)
        self.levels = tuple(levels)
        self.pyramid: PyramidFilter = pyramid
        self.directional: DirectionalFilter = directional

    def forward_train(self, feature: Tensor) -> ContourletBands:
        """Decompose a feature.

        Args:
            feature: feature (N, C, H, W) of any floating dtype, of any unit.

        Returns:
            The low-pass image and the directional bands of each scale, in float32 or,
            for a float64 feature, in float64; see
            :func:`texture_kd.functional.contourlet`.

        Raises:
            ValueError: the feature is no floating tensor (N, C, H, W).
        """
        return contourlet(feature, self.levels, self.pyramid, self.directional)
