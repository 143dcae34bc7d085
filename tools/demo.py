"""Train a teacher, a student alone and one distilled by texture, and compare them.

python tools/demo.py [--work-dir DIR] [--iters N]

Everything is procedural (TextureMosaicDataset), so nothing is downloaded. The folder
then holds results.md, comparison.png, and for each network its log and checkpoints.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from texture_kd.compat import install

ROOT = Path(__file__).resolve().parent.parent
TEACHER = "pspnet_r18-w32-d8_1xb8-400iters_mosaic-128x128.py"
STUDENT = "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"
PICTURES = 4


class Run(NamedTuple):
    """One network of the comparison."""

    name: str
    config: str
    options: tuple[str, ...] = ()


class Result(NamedTuple):
    """What a finished run is judged by."""

    miou: float
    seconds: float


def main() -> None:
    """Train, evaluate and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work-dir", type=Path, default=ROOT / "work_dirs" / "demo")
    parser.add_argument("--iters", type=int, help="iterations of each network")
    args = parser.parse_args()
    install()
    runs = demo_runs(args.work_dir)
    for run in runs:
        train(run, args.work_dir / run.name, args.iters)
    results = {run.name: read_result(args.work_dir / run.name) for run in runs}
    table = results_table(results)
    (args.work_dir / "results.md").write_text(table, encoding="utf-8")
    picture = args.work_dir / "comparison.png"
    draw_comparison(runs, args.work_dir, picture)
    print(f"\n{table}\n{picture}\n{args.work_dir / 'results.md'}")


def demo_runs(work_dir: Path) -> list[Run]:
    """List the three networks in the order of their training."""
    teacher_ckpt = work_dir / "teacher" / "last.pth"
    return [
        Run("teacher", TEACHER),
        Run("student", STUDENT),
        Run(
            "distilled",
            f"texture_pspnet_r18-w32-d8_{STUDENT}",
            (f"model.teacher_ckpt={teacher_ckpt}",),
        ),
    ]


def train(run: Run, work_dir: Path, iters: int | None) -> None:
    """Train one network with the command that a user would type."""
    options = list(run.options)
    if iters is not None:
        options += [
            f"train_cfg.max_iters={iters}",
            f"train_cfg.val_interval={iters}",
            f"param_scheduler.0.end={iters}",
            f"default_hooks.checkpoint.interval={iters}",
            f"default_hooks.logger.interval={min(iters, 20)}",
        ]
    command = [
        sys.executable,
        str(ROOT / "tools" / "train.py"),
        str(ROOT / "configs" / run.config),
        f"--work-dir={work_dir}",
    ]
    print(f"\n=== {run.name}: {' '.join(command)}", flush=True)
    subprocess.run(
        command + (["--cfg-options", *options] if options else []), check=True
    )
    last = Path((work_dir / "last_checkpoint").read_text(encoding="utf-8"))
    (work_dir / "last.pth").unlink(missing_ok=True)
    (work_dir / "last.pth").symlink_to(last.name)


def read_result(work_dir: Path) -> Result:
    """Read the last validation and the time of an iteration from a run's log."""
    log = max(work_dir.glob("*/vis_data/scalars.json"))
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    # The first lines of a log hold the start of the data loader's workers.
    times = sorted(line["time"] for line in lines if "loss" in line)
    miou = [line["mIoU"] for line in lines if "mIoU" in line][-1]
    return Result(miou, times[len(times) // 2])


def results_table(results: dict[str, Result]) -> str:
    """Format the results as Markdown."""
    rows = ["| network | mIoU (%) | seconds an iteration |", "|---|---|---|"]
    rows += [
        f"| {name} | {result.miou:.2f} | {result.seconds:.3f} |"
        for name, result in results.items()
    ]
    teacher, student, distilled = (
        results[name].miou for name in ("teacher", "student", "distilled")
    )
    if teacher > student:
        gap = 100 * (distilled - student) / (teacher - student)
        rows.append(f"\nGap between student and teacher closed: {gap:.0f} %\n")
    else:
        rows.append("\nThe teacher is not ahead of the student: no gap to close.\n")
    return "\n".join(rows)


def draw_comparison(runs: list[Run], work_dir: Path, picture: Path) -> None:
    """Draw images, truth, the three predictions, and where they err.

    The students' checkpoints are loaded by plain MMSegmentation.
    """
    import matplotlib

    matplotlib.use("Agg")
    import numpy as np
    from matplotlib import pyplot
    from mmengine.config import Config
    from mmseg.apis import init_model
    from mmseg.registry import DATASETS

    plain = {"distilled": STUDENT}
    models = {
        run.name: init_model(
            str(ROOT / "configs" / plain.get(run.name, run.config)),
            str(work_dir / run.name / "last.pth"),
            device="cpu",
        )
        for run in runs
    }
    config = Config.fromfile(ROOT / "configs" / runs[0].config)
    dataset = DATASETS.build(config.test_dataloader.dataset)
    palette = np.array(dataset.metainfo["palette"], dtype=np.uint8)

    titles = ["image", "truth"]
    titles += [f"{name}{kind}" for name in models for kind in ("", " errors")]
    figure, axes = pyplot.subplots(
        PICTURES, len(titles), figsize=(2 * len(titles), 2 * PICTURES), squeeze=False
    )
    for row, item in zip(axes, dataset, strict=False):
        truth = item["data_samples"].gt_sem_seg.data.squeeze().numpy()
        panels = [item["inputs"].permute(1, 2, 0).numpy()[..., ::-1], palette[truth]]
        for model in models.values():
            batch = dict(inputs=[item["inputs"]], data_samples=[item["data_samples"]])
            predicted = model.test_step(batch)[0].pred_sem_seg.data.squeeze().numpy()
            panels += [palette[predicted], predicted != truth]
        for axis, panel in zip(row, panels, strict=True):
            axis.imshow(panel, cmap="Reds", vmin=0, vmax=1)
            axis.axis("off")
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title)
    figure.tight_layout()
    figure.savefig(picture, dpi=80)


if __name__ == "__main__":
    main()
