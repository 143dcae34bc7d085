"""Time whole training steps: each term of a distillation beside MMRazor's CWD.

python tools/benchmark/train_step.py [--rows NAME ...] [--size H W] [--batch N]
    [--dtype float32|bfloat16] [--scaling] [--repeats R] [--threads T] [--out FOLDER]

A step is MMEngine's train_step: images to the device and normalised, both networks,
losses, backward, optimiser. Teacher and student are PSPNet-R101 and PSPNet-R18. Writes
train_step.md and train_step.csv.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from distill_recipe import without_losses
from distill_suite import Row
from measure import (
    Spread,
    Table,
    command_line,
    devices,
    interleave,
    keep_freed_memory,
    machine,
    peak_memory,
    ratios,
    write_report,
)
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmengine.structures import PixelData
from step_parts import part_rows
from torch import Tensor, nn

from texture_kd.compat import install

CONFIGS = Path(__file__).parents[2] / "configs"
TAIL = "pspnet_r18-d8_4xb4-80k_cityscapes-512x512.py"
TEXTURE = f"texture_pspnet_r101-d8_{TAIL}"
SSTKD = "sstkd_pspnet_r101_r18_cityscapes.py"
THEIRS = (
    "distill/mmseg/cwd/"
    "cwd_logits_pspnet_r101-d8_pspnet_r18-d8_4xb2-80k_cityscapes-512x1024.py"
)
# Rows that are another with a distiller of a fragment, by its file and name.
DISTILLERS = {"CWD": ("cwd", "cwd"), "LSFD": ("lsfd", "lfd")}
STRUCTURAL = ("loss_structural_stage1", "loss_structural_stage2")
STATISTICAL, ADVERSARIAL = ("loss_statistical",), ("loss_adversarial",)
REFERENCE, THREE = "CWD of MMRazor", "SSTKD without adversarial"
CLASSES = 19
NOTE = """\
Written by `{command}`: steps on {batch} images of {size[0]} x {size[1]} in {dtype},
with random weights; the teacher's batch norms have the statistics of such images.

Steps are timed in turn, {repeats} rounds after two to warm up: medians, with quartiles
in brackets; on a CPU, freed memory is kept for the next step. The ratio is to MMRazor's
CWD, its config as it is shipped, in the same round. Memory is what a step takes from
PyTorch's allocator at most, gradients included, beyond weights and the
optimiser's state."""
PARTS_NOTE = """\
Parts are of one more step, by PyTorch's profiler, which slows what is small: the
forward pass of a part, and what of the backward pass belongs to it."""


def rows() -> dict[str, Row]:
    """Return the trainings whose steps are timed, by name."""
    import mmrazor

    # As `mim train mmrazor` finds it.
    theirs = Path(mmrazor.__file__).parent / ".mim" / "configs" / THEIRS
    without = {
        "response": (*STRUCTURAL, *STATISTICAL, *ADVERSARIAL),
        "response+structural": (*STATISTICAL, *ADVERSARIAL),
        "response+statistical": (*STRUCTURAL, *ADVERSARIAL),
        THREE: ADVERSARIAL,
        "SSTKD": (),
    }
    found = [
        Row("student alone", CONFIGS / TAIL, alone=True),
        Row(REFERENCE, theirs),
        Row("CWD", CONFIGS / TEXTURE),
        *(Row(name, CONFIGS / SSTKD, without=lost) for name, lost in without.items()),
        Row("texture", CONFIGS / TEXTURE),
        Row("LSFD", CONFIGS / TEXTURE),
    ]
    return {row.name: row for row in found}


class Shape(NamedTuple):
    """What a step is made on.

    Attributes:
        batch: number of images.
        size: their height and width.
        dtype: of the forward pass, by autocast where it is not float32.
    """

    batch: int
    size: tuple[int, int]
    dtype: str

    def __str__(self) -> str:
        return f"{self.batch} x {self.size[0]} x {self.size[1]}, {self.dtype}"


def main() -> None:
    """Measure on every device and report."""
    parser = option_parser(__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="+", metavar="NAME", help="time only these")
    parser.add_argument(
        "--scaling", action="store_true", help="other batches and sizes, too"
    )
    args = parser.parse_args()
    check_options(parser, args)
    install()
    import texture_kd.components  # noqa: F401

    known = rows()
    names = args.rows or list(known)
    if unknown := set(names) - set(known):
        listed = ", ".join(known)
        parser.error(f"there is no row {unknown.pop()!r}: there are {listed}")
    if args.scaling and min(args.size) < 4:
        parser.error("--scaling goes down to a quarter of --size: 4 at least")
    torch.set_num_threads(args.threads)
    keep_freed_memory()
    shape = Shape(args.batch, tuple(args.size), args.dtype)
    tables = []
    for device in devices():
        # The reference comes first.
        chosen = dict.fromkeys([REFERENCE, *names])
        steps = {name: Step(known[name], shape, device) for name in chosen}
        timed = step_rows(steps, args.repeats, device, REFERENCE)
        tables.append(Table(f"Steps, {device.type}", timed))
        tables.append(Table(f"Parts in ms, {device.type}", part_rows(steps, device)))
        del steps
        if args.scaling:
            pair = [known[name] for name in (REFERENCE, THREE)]
            scaled = scaling_rows(pair, shape, args.repeats, device)
            tables.append(Table(f"Scaling, {device.type}", scaled))
    facts = "\n".join(f"- {machine(device)}" for device in devices())
    note = NOTE.format(command=command_line(), repeats=args.repeats, **shape._asdict())
    lines = ["# Training steps", facts, note, PARTS_NOTE]
    print(write_report(args.out, "train_step", lines, tables))


