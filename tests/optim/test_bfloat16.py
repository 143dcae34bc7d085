"""Losses under autocast in bfloat16, the step in float32."""

import torch
from mmengine.optim import build_optim_wrapper
from torch import nn

import texture_kd.components  # noqa: F401
from texture_kd.losses.critic import Critic

CONFIG = dict(
    type="texture_kd.BFloat16OptimWrapper", optimizer=dict(type="SGD", lr=0.5)
)


def test_layers_compute_in_bfloat16_and_are_kept_in_float32():
    model = nn.Linear(3, 2)
    wrapper = build_optim_wrapper(model, dict(CONFIG))
    before = model.weight.detach().clone()
    with wrapper.optim_context(model):
        output = model(torch.ones(1, 3))
    assert output.dtype == torch.bfloat16
    assert model(torch.ones(1, 3)).dtype == torch.float32
    wrapper.update_params(output.float().sum())
    assert model.weight.dtype == torch.float32
    assert torch.equal(model.weight, before - 0.5)


def test_gradients_accumulate_as_in_mmengine():
    model = nn.Linear(3, 2)
    wrapper = build_optim_wrapper(model, dict(CONFIG, accumulative_counts=2))
    wrapper.initialize_count_status(model, 0, 2)
    before = model.weight.detach().clone()
    for _ in range(2):
        assert torch.equal(model.weight, before)
        with wrapper.optim_context(model):
            loss = model(torch.ones(1, 3)).float().sum()
        wrapper.update_params(loss)
    assert torch.equal(model.weight, before - 0.5)


def test_a_critic_trains_beside_it_in_float32():
    critic = dict(type="OptimWrapper", optimizer=dict(type="Adam", lr=0.01))
    config = dict(
        constructor="texture_kd.CriticOptimWrapperConstructor",
        architecture=dict(CONFIG),
        critic=critic,
    )
    model = nn.ModuleDict(dict(student=nn.Linear(3, 2), critic=Critic(2, 1, 1)))
    wrapper = build_optim_wrapper(model, config)
    with wrapper.optim_context(model):
        assert model.student(torch.ones(1, 3)).dtype == torch.bfloat16
