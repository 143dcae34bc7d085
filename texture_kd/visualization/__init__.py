"""Pictures of texture; imports torch and matplotlib only."""

from .contourlet import Decomposed, contourlet_figure, edge_wedges
from .histogram import statistics_figure
from .sampled import Equalised, Sampled, equalised, sampled_image

__all__ = [
    "Decomposed",
    "Equalised",
    "Sampled",
    "contourlet_figure",
    "edge_wedges",
    "equalised",
    "sampled_image",
    "statistics_figure",
]
