"""Hooks: the class count check, and exact resuming."""

import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper
from mmengine.structures import PixelData
from mmseg.models.decode_heads import FCNHead
from mmseg.structures import SegDataSample
from torch import nn

from texture_kd.hooks import (
    CPUTimeHook,
    CriticOptimizerCheckHook,
    FiniteLossHook,
    NumClassesCheckHook,
    RandomStateHook,
)
from texture_kd.losses.critic import Critic
from texture_kd.optim import JointOptimWrapper

INF, NAN = float("inf"), float("nan")


def head(num_classes: int) -> FCNHead:
    return FCNHead(in_channels=4, channels=4, num_convs=1, num_classes=num_classes)


class Images(list):
    """A data set that knows its classes."""

    def __init__(self, images, metainfo) -> None:
        super().__init__(images)
        self.metainfo = metainfo


def runner(classes: tuple | None, **heads: nn.Module) -> SimpleNamespace:
    dataset = Images([1], metainfo=dict(classes=classes))
    return SimpleNamespace(
        train_dataloader=SimpleNamespace(dataset=dataset), model=nn.ModuleDict(heads)
    )


def check(classes: tuple | None, decode_head: nn.Module, **others: nn.Module) -> None:
    NumClassesCheckHook().before_train(
        runner(classes, decode_head=decode_head, **others)
    )


def test_the_decode_head_has_the_data_sets_classes():
    check(("a", "b"), head(2))
    check(None, head(3))
    with pytest.raises(ValueError, match=r"predicts 3 classes, .* has 2 \(a, b\)"):
        check(("a", "b"), head(3))


def test_in_a_distillation_it_is_the_students():
    both = dict(
        student=nn.ModuleDict(dict(decode_head=head(2))),
        teacher=nn.ModuleDict(dict(decode_head=head(5))),
    )
    NumClassesCheckHook().before_train(runner(("a", "b"), **both))
    both["student"].decode_head = head(3)
    with pytest.raises(ValueError, match="predicts 3"):
        NumClassesCheckHook().before_train(runner(("a", "b"), **both))


def test_a_teacher_has_the_classes_in_the_data_sets_order():
    teacher, student = head(2), nn.ModuleDict(dict(decode_head=head(2)))
    both = dict(student=student, teacher=teacher)
    for theirs in (("a", "b"), ("a", "x"), ("b", "a", "c"), None):
        teacher.dataset_meta = dict(classes=theirs)
        NumClassesCheckHook().before_train(runner(("a", "b"), **both))
    for theirs in (("b", "a"), ("B", "A"), ("b", "x"), ("x", "A"), ("b ", "a")):
        teacher.dataset_meta = dict(classes=theirs)
        with pytest.raises(
            ValueError, match=r"number . is '. ?' there and '.' in the tra"
        ):
            NumClassesCheckHook().before_train(runner(("a", "b"), **both))
    for same in (("A", "B"), (" a", "b\t")):
        teacher.dataset_meta = dict(classes=same)
        NumClassesCheckHook().before_train(runner(("a", "b"), **both))
    teacher.dataset_meta = dict(classes=("x", "y"))
    with pytest.warns(UserWarning, match="classes x, y, and .* a, b: not one name"):
        NumClassesCheckHook().before_train(runner(("a", "b"), **both))


def test_there_are_images():
    empty = runner(("a", "b"), decode_head=head(2))
    empty.train_dataloader.dataset.clear()
    with pytest.raises(ValueError, match="has no images: look at data_root"):
        NumClassesCheckHook().before_train(empty)


def test_heads_that_may_differ():
    binary = head(2)
    binary.num_classes = 1
    check(("a", "b"), binary)
    check(("a", "b", "c"), head(3), auxiliary_head=binary)
    NumClassesCheckHook().before_train(
        SimpleNamespace(
            train_dataloader=SimpleNamespace(dataset=[1, 2]), model=nn.Linear(1, 1)
        )
    )


def batch(*labels: list[int]) -> dict:
    """A batch of images of one row."""
    samples = []
    for number, row in enumerate(labels):
        sample = SegDataSample(metainfo=dict(seg_map_path=f"{number}.png"))
        sample.gt_sem_seg = PixelData(data=torch.tensor([[row]]))
        samples.append(sample)
    return dict(inputs=[0] * len(labels), data_samples=samples)


