"""Refuses metrics, transforms and padding that ignore another label than the head."""

from collections.abc import Iterator
from typing import Any

from mmengine.model import BaseDataPreprocessor
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from torch import nn

from texture_kd.datasets.blockwise import BlockwiseAnnotation
from texture_kd.faults import Faults
from texture_kd.hooks.trained_network import heads_beside

__all__ = ["check_ignored_label", "check_padding"]


def check_ignored_label(runner: Runner, head: nn.Module | None) -> None:
    """Compare what is ignored beside the decode head's losses with the head's.

    Args:
        runner: about to train.
        head: the decode head, or what stands in its place.

    Raises:
        ValueError: an auxiliary or earlier head of the same classes, a metric of the
            validation or the test, or a BlockwiseAnnotation, ignores another label;
            the message names each.
    """
    ignored = getattr(head, "ignore_index", None)
    if ignored is None:
        return
    faults = Faults()
    for part, where in (*_heads(runner, head), *_parts(runner)):
        theirs = getattr(part, "ignore_index", None)
        if theirs is not None and theirs != ignored:
            faults.found.append(
                f"{type(part).__name__} ignores the label {theirs}, and the decode "
                f"head {ignored}: set ignore_index={ignored} in {where}, or correct "
                "the head's"
            )
    faults.refuse()


def check_padding(
    prepare: BaseDataPreprocessor | None,
    sample: BaseDataElement,
    ignored: int,
    num_classes: int,
) -> None:
    """Refuse labels that the padding of a batch would bring in.

    Args:
        prepare: data preprocessor, as far as there is one.
        sample: with its labels (1, H, W), before it is padded.
        ignored: label that the decode head ignores.
        num_classes: of the labels.

    Raises:
        ValueError: the sample will be padded by a label that is neither.
    """
    value = getattr(prepare, "seg_pad_val", ignored)
    if value == ignored or 0 <= value < num_classes:
        return
    height, width = sample.gt_sem_seg.data.shape[-2:]
    rows, columns = getattr(prepare, "size", None) or (0, 0)
    divisor = getattr(prepare, "size_divisor", None) or 1
    if height < rows or width < columns or height % divisor or width % divisor:
        path = getattr(sample, "seg_map_path", "an image")
        raise ValueError(
            f"The data preprocessor pads the labels of {path} by {value}, and the "
            f"decode head ignores {ignored}: set data_preprocessor.seg_pad_val="
            f"{ignored}"
        )


def _heads(runner: Runner, head: nn.Module) -> Iterator[tuple[Any, str]]:
    """Return the other heads that learn the decode head's classes."""
    for where, other in heads_beside(runner).items():
        if getattr(other, "num_classes", None) == getattr(head, "num_classes", None):
            yield other, f"the {where}"


def _parts(runner: Runner) -> Iterator[tuple[Any, str]]:
    """Return metrics and transforms, and where their options stand."""
    # The test's is there where a check has built it.
    for loop, where in (
        ("val_loop", "val_evaluator"),
        ("_test_loop", "test_evaluator"),
    ):
        evaluator = getattr(getattr(runner, loop, None), "evaluator", None)
        for metric in getattr(evaluator, "metrics", ()):
            if not getattr(metric, "format_only", False):
                yield metric, where
    dataset = runner.train_dataloader.dataset
    pipeline = getattr(getattr(dataset, "pipeline", None), "transforms", ())
    for transform in pipeline:
        if isinstance(transform, BlockwiseAnnotation):
            yield transform, "the training's pipeline"
