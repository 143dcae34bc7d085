"""Run DTIEMLoss, forward and backward, each time that a line comes in.

python tools/benchmark/loss_rounds.py OPTIONS N C H W THREADS

A process that another one times: it takes the package from its own PYTHONPATH, such as
the worktree of an earlier commit. OPTIONS are the loss's, as JSON. Of the student's
features the first stage is (N, C, H, W), and the second has twice the channels on half
the grid; the teacher's have four times the channels. It prints where the package is,
and an empty line after each round.
"""

import json
import sys

import torch
from measure import keep_freed_memory

import texture_kd
from texture_kd.losses import DTIEMLoss


def main(options: str, *numbers: str) -> None:
    """Answer each line with another, after a round."""
    n, c, h, w, threads = map(int, numbers)
    options = json.loads(options)
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    keep_freed_memory()
    student = [x.requires_grad_() for x in stages(n, c, h, w)]
    teacher = stages(n, 4 * c, h, w)
    classes = options.get("num_classes")
    labels = [torch.randint(classes, (n, 4 * h, 4 * w))] if classes else []
    loss = DTIEMLoss(3 * c, 12 * c, seed=0, **options)
    print(texture_kd.__file__, flush=True)
    for _ in sys.stdin:
        loss(*student, *teacher, *labels).backward()
        for x in (*student, *loss.parameters()):
            x.grad = None
        print(flush=True)


def stages(n: int, c: int, h: int, w: int) -> list[torch.Tensor]:
    """Return two stages that vary slowly, and from pixel to pixel, behind a ReLU."""
    found = []
    for scale in (1, 2):
        size = (h // scale, w // scale)
        coarse = torch.randn(n, scale * c, *(max(side // 8, 1) for side in size))
        smooth = torch.nn.functional.interpolate(coarse, size, mode="bilinear")
        found.append((smooth + 0.3 * torch.randn_like(smooth)).relu())
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
