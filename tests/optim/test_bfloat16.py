"""Losses under autocast in bfloat16, the step in float32."""

import copy

import torch
from mmengine.optim import build_optim_wrapper
from torch import nn

import texture_kd.components  # noqa: F401
from texture_kd.losses import AdversarialLoss

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


def adversarial_step(kind):
    """Step once; return the critic before and after, and the student's layer."""
    torch.manual_seed(0)
    model = nn.ModuleDict(
        dict(student=nn.Conv2d(3, 4, 1), loss=AdversarialLoss(4, channels=8, seed=1))
    )
    critic = dict(type="OptimWrapper", optimizer=dict(type="SGD", lr=0.1))
    config = dict(
        constructor="texture_kd.CriticOptimWrapperConstructor",
        architecture=dict(type=kind, optimizer=dict(type="SGD", lr=0.5)),
        critic=critic,
    )
    wrapper = build_optim_wrapper(model, config)
    before = copy.deepcopy(model.loss.critic.state_dict())
    image, teacher = torch.randn(2, 3, 32, 32), torch.randn(2, 4, 32, 32)
    with wrapper.optim_context(model):
        student = model.student(image)
        # What the critic is shown is the same, whatever the student's precision.
        shown = student + (teacher.flip(0) - student).detach().float()
        loss = model.loss(shown.float(), teacher, image)
    wrapper.update_params(loss)
    return before, model.loss.critic.state_dict(), student


def test_a_critic_trains_beside_it_in_float32():
    before, plain, student = adversarial_step("OptimWrapper")
    assert student.dtype == torch.float32
    _, mixed, student = adversarial_step("texture_kd.BFloat16OptimWrapper")
    assert student.dtype == torch.bfloat16
    for name, value in plain.items():
        assert mixed[name].dtype == torch.float32
        torch.testing.assert_close(mixed[name], value, rtol=1e-4, atol=1e-6)
    moved = [
        name for name, value in plain.items() if not torch.equal(value, before[name])
    ]
    assert moved
