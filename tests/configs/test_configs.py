"""What shipped configs say, and that a distillation is its control with a teacher."""

import re
from pathlib import Path

import mmseg
import pytest
import yaml

CONFIGS = Path(__file__).parents[2] / "configs"
# Detectors have tests of their own, in tests/detectors.
NAMES = sorted(
    path.name
    for path in CONFIGS.glob("*.py")
    if not re.search("retinanet|faster-rcnn", path.name)
)
METHOD = (
    "(texture(-terms|-cwd)?|sstkd(-adversarial|-lsfd)?|cwd|fitnet|pkd|skd|fakd|lfd|"
    "lsfd(-fft)?|ds2d2)"
)
DISTILLED = [name for name in NAMES if re.match(f"{METHOD}_", name)]
# MMSegmentation's convention, and the one path that users typed before.
TRAINING = (
    r"\dxb\d+-(25k|80k|132k|152k|\d+iters)_(cityscapes|voc12aug|ade20k|pascal-context|"
    r"camvid|aerial|mosaic)-\d+x\d+"
)
NETWORK = (
    r"((pspnet|deeplabv3|deeplabv3plus|duc-dlc)_(r\d+(-w\d+)?-d\d+|"
    r"efficientnet-(b1|lite\d-d\d+))"
    r"(-(half|grid\d+))?(-pruned\d+)?|"
    # As MMSegmentation calls them.
    r"pidnet-s|ddrnet_23-slim|segformer_mit-b0|stdc1|bisenetv2_fcn|fast_scnn)"
)
AMPLIFIERS = [name for name in NAMES if name.startswith("ds2d2-amplifier_")]
TRUNCATED = [n for n in NAMES if re.search("-half_|-grid65_", n) and n not in DISTILLED]
KEPT = "sstkd_pspnet_r101_r18_cityscapes.py"


def control(name: str) -> str:
    """Return the config of the student alone, the first base of a distillation."""
    return re.search(r'_base_ = \[\s*"\./(.*?)"', (CONFIGS / name).read_text())[1]


def test_every_student_of_the_paper_is_there_to_be_taught():
    for student in ("pspnet_r18-d8", "deeplabv3_r18-d8", "pspnet_efficientnet-b1"):
        assert f"{student}_4xb4-80k_cityscapes-512x512.py" in NAMES


@pytest.mark.parametrize(
    ("alone", "methods"),
    [
        (
            "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py",
            "texture sstkd sstkd-adversarial sstkd-lsfd cwd fitnet pkd skd fakd lfd "
            "lsfd lsfd-fft ds2d2",
        ),
        (
            "pspnet_r18-w16-d8_1xb8-900iters_camvid-180x240.py",
            "texture texture-terms sstkd cwd fitnet pkd skd ds2d2",
        ),
    ],
)
def test_there_is_one_of_each_method(alone, methods):
    taught = [name.split("_")[0] for name in DISTILLED if control(name) == alone]
    assert sorted(taught) == sorted(methods.split())


@pytest.mark.parametrize("name", [name for name in NAMES if name != KEPT])
def test_its_name_follows_the_convention(name, load):
    stem = name.removesuffix(".py")
    kind = f"({METHOD}_{NETWORK}_|ds2d2-amplifier_)?"
    assert re.fullmatch(f"{kind}{NETWORK}_{TRAINING}", stem)
    if name in DISTILLED:
        assert stem.endswith(control(name).removesuffix(".py"))
    config = load(name)
    height, width = map(int, stem.rsplit("-", 1)[1].split("x"))
    assert tuple(config.crop_size) == (height, width)
    assert f"xb{config.train_dataloader.batch_size}-" in stem


@pytest.mark.parametrize("name", NAMES)
def test_its_header_gives_the_command(name):
    header = (CONFIGS / name).read_text().split("_base_")[0]
    assert f"configs/{name}" in header
    commands = re.findall(r"configs/([\w.-]+\.py)", header)
    assert set(commands) <= set(NAMES)


