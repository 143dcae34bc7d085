"""Makes MMEngine quick where it costs seconds and nothing of ours is tested.

Importing it does so, and imports what OpenMMLab's tools import. It registers none of
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

import texture_kd.losses  # noqa: F401

# Each training writes its config several times, and to make it pretty takes a second.
mmengine.config.config.FormatCode = lambda text, **unused: (text, True)
# For each base of another package, all of that package's metafiles are read.
mmengine.config.utils.load = functools.cache(mmengine.config.utils.load)
