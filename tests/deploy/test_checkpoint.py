import pickle
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from texture_kd.deploy import read_checkpoint, student_weights, trained_config

CONFIGS = Path(__file__).parents[2] / "configs"


def holding(text):
    return dict(meta=dict(cfg=text), state_dict={})


@pytest.mark.parametrize(
    "name",
    [
        "sstkd_pspnet_r101_r18_cityscapes.py",
        "sstkd_pspnet_r18-w32-d8_pspnet_r18-w16-d8-half_1xb8-400iters_mosaic-128x128.py",
        "super_resolution/lsfd_edsr.py",
        "deeplabv3plus_r101-d32-grid65-pruned20_1xb8-132k_voc12aug-513x513.py",
    ],
)
def test_what_mmengine_writes_is_read_as_mmengine_reads_it(name):
    text = Config.fromfile(CONFIGS / name).pretty_text
    expected = Config.fromstring(text, ".py").to_dict()
    # It keeps what a module of imports would define out of the values.
    assert trained_config(holding(text)).to_dict() == expected


def test_numbers_keys_and_signs():
    text = "a = dict(b=-1.5, c=(1,), d=None)\ne = dict({'x.y': dict(z=[inf, True])})\n"
    config = trained_config(holding(text)).to_dict()
    assert config == dict(
        a=dict(b=-1.5, c=(1,), d=None), e={"x.y": dict(z=[float("inf"), True])}
    )


@pytest.mark.parametrize(
    "text",
    [
        "import os",
        "a = open('{0}', 'w')",
        "a = dict(b=[__import__('os').system('touch {0}')])",
        "a = (lambda: 0)()",
        "a = dict(**dict(b=1))",
        "a = {{**dict(b=1)}}",
        "a = {{\"x': 1, 'y\": 1}}",
        "a = dict({{'b\\\\': 1}})",
        "open('{0}', 'w')",
        "a = b",
        "a, b = 1, 2",
        "a = f'{{1}}'",
        "a = 9 ** 9 ** 9",
        "class A: pass",
    ],
)
def test_what_would_run_is_refused_and_not_run(tmp_path, text):
    trace = tmp_path / "trace"
    with pytest.raises(ValueError, match="line 1 of the checkpoint's config"):
        trained_config(holding(text.format(trace)))
    assert not trace.exists()


@pytest.mark.parametrize("checkpoint", [dict(meta={}), dict(meta=dict(cfg=3))])
def test_a_checkpoint_without_config_says_so(checkpoint):
    with pytest.raises(ValueError, match="holds no config"):
        trained_config(checkpoint)


@pytest.mark.parametrize(
    "text",
    ["a = (", "a = -'x'", "a = dict(1)", "a = " + "-" * 9999 + "1", "text = 1"],
)
def test_a_config_that_mmengine_did_not_write_says_so(text):
    with pytest.raises(ValueError, match="none that MMEngine wrote"):
        trained_config(holding(text))


def test_the_student_is_told_from_all_else():
    state = {
        "architecture.backbone.w": 1,
        "backbone.w": 1,
        "teacher.backbone.w": 2,
        "distiller.connectors.c.w": 3,
    }
    assert student_weights(state) == {"backbone.w": 1}
    assert student_weights({"backbone.w": 1, "decode_head.w": 2}) == {
        "backbone.w": 1,
        "decode_head.w": 2,
    }


def test_weights_alone_are_a_checkpoint(tmp_path):
    path = str(tmp_path / "weights.pth")
    torch.save({"w": torch.ones(2)}, path)
    assert read_checkpoint(path)["state_dict"]["w"].tolist() == [1, 1]
    torch.save(dict(state_dict={}, meta=None), path)
    assert read_checkpoint(path)["meta"] == {}
    torch.save(dict(state_dict=3), path)
    with pytest.raises(ValueError, match="no weights by name"):
        read_checkpoint(path)


class Hostile:
    def __reduce__(self):
        return print, ("run",)


def test_broken_and_hostile_files_are_refused(tmp_path, capsys):
    path = tmp_path / "checkpoint.pth"
    torch.save(dict(state_dict={"w": torch.ones(99)}), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"checkpoint\.pth cannot be read"):
        read_checkpoint(str(path))
    path.write_bytes(pickle.dumps(Hostile(), protocol=2))
    with pytest.raises(ValueError, match=r"checkpoint\.pth"):
        read_checkpoint(str(path))
    assert "run" not in capsys.readouterr().out.splitlines()
    torch.save([1, 2], path)
    with pytest.raises(ValueError, match="holds a list"):
        read_checkpoint(str(path))
    with pytest.raises(FileNotFoundError, match=r"nowhere\.pth"):
        read_checkpoint(str(tmp_path / "nowhere.pth"))
