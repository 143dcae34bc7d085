"""The example of the README trains as it stands, and its parts are those we ship."""

import itertools
import os
import re
import signal
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmrazor.registry import MODELS
from PIL import Image
from waiting import wait_for

REPOSITORY = Path(__file__).parents[2]
CONFIG = (
    REPOSITORY
    / "configs"
    / "sstkd_pspnet_r18-w32-d8_pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"
)
README = (REPOSITORY / "README.md").read_text()
BLOCKS = re.findall(r"```bash\n(.*?)```", README, re.S)
SUITES = re.findall(
    r"^(python tools/benchmark/distill.py .*?)   #.*no data", README, re.M
)
SMALL = "\nbatch_size = 2\nnum_workers = 0\n"


def test_the_example_trains_and_its_student_is_tested(run_printed, tmp_path):
    example = re.search(
        r"<!-- example: (\S+) -->\n```python\n(.*?)```.*?```bash\n(.*?)```",
        README,
        re.S,
    )
    name, data, commands = example.groups()
    (tmp_path / "tools").symlink_to(REPOSITORY / "tools")
    data = data.replace("(512, 512)", "(64, 64)")
    (tmp_path / name).write_text(data + SMALL)
    for split, kind in itertools.product(("train", "val"), ("images", "labels")):
        folder = tmp_path / "data" / "mine" / kind / split
        folder.mkdir(parents=True)
        for i in range(2):
            noise = Image.effect_noise((64, 64), 60 if kind == "images" else 0)
            labels = noise.point(lambda x: x % 5)
            picture = noise.convert("RGB") if kind == "images" else labels
            picture.save(folder / f"{i}.png")

    commands = commands.replace("-o my.py", "-o my.py --no-pretrained --iterations 2")
    out = run_printed(commands.replace("iter_160000", "iter_2"), tmp_path)
    assert "4      backbone.global_feature_extractor, 32, 128" in out
    assert "TextureLoss, loss_weight 2" in out  # the check
    ends = re.findall(r"Iter\((val|test)\).* mIoU: [\d.]+", out)
    assert ends == ["val", "val", "test"]
    assert (tmp_path / "my_student.py").exists()


def test_its_pictures_are_drawn(run_printed, tmp_path, mmsegs_scope):
    (block,) = (block for block in BLOCKS if "show_texture.py IMAGE" in block)
    config = Config.fromfile(CONFIG)
    teacher = MODELS.build(dict(config.model.teacher, _scope_="mmseg"))
    torch.save(dict(state_dict=teacher.state_dict()), tmp_path / "teacher.pth")
    config.model.teacher_ckpt = str(tmp_path / "teacher.pth")
    config.dump(tmp_path / "config.py")
    distillation = MODELS.build(dict(config.model, _scope_="mmrazor"))
    torch.save(dict(state_dict=distillation.state_dict()), tmp_path / "CHECKPOINT")
    Image.effect_noise((96, 64), 60).convert("RGB").save(tmp_path / "image.png")
    block = block.replace("SSTKD_CONFIG", "CONFIG")
    block = block.replace("IMAGE", "image.png").replace("CONFIG", "config.py")
    (tmp_path / "tools").symlink_to(REPOSITORY / "tools")
    run_printed(block, tmp_path)
    for name in ("texture", "bands", "statistics"):
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert min(picture.size) > 64


@pytest.mark.parametrize("command", SUITES)
def test_its_suites_start_in_the_background_and_stop(run, tmp_path, command):
    for name in ("tools", "configs"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    said = run("bash", "-ec", f"cd {tmp_path}\n{command}")
    process = int(re.search(r"Stop it: kill (\d+)", said)[1])
    (log,) = tmp_path.glob("work_dirs/distill/*/log.txt")
    try:
        wait_for(lambda: "seed 0: starts, " in log.read_text(), 120)
    finally:
        os.kill(process, signal.SIGTERM)
    wait_for(lambda: "Stopped. The same command goes on." in log.read_text(), 120)


def test_there_are_suites_to_start():
    assert len(SUITES) == 1


def test_the_hooks_that_are_written_out_are_those_of_our_configs():
    page = (REPOSITORY / "docs" / "guides" / "texture.md").read_text()
    hooks = re.search(r"```python\n(custom_hooks = \[\n    dict.*?)```", page, re.S)
    runtime = REPOSITORY / "configs" / "_base_" / "default_runtime.py"
    written = Config.fromstring(hooks[1], ".py").custom_hooks
    assert written == Config.fromfile(runtime).custom_hooks
