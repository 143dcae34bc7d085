"""Count parameters and multiply-accumulates of a config's network or distillation.

python tools/analysis/get_flops.py CONFIG [--shape H W] [--cfg-options K=V ...]

Networks, and of a distillation teacher and student, are counted as they are deployed,
without auxiliary heads; a distillation loss as it is trained with, but for the backward
pass. Convolutions, matrix products and Fourier transforms count, as two floating point
operations a multiply-accumulate; element-wise operations don't. Weights are neither
read nor downloaded.
"""

import argparse
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import wraps

import torch
from mmengine.config import Config, DictAction
from mmengine.registry import DefaultScope
from mmengine.structures import PixelData
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from texture_kd.compat import install


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", help="config of a training")
    parser.add_argument(
        "--shape", type=int, nargs=2, default=(512, 1024), metavar=("H", "W")
    )
    parser.add_argument("--cfg-options", nargs="+", action=DictAction, default={})
    args = parser.parse_args()
    if min(args.shape) < 1:
        parser.error("--shape takes a height and a width of at least 1")
    install()
    # Which regions are looked into depends on the weights and on the image.
    torch.manual_seed(0)
    try:
        model = build(args.config, args.cfg_options)
    except (OSError, SyntaxError, ValueError) as error:
        parser.error(str(error))
    print("| part | parameters (M) | MACs (G) |\n|---|---|---|")
    for name, parameters, macs in count_parts(model, tuple(args.shape)):
        print(f"| {name} | {parameters / 1e6:.3f} | {macs / 1e9:.3f} |")


def build(config: str, options: dict) -> nn.Module:
    """Build the model of a config, without any weights.

    Raises:
        OSError: there is no such file.
        SyntaxError: it is no config.
        ValueError: it has no model, or one that cannot be built, does not segment or is
            a distillation of another kind.
    """
    from mmrazor.registry import MODELS
    from mmseg.models import BaseSegmentor

    import texture_kd.components  # noqa: F401
    from texture_kd.algorithms.teacher_checkpoint import forget_checkpoints
    from texture_kd.analysis.unknown_types import unknown_types
    from texture_kd.registry import class_name

    config = Config.fromfile(config)
    config.merge_from_dict(options)
    model = config.get("model") or {}
    if "type" not in model:
        raise ValueError(f"{config.filename} has no model: give a training's config")
    distilled = "teacher" in model or "distiller" in model
    if distilled and class_name(model.type) != "TextureDistill":
        raise ValueError(
            f"{config.filename} distils with {model.type}, whose parts are not known: "
            "give one with TextureDistill, such as configs/sstkd_*.py"
        )
    if distilled:
        forget_checkpoints(model)
    scope = "mmrazor" if distilled else "mmseg"
    with DefaultScope.overwrite_default_scope("mmseg"):
        try:
            built = MODELS.build({"_scope_": scope, **model}).eval()
        except KeyError as error:
            strange = unknown_types(config.to_dict())
            raise ValueError("; ".join(strange) or str(error)) from error
    network = built.student if distilled else built
    if not isinstance(network, BaseSegmentor):
        raise ValueError(
            f"{config.filename} trains {type(network).__name__}, which is no segmentor"
        )
    return built


def count_parts(
    model: nn.Module, shape: tuple[int, int]
) -> Iterator[tuple[str, int, int]]:
    """Count one image's parameters and multiply-accumulates.

    Args:
        model: the network, or the algorithm, with random weights.
        shape: (H, W) of the image.

    Yields:
        Name, parameters and multiply-accumulates of the network; or of teacher,
        student and each distillation loss.
    """
    from texture_kd.input_channels import input_channels

    image = torch.randn(1, input_channels(model), *shape)
    networks, losses = {"network": model}, nn.ModuleDict()
    if hasattr(model, "distiller"):
        networks = {"teacher": model.teacher, "student": model.student}
        losses = model.distiller.distill_losses
    with torch.no_grad(), total_counter() as counter:
        for name, network in networks.items():
            before = counter.get_total_flops()
            network(image, mode="tensor")
            macs = (counter.get_total_flops() - before) // 2
            yield name, deployed_parameters(network), macs
        with counted(losses, counter) as flops:
            if losses:
                model(image, [random_sample(shape)], mode="loss")
    for name, loss in losses.items():
        parameters = sum(p.numel() for p in loss.parameters())
        yield name, parameters, flops[name] // 2


def total_counter() -> FlopCounterMode:
    """Return a counter of totals, Fourier transforms of real maps among them.

    Its hooks on modules don't bear a gradient inside a loss, such as a gradient penalty
    has, and a total does without them.
    """
    transforms = {torch.ops.aten._fft_r2c: transform_flops}
    counter = FlopCounterMode(display=False, custom_mapping=transforms)
    counter.mod_tracker = nullcontext()
    counter.mod_tracker.parents = ("Global",)
    return counter


def transform_flops(shape: Sequence[int], *_: object, **__: object) -> int:
    """Count the Fourier transform of real maps (..., H, W): 2.5 n log2 n for a map."""
    pixels = shape[-2] * shape[-1]
    return round(2.5 * math.prod(shape) * math.log2(pixels))


def deployed_parameters(network: nn.Module) -> int:
    """Count the parameters outside auxiliary heads."""
    return sum(
        parameter.numel()
        for name, parameter in network.named_parameters()
        if not name.startswith("auxiliary_head")
    )


@contextmanager
def counted(modules: nn.ModuleDict, counter: FlopCounterMode) -> Iterator[dict]:
    """Count the operations inside the forward of each module, and what it prepares."""
    from texture_kd.losses import DistillationLoss

    flops = dict.fromkeys(modules, 0)

    def begin(name: str) -> None:
        flops[name] -= counter.get_total_flops()

    def end(name: str) -> None:
        flops[name] += counter.get_total_flops()

    def preparing(name: str, prepare: Callable) -> Callable:
        # Which arguments it takes is still to be seen.
        @wraps(prepare)
        def counted_prepare(**arguments: object) -> None:
            begin(name)
            prepare(**arguments)
            end(name)

        return counted_prepare

    handles = []
    prepared = [x for x in modules.values() if isinstance(x, DistillationLoss)]
    for name, module in modules.items():
        handles += [
            module.register_forward_pre_hook(lambda *_, name=name: begin(name)),
            module.register_forward_hook(lambda *_, name=name: end(name)),
        ]
        if module in prepared:
            module.prepare = preparing(name, module.prepare)
    yield flops
    for module in prepared:
        del module.prepare
    for handle in handles:
        handle.remove()


def random_sample(shape: tuple[int, int]):
    """Return a sample whose label map is one class everywhere."""
    from mmseg.structures import SegDataSample

    label = PixelData(data=torch.zeros(1, *shape, dtype=torch.long))
    sample = SegDataSample(metainfo=dict(img_shape=shape, ori_shape=shape))
    sample.gt_sem_seg = label
    # All of it is one component, as LabelComponents would find.
    sample.gt_components = PixelData(data=label.data.int())
    return sample


if __name__ == "__main__":
    main()