def check_labels(data_batch: object, decode_head: nn.Module) -> None:
    NumClassesCheckHook().before_train_iter(
        runner(None, decode_head=decode_head), 0, data_batch
    )


def test_labels_are_classes_or_ignored():
    check_labels(batch([0, 1, 255], [1, 1, 1]), head(2))
    with pytest.raises(ValueError, match=r"labels of 1.png have \[2, 7\], .* 0 to 1, "):
        check_labels(batch([0, 1, 255], [7, 2, 7]), head(2))
    with pytest.raises(ValueError, match=r"have \[-1\]"):
        check_labels(batch([-1, 0]), head(2))
    other = head(2)
    other.ignore_index = 7
    check_labels(batch([0, 7]), other)
    with pytest.raises(ValueError, match=r"\[255\], .* with 7 for pixels to ignore"):
        check_labels(batch([0, 255]), other)


@pytest.mark.parametrize("classes", [19, 3])
def test_auxiliary_heads_have_the_decode_heads_classes(classes):
    told = runner(["a"] * 5, decode_head=head(5), auxiliary_head=head(classes))
    with pytest.raises(
        ValueError, match=f"auxiliary head 0 .* predicts {classes} .* num_classes=5"
    ):
        NumClassesCheckHook().before_train(told)


def test_earlier_heads_of_a_cascade_are_checked_as_auxiliary_heads_are():
    cascade = nn.ModuleList([head(2), head(2)])
    check(("a", "b"), cascade)
    cascade[0] = head(7)
    said = r"decode head 0 of the cascade \(FCNHead\) predicts 7 .* num_classes=2"
    with pytest.raises(ValueError, match=said):
        check(("a", "b"), cascade)
    cascade[0] = head(2)
    cascade[0].ignore_index = 254
    said = "ignores the label 254, .* in the decode head 0 of the cascade"
    with pytest.raises(ValueError, match=said):
        check(("a", "b"), cascade)


def test_all_that_is_wrong_with_classes_is_told_at_once():
    auxiliary = nn.ModuleList([head(5), head(3), head(7)])
    student = nn.ModuleDict(dict(decode_head=head(3), auxiliary_head=auxiliary))
    teacher = nn.Identity()
    teacher.dataset_meta = dict(classes="bacde")
    told = runner(tuple("abcde"), student=student, teacher=teacher)
    with pytest.raises(ValueError, match=" Also: ") as failure:
        NumClassesCheckHook().before_train(told)
    order, decode, *beside = str(failure.value).split(" Also: ")
    assert "in another order: number 0 is 'b' there" in order
    assert "The decode head predicts 3 classes" in decode
    # What is right beside a decode head that is wrong is not blamed.
    assert [said.split(",")[0] for said in beside] == [
        f"The auxiliary head {i} (FCNHead) predicts {n} classes"
        for i, n in ((1, 3), (2, 7))
    ]


def test_auxiliary_heads_ignore_the_decode_heads_label():
    heads = nn.ModuleList([head(5), head(5)])
    heads[1].ignore_index = 254
    told = runner(["a"] * 5, decode_head=head(5), auxiliary_head=heads)
    with pytest.raises(ValueError, match=r"ignores the label 254, .* auxiliary head 1"):
        NumClassesCheckHook().before_train(told)


def test_labels_have_one_channel():
    wrong = batch([0, 1])
    wrong["data_samples"][0].gt_sem_seg = PixelData(data=torch.zeros(4, 5, 3))
    with pytest.raises(
        ValueError, match=r"labels of 0.png .* \(4, 5, 3\) where \(1, H"
    ):
        check_labels(wrong, head(2))


def test_labels_are_looked_at_for_as_many_images_as_there_are():
    hook, told = NumClassesCheckHook(), runner(None, decode_head=head(2))
    told.train_dataloader.dataset.extend([2, 3])
    right, wrong = batch([0, 1], [1, 1]), batch([7, 7])
    hook.before_train_iter(told, 0, right)
    with pytest.raises(ValueError, match=r"have \[7\]"):
        hook.before_train_iter(told, 1, wrong)
    hook.before_train_iter(told, 2, wrong)


def test_what_has_no_labels_of_classes_is_left_alone():
    binary = head(2)
    binary.num_classes = 1
    check_labels(batch([0, 1]), binary)
    check_labels(batch([7]), nn.Linear(1, 1))
    check_labels([torch.zeros(1)], head(2))
    check_labels(dict(inputs=[], data_samples=[SegDataSample()]), head(2))


