"""Refuses to train a network on a data set that is none of its."""

from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn

from texture_kd.hooks.trained_network import trained_network, unwrapped

__all__ = ["NumClassesCheckHook"]


class NumClassesCheckHook(Hook):
    """Compare the data set's classes with the decode head's before the first iteration.

    A head with too many classes trains without a word, and one with too few fails
    somewhere inside the loss. Auxiliary heads may have classes of their own, such as
    boundaries, and a teacher too. But a teacher that was trained on the same classes
    has to have them in the same order, or it would teach that roads are trees.
    """

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
        head = getattr(trained_network(runner), "decode_head", None)
        # A cascade's last head is the one that predicts.
        head = head[-1] if isinstance(head, nn.ModuleList) else head
        num_classes = getattr(head, "num_classes", None)
        if num_classes is None or num_classes == len(classes):
            return
        if num_classes == 1 and len(classes) == 2:
            return  # MMSegmentation's way to tell foreground from background.
        raise ValueError(
            f"The decode head predicts {num_classes} classes, and the training data "
            f"set has {len(classes)} ({', '.join(classes)}): set "
            f"num_classes={len(classes)} in the config of the heads."
        )


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
