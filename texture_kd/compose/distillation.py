"""A distillation's config, of the configs of two networks."""

import copy
from collections.abc import Mapping, Sequence
from inspect import signature
from typing import Any, NamedTuple

import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmrazor.registry import MODELS
from mmseg.registry import MODELS as NETWORKS

from texture_kd.analysis.sentences import words
from texture_kd.compose.configs import classes_of, heads_of, start_from_scratch
from texture_kd.compose.distiller import distiller_config
from texture_kd.compose.networks import Network, looked_at
from texture_kd.compose.pairs import paired
from texture_kd.faults import PROBLEMS
from texture_kd.recipes import Term
from texture_kd.recipes.method import method_terms, reads_stages

__all__ = [
    "Distillation",
    "check_pair",
    "distillation_model",
    "distilled",
    "trained_alone",
]

# Top-level names of a training's config beside the runner's own.
_KEPT = {
    *signature(Runner).parameters,
    "auto_scale_lr",
    "compile",
    "custom_imports",
    "data_preprocessor",
    "find_unused_parameters",
    "model_wrapper_cfg",
    "sync_bn",
    "test_pipeline",
    "train_pipeline",
    "tta_model",
    "tta_pipeline",
    "val_pipeline",
} - {"cfg", "launcher", "work_dir", "experiment_name"}
_FIRST = (
    "default_scope",
    "custom_imports",
    "train_pipeline",
    "val_pipeline",
    "test_pipeline",
    "tta_pipeline",
    "train_dataloader",
    "val_dataloader",
    "test_dataloader",
    "val_evaluator",
    "test_evaluator",
    "optim_wrapper",
    "param_scheduler",
    "train_cfg",
    "val_cfg",
    "test_cfg",
    "default_hooks",
    "custom_hooks",
)
_LAST = ("data_preprocessor", "model")
_COMPONENTS = "texture_kd.components"
# Those of configs/_base_/default_runtime.py.
_HOOKS = (
    "CriticOptimizerCheckHook",
    "FiniteLossHook",
    "LossRatioHook",
    "NumClassesCheckHook",
    "PlainStudentHook",
    "RandomStateHook",
    "TeacherMetricHook",
)
_NORMALISATION = ("mean", "std", "bgr_to_rgb", "rgb_to_bgr")


class Distillation(NamedTuple):
    """A model of two networks, and what was found of them.

    Attributes:
        model: config of ``TextureDistill``.
        student: what is compared of the student.
        teacher: as many stages of the teacher.
        imports: modules with losses of one's own, which register them.
        notes: what was changed, in sentences.
    """

    model: dict[str, Any]
    student: Network
    teacher: Network
    imports: tuple[str, ...]
    notes: tuple[str, ...]


def distillation_model(
    student: Mapping[str, Any],
    teacher: Mapping[str, Any],
    method: str = "texture",
    teacher_ckpt: str | None = None,
    student_stages: Sequence[str] | None = None,
    teacher_stages: Sequence[str] | None = None,
    **options: Any,
) -> Distillation:
    """Return the model of a distillation by one of the methods.

    Both networks are built once, with random weights, to see what there is of them:
    stages, channels, and the module that returns the logits.

    Args:
        student: config of the student's model.
        teacher: config of the teacher's model.
        method: name in :data:`texture_kd.recipes.METHODS`, or where a function
            like those is, ``package.module:function``.
        teacher_ckpt: path or URL of the teacher's checkpoint.
        student_stages: sources of the student's stages, as ``StagesRecorder`` takes
            them; by default they are found.
        teacher_stages: the same of the teacher.
        **options: of the method.

    Raises:
        ValueError: stages are not found, the two networks predict different classes, or
            the method has no such option.
    """
    student, teacher = copy.deepcopy(dict(student)), copy.deepcopy(dict(teacher))
    notes = _same_images(student, teacher)
    # Its checkpoint follows.
    start_from_scratch(teacher)
    backbone = NETWORKS.get(teacher["backbone"]["type"])
    if backbone is None or "init_cfg" in signature(backbone).parameters:
        teacher["backbone"]["init_cfg"] = None
    for network in (student, teacher):
        _scope_preprocessor(network)
    if not reads_stages(method):
        student_stages = teacher_stages = ()
    ours = looked_at("student", student, student_stages)
    theirs = looked_at("teacher", teacher, teacher_stages)
    pairs = paired(*([x.stride for x in side.stages] for side in (ours, theirs)))
    ours = ours.chosen([i for i, _ in pairs])
    theirs = theirs.chosen([j for _, j in pairs])
    terms = method_terms(method, ours.shapes, theirs.shapes, options)
    _try_terms(terms)
    imports = _imports(terms)
    model = dict(
        _scope_="mmrazor",
        type="TextureDistill",
        architecture=student,
        teacher=teacher,
        teacher_ckpt=teacher_ckpt,
        distiller=distiller_config(terms, ours, theirs),
    )
    return Distillation(model, ours, theirs, imports, tuple(notes))


def _try_terms(terms: Mapping[str, Term]) -> None:
    """Build the losses once, for what their options are refused for."""
    with torch.random.fork_rng(devices=[]):
        for name, term in terms.items():
            try:
                term.build()
            except PROBLEMS as error:
                raise ValueError(f"{name}: {words(error)}") from error


