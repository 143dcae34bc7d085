"""One optimiser for the student and one for the critic, and one backward pass."""

import copy
import warnings

import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.optim import (
    AmpOptimWrapper,
    DefaultOptimWrapperConstructor,
    LinearLR,
    OptimWrapper,
    build_optim_wrapper,
)
from mmengine.optim.optimizer import amp_optimizer_wrapper
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn

import texture_kd.components  # noqa: F401
from texture_kd.losses.critic import Critic
from texture_kd.optim import JointOptimWrapper

SGD = dict(type="SGD", lr=0.1, momentum=0.9)
ADAM = dict(type="Adam", lr=0.02, betas=(0.0, 0.9))


def config(**changes):
    return dict(
        constructor="texture_kd.CriticOptimWrapperConstructor",
        architecture=dict(type="OptimWrapper", optimizer=SGD),
        critic=dict(type="OptimWrapper", optimizer=ADAM),
    ) | dict(changes)


class Toy(nn.Module):
    """A student, and a critic two modules deep as in a distiller."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.backbone = nn.Linear(4, 3)
        self.head = nn.Linear(3, 2)
        self.distiller = nn.ModuleDict(
            dict(align=nn.Linear(3, 3), critic=Critic(2, 1, 1))
        )

    def forward(self, x, distil=True):
        """Return a loss for all of them, or for the student alone."""
        features = self.backbone(x)
        student = self.head(features).square().sum()
        if not distil:
            return student
        align = self.distiller.align(features).square().sum()
        maps = x.reshape(-1, 1, 1, 4)
        critic = self.distiller.critic(maps.repeat(1, 2, 1, 1), maps)
        return student + align + (critic - 1).square().sum()

    def split(self):
        """Return the parameters of the critic, and all others."""
        critic = [*self.distiller.critic.parameters()]
        ids = {id(p) for p in critic}
        return critic, [p for p in self.parameters() if id(p) not in ids]


@pytest.fixture
def batches():
    return torch.randn(4, 8, 4)


def parameters_of(wrapper):
    return [p for group in wrapper.optimizer.param_groups for p in group["params"]]


def same(one, other):
    return {id(p) for p in one} == {id(p) for p in other}


def test_each_parameter_has_one_optimiser():
    model = Toy()
    wrapper = build_optim_wrapper(model, config())
    critic, others = model.split()
    assert isinstance(wrapper, JointOptimWrapper)
    assert same(parameters_of(wrapper["critic"]), critic)
    assert same(parameters_of(wrapper["architecture"]), others)
    assert isinstance(wrapper["critic"].optimizer, torch.optim.Adam)


def test_options_for_single_parameters_are_kept():
    model = Toy()
    architecture = dict(
        type="OptimWrapper",
        optimizer=SGD,
        paramwise_cfg=dict(custom_keys=dict(head=dict(lr_mult=10))),
    )
    wrapper = build_optim_wrapper(model, config(architecture=architecture))
    assert same(parameters_of(wrapper["architecture"]), model.split()[1])
    rates = {
        id(group["params"][0]): group["lr"]
        for group in wrapper["architecture"].optimizer.param_groups
    }
    assert rates[id(model.head.weight)] == 1.0
    assert rates[id(model.backbone.weight)] == 0.1


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class HeadOnlyConstructor(DefaultOptimWrapperConstructor):
    """Trains a part of the model, as a constructor of one's own may."""

    def __call__(self, model):
        """Build the optimiser of the head."""
        return super().__call__(model.head)


def test_the_architecture_may_have_a_constructor_of_its_own():
    model = Toy()
    architecture = dict(optimizer=SGD, constructor="HeadOnlyConstructor")
    wrapper = build_optim_wrapper(model, config(architecture=architecture))
    assert same(parameters_of(wrapper["architecture"]), model.head.parameters())
    assert same(parameters_of(wrapper["critic"]), model.split()[0])


def test_a_wrapped_model_is_looked_through():
    model = Toy()
    wrapper = build_optim_wrapper(nn.DataParallel(model), config())
    assert same(parameters_of(wrapper["critic"]), model.split()[0])


