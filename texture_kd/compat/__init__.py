"""The stack bridge: MMRazor 1.0 and MMSegmentation 1.2 on today's PyTorch.

Both packages stay unmodified on disk. What they get wrong on a current stack is
mended in memory, lazily, when Python *finds* the module in question, and only where
the installed versions need it. :mod:`texture_kd.compat.mends` lists every mend with
its reason; nothing else in the package knows about versions.

The bridge applies itself: ``setup.py`` registers :func:`autoload` under PyTorch's
``torch.backends`` entry point, so that every ``import torch`` installs it, in
``mim train mmrazor CONFIG`` too. Where that is switched off
(``TORCH_DEVICE_BACKEND_AUTOLOAD=0``), call :func:`install` before importing MMRazor;
the scripts in ``tools/`` do.

Importing this package costs next to nothing and imports neither torch nor OpenMMLab.
"""

import sys
import warnings

from texture_kd.compat.import_hook import MendFinder

__all__ = ["autoload", "install"]


def install() -> None:
    """Install the bridge; calling it again does nothing.

    Modules that were imported before are mended in place where that is possible.
    """
    if any(isinstance(finder, MendFinder) for finder in sys.meta_path):
        return
    finder = MendFinder()
    finder.mend_loaded_modules()
    sys.meta_path.insert(0, finder)


def autoload() -> None:
    """Entry point of ``torch.backends``: install the bridge at ``import torch``."""
    try:
        install()
    # Whatever goes wrong here would be a failing `import torch` in every program of
    # the environment, most of which have nothing to do with MMRazor.
    except Exception as error:
        warnings.warn(
            f"texture_kd's stack bridge is not installed: {error!r}. MMRazor will not "
            "work; everything else will.",
            stacklevel=2,
        )
