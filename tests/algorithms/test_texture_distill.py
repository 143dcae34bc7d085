"""The algorithm: a lean, frozen teacher, and a student that trains as it does alone."""

import copy
import logging
import pickle
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import EMAHook
from mmengine.model import ExponentialMovingAverage
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope, Registry
from mmengine.runner import load_checkpoint, save_checkpoint
from mmrazor.models.algorithms import SingleTeacherDistill
from mmrazor.registry import MODELS
from mmseg.apis import init_model
from torch import nn
from toy_models import recorders, segmentor, sstkd, train

from texture_kd.algorithms import texture_distill
from texture_kd.algorithms.built_network import built_network
from texture_kd.hooks import PlainStudentHook


def losses_of(model, batch) -> dict:
    data = model.data_preprocessor(copy.deepcopy(batch), training=True)
    return model(**data, mode="loss")


def test_it_is_mmrazors_algorithm(build):
    assert isinstance(build(), SingleTeacherDistill)


def test_a_stock_config_needs_no_scope(model_config, batch):
    def plain(config):
        if not isinstance(config, dict):
            return config
        named = {key: plain(value) for key, value in config.items()}
        if isinstance(named.get("type"), str):
            named["type"] = named["type"].removeprefix("mmseg.")
        return named

    config = model_config(architecture=plain(segmentor(4)), teacher=plain(segmentor(8)))
    assert config["architecture"]["type"] == "EncoderDecoder"
    losses = losses_of(MODELS.build(config).train(), batch)
    assert "distill.loss_structural" in losses
    config["teacher"]["type"] = "EncoderDecodr"
    with pytest.raises(KeyError, match="EncoderDecodr is not in the mmseg::model"):
        MODELS.build(config)


def test_a_config_of_another_scope_keeps_it(monkeypatch):
    theirs = Registry("model", scope="theirs", parent=MODELS)
    monkeypatch.setitem(MODELS.children, "theirs", theirs)

    @theirs.register_module()
    class Theirs(nn.Identity):
        pass

    with DefaultScope.overwrite_default_scope("theirs"):
        assert isinstance(built_network(dict(type="Theirs")), Theirs)
    with DefaultScope.overwrite_default_scope("mmrazor"):
        scoped = dict(type="Theirs", _scope_="theirs")
        assert isinstance(built_network(scoped), Theirs)
        # What MMRazor has is not looked for elsewhere.
        assert isinstance(built_network(dict(type="FFTLoss")), nn.Module)


def test_losses_have_their_names_and_gradients_reach_the_student(build, batch):
    model = build().train()
    losses = losses_of(model, batch)
    assert {
        "student.decode.loss_ce",
        "student.aux.loss_ce",
        "distill.loss_structural",
        "distill.loss_statistical",
        "distill.loss_response",
        "distill.loss_adversarial",
    } <= set(losses)
    sum(v for k, v in losses.items() if k.startswith("distill.loss")).backward()
    assert model.student.backbone.stem[0].weight.grad.abs().sum() > 0
    beside = [
        p
        for name, p in model.distiller.named_parameters()
        # So small a critic is linear here, and what is the same to all has no slope.
        if p.requires_grad and ".critic." not in name
    ]
    assert beside
    assert all(p.grad.abs().sum() > 0 for p in beside)
    assert all(p.grad is None for p in model.teacher.parameters())


def test_the_parts_of_a_loss_are_logged_and_not_summed(build, batch):
    losses = losses_of(build().train(), batch)
    parts = [
        losses[f"distill.part_statistical.{part}"] for part in ("texture", "auxiliary")
    ]
    torch.testing.assert_close(sum(parts), losses["distill.loss_statistical"].detach())
    assert not any(part.requires_grad for part in parts)
    total, log = build().parse_losses(losses)
    torch.testing.assert_close(
        total, sum(v for k, v in losses.items() if k.split(".")[-1].startswith("loss"))
    )
    assert "distill.part_statistical.auxiliary" in log