@pytest.mark.parametrize("name", DISTILLED)
def test_its_control_has_the_same_recipe(name, load):
    ours, theirs = load(name), load(control(name))
    if "loss_adversarial" in ours.model.distiller.distill_losses:
        # The critic has an optimiser of its own, and the rest the control's.
        assert ours.optim_wrapper.constructor == "CriticOptimWrapperConstructor"
        ours.optim_wrapper = ours.optim_wrapper.architecture
    if name.startswith("ds2d2_"):
        # Components of the labels are added behind all that changes the images.
        for pipeline in (ours.train_pipeline, ours.train_dataloader.dataset.pipeline):
            assert pipeline.pop() == dict(type="LabelComponents")
    for key in theirs:
        if key != "model":
            assert ours[key] == theirs[key], key
    assert ours.model.architecture == theirs.model


@pytest.mark.parametrize("name", DISTILLED)
def test_the_teachers_checkpoint_is_one_of_its_network(name, load):
    model = load(name).model
    if model.teacher_ckpt.startswith("https:"):
        assert model.teacher_ckpt in released("pspnet_r101-d8", name)
        return
    folder, checkpoint = Path(model.teacher_ckpt).parts[-2:]
    teacher = load(f"{folder}.py")
    assert f"mim train mmseg configs/{folder}.py" in (CONFIGS / name).read_text()
    assert checkpoint == f"iter_{teacher.train_cfg.max_iters}.pth"
    # Its own training starts from ImageNet; here the checkpoint follows.
    teacher.model.pretrained = None
    assert model.teacher == teacher.model


@pytest.mark.parametrize("name", AMPLIFIERS)
def test_an_amplifier_is_trained_as_its_teacher_and_named_by_a_student(name, load):
    ours = load(name)
    control = name.replace("ds2d2-amplifier_", "")
    if control in NAMES:
        for key, value in load(control).items():
            if key not in ("model", "teacher"):
                assert ours[key] == value, key
    model = ours.model
    assert model.pop("type") == "texture_kd.HighFrequencyEncoderDecoder"
    assert model.pop("auxiliary_head") is None
    teacher_ckpt = model.pop("teacher_ckpt")
    (student,) = (
        n for n in NAMES if n.startswith("ds2d2_") and name in (CONFIGS / n).read_text()
    )
    taught = load(student).model
    assert taught.teacher_ckpt == teacher_ckpt
    (loss,) = taught.distiller.distill_losses.values()
    iters = ours.train_cfg.max_iters
    folder = name.removesuffix(".py")
    assert loss.amplifiers.high.checkpoint == f"work_dirs/{folder}/iter_{iters}.pth"
    # All else is the teacher's.
    kinds = ("type", "auxiliary_head")
    rest = {key: value for key, value in taught.teacher.items() if key not in kinds}
    assert dict(model) == rest


@pytest.mark.parametrize("name", TRUNCATED)
def test_a_truncated_network_is_the_stock_one_on_a_grid(name, load):
    ours, stock = load(name), load(re.sub("-half|-grid65", "", name))
    head = ours.model.decode_head
    assert head.type == "SpectralTruncationHead"
    assert head.grid == (65 if "grid65" in name else 0.5)
    assert head.head == stock.model.decode_head
    head.clear()
    head.update(stock.model.decode_head)
    assert ours._cfg_dict == stock._cfg_dict


def test_a_pruned_network_is_the_truncated_one_with_the_hook(load):
    (name,) = (n for n in NAMES if "pruned20" in n)
    ours, control = load(name), load(name.replace("-pruned20", ""))
    *hooks, pruning = ours.custom_hooks
    rates = dict(encoder=0.2, decoder=0.2, interval=1320)
    assert pruning == dict(type="SoftFilterPruningHook", **rates)
    assert ours.train_cfg.val_interval % pruning.interval == 0
    assert hooks == control.custom_hooks
    ours.custom_hooks = hooks
    assert ours._cfg_dict == control._cfg_dict
    # The header changes the rate by the hook's place.
    assert f"custom_hooks.{len(hooks)}.encoder" in (CONFIGS / name).read_text()


