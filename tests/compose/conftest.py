"""Tests here read many configs of MMSegmentation."""

import quick  # noqa: F401