def test_the_teacher_is_in_eval_mode_as_a_whole(build):
    model = build()
    assert model.train() is model
    assert not any(m.training for m in model.teacher.modules())
    assert model.student.decode_head.dropout.training
    # MMRazor's own leaves dropout on, which is what this one is for.
    SingleTeacherDistill.train(model)
    assert model.teacher.decode_head.dropout.training


def test_two_teacher_passes_are_bit_identical(build, batch):
    model = build().train()
    inputs = model.data_preprocessor(batch, training=True)["inputs"]
    passes = []
    for _ in range(2):
        with model.distiller.teacher_recorders:
            model.teacher(inputs, mode="tensor")
        logits = model.distiller.teacher_recorders.get_recorder("logits")
        passes.append(logits.get_record_data())
    assert torch.equal(*passes)


def test_the_teacher_runs_backbone_and_decode_head_only(build, batch, monkeypatch):
    model = build().train()
    ran = []
    for name, module in model.teacher.named_modules():
        module.register_forward_hook(lambda m, i, o, name=name: ran.append(name))
    losses_of(model, batch)
    assert "decode_head.conv_seg" in ran
    assert not [name for name in ran if name.startswith("auxiliary_head")]
    assert not [name for name in ran if "loss" in name]


def test_where_features_are_recorded_the_teachers_head_is_not_run(build, batch):
    stages = recorders(stages="backbone")
    record = dict(recorder="stages", data_idx=0)
    distiller = dict(
        type="ConfigurableDistiller",
        student_recorders=stages,
        teacher_recorders=stages,
        distill_losses=dict(
            loss_structural=dict(type="CDMLoss", student_channels=4, teacher_channels=8)
        ),
        loss_forward_mappings=dict(
            loss_structural=dict(
                s_feature=dict(from_student=True, **record),
                t_feature=dict(from_student=False, **record),
            )
        ),
    )
    found = []
    for recorded in (
        stages,
        recorders(stages="backbone", logits="decode_head.conv_seg"),
    ):
        model = build(distiller=dict(distiller, teacher_recorders=recorded))
        runs = []
        head = model.teacher.decode_head.conv_seg
        head.register_forward_hook(lambda *_, runs=runs: runs.append(1))
        torch.manual_seed(0)
        value = losses_of(model, batch)["distill.loss_structural"]
        found.append((len(runs), value))
    (without, value), (once, same) = found
    assert (without, once) == (0, 1)
    assert torch.equal(value, same)


def test_recorded_tensors_are_released(build, batch):
    model = build().train()
    losses_of(model, batch)
    for manager in (
        model.distiller.student_recorders,
        model.distiller.teacher_recorders,
    ):
        assert all(not r.data_buffer for r in manager.recorders.values())


def test_with_all_weights_at_zero_it_is_plain_mmseg(build, batch):
    distilled = build(0.0)
    torch.manual_seed(0)
    plain = MODELS.build(dict(segmentor(4), _scope_="mmrazor"))
    plain.init_weights()
    with_teacher = train(distilled, batch, 4)
    alone = train(plain, batch, 4)
    for ours, theirs in zip(with_teacher, alone, strict=True):
        assert ours["loss"] == theirs["loss"]
        assert ours["student.decode.loss_ce"] == theirs["decode.loss_ce"]
    state = distilled.student.state_dict()
    for name, value in plain.state_dict().items():
        assert torch.equal(state[name], value), name


def test_a_weight_above_zero_changes_the_student(build, batch):
    # The test above would pass if nothing were distilled at all.
    one, zero = (train(build(w), batch, 2)[-1]["loss"] for w in (1.0, 0.0))
    assert one != zero


def test_training_leaves_the_teacher_bit_identical(build, batch):
    model = build()
    before = copy.deepcopy(model.teacher.state_dict())
    train(model, batch, 2)
    for name, value in model.teacher.state_dict().items():
        assert torch.equal(before[name], value), name


