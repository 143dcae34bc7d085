"""The table of mends, and that each is inert where it is not needed."""

import collections
import copy
import importlib
import sys
import textwrap

import pytest
import torch

from texture_kd.compat import mends
from texture_kd.compat.import_hook import MendFinder
from texture_kd.compat.mends import MENDS, Mend


def test_every_mend_has_a_reason_and_one_action():
    for name, mend in MENDS.items():
        assert len(mend.reason) > 40, name
        actions = (mend.patch, mend.rewrite, mend.stand_in)
        assert sum(action is not None for action in actions) == 1, name


@pytest.mark.parametrize("name", sorted(MENDS))
def test_a_mend_that_is_not_needed_leaves_the_module_alone(name, monkeypatch):
    monkeypatch.setitem(MENDS, name, MENDS[name]._replace(needed=lambda: False))
    assert MendFinder().find_spec(name, None) is None


def test_other_modules_are_none_of_its_business():
    assert MendFinder().find_spec("json") is None


@pytest.mark.parametrize(
    ("version", "needed"), [("1.13.1", False), ("2.0.0", True), ("2.13.0+cpu", True)]
)
def test_quantisation_is_mended_from_torch_2(version, needed, monkeypatch):
    monkeypatch.setattr(torch, "__version__", version)
    assert mends._NO_PRIVATE_QUANTISATION.needed() is needed


@pytest.mark.parametrize(
    ("version", "needed"), [("1.13.1", False), ("2.5.1", False), ("2.6.0", True)]
)
def test_checkpoints_are_mended_from_torch_2_6(version, needed, monkeypatch):
    monkeypatch.setattr(torch, "__version__", version)
    assert MENDS["mmengine"].needed() is needed
    assert MENDS["mmengine.runner.checkpoint"].needed() is needed


def test_the_inplace_guard_is_left_alone_where_submodules_are_ordered(monkeypatch):
    class OldModule:
        def __init__(self) -> None:
            self._modules = collections.OrderedDict()

    needed = MENDS["mmrazor.models.algorithms.base"].needed
    assert needed()
    monkeypatch.setattr(torch.nn, "Module", OldModule)
    assert not needed()


def test_full_mmcv_keeps_its_operators(monkeypatch):
    found = object()
    monkeypatch.setattr(mends.importlib.util, "find_spec", lambda name: found)
    assert not MENDS["mmcv.ops"].needed()


@pytest.fixture
def toy_module(tmp_path, monkeypatch):
    (tmp_path / "toy_stack.py").write_text(
        textwrap.dedent(
            """
            VERSION = 'version 2'
            VALUE = VERSION
            """
        )
    )
    monkeypatch.syspath_prepend(tmp_path)
    finder = MendFinder()
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    yield "toy_stack"
    sys.modules.pop("toy_stack", None)


def test_a_rewrite_changes_one_expression(toy_module, monkeypatch):
    mend = Mend("", lambda: True, rewrite=("'version 2'", "'version 1'"))
    monkeypatch.setitem(MENDS, toy_module, mend)
    assert importlib.import_module(toy_module).VALUE == "version 1"


def test_a_rewrite_that_does_not_fit_says_so(toy_module, monkeypatch):
    mend = Mend("", lambda: True, rewrite=("absent", "present"))
    monkeypatch.setitem(MENDS, toy_module, mend)
    with pytest.raises(ImportError, match=r"mminstall\.txt"):
        importlib.import_module(toy_module)


def test_an_optional_rewrite_that_does_not_fit_changes_nothing(toy_module, monkeypatch):
    mend = Mend("", lambda: True, rewrite=("absent", "present"), optional=True)
    monkeypatch.setitem(MENDS, toy_module, mend)
    assert importlib.import_module(toy_module).VALUE == "version 2"


def test_a_mending_loader_can_be_copied(toy_module, monkeypatch):
    mend = Mend("", lambda: True, patch=lambda module: None)
    monkeypatch.setitem(MENDS, toy_module, mend)
    loader = MendFinder().find_spec(toy_module).loader
    assert copy.copy(loader).get_source(toy_module)


def test_modules_imported_before_are_patched_in_place(toy_module, monkeypatch):
    module = importlib.import_module(toy_module)
    patch = Mend("", lambda: True, patch=lambda m: setattr(m, "VALUE", "patched"))
    monkeypatch.setitem(MENDS, toy_module, patch)
    for name in [name for name in MENDS if name != toy_module]:
        monkeypatch.delitem(MENDS, name)
    MendFinder().mend_loaded_modules()
    assert module.VALUE == "patched"