def seeded(**randomness) -> SimpleNamespace:
    return SimpleNamespace(cfg=dict(randomness=randomness))


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


def test_what_transforms_draw_in_a_validation_is_set_aside_too():
    hook = RandomStateHook()
    hook.before_val(None)
    drawn = random.random(), np.random.rand()  # noqa: NPY002
    hook.after_val(None)
    assert (random.random(), np.random.rand()) == drawn  # noqa: NPY002


def test_a_checkpoint_within_a_validation_holds_the_state_before_it():
    hook, saved, later = RandomStateHook(), {}, {}
    torch.manual_seed(0)
    hook.before_val(None)
    draw()
    hook.before_save_checkpoint(None, saved)
    hook.after_val(None)
    assert torch.equal(saved["torch_random_state"]["cpu"], torch.get_rng_state())
    draw()
    hook.before_save_checkpoint(None, later)
    assert torch.equal(later["torch_random_state"]["cpu"], torch.get_rng_state())


def test_a_resumed_run_draws_what_would_have_followed(tmp_path):
    torch.manual_seed(0)
    checkpoint = {}
    RandomStateHook().before_save_checkpoint(None, checkpoint)
    wanted = [draw(), draw()]
    torch.save(checkpoint, tmp_path / "iter_3.pth")

    torch.manual_seed(1)
    hook = RandomStateHook()
    hook.after_load_checkpoint(seeded(), torch.load(tmp_path / "iter_3.pth"))
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
    hook.after_load_checkpoint(seeded(), saved if checkpoint is None else checkpoint)
    torch.manual_seed(5)
    wanted = draw()
    torch.manual_seed(5)
    hook.before_train_iter(SimpleNamespace(iter=0), 0)
    assert draw() == wanted


def test_processes_that_are_seeded_differently_keep_their_states():
    saved = {}
    RandomStateHook().before_save_checkpoint(None, saved)
    hook = RandomStateHook()
    hook.after_load_checkpoint(seeded(diff_rank_seed=True), saved)
    torch.manual_seed(5)
    wanted = draw()
    torch.manual_seed(5)
    hook.before_train_iter(SimpleNamespace(iter=3), 3)
    assert draw() == wanted


def test_a_critic_needs_an_optimiser_of_its_own():
    def check(model, optim_wrapper):
        CriticOptimizerCheckHook().before_train(
            SimpleNamespace(model=model, optim_wrapper=optim_wrapper)
        )

    model = nn.ModuleDict(dict(distiller=nn.ModuleList([Critic(2, channels=1)])))
    single = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    check(nn.Linear(1, 1), single)
    check(model, JointOptimWrapper(single, single))
    with pytest.raises(ValueError, match="CriticOptimWrapperConstructor"):
        check(model, single)


def trained(values, outputs=("loss",)):
    """Tell a FiniteLossHook the losses of some iterations."""
    hook, hub = FiniteLossHook(), MessageHub("finite")
    told = SimpleNamespace(message_hub=hub, iter=0, work_dir="here")
    for told.iter, value in enumerate(values):
        for name in outputs:
            hub.update_scalar(f"train/{name}", value)
        hub.update_scalar("train/decode.acc_seg", float("nan"))
        hook.after_train_iter(told, told.iter, None, dict.fromkeys(outputs))


def test_a_loss_that_stays_infinite_ends_the_training():
    trained([1.0, INF, 2.0, NAN, 3.0])
    names = ("loss", "distill.loss_response")
    for values in ([1.0, NAN, NAN], [INF, NAN]):
        said = rf"Iteration {len(values)}: loss, distill\.loss_response is infinite"
        with pytest.raises(ValueError, match=said):
            trained(values, names)
    hook = FiniteLossHook()
    hook.after_train_iter(SimpleNamespace(message_hub=MessageHub("none")), 0)


def test_an_iterations_seconds_of_cpu_are_logged_and_no_waiting(monkeypatch):
    hub = MessageHub("cpu_time")
    network = SimpleNamespace(message_hub=hub)
    hook = CPUTimeHook()
    clock = iter([3.0, 5.5, 6.0, 7.0])
    monkeypatch.setattr("time.process_time", lambda: next(clock))
    for _ in range(2):
        hook.before_train_iter(network, 0)
        hook.after_train_iter(network, 0, None, {})
    assert [*hub.get_scalar("train/cpu_time").data[0]] == [2.5, 1.0]
