"""Loading a frozen network's weights, all of them or not at all."""

from collections.abc import Sequence

from mmengine.config import ConfigDict
from mmengine.runner.checkpoint import _load_checkpoint
from torch import Tensor, nn

__all__ = [
    "forget_checkpoints",
    "load_teacher",
    "load_whole",
    "read_checkpoint",
    "read_teacher",
]


def load_teacher(teacher: nn.Module, checkpoint: str) -> None:
    """Load ``checkpoint`` into ``teacher``, as :func:`load_whole` does.

    Args:
        teacher: the segmentor whose weights are loaded, in place. What the checkpoint
            says of the classes is its ``dataset_meta`` then.
        checkpoint: path or URL of an MMSegmentation checkpoint.

    Raises:
        FileNotFoundError: there is no such file.
        RuntimeError: the file is truncated or corrupt.
        pickle.UnpicklingError: the file holds more than tensors and log histories.
        ValueError: the file holds no weights, or one is missing or has another shape.
    """
    state, meta = read_teacher(checkpoint)
    # What a teacher in a distillation step never runs may be missing.
    load_whole(teacher, state, checkpoint, optional=("auxiliary_head.",))
    # As MMSegmentation's own init_model does.
    teacher.dataset_meta = meta.get("dataset_meta") or {}


def read_teacher(checkpoint: str) -> tuple[dict[str, Tensor], dict]:
    """Read a teacher's checkpoint, as :func:`read_checkpoint` does.

    Args:
        checkpoint: path or URL of an OpenMMLab checkpoint.

    Returns:
        The state dict, and the meta information.

    Raises:
        ValueError: the weights are an amplifier's. Otherwise it raises what
            :func:`read_checkpoint` does.
    """
    state, meta = read_checkpoint(checkpoint)
    # Its backbone is the teacher's, and its head would fit.
    if any(name.startswith("high_frequency.") for name in state):
        raise ValueError(
            f"The teacher checkpoint {checkpoint} is of an amplifier, whose head was "
            "trained on high-frequency maps: give the checkpoint of the teacher's own "
            "training."
        )
    return state, meta


def read_checkpoint(
    checkpoint: str, role: str = "teacher"
) -> tuple[dict[str, Tensor], dict]:
    """Read the weights of a checkpoint, and what it says of its training.

    Args:
        checkpoint: path or URL of an OpenMMLab checkpoint.
        role: what it is of, for the message.

    Returns:
        The state dict, and the meta information.

    Raises:
        ConnectionError: it is a URL that cannot be fetched.
        FileNotFoundError: there is no such file.
        RuntimeError: the file is truncated or corrupt.
        pickle.UnpicklingError: the file holds more than tensors and log histories.
        ValueError: the file holds no weights.
    """
    try:
        content = _load_checkpoint(checkpoint, map_location="cpu")
    except ConnectionError as error:
        option = " The option is model.teacher_ckpt=FILE." if role == "teacher" else ""
        raise ConnectionError(f"The {role} checkpoint: {error}{option}") from error
    except (FileNotFoundError, RuntimeError) as error:
        raise type(error)(f"The {role} checkpoint: {error}") from error
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not all(
        isinstance(value, Tensor) for value in state.values()
    ):
        raise ValueError(
            f"The {role} checkpoint {checkpoint} is no dict of weights, nor does it "
            "hold one under 'state_dict': give the checkpoint of a trained network."
        )
    return state, content.get("meta") or {}


def load_whole(
    network: nn.Module,
    state: dict[str, Tensor],
    checkpoint: str,
    role: str = "teacher",
    optional: Sequence[str] = (),
) -> None:
    """Load all of a network's weights.

    MMEngine's own loader logs what does not fit and goes on, which leaves a network
    with random layers.

    Args:
        network: the network whose weights are loaded, in place.
        state: a state dict that has them; what else it has is left.
        checkpoint: where it comes from, for the message.
        role: what the network is, for the message.
        optional: beginnings of the names of weights that may be missing.

    Raises:
        ValueError: a weight is missing or has another shape.
    """
    own = network.state_dict()
    _check_shapes(own, state, checkpoint, role)
    missing = [
        name
        for name in own
        if name not in state and not name.startswith(tuple(optional))
    ]
    if missing:
        raise ValueError(
            f"The {role} checkpoint {checkpoint} lacks {len(missing)} of the {role}'s "
            f"{len(own)} weights ({missing[0]}, ...); its first key is "
            f"{next(iter(state), None)!r}. Give the checkpoint of a network trained "
            f"with the {role}'s config."
        )
    network.load_state_dict(state, strict=False)


def forget_checkpoints(model: ConfigDict) -> None:
    """Take the checkpoints of all frozen networks out of a distillation's config.

    It can be built then without their files, with random weights.

    Args:
        model: config of a ``TextureDistill``, changed in place.
    """
    model.teacher_ckpt = None
    losses = (model.get("distiller") or {}).get("distill_losses") or {}
    for loss in losses.values():
        for amplifier in ((loss or {}).get("amplifiers") or {}).values():
            (amplifier or {}).pop("checkpoint", None)


def _check_shapes(own: dict, state: dict, checkpoint: str, role: str) -> None:
    for name, value in own.items():
        if name not in state or state[name].shape == value.shape:
            continue
        theirs, ours = tuple(state[name].shape), tuple(value.shape)
        if name.endswith("conv_seg.weight") and theirs[0] != ours[0]:
            head = name.split(".")[0]
            # An amplifier's head is the teacher's.
            change = f"set num_classes={theirs[0]} in its {head} or "
            raise ValueError(
                f"The {role} checkpoint {checkpoint} predicts {theirs[0]} classes, and "
                f"the {role} in the config {ours[0]}: "
                f"{change if role == 'teacher' else ''}"
                f"give a checkpoint trained on {ours[0]} classes."
            )
        raise ValueError(
            f"The {role} checkpoint {checkpoint} does not fit the {role} in the "
            f"config: {name} is {theirs} in the file and {ours} in the model."
        )