class Step:
    """A step of a training, again and again on the same images.

    Attributes:
        model: what is trained.
    """

    def __init__(self, row: Row, shape: Shape, device: torch.device) -> None:
        from mmrazor.registry import MODELS

        config = read(row, shape.dtype)
        with DefaultScope.overwrite_default_scope("mmrazor"):
            model = revert_sync_batchnorm(MODELS.build(config.model)).to(device)
            self.optimizer = build_optim_wrapper(model, config.optim_wrapper)
        # Theirs pads to its own crops.
        model.data_preprocessor.size = shape.size
        # MMRazor's returns nothing.
        model.train()
        self.model = model
        self.batch = random_batch(shape)
        if row.distilled:
            images = model.data_preprocessor(self.batch, True)["inputs"]
            normalise_with(model.teacher, images)

    def __call__(self) -> None:
        """Do it."""
        self.model.train_step(self.batch, self.optimizer)


def step_rows(
    steps: Mapping[str, Step], repeats: int, device: torch.device, reference: str
) -> list[dict[str, str | float | Spread]]:
    """Time steps in turn, measure their memory, and compare them with the reference."""
    seconds = interleave(steps, repeats, device)
    relative = ratios(seconds, reference)
    memory = {name: peak_memory(step, device) for name, step in steps.items()}
    return [
        {
            "step": name,
            "time, ms": Spread.of(seconds[name]).scaled(1e3),
            "ratio": Spread.of(relative[name]),
            "memory, MiB": memory[name] / 2**20,
            "memory, ratio": memory[name] / memory[reference],
        }
        for name in steps
    ]


def scaling_rows(
    trainings: Sequence[Row], shape: Shape, repeats: int, device: torch.device
) -> list[dict[str, str | float | Spread]]:
    """Compare trainings with the reference on other batches and smaller images."""
    height, width = shape.size
    shapes = [shape._replace(batch=n * shape.batch) for n in (1, 2, 4)]
    shapes += [shape._replace(size=(height // n, width // n)) for n in (2, 4)]
    found = []
    for scaled in shapes:
        steps = {row.name: Step(row, scaled, device) for row in trainings}
        timed = step_rows(steps, repeats, device, REFERENCE)
        found += [{"images": str(scaled), **row} for row in timed]
        del steps
    return found


def read(row: Row, dtype: str) -> Config:
    """Read the config of a row, with nothing to download."""
    config = Config.fromstring(without_losses(row), ".py")
    if row.name in DISTILLERS:
        file, name = DISTILLERS[row.name]
        fragment = Config.fromfile(CONFIGS / "_base_" / "distillers" / f"{file}.py")
        config.model.distiller = fragment[name]
    if row.distilled:
        config.model.teacher_ckpt = None
    if dtype == "bfloat16":
        students = config.optim_wrapper.get("architecture", config.optim_wrapper)
        students.type = "texture_kd.BFloat16OptimWrapper"
    return config


def random_batch(shape: Shape) -> dict[str, list]:
    """Return images and labels as a data loader of MMSegmentation has them."""
    from mmseg.structures import SegDataSample

    generator = torch.Generator().manual_seed(0)
    images = [
        torch.randint(256, (3, *shape.size), dtype=torch.uint8, generator=generator)
        for _ in range(shape.batch)
    ]
    labels = torch.randint(CLASSES, (shape.batch, 1, *shape.size), generator=generator)
    samples = [
        SegDataSample(
            gt_sem_seg=PixelData(data=label), metainfo=dict(img_shape=shape.size)
        )
        for label in labels
    ]
    return dict(inputs=images, data_samples=samples)


@torch.no_grad()
def normalise_with(network: nn.Module, images: Tensor) -> None:
    """Give batch norms the statistics of images, so that features are of usual size."""
    for module in network.modules():
        # Whoever reverts SyncBN makes no BatchNorm2d.
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.momentum = 1.0
    network.train()
    network(images, mode="tensor")
    network.eval()


def option_parser(description: str) -> argparse.ArgumentParser:
    """Return a parser of what a step is made on, and how often."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--size", type=int, nargs=2, default=(256, 512), metavar=("H", "W")
    )
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--out", type=Path, default=Path("work_dirs/benchmark"))
    return parser


def check_options(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse numbers of which no step can be made."""
    if min(*args.size, args.repeats, args.threads) < 1:
        parser.error("all numbers are at least 1")
    if args.batch < 2:
        parser.error(
            "--batch 2 at least: batch norms of a pooled image need two values"
        )


if __name__ == "__main__":
    main()
