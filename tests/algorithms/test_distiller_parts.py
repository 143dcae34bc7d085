"""What is wrong with a part of a distiller is told with its name, all in one run."""

import copy

import pytest
import torch
from mmengine.config import ConfigDict
from mmrazor.models.distillers import ConfigurableDistiller
from mmrazor.models.task_modules import FunctionOutputsDelivery
from mmrazor.registry import MODELS
from test_distiller_checks import MAPPINGS, RECORD, changed
from torch import nn
from toy_models import segmentor, sstkd

from texture_kd.algorithms import sound_distiller
from texture_kd.algorithms.teacher_checkpoint import forget_checkpoints
from texture_kd.connectors import LFDConnector
from texture_kd.losses import ResponseKDLoss


def refused(config: dict) -> str:
    """Return what the error says, in which nothing stands twice."""
    with pytest.raises(ValueError, match=" ") as failure:
        MODELS.build(config)
    said = str(failure.value)
    sentences = said.split(" Also: ")
    assert len(sentences) == len({*sentences})
    assert "\n" not in said
    return said


def test_a_fault_of_each_part_is_told_in_one_run(model_config, tmp_path):
    distiller = sstkd()
    losses = distiller["distill_losses"]
    losses["loss_structural"]["level"] = losses["loss_structural"].pop("levels")
    losses["loss_response"]["temperature"] = 0
    del losses["loss_adversarial"]["num_classes"]
    losses["loss_statistical"]["num_classes"] = 7
    distiller["connectors"] = dict(
        align=dict(type="LFDConnector", in_channel=4, out_chanel=8),
        chain=[dict(type="LFDConector", in_channel=4, out_channel=8)],
    )
    del distiller["student_recorders"]["stage1"]
    distiller["student_recorders"]["labels"] = dict(type="GroundTruths", source="a")
    distiller["teacher_recorders"]["logits"] = dict(type="ModuleOutputs")
    distiller["distill_deliveries"] = dict(
        drop=dict(type="FunctionOutput", func_path="torch.nn.functional.dropout")
    )
    teacher = segmentor(8)
    teacher["data_preprocessor"]["mean"] = [0.0] * 3
    teacher["decode_head"]["num_classes"] = 19
    said = refused(
        model_config(
            distiller=distiller,
            teacher=teacher,
            teacher_ckpt=str(tmp_path / "absent.pth"),
        )
    )
    for part in (
        "loss_structural (CDMLoss) has the option 'level', which does not exist; did "
        "you mean levels",
        "loss_response (ResponseKDLoss): expected a positive temperature, got 0",
        "loss_adversarial (AdversarialLoss) needs the option 'num_classes'",
        "loss_statistical has num_classes=7",
        "loss_structural.s_feature reads the recorder 'stage1', which does not exist",
        "the connector align (LFDConnector) has the option 'out_chanel', which "
        "does not exist; did you mean out_channel",
        "the connector align (LFDConnector) needs the option 'out_channel'",
        "the connector chain.0 has the type 'LFDConector', which does not exist; did "
        "you mean LFDConnector",
        "the student's recorder 'labels' has the type 'GroundTruths', which does not "
        "exist; did you mean GroundTruth",
        "the teacher's recorder 'logits' (ModuleOutputs): TypeError: BaseRecorder",
        "the delivery 'drop' has the type 'FunctionOutput', which does not exist; did "
        "you mean FunctionOutputs",
        "has mean=[127.0, 127.0, 127.0] and the teacher's [0.0, 0.0, 0.0]",
        "absent.pth",
    ):
        assert said.count(part) == 1, (part, said)


def test_classes_are_counted_whatever_else_is_wrong(model_config):
    distiller = changed("teacher_recorders", "stage1", "source", "neck")
    teacher = segmentor(8)
    teacher["decode_head"]["num_classes"] = 19
    said = refused(model_config(distiller=distiller, teacher=teacher))
    assert "teacher's recorder 'stage1' looks for 'neck'" in said
    for loss in ("loss_response", "loss_adversarial"):
        assert f"{loss} compares the logits of a student with 5 classes" in said


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("CDMLoss ", "'CDMLoss ', which does not exist; did you mean CDMLoss"),
        (" CDMLoss", "' CDMLoss', which does not exist; did you mean CDMLoss"),
        ("texture_kd.CDMLos", "'CDMLos', which does not exist in texture_kd; did you"),
        ("elsewhere.CDMLoss", "'elsewhere.CDMLoss', which does not exist; did you"),
    ],
)
def test_a_type_that_nothing_has_registered(model_config, kind, told):
    config = changed("distill_losses", "loss_structural", "type", kind)
    said = refused(model_config(distiller=config))
    assert said.startswith(f"loss_structural has the type {told}")
    assert "mean CDMLoss" in said
    recorder = changed("student_recorders", "labels", "type", "GroundTruth ")
    said = refused(model_config(distiller=recorder))
    assert "recorder 'labels' has the type 'GroundTruth ', which does not" in said


