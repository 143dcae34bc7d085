"""Compose stock networks in pairs, and take a step of each.

python tools/benchmark/compositions.py [--method METHOD] [--students N] [--teachers N]
    [--out FOLDER]

Each student of MMSegmentation is composed with each teacher, with no option but their
names, for crops of 64x128 and five classes, and takes one step from random weights.
The gradient of the method's terms at the student is told as its norm over that of the
student's own losses. Writes compositions.md and compositions.csv.
"""

import argparse
import time
from pathlib import Path

import torch
from measure import Table, command_line, machine, write_report
from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope
from mmengine.structures import PixelData
from torch import Tensor, nn

from texture_kd.compat import install

SIZE = (64, 128)
# Its head pools windows of 49 cells.
LARGE, WANT_LARGE = (416, 416), ("mobilenet_v3",)
CLASSES = tuple("abcde")
STUDENTS = (
    "pspnet/pspnet_r18-d8_4xb2-80k_cityscapes-512x1024.py",
    "mobilenet_v2/mobilenet-v2-d8_pspnet_4xb2-80k_cityscapes-512x1024.py",
    "mobilenet_v3/mobilenet-v3-d8-s_lraspp_4xb4-320k_cityscapes-512x1024.py",
    "stdc/stdc1_4xb12-80k_cityscapes-512x1024.py",
    "bisenetv1/bisenetv1_r18-d32_4xb4-160k_cityscapes-1024x1024.py",
    "bisenetv2/bisenetv2_fcn_4xb4-160k_cityscapes-1024x1024.py",
    "pidnet/pidnet-s_2xb6-120k_1024x1024-cityscapes.py",
    "ddrnet/ddrnet_23-slim_in1k-pre_2xb6-120k_cityscapes-1024x1024.py",
    "segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512.py",
    "icnet/icnet_r18-d8_4xb2-80k_cityscapes-832x832.py",
    "fastscnn/fast_scnn_8xb4-160k_cityscapes-512x1024.py",
    "unet/unet-s5-d16_fcn_4xb4-160k_cityscapes-512x1024.py",
)
TEACHERS = (
    "pspnet/pspnet_r50-d8_4xb2-80k_cityscapes-512x1024.py",
    "segformer/segformer_mit-b2_8xb2-160k_ade20k-512x512.py",
    "swin/swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512.py",
    "convnext/convnext-tiny_upernet_8xb2-amp-160k_ade20k-512x512.py",
    "ocrnet/ocrnet_hr18_4xb2-80k_cityscapes-512x1024.py",
)
NOTE = """\
Written by `{command}`: the first N of the networks, one step on two images of
{size[0]} x {size[1]} with random weights and labels; {large[0]} x {large[1]} for
MobileNetV3, whose head pools windows of 49 cells. Seconds are those of composing and of
the step, of the building of both networks too. The gradient is the norm of that of all
terms at the student over the norm of that of its own losses.

{machine}."""


def main() -> None:
    """Compose, step, and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--method", default="texture")
    parser.add_argument("--students", type=int, default=len(STUDENTS))
    parser.add_argument("--teachers", type=int, default=len(TEACHERS))
    parser.add_argument("--out", type=Path, default=Path("work_dirs/benchmark"))
    args = parser.parse_args()
    install()
    import texture_kd.components  # noqa: F401

    with DefaultScope.overwrite_default_scope("mmseg"):
        rows = [
            row(student, teacher, args.method)
            for student in STUDENTS[: args.students]
            for teacher in TEACHERS[: args.teachers]
        ]
    note = NOTE.format(
        command=command_line(),
        size=SIZE,
        large=LARGE,
        machine=machine(torch.device("cpu")),
    )
    lines = ["# Compositions", note]
    title = f"Stock networks by {args.method}"
    print(write_report(args.out, "compositions", lines, [Table(title, rows)]))


def row(student: str, teacher: str, method: str) -> dict[str, str | float]:
    """Compose a pair, take a step, and say what was seen."""
    from texture_kd.compose import distillation_model
    from texture_kd.compose.configs import read_config
    from texture_kd.compose.data import on_data

    started = time.perf_counter()
    size = LARGE if student.startswith(WANT_LARGE) else SIZE
    data = Config(
        dict(
            crop_size=size,
            train_dataloader=dict(
                dataset=dict(
                    type="BaseSegDataset",
                    metainfo=dict(classes=CLASSES),
                    pipeline=[dict(type="PackSegInputs")],
                )
            ),
        )
    )
    ours, theirs = (
        on_data(read_config(f"mmseg::{name}"), data).model
        for name in (student, teacher)
    )
    made = distillation_model(ours.to_dict(), theirs.to_dict(), method)
    stages = ", ".join(f"{x.source} ({x.stride})" for x in made.student.stages)
    worth = gradients(made.model, size)
    seconds = time.perf_counter() - started
    print(f"{student} from {teacher}: {worth:.3g}, {seconds:.1f} s", flush=True)
    return {
        "student": student.split("/")[0],
        "teacher": teacher.split("/")[0],
        "stages of the student (strides)": stages,
        "of the teacher": ", ".join(str(x.stride) for x in made.teacher.stages),
        "gradient": worth,
        "seconds": seconds,
    }


def gradients(model: dict, size: tuple[int, int]) -> float:
    """Return the terms' gradient over that of the student's own losses."""
    from mmengine.model import revert_sync_batchnorm
    from mmrazor.registry import MODELS

    torch.manual_seed(0)
    algorithm = revert_sync_batchnorm(MODELS.build(ConfigDict(model))).train()
    losses = algorithm(**algorithm.data_preprocessor(batch(size), True), mode="loss")
    own = {k: v for k, v in losses.items() if k.startswith("student") and "loss" in k}
    terms = {k: v for k, v in losses.items() if k.startswith("distill") and "loss" in k}
    norms = [norm(algorithm.student, total(x)) for x in (terms, own)]
    return norms[0] / norms[1]


def batch(size: tuple[int, int]) -> dict[str, list]:
    """Return two images with labels, and with edges for networks that learn them."""
    from mmseg.structures import SegDataSample

    samples = []
    for seed in range(2):
        generator = torch.Generator().manual_seed(seed)
        labels = torch.randint(len(CLASSES), (1, *size), generator=generator)
        sample = SegDataSample(metainfo=dict(img_shape=size))
        sample.gt_sem_seg = PixelData(data=labels)
        sample.gt_edge_map = PixelData(data=(labels == 0).long())
        samples.append(sample)
    generator = torch.Generator().manual_seed(2)
    images = torch.randint(256, (2, 3, *size), generator=generator).byte()
    return dict(inputs=list(images), data_samples=samples)


def total(losses: dict[str, Tensor | list[Tensor]]) -> Tensor:
    """Return the sum of losses."""
    values = [x for v in losses.values() for x in (v if isinstance(v, list) else [v])]
    return torch.stack([value.mean() for value in values]).sum()


def norm(student: nn.Module, loss: Tensor) -> float:
    """Return the norm of a loss's gradient at the student."""
    student.zero_grad(set_to_none=True)
    loss.backward(retain_graph=True)
    squares = [
        p.grad.square().sum() for p in student.parameters() if p.grad is not None
    ]
    return torch.stack(squares).sum().sqrt().item() if squares else 0.0


if __name__ == "__main__":
    main()
