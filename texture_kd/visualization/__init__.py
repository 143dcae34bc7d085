"""Pictures of texture; imports torch and matplotlib only."""

from .contourlet import Decomposed, contourlet_figure, edge_wedges

__all__ = ["Decomposed", "contourlet_figure", "edge_wedges"]