def released(network: str, name: str) -> list[str]:
    """List MMSegmentation's checkpoints of a network on a config's data set."""
    dataset = re.search("cityscapes|voc12aug|ade20k", name)[0]
    folder = Path(mmseg.__file__).parent / ".mim" / "configs" / "pspnet"
    metafile = yaml.safe_load((folder / "metafile.yaml").read_text())
    return [
        model["Weights"]
        for model in metafile["Models"]
        if model["Name"].startswith(network) and dataset in model["Name"]
    ]


@pytest.mark.parametrize(
    ("dataset", "iterations"),
    [("ade20k", 120 * 20210 / 16), ("pascal-context", 80 * 4998 / 16)],
)
def test_the_recipe_of_duc_and_dlc(dataset, iterations, load):
    (name,) = (n for n in NAMES if re.match(rf"duc-dlc_.*_4xb4-.*_{dataset}-", n))
    config = load(name)
    optimizer = config.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.lr) == ("SGD", 0.001)
    assert (optimizer.momentum, optimizer.weight_decay) == (0.9, 1e-4)
    schedule = config.param_scheduler[0]
    assert (schedule.power, schedule.end) == (0.9, config.train_cfg.max_iters)
    assert config.train_cfg.max_iters == pytest.approx(iterations, rel=0.01)
    dataset = config.train_dataloader.dataset
    steps = {step.type: step for step in dataset.pipeline}
    assert tuple(steps["RandomResize"].ratio_range) == (0.5, 2.0)
    assert tuple(steps["RandomCrop"].crop_size) == (480, 480)
    assert config.val_evaluator.type == "FinalScoreMetric"
    assert "auxiliary_head" not in config.model


@pytest.mark.parametrize(
    "name", [n for n in NAMES if "80k" in n and not n.startswith("duc-dlc_")]
)
def test_the_recipe_of_the_paper(name, load):
    config = load(control(name) if name in DISTILLED else name)
    optimizer = config.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.lr) == ("SGD", 0.015)
    assert (optimizer.momentum, optimizer.weight_decay) == (0.9, 1e-5)
    schedule = config.param_scheduler[0]
    assert (schedule.power, schedule.end) == (0.9, 80000)
    assert config.train_cfg.max_iters == 80000
    gpus, images = map(int, re.search(r"_(\d)xb(\d+)-", name).groups())
    assert gpus * images == 16
    dataset = config.train_dataloader.dataset
    for part in dataset.get("datasets", [dataset]):
        steps = {step.type: step for step in part.pipeline}
        assert tuple(steps["RandomResize"].ratio_range) == (0.5, 2.1)
        assert steps["RandomFlip"].prob == 0.5


@pytest.mark.parametrize("name", [n for n in DISTILLED if n.startswith("sstkd")])
def test_the_objective_of_the_paper(name, load):
    losses = load(name).model.distiller.distill_losses
    structural = [v for k, v in losses.items() if "structural" in k]
    assert [tuple(loss.levels) for loss in structural] == [(4, 3), (4, 3)]
    statistical = losses.loss_statistical
    assert statistical.get("distance", "sorted") == "sorted"
    assert losses.loss_response.loss_weight == 5
    if "iters" in name:
        # Two cores' minutes have weights of their own, and this term is an option.
        assert ("loss_adversarial" in losses) == ("adversarial" in name)
        return
    # Lambda_1 is of the features' own unit, and lambda_2 of the printed form.
    assert [loss.loss_weight for loss in structural] == [2, 2]
    assert statistical.loss_weight == 20
    assert losses.loss_adversarial.loss_weight == 0.01
