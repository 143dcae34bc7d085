"""A slip in a config is one clear sentence when the model is built."""

import importlib
import pickle

import pytest
import torch
from mmengine.registry import DefaultScope
from mmrazor.registry import MODELS, TASK_UTILS
from mmseg.registry import MODELS as MMSEG_MODELS
from toy_models import segmentor, sstkd, train

from texture_kd.algorithms import TextureDistill
from texture_kd.algorithms.plain_distiller import plain_distiller
from texture_kd.losses import ResponseKDLoss
from texture_kd.recorders import GroundTruthRecorder


def changed(*path_and_value) -> dict:
    """The distiller with one value replaced, or removed where it is None."""
    *path, value = path_and_value
    config = sstkd()
    item = config
    for key in path[:-1]:
        item = item[key]
    if value is None:
        del item[path[-1]]
    else:
        item[path[-1]] = value
    return config


RECORD = dict(from_student=True, recorder="logits")
MAPPINGS = "loss_forward_mappings"


@pytest.mark.parametrize(
    ("distiller", "message"),
    [
        (
            changed("student_recorders", "stage1", "source", "backbone.layr1"),
            r"student's recorder 'stage1'.*'backbone.layr1'.*mean backbone.layer1",
        ),
        (
            changed("teacher_recorders", "stage1", "source", "neck"),
            r"teacher's recorder 'stage1'.*'neck'.*does not exist",
        ),
        (
            changed("teacher_recorders", "logits", "source", "auxiliary_head.conv_seg"),
            "without its auxiliary head",
        ),
        (
            changed(MAPPINGS, "loss_response", "preds_S", "recorder", "logit"),
            r"loss_response.preds_S reads the recorder 'logit'.*mean logits",
        ),
        (
            changed(MAPPINGS, "loss_response", "preds_S", "connector", "align"),
            r"uses the connector 'align'.*does not exist in connectors",
        ),
        (
            changed(MAPPINGS, "loss_response", "logits", RECORD),
            r"loss_response \(ResponseKDLoss\) is given the argument 'logits'",
        ),
        (
            changed(MAPPINGS, "loss_response", "preds_T", None),
            r"loss_response \(ResponseKDLoss\) needs the argument 'preds_T'",
        ),
        (
            changed(MAPPINGS, "loss_texture", {}),
            "names the loss 'loss_texture'",
        ),
        (
            changed(MAPPINGS, "loss_response", None),
            "'loss_response', which loss_forward_mappings never calls",
        ),
        (
            changed(MAPPINGS, "loss_response", "preds_S", "from_student", None),
            "loss_response.preds_S needs 'from_student'",
        ),
        (
            changed(MAPPINGS, "loss_response", "preds_S", "recorder_idx", 0),
            "has the key 'recorder_idx'.*mean record_idx",
        ),
        (
            changed("distill_losses", "response", dict(type="ResponseKDLoss")),
            "'response', which would be logged and not trained",
        ),
        (
            changed(
                "student_recorders",
                "weight",
                dict(type="Parameter", source="decode_head.conv_seg.wieght"),
            ),
            "'decode_head.conv_seg.wieght'.*mean decode_head.conv_seg.weight",
        ),
    ],
)
def test_slips_in_the_distiller(distiller, message, model_config):
    with pytest.raises(ValueError, match=message):
        MODELS.build(model_config(distiller=distiller))


def test_all_slips_are_named_at_once(model_config, tmp_path):
    distiller = sstkd()
    distiller["student_recorders"]["stage1"]["source"] = "backbone.layr1"
    distiller["teacher_recorders"]["stage2"]["source"] = "neck"
    distiller[MAPPINGS]["loss_response"]["preds_S"]["recorder"] = "logit"
    distiller[MAPPINGS]["loss_structural"] = dict(x=RECORD)
    config = model_config(distiller=distiller, teacher_ckpt=str(tmp_path / "a.pth"))
    torch.save(MODELS.build(segmentor(4)).state_dict(), tmp_path / "a.pth")
    with pytest.raises(ValueError, match="Also: ") as failure:
        MODELS.build(config)
    said = str(failure.value)
    for part in (
        "loss_response.preds_S reads the recorder 'logit'",
        "loss_structural (CDMLoss) is given the argument 'x'",
        "loss_structural (CDMLoss) needs the argument 's_feature'",
        "loss_structural (CDMLoss) needs the argument 't_feature'",
        "student's recorder 'stage1' looks for 'backbone.layr1'",
        "teacher's recorder 'stage2' looks for 'neck'",
        "a.pth does not fit the teacher",
    ):
        assert said.count(part) == 1, part


