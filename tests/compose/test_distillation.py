"""Models of two networks by each method."""

import copy
from pathlib import Path

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.model import revert_sync_batchnorm
from mmengine.structures import PixelData
from mmrazor.registry import MODELS
from mmseg.structures import SegDataSample

from texture_kd import components  # noqa: F401  (registers what the configs name)
from texture_kd.compose import distillation_model
from texture_kd.compose.configs import heads_of, read_network
from texture_kd.compose.distillation import check_pair, distilled, trained_alone
from texture_kd.recipes import METHODS

CONFIGS = Path(__file__).parents[2] / "configs"
PAIR = "pspnet_r18-w32-d8_pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"
STUDENT = "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"
TEACHER = "pspnet_r18-w32-d8_1xb8-400iters_mosaic-128x128.py"
FAST_SCNN = "mmseg::fastscnn/fast_scnn_8xb4-160k_cityscapes-512x1024.py"
SEGFORMER = "mmseg::segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512.py"
CLASSES, SIZE = 4, (64, 64)


def network(name):
    """The model of a stock config, with four classes."""
    model = read_network(str(name)).model
    for head in heads_of(model):
        head.num_classes = CLASSES
    return model.to_dict()


def shipped(name):
    return Config.fromfile(CONFIGS / name)


def batch():
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(CLASSES, (2, 1, *SIZE), generator=generator)
    samples = [
        SegDataSample(gt_sem_seg=PixelData(data=label), metainfo=dict(img_shape=SIZE))
        for label in labels
    ]
    images = torch.randint(256, (2, 3, *SIZE), generator=generator).byte()
    return dict(inputs=list(images), data_samples=samples)


@pytest.fixture(scope="module")
def pair():
    student, teacher = (shipped(name).model.to_dict() for name in (STUDENT, TEACHER))
    for model in (student, teacher):
        model["data_preprocessor"]["size"] = SIZE
    return student, teacher


@pytest.mark.parametrize("method", METHODS)
def test_every_term_has_a_gradient_in_the_student(pair, method):
    options = dict(levels=(1, 1)) if method == "texture" else {}
    made = distillation_model(*pair, method, **options)
    torch.manual_seed(0)
    model = MODELS.build(ConfigDict(made.model)).train()
    losses = model(**model.data_preprocessor(batch(), True), mode="loss")
    terms = [name for name in losses if name.startswith("distill.loss")]
    assert len(terms) == len(made.model["distiller"]["distill_losses"])
    for name in terms:
        model.zero_grad()
        losses[name].backward(retain_graph=True)
        norms = [
            p.grad.norm() for p in model.student.parameters() if p.grad is not None
        ]
        assert torch.stack(norms).norm() > 0, name


def test_texture_is_what_the_shipped_config_says(pair):
    distiller = distillation_model(*pair).model["distiller"]
    assert distiller == shipped(f"texture_{PAIR}").model.distiller.to_dict()


@pytest.mark.parametrize("method", ["sstkd", "lsfd", "skd", "fakd"])
def test_losses_read_what_the_shipped_configs_read(pair, method):
    """Weights and samplers that were tuned on the mosaic aside."""
    theirs = shipped(f"{method}_{PAIR}").model.distiller
    ours = distillation_model(*pair, method).model["distiller"]
    for side in ("student_recorders", "teacher_recorders"):
        for name, recorder in ours[side].items():
            assert recorder == theirs[side][name]
    for name, loss in ours["distill_losses"].items():
        assert loss["type"] == theirs.distill_losses[name].type
        for channels in ("student_channels", "teacher_channels"):
            if channels in theirs.distill_losses[name]:
                assert loss[channels] == theirs.distill_losses[name][channels]


def test_unlike_stock_networks():
    made = distillation_model(network(FAST_SCNN), network(SEGFORMER))
    assert [stage.stride for stage in made.student.stages] == [4, 8, 16, 32]
    assert made.teacher.whole == "backbone"
    assert made.model["teacher"]["backbone"]["init_cfg"] is None
    model = MODELS.build(ConfigDict(made.model)).train()
    losses = model(**model.data_preprocessor(batch(), True), mode="loss")
    assert losses["distill.loss_texture"].isfinite()


