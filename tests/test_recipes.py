"""Recipes say what the configs say, in terms that can be written as configs."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmrazor.models.losses import ChannelWiseDivergence

from texture_kd import losses
from texture_kd.recipes import LOGITS_ALONE, METHODS, Shapes, Term
from texture_kd.recipes.method import reads_stages

CONFIGS = Path(__file__).parents[1] / "configs/_base_/distillers"
LOGITS = (1, 19, 16, 16)
# Those of the configs, for a ResNet-18 and a ResNet-50.
STUDENT, TEACHER = (
    Shapes(tuple((1, c, 128 >> i, 128 >> i) for i, c in enumerate(channels)), LOGITS)
    for channels in ((64, 128, 256, 512), (256, 512, 1024, 2048))
)


def distiller(method):
    config = Config.fromfile(CONFIGS / f"{method}.py")
    return config["lfd" if method == "lsfd" else method]


def settings(loss):
    kinds = (bool, int, float, str, tuple)
    return {name: x for name, x in vars(loss).items() if isinstance(x, kinds)}


@pytest.mark.parametrize("method", ["fakd", "lsfd", "skd", "sstkd", "texture"])
def test_recipes_are_the_configs(method):
    config = distiller(method)
    expected = {**config.distill_losses}
    # The critic trains beside the networks, and only if it is asked for.
    options = dict(adversarial=True) if method == "sstkd" else {}
    terms = METHODS[method](STUDENT, TEACHER, **options)
    assert terms.keys() == expected.keys()
    for name, options in expected.items():
        options = {**options}
        loss = getattr(losses, options.pop("type"))(**options)
        assert terms[name].loss is type(loss)
        assert settings(terms[name].build()) == settings(loss)
        assert terms[name].arguments.keys() == config.loss_forward_mappings[name].keys()


@pytest.mark.parametrize("images", [1, 2])
def test_the_cwd_of_the_configs_is_mmrazors_on_one_grid(images):
    torch.manual_seed(0)
    options = {**distiller("cwd").distill_losses.loss_cwd}
    assert options.pop("type") == "CWDLoss"
    ours = losses.CWDLoss(**options)
    recipe = METHODS["cwd"](STUDENT, TEACHER)["loss_cwd"].build()
    assert settings(recipe) == settings(ours)
    # As in MMRazor's own config, with which results were compared.
    theirs = ChannelWiseDivergence(tau=1, loss_weight=5)
    student, teacher = torch.randn(2, images, 12, 16, 16)
    student.requires_grad_()
    values = [loss(student, teacher) for loss in (ours, theirs)]
    torch.testing.assert_close(*values)
    torch.testing.assert_close(*(torch.autograd.grad(x, student)[0] for x in values))


@pytest.mark.parametrize("method", METHODS)
def test_terms_can_be_written_as_configs(method):
    for term in METHODS[method](STUDENT, TEACHER).values():
        assert term.loss.__name__ in losses.__all__
        for option in term.options.values():
            assert isinstance(option, (bool, int, float, str, tuple, dict))


@pytest.mark.parametrize("method", METHODS)
def test_methods_of_logits_alone_read_no_stages(method):
    terms = METHODS[method](STUDENT, TEACHER)
    read = {source for term in terms.values() for source in term.arguments.values()}
    alone = not any(".stages" in source for source in read)
    assert (method in LOGITS_ALONE) == alone == (not reads_stages(method))
    assert reads_stages(terms) == (not alone)


@pytest.mark.parametrize("method", ["fakd", "lsfd", "skd"])
def test_the_last_stage_is_compared_and_there_is_one(method):
    terms = METHODS[method](STUDENT, TEACHER)
    sources = {x for term in terms.values() for x in term.arguments.values()}
    assert {"student.stages.3", "teacher.stages.3"} <= sources
    with pytest.raises(ValueError, match=f"{method} compares the last stage"):
        METHODS[method](Shapes((), None), Shapes((), None))


def test_a_built_loss_is_taken_as_it_is():
    loss = losses.ResponseKDLoss()
    assert Term(loss, {}).build() is loss
    term = Term(losses.ResponseKDLoss, {}, dict(temperature=2.0))
    assert term.build().temperature == 2
    assert term.build() is not term.build()
