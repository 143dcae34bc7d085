"""The example of the README trains as it stands."""

import re
import sys
from pathlib import Path

import torch
from mmengine.config import Config
from mmrazor.registry import MODELS

REPOSITORY = Path(__file__).parents[2]
STUDENT = "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"


def test_the_example_trains(run, tmp_path):
    readme = (REPOSITORY / "README.md").read_text()
    example = re.search(r"<!-- example: (\S+) -->\n```python\n(.*?)```", readme, re.S)
    path = tmp_path / example[1]
    path.write_text(example[2].replace('"configs/', f'"{REPOSITORY}/configs/'))

    # The teacher of the example; any checkpoint of it will do.
    config = Config.fromfile(path)
    teacher = MODELS.build(dict(config.teacher, _scope_="mmseg"))
    torch.save(dict(state_dict=teacher.state_dict()), tmp_path / "teacher.pth")
    out = run(
        sys.executable,
        REPOSITORY / "tools" / "train.py",
        path,
        f"--work-dir={tmp_path / 'run'}",
        "--cfg-options",
        f"model.teacher_ckpt={tmp_path / 'teacher.pth'}",
        "train_cfg.max_iters=2",
        "default_hooks.logger.interval=1",
        "train_dataloader.batch_size=2",
        "val_dataloader.dataset.length=1",
    )
    assert "distill.loss_structural" in out
    assert "mIoU" in out


def test_its_hooks_are_those_of_our_configs():
    readme = (REPOSITORY / "README.md").read_text()
    hooks = re.search(r"```python\n(custom_hooks = \[\n    dict.*?)```", readme, re.S)[
        1
    ]
    runtime = REPOSITORY / "configs" / "_base_" / "default_runtime.py"
    written = Config.fromstring(hooks, ".py").custom_hooks
    assert written == Config.fromfile(runtime).custom_hooks


def test_its_distiller_of_lsfd_is_that_of_our_configs():
    readme = (REPOSITORY / "README.md").read_text()
    written = Config.fromstring(
        re.search(r"```python\n(lfd = .*?)```", readme, re.S)[1], ".py"
    ).lfd
    path = REPOSITORY / "configs" / f"lsfd_pspnet_r18-w32-d8_{STUDENT}"
    shipped = Config.fromfile(path).model.distiller
    assert {key: shipped[key] for key in written} == written


def test_its_optimiser_of_a_critic_is_that_of_our_configs(tmp_path):
    readme = (REPOSITORY / "README.md").read_text()
    optimizer = re.search(
        r"```python\n(optim_wrapper = [^`]*CriticOptimWrapperConstructor.*?)```",
        readme,
        re.S,
    )
    path = tmp_path / "config.py"
    configs = REPOSITORY / "configs"
    path.write_text(f'_base_ = "{configs / STUDENT}"\n{optimizer[1]}')
    ours = configs / f"sstkd-adversarial_pspnet_r18-w32-d8_{STUDENT}"
    written, shipped = (Config.fromfile(p).optim_wrapper for p in (path, ours))
    assert written == shipped
