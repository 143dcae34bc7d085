"""Refuses to train a network on a data set that is none of its."""

import torch
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn

from texture_kd.hooks.trained_network import trained_network, unwrapped

__all__ = ["NumClassesCheckHook"]


class NumClassesCheckHook(Hook):
    """Compare the data set's classes, and every label, with those of the decode head.

    A head with too many classes trains without a word, and one with too few fails
    somewhere inside the loss. Auxiliary heads may have classes of their own, such as
    boundaries, and a teacher too. But a teacher that was trained on the same classes
    has to have them in the same order, or it would teach that roads are trees.

    A label that is no class ends a training on a GPU with an assertion that names
    nothing, and so labels are looked at while they are on the CPU, those of as many
    images as the data set has: later ones cost no time.
    """

    def __init__(self) -> None:
        self._seen = 0

    def before_train(self, runner: Runner) -> None:
        """Check the training data set against the network that is trained.

        Raises:
            ValueError: the data set is empty, the decode head has another number of
                classes than it, or the teacher's checkpoint has them in another order.
        """
        dataset = runner.train_dataloader.dataset
        if len(dataset) == 0:
            # An endless sampler would look for an image for ever.
            raise ValueError(
                "The training data set has no images: look at data_root, data_prefix, "
                "img_suffix and ann_file of train_dataloader.dataset."
            )
        classes = getattr(dataset, "metainfo", {}).get("classes")
        if classes is None:
            return
        _check_order(runner, list(classes))
        num_classes = getattr(_decode_head(runner), "num_classes", None)
        if num_classes is None or num_classes == len(classes):
            return
        if num_classes == 1 and len(classes) == 2:
            return  # MMSegmentation's way to tell foreground from background.
        raise ValueError(
            f"The decode head predicts {num_classes} classes, and the training data "
            f"set has {len(classes)} ({', '.join(classes)}): set "
            f"num_classes={len(classes)} in the config of the heads."
        )

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Check the labels of a batch.

        Raises:
            ValueError: a label is no class of the decode head's, and is not ignored.
        """
        head = _decode_head(runner)
        num_classes = getattr(head, "num_classes", None)
        if num_classes is None or not isinstance(data_batch, dict):
            return
        if self._seen >= len(runner.train_dataloader.dataset):
            return
        self._seen += len(data_batch["inputs"]) * get_world_size()
        # One output tells two classes apart.
        num_classes = max(num_classes, 2)
        for sample in data_batch.get("data_samples", ()):
            labels = getattr(sample, "gt_sem_seg", None)
            if labels is None:
                continue
            labels = labels.data
            known = (labels >= 0) & (labels < num_classes)
            wrong = labels[~(known | (labels == head.ignore_index))]
            if len(wrong):
                path = getattr(sample, "seg_map_path", "an image")
                found = torch.unique(wrong)[:5].tolist()
                raise ValueError(
                    f"The labels of {path} have {found}, and "
                    f"the decode head's classes are 0 to {num_classes - 1}, with "
                    f"{head.ignore_index} for pixels to ignore: a label file holds the "
                    "class of each pixel. reduce_zero_label=True is for classes that "
                    "begin with 1."
                )


def _decode_head(runner: Runner) -> nn.Module | None:
    head = getattr(trained_network(runner), "decode_head", None)
    # A cascade's last head is the one that predicts.
    return head[-1] if isinstance(head, nn.ModuleList) else head


def _check_order(runner: Runner, classes: list[str]) -> None:
    teacher = getattr(unwrapped(runner), "teacher", None)
    known = getattr(teacher, "dataset_meta", {}).get("classes")
    theirs = list(known or ())
    if theirs == classes or sorted(theirs) != sorted(classes):
        return
    pairs = zip(theirs, classes, strict=True)
    index, (there, here) = next((i, p) for i, p in enumerate(pairs) if p[0] != p[1])
    raise ValueError(
        "The teacher's checkpoint has the data set's classes in another order: number "
        f"{index} is {there!r} there and {here!r} in the training data set. Train both "
        "on one order; metainfo=dict(classes=...) of a data set sets it."
    )