def test_a_student_of_mmpretrain():
    student = network(CONFIGS / "pspnet_efficientnet-b1_4xb4-80k_cityscapes-512x512.py")
    student["backbone"]["init_cfg"] = None
    made = distillation_model(student, network(CONFIGS / TEACHER), "sstkd")
    model = revert_sync_batchnorm(MODELS.build(ConfigDict(made.model))).train()
    losses = model(**model.data_preprocessor(batch(), True), mode="loss")
    # Whatever a term compares lies behind the first blocks.
    first = [*model.student.backbone.layers[1].parameters()]
    terms = [name for name in losses if name.startswith("distill.loss")]
    assert len(terms) == 4
    for name in terms:
        grads = torch.autograd.grad(losses[name], first, retain_graph=True)
        assert all(grad.abs().sum() > 0 for grad in grads), name


def test_named_stages_and_one_stage_that_is_an_item(pair):
    made = distillation_model(
        *pair, "sstkd", student_stages=("backbone:0", "backbone.layer2:input")
    )
    recorders = made.model["distiller"]["student_recorders"]
    assert recorders["stage1"] == dict(type="Stages", source=["backbone:0"])
    mapping = made.model["distiller"]["loss_forward_mappings"]
    record = dict(from_student=True, recorder="stage1", data_idx=0)
    assert mapping["loss_structural_stage1"]["s_feature"] == record
    model = MODELS.build(ConfigDict(made.model)).train()
    losses = model(**model.data_preprocessor(batch(), True), mode="loss")
    assert losses["distill.loss_structural_stage1"].isfinite()


def test_the_student_gets_the_teachers_images(pair):
    student, teacher = copy.deepcopy(pair)
    teacher["data_preprocessor"].update(mean=[1.0] * 3, bgr_to_rgb=False)
    made = distillation_model(student, teacher)
    assert made.model["architecture"]["data_preprocessor"]["mean"] == [1.0] * 3
    assert made.notes == (
        "the student gets the teacher's images: its mean and bgr_to_rgb",
    )
    assert student["data_preprocessor"]["mean"] != [1.0] * 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (dict(num_classes=7), "num_classes=.* and the teacher's 7: put both on"),
        (dict(ignore_index=0), "ignore_index=255 and the teacher's 0"),
    ],
)
def test_networks_that_predict_unlike_things_are_refused(change, said):
    student, teacher = shipped(STUDENT), shipped(TEACHER)
    teacher.model.decode_head.update(change)
    with pytest.raises(ValueError, match=said):
        check_pair(student, teacher)


def test_classes_in_another_order_are_refused():
    student, teacher = shipped(STUDENT), shipped(TEACHER)
    dataset = teacher.train_dataloader.dataset
    dataset.metainfo = dict(classes=("b", "a"))
    with pytest.raises(ValueError, match="the teacher's b, a: put both on one"):
        check_pair(student, teacher)


@pytest.mark.parametrize("method", ["sstkd", "skd", "response"])
def test_the_ignored_label_is_the_students(pair, method):
    student, teacher = copy.deepcopy(pair)
    for model in (student, teacher):
        model["decode_head"]["ignore_index"] = 254
    made = distillation_model(student, teacher, method)
    losses = MODELS.build(ConfigDict(made.model)).distiller.distill_losses
    ignored = {getattr(loss, "ignore_index", 254) for loss in losses.values()}
    assert ignored == {254}


def test_a_student_without_a_preprocessor_gets_the_teachers(pair):
    student, teacher = copy.deepcopy(pair)
    del student["data_preprocessor"]
    made = distillation_model(student, teacher, "response")
    mean = made.model["architecture"]["data_preprocessor"]["mean"]
    assert mean == teacher["data_preprocessor"]["mean"]


def test_what_prepares_images_is_written_once():
    config = shipped(STUDENT)
    config.model.data_preprocessor.mean = [1.0] * 3
    alone = trained_alone(config)
    assert alone["data_preprocessor"] == alone["model"]["data_preprocessor"]


@pytest.mark.parametrize("method", ["sstkd", "lsfd", "skd"])
def test_terms_of_unlike_stock_networks_teach(method):
    made = distillation_model(network(FAST_SCNN), network(SEGFORMER), method)
    model = MODELS.build(ConfigDict(made.model)).train()
    losses = model(**model.data_preprocessor(batch(), True), mode="loss")
    terms = {k: v for k, v in losses.items() if k.startswith("distill.loss")}
    assert len(terms) == len(made.model["distiller"]["distill_losses"])
    first = model.student.backbone.learning_to_downsample.conv.conv.weight
    for name, value in terms.items():
        (gradient,) = torch.autograd.grad(value, first, retain_graph=True)
        assert gradient.abs().sum() > 0, name


def test_images_of_other_channels_or_orders(pair):
    student, teacher = copy.deepcopy(pair)
    del teacher["data_preprocessor"]["bgr_to_rgb"]
    made = distillation_model(student, teacher, "response")
    assert not made.model["architecture"]["data_preprocessor"]["bgr_to_rgb"]
    student["data_preprocessor"]["mean"] = [0.0]
    with pytest.raises(ValueError, match="of 1 channels and the teacher of 3"):
        distillation_model(student, teacher)


