"""The example of the README trains as it stands, and its parts are those we ship."""

import re
from pathlib import Path

import torch
from mmengine.config import Config
from mmrazor.registry import MODELS

REPOSITORY = Path(__file__).parents[2]
README = (REPOSITORY / "README.md").read_text()
SHORTER = """
train_cfg = dict(max_iters=2)
train_dataloader = dict(batch_size=2)
val_dataloader = dict(dataset=dict(length=2))
default_hooks = dict(logger=dict(interval=1))
"""


def test_the_example_trains_and_its_student_is_tested(run, tmp_path):
    example = re.search(
        r"<!-- example: (\S+) -->\n```python\n(.*?)```.*?```bash\n(.*?)```",
        README,
        re.S,
    )
    name, config, commands = example.groups()
    (tmp_path / "configs").symlink_to(REPOSITORY / "configs")
    (tmp_path / name).write_text(config + SHORTER)

    # The teacher of the example; any checkpoint of it will do.
    teacher = Config.fromfile(tmp_path / name).teacher
    teacher = MODELS.build(dict(teacher, _scope_="mmseg"))
    torch.save(dict(state_dict=teacher.state_dict()), tmp_path / "teacher.pth")

    commands = commands.replace("iter_400", "iter_2")
    out = run("bash", "-ec", f"cd {tmp_path}\n{commands}")
    assert "distill.loss_structural" in out
    validated, tested = re.findall(r"Iter\((val|test)\).* mIoU: [\d.]+", out)
    assert (validated, tested) == ("val", "test")


def test_its_hooks_are_those_of_our_configs():
    hooks = re.search(r"```python\n(custom_hooks = \[\n    dict.*?)```", README, re.S)
    runtime = REPOSITORY / "configs" / "_base_" / "default_runtime.py"
    written = Config.fromstring(hooks[1], ".py").custom_hooks
    assert written == Config.fromfile(runtime).custom_hooks
