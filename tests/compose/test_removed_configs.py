"""Configs that were removed are composed: the same networks, terms and recipes.

``removed_configs.json`` has what they said; ``outlines.py`` wrote it.
"""

import copy
import json
import re
from pathlib import Path

import outlines
import pytest
import torch
from mmengine.config import Config
from mmrazor.models.losses import L2Loss

from texture_kd import losses
from texture_kd.compose import Wanted, composed, distillation

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "configs"
WAS = json.loads(Path(__file__).with_name("removed_configs.json").read_text())
# Under what names MMSegmentation has the teacher.
TEACHERS = {
    "cityscapes": "4xb2-80k_cityscapes-512x1024",
    "ade20k": "4xb4-160k_ade20k-512x512",
    "voc12aug": "4xb4-40k_voc12aug-512x512",
    "camvid": "4xb2-80k_cityscapes-512x1024",
}
# The methods that are others by name: method, its options, whether the last stage is
# all that is compared.
METHODS = {
    "fitnet": ("fitnet", dict(loss_weight=2.0), True),
    "lfd": ("lsfd", dict(attention="none"), False),
    "lsfd-fft": ("removed_recipes:lsfd_fft", {}, False),
    "sstkd": ("sstkd", dict(adversarial=True), False),
    "sstkd-lsfd": ("removed_recipes:recipe", {}, False),
}
# Not fetched.
URL = "https://example.org/teacher.pth"
LAST = {"pspnet_efficientnet-b1": "backbone.layers.6"}
# Beside the guide's.
RECIPE = """
from texture_kd import FFTLoss, Term
from texture_kd.recipes.arguments import LOGITS


def lsfd_fft(student, teacher):
    return lsfd(student, teacher) | {"loss_fft": Term(FFTLoss, LOGITS)}
"""


def example(page: str, name: str) -> str:
    """Return a file that a guide shows."""
    text = (ROOT / "docs" / "guides" / page).read_text()
    return re.search(rf"<!-- example: {name} -->\n```python\n(.*?)```", text, re.S)[1]


@pytest.fixture(scope="module", autouse=True)
def recipes(tmp_path_factory):
    """Make the recipes of one's own known."""
    folder = tmp_path_factory.mktemp("recipes")
    text = example("compose.md", "my_recipe.py") + RECIPE
    (folder / "removed_recipes.py").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield


