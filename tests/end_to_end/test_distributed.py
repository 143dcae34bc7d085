"""Two processes without a GPU train as one process does with the same images."""

import json
import sys
from pathlib import Path

import pytest
import torch

STUDENT = "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"
REPOSITORY = Path(__file__).parents[2]
ITERATIONS = 20

# BatchNorm would see half of the images in each process, and dropout would draw its
# masks for two images where one process draws them for four: neither is a difference of
# the distillation.
SAME_STATISTICS = """
_norm = dict(type="GN", num_groups=4)
_head = dict(norm_cfg=_norm, dropout_ratio=0.0)
_network = dict(
    backbone=dict(norm_cfg=_norm), decode_head=_head, auxiliary_head=_head
)
# Nor are the points that a sampler draws for two images and for four; correlations are
# over all images of a process. Weights are small for the sake of SGD below.
_losses = dict(
    loss_structural_stage1=dict(normalise="subband", loss_weight=0.45),
    loss_structural_stage2=dict(normalise="subband", loss_weight=0.45),
    loss_statistical=dict(mode="global", loss_weight=1.15),
)
model = dict(
    architecture=_network,
    teacher=_network,
    teacher_ckpt=None,
    distiller=dict(distill_losses=_losses),
)
# Where a gradient is next to nothing, Adam makes a step of a rounding error.
optim_wrapper = dict(
    optimizer=dict(
        _delete_=True, type="SGD", lr=0.015, momentum=0.9, weight_decay=1e-5
    )
)
train_cfg = dict(max_iters={iterations}, val_interval={iterations})
train_dataloader = dict(batch_size={batch_size}, dataset=dict(length=64))
custom_imports = dict(imports=["texture_kd.components", "mean_losses"])
custom_hooks = [dict(type="MeanLossesHook", path={path!r})]
"""

MEAN_LOSSES = """
import json
import torch
from mmengine.dist import all_reduce_dict, is_main_process
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

@HOOKS.register_module()
class MeanLossesHook(Hook):
    def __init__(self, path):
        self.path, self.losses = path, []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        means = {k: torch.as_tensor(v).double() for k, v in outputs.items()}
        all_reduce_dict(means, "mean")
        self.losses.append({k: v.item() for k, v in means.items()})

    def after_train(self, runner):
        if is_main_process():
            with open(self.path, "w") as file:
                json.dump(self.losses, file)
"""


@pytest.fixture
def losses_of(run_warm, run_launcher, tiny, tmp_path):
    """Train with a number of processes and return the losses of each iteration."""
    (tmp_path / "mean_losses.py").write_text(MEAN_LOSSES)

    def losses(processes: int) -> list[dict[str, float]]:
        path = tmp_path / f"losses_{processes}.json"
        config = tiny(
            f"sstkd_pspnet_r18-w32-d8_{STUDENT}",
            SAME_STATISTICS.format(
                iterations=ITERATIONS, batch_size=4 // processes, path=str(path)
            ),
        )
        work_dir = ("--work-dir", tmp_path / f"run_{processes}")
        env = dict(PYTHONPATH=str(tmp_path), OMP_NUM_THREADS="1")
        if processes > 1:
            launcher = REPOSITORY / "tools" / "dist_train.sh"
            run_launcher(launcher, config, processes, *work_dir, **env)
        else:
            tool = REPOSITORY / "tools" / "train.py"
            run_warm(sys.executable, tool, config, *work_dir, **env)
        return json.loads(path.read_text())

    return losses


def test_two_processes_equal_one(losses_of):
    one, two = losses_of(1), losses_of(2)
    assert len(one) == len(two) == ITERATIONS
    # Sooner or later rounding takes a pixel over the edge of a histogram's window, its
    # levels change at once, and the networks part.
    for close, steps in ((1e-5, slice(1)), (1e-3, slice(1, 5))):
        for alone, together in zip(one[steps], two[steps], strict=True):
            assert alone.keys() == together.keys()
            for name, value in alone.items():
                # A pixel between two classes is 0.0015 % of an accuracy.
                tolerance = dict(abs=0.01) if "acc" in name else dict(rel=close)
                assert value == pytest.approx(together[name], **tolerance), name
    for alone, together in zip(one, two, strict=True):
        assert alone["loss"] == pytest.approx(together["loss"], rel=0.05)
    # They would agree as well if nothing were learnt.
    first, last = (sum(loss["loss"] for loss in part) for part in (one[:5], one[-5:]))
    assert last < first


# Writes each process's critic when the training ends.
KEEP_CRITICS = """
import os

import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS


@HOOKS.register_module()
class KeepCritics(Hook):
    def after_train(self, runner):
        losses = runner.model.module.distiller.distill_losses
        critic = losses.loss_adversarial.critic.state_dict()
        torch.save(critic, f"{runner.work_dir}/{os.environ['RANK']}.pth")
"""


def test_two_processes_sample_regions_and_train_one_critic(
    run, free_port, tiny, tmp_path, logged_values
):
    (tmp_path / "keep_critics.py").write_text(KEEP_CRITICS)
    config = tiny(
        f"sstkd-adversarial_pspnet_r18-w32-d8_{STUDENT}",
        "_sync = dict(backbone=dict(norm_cfg=dict(type='SyncBN')))\n"
        "model = dict(teacher_ckpt=None, architecture=_sync, teacher=_sync)\n"
        "optim_wrapper = dict(architecture=dict(accumulative_counts=2))\n"
        "custom_imports = dict(imports=['texture_kd.components', 'keep_critics'])\n"
        "custom_hooks = [*_base_.custom_hooks, dict(type='mmengine.KeepCritics')]\n",
    )
    run(
        REPOSITORY / "tools" / "dist_train.sh",
        config,
        2,
        "--work-dir",
        tmp_path / "run",
        PORT=free_port,
        OMP_NUM_THREADS="1",
        PYTHONPATH=str(tmp_path),
    )
    # PyTorch would refuse the second step if a parameter had no part in the first.
    for key in ("distill.loss_statistical", "distill.part_adversarial.penalty"):
        assert sorted(logged_values(tmp_path / "run", key))[-1] == 6
    # Each process has images of its own, and the critics are one all the same.
    one, other = (torch.load(tmp_path / "run" / f"{rank}.pth") for rank in (0, 1))
    assert all(torch.equal(value, other[name]) for name, value in one.items())
