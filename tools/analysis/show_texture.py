"""Draw the texture of an image or of networks' features, structural or statistical.

    python tools/analysis/show_texture.py IMAGE [-o OUT.png] [--levels 4 3]
    python tools/analysis/show_texture.py IMAGE --config CONFIG \
        [--checkpoint CHECKPOINT] [-o OUT.png]
    python tools/analysis/show_texture.py IMAGE --statistics \
        [--config SSTKD_CONFIG ...] [-o OUT.png]

The first draws the directional (contourlet) subbands of the image's luminance. The
second runs the teacher and the student of a distillation config on the image and draws,
for each stage of a TextureLoss and each CDMLoss, what it compares side by side: the
teacher's subbands, and those of the student's feature with its channels aligned. A band
is drawn as its rms over the channels.

With --statistics the picture is of regions rich in texture, of the self-similarity
that they are chosen on, and of its histograms: with uniform levels, equalised, and
denoised. They are those of the image's colours, or what each DTIEMLoss compares.
"""

import argparse
import pickle
import textwrap
from pathlib import Path
from urllib.error import URLError

import mmcv
import numpy as np
import torch
from matplotlib.figure import Figure
from mmengine.config import Config, DictAction
from mmengine.dataset import Compose, pseudo_collate
from mmengine.logging import MMLogger
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, MODELS, init_default_scope
from mmengine.runner import load_checkpoint

from texture_kd.compat import install
from texture_kd.functional import contourlet
from texture_kd.visualization import (
    Decomposed,
    contourlet_figure,
    sampled_image,
    statistics_figure,
)

IMAGE_OPTIONS = ("levels", "pyramid", "directional")
CONFIG_OPTIONS = ("index", "checkpoint", "channel", "cfg_options")
SUBBAND_OPTIONS = (*IMAGE_OPTIONS, "channel")


def main() -> None:
    """Draw, and say where the picture is."""
    parser = argument_parser()
    args = parser.parse_args()
    check_options(parser, args)
    install()
    try:
        figure = draw(args)
        # Without a suffix matplotlib would append one to the name.
        kind = Path(args.out).suffix[1:] or "png"
        figure.savefig(args.out, dpi=150, format=kind)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    print(args.out)


def argument_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("image", nargs="?", metavar="IMAGE", help="image file")
    source.add_argument(
        "--index",
        type=int,
        metavar="N",
        help="image N of the config's validation data set, in place of a file",
    )
    parser.add_argument("-o", "--out", default="texture.png", metavar="OUT.png")
    parser.add_argument(
        "--statistics",
        action="store_true",
        help="regions and their histograms, in place of subbands",
    )
    image = parser.add_argument_group("for the subbands of an image alone")
    image.add_argument(
        "--levels",
        type=int,
        nargs="+",
        choices=range(1, 7),
        metavar="N",
        help="depth, 1 to 6, of the directional tree at each scale, finest first: 4 3",
    )
    image.add_argument("--pyramid", help="filters of the Laplacian pyramid: maxflat")
    image.add_argument("--directional", help="directional filters: dmaxflat7")
    features = parser.add_argument_group("for the features of teacher and student")
    features.add_argument("--config", help="distillation config")
    features.add_argument("--checkpoint", help="what training with the config wrote")
    features.add_argument(
        "--channel",
        type=int,
        metavar="N",
        help="channel of the teacher whose subbands to draw, with their signs, in "
        "place of the rms",
    )
    features.add_argument(
        "--cfg-options",
        nargs="+",
        action=DictAction,
        metavar="K=V",
        help="of the config",
    )
    return parser


