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

A program that imports neither MMEngine nor MMRazor finds everything as PyTorch made it.
Importing this package costs next to nothing and imports neither torch nor OpenMMLab.
"""

import sys
import warnings
from pathlib import Path

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
    if "mmengine" not in sys.modules and _runs_a_tool_of_openmmlab():
        _mend_for_tools()


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


def _runs_a_tool_of_openmmlab() -> bool:
    """Tell whether the program is a script that mim has put into a package."""
    file = getattr(sys.modules.get("__main__"), "__file__", None) or ""
    return ".mim" in Path(file).parts


def _mend_for_tools() -> None:
    # Converters read checkpoints of MMEngine's without importing it.
    from texture_kd.compat.mends import MENDS, read_histories

    if MENDS["mmengine"].needed():
        read_histories()
