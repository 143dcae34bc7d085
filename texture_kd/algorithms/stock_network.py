"""Networks of other packages' configs, with options beside them."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.utils import get_installed_path

from texture_kd.algorithms.known_names import check_name

__all__ = ["packaged_config", "stock_network"]


def stock_network(model: Mapping) -> Config:
    """Return the config that ``cfg_path`` names, with the options that follow it.

    MMRazor itself leaves the options out.

    Args:
        model: ``cfg_path="mmseg::pspnet/..."``, and what is to be changed of that
            config's model, as a child config would; ``pretrained=True`` also looks for
            its weights.

    Returns:
        The config, whose ``model`` is the network's, with the scope it is built in, and
        whose ``model_path`` is the URL of its weights if these are asked for.

    Raises:
        ValueError: there is no such package, or it has no such config.
    """
    options = {k: v for k, v in model.items() if k not in ("cfg_path", "pretrained")}
    path = model["cfg_path"]
    packaged_config(path, f"cfg_path={path!r}")
    config = get_config(path, pretrained=bool(model.get("pretrained")))
    if "data_preprocessor" in config:
        config.model.data_preprocessor = config.data_preprocessor
    config.merge_from_dict(dict(model=options))
    config.model.setdefault("_scope_", path.split("::")[0])
    return config


def packaged_config(path: str, what: str) -> Path:
    """Return the file of a config that a package has installed.

    Args:
        path: ``PACKAGE::FOLDER/FILE.py``.
        what: names it, for the message.

    Raises:
        ValueError: it is no such name, there is no such package, or it has no such
            config; the message names close ones.
    """
    package, separator, name = path.partition("::")
    if not separator:
        raise ValueError(
            f"{what} names no package: it is 'mmseg::FOLDER/FILE.py', for a "
            "config that MMSegmentation has installed. A config file of your own goes "
            "into _base_."
        )
    # MMEngine would have pip install it.
    if not (package.isidentifier() and find_spec(package)):
        raise ValueError(
            f"{what} is of the package {package!r}, which is not installed."
        )
    folder = Path(get_installed_path(package), ".mim", "configs")
    if not folder.is_dir():
        raise ValueError(
            f"{what} is of the package {package!r}, which has no configs in {folder}: "
            "install it by mim, or from a wheel."
        )
    known = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.py"))
    config = f"{what} names the config"
    check_name(name, known, config, f"{package}, whose configs are in {folder}")
    return folder / name