@pytest.mark.parametrize("kind", [3, None])
def test_a_type_that_is_none(model_config, kind):
    config = sstkd()
    config["distill_losses"]["loss_structural"]["type"] = kind
    said = refused(model_config(distiller=config))
    assert said.startswith("loss_structural needs a type, dict(type=...), and is {")


class Stubborn(nn.Module):
    """A loss of a user's, whose constructor hands on what it does not know."""

    def __init__(self, **options) -> None:
        super().__init__(**options)

    def forward(self, preds_S, preds_T, gt):
        return preds_S.sum()


def test_what_a_constructor_raises_has_the_name_of_its_loss(model_config):
    loss = dict(type=Stubborn, slope=1)
    config = changed("distill_losses", "loss_response", loss)
    with pytest.raises(ValueError, match="slope") as failure:
        MODELS.build(model_config(distiller=config))
    said = str(failure.value)
    assert said.startswith("loss_response (Stubborn): TypeError: ")
    # A single fault keeps where it came from.
    assert isinstance(failure.value.__cause__, TypeError)


def test_a_single_missing_file_keeps_its_kind(model_config, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.pth"):
        MODELS.build(model_config(teacher_ckpt=str(tmp_path / "absent.pth")))


def connected() -> dict:
    config = sstkd()
    config["connectors"] = dict(
        align=dict(type="LFDConnector", in_channel=4, out_channel=8),
        chain=[
            dict(type=LFDConnector, in_channel=4, out_channel=6),
            dict(type="LFDConnector", in_channel=6, out_channel=8),
        ],
    )
    config["loss_forward_mappings"]["loss_structural"]["s_feature"]["connector"] = (
        "chain"
    )
    return config


def test_parts_are_built_once_and_start_as_mmrazor_has_them(
    model_config, batch, monkeypatch
):
    made = []
    start = ResponseKDLoss.__init__

    def counted(loss, *args, **options):
        made.append(loss)
        start(loss, *args, **options)

    monkeypatch.setattr(ResponseKDLoss, "__init__", counted)

    def build():
        torch.manual_seed(0)
        model = MODELS.build(copy.deepcopy(config))
        return model, torch.get_rng_state()

    config = model_config(distiller=connected())
    ours, random = build()
    assert len(made) == 1
    assert isinstance(ours.distiller.connectors["chain"], nn.Sequential)
    # As it is without this package's own building.
    monkeypatch.setattr(sound_distiller, "built_parts", lambda *_: {})
    theirs, same = build()
    torch.testing.assert_close(random, same, rtol=0, atol=0)
    state, expected = ours.state_dict(), theirs.state_dict()
    assert state.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(state[name], value, rtol=0, atol=0, msg=name)


class OtherDistiller(ConfigurableDistiller):
    """Builds losses of its own."""

    def build_distill_losses(self, losses=None):
        (loss,) = losses.values()
        assert loss == dict(weight=2)
        return nn.ModuleDict(dict(loss_a=nn.Identity()))


def test_a_distiller_that_builds_its_losses_itself(model_config):
    distiller = dict(type=OtherDistiller, distill_losses=dict(loss_a=dict(weight=2)))
    distiller[MAPPINGS] = {"loss_a": dict(input=RECORD)}
    distiller["student_recorders"] = sstkd()["student_recorders"]
    model = MODELS.build(model_config(distiller=distiller))
    assert list(model.distiller.distill_losses) == ["loss_a"]


def test_deliveries_are_left_out_or_given_by_their_classes(model_config):
    distiller = sstkd()
    options = dict(func_path="torch.nn.functional.dropout", max_keep_data=1)
    distiller["distill_deliveries"] = dict(
        off=None, drop=dict(options, type=FunctionOutputsDelivery)
    )
    model = MODELS.build(model_config(distiller=distiller))
    assert list(model.distiller.deliveries.deliveries) == ["drop"]
    distiller["distill_deliveries"] = None
    model = MODELS.build(model_config(distiller=distiller))
    assert not model.distiller.deliveries.deliveries


@pytest.mark.parametrize("distiller", [None, "ConfigurableDistiller"])
def test_a_distillation_without_a_distiller(model_config, distiller):
    said = refused(model_config(distiller=distiller))
    assert said.startswith(f"model.distiller is {distiller!r}, and a distillation")
    assert "To train the student alone" in said
    config = ConfigDict(teacher_ckpt="a.pth", distiller=None)
    forget_checkpoints(config)
    assert config.teacher_ckpt is None


def test_a_part_that_is_no_config(model_config):
    distiller = sstkd()
    distiller["distill_losses"]["loss_response"] = "ResponseKDLoss"
    distiller["student_recorders"]["labels"] = 0
    said = refused(model_config(distiller=distiller))
    assert "distiller.distill_losses.loss_response is 'ResponseKDLoss', where" in said
    assert "distiller.student_recorders.labels is 0, where a config" in said
