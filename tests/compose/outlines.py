"""What a distillation's config says, in a form that can be compared.

``python tests/compose/outlines.py CONFIGS > tests/compose/removed_configs.json`` wrote
what was removed of the folder ``configs`` as it was at the commit 0fb1723.
"""

import json
import re
import sys
from collections.abc import Mapping
from inspect import signature
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmrazor.registry import MODELS

from texture_kd import components  # noqa: F401  (registers what the configs name)

# Method, student and data of the names of those that were removed.
REMOVED = (
    "(cwd|ds2d2|fakd|fitnet|lfd|lsfd|lsfd-fft|skd|sstkd|sstkd-lsfd|texture)"
    "_pspnet_r101-d8_(pspnet_r18-d8(?:-half)?|deeplabv3_r18-d8|pspnet_efficientnet-b1)_"
    "(4xb4-80k_(?:cityscapes|ade20k|voc12aug)-512x512|1xb16-80k_camvid-360x480)"
)
KEPT = "texture_pspnet_r101-d8_pspnet_r18-d8_4xb4-80k_cityscapes-512x512"
# What heads have by default, and names for what a network has of the data.
DEFAULTS = dict(ignore_index=255, use_sigmoid=False)
OF_THE_DATA = dict(num_classes="classes", size="crop")
PLAIN = dict(GroundTruth="labels", ValidArea="valid", DataSamples="samples")


def outline(config: Config) -> dict[str, Any]:
    """Return what a distillation's config says, as JSON has it.

    Args:
        config: with a ``TextureDistill``.

    Returns:
        Networks and terms without defaults, where what is of the data goes by a name;
        the recipe; and what is of the data.
    """
    model = config.model.to_dict()
    student = model["architecture"]
    optimizer = config.optim_wrapper.to_dict()
    found = dict(
        student=network(student),
        teacher=network(model["teacher"]),
        terms=terms(model["distiller"]),
        recipe=dict(
            optimizer=optimizer.get("architecture", optimizer)["optimizer"],
            critic=optimizer.get("critic"),
            schedule=config.param_scheduler,
            iterations=config.train_cfg.max_iters,
        ),
        data=dict(
            dataset=re.search(r"\w+Dataset", str(config.train_dataloader.dataset))[0],
            classes=classes(student["decode_head"]),
            crop=config.crop_size if "crop_size" in config else crop(config),
            batch=config.train_dataloader.batch_size,
            teacher=model["teacher_ckpt"],
        ),
        padded=student["data_preprocessor"]["size"],
    )
    return json.loads(json.dumps(found))


def crop(config: Config) -> tuple[int, int]:
    """Return the size of the training's crops."""
    (step,) = (x for x in config.train_pipeline if x.type == "RandomCrop")
    return step.crop_size


def network(part: Any) -> Any:
    """Return a network's config without defaults, scopes and what is of the data."""
    if isinstance(part, (list, tuple)):
        return [network(item) for item in part]
    if not isinstance(part, Mapping):
        return "trained" if str(part).startswith("work_dirs/") else part
    found = {}
    for key, value in part.items():
        if key != "_scope_" and value is not None and DEFAULTS.get(key) != value:
            value = OF_THE_DATA.get(key) or network(value)
            found[key] = value.rpartition(".")[2] if key == "type" else value
    return {key: value for key, value in found.items() if value != {}}


def classes(head: Mapping[str, Any]) -> int:
    """Return the number of classes of a head, or of the one that it wraps."""
    return classes(head["head"]) if "head" in head else head["num_classes"]


def terms(distiller: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return each loss with its options, and the sources of its arguments as ``of``."""
    mappings = distiller["loss_forward_mappings"]
    return {
        name: options(loss)
        | dict(of={k: source(distiller, **x) for k, x in mappings[name].items()})
        for name, loss in distiller["distill_losses"].items()
    }


def options(loss: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config of a loss without its class' defaults."""
    parameters = signature(MODELS.get(loss["type"])).parameters
    return {
        key: OF_THE_DATA.get(key) or network(value)
        for key, value in loss.items()
        if key not in parameters or parameters[key].default != value
    }


def source(
    distiller: Mapping[str, Any],
    from_student: bool,
    recorder: str,
    data_idx: int | None = None,
    connector: str | None = None,
) -> Any:
    """Return the modules that an argument is of, with the connector if there is one."""
    side = "student" if from_student else "teacher"
    config = distiller[f"{side}_recorders"][recorder]
    if config["type"] in PLAIN:
        return PLAIN[config["type"]]
    modules = config["source"]
    modules = modules if isinstance(modules, str) else " and ".join(modules)
    kind = config["type"].replace("ModuleOutputs", "").replace("ModuleInputs", "input")
    item = "" if data_idx is None else str(data_idx)
    found = " ".join(filter(None, (side, modules, kind, item)))
    return [found, distiller["connectors"][connector]] if connector else found


def removed(folder: Path) -> dict[str, dict]:
    """Return what the removed configs of a folder said, each thing once."""
    found: dict[str, dict] = {}

    def note(kind: str, name: str, value: Any) -> None:
        """Keep a value: configs of a kind differ in their data alone."""
        assert found.setdefault(kind, {}).setdefault(name, value) == value, (kind, name)

    for path in sorted(folder.glob("*.py")):
        match = re.fullmatch(REMOVED, path.stem)
        if not match or path.stem == KEPT:
            continue
        method, student, data = match.groups()
        seen = outline(Config.fromfile(path))
        note("networks", student, seen["student"])
        note("networks", "teacher", seen["teacher"])
        note("terms", f"{method} {student}", seen["terms"])
        note("recipes", "critic" if seen["recipe"]["critic"] else "", seen["recipe"])
        note("data", data, seen["data"])
        kinds = found.setdefault("configs", {})
        kinds.setdefault(f"{method} {student}", []).append(data)
    return found


def text(value: Any, depth: int = 3, indent: str = "") -> str:
    """Return JSON whose lines break down to a depth."""
    if depth == 0 or not isinstance(value, dict):
        return json.dumps(value)
    inner = f"{indent} "
    lines = (
        f"{inner}{json.dumps(k)}: {text(v, depth - 1, inner)}" for k, v in value.items()
    )
    return "{\n" + ",\n".join(lines) + f"\n{indent}}}"


if __name__ == "__main__":
    print(text(removed(Path(sys.argv[1]))))
