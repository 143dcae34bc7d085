"""Makes MMEngine quick where it costs seconds and nothing of ours is tested.

Importing it does so, and imports what OpenMMLab's tools import. That does not register
the package's components: a config has to ask for them, as everywhere.
"""

import functools

import mmengine.config.config
import mmengine.config.utils
import mmrazor.datasets
import mmrazor.engine
import mmrazor.implementations
import mmrazor.structures  # noqa: F401
import mmseg.apis
import mmseg.engine  # noqa: F401
import pkg_resources  # noqa: F401

import texture_kd.algorithms
import texture_kd.analysis
import texture_kd.connectors
import texture_kd.datasets
import texture_kd.decode_heads
import texture_kd.hooks
import texture_kd.losses
import texture_kd.optim
import texture_kd.recorders
import texture_kd.segmentors  # noqa: F401

# Each training writes its config several times, and to make it pretty takes a second.
mmengine.config.config.FormatCode = lambda text, **unused: (text, True)
# For each base of another package, all of that package's metafiles are read.
mmengine.config.utils.load = functools.cache(mmengine.config.utils.load)
