"""Networks as MMSegmentation's configs have them, taught with every texture term.

Teacher and student differ in their kind, their channels and their grids. Only the
number of classes and the batch norms are changed, and images are small.
"""

import re
from pathlib import Path

import mmseg
import pytest
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.structures import PixelData
from mmrazor.registry import MODELS
from mmseg.structures import SegDataSample

import texture_kd.components  # noqa: F401
from texture_kd.algorithms.built_network import built_network
from texture_kd.deploy import student_config

pytestmark = pytest.mark.usefixtures("mmsegs_scope")

REPOSITORY = Path(__file__).parents[2]
CONFIGS = Path(mmseg.__file__).parent / ".mim" / "configs"
CLASSES = 3
# Config, what is recorded, and channels of the stages: the first, second and last.
NETWORKS = {
    "segformer-b2": (
        "segformer/segformer_mit-b2_8xb2-160k_ade20k-512x512.py",
        "backbone",
        (64, 128, 512),
    ),
    "upernet-r50": (
        "upernet/upernet_r50_4xb2-40k_cityscapes-512x1024.py",
        "backbone",
        (256, 512, 2048),
    ),
    "deeplabv3plus-r18": (
        "deeplabv3plus/deeplabv3plus_r18-d8_4xb2-80k_cityscapes-512x1024.py",
        "backbone",
        (64, 128, 512),
    ),
    "pspnet-r18": (
        "pspnet/pspnet_r18-d8_4xb2-80k_cityscapes-512x1024.py",
        "backbone",
        (64, 128, 512),
    ),
    "mobilenet-v2": (
        "mobilenet_v2/mobilenet-v2-d8_deeplabv3plus_4xb2-80k_cityscapes-512x1024.py",
        "backbone",
        (24, 32, 320),
    ),
    # Its backbone returns what its context path has made of the stages.
    "stdc1": (
        "stdc/stdc1_4xb12-80k_cityscapes-512x1024.py",
        "backbone.backbone",
        (256, 512, 1024),
    ),
}
PAIRS = [
    ("segformer-b2", "stdc1"),
    ("upernet-r50", "mobilenet-v2"),
    ("deeplabv3plus-r18", "pspnet-r18"),
]


def network(name):
    model = Config.fromfile(CONFIGS / NETWORKS[name][0]).model.to_dict()
    model["pretrained"] = None
    model["backbone"].pop("init_cfg", None)
    return adapted(model)


def adapted(config):
    """Give a config three classes and batch norms of one process."""
    if isinstance(config, list | tuple):
        return [adapted(item) for item in config]
    if not isinstance(config, dict):
        return config
    config = {key: adapted(value) for key, value in config.items()}
    if config.get("type") == "SyncBN":
        config["type"] = "BN"
    if "num_classes" in config:
        config["num_classes"] = CLASSES
    return config


def recorders(name):
    return dict(
        stages=dict(type="ModuleOutputs", source=NETWORKS[name][1]),
        logits=dict(type="ModuleOutputs", source="decode_head.conv_seg"),
        labels=dict(type="GroundTruth", source="gt_sem_seg"),
    )


def stage(student, index):
    return dict(from_student=student, recorder="stages", data_idx=index)


def distiller(teacher, student):
    ours, theirs = NETWORKS[student][2], NETWORKS[teacher][2]
    last = {True: 2 if student == "stdc1" else 3, False: 3}
    watched = {True: recorders(student), False: recorders(teacher)}
    del watched[False]["labels"]
    logits = dict(
        preds_S=dict(from_student=True, recorder="logits"),
        preds_T=dict(from_student=False, recorder="logits"),
        gt=dict(from_student=True, recorder="labels"),
    )
    return dict(
        type="ConfigurableDistiller",
        student_recorders=watched[True],
        teacher_recorders=watched[False],
        connectors=dict(
            lfd=dict(type="LFDConnector", in_channel=ours[2], out_channel=theirs[2])
        ),
        distill_losses=dict(
            loss_structural=dict(
                type="CDMLoss",
                student_channels=ours[0],
                teacher_channels=theirs[0],
                levels=(2, 1),
            ),
            loss_statistical=dict(
                type="DTIEMLoss",
                student_channels=sum(ours[:2]),
                teacher_channels=sum(theirs[:2]),
            ),
            loss_response=dict(type="ResponseKDLoss"),
            loss_lfd=dict(type="LSFDLoss"),
        ),
        loss_forward_mappings=dict(
            loss_structural=dict(s_feature=stage(True, 0), t_feature=stage(False, 0)),
            loss_statistical=dict(
                s_stage1=stage(True, 0),
                s_stage2=stage(True, 1),
                t_stage1=stage(False, 0),
                t_stage2=stage(False, 1),
            ),
            loss_response=logits,
            loss_lfd=dict(
                s_feature=dict(stage(True, last[True]), connector="lfd"),
                t_feature=stage(False, last[False]),
                **logits,
            ),
        ),
    )


