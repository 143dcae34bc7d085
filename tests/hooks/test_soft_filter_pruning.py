"""Filters are zeroed when they should be, and for good at the end."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import EMAHook
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from torch import nn

from texture_kd.hooks import SoftFilterPruningHook
from texture_kd.pruning import REMOVED, zeroed


class Student(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.backbone = nn.ModuleDict(
            dict(conv=nn.Conv2d(3, 10, 3, bias=False), bn=nn.BatchNorm2d(10))
        )
        self.decode_head = nn.ModuleDict(dict(conv=nn.Conv2d(10, 4, 1)))
        # As after some training; without it a zeroed filter has no gradient.
        nn.init.ones_(self.backbone.bn.bias)

    def forward(self, x):
        return self.decode_head.conv(self.backbone.bn(self.backbone.conv(x)).relu())


def loader(epoch):
    # Its length is not an epoch's with several processes.
    return SimpleNamespace(dataset=range(2 * epoch), batch_size=2)


def train(hook, model, iters=6, first=0, epoch=2):
    """Go through the calls of a training; return the zeroed filters after each."""
    student = getattr(model, "student", model)
    runner = SimpleNamespace(
        model=model,
        iter=first,
        max_iters=iters,
        train_dataloader=loader(epoch),
        hooks=[hook],
    )
    optimizer = torch.optim.SGD(student.parameters(), lr=0.1)
    hook.before_train(runner)
    counts = [int(zeroed(student.backbone.conv).sum())]
    for i in range(first, iters):
        runner.iter = i
        student(torch.randn(2, 3, 8, 8)).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
        hook.after_train_iter(runner, i)
        counts.append(int(zeroed(student.backbone.conv).sum()))
    return counts


def test_at_the_end_of_each_epoch():
    assert train(SoftFilterPruningHook(0.3), Student()) == [0, 0, 3, 0, 3, 0, 3]


def test_an_interval_and_the_last_iteration():
    counts = train(SoftFilterPruningHook(0.3, interval=4), Student())
    assert counts == [0, 0, 0, 0, 3, 0, 3]


def test_the_asymptotic_rate_grows():
    hook = SoftFilterPruningHook(0.5, schedule="asymptotic", interval=1)
    counts = train(hook, Student(), iters=16)
    assert counts[0] == 0
    assert counts == sorted(counts)
    assert counts[2] == 3  # 3/4 of 5, rounded down
    assert counts[-1] == 5


def test_encoder_and_decoder_have_rates_of_their_own():
    model = Student()
    train(SoftFilterPruningHook(encoder=0.2, decoder=0.5), model)
    assert zeroed(model.backbone.conv).sum() == 2
    assert zeroed(model.decode_head.conv).sum() == 2


def test_only_at_the_end_norms_and_biases_are_silent():
    model = Student()
    hook = SoftFilterPruningHook(0.3)
    train(hook, model, iters=6, epoch=2)
    dead = zeroed(model.backbone.conv)
    assert (model.backbone.bn.bias == 0).tolist() == dead.tolist()
    assert (model.backbone.bn.weight == 0).tolist() == dead.tolist()
    model.eval()
    hidden = model.backbone.bn(model.backbone.conv(torch.randn(1, 3, 8, 8)))
    assert (hidden[:, dead] == 0).all()

    model = Student()
    runner = SimpleNamespace(
        model=model, iter=0, max_iters=9, train_dataloader=loader(1), hooks=[]
    )
    hook.before_train(runner)
    model(torch.randn(2, 3, 8, 8))
    hook.after_train_iter(runner, 0)
    assert zeroed(model.backbone.conv).sum() == 3
    assert (model.backbone.bn.weight == 1).all()


def test_a_resumed_training_goes_on():
    assert train(SoftFilterPruningHook(0.3), Student(), first=3) == [0, 3, 0, 3]


def test_in_a_distillation_the_student_is_pruned():
    model = nn.ModuleDict(dict(student=Student(), teacher=Student()))
    assert train(SoftFilterPruningHook(0.3), model)[-1] == 3
    assert zeroed(model.teacher.backbone.conv).sum() == 0


def test_no_hooks_are_left_on_the_network():
    model = Student()
    hook = SoftFilterPruningHook()
    train(hook, model)
    assert hook.norms
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_a_checkpoint_without_the_zeroed_filters_is_taken_and_its_training_marked():
    model, hook = Student(), SoftFilterPruningHook()
    state = dict(model.state_dict())
    state["backbone.conv.weight"] = torch.ones(7, 3, 3, 3)
    runner = SimpleNamespace(model=model, optim_wrapper=None)
    # One that is smaller for another reason is MMEngine's to judge.
    hook.after_load_checkpoint(runner, dict(state_dict=state, meta={}))
    assert model.backbone.conv.weight.shape == (10, 3, 3, 3)
    saved = dict(meta={})
    hook.before_save_checkpoint(runner, saved)
    assert not saved["meta"]
    meta = {REMOVED: True}
    hook.after_load_checkpoint(runner, dict(state_dict=state, meta=meta))
    assert model.backbone.conv.weight.shape == (7, 3, 3, 3)
    hook.before_save_checkpoint(runner, saved)
    assert saved["meta"] == meta


def test_several_processes_do_not_train_what_was_narrowed_behind_their_backs():
    model = MMDistributedDataParallel.__new__(MMDistributedDataParallel)
    nn.Module.__init__(model)
    model.module = Student()
    state = dict(model.module.state_dict())
    state["backbone.conv.weight"] = torch.ones(7, 3, 3, 3)
    checkpoint = dict(state_dict=state, meta={REMOVED: True})
    hook = SoftFilterPruningHook()
    hook.after_load_checkpoint(
        SimpleNamespace(model=model, optim_wrapper=None), checkpoint
    )
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    with pytest.raises(ValueError, match="in a single process"):
        hook.after_load_checkpoint(
            SimpleNamespace(model=model, optim_wrapper=wrapper), checkpoint
        )


def test_averages_of_weights_are_refused():
    runner = SimpleNamespace(model=Student(), iter=0, hooks=[EMAHook()])
    with pytest.raises(ValueError, match="an EMAHook validates"):
        SoftFilterPruningHook().before_train(runner)


def test_an_epoch_is_shorter_with_several_processes(monkeypatch):
    module = "texture_kd.hooks.soft_filter_pruning.get_world_size"
    monkeypatch.setattr(module, lambda: 2)
    assert train(SoftFilterPruningHook(0.3), Student(), iters=4, epoch=4) == [
        0,
        0,
        3,
        0,
        3,
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(encoder=1.0), "pruning rates from 0 to 1"),
        (dict(decoder=-0.1), "pruning rates from 0 to 1"),
        (dict(schedule="linear"), "expected schedule among"),
        (dict(interval=0), "interval of at least 1"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        SoftFilterPruningHook(**options)


def test_a_network_without_convolutions_is_refused():
    runner = SimpleNamespace(model=nn.Linear(1, 1), iter=0, hooks=[])
    with pytest.raises(ValueError, match="Linear has no convolutions"):
        SoftFilterPruningHook().before_train(runner)