@pytest.fixture(scope="module", autouse=True)
def looked_at_once():
    """Look once at networks that differ in their data alone."""
    found = {}
    look = distillation.looked_at

    def looked_at(side, model, sources):
        key = json.dumps([outlines.network(model), sources])
        if key not in found:
            found[key] = look(side, model, sources)
        return found[key]._replace(classes=outlines.classes(model["decode_head"]))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distillation, "looked_at", looked_at)
        yield


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with our configs and the guide's files in it."""
    (tmp_path / "configs").symlink_to(CONFIGS)
    (tmp_path / "my_camvid.py").write_text(example("compose.md", "my_camvid.py"))
    (tmp_path / "my_half.py").write_text(example("truncation.md", "my_half.py"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def compose(method: str, student: str, data: str) -> Config:
    """Compose one as the guide says it, by one command."""
    half = student.endswith("-half")
    student = student.removesuffix("-half")
    data = re.search("_(.*)-", data)[1]
    method, options, last = METHODS.get(method, (method, {}, False))
    files = dict(cityscapes=None, camvid="my_camvid.py")
    wanted = Wanted(
        f"configs/{student}_4xb4-80k_cityscapes-512x512.py",
        f"mmseg::pspnet/pspnet_r101-d8_{TEACHERS[data]}.py",
        Path("my.py"),
        method,
        None if data == "camvid" else URL,
        files.get(data, f"configs/_base_/datasets/{data}_512x512.py"),
        [LAST.get(student, "backbone.layer4")] if last else None,
        ["backbone.layer4"] if last else None,
        options=options,
    )
    for path, text in composed(wanted, "")[1].items():
        path.write_text(text)
    return Config.fromfile("my_half.py" if half else "my.py")


def of_today(kind: str, terms: dict) -> dict:
    """Return terms as the losses of today say the same."""
    terms = copy.deepcopy(terms)
    if kind.startswith("cwd"):
        # MMRazor's loss on one grid (tests/test_recipes.py). Ours leaves out ignored
        # pixels and padding, and enlarges a coarser student's logits by itself.
        term = terms["loss_cwd"]
        term["type"] = "CWDLoss"
        term["of"] |= dict(
            preds_S="student decode_head.conv_seg", gt="labels", valid="valid"
        )
    if kind.startswith("fitnet"):
        return {"loss_fitnet": _hint(**terms["loss_feature"])}
    if "lfd" in kind or "lsfd" in kind:
        # The regressor is the loss's, and not a connector. Without attention it reads
        # logits, and makes nothing of them (tests/losses).
        term = terms["loss_lfd"]
        term["of"]["s_feature"], connector = term["of"]["s_feature"]
        term["student_channels"] = connector["in_channel"]
        term["teacher_channels"] = connector["out_channel"]
        term["of"] |= dict(
            gt="labels",
            preds_S="student decode_head.conv_seg",
            preds_T="teacher decode_head.conv_seg",
        )
    if kind.startswith("ds2d2"):
        # The explicit terms alone: amplifiers are trained beforehand, and objects found
        # by the pipeline.
        term = terms["loss_ds2d2"]
        del term["amplifiers"], term["of"]["samples"]
        term["weighting"] = "none"
    return terms


def _hint(of: dict, **_) -> dict:
    """Return FitNets' term of today, whose convolution is its own and has no bias.

    It halves the mean square. A coarser student's feature is enlarged, where the
    teacher's was pooled.
    """
    student, connector = of["s_feature"]
    return dict(
        type="FeatureKDLoss",
        student_channels=[connector["in_channel"]],
        teacher_channels=[connector["out_channel"]],
        standardise=False,
        loss_weight=2.0,
        of=dict(
            student=f"{student} Stages",
            teacher="teacher backbone.layer4 Stages",
            valid="valid",
        ),
    )


@pytest.mark.parametrize("kind", WAS["configs"])
def test_it_is_composed(kind, folder):
    method, student = kind.split()
    teacher = copy.deepcopy(WAS["networks"]["teacher"])
    # The same weights and result, in twice the operations.
    teacher["decode_head"]["type"] = "PSPHead"
    # Nothing trains it, and so its norms need not be of several processes.
    text = json.dumps(teacher).replace('"BN"', '"SyncBN"')
    for data in WAS["configs"][kind]:
        seen = outlines.outline(compose(method, student, data))
        assert seen["student"] == WAS["networks"][student]
        assert seen["teacher"] == json.loads(text)
        assert seen["terms"] == of_today(kind, WAS["terms"][kind])
        assert seen["recipe"] == WAS["recipes"]["critic" * ("sstkd" in method)]
        where = "work_dirs/my_teacher/iter_80000.pth"
        where = where if "camvid" in data else URL
        assert seen["data"] == dict(WAS["data"][data], teacher=where)
        # Crops of CamVid were padded for EfficientNet-B1 until its strides divide them:
        # losses bring any grids together now.
        assert seen["padded"] == seen["data"]["crop"]


def test_the_teacher_of_camvid_is_trained_by_the_papers_recipe(folder):
    compose("response", "pspnet_r18-d8", "1xb16-80k_camvid-360x480")
    teacher = Config.fromfile("my_teacher.py")
    recipe = WAS["recipes"][""]
    assert teacher.optim_wrapper.optimizer.to_dict() == recipe["optimizer"]
    assert teacher.train_cfg.max_iters == recipe["iterations"]
    assert teacher.train_dataloader.batch_size == 16
    assert teacher.model.pretrained == "open-mmlab://resnet101_v1c"


def test_checkpoints_of_the_guide_are_those_that_were_named():
    text = (ROOT / "docs" / "guides" / "compose.md").read_text()
    named = [x["teacher"] for x in WAS["data"].values() if "://" in x["teacher"]]
    assert named
    for url in named:
        assert url in text


def test_a_hint_is_the_mean_square_of_before():
    torch.manual_seed(0)
    loss = losses.FeatureKDLoss((3,), (4,), standardise=False, loss_weight=2.0)
    student, teacher = torch.randn(2, 3, 5, 6), torch.randn(2, 4, 5, 6)
    theirs = L2Loss(normalize=False, div_element=True)
    expected = theirs(loss.align[0](student), teacher)
    torch.testing.assert_close(loss([student], [teacher]), expected)
