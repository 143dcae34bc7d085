"""Hooks: the class count check, and exact resuming."""

from types import SimpleNamespace

import pytest
import torch
from mmseg.models.decode_heads import FCNHead
from torch import nn

from texture_kd.hooks import NumClassesCheckHook, RandomStateHook


def head(num_classes: int) -> FCNHead:
    return FCNHead(in_channels=4, channels=4, num_convs=1, num_classes=num_classes)


def runner(classes: tuple | None, **heads: nn.Module) -> SimpleNamespace:
    dataset = SimpleNamespace(metainfo=dict(classes=classes))
    return SimpleNamespace(
        train_dataloader=SimpleNamespace(dataset=dataset), model=nn.ModuleDict(heads)
    )


def test_every_head_has_the_data_sets_classes():
    check = NumClassesCheckHook().before_train
    check(runner(("a", "b"), decode_head=head(2)))
    check(runner(None, decode_head=head(3)))
    with pytest.raises(ValueError, match=r"teacher predicts 3 .* has 2 \(a, b\)"):
        check(runner(("a", "b"), student=head(2), teacher=head(3)))


def draw() -> float:
    return torch.rand(()).item()


def test_validation_leaves_the_random_state_alone():
    hook = RandomStateHook()
    torch.manual_seed(0)
    wanted = [draw(), draw()]
    torch.manual_seed(0)
    got = [draw()]
    hook.before_val(None)
    draw()
    hook.after_val(None)
    assert [*got, draw()] == wanted


def test_a_resumed_run_draws_what_would_have_followed(tmp_path):
    torch.manual_seed(0)
    checkpoint = {}
    RandomStateHook().before_save_checkpoint(None, checkpoint)
    wanted = [draw(), draw()]
    torch.save(checkpoint, tmp_path / "iter_3.pth")

    torch.manual_seed(1)
    hook = RandomStateHook()
    hook.after_load_checkpoint(None, torch.load(tmp_path / "iter_3.pth"))
    hook.before_train_iter(SimpleNamespace(iter=3), 3)
    first = draw()
    # Once only: later iterations go on from there.
    hook.before_train_iter(SimpleNamespace(iter=4), 4)
    assert [first, draw()] == wanted


@pytest.mark.parametrize("checkpoint", [{}, None])
def test_weights_alone_do_not_bring_a_random_state(checkpoint):
    saved = {}
    RandomStateHook().before_save_checkpoint(None, saved)
    hook = RandomStateHook()
    # load_from is no resuming: the run starts at iteration 0.
    hook.after_load_checkpoint(None, saved if checkpoint is None else checkpoint)
    torch.manual_seed(5)
    wanted = draw()
    torch.manual_seed(5)
    hook.before_train_iter(SimpleNamespace(iter=0), 0)
    assert draw() == wanted
