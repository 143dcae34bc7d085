"""What the parts of a training step take, by PyTorch's profiler."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import nn
from torch.autograd import DeviceType
from torch.autograd.profiler_util import FunctionEvent
from torch.profiler import ProfilerActivity, profile, record_function
from torch.utils.hooks import RemovableHandle

TEACHER, STUDENT, OPTIMISER, REST, ALL, OPERATORS = (
    "teacher",
    "student",
    "optimiser",
    "all else",
    "the step",
    "operators, number",
)
# What all steps have.
LAST = (OPTIMISER, REST, ALL, OPERATORS)
BACKWARD = "autograd::engine::evaluate_function: "


class Step(Protocol):
    """A step of a training, which has run before."""

    model: nn.Module

    def __call__(self) -> None:
        """Do it."""


def part_rows(
    steps: Mapping[str, Step], device: torch.device
) -> list[dict[str, str | float]]:
    """Profile a step of each training.

    Args:
        steps: of each training, by its name.
        device: where they compute.

    Returns:
        A row for each part, with milliseconds in the columns of the steps; and last
        how many operators each step called, which is what a GPU waits for.
    """
    found = {name: profiled(step, device) for name, step in steps.items()}
    parts = dict.fromkeys(part for step in found.values() for part in step)
    parts = [part for part in parts if part not in LAST]
    return [
        {"part": part, **{name: step.get(part, "") for name, step in found.items()}}
        for part in (*parts, *LAST)
    ]


def profiled(step: Step, device: torch.device) -> dict[str, float]:
    """Return the milliseconds of each part of a step, and the number of operators."""
    activities = [ProfilerActivity.CPU]
    if device.type == "cuda":
        activities.append(ProfilerActivity.CUDA)
    modules = parts_of(step.model)
    with (
        labelled(modules),
        profile(activities=activities) as profiler,
        record_function(ALL),
    ):
        step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
    events = profiler.events()
    parts = milliseconds(events, list(modules), device.type == "cuda")
    return parts | {OPERATORS: operators(events)}


def parts_of(model: nn.Module) -> dict[str, nn.Module]:
    """Return networks, connectors and distillation losses of a model, by name."""
    if not hasattr(model, "distiller"):
        return {STUDENT: model}
    distiller = model.distiller
    return {
        TEACHER: model.teacher,
        STUDENT: model.student,
        **{f"connector {name}": part for name, part in distiller.connectors.items()},
        **dict(distiller.distill_losses.items()),
    }


def operators(events: Sequence[FunctionEvent]) -> int:
    """Count PyTorch's operators, but for those that are made of others."""
    return sum(
        event.device_type == DeviceType.CPU
        and event.name.startswith("aten::")
        and not any(child.name.startswith("aten::") for child in event.cpu_children)
        for event in events
    )


@contextmanager
def labelled(modules: Mapping[str, nn.Module]) -> Iterator[None]:
    """Have the profiler know the forward passes of modules by name."""
    handles = [h for name, module in modules.items() for h in _label(module, name)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _label(module: nn.Module, name: str) -> tuple[RemovableHandle, RemovableHandle]:
    ranges = []

    def enter(*_: object) -> None:
        ranges.append(record_function(name))
        ranges[-1].__enter__()

    def leave(*_: object) -> None:
        ranges.pop().__exit__(None, None, None)

    return (
        module.register_forward_pre_hook(enter),
        module.register_forward_hook(leave),
    )


def milliseconds(
    events: Sequence[FunctionEvent], names: Sequence[str], gpu: bool
) -> dict[str, float]:
    """Sum what the profiler saw, by part and pass.

    An operation of the backward pass bears the number of the operation of the forward
    pass that it belongs to, and so it belongs to that one's part. A loss, and its
    gradient, may be computed while the student runs: they are no part of the student,
    but for the moment in which the gradient that is known is handed on.

    Args:
        events: of one step.
        names: of the labels of its forward passes.
        gpu: whether the time of kernels counts, or that of operations.
    """

    def time(event: FunctionEvent) -> float:
        return (event.device_time_total if gpu else event.cpu_time_total) / 1e3

    # A GPU has events of the same names; their time is in the operations', too.
    events = [event for event in events if event.device_type == DeviceType.CPU]
    spans = [event for event in events if event.name in names]
    found: Counter[str] = Counter()
    for span in spans:
        found[f"{span.name}, forward"] += time(span)
        if around := _innermost(span, spans):
            found[f"{around.name}, forward"] -= time(span)
    for event, owner, around in _backward(events, spans):
        found[f"{owner}, backward"] += time(event)
        # Kernels that another thread started are not in the time of what is around.
        if around and (not gpu or event.thread == around.thread):
            found[f"{around.name}, forward"] -= time(event)
    found[OPTIMISER] = sum(
        time(event) for event in events if event.name.startswith("Optimizer.step")
    )
    (step,) = (event for event in events if event.name == ALL)
    total = step.time_range.elapsed_us() / 1e3
    found[REST] = total - sum(found.values())
    found[ALL] = total
    return dict(found)


def _backward(
    events: Sequence[FunctionEvent], spans: Sequence[FunctionEvent]
) -> Iterator[tuple[FunctionEvent, str, FunctionEvent | None]]:
    """Find the gradients of the spans' operations.

    Yields:
        A gradient, the name of the span that it belongs to, and what it is within.
    """
    # Of several operations with a number the last made that of the backward pass.
    owners: dict[int, FunctionEvent | None] = {}
    done = 0
    for event in sorted(events, key=_outermost_first):
        around = _innermost(event, spans)
        if event.name.startswith(BACKWARD):
            owner = owners.get(event.sequence_nr)
            early = owner and around and owner is not around and _within(owner, around)
            # Any other gradient inside a forward pass is that pass's.
            if around is None or early:
                done = max(done, event.time_range.end)
                if owner:
                    yield event, owner.name, around
        # What a gradient is computed with has numbers that come again.
        elif event.sequence_nr >= 0 and event.time_range.start >= done:
            owners[event.sequence_nr] = around


def _outermost_first(event: FunctionEvent) -> tuple[float, float]:
    return event.time_range.start, -event.time_range.end


def _innermost(
    event: FunctionEvent, spans: Sequence[FunctionEvent]
) -> FunctionEvent | None:
    """Return the shortest span that an event is within, whatever the thread."""
    around = [span for span in spans if span is not event and _within(event, span)]
    return min(around, key=lambda span: span.time_range.elapsed_us(), default=None)


def _within(event: FunctionEvent, span: FunctionEvent) -> bool:
    # A GPU's gradients are computed in another thread.
    return (
        span.time_range.start <= event.time_range.start
        and event.time_range.end <= span.time_range.end
    )