@pytest.mark.parametrize("option", ["teacher_trainable", "teacher_norm_eval"])
def test_a_teacher_cannot_be_trained(build, option):
    with pytest.raises(ValueError, match=option):
        build(**{option: True})


def test_a_recorder_that_records_nothing_is_named(build, batch, model_config):
    distiller = sstkd()
    distiller["student_recorders"]["unused"] = dict(
        type="ModuleOutputs", source="decode_head.loss_decode"
    )
    model = build(distiller=distiller).train()
    # As if the head had never called it.
    model.student.decode_head.loss_decode._forward_hooks.clear()
    with pytest.raises(RuntimeError, match=r"student's recorder '\w+'.*loss_decode"):
        losses_of(model, batch)


def test_a_deterministic_training_runs_and_is_the_same_twice(build, batch):
    """MMEngine's ``randomness=dict(deterministic=True)``."""
    torch.use_deterministic_algorithms(True)
    try:
        one, other = (train(build(), batch, 2) for _ in range(2))
    finally:
        torch.use_deterministic_algorithms(False)
    assert one == other


def test_teacher_dtype(build, batch):
    model = build(teacher_dtype="bfloat16").train()
    seen = []
    model.teacher.decode_head.conv_seg.register_forward_hook(
        lambda module, inputs, output: seen.append(output.dtype)
    )
    losses = losses_of(model, batch)
    assert seen == [torch.bfloat16]
    assert losses["distill.loss_response"].dtype == torch.float32
    assert losses["distill.loss_response"].isfinite()
    with pytest.raises(ValueError, match="float64"):
        build(teacher_dtype="float64")


def test_a_whole_step_under_bfloat16_autocast(build, batch):
    model = build().train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses = losses_of(model, batch)
    loss, _ = model.parse_losses(losses)
    loss.backward()
    assert loss.isfinite()
    gradients = [p.grad for p in model.parameters() if p.requires_grad]
    assert all(g is not None and g.isfinite().all() for g in gradients)


def test_prediction_is_the_students(build, batch):
    model = build().eval()
    data = model.data_preprocessor(batch)
    predicted = model(**copy.deepcopy(data), mode="predict")
    alone = model.student(**copy.deepcopy(data), mode="predict")
    for ours, theirs in zip(predicted, alone, strict=True):
        assert torch.equal(ours.pred_sem_seg.data, theirs.pred_sem_seg.data)


