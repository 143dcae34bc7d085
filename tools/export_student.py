"""Export the student of a distillation, as MMSegmentation or ONNX has it.

python tools/export_student.py CHECKPOINT -o student.pth
python tools/export_student.py CHECKPOINT -o student.onnx [--shape H W] [--static]

CHECKPOINT is what training wrote, of a distillation or of a network alone. The config
is in it and read as values, and what its custom_imports name is imported.
MMSegmentation alone loads student.pth, with the config student.py that is written
beside it. student.onnx takes normalised images of any size, and is compared with
PyTorch at several sizes before it is kept.
"""

import argparse
import copy
import json
import logging
import sys
from importlib.util import find_spec
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.utils import import_modules_from_strings
from torch import nn

from texture_kd.compat import install
from texture_kd.predicting_head import predicting_head

# Of the largest logit: what another order of summation makes of float32.
TOLERANCE = 1e-3
HEADER = "# A student, for MMSegmentation alone.\n"


def main() -> None:
    """Export, and say what was written."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", help="path or URL")
    parser.add_argument("-o", "--out", required=True, help="a .pth or .onnx file")
    parser.add_argument(
        "--shape",
        type=int,
        nargs=2,
        metavar=("H", "W"),
        help="size of the image that an ONNX graph is traced with "
        "(default: that of the training's crops)",
    )
    parser.add_argument(
        "--static", action="store_true", help="an ONNX graph for this size alone"
    )
    args = parser.parse_args()
    out = Path(args.out)
    if out.suffix not in (".pth", ".onnx"):
        parser.error(f"--out takes a .pth or an .onnx file, not {out}")
    if args.shape and min(args.shape) < 1:
        parser.error("--shape takes a height and a width of at least 1")
    install()
    try:
        print(export(args, out))
    except (ImportError, OSError, ValueError) as error:
        parser.error(str(error))


def export(args: argparse.Namespace, out: Path) -> str:
    """Write the student's file; return what to say of it.

    Raises:
        ImportError: a package is missing.
        OSError: a file cannot be read or written.
        ValueError: the checkpoint does not fit, or the network cannot be written so.
    """
    from texture_kd.deploy import read_checkpoint, student_config, trained_config

    refuse_to_overwrite(args.checkpoint, out)
    checkpoint = read_checkpoint(args.checkpoint)
    trained = trained_config(checkpoint)
    config = student_config(trained)
    network = build(config, checkpoint)
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".onnx":
        size = tuple(args.shape or crop(config))
        said = write_graph(network, checkpoint, out, size, args.static)
    else:
        said = write_checkpoint(network, config, checkpoint, out)
        said += without_test_data(trained)
    return f"{out}: {described(network)}\n{said}"


def refuse_to_overwrite(checkpoint: str, out: Path) -> None:
    """Leave alone what no export wrote.

    Raises:
        ValueError: the checkpoint or a config would be overwritten.
    """
    if out.exists() and Path(checkpoint).exists() and out.samefile(checkpoint):
        raise ValueError(f"--out {out} is the checkpoint itself: give another name")
    config = out.with_suffix(".py")
    if out.suffix != ".pth" or not config.exists():
        return
    if not config.read_text(encoding="utf-8").startswith(HEADER):
        raise ValueError(
            f"the student's config goes to {config}, and what is there was not "
            "exported: give another --out"
        )


def write_checkpoint(
    network: nn.Module, config: Config, checkpoint: dict, out: Path
) -> str:
    """Write weights and config for MMSegmentation alone; return what to say of them.

    Raises:
        OSError: a file cannot be written.
        ValueError: MMSegmentation does not have a part of the network.
    """
    from texture_kd.deploy import package_types
    from texture_kd.pruning import REMOVED
    from texture_kd.whole_file import replaced

    ours = package_types(config.model)
    if checkpoint["meta"].get(REMOVED):
        ours.append("layers without the filters that were removed")
    if ours:
        raise ValueError(
            f"MMSegmentation alone does not have {', '.join(ours)}: export to .onnx, "
            "or load the checkpoint with a config that has custom_imports=dict("
            "imports=['texture_kd.components'])"
        )
    text = config.pretty_text
    kept = ("epoch", "iter", "seed", "dataset_meta", "mmengine_version")
    meta = {key: checkpoint["meta"][key] for key in kept if key in checkpoint["meta"]}
    content = dict(meta=dict(meta, cfg=text), state_dict=network.state_dict())
    with replaced(out) as weights, replaced(out.with_suffix(".py")) as path:
        torch.save(content, weights)
        path.write_text(f"{HEADER}{text}\n", encoding="utf-8")
    return f"Its config: {out.with_suffix('.py')}"


def without_test_data(trained: Config) -> str:
    """Say why the config tests nothing, if so."""
    from texture_kd.deploy import left_out

    foreign = left_out(trained)
    if not foreign:
        return ""
    return f", without test data, which need {', '.join(foreign)} of texture_kd"


def write_graph(
    network: nn.Module,
    checkpoint: dict,
    out: Path,
    size: tuple[int, int],
    static: bool,
) -> str:
    """Write an ONNX graph that agrees with PyTorch; return what to say of it.

    Raises:
        ImportError: a package is missing.
        OSError: the file cannot be written.
        ValueError: the network does not export.
    """
    from texture_kd.deploy import export_onnx, largest_difference
    from texture_kd.whole_file import replaced

    missing = [name for name in ("onnxruntime", "onnxscript") if not find_spec(name)]
    if missing:
        raise ImportError(
            f"a graph needs {' and '.join(missing)}: pip install '.[onnx]' in the "
            "root of texture_kd"
        )
    # It names each operator of packages that are not installed.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    height, width = size
    sizes = [size]
    if not static:
        # Sizes that no stride divides, and others that all do.
        sizes += [(height + 13, width + 29), (height + 32, width + 64)]
    free = "of one size" if static else "of any size, which may take minutes"
    print(f"Tracing a graph for images {free} ...", file=sys.stderr, flush=True)
    with replaced(out) as path:
        try:
            export_onnx(network, path, size, static, facts(network, checkpoint))
            difference = largest_difference(network, path, sizes)
            if not difference <= TOLERANCE:
                raise ValueError(f"logits differ by {difference:.2g} of the largest")
        except (torch.onnx.OnnxExporterError, ValueError) as error:
            advice = "" if static else ". For images of one size try --static"
            raise ValueError(
                f"the network does not export to ONNX: {error}{advice}"
            ) from error
    return (
        f"Largest difference from PyTorch, as a share of the largest logit: "
        f"{difference:.1e}, with images of {', '.join(f'{h}x{w}' for h, w in sizes)}"
    )


def build(config: Config, checkpoint: dict) -> nn.Module:
    """Build the segmentor of a config with the weights of a checkpoint.

    Raises:
        ImportError: a module of the training's custom_imports is missing.
        ValueError: the weights do not fit, or nothing has registered a type.
    """
    import mmseg.visualization  # noqa: F401  register_all_modules leaves it out.
    from mmseg.registry import MODELS
    from mmseg.utils import register_all_modules

    import texture_kd.components  # noqa: F401
    from texture_kd.analysis.unknown_types import unknown_types
    from texture_kd.deploy import student_weights
    from texture_kd.pruning import REMOVED, fit_to_state

    register_all_modules(init_default_scope=False)
    import_modules_from_strings(**config.get("custom_imports", dict(imports=[])))
    # MMEngine would import and call whatever else a checkpoint may name.
    strange = unknown_types(config.to_dict())
    if strange:
        raise ValueError(
            f"{strange[0]}: the training's custom_imports have to name the module that "
            "registers it"
        )
    with DefaultScope.overwrite_default_scope("mmseg"):
        # Building writes into its config.
        network = MODELS.build(copy.deepcopy(config.model)).eval()
    state = student_weights(checkpoint["state_dict"])
    if checkpoint["meta"].get(REMOVED):
        fit_to_state(network, state)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(
            f"the checkpoint's weights do not fit its own config: {error}"
        ) from error
    return network


def crop(config: Config) -> tuple[int, int]:
    """Return the size of the images that a network was trained on."""
    size = config.model.get("data_preprocessor", {}).get("size")
    return tuple(size) if size else (512, 512)


def facts(network: nn.Module, checkpoint: dict) -> dict[str, str]:
    """Return what who runs a graph has to know of it, as JSON.

    Raises:
        ValueError: images are normalised more than once.
    """
    from texture_kd.deploy import preparation, student_config, trained_config

    pipeline = student_config(trained_config(checkpoint)).test_pipeline
    known = dict(
        **preparation(network, pipeline)._asdict(),
        classes=checkpoint["meta"].get("dataset_meta", {}).get("classes"),
    )
    return {name: json.dumps(value) for name, value in known.items()}


def described(network: nn.Module) -> str:
    """Say what a network is."""
    parameters = sum(parameter.numel() for parameter in network.parameters())
    head = predicting_head(network)
    return (
        f"{type(network.backbone).__name__} with {type(head).__name__}, "
        # One channel tells two classes apart.
        f"{max(head.num_classes, 2)} classes, {parameters / 1e6:.3f} M parameters"
    )


if __name__ == "__main__":
    main()