def _imports(terms: Mapping[str, Term]) -> tuple[str, ...]:
    """Return the modules of losses that are not this package's."""
    modules = {}
    for name, term in terms.items():
        loss = term.loss
        kind = loss.__name__ if isinstance(loss, type) else type(loss).__name__
        if MODELS.get(kind) is not loss:
            raise ValueError(
                f"{name}: a config names a loss by its class, and {kind} is none that "
                "mmrazor.registry.MODELS knows: write @MODELS.register_module() above "
                "it, and give the term the class with options"
            )
        if not loss.__module__.startswith("texture_kd."):
            modules[loss.__module__] = None
    return tuple(modules)


def _same_images(student: dict, teacher: dict) -> list[str]:
    """Give the student the images that the teacher was trained on."""
    if not student.get("data_preprocessor"):
        student["data_preprocessor"] = copy.deepcopy(teacher.get("data_preprocessor"))
    ours = student.get("data_preprocessor") or {}
    theirs = teacher.get("data_preprocessor") or {}
    changed = [
        name
        for name in _NORMALISATION
        if theirs and (ours.get(name) or None) != (theirs.get(name) or None)
    ]
    channels = [len(x.get("mean") or ()) for x in (ours, theirs)]
    if all(channels) and channels[0] != channels[1]:
        raise ValueError(
            f"the student takes images of {channels[0]} channels and the teacher of "
            f"{channels[1]}, as the means of their data preprocessors say: both must "
            "take the same"
        )
    for name in changed:
        ours[name] = theirs.get(name)
    if not changed:
        return []
    return [f"the student gets the teacher's images: its {' and '.join(changed)}"]


def _scope_preprocessor(model: dict) -> None:
    """Have MMRazor find a data preprocessor of MMSegmentation."""
    preprocessor = model.get("data_preprocessor") or {}
    if preprocessor.get("type") == "SegDataPreProcessor":
        preprocessor["type"] = "mmseg.SegDataPreProcessor"


def check_pair(student: Config, teacher: Config) -> None:
    """Refuse networks that do not predict the same.

    Args:
        student: config of the student's training.
        teacher: config of the teacher's.

    Raises:
        ValueError: the classes or the ignored labels differ.
    """
    ours, theirs = (list(heads_of(x.model))[-1] for x in (student, teacher))
    for name, default in (("num_classes", None), ("ignore_index", 255)):
        a, b = (head.get(name, default) for head in (ours, theirs))
        if a != b:
            raise ValueError(
                f"the student's decode head has {name}={a} and the teacher's {b}: put "
                "both on one data set by --data DATA_CONFIG"
            )
    named = [classes_of(config) for config in (student, teacher)]
    if None not in named and named[0] != named[1]:
        raise ValueError(
            f"the student's data set has the classes {', '.join(named[0])}, and the "
            f"teacher's {', '.join(named[1])}: put both on one by --data DATA_CONFIG"
        )


def distilled(student: Config, distillation: Distillation) -> dict[str, Any]:
    """Return the training of a student with another model.

    Args:
        student: config of its training.
        distillation: the model.
    """
    config = trained_alone(student)
    config["custom_imports"]["imports"] += distillation.imports
    hooks = [x for x in config.get("custom_hooks") or () if x["type"] not in _HOOKS]
    config["custom_hooks"] = [*hooks, *(dict(type=name) for name in _HOOKS)]
    model = distillation.model
    losses = model["distiller"]["distill_losses"].values()
    if any(loss["type"] == "AdversarialLoss" for loss in losses):
        config["optim_wrapper"] = _with_critic(config["optim_wrapper"])
    student, teacher = model["architecture"], model["teacher"]
    config["data_preprocessor"] = student["data_preprocessor"]
    config = {key: config[key] for key in sorted(config, key=_place) if key != "model"}
    return dict(
        config,
        student=student,
        teacher=teacher,
        distiller=model["distiller"],
        model=model,
    )


def _with_critic(optim_wrapper: Mapping[str, Any]) -> dict[str, Any]:
    """Return the student's optimiser beside one for the critic."""
    adam = dict(type="Adam", lr=4e-4, betas=(0.0, 0.9))
    return dict(
        constructor="CriticOptimWrapperConstructor",
        architecture=optim_wrapper,
        critic=dict(type="OptimWrapper", optimizer=adam),
    )


def trained_alone(config: Config) -> dict[str, Any]:
    """Return a network's training, without names that nothing reads.

    Args:
        config: of the training.

    Returns:
        Plain values: imports, data, schedule, runtime, and the model last.
    """
    plain = {k: v for k, v in config.to_dict().items() if k in _KEPT}
    if plain.get("data_preprocessor"):
        own = plain["model"].setdefault("data_preprocessor", plain["data_preprocessor"])
        plain["data_preprocessor"] = own
    checkpoint = (plain.get("default_hooks") or {}).get("checkpoint")
    if checkpoint is not None:
        checkpoint.setdefault("backend_args", dict(backend="whole_file"))
    imports = dict(plain.get("custom_imports") or {}, allow_failed_imports=False)
    known = imports.get("imports") or []
    known = [known] if isinstance(known, str) else [*known]
    imports["imports"] = list(dict.fromkeys([*known, _COMPONENTS]))
    plain["custom_imports"] = imports
    return {key: plain[key] for key in sorted(plain, key=_place)}


def _place(name: str) -> tuple[int, str]:
    """Return where a name stands in a file, between the first and the last ones."""
    listed = (*_FIRST, "", *_LAST)
    return listed.index(name if name in listed else ""), name