@pytest.mark.parametrize("side", ["architecture", "teacher"])
def test_a_network_that_cannot_be_built_hides_nothing(model_config, side):
    broken = segmentor(4)
    broken["decode_head"]["chanels"] = 4
    with pytest.raises(TypeError, match="chanels"):
        MODELS.build(model_config(**{side: broken}))
    distiller = sstkd()
    distiller[MAPPINGS]["loss_response"]["preds_S"]["recorder"] = "logit"
    distiller["distill_losses"]["loss_response"]["temprature"] = 2
    distiller["distill_losses"]["loss_structural"]["type"] = "CDMLos"
    distiller["connectors"] = dict(align=dict(type="LFDConector"))
    config = model_config(distiller=distiller, teacher_dtype="half")
    config[side] = broken
    with pytest.raises(ValueError, match="Also: ") as failure:
        MODELS.build(config)
    said = str(failure.value)
    for part in (
        "teacher_dtype is 'float16', 'bfloat16' or None, not 'half'",
        f"model.{side}: TypeError: ",
        "loss_response.preds_S reads the recorder 'logit'",
        "loss_response (ResponseKDLoss) has the option 'temprature'",
        "loss_structural has the type 'CDMLos'",
        "the connector align has the type 'LFDConector'",
    ):
        assert said.count(part) == 1, (part, said)


def test_what_is_none_is_left_out(model_config):
    distiller = sstkd()
    distiller["distill_losses"]["loss_adversarial"] = None
    distiller["student_recorders"]["image"] = None
    distiller["connectors"] = dict(align=None)
    distiller[MAPPINGS]["loss_response"]["gt"] = None
    distiller[MAPPINGS]["loss_response"]["preds_S"]["connector"] = None
    # A mapping of what is left out may be, too.
    distiller["distill_losses"]["loss_statistical"] = None
    distiller[MAPPINGS]["loss_statistical"] = None
    model = MODELS.build(model_config(distiller=distiller))
    losses = model.distiller.distill_losses
    assert list(losses) == list(model.distiller.loss_forward_mappings)
    assert list(losses) == ["loss_structural", "loss_response"]
    assert "image" not in model.distiller.student_recorders.recorders
    given = model.distiller.loss_forward_mappings["loss_response"]
    assert sorted(given) == ["preds_S", "preds_T"]
    # A distiller of another kind is given what its config has.
    assert plain_distiller(dict(type="Other")) == dict(type="Other")
    # The config itself is not ours to change.
    assert distiller["distill_losses"]["loss_adversarial"] is None


def with_classes(config):
    """Put classes in the place of their names, as pure-Python configs have them."""
    if not isinstance(config, dict):
        return config
    config = {key: with_classes(value) for key, value in config.items()}
    if isinstance(kind := config.get("type"), str):
        recorder = f"{kind}Recorder"
        found = MODELS.get(kind) or TASK_UTILS.get(recorder) or MMSEG_MODELS.get(kind)
        config["type"] = found or kind
    return config


def test_types_are_names_or_classes(build, model_config, batch):
    named, config = build(), with_classes(model_config())
    assert config["type"] is TextureDistill
    recorder = config["distiller"]["student_recorders"]["labels"]
    assert recorder["type"] is GroundTruthRecorder
    assert config["distiller"]["distill_losses"]["loss_response"]["type"] is (
        ResponseKDLoss
    )
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope(None):
        model = MODELS.build(config)
    model.init_weights()
    ours, theirs = ([*train(m, batch, 1)] for m in (model, named))
    assert ours == theirs


def test_a_slip_beside_a_class_is_named(model_config):
    config = changed(MAPPINGS, "loss_response", "logits", RECORD)
    with pytest.raises(ValueError, match=r"loss_response \(ResponseKDLoss\) is given"):
        MODELS.build(model_config(distiller=with_classes(config)))

    class Recorded(GroundTruthRecorder):
        pass

    config = changed("student_recorders", "labels", dict(type=Recorded, source="x"))
    with pytest.raises(ValueError, match=r"Recorded is given .*'Recorder'\. Call"):
        MODELS.build(model_config(distiller=config))


@pytest.mark.parametrize(
    "package",
    [
        "algorithms",
        "amplifiers",
        "analysis",
        "connectors",
        "datasets",
        "decode_heads",
        "hooks",
        "optim",
        "recorders",
        "segmentors",
    ],
)
def test_a_package_registers_its_components_when_it_is_imported(package, monkeypatch):
    registered = set()
    monkeypatch.setattr(
        "texture_kd.registry.register", lambda _, *classes: registered.update(classes)
    )
    module = importlib.reload(importlib.import_module(f"texture_kd.{package}"))
    exported = {vars(module)[name] for name in module.__all__}
    # What is no component has no options in a config.
    others = {
        "DenseLocalContext",
        "GuidedUpsampling",
        "JointOptimWrapper",
        "Mosaic",
        "SpectralAnalysis",
    }
    classes = {item for item in exported if isinstance(item, type)}
    assert {cls for cls in classes if cls.__name__ not in others} == registered


