"""Networks of a distillation, from configs of whatever package."""

from mmengine.model import BaseModel
from mmengine.registry import DefaultScope
from mmengine.runner import load_checkpoint
from mmrazor.registry import MODELS

from texture_kd.algorithms.stock_network import stock_network
from texture_kd.faults import Faults

__all__ = ["built_network", "tried_network"]


def built_network(model: dict | BaseModel) -> BaseModel:
    """Build a network of a distillation, if it is not built yet.

    Args:
        model: its config, whose types are MMSegmentation's where neither it nor the
            default scope says otherwise, or the network.
    """
    if not isinstance(model, dict):
        return model
    if "cfg_path" in model and "type" not in model:
        return _built_from_stock(model)
    scope = DefaultScope.get_current_instance()
    unscoped = scope is None or scope.scope_name == "mmrazor"
    # A stock config names MMSegmentation's types without their scope.
    if unscoped and "_scope_" not in model and _is_mmsegs(model.get("type")):
        model = dict(model, _scope_="mmseg")
    return MODELS.build(model)


def tried_network(
    what: str, model: dict | BaseModel, faults: Faults
) -> BaseModel | None:
    """Build a network of a distillation as :func:`built_network` does, if it can be.

    Args:
        what: its config is called.
        model: as there.
        faults: where it is said why it cannot be built.
    """
    with faults.of(what):
        return built_network(model)
    return None


def _built_from_stock(model: dict) -> BaseModel:
    config = stock_network(model)
    network = MODELS.build(config.model)
    if model.get("pretrained"):
        load_checkpoint(network, config.model_path, map_location="cpu")
        network._is_init = True
    return network


def _is_mmsegs(kind: str | type | None) -> bool:
    """Tell whether it is a class of MMSegmentation, or a name that MMRazor lacks."""
    if isinstance(kind, str):
        return "." not in kind and MODELS.get(kind) is None
    return getattr(kind, "__module__", "").startswith("mmseg.")
