"""The labels of a training's first batch: what is to say of them, and their faults."""

import copy
from collections.abc import Iterator
from typing import Any

import torch
from mmengine.structures import BaseDataElement, PixelData
from torch import Tensor, nn

from texture_kd.algorithms.softmax_losses import of_softmax
from texture_kd.analysis.mmseg_losses import learns_each_class_alone
from texture_kd.datasets.label_files import label_file_with_palette
from texture_kd.predicting_head import predicting_head

__all__ = ["ignore_unknown_labels", "palette_note", "prepared_labels", "sigmoid_notes"]


def palette_note(dataset: Any) -> list[str]:
    """Say that label files have a palette, in a sentence or in none.

    Args:
        dataset: of the training.
    """
    path = label_file_with_palette(dataset)
    if path is None:
        return []
    return [
        f"label files have a palette, such as {path}: the index of each pixel is its "
        "class, whatever the colours are"
    ]


def prepared_labels(model: nn.Module, batch: dict) -> Tensor | None:
    """Return a batch's labels as losses get them, padding included, in one row.

    Args:
        model: with its data preprocessor.
        batch: as the data loader gives it; it stays as it is.

    Returns:
        Integers, or None where samples have no ``gt_sem_seg``.
    """
    prepared = model.data_preprocessor(copy.deepcopy(batch), training=True)
    samples = prepared.get("data_samples") or ()
    maps = [getattr(sample, "gt_sem_seg", None) for sample in samples]
    if not maps or None in maps:
        return None
    return torch.cat([item.data.flatten() for item in maps])


def sigmoid_notes(network: nn.Module, losses: nn.ModuleDict | dict) -> Iterator[str]:
    """Say which losses take a softmax of what the student learns by sigmoids.

    Args:
        network: the student.
        losses: of the distiller.
    """
    if not learns_each_class_alone(network):
        return
    for name, loss in losses.items():
        if of_softmax(loss):
            yield (
                f"{name} ({type(loss).__name__}) compares softmax distributions, and "
                "the student's decode head learns each class by a sigmoid of its own "
                "(use_sigmoid=True): take CWDLoss, or leave use_sigmoid out"
            )


def ignore_unknown_labels(network: nn.Module, batch: dict) -> None:
    """Have losses ignore labels that are wrong, for what else can be told.

    Labels are classes of all heads then. Where they are no map of one channel, all are
    ignored.

    Args:
        network: that learns from the labels.
        batch: as the data loader gives it; its samples are changed.
    """
    head = predicting_head(network)
    # A head of a single class learns edges, or tells two classes apart.
    counts = [
        part.num_classes
        for part in network.modules()
        if hasattr(part, "ignore_index") and getattr(part, "num_classes", 1) > 1
    ]
    if not hasattr(head, "ignore_index") or not isinstance(batch, dict):
        return
    images = batch.get("inputs", ())
    for image, sample in zip(images, batch.get("data_samples", ()), strict=False):
        if getattr(sample, "gt_sem_seg", None) is not None:
            _ignore(sample, image, min(counts, default=2), head.ignore_index)


def _ignore(
    sample: BaseDataElement, image: Tensor, num_classes: int, ignored: int
) -> None:
    labels = sample.gt_sem_seg.data
    if labels.ndim != 3 or len(labels) != 1:
        labels = torch.full((1, *image.shape[-2:]), ignored)
    known = (labels >= 0) & (labels < num_classes)
    # A map of another size cannot replace what is there.
    del sample.gt_sem_seg
    sample.gt_sem_seg = PixelData(
        data=labels.where(known, torch.tensor(ignored).to(labels))
    )