def batch():
    labels = torch.randint(CLASSES, (2, 1, 64, 128))
    labels[:, :, :5] = 255
    samples = [
        SegDataSample(
            gt_sem_seg=PixelData(data=label), metainfo=dict(img_shape=(64, 128))
        )
        for label in labels
    ]
    return torch.randn(2, 3, 64, 128), samples


@pytest.mark.parametrize(("teacher", "student"), PAIRS)
def test_each_term_teaches_the_students_backbone(teacher, student):
    torch.manual_seed(0)
    ours, theirs = network(student), network(teacher)
    ours["data_preprocessor"]["size"] = theirs["data_preprocessor"]["size"] = (64, 128)
    model = MODELS.build(
        dict(
            _scope_="mmrazor",
            type="TextureDistill",
            architecture=dict(ours, _scope_="mmseg"),
            teacher=dict(theirs, _scope_="mmseg"),
            distiller=distiller(teacher, student),
        )
    ).train()
    losses = model.loss(*batch())
    found = {name for name in losses if name.startswith("distill.loss")}
    assert found == {
        f"distill.loss_{name}"
        for name in ("structural", "statistical", "response", "lfd")
    }
    backbone = [p for p in model.student.backbone.parameters() if p.requires_grad]
    for name in found:
        assert losses[name].isfinite()
        assert norm(losses[name], backbone) > 0, name
    sum(losses[name] for name in found).backward()
    assert all(p.grad is None for p in model.teacher.parameters())


def test_the_segformer_of_the_guide_teaches_our_student(tmp_path):
    guide = (REPOSITORY / "docs" / "guides" / "own_networks.md").read_text()
    example = re.search(r"<!-- example: (\S+) -->\n```python\n(.*?)```", guide, re.S)
    (tmp_path / "configs").symlink_to(REPOSITORY / "configs")
    (tmp_path / example[1]).write_text(example[2])
    config = Config.fromfile(tmp_path / example[1])
    stock = CONFIGS / "segformer" / "metafile.yaml"
    assert config.model.teacher_ckpt in stock.read_text()
    config.model.teacher_ckpt = None
    torch.manual_seed(0)
    model = revert_sync_batchnorm(MODELS.build(config.model)).train()
    assert type(model.teacher.decode_head).__name__ == "SegformerHead"
    # It asks for no download.
    assert model.teacher.backbone.init_cfg is None
    losses = model.loss(*batch())
    backbone = [p for p in model.student.backbone.parameters() if p.requires_grad]
    found = {name for name in losses if name.startswith("distill.loss")}
    assert len(found) == len(config.model.distiller.distill_losses) == 5
    for name in found:
        assert losses[name].isfinite()
        assert norm(losses[name], backbone) > 0, name


def test_options_beside_a_config_of_another_package_are_merged():
    path = f"mmseg::{NETWORKS['segformer-b2'][0]}"
    options = dict(
        backbone=dict(init_cfg=None, embed_dims=8), decode_head=dict(num_classes=5)
    )
    narrow = dict(in_channels=[8, 16, 40, 64])
    options["decode_head"].update(narrow)
    network = built_network(dict(cfg_path=path, pretrained=False, **options))
    assert network.decode_head.num_classes == 5
    assert network.backbone.init_cfg is None
    assert network.backbone.embed_dims == 8
    # The rest is the config's.
    assert type(network.decode_head).__name__ == "SegformerHead"
    mean = torch.tensor([123.675, 116.28, 103.53])
    assert torch.equal(network.data_preprocessor.mean.flatten(), mean)
    exported = student_config(
        Config(
            dict(
                model=dict(
                    type="TextureDistill",
                    architecture=dict(cfg_path=path, **options),
                    teacher=dict(),
                )
            )
        )
    )
    assert exported.model.decode_head.num_classes == 5
    assert exported.model.backbone.init_cfg is None


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (
            "mmseg::pspnet/pspnet_r18-d8_4xb2-80k_cityscapes-512x1024",
            r"which does not exist in mmseg, whose configs are in .*; did you mean "
            r"pspnet/pspnet_r18-d8_4xb2-80k_cityscapes-512x1024\.py",
        ),
        ("mmseg::elsewhere/none.py", "'elsewhere/none.py', which does not exist in mm"),
        ("configs/my_teacher.py", "names no package: it is 'mmseg::FOLDER/FILE.py'"),
        ("no_such_pkg::a/b.py", "of the package 'no_such_pkg', which is not installed"),
        ("a b::a/b.py", "of the package 'a b', which is not installed"),
        ("yaml::a/b.py", r"'yaml', which has no configs in .*configs: install it"),
    ],
)
def test_a_config_of_another_package_that_is_not_there(path, said):
    with pytest.raises(ValueError, match=said) as failure:
        built_network(dict(cfg_path=path, backbone=dict(init_cfg=None)))
    assert str(failure.value).startswith(f"cfg_path={path!r} ")
    assert "\n" not in str(failure.value)
    assert len(str(failure.value)) < 600


def norm(loss, parameters):
    gradients = torch.autograd.grad(
        loss, parameters, retain_graph=True, allow_unused=True
    )
    return sum(g.norm().item() for g in gradients if g is not None)
