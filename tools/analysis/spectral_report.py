"""Report at which frequencies a network errs, and which grid its decoder needs.

python tools/analysis/spectral_report.py CONFIG CHECKPOINT [--out DIR]

Tests the network on its config's test data, as it is and with its decode head on
smaller grids, and writes DIR/report.md, spectrum.png, curves.csv and grids.csv: R(v),
the cross-entropy and the IoU by frequency, how far the gradient of a frequency stays at
that frequency, operations, IoU and FPI for each grid, and the grid to take. Nothing is
trained.
"""

import argparse
import copy
import pickle
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.config import Config, DictAction
from mmengine.hooks import Hook
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmengine.utils import ProgressBar
from torch import nn

from texture_kd.compat import install

Size = tuple[int, int]


def main() -> None:
    """Measure, and say where the report is."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", help="config of a segmentor")
    parser.add_argument("checkpoint", help="its trained weights")
    parser.add_argument("--out", default="work_dirs/spectral_report", metavar="DIR")
    parser.add_argument(
        "--grids",
        type=int,
        nargs="+",
        default=[],
        metavar="N",
        help="grids of N x N samples; default: a half and a quarter of the features'",
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        default=0.05,
        metavar="R",
        help="share of the cross-entropy that may be missed (default: 0.05)",
    )
    parser.add_argument(
        "--crop",
        type=int,
        nargs=2,
        metavar=("H", "W"),
        help="middle of each image, where their sizes differ",
    )
    parser.add_argument(
        "--layer",
        default="decode_head.bottleneck",
        metavar="NAME",
        help="layer whose spectral gradient is measured "
        "(default: decode_head.bottleneck, as of PSPNet and DeepLab)",
    )
    parser.add_argument(
        "--probes",
        type=int,
        default=4,
        metavar="N",
        help="batches for the spectral gradient (default: 4)",
    )
    parser.add_argument("--cfg-options", nargs="+", action=DictAction, default={})
    args = parser.parse_args()
    if not args.tolerance > 0:
        parser.error("--tolerance takes a share above 0")
    if args.probes < 1 or any(grid < 1 for grid in args.grids):
        parser.error("--probes and --grids take numbers of at least 1")
    install()
    try:
        print(f"\n{report(args)}")
    except (OSError, ValueError) as error:
        parser.error(str(error))


def report(args: argparse.Namespace) -> Path:
    """Measure and write.

    Returns:
        Path of the report.

    Raises:
        OSError: a file cannot be read or written.
        ValueError: the config has no segmentor, a grid is larger than the features, or
            the images have several sizes.
    """
    from texture_kd.analysis.spectral_figure import spectrum_figure
    from texture_kd.analysis.spectral_report import (
        Grid,
        Scale,
        curves_csv,
        grids_csv,
        markdown,
    )

    out = Path(args.out)
    runner = build(args, out)
    load(runner)
    # What may be wrong with the options shows before anything takes its time.
    probes = probe(runner, args.layer, args.probes)
    view, covered = sizes(runner)
    head = runner.model.decode_head = truncated_head(runner)
    choices = [head.grid, *(args.grids or shares(head.grid))]
    costs = [cost(runner.model, grid, view) for grid in choices]

    runner.register_hook(Progress())
    figures = [test(runner, choices[0])]
    analysis = runner.test_evaluator.metrics.pop(0).analysis
    figures += [test(runner, grid) for grid in choices[1:]]
    scale = Scale(*(n / m for n, m in zip(analysis.size, covered, strict=True)))
    grids = [
        Grid(size, scale.limit(size), gflops, miou)
        for (size, gflops), miou in zip(costs, figures, strict=True)
    ]
    title = f"{Path(args.config).stem}, {Path(args.checkpoint).name}"
    text = markdown(title, analysis, grids, scale, probes, args.layer, args.tolerance)
    (out / "report.md").write_text(text, encoding="utf-8")
    (out / "curves.csv").write_text(curves_csv(analysis), newline="", encoding="utf-8")
    (out / "grids.csv").write_text(
        grids_csv(analysis, grids), newline="", encoding="utf-8"
    )
    spectrum_figure(analysis, args.tolerance).savefig(out / "spectrum.png", dpi=120)
    return out / "report.md"


class Progress(Hook):
    """A bar of the images that are tested."""

    def before_test(self, runner: Runner) -> None:
        """Start at the left."""
        self.bar = ProgressBar(len(runner.test_dataloader))

    def after_test_iter(self, *args: object, **options: object) -> None:
        """Move on."""
        self.bar.update()


def build(args: argparse.Namespace, out: Path) -> Runner:
    """Build what tests the network.

    Raises:
        OSError: the config cannot be read.
        ValueError: it has no segmentor.
    """
    from texture_kd.decode_heads import truncation_options

    config = Config.fromfile(args.config)
    config.merge_from_dict(args.cfg_options)
    if not isinstance(config.get("model", {}).get("decode_head"), dict):
        raise ValueError(
            f"{args.config} is no config of a segmentor alone with one decode head: of "
            "a distillation give the student's"
        )
    config.load_from = args.checkpoint
    config.work_dir = str(out)
    head = truncation_options(config.model.decode_head)["head"]
    ignored = dict(ignore_index=head.get("ignore_index", 255))
    config.test_evaluator = [
        dict(type="texture_kd.SpectralAnalysisMetric", crop_size=args.crop, **ignored),
        dict(type="IoUMetric", iou_metrics=["mIoU"], **ignored),
    ]
    config.log_level = "WARNING"
    init_default_scope(config.get("default_scope", "mmseg"))
    return Runner.from_cfg(config)


def load(runner: Runner) -> None:
    """Load the checkpoint.

    Raises:
        OSError: there is none.
        ValueError: it is broken.
    """
    try:
        runner.load_or_resume()
    except (RuntimeError, pickle.UnpicklingError) as error:
        raise ValueError(
            f"{runner.cfg.load_from} is no checkpoint, or a broken one"
        ) from error
    runner.model.eval()


def probe(runner: Runner, layer: str, count: int) -> list:
    """Measure the spectral gradient on the first batches."""
    from texture_kd.analysis.spectral_probe import mean_concentration, probe_gradient

    model, found = runner.model, []
    ignored = model.decode_head.ignore_index
    for _, batch in zip(range(count), runner.test_dataloader, strict=False):
        data = model.data_preprocessor(batch, training=False)
        labels = torch.cat([sample.gt_sem_seg.data for sample in data["data_samples"]])
        found.append(probe_gradient(model, data["inputs"], labels, layer, ignored))
    return mean_concentration(found)


def sizes(runner: Runner) -> tuple[Size, tuple[float, float]]:
    """Return the size of what the network sees at once, a window or an image.

    Returns:
        Height and width in the network's pixels, and in those of the labels.
    """
    seen = []
    handle = runner.model.backbone.register_forward_pre_hook(
        lambda _, inputs: seen.append(tuple(inputs[0].shape[-2:]))
    )
    batch = next(iter(runner.test_dataloader))
    with torch.no_grad():
        runner.model.test_step(batch)
    handle.remove()
    data = runner.model.data_preprocessor(batch, training=False)
    whole, label = data["inputs"].shape[-2:], data["data_samples"][0].ori_shape
    height, width = (
        view * labelled / tested
        for view, labelled, tested in zip(seen[0], label, whole, strict=True)
    )
    return seen[0], (height, width)


def truncated_head(runner: Runner) -> nn.Module:
    """Return the network's decode head, made one that takes any grid."""
    from texture_kd.decode_heads import SpectralTruncationHead, truncation_options
    from texture_kd.pruning import fit_to_state

    config = copy.deepcopy(runner.cfg.model.decode_head)
    head = SpectralTruncationHead(**truncation_options(config))
    state = runner.model.decode_head.state_dict()
    fit_to_state(head, state)
    head.load_state_dict(state)
    return head.to(next(runner.model.parameters()).device).eval()


def shares(own: float | int | Sequence[int]) -> list[float] | list[Size]:
    """Return a half and a quarter of a grid."""
    if isinstance(own, float):
        return [own / 2, own / 4]
    height, width = (own, own) if isinstance(own, int) else own
    return [(-(-height // n), -(-width // n)) for n in (2, 4)]


def cost(model: nn.Module, grid: object, view: Size) -> tuple[Size, float]:
    """Return a grid in samples, and 10^9 operations for a view.

    Raises:
        ValueError: the grid is larger than the features.
    """
    from texture_kd.analysis.operations import count_gflops
    from texture_kd.input_channels import input_channels

    model.decode_head.grid = grid
    device = next(model.parameters()).device
    shape = (1, input_channels(model), *view)
    with torch.no_grad():
        features = model.extract_feat(torch.zeros(shape, device=device))
    return model.decode_head.grid_for(features), count_gflops(model, view)


def test(runner: Runner, grid: object) -> float:
    """Return the mean IoU in percent with the decode head on a grid."""
    runner.model.decode_head.grid = grid
    return runner.test()["mIoU"]


if __name__ == "__main__":
    main()
