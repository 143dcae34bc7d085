"""Refuses to train a critic with the student's optimiser."""

from mmengine.hooks import Hook
from mmengine.runner import Runner

from texture_kd.losses.critic import Critic
from texture_kd.optim import JointOptimWrapper

__all__ = ["CriticOptimizerCheckHook"]


class CriticOptimizerCheckHook(Hook):
    """See to it that a critic has an optimiser of its own.

    A single optimiser would train it too, without a word, at a learning rate that is
    the student's.
    """

    def before_train(self, runner: Runner) -> None:
        """Check before the first iteration.

        Raises:
            ValueError: the model has a critic, and one optimiser for all.
        """
        has_critic = any(isinstance(m, Critic) for m in runner.model.modules())
        if has_critic and not isinstance(runner.optim_wrapper, JointOptimWrapper):
            raise ValueError(
                "AdversarialLoss needs an optimiser of its own for its critic: set "
                "optim_wrapper=dict(_delete_=True, constructor="
                "'CriticOptimWrapperConstructor', architecture=<the present one>, "
                "critic=dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=4e-4, "
                "betas=(0.0, 0.9))))"
            )
