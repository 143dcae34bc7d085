"""A pruned and truncated student, from its config to the smaller network's test."""

import re
import sys

import torch

STUDENT = "pspnet_r18-w16-d8-half_1xb8-400iters_mosaic-128x128.py"
HOOK = """
custom_hooks = [
    *_base_.custom_hooks,
    dict(type="SoftFilterPruningHook", encoder=0.4, decoder=0.2),
]
"""


def last_miou(output: str) -> float:
    return float(re.findall(r"mIoU: ([\d.]+)", output)[-1])


def test_the_smaller_network_tests_as_the_last_validation(run_warm, tiny, tmp_path):
    config = tiny(STUDENT, HOOK)
    validated = last_miou(
        run_warm("mim", "train", "mmrazor", config, "--work-dir", tmp_path / "run")
    )
    checkpoint, small = tmp_path / "run" / "iter_6.pth", tmp_path / "out" / "small.pth"
    remove = (sys.executable, "tools/remove_filters.py", config)
    table = run_warm(*remove, checkpoint, small, "--shape", "64", "64")
    before, after = (
        [float(x) for x in re.findall(r"[\d.]+", line)]
        for line in table.splitlines()[-2:]
    )
    assert all(n < 0.8 * m for n, m in zip(after, before, strict=True))
    state = torch.load(small)["state_dict"]
    stored = sum(v.numel() for k, v in state.items() if "running" not in k)
    assert stored < 0.8 * before[0] * 1e6

    tested = run_warm("mim", "test", "mmseg", config, "--checkpoint", small)
    assert last_miou(tested) == validated

    again = run_warm(*remove, small, small, ok=False)
    assert "its filters have been removed before" in again
    small.write_bytes(small.read_bytes()[:1000])
    assert "small.pth cannot be read" in run_warm(*remove, small, small, ok=False)