def test_a_critic_gets_its_optimiser(pair):
    made = distillation_model(*pair, "sstkd", adversarial=True)
    theirs = shipped(f"sstkd-adversarial_{PAIR}")
    distiller = made.model["distiller"]
    assert (
        distiller["student_recorders"]["images"]
        == (theirs.model.distiller.student_recorders["image"])
    )
    mapping = distiller["loss_forward_mappings"]["loss_adversarial"]
    assert mapping["image"] == dict(from_student=True, recorder="images", data_idx=0)
    loss = distiller["distill_losses"]["loss_adversarial"]
    expected = theirs.model.distiller.distill_losses["loss_adversarial"]
    assert {**loss, **expected} == loss
    written = distilled(shipped(STUDENT), made)["optim_wrapper"]
    assert written == theirs.optim_wrapper.to_dict()
    model = MODELS.build(ConfigDict(made.model)).train()
    losses = model(**model.data_preprocessor(batch(), True), mode="loss")
    losses["distill.loss_adversarial"].backward()
    critic = model.distiller.distill_losses["loss_adversarial"].critic
    assert critic.score.weight.grad.abs().sum() > 0


def test_a_recipe_of_ones_own(pair, tmp_path, monkeypatch):
    (tmp_path / "own_recipe.py").write_text(OWN_RECIPE)
    monkeypatch.syspath_prepend(tmp_path)
    made = distillation_model(*pair, "own_recipe:recipe", loss_weight=2.0)
    assert made.model["distiller"]["distill_losses"] == dict(
        loss_own=dict(type="OwnLoss", loss_weight=2.0)
    )
    imports = distilled(shipped(STUDENT), made)["custom_imports"]["imports"]
    assert imports == ["texture_kd.components", "own_recipe"]
    MODELS.module_dict.pop("OwnLoss")
    with pytest.raises(ValueError, match=r"loss_own: .*OwnLoss is none that .*MODELS"):
        distillation_model(*pair, "own_recipe:recipe")


OWN_RECIPE = """
from mmrazor.registry import MODELS
from texture_kd import DistillationLoss, Term


@MODELS.register_module()
class OwnLoss(DistillationLoss):
    def __init__(self, loss_weight=1.0):
        super().__init__()

    def forward(self, preds_S, preds_T):
        return (preds_S - preds_T).square().mean()


def recipe(student, teacher, **options):
    sources = dict(preds_S="student.logits", preds_T="teacher.logits")
    return {"loss_own": Term(OwnLoss, sources, options)}
"""


def test_a_network_that_cannot_be_built(pair):
    student, teacher = copy.deepcopy(pair)
    student["backbone"]["deep"] = 18
    with pytest.raises(ValueError, match=r"the student cannot be built: .*'deep'"):
        distillation_model(student, teacher)


def test_what_a_training_keeps_and_gets(pair):
    student = read_network(FAST_SCNN)
    alone = trained_alone(student)
    assert not {"dataset_type", "optimizer"} & alone.keys()
    assert alone["custom_imports"]["imports"] == ["texture_kd.components"]
    names = list(alone)
    assert (names[0], names[-1]) == ("default_scope", "model")
    config = distilled(student, distillation_model(*pair))
    hooks = {hook["type"] for hook in config["custom_hooks"]}
    assert hooks >= {"PlainStudentHook", "RandomStateHook"}
    backend = config["default_hooks"]["checkpoint"]["backend_args"]
    assert backend == dict(backend="whole_file")
    assert [*config][-4:] == ["student", "teacher", "distiller", "model"]
    assert config["data_preprocessor"] == config["student"]["data_preprocessor"]


def test_a_method_that_there_is_not(pair):
    with pytest.raises(ValueError, match="no method 'textures'; there are"):
        distillation_model(*pair, "textures")


def test_logits_alone_need_no_stages(pair):
    student, teacher = copy.deepcopy(pair)
    made = distillation_model(student, teacher, "response")
    assert made.student.stages == made.teacher.stages == ()
    recorders = made.model["distiller"]["teacher_recorders"]
    assert recorders == dict(
        logits=dict(type="ModuleOutputs", source="decode_head.conv_seg")
    )


def test_an_option_that_a_loss_refuses_is_told_with_its_name(pair):
    with pytest.raises(ValueError, match=r"loss_texture: .*level"):
        distillation_model(*pair, levels=(-1,))
