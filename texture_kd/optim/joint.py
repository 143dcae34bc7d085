"""Two optimisers that share one backward pass."""

from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.optim import AmpOptimWrapper, OptimWrapper, OptimWrapperDict
from torch import Tensor, nn


class JointOptimWrapper(OptimWrapperDict):
    """Step two optimisers after the backward pass of one sum of losses.

    MMEngine leaves the steps of several optimisers to the model, which its wrapper for
    several processes never asks. Here they look like one: what the gradients of the two
    are is settled by the losses, and ``architecture`` has its say on autocast, loss
    scale and accumulation for both.

    Args:
        architecture: optimiser of the student and of what is learnt beside it.
        critic: optimiser of the critic.
    """

    def __init__(self, architecture: OptimWrapper, critic: OptimWrapper) -> None:
        super().__init__(architecture=architecture, critic=critic)
        # The wrapper would log the norm under the student's name.
        self._clip, critic.clip_grad_kwargs = critic.clip_grad_kwargs, None

    def initialize_count_status(
        self, model: nn.Module, init_counts: int, max_counts: int
    ) -> None:
        """Tell the architecture's wrapper where the training stands."""
        self["architecture"].initialize_count_status(model, init_counts, max_counts)

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Compute losses as the architecture's wrapper wants it."""
        with self["architecture"].optim_context(model):
            yield

    def update_params(
        self,
        loss: Tensor,
        step_kwargs: dict | None = None,
        zero_kwargs: dict | None = None,
    ) -> None:
        """Compute all gradients and, where their accumulation ends, step both.

        Args:
            loss: sum of all losses.
            step_kwargs: arguments of the architecture's step.
            zero_kwargs: arguments of the architecture's ``zero_grad``.
        """
        architecture, critic = self["architecture"], self["critic"]
        architecture.backward(architecture.scale_loss(loss))
        if architecture.should_update():
            self._step_critic()
            architecture.step(**(step_kwargs or {}))
            architecture.zero_grad(**(zero_kwargs or {}))
            critic.zero_grad()

    def _step_critic(self) -> None:
        architecture, critic = self["architecture"], self["critic"]
        parameters = [
            parameter
            for group in critic.optimizer.param_groups
            for parameter in group["params"]
            if parameter.grad is not None
        ]
        if not parameters:
            # The distillation was stopped, and a scaler would miss the gradients.
            return
        # With mixed precision both have gradients of the same scaled loss. The
        # architecture's step comes after this one, for it changes the scale.
        scaler = None
        if isinstance(architecture, AmpOptimWrapper):
            scaler = architecture.loss_scaler
            scaler.unscale_(critic)
        if self._clip:
            critic.clip_func(parameters, **self._clip)
        if scaler is None:
            critic.step()
        else:
            scaler.step(critic)