def steps(model, wrapper, batches):
    for x in batches:
        with wrapper.optim_context(model):
            loss = model(x)
        wrapper.update_params(loss)


def test_schedules_see_both_step(batches):
    model = Toy()
    wrapper = build_optim_wrapper(model, config())
    names = ("architecture", "critic")
    schedules = [LinearLR(wrapper[name], 0.5, by_epoch=False) for name in names]
    steps(model, wrapper, batches[:1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for schedule in schedules:
            schedule.step()


def test_both_step_as_they_would_by_themselves(batches):
    ours, theirs = Toy(), Toy()
    steps(ours, build_optim_wrapper(ours, config()), batches)
    critic, others = theirs.split()
    optimizers = [
        torch.optim.SGD(others, lr=0.1, momentum=0.9),
        torch.optim.Adam(critic, lr=0.02, betas=(0.0, 0.9)),
    ]
    for x in batches:
        theirs(x).backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_gradients_are_accumulated_for_both(batches):
    model, whole = Toy(), Toy()
    architecture = dict(type="OptimWrapper", optimizer=SGD, accumulative_counts=2)
    wrapper = build_optim_wrapper(model, config(architecture=architecture))
    wrapper.initialize_count_status(model, 0, 4)
    start = copy.deepcopy(model.state_dict())
    for i, x in enumerate(batches):
        steps(model, wrapper, [x])
        moved = [
            not torch.equal(start[name], value)
            for name, value in model.state_dict().items()
            if "attentions" not in name
        ]
        assert all(moved) if i else not any(moved)
    # Losses are sums here, and MMEngine halves those of two batches.
    pairs = build_optim_wrapper(whole, config())
    for pair in batches.split(2):
        pairs.update_params(sum(map(whole, pair)) / 2)
    for one, other in zip(model.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_what_is_left_of_an_accumulation_is_stepped_at_the_end(batches):
    model = Toy()
    architecture = dict(type="OptimWrapper", optimizer=SGD, accumulative_counts=2)
    wrapper = build_optim_wrapper(model, config(architecture=architecture))
    wrapper.initialize_count_status(model, 0, 3)
    steps(model, wrapper, batches[:2])
    before = [parameter.detach().clone() for parameter in model.parameters()]
    steps(model, wrapper, batches[2:3])
    after = [*model.parameters()]
    assert not any(map(torch.equal, before[:2], after[:2]))


def test_the_critics_gradient_is_clipped_by_its_own_rule(batches):
    model = Toy()
    sgd = dict(type="SGD", lr=1.0)
    critic = dict(type="OptimWrapper", optimizer=sgd, clip_grad=dict(max_norm=1e-3))
    wrapper = build_optim_wrapper(model, config(critic=critic))
    before = [p.detach().clone() for p in model.split()[0]]
    steps(model, wrapper, batches[:1])
    moves = [a - b for a, b in zip(before, model.split()[0], strict=True)]
    move = torch.cat([m.detach().flatten() for m in moves]).norm()
    assert move.item() == pytest.approx(1e-3, rel=1e-3)


def test_the_log_has_the_students_norm():
    clip = dict(clip_grad=dict(max_norm=1.0))
    architecture, critic = (
        dict(type="OptimWrapper", optimizer=optimizer, **clip)
        for optimizer in (SGD, ADAM)
    )
    model = Toy()
    wrapper = build_optim_wrapper(
        model, config(architecture=architecture, critic=critic)
    )
    x = torch.randn(8, 4)
    model(x).backward()
    norm = torch.cat([p.grad.flatten() for p in model.split()[1]]).norm().item()
    model.zero_grad()
    hub = MessageHub.get_current_instance()
    hub.log_scalars.pop("train/grad_norm", None)
    wrapper.update_params(model(x))
    values, _ = hub.get_scalar("train/grad_norm").data
    assert values == pytest.approx([norm])


def test_a_resumed_run_goes_on(batches):
    whole, resumed = Toy(), Toy()
    wrapper = build_optim_wrapper(whole, config())
    steps(whole, wrapper, batches[:2])
    state = copy.deepcopy((whole.state_dict(), wrapper.state_dict()))
    steps(whole, wrapper, batches[2:])
    again = build_optim_wrapper(resumed, config())
    resumed.load_state_dict(state[0])
    again.load_state_dict(state[1])
    steps(resumed, again, batches[2:])
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)


class TestLossScale:
    """MMEngine's mixed precision asks for a GPU; the scaler itself runs on a CPU."""

    @pytest.fixture
    def scaled(self, monkeypatch):
        monkeypatch.setattr(amp_optimizer_wrapper, "is_cuda_available", lambda: True)
        monkeypatch.setattr(
            amp_optimizer_wrapper,
            "GradScaler",
            lambda **options: torch.amp.GradScaler("cpu", **options),
        )
        # The scale grows with each step that does not overflow.
        scale = dict(init_scale=1024.0, growth_interval=1)
        amp = dict(type="AmpOptimWrapper", loss_scale=scale)

        def build(model, **critic):
            return build_optim_wrapper(
                model,
                config(
                    architecture=dict(amp, optimizer=SGD),
                    critic=dict(config()["critic"], **critic),
                ),
            )

        return build

    @pytest.mark.parametrize("critic", [{}, dict(clip_grad=dict(max_norm=0.1))])
    def test_it_changes_nothing(self, scaled, batches, critic):
        ours, theirs = Toy(), Toy()
        wrapper = scaled(ours, **critic)
        assert isinstance(wrapper["architecture"], AmpOptimWrapper)
        assert type(wrapper["critic"]) is OptimWrapper
        for x in batches:
            wrapper.update_params(ours(x))
        plain = dict(config()["critic"], **copy.deepcopy(critic))
        steps(theirs, build_optim_wrapper(theirs, config(critic=plain)), batches)
        for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(one, other)

    def test_overflow_skips_the_step_and_lowers_the_scale(self, scaled, batches):
        model = Toy()
        wrapper = scaled(model)
        start = copy.deepcopy(model.state_dict())
        wrapper.update_params(model(batches[0]) * torch.inf)
        for name, value in model.state_dict().items():
            assert torch.equal(start[name], value), name
        assert wrapper["architecture"].loss_scaler.get_scale() == 512
        wrapper.update_params(model(batches[0]))
        assert not torch.equal(start["head.weight"], model.head.weight)

    def test_a_stopped_distillation_leaves_the_critic_alone(self, scaled, batches):
        model = Toy()
        wrapper = scaled(model)
        start = copy.deepcopy(model.state_dict())
        wrapper.update_params(model(batches[0], distil=False))
        assert not torch.equal(start["head.weight"], model.head.weight)
        for name, value in model.distiller.state_dict(prefix="distiller.").items():
            assert torch.equal(start[name], value), name

    def test_the_critic_has_no_scale_of_its_own(self, scaled):
        with pytest.raises(ValueError, match=r"optim_wrapper\.critic.*'OptimWrapper'"):
            scaled(Toy(), type="AmpOptimWrapper")


@pytest.mark.parametrize(
    ("keys", "given"),
    [
        (dict(type="OptimWrapper", optimizer=SGD), r"\['type', 'optimizer'\]"),
        (dict(architecture=dict(optimizer=SGD)), r"\['architecture'\]"),
        (
            dict(config(), paramwise_cfg=dict(norm_decay_mult=0)),
            r"\['architecture', 'critic', 'paramwise_cfg'\]",
        ),
    ],
)
def test_other_keys_are_refused(keys, given):
    with pytest.raises(ValueError, match=f"'architecture' and 'critic', got {given}"):
        build_optim_wrapper(Toy(), dict(keys, constructor=config()["constructor"]))


def test_the_critic_does_not_accumulate_apart():
    critic = dict(config()["critic"], accumulative_counts=2)
    with pytest.raises(ValueError, match=r"accumulative_counts in .*architecture"):
        build_optim_wrapper(Toy(), config(critic=critic))


def test_a_model_without_a_critic_is_refused():
    with pytest.raises(ValueError, match="no AdversarialLoss"):
        build_optim_wrapper(nn.Linear(2, 2), config())
