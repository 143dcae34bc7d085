"""Two iterations say what a training is made of, and what is wrong with it."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import HOOKS, Registry
from mmrazor.models.task_modules import ModuleOutputsRecorder
from mmrazor.registry import MODELS
from mmseg.models import EncoderDecoder
from torch import nn

from texture_kd.analysis import first_labels
from texture_kd.analysis.check_runner import CheckFailed, CheckRunner
from texture_kd.analysis.measured_losses import Loss, measured_losses
from texture_kd.analysis.sentences import sentence
from texture_kd.analysis.traceless_config import without_traces
from texture_kd.analysis.unknown_types import unknown_types
from texture_kd.analysis.watched_distiller import _recorded
from texture_kd.losses import ResponseKDLoss
from texture_kd.recorders import ValidAreaRecorder

CONFIGS = Path(__file__).parents[2] / "configs"
STUDENT = "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"
DISTILLED = f"sstkd_pspnet_r18-w32-d8_{STUDENT}"
ADVERSARIAL = f"sstkd-adversarial_pspnet_r18-w32-d8_{STUDENT}"
LFD = f"lfd_pspnet_r18-w32-d8_{STUDENT}"
LOSSES = "model.distiller.distill_losses."


pytestmark = pytest.mark.usefixtures("mmrazors_scope", "folders")


def left(folder):
    """Name the temporary folders that are still there."""
    return [path.name for path in folder.iterdir() if path.name.startswith("tmp")]


def test_a_check_builds_what_the_training_builds(tmp_path):
    path = tmp_path / "pure_python.py"
    path.write_text(
        "from mmseg.models import EncoderDecoder\nmodel = dict(type=EncoderDecoder)\n"
    )
    config = Config.fromfile(path, lazy_import=True)
    checked = without_traces(config, "elsewhere")
    assert checked.model.type is EncoderDecoder
    assert checked.work_dir == "elsewhere"
    assert "work_dir" not in config


def test_the_table_names_recorders_losses_and_costs(checked, capsys, folders):
    check = checked()
    printed = capsys.readouterr().out
    before, _, table = printed.partition("\n\n")
    # What is done is said as it begins, and the table is the last.
    assert before.splitlines()[0] == "Building the networks ..."
    assert "Training two iterations of 400 ..." in before
    assert all(line.startswith(("|", "Note: ")) for line in table.splitlines())
    rows = [line.split("|")[1:4] for line in printed.splitlines() if "|" in line]
    seen = {part.strip(): (what.strip(), found.strip()) for part, what, found in rows}
    assert seen["student's recorder stage1"] == (
        "ModuleOutputsRecorder backbone.layer1",
        "(2, 16, 32, 32) float32",
    )
    assert seen["teacher's recorder stage2"][1] == "(2, 64, 16, 16) float32"
    assert "int64" in seen["student's recorder labels"][1]
    # Images of 64x64 in crops of 128x128.
    assert seen["student's recorder valid"][1] == "(2, 1, 128, 128) bool"
    assert seen["teacher's weights"] == (
        "EncoderDecoder",
        "random, teacher_ckpt is None",
    )
    assert seen["distill.loss_response"][0] == "ResponseKDLoss, loss_weight 5"
    assert "of its own losses'" in seen["distill.loss_response"][1]
    assert seen["validation"][0] == "of 8 images, 1 times, without data"
    assert seen["validation"][1].endswith(" s an image")
    assert "400 iterations" in seen["time"][0]
    assert "MiB" in seen["memory"][1]
    assert all(loss.gradient > 0 for loss in check.losses.values())
    # The tests' teacher has no checkpoint.
    (note,) = check.notes()
    assert "a RANDOM network teaches. Set model.teacher_ckpt" in note
    assert left(folders) == []


@pytest.mark.parametrize(
    ("recorder", "record", "said"),
    [
        (ValidAreaRecorder(), None, "all valid"),
        (ValidAreaRecorder(), torch.ones(2, 1, 3, 4).bool(), "(2, 1, 3, 4) bool"),
        (ModuleOutputsRecorder("backbone"), None, "None"),
    ],
)
def test_a_batch_without_padding_is_all_valid(recorder, record, said):
    recorder.data_buffer.append(record)
    assert _recorded(recorder) == said


def test_a_network_alone_and_a_critic_are_trainings_too(checked, capsys):
    alone = checked(STUDENT)
    assert set(alone.losses) == {"decode.loss_ce", "aux.loss_ce"}
    assert alone.watched is None
    assert "distill.loss_adversarial" in checked(ADVERSARIAL).losses


def test_a_connector_shows_what_it_makes_of_a_feature(checked, capsys):
    assert checked(LFD).watched.connected == {
        "lfd": "(2, 128, 16, 16) float32 to (2, 256, 16, 16) float32"
    }


def test_what_trains_nothing_is_noted(checked, capsys):
    options = {f"{LOSSES}loss_statistical.loss_weight": 0.0}
    more = dict(type="ModuleOutputs", source="backbone.layer3")
    options["model.distiller.student_recorders.stage3"] = more
    checked(**options)
    notes = [s for s in capsys.readouterr().out.splitlines() if s.startswith("Note")]
    assert notes[1:] == [
        "Note: the student's recorder stage3 is read by no loss",
        "Note: no gradient of distill.loss_statistical reaches the student",
    ]


def noted(capsys):
    return [s for s in capsys.readouterr().out.splitlines() if s.startswith("Note: ")]


def test_what_the_config_lacks_or_says_twice_is_noted(checked, capsys):
    options = {
        "custom_hooks": [dict(type="FiniteLossHook")],
        "model.architecture.data_preprocessor.size": (96, 96),
    }
    checked(**options)
    random, hook, size = noted(capsys)
    assert "RANDOM network teaches" in random
    assert "no PlainStudentHook" in hook
    assert "size=(96, 96), which is not used" in size
    assert "has size=(128, 128)" in size


def test_cells_that_look_apart_are_noted(checked, capsys, monkeypatch):
    def apart(student, teacher, distiller, image):
        assert not student.training
        assert student is not teacher
        return [f"{next(iter(distiller.loss_forward_mappings))} at {image}"]

    monkeypatch.setattr("texture_kd.analysis.training_check.cells_apart", apart)
    checked()
    printed = capsys.readouterr().out
    assert "Note: loss_structural_stage1 at (3, 128, 128)\n" in printed


def test_a_loss_that_is_not_finite_is_named_beside_the_table(checked, capsys, folders):
    with pytest.raises(CheckFailed, match=r"distill\.loss_response is not finite"):
        checked(**{f"{LOSSES}loss_response.loss_weight": float("nan")})
    assert "student's recorder stage1" in capsys.readouterr().out
    assert left(folders) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {f"{LOSSES}loss_structural_stage1.student_channels": 8},
            "^iteration 1: loss_structural_stage1: .*set student_channels=16",
        ),
        (
            {"model.teacher_ckpt": "absent.pth"},
            "^building the model: .*absent.pth",
        ),
        (
            {"optim_wrapper.optimizer.type": "AdamX"},
            r"^building optim_wrapper: .*optimizer\.type='AdamX'; did you mean Adam ",
        ),
        (
            {"val_dataloader.dataset.split": "vall"},
            "^building val_dataloader: .*vall",
        ),
        (
            {"val_dataloader.dataset.pipeline": [dict(type="PackSegInputs")]},
            "^validation: ",
        ),
        (
            {"test_dataloader.dataset.split": "tset"},
            "^building test_dataloader: .*tset",
        ),
        (
            {"test_evaluator": dict(ignore_index=254)},
            "^NumClassesCheckHook: .*IoUMetric ignores the label 254, and the decode "
            "head 255: set ignore_index=255 in test_evaluator",
        ),
        (
            {"val_evaluator": dict(ignore_index=254)},
            "^NumClassesCheckHook: .*IoUMetric ignores the label 254, and the decode "
            "head 255: set ignore_index=255 in val_evaluator",
        ),
        ({"launcher": "pytorch"}, "single process"),
    ],
)
def test_what_is_wrong_is_one_sentence_that_says_when(checked, options, said, folders):
    with pytest.raises(CheckFailed, match=said) as failure:
        checked(**options)
    assert "\n" not in str(failure.value)
    assert left(folders) == []


def test_each_loss_that_refuses_is_named_in_one_run(checked):
    options = {
        f"{LOSSES}loss_structural_stage1.student_channels": 8,
        f"{LOSSES}loss_structural_stage2.teacher_channels": 8,
    }
    with pytest.raises(CheckFailed, match=r"^iteration 1: loss_") as failure:
        checked(**options)
    said = str(failure.value)
    assert "loss_structural_stage1: " in said
    assert "set student_channels=16" in said
    assert " Also: iteration 1: loss_structural_stage2: " in said
    assert "set teacher_channels=64" in said
    assert "loss_response" not in said


def test_whatever_a_loss_raises_is_told_with_its_name(checked, monkeypatch):
    def refuse(self, preds_S, preds_T, gt=None, valid=None):
        raise AssertionError

    monkeypatch.setattr(ResponseKDLoss, "forward", refuse)
    options = {f"{LOSSES}loss_structural_stage1.student_channels": 8}
    with pytest.raises(CheckFailed, match=r"^iteration 1: loss_") as failure:
        checked(**options)
    said = str(failure.value)
    assert "loss_structural_stage1: " in said
    assert "loss_response: AssertionError: raise AssertionError (" in said


def test_each_part_that_cannot_be_built_is_named_in_one_run(checked):
    options = {
        f"{LOSSES}loss_response.temprature": 2,
        f"{LOSSES}loss_structural_stage1.levels": 0,
        f"{LOSSES}loss_statistical.chanels": 8,
        "model.distiller.student_recorders.labels": None,
    }
    with pytest.raises(CheckFailed, match=r"^building the model: ") as failure:
        checked(**options)
    said = str(failure.value)
    for part in (
        "loss_response (ResponseKDLoss) has the option 'temprature'",
        "did you mean temperature",
        "loss_structural_stage1 (CDMLoss): ",
        "loss_statistical (DTIEMLoss) has the option 'chanels'",
        "reads the recorder 'labels', which does not exist",
    ):
        assert part in said, (part, said)


def test_what_an_error_says_is_kept_short():
    def fail():
        raise TypeError(f"begin {'x' * 9000} end")

    with pytest.raises(TypeError) as failure:
        fail()
    said = sentence(failure.value)
    assert len(said) < 1700
    assert said.startswith("TypeError: begin xx")
    assert " ... x" in said
    assert "x end (" in said
    # All of several that are short.
    several = " Also: ".join(f"fault {i} {'y' * 200}" for i in range(20))
    assert sentence(ValueError(several)) == f"ValueError: {several}"


def test_a_work_dir_that_cannot_be_made_is_named(tiny):
    config = tiny(STUDENT)
    config.work_dir = "/dev/null/run"
    with pytest.raises(CheckFailed, match=r"work_dir .*: /dev/null is no folder"):
        CheckRunner.from_cfg(config)


def test_gradients_are_norms_at_the_students_parameters_alone():
    model = nn.Module()
    model.student = nn.Linear(2, 1, bias=False)
    model.critic = nn.Linear(2, 1)
    w, c = model.student.weight, model.critic.weight
    constant = torch.tensor(7.0)
    losses = measured_losses(
        model,
        {
            "student.loss_a": (3 * w[0, 0] + 4 * w[0, 1]).reshape(1),
            "student.loss_b": [5 * w[0, 0], 7 * w[0, 0]],
            "student.acc": constant,
            "distill.loss_c": 2 * w[0, 1] + 9 * c.sum(),
            "distill.loss_d": c.sum(),
            "distill.loss_e": constant,
        },
        scale=8.0,
    )
    norms = {name: loss.gradient for name, loss in losses.items()}
    assert norms == pytest.approx(
        {
            "student.loss_a": 5,
            "student.loss_b": 12,
            "distill.loss_c": 2,
            "distill.loss_d": 0,
            "distill.loss_e": 0,
            "the student's own losses": (15**2 + 4**2) ** 0.5,
        }
    )
    assert losses["distill.loss_e"] == Loss(7, 0)
    assert w.grad is None
    assert c.grad is None


@pytest.mark.parametrize(
    ("train_cfg", "iterations"),
    [(dict(max_iters=7), 7), (dict(by_epoch=True, max_epochs=3), 12)],
)
def test_the_length_of_the_training_is_its_own(tiny, train_cfg, iterations, capsys):
    config = tiny(STUDENT)
    config.train_cfg = train_cfg
    # Neither averages that begin late nor a schedule to the end are shortened.
    config.custom_hooks.append(dict(type="EMAHook", begin_iter=5))
    config.param_scheduler = [dict(type="PolyLR", begin=3, by_epoch=False)]
    runner = CheckRunner.from_cfg(config)
    runner.train()
    assert runner.check.done == 2
    assert runner.check.iterations == iterations


def test_a_validation_set_of_one_image_is_seen_whole(tiny, capsys):
    config = tiny()
    config.val_dataloader.dataset.length = 1
    config.custom_hooks.append(dict(type="TextureVisualizationHook", indices=[0]))
    runner = CheckRunner.from_cfg(config)
    drawn = []
    runner.visualizer.add_image = lambda name, *_: drawn.append(name)
    runner.train()
    assert runner.tried.images == 1
    kinds = ("predictions", "subbands", "statistics")
    assert drawn == [f"image0_{kind}" for kind in kinds]


# PyTorch's, of how MMSegmentation asks for it.
@pytest.mark.filterwarnings("ignore:torch.utils.checkpoint")
def test_checkpointed_activations_are_no_mistake(checked, capsys):
    check = checked(STUDENT, **{"model.backbone.with_cp": True})
    assert all(loss.gradient > 0 for loss in check.losses.values())


def test_a_training_that_ends_before_says_so(checked):
    with pytest.raises(CheckFailed, match="ends before its second iteration"):
        checked(STUDENT, **{"train_cfg.max_iters": 1})


def test_predictions_go_to_no_folder_that_stays(checked, capsys, folders):
    kept = folders / "predictions"
    evaluator = {"val_evaluator.output_dir": str(kept)}
    checked(STUDENT, **evaluator)
    assert not kept.exists()


@pytest.mark.parametrize("name", [DISTILLED, "sstkd_pspnet_r101_r18_cityscapes.py"])
def test_what_is_registered_is_no_unknown_type(name):
    config = Config.fromfile(CONFIGS / name).to_dict()
    assert unknown_types(config) == []
    config["model"]["architecture"]["type"] = EncoderDecoder
    config["model"]["architecture"]["decode_head"]["type"] = "PSPHed"
    (said,) = unknown_types(config)
    assert "model.architecture.decode_head.type='PSPHed'" in said
    assert "did you mean PSPHead" in said


def test_classes_that_a_package_registers_late_are_no_unknown_types(
    tmp_path, monkeypatch
):
    (tmp_path / "late_hooks.py").write_text(
        "from mmengine.registry import HOOKS\n"
        "HOOKS.children['late'].register_module('LateHook', module=object)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(
        HOOKS.children,
        "late",
        Registry("hook", scope="late", locations=["late_hooks"]),
    )
    assert unknown_types(dict(hook=dict(type="LateHook"))) == []
    absent = Registry("hook", scope="absent", locations=["no_such_package"])
    monkeypatch.setitem(HOOKS.children, "absent", absent)
    (said,) = unknown_types(dict(hook=dict(type="LateHok")))
    assert "did you mean LateHook" in said


def test_an_exception_without_words_says_where():
    def fail():
        assert MODELS is None

    with pytest.raises(AssertionError) as failure:
        fail()
    bare = AssertionError().with_traceback(failure.value.__traceback__)
    assert sentence(bare).startswith("AssertionError: assert MODELS is None (")
    assert "analysis/test_training_check.py, line" in sentence(bare)
    worker = (
        "Caught FileNotFoundError in DataLoader worker process 0.\nOriginal Traceback "
        '(most recent call last):\n  File "/a/b/c/d.py", line 7, in read\n    x = 1\n'
        "        ^^^^\nFileNotFoundError: no such file: 'a.png'\n"
    )
    said = "FileNotFoundError: no such file: 'a.png' (b/c/d.py, line 7)"
    assert sentence(FileNotFoundError(worker)) == said
    assert sentence(KeyError("a\n  b\n\nc")) == "KeyError: a b"


def test_what_ignored_pixels_do_to_the_networks_own_losses(tiny, capsys, monkeypatch):
    head = "model.architecture.decode_head.loss_decode"
    auxiliary = "model.architecture.auxiliary_head.loss_decode"
    weighted = dict(type="CrossEntropyLoss", class_weight=[1.0] * 12, _scope_="mmseg")
    # Images of 64 pixels are padded to 128.
    with pytest.raises(CheckFailed, match=r"iteration 1: .*auxiliary_head.*class_weig"):
        CheckRunner.from_cfg(tiny(**{auxiliary: weighted})).train()
    capsys.readouterr()
    options = {
        f"{head}.use_sigmoid": True,
        auxiliary: dict(type="DiceLoss", _scope_="mmseg"),
        "data_preprocessor.size": (128, 128),
    }
    monkeypatch.setattr(first_labels, "label_file_with_palette", lambda _: "a.png")
    CheckRunner.from_cfg(tiny(**options)).train()
    _random, palette, dice, softmax = noted(capsys)
    assert palette.startswith("Note: label files have a palette, such as a.png: ")
    assert "auxiliary_head.loss_decode (DiceLoss) of MMSegmentation" in dice
    assert "loss_response (ResponseKDLoss) compares softmax" in softmax