def test_different_numbers_of_classes(model_config):
    teacher = segmentor(8)
    teacher["decode_head"]["num_classes"] = 19
    message = "loss_response.*student with 5 classes.*teacher with 19"
    with pytest.raises(ValueError, match=message):
        MODELS.build(model_config(teacher=teacher))


@pytest.mark.parametrize(("classes", "right"), [(1, 2), (7, 7)])
def test_a_loss_that_learns_from_other_classes(model_config, classes, right):
    networks = {}
    for name, width in (("architecture", 4), ("teacher", 8)):
        networks[name] = segmentor(width)
        networks[name]["decode_head"]["num_classes"] = classes
        # MMSegmentation's head for a single class.
        networks[name]["decode_head"]["out_channels"] = classes
        networks[name]["decode_head"]["threshold"] = 0.3
    with pytest.raises(ValueError, match="Also: ") as failure:
        MODELS.build(model_config(**networks))
    for loss in ("loss_statistical", "loss_adversarial"):
        assert f"set {loss}.num_classes={right}" in str(failure.value)
    distiller = sstkd()
    for loss in ("loss_statistical", "loss_adversarial"):
        distiller["distill_losses"][loss]["num_classes"] = right
    MODELS.build(model_config(**networks, distiller=distiller))


def test_different_normalisation(model_config):
    teacher = segmentor(8)
    teacher["data_preprocessor"]["mean"] = [0.0] * 3
    with pytest.raises(ValueError, match=r"mean=\[127.0, 127.0, 127.0\].*\[0.0, 0.0"):
        MODELS.build(model_config(teacher=teacher))
    preprocessor = dict(segmentor(4)["data_preprocessor"], bgr_to_rgb=True)
    with pytest.raises(ValueError, match="channel_conversion=True"):
        MODELS.build(model_config(data_preprocessor=preprocessor))


def test_a_teacher_that_does_not_say_how_it_normalises(model_config):
    teacher = segmentor(8)
    del teacher["data_preprocessor"]
    assert MODELS.build(model_config(teacher=teacher))


class TestTeacherCheckpoint:
    @pytest.fixture
    def build_with(self, model_config, tmp_path):
        def build(content):
            path = tmp_path / "teacher.pth"
            if isinstance(content, bytes):
                path.write_bytes(content)
            elif content is not None:
                torch.save(content, path)
            return MODELS.build(model_config(teacher_ckpt=str(path)))

        return build

    def test_missing(self, build_with):
        with pytest.raises(FileNotFoundError, match=r"teacher\.pth"):
            build_with(None)

    def test_truncated(self, build_with, tmp_path):
        torch.save(MODELS.build(segmentor(8)).state_dict(), tmp_path / "whole.pth")
        content = (tmp_path / "whole.pth").read_bytes()
        with pytest.raises(RuntimeError, match=r"teacher\.pth cannot be read"):
            build_with(content[: len(content) // 2])

    def test_hostile(self, build_with, tmp_path):
        class RunsCode:
            def __reduce__(self):
                return (open, (str(tmp_path / "created"), "w"))

        with pytest.raises(pickle.UnpicklingError, match=r"teacher\.pth was refused"):
            build_with(dict(state_dict=RunsCode()))
        assert not (tmp_path / "created").exists()

    def test_other_classes(self, build_with):
        other = segmentor(8)
        other["decode_head"]["num_classes"] = 19
        other["auxiliary_head"]["num_classes"] = 19
        with pytest.raises(ValueError, match=r"predicts 19 classes.*in the config 5"):
            build_with(MODELS.build(other).state_dict())

    def test_other_width(self, build_with):
        with pytest.raises(ValueError, match=r"does not fit the teacher.*backbone"):
            build_with(MODELS.build(segmentor(4)).state_dict())

    def test_other_names(self, build_with):
        state = MODELS.build(segmentor(8)).state_dict()
        prefixed = {f"module.{name}": value for name, value in state.items()}
        with pytest.raises(ValueError, match=r"lacks .* first key is 'module\."):
            build_with(prefixed)

    @pytest.mark.parametrize(
        "content",
        [[1, 2], torch.ones(2), dict(state_dict=None), dict(weight=1.0)],
    )
    def test_no_weights(self, build_with, content):
        with pytest.raises(ValueError, match=r"teacher\.pth is no dict of weights"):
            build_with(content)

    def test_the_auxiliary_head_may_be_missing(self, build_with):
        state = MODELS.build(segmentor(8)).state_dict()
        assert build_with(
            {name: v for name, v in state.items() if not name.startswith("auxiliary")}
        )
