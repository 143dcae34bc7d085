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
from collections.abc import Iterator
from pathlib import Path

import torch
from mmengine.analysis import get_model_complexity_info
from mmengine.config import Config, DictAction
from mmengine.hooks import Hook
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmengine.utils import ProgressBar
from torch import nn

from texture_kd.compat import install


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
    from texture_kd.analysis.spectral_report import curves_csv, grids_csv, markdown

    out = Path(args.out)
    runner = build(args, out)
    runner.test()
    analysis = runner.test_evaluator.metrics[0].analysis
    probes = probe(runner, args.layer, args.probes)
    grids = list(measure_grids(runner, args.grids, analysis.size))
    title = f"{Path(args.config).stem}, {Path(args.checkpoint).name}"
    text = markdown(title, analysis, grids, probes, args.layer, args.tolerance)
    (out / "report.md").write_text(text)
    (out / "curves.csv").write_text(curves_csv(analysis), newline="")
    (out / "grids.csv").write_text(grids_csv(analysis, grids), newline="")
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
    config = Config.fromfile(args.config)
    config.merge_from_dict(args.cfg_options)
    if "decode_head" not in config.get("model", {}):
        raise ValueError(
            f"{args.config} is no config of a segmentor alone: give that of the student"
        )
    config.load_from = args.checkpoint
    config.work_dir = str(out)
    config.test_evaluator = [
        dict(type="texture_kd.SpectralAnalysisMetric", crop_size=args.crop),
        dict(type="IoUMetric", iou_metrics=["mIoU"]),
    ]
    config.log_level = "WARNING"
    init_default_scope(config.get("default_scope", "mmseg"))
    runner = Runner.from_cfg(config)
    runner.register_hook(Progress())
    return runner


def probe(runner: Runner, layer: str, count: int) -> list:
    """Measure the spectral gradient on the first batches."""
    from texture_kd.analysis.spectral_probe import mean_concentration, probe_gradient

    model, found = runner.model, []
    for _, batch in zip(range(count), runner.test_dataloader, strict=False):
        data = model.data_preprocessor(batch, training=False)
        labels = [sample.gt_sem_seg.data for sample in data["data_samples"]]
        found.append(probe_gradient(model, data["inputs"], torch.cat(labels), layer))
    return mean_concentration(found)


def measure_grids(runner: Runner, sizes: list[int], shape: tuple[int, int]) -> Iterator:
    """Test the network with its decode head on each grid, its own first."""
    from texture_kd.analysis.spectral_report import Grid
    from texture_kd.decode_heads import SpectralTruncationHead

    # A second test leaves the analysis of the first as it is.
    runner.test_evaluator.metrics = runner.test_evaluator.metrics[1:]
    model = runner.model
    config = copy.deepcopy(runner.cfg.model.decode_head)
    own = config.get("grid", 1.0)
    stock = config.get("head", config)
    shape = model.data_preprocessor.size or shape
    for grid in [own, *(sizes or shares(own))]:
        head = SpectralTruncationHead(grid, stock)
        head.load_state_dict(model.decode_head.state_dict())
        model.decode_head = head.to(next(model.parameters()).device).eval()
        size = truncated_size(model, shape)
        figures = runner.test()
        yield Grid(size, gflops(model, shape), figures["mIoU"])


def shares(own: float | int | list[int]) -> list[float] | list[tuple[int, int]]:
    """Return a half and a quarter of a grid."""
    if isinstance(own, float):
        return [own / 2, own / 4]
    height, width = (own, own) if isinstance(own, int) else own
    return [(-(-height // n), -(-width // n)) for n in (2, 4)]


def truncated_size(model: nn.Module, shape: tuple[int, int]) -> tuple[int, int]:
    """Return the grid in samples, for an image of a shape."""
    device = next(model.parameters()).device
    with torch.no_grad():
        features = model.extract_feat(torch.zeros(1, 3, *shape, device=device))
    return model.decode_head.grid_for(features)


def gflops(model: nn.Module, shape: tuple[int, int]) -> float:
    """Count 10^9 operations for an image, without the auxiliary head."""
    # MMEngine counts multiply-accumulates.
    return (
        2e-9
        * get_model_complexity_info(
            model, (3, *shape), show_table=False, show_arch=False
        )["flops"]
    )


if __name__ == "__main__":
    main()
