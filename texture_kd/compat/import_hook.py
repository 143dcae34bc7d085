"""A meta-path finder that mends a few modules as they are imported."""

import importlib.abc
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

from texture_kd.compat.mends import MENDS, Mend

__all__ = ["MendFinder"]


class MendingLoader(importlib.abc.Loader):
    """Loads a module with its own loader and applies one mend to it."""

    def __init__(self, loader: importlib.abc.Loader, mend: Mend) -> None:
        self._loader = loader
        self._mend = mend

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave the creation of the module to its own loader."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code as the mend prescribes."""
        self._mend.execute(self._loader, module)

    def __getattr__(self, name: str) -> object:
        # inspect, runpy and pkgutil ask loaders for source, code and file names. A copy
        # is asked before it has its own loader.
        if name == "_loader":
            raise AttributeError(name)
        return getattr(self._loader, name)


class MendFinder(importlib.abc.MetaPathFinder):
    """Finds the modules named in the table of mends, and no other."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Return the module's own spec with a mending loader, or None."""
        mend = MENDS.get(fullname)
        if mend is None:
            return None
        spec = self._real_spec(fullname, path, target)
        if spec is None or spec.loader is None or not mend.needed():
            return None
        spec.loader = MendingLoader(spec.loader, mend)
        return spec

    def mend_loaded_modules(self) -> None:
        """Mend modules that were imported before the bridge was installed."""
        for name, mend in MENDS.items():
            module = sys.modules.get(name)
            if module is not None and mend.patch is not None and mend.needed():
                mend.patch(module)

    def _real_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None,
    ) -> ModuleSpec | None:
        for finder in sys.meta_path:
            if isinstance(finder, MendFinder) or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                return spec
        return None