class TestCheckpoints:
    @pytest.fixture
    def teacher_ckpt(self, tmp_path):
        torch.manual_seed(3)
        teacher = MODELS.build(segmentor(8))
        path = tmp_path / "teacher.pth"
        save_checkpoint(dict(state_dict=teacher.state_dict()), str(path))
        return str(path)

    def test_the_teacher_stays_out(self, build, teacher_ckpt):
        assert not teacher_keys(build(teacher_ckpt=teacher_ckpt))
        assert teacher_keys(build(teacher_ckpt=teacher_ckpt, save_teacher=True))
        # Nothing but the checkpoint would bring this teacher back.
        assert teacher_keys(build())

    @pytest.mark.parametrize("save_teacher", [False, True])
    def test_a_checkpoint_restores_the_whole_model(
        self, build, teacher_ckpt, tmp_path, save_teacher
    ):
        options = dict(teacher_ckpt=teacher_ckpt, save_teacher=save_teacher)
        model, other = build(**options), build(**options)
        perturb(model.student, model.distiller)
        path = str(tmp_path / "distilled.pth")
        save_checkpoint(dict(state_dict=model.state_dict()), path)
        load_checkpoint(other, path, strict=True)
        for name, value in model.state_dict().items():
            assert torch.equal(other.state_dict()[name], value), name

    def test_plain_mmseg_loads_the_student_as_it_is(
        self, build, teacher_ckpt, tmp_path
    ):
        model, other = build(teacher_ckpt=teacher_ckpt), build()
        perturb(model.student)
        checkpoint = dict(state_dict=model.state_dict())
        before = len(pickle.dumps(checkpoint))
        PlainStudentHook().before_save_checkpoint(None, checkpoint)
        path = tmp_path / "distilled.pth"
        save_checkpoint(checkpoint, str(path))
        # The second set of names shares the storage of the first.
        assert path.stat().st_size < 1.5 * before
        plain = MODELS.build(segmentor(4))
        load_checkpoint(plain, str(path))
        assert_same_state(plain, model.student)
        load_checkpoint(other, str(path))
        assert_same_state(other.student, model.student)

    def test_a_teacher_without_a_checkpoint_is_missed(self, build, teacher_ckpt):
        left_out = build(teacher_ckpt=teacher_ckpt).state_dict()
        with pytest.raises(RuntimeError, match=r"Missing key.*teacher\.backbone"):
            build().load_state_dict(left_out)

    def test_averaged_weights(self, build):
        model = build()
        average = ExponentialMovingAverage(model, momentum=0.1, update_buffers=True)
        before = average.module.student.decode_head.conv_seg.bias.clone()
        average.update_parameters(model)
        model.student.decode_head.conv_seg.bias.data.add_(1)
        average.update_parameters(model)
        after = average.module.student.decode_head.conv_seg.bias
        torch.testing.assert_close(after - before, torch.full_like(after, 0.1))

    def test_averages_share_the_teacher_and_are_of_the_student(self, build, batch):
        model = build()
        average = ExponentialMovingAverage(model, momentum=0.1, update_buffers=True)
        copied = average.module
        assert copied.teacher is model.teacher
        assert copied.student is not model.student
        names = dict(model.named_parameters())
        assert not [name for name in names if name.startswith("teacher.")]
        # A copy distils as the original does, and each has its own student.
        one, other = (train(m, batch, 1) for m in (copy.deepcopy(model), model))
        assert one == other
        assert copied.student.backbone is not copy.deepcopy(model).student.backbone

    def test_a_resumed_average_is_the_uninterrupted_one(
        self, build, batch, teacher_ckpt
    ):
        def started():
            hook, model = EMAHook(momentum=0.3), build(teacher_ckpt=teacher_ckpt)
            runner = SimpleNamespace(model=model, iter=0, _resume=True)
            hook.before_run(runner)
            return hook, runner

        def steps(hook, runner, count):
            for _ in range(count):
                train(runner.model, batch, 1)
                hook.after_train_iter(runner, 0)

        hook, runner = started()
        steps(hook, runner, 2)
        saved = dict(state_dict=runner.model.state_dict())
        hook.before_save_checkpoint(runner, saved)
        PlainStudentHook().before_save_checkpoint(runner, saved)
        saved = copy.deepcopy(saved)
        again, resumed = started()
        again.after_load_checkpoint(resumed, saved)
        resumed.model.load_state_dict(saved["state_dict"], strict=False)
        for one in ((hook, runner), (again, resumed)):
            steps(*one, 2)
        assert_same_state(resumed.model, runner.model)
        assert_same_state(again.ema_model, hook.ema_model)
        conv = "architecture.decode_head.conv_seg.weight"
        assert not torch.equal(
            hook.ema_model.module.state_dict()[conv], runner.model.state_dict()[conv]
        )

    def test_averages_leave_the_training_and_its_critic_alone(self, build, batch):
        """MMEngine freezes what an average holds: a shared critic would not learn."""

        def trained(averaged):
            model, hook = build(), EMAHook(momentum=0.3)
            runner = SimpleNamespace(model=model, iter=0)
            if averaged:
                hook.before_run(runner)
            logs = []
            for _ in range(2):
                logs += train(model, batch, 1)
                if averaged:
                    hook.after_train_iter(runner, 0)
                    hook.before_val_epoch(runner)
                    hook.after_val_epoch(runner)
            return model, logs

        (alone, expected), (model, logs) = trained(False), trained(True)
        assert logs == expected
        assert_same_state(model, alone)
        critic, start = (
            one.distiller.distill_losses["loss_adversarial"].critic.score.weight
            for one in (model, build())
        )
        assert critic.requires_grad
        assert not torch.equal(critic, start)

    def test_a_plain_students_checkpoint_is_a_start(self, build, tmp_path):
        torch.manual_seed(5)
        plain = MODELS.build(segmentor(4))
        path = str(tmp_path / "student.pth")
        save_checkpoint(dict(state_dict=plain.state_dict()), path)
        model = build()
        load_checkpoint(model, path)
        assert_same_state(model.student, plain)

    def test_the_teachers_weights_are_loaded(self, build, teacher_ckpt):
        loaded = torch.load(teacher_ckpt)["state_dict"]
        for name, value in (
            build(teacher_ckpt=teacher_ckpt).teacher.state_dict().items()
        ):
            assert torch.equal(value, loaded[name]), name