def check_options(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse options that would make no difference."""
    refusals = (
        (SUBBAND_OPTIONS, args.statistics, "is for subbands: leave --statistics out"),
        (
            IMAGE_OPTIONS,
            args.config,
            "is for an image alone: the config's losses have their own",
        ),
        (CONFIG_OPTIONS, not args.config, "needs --config"),
    )
    for names, refused, why in refusals:
        for name in names if refused else ():
            if getattr(args, name) is not None:
                parser.error(f"--{name.replace('_', '-')} {why}")


def draw(args: argparse.Namespace) -> Figure:
    """Draw what is asked for."""
    if args.config:
        return features_figure(args)
    return image_statistics(args) if args.statistics else image_figure(args)


def image_figure(args: argparse.Namespace) -> Figure:
    """Draw the subbands of an image's luminance."""
    luminance = torch.from_numpy(read_image(args.image, "grayscale"))[None, None]
    options = {name: getattr(args, name) for name in IMAGE_OPTIONS}
    bands = contourlet(
        luminance.float(), **{k: v for k, v in options.items() if v is not None}
    )
    return contourlet_figure({args.image: {"luminance": Decomposed(luminance, bands)}})


def image_statistics(args: argparse.Namespace) -> Figure:
    """Draw regions of an image, and the histograms of its colours' self-similarity."""
    # OpenCV gives BGR.
    picture = read_image(args.image, "color")[..., ::-1].copy()
    title = Path(args.image).name
    return statistics_figure({title: {"image": sampled_image(picture)}}, picture)


def features_figure(args: argparse.Namespace) -> Figure:
    """Draw what a distillation compares."""
    # They import MMRazor, for which the bridge has to be installed.
    from texture_kd.visualization.compared_features import compared_features
    from texture_kd.visualization.compared_statistics import compared_statistics

    config = read_config(args.config, args.cfg_options, args.statistics)
    algorithm = build_algorithm(config, args.checkpoint)
    item = (
        from_data_set(config, args.index)
        if args.image is None
        else from_file(config, args.image)
    )
    data = algorithm.data_preprocessor(pseudo_collate([item]))
    # Pipelines give BGR.
    picture = item["inputs"].numpy()[::-1].transpose(1, 2, 0)
    if args.statistics:
        figure = statistics_figure(compared_statistics(algorithm, data), picture)
    else:
        compared = compared_features(algorithm, data)
        figure = contourlet_figure(compared, args.channel, picture)
    source = args.image or f"validation image {args.index}"
    student = args.checkpoint or "untrained, as no --checkpoint was given"
    figure.suptitle(f"{args.config}\n{source}; student: {student}")
    return figure


def read_image(path: str, flag: str) -> np.ndarray:
    """Read an image as mmcv's ``imfrombytes`` does.

    Raises:
        OSError: there is no such file.
        ValueError: it is no image.
    """
    content = Path(path).read_bytes()
    image = mmcv.imfrombytes(content, flag=flag) if content else None
    if image is None:
        raise ValueError(f"{path} is no image that OpenCV reads: give a PNG or JPEG")
    return image


def read_config(path: str, options: dict | None, statistics: bool) -> Config:
    """Read a distillation config, and take its scope for what is built from it.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it has no loss of the kinds that are to be drawn.
    """
    config = Config.fromfile(path)
    config.merge_from_dict(options or {})
    model = config.get("model", {})
    losses = model.get("distiller", {}).get("distill_losses", {})
    types = [str(loss.type) for loss in losses.values()]
    kinds = ("DTIEMLoss",) if statistics else ("TextureLoss", "CDMLoss")
    if not any(kind in name for kind in kinds for name in types):
        method = "sstkd" if statistics else "texture"
        raise ValueError(
            f"{path} has no {' or '.join(kinds)}, so there are no features to compare: "
            f"give a distillation config such as configs/{method}_*.py, or leave "
            "--config out to see the image alone. Subbands are what a TextureLoss or a "
            "CDMLoss compares, and --statistics is for a DTIEMLoss"
        )
    init_default_scope(config.get("default_scope", "mmseg"))
    return config


def build_algorithm(config: Config, checkpoint: str | None) -> BaseModel:
    """Build teacher and student, as they are after training or else before it.

    Raises:
        FileNotFoundError: the teacher's or the student's checkpoint is not there.
        OSError: the weights that the student starts from cannot be downloaded.
        ValueError: one of them does not fit.
    """
    # What is not loaded is drawn at random, and alike at each call.
    torch.manual_seed(0)
    try:
        algorithm = MODELS.build(config.model)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{error} Train it as the config says, or name its file with "
            "--cfg-options model.teacher_ckpt=FILE"
        ) from error
    if checkpoint is None:
        # Its report on every layer is for training.
        MMLogger.get_instance("show_texture", log_level="WARNING")
        try:
            algorithm.init_weights()
        except URLError as error:
            raise OSError(
                f"the weights that training starts from cannot be downloaded: {error}; "
                "give a --checkpoint"
            ) from error
    else:
        load_training(algorithm, checkpoint)
    return algorithm.eval()


def load_training(algorithm: BaseModel, checkpoint: str) -> None:
    """Load what training wrote: the student, and the alignment of its channels.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it cannot be read, or does not fit.
    """
    try:
        load_checkpoint(algorithm, checkpoint, map_location="cpu", strict=True)
    except (RuntimeError, pickle.UnpicklingError) as error:
        cause = "; ".join(filter(None, str(error).splitlines()))
        raise ValueError(
            f"{checkpoint} cannot be loaded, give one that training with this very "
            f"config wrote: {textwrap.shorten(cause, 250)}"
        ) from error


def from_data_set(config: Config, index: int) -> dict:
    """Prepare an image of the validation data set.

    Raises:
        ValueError: there is no such image.
    """
    dataset = DATASETS.build(config.val_dataloader.dataset)
    if not 0 <= index < len(dataset):
        raise ValueError(
            f"there is no image {index} in the validation data set, which has 0 to "
            f"{len(dataset) - 1}"
        )
    return dataset[index]


def from_file(config: Config, path: str) -> dict:
    """Prepare an image file as the config's test pipeline does.

    Raises:
        OSError: there is no such file.
        ValueError: it is no image.
    """
    # The file takes the place of what the pipeline loads: an image and its labels.
    steps = [step for step in config.test_pipeline if "Load" not in str(step["type"])]
    pipeline = Compose([dict(type="mmseg.LoadImageFromNDArray"), *steps])
    return pipeline(dict(img=read_image(path, "color")))


if __name__ == "__main__":
    main()
