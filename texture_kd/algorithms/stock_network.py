"""Networks of other packages' configs, with options beside them."""

from collections.abc import Mapping

from mmengine.config import Config
from mmengine.hub import get_config

__all__ = ["stock_network"]


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
    """
    options = {k: v for k, v in model.items() if k not in ("cfg_path", "pretrained")}
    path = model["cfg_path"]
    config = get_config(path, pretrained=bool(model.get("pretrained")))
    if "data_preprocessor" in config:
        config.model.data_preprocessor = config.data_preprocessor
    config.merge_from_dict(dict(model=options))
    config.model.setdefault("_scope_", path.split("::")[0])
    return config
