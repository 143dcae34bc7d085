"""Refuses to train a head on a data set with another number of classes."""

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

__all__ = ["NumClassesCheckHook"]


class NumClassesCheckHook(Hook):
    """Compare the data set's classes with every head's before the first iteration.

    A head with too many classes trains without a word, and one with too few fails
    somewhere inside the loss.
    """

    def before_train(self, runner: Runner) -> None:
        """Check the training data set against the model.

        Raises:
            ValueError: a head has another number of classes than the data set.
        """
        classes = runner.train_dataloader.dataset.metainfo.get("classes")
        if classes is None:
            return
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        for name, module in model.named_modules():
            num_classes = getattr(module, "num_classes", None)
            if hasattr(module, "conv_seg") and num_classes != len(classes):
                raise ValueError(
                    f"{name} predicts {num_classes} classes, and the training data "
                    f"set has {len(classes)} ({', '.join(classes)}): set "
                    f"num_classes={len(classes)} in that head's config."
                )
