"""Refuses to train a network on a data set with another number of classes."""

from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn

from texture_kd.hooks.trained_network import trained_network

__all__ = ["NumClassesCheckHook"]


class NumClassesCheckHook(Hook):
    """Compare the data set's classes with the decode head's before the first iteration.

    A head with too many classes trains without a word, and one with too few fails
    somewhere inside the loss. Auxiliary heads may have classes of their own, such as
    boundaries, and a teacher too.
    """

    def before_train(self, runner: Runner) -> None:
        """Check the training data set against the network that is trained.

        Raises:
            ValueError: the decode head has another number of classes than the data set.
        """
        dataset = runner.train_dataloader.dataset
        classes = getattr(dataset, "metainfo", {}).get("classes")
        if classes is None:
            return
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
