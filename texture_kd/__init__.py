"""texture_kd: texture knowledge distillation for semantic segmentation.

This file stays light on purpose: it is imported at every ``import torch`` by the
stack bridge (:mod:`texture_kd.compat`), so it must import neither torch nor
OpenMMLab.
"""

__version__ = "0.1.0"