def test_a_random_teacher_is_warned_of_once_when_training_starts(
    build, tmp_path, monkeypatch
):
    said = []
    monkeypatch.setattr(
        texture_distill, "print_log", lambda text, **options: said.append(options)
    )
    model = build()
    assert not said
    model.eval()
    model.train().train()
    assert [options["level"] for options in said] == [logging.WARNING]
    state = build().state_dict()
    for known in (
        build(teacher=MODELS.build(segmentor(8))),
        build(teacher_ckpt=teacher_file(tmp_path)),
        build(),
    ):
        if known.teacher_is_random:
            known.load_state_dict(state)
        assert not known.train().teacher_is_random
    assert len(said) == 1


def teacher_file(folder) -> str:
    path = folder / "teacher.pth"
    torch.save(dict(state_dict=MODELS.build(segmentor(8)).state_dict()), path)
    return str(path)


def test_mmsegs_init_model_takes_a_distillation(model_config, build, tmp_path):
    model = build()
    perturb(model.student)
    path = tmp_path / "iter_1.pth"
    meta = dict(dataset_meta=dict(classes=("a",) * 5, palette=[[0, 0, 0]] * 5))
    save_checkpoint(dict(state_dict=model.state_dict(), meta=meta), str(path))
    # It sets a scope for good.
    with DefaultScope.overwrite_default_scope("mmrazor"):
        loaded = init_model(Config(dict(model=model_config())), str(path), "cpu")
    assert_same_state(loaded.student, model.student)
    assert loaded.dataset_meta["classes"] == ("a",) * 5


