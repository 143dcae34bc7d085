"""Remove the filters that SoftFilterPruningHook has set to zero.

python tools/remove_filters.py CONFIG CHECKPOINT OUT.pth [--shape H W]

Writes the weights of the smaller network, and prints what is saved. A config with the
hook takes them as it takes any checkpoint:

    python tools/test.py CONFIG OUT.pth

The checkpoint of a distillation holds its student's weights; CONFIG is then that of the
student alone, with the hook.
"""

import argparse
from pathlib import Path

import torch
from mmengine.config import Config, DictAction
from mmengine.registry import DefaultScope
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from texture_kd.compat import install


def main() -> None:
    """Remove, save and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", help="config of a segmentor")
    parser.add_argument("checkpoint", help="its trained weights")
    parser.add_argument("out", help="where the smaller network's weights go")
    parser.add_argument(
        "--shape",
        type=int,
        nargs=2,
        default=(512, 512),
        metavar=("H", "W"),
        help="size of the image that costs are counted for (default: 512 512)",
    )
    parser.add_argument("--cfg-options", nargs="+", action=DictAction, default={})
    args = parser.parse_args()
    if min(args.shape) < 1:
        parser.error("--shape takes a height and a width of at least 1")
    install()
    try:
        rows = remove(args)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    print("| network | parameters (M) | MACs (G) |\n|---|---|---|")
    for name, parameters, macs in rows:
        print(f"| {name} | {parameters / 1e6:.3f} | {macs / 1e9:.3f} |")


def remove(args: argparse.Namespace) -> list[tuple[str, int, int]]:
    """Write the smaller network's weights.

    Returns:
        Name, parameters and multiply-accumulates of both networks.

    Raises:
        OSError: a file cannot be read or written.
        ValueError: the config has no segmentor, or no filter is zero.
    """
    from texture_kd.pruning import REMOVED, fit_to_state, remove_filters

    network = build(args.config, args.cfg_options, stock=True)
    meta = load(network, args.checkpoint)
    smaller = remove_filters(network, tuple(args.shape))
    state = smaller.state_dict()
    deployed = build(args.config, args.cfg_options, stock=False)
    rows = [("as trained", *cost(deployed, args.shape))]
    if not fit_to_state(deployed, state):
        raise ValueError(
            f"{args.checkpoint} has no filters to remove: take the last checkpoint of "
            "a training with SoftFilterPruningHook, of a network with batch norms"
        )
    deployed.load_state_dict(state)
    Path(args.out).parent.mkdir(parents=True, exist_ok=True)
    torch.save(dict(meta={**meta, REMOVED: True}, state_dict=state), args.out)
    return [*rows, ("without zeroed filters", *cost(deployed, args.shape))]


def load(network: nn.Module, path: str) -> dict:
    """Load weights, and those of a distillation's student.

    Returns:
        What the checkpoint says of itself.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no checkpoint, or of another network.
    """
    from texture_kd.deploy import read_checkpoint, student_weights

    checkpoint = read_checkpoint(path)
    state = student_weights(checkpoint["state_dict"])
    for name, own in network.state_dict().items():
        if name not in state:
            raise ValueError(f"{path} lacks {name}: it is of another network")
        if state[name].shape != own.shape:
            raise ValueError(
                f"{path} has {tuple(state[name].shape)} for {name}, and the config "
                f"{tuple(own.shape)}: it is of another network, or its filters have "
                "been removed before"
            )
    network.load_state_dict(state, strict=False)
    return checkpoint.get("meta", {})


def build(path: str, options: dict, stock: bool) -> nn.Module:
    """Build the segmentor of a config, with truncated heads or their stock heads.

    Raises:
        OSError: there is no such file, or it is no config.
        ValueError: its model is no segmentor.
    """
    from mmseg.registry import MODELS

    import texture_kd.components  # noqa: F401
    from texture_kd.decode_heads import truncation_options

    config = Config.fromfile(path)
    config.merge_from_dict(options)
    model = config.get("model", {})
    if not isinstance(model.get("decode_head"), dict):
        raise ValueError(
            f"{path} is no config of a segmentor alone with one decode head: give that "
            "of a distillation's student, with SoftFilterPruningHook in custom_hooks"
        )
    if stock:
        model.decode_head = truncation_options(model.decode_head)["head"]
    # Nobody deploys it.
    model.auxiliary_head = None
    with DefaultScope.overwrite_default_scope("mmseg"):
        return MODELS.build(model).eval()


def cost(network: nn.Module, shape: tuple[int, int]) -> tuple[int, int]:
    """Count parameters, and the multiply-accumulates for one image."""
    from texture_kd.input_channels import input_channels

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.randn(1, input_channels(network), *shape), mode="tensor")
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return parameters, counter.get_total_flops() // 2


if __name__ == "__main__":
    main()
