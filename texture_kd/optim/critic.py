"""An optimiser for the student, and one for the critic."""

from mmengine.optim import AmpOptimWrapper, build_optim_wrapper
from torch import nn
from torch.optim import Optimizer

from texture_kd.losses.critic import Critic
from texture_kd.optim.joint import JointOptimWrapper

_KEYS = ("architecture", "critic")


class CriticOptimWrapperConstructor:
    """Build the optimisers of a distillation with an ``AdversarialLoss``.

    .. code-block:: python

        optim_wrapper = dict(
            constructor="CriticOptimWrapperConstructor",
            architecture=dict(
                type="OptimWrapper", optimizer=dict(type="SGD", lr=0.015)
            ),
            critic=dict(type="OptimWrapper", optimizer=dict(type="Adam", lr=4e-4)),
        )

    ``architecture`` trains all but the critic, with ``paramwise_cfg``, ``constructor``
    and all else that MMEngine knows. Schedules of the learning rate hold for both, as
    do mixed precision and accumulated gradients, which the critic has not apart.

    Args:
        optim_wrapper_cfg: the two optimisers.
        paramwise_cfg: for MMEngine, which gives it to each constructor; it belongs
            under ``architecture``.

    Raises:
        ValueError: the two keys are not given, or the critic is to have an accumulation
            of its own.
    """

    def __init__(
        self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None
    ) -> None:
        if sorted(optim_wrapper_cfg) != sorted(_KEYS) or paramwise_cfg is not None:
            given = [*optim_wrapper_cfg, *(["paramwise_cfg"] if paramwise_cfg else [])]
            raise ValueError(
                "CriticOptimWrapperConstructor takes the optimisers 'architecture' and "
                f"'critic', got {given}: write optim_wrapper=dict(constructor="
                "'CriticOptimWrapperConstructor', architecture=<what stood there>, "
                "critic=dict(optimizer=...))"
            )
        if optim_wrapper_cfg["critic"].get("accumulative_counts", 1) != 1:
            raise ValueError(
                "the critic steps when the student does: set accumulative_counts in "
                "optim_wrapper.architecture, and leave it out of optim_wrapper.critic"
            )
        self.configs = optim_wrapper_cfg

    def __call__(self, module: nn.Module) -> JointOptimWrapper:
        """Build both.

        Args:
            module: the model, one of whose losses has a critic.

        Returns:
            One wrapper that steps both, named ``architecture`` and ``critic``.

        Raises:
            ValueError: the model has no critic, or the critic's wrapper is for mixed
                precision.
        """
        critics = nn.ModuleList(m for m in module.modules() if isinstance(m, Critic))
        if not critics:
            raise ValueError(
                "optim_wrapper has an optimiser for a critic, and the model has no "
                "AdversarialLoss: add one to distill_losses, or make optim_wrapper "
                "what stands under its 'architecture'"
            )
        architecture = build_optim_wrapper(module, self.configs["architecture"])
        _leave_out(architecture.optimizer, critics)
        critic = build_optim_wrapper(critics, self.configs["critic"])
        if isinstance(critic, AmpOptimWrapper):
            raise ValueError(
                "the critic's losses are computed in float32 and scaled with the "
                "student's: give optim_wrapper.critic the type 'OptimWrapper'"
            )
        return JointOptimWrapper(architecture, critic)


def _leave_out(optimizer: Optimizer, modules: nn.Module) -> None:
    """Take parameters out of an optimiser."""
    out = {id(parameter) for parameter in modules.parameters()}
    for group in optimizer.param_groups:
        group["params"] = [p for p in group["params"] if id(p) not in out]
    optimizer.param_groups[:] = [g for g in optimizer.param_groups if g["params"]]