class TestOptimizers:
    """The student's by its own constructor, and what the distiller learns beside it."""

    @staticmethod
    def groups(model, **options):
        wrapper = build_optim_wrapper(
            model, dict(optimizer=dict(type="SGD", lr=0.1, weight_decay=0.5), **options)
        )
        names = {id(p): name for name, p in model.named_parameters()}
        return {
            names[id(p)]: group
            for group in wrapper.optimizer.param_groups
            for p in group["params"]
        }

    def test_all_that_learns_is_in_it_once(self, build):
        model = build()
        for options in ({}, dict(paramwise_cfg=dict(norm_decay_mult=0.0))):
            names = list(self.groups(model, **options))
            assert sorted(names) == sorted(dict(model.named_parameters()))

    def test_keys_are_of_the_student_unless_they_say_distiller(self, build):
        keys = dict(
            head=dict(lr_mult=10),
            distiller=dict(lr_mult=3),
            **{"architecture.backbone": dict(lr_mult=2)},
        )
        found = self.groups(build(), paramwise_cfg=dict(custom_keys=keys))
        rates = {
            part: {round(g["lr"], 6) for name, g in found.items() if part in name}
            for part in ("architecture.decode_head", "architecture.backbone", "distill")
        }
        assert list(rates.values()) == [{1.0}, {0.2}, {0.3}]
        keys = dict(head=dict(lr_mult=10))
        found = self.groups(build(), paramwise_cfg=dict(custom_keys=keys))
        heads = [n for n in found if n.startswith("distiller") and "_head." in n]
        assert heads
        assert {found[name]["lr"] for name in heads} == {0.1}
        # What names nothing of the student is the distiller's.
        keys = dict(distill_losses=dict(lr_mult=5))
        found = self.groups(build(), paramwise_cfg=dict(custom_keys=keys))
        ours = {name for name in found if "distill_losses" in name}
        assert ours
        assert all(round(found[name]["lr"], 6) == 0.5 for name in ours)

    def test_a_constructor_looks_into_the_student(self, build):
        student = segmentor(4)
        student["backbone"] = dict(
            type="mmpretrain.ConvNeXt",
            arch=dict(depths=[1, 1, 1, 1], channels=[4, 8, 16, 32]),
            out_indices=(0, 1, 2, 3),
            gap_before_final_norm=False,
        )
        distiller = sstkd()
        for name in ("loss_structural", "loss_statistical", "loss_adversarial"):
            distiller["distill_losses"][name] = None
        distiller["distill_losses"]["loss_structural"] = dict(
            type="CDMLoss", student_channels=4, teacher_channels=8
        )
        recorder = dict(type="ModuleOutputs", source="backbone.stages.0")
        distiller["student_recorders"].update(stage1=recorder, stage2=None)
        model = build(architecture=student, distiller=distiller)
        found = self.groups(
            model,
            constructor="mmseg.LearningRateDecayOptimizerConstructor",
            paramwise_cfg=dict(decay_rate=0.5, decay_type="stage_wise", num_layers=6),
        )
        alone = self.groups(
            model.student,
            constructor="mmseg.LearningRateDecayOptimizerConstructor",
            paramwise_cfg=dict(decay_rate=0.5, decay_type="stage_wise", num_layers=6),
        )
        for name, group in alone.items():
            ours = found[f"architecture.{name}"]
            assert (ours["lr"], ours["weight_decay"]) == (
                group["lr"],
                group["weight_decay"],
            )
        assert len({group["lr"] for group in alone.values()}) > 3
        beside = [name for name in found if name.startswith("distiller.")]
        assert beside
        assert all(found[name]["lr"] == 0.1 for name in beside)


def teacher_keys(model) -> list[str]:
    return [name for name in model.state_dict() if name.startswith("teacher.")]


def perturb(*modules: nn.Module) -> None:
    with torch.no_grad():
        for module in modules:
            for parameter in module.parameters():
                parameter.add_(torch.randn_like(parameter))


def assert_same_state(one: nn.Module, other: nn.Module) -> None:
    for name, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name


@pytest.mark.parametrize("truncated", ["student", "teacher", "both"])
def test_decode_heads_on_smaller_grids(build, batch, truncated):
    """Logits of unequal sizes meet in the losses, and features are found by name."""
    networks = dict(student=segmentor(4), teacher=segmentor(8))
    for name, network in networks.items():
        if truncated in (name, "both"):
            network["decode_head"] = dict(
                type="texture_kd.SpectralTruncationHead",
                grid=0.5,
                head=network["decode_head"],
            )
    model = build(architecture=networks["student"], teacher=networks["teacher"])
    (log,) = train(model, batch, 1)
    assert all(value.isfinite().all() for value in log.values())
    sizes = []
    model.eval()
    for network in (model.student, model.teacher):
        with torch.no_grad():
            sizes.append(network(torch.zeros(1, 3, 32, 32), mode="tensor").shape[-1])
    expected = dict(student=[2, 4], teacher=[4, 2], both=[2, 2])
    assert sizes == expected[truncated]
