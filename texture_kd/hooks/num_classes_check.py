"""Refuses to train a network on a data set that is none of its."""

import warnings
from collections.abc import Sequence

import torch
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement

from texture_kd.datasets.label_files import check_label_files
from texture_kd.faults import Faults
from texture_kd.hooks.ignored_label import check_ignored_label, check_padding
from texture_kd.hooks.trained_network import decode_head, heads_beside, unwrapped

__all__ = ["NumClassesCheckHook"]


class NumClassesCheckHook(Hook):
    """Compare the data set's classes, and every label, with those of the decode head.

    A head with too many classes trains without a word, and one with too few fails
    somewhere inside the loss. An auxiliary head, and a cascade's earlier one, has the
    decode head's, or a single one, such as boundaries; a teacher may have others. But a
    teacher that was trained on the same classes has to have them in the same order, or
    it would teach that roads are trees; one that was trained on none of them is worth a
    warning.

    A label that is no class ends a training on a GPU with an assertion that names
    nothing, and so labels are looked at while they are on the CPU, those of as many
    images as the data set has: later ones cost no time. What else ignores a label,
    metrics and the padding of labels, has to ignore that of the decode head.
    """

    def __init__(self) -> None:
        self._seen = 0

    def before_train(self, runner: Runner) -> None:
        """Check the training data set against the network that is trained.

        Raises:
            ValueError: the data set is empty, a label file has several channels or
                more than 8 bits, a head has another number of classes, the teacher's
                checkpoint has them in another order, or a metric ignores another label
                than the decode head. All but the first are told at once.
        """
        dataset = runner.train_dataloader.dataset
        if len(dataset) == 0:
            # An endless sampler would look for an image for ever.
            raise ValueError(
                "The training data set has no images: look at data_root, data_prefix, "
                "img_suffix and ann_file of train_dataloader.dataset."
            )
        head = decode_head(runner)
        faults = Faults()
        for labelled in (dataset, _data_of(runner, "val"), _data_of(runner, "_test")):
            with faults:
                check_label_files(labelled)
        with faults:
            check_ignored_label(runner, head)
        num_classes = getattr(head, "num_classes", None)
        classes = getattr(dataset, "metainfo", {}).get("classes")
        if classes is not None:
            with faults:
                _check_order(runner, list(classes))
            with faults:
                _check_count(num_classes, classes)
        if num_classes is not None:
            right = len(classes) if classes and num_classes > 1 else num_classes
            _check_heads_beside(runner, right, faults)
        faults.refuse()

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Check the labels of a batch.

        Raises:
            ValueError: labels are no maps of one channel, a label is no class of the
                decode head's and is not ignored, or one would be padded by such a
                label.
        """
        head = decode_head(runner)
        num_classes = getattr(head, "num_classes", None)
        if num_classes is None or not isinstance(data_batch, dict):
            return
        if self._seen >= len(runner.train_dataloader.dataset):
            return
        self._seen += len(data_batch["inputs"]) * get_world_size()
        # One output tells two classes apart.
        num_classes = max(num_classes, 2)
        prepare = getattr(unwrapped(runner), "data_preprocessor", None)
        for sample in data_batch.get("data_samples", ()):
            if getattr(sample, "gt_sem_seg", None) is None:
                continue
            _check_shape(sample)
            faults = Faults()
            with faults:
                check_padding(prepare, sample, head.ignore_index, num_classes)
            with faults:
                _check_labels(sample, head.ignore_index, num_classes)
            faults.refuse()


def _check_count(num_classes: int | None, classes: Sequence[str]) -> None:
    if num_classes in (None, len(classes)):
        return
    if num_classes == 1 and len(classes) == 2:
        return  # MMSegmentation's way to tell foreground from background.
    raise ValueError(
        f"The decode head predicts {num_classes} classes, and the training data "
        f"set has {len(classes)} ({', '.join(classes)}): set "
        f"num_classes={len(classes)} in the config of the heads."
    )


def _check_heads_beside(runner: Runner, right: int, faults: Faults) -> None:
    for where, head in heads_beside(runner).items():
        own = getattr(head, "num_classes", right)
        # One class is what heads for boundaries have.
        if own not in (1, right):
            faults.found.append(
                f"The {where} ({type(head).__name__}) predicts {own} classes, and the "
                f"labels that it learns from have {right}: set num_classes={right}."
            )


def _data_of(runner: Runner, loop: str) -> object:
    """Return the data set of a loop, if the loop is built."""
    loader = getattr(getattr(runner, f"{loop}_loop", None), "dataloader", None)
    return getattr(loader, "dataset", None)


def _check_shape(sample: BaseDataElement) -> None:
    shape = tuple(sample.gt_sem_seg.data.shape)
    if len(shape) != 3 or shape[0] != 1:
        path = getattr(sample, "seg_map_path", "an image")
        raise ValueError(
            f"The labels of {path} have the shape {shape} where (1, H, W) is expected: "
            "a label file has one channel that holds the class of each pixel"
        )


def _check_labels(sample: BaseDataElement, ignored: int, num_classes: int) -> None:
    labels = sample.gt_sem_seg.data
    known = (labels >= 0) & (labels < num_classes)
    wrong = labels[~(known | (labels == ignored))]
    if len(wrong):
        path = getattr(sample, "seg_map_path", "an image")
        found = torch.unique(wrong)[:5].tolist()
        raise ValueError(
            f"The labels of {path} have {found}, and the decode head's classes are 0 "
            f"to {num_classes - 1}, with {ignored} for pixels to ignore: a label file "
            "holds the class of each pixel. reduce_zero_label=True is for classes that "
            "begin with 1."
        )


def _check_order(runner: Runner, classes: list[str]) -> None:
    teacher = getattr(unwrapped(runner), "teacher", None)
    known = getattr(teacher, "dataset_meta", {}).get("classes")
    theirs = list(known or ())
    # Names that differ in case, or by blanks around them, are of the same classes.
    there, here = (
        [name.strip().casefold() for name in names] for names in (theirs, classes)
    )
    if theirs and not {*there} & {*here}:
        warnings.warn(
            f"The teacher's checkpoint has the classes {', '.join(theirs)}, and the "
            f"training data set {', '.join(classes)}: not one name is the same. What "
            "the teacher says of its classes is learnt for those of the data set.",
            stacklevel=2,
        )
    elsewhere = [
        index
        for index, name in enumerate(there)
        if name in here and here.index(name) != index
    ]
    if len(there) != len(here) or not elsewhere:
        return
    index = elsewhere[0]
    there, here = theirs[index], classes[index]
    raise ValueError(
        "The teacher's checkpoint has the data set's classes in another order: number "
        f"{index} is {there!r} there and {here!r} in the training data set. Train both "
        "on one order; metainfo=dict(classes=...) of a data set sets it."
    )
