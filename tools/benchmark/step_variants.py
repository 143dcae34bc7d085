"""Time SSTKD's training step with what could make it quicker, beside it as it is.

python tools/benchmark/step_variants.py [--variants NAME ...] [--size H W] [--batch N]
    [--dtype float32|bfloat16] [--repeats R] [--threads T] [--out FOLDER]

All variants compute the same, but for rounding. Writes step_variants.md and
step_variants.csv.
"""

from collections.abc import Callable

import torch
from measure import (
    Table,
    command_line,
    devices,
    keep_freed_memory,
    machine,
    write_report,
)
from torch import nn
from train_step import (
    STATISTICAL,
    STRUCTURAL,
    Shape,
    Step,
    check_options,
    option_parser,
    rows,
    step_rows,
)

from texture_kd.compat import install

AS_IT_IS = "as it is"
NOTE = """\
Written by `{command}`: steps of SSTKD on {batch} images of {size[0]} x {size[1]} in
{dtype}, with random weights.

Steps are timed in turn, {repeats} rounds after two to warm up, which is when most is
compiled: medians, with quartiles in brackets. The ratio is to the step as it is, in the
same round. Memory is what a step takes from PyTorch's allocator at most, beyond weights
and the optimiser's state."""


def main() -> None:
    """Measure on every device and report."""
    parser = option_parser(__doc__.splitlines()[0])
    names = [*VARIANTS]
    parser.add_argument("--variants", nargs="+", choices=names, default=names)
    args = parser.parse_args()
    check_options(parser, args)
    install()
    import texture_kd.components  # noqa: F401

    torch.set_num_threads(args.threads)
    keep_freed_memory()
    shape = Shape(args.batch, tuple(args.size), args.dtype)
    tables = []
    for device in devices():
        steps = {AS_IT_IS: Step(rows()["SSTKD"], shape, device)}
        steps |= {name: variant(name, shape, device) for name in args.variants}
        timed = step_rows(steps, args.repeats, device, AS_IT_IS)
        tables.append(Table(f"Variants, {device.type}", timed))
        del steps
    facts = "\n".join(f"- {machine(device)}" for device in devices())
    note = NOTE.format(command=command_line(), repeats=args.repeats, **shape._asdict())
    lines = ["# Variants of a step", facts, note]
    print(write_report(args.out, "step_variants", lines, tables))


def variant(name: str, shape: Shape, device: torch.device) -> Step:
    """Build a step of SSTKD and change it."""
    step = Step(rows()["SSTKD"], shape, device)
    VARIANTS[name](step.model)
    return step


def teacher_in_bfloat16(model: nn.Module) -> None:
    """Do as the option ``teacher_dtype`` does."""
    model.teacher_dtype = torch.bfloat16


def teacher_channels_last(model: nn.Module) -> None:
    """Have the teacher's layers take and give features with their channels last."""
    model.teacher.to(memory_format=torch.channels_last)


def all_channels_last(model: nn.Module) -> None:
    """Have all layers take and give features with their channels last."""
    model.to(memory_format=torch.channels_last)


def teacher_folded(model: nn.Module) -> None:
    """Multiply the teacher's norms into its convolutions."""
    from mmcv.cnn.utils import fuse_conv_bn

    fuse_conv_bn(model.teacher)


def teacher_compiled(model: nn.Module) -> None:
    """Compile the teacher as a whole."""
    model.teacher.compile()


def texture_losses_compiled(model: nn.Module) -> None:
    """Compile what textures are compared with, which else is left out of it."""
    for name in (*STRUCTURAL, *STATISTICAL):
        loss = model.distiller.distill_losses[name]
        loss.forward = torch.compile(loss.forward)


def all_compiled(model: nn.Module) -> None:
    """Do as MMEngine's ``compile = True`` does; SSTKD's losses stay as they are."""
    model.train_step = torch.compile(model.train_step)


VARIANTS: dict[str, Callable[[nn.Module], None]] = {
    "teacher in bfloat16": teacher_in_bfloat16,
    "teacher, channels last": teacher_channels_last,
    "all, channels last": all_channels_last,
    "teacher, norms folded": teacher_folded,
    "teacher compiled": teacher_compiled,
    "texture losses compiled": texture_losses_compiled,
    "all compiled": all_compiled,
}

if __name__ == "__main__":
    main()
