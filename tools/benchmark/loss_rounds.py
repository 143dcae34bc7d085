"""Run a loss, forward and backward, each time that a line comes in.

python tools/benchmark/loss_rounds.py CASE

A process that another one times: it takes the package from its own PYTHONPATH, such as
the worktree of an earlier commit. CASE is JSON: the name of the loss, its options, the
sizes (N, C, H, W) of the student's stages, and the threads. The teacher's have four
times the channels. It prints where the package is. A line says what is wanted: a
``round``, or the ``memory`` or the ``launches`` of one; it answers with a line.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from functools import partial

import torch
from measure import keep_freed_memory, kernel_launches, peak_memory
from torch import Tensor, nn
from torch.nn.functional import interpolate

import texture_kd
from texture_kd.losses import CDMLoss, DTIEMLoss

Size = tuple[int, int, int, int]
# By what is asked for.
ANSWERS = {
    "round": lambda call: call(),
    "memory": partial(peak_memory, device=torch.device("cpu")),
    "launches": kernel_launches,
}


def main(loss: str, options: Mapping, stages: Sequence[Size], threads: int) -> None:
    """Answer each line with another."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    keep_freed_memory()
    student = [texture(n, c, h, w).requires_grad_() for n, c, h, w in stages]
    teacher = [texture(n, 4 * c, h, w) for n, c, h, w in stages]
    classes = options.get("num_classes")
    n, _, h, w = stages[0]
    labels = [torch.randint(classes, (n, 4 * h, 4 * w))] if classes else []
    module = built(loss, options, sum(c for _, c, _, _ in stages))

    def call() -> None:
        module(*student, *teacher, *labels).backward()
        for x in (*student, *module.parameters()):
            x.grad = None

    print(texture_kd.__file__, flush=True)
    for line in sys.stdin:
        print(ANSWERS[line.strip()](call), flush=True)


def texture(n: int, c: int, h: int, w: int) -> Tensor:
    """Return a stage that varies slowly, and from pixel to pixel, behind a ReLU."""
    coarse = torch.randn(n, c, max(h // 8, 1), max(w // 8, 1))
    smooth = interpolate(coarse, (h, w), mode="bilinear")
    return (smooth + 0.3 * torch.randn_like(smooth)).relu()


def built(loss: str, options: Mapping, channels: int) -> nn.Module:
    """Build a loss of a student's channels and four times as many of a teacher."""
    if loss == "DTIEMLoss":
        return DTIEMLoss(channels, 4 * channels, seed=0, **options)
    if loss == "CDMLoss":
        return CDMLoss(channels, 4 * channels, **options)
    return Aligned(channels, loss, options)


class Aligned(nn.Module):
    """A loss of MMRazor, between a teacher and a student of its channels.

    Args:
        channels: of the student; the teacher has four times as many.
        loss: name of the loss.
        options: of the loss.
    """

    def __init__(self, channels: int, loss: str, options: Mapping) -> None:
        from mmrazor.models import losses

        super().__init__()
        self.align = nn.Conv2d(channels, 4 * channels, 1, bias=False)
        self.loss = getattr(losses, loss)(**options)

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Compute the loss."""
        return self.loss(self.align(student), teacher)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
