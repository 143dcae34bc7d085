"""Loading the teacher's weights, all of them or not at all."""

from mmengine.runner.checkpoint import _load_checkpoint
from torch import Tensor, nn

__all__ = ["load_teacher"]

# What a teacher in a distillation step never runs may be missing.
_OPTIONAL = "auxiliary_head."


def load_teacher(teacher: nn.Module, checkpoint: str) -> None:
    """Load ``checkpoint`` into ``teacher``.

    MMEngine's own loader logs what does not fit and goes on, which leaves a teacher
    with random layers.

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
    content = _load_checkpoint(checkpoint, map_location="cpu")
    state = _state_dict(content, checkpoint)
    own = teacher.state_dict()
    _check_shapes(own, state, checkpoint)
    missing = [
        name for name in own if name not in state and not name.startswith(_OPTIONAL)
    ]
    if missing:
        raise ValueError(_missing_message(missing, own, state, checkpoint))
    teacher.load_state_dict(state, strict=False)
    # As MMSegmentation's own init_model does.
    teacher.dataset_meta = (content.get("meta") or {}).get("dataset_meta") or {}


def _state_dict(content: object, checkpoint: str) -> dict[str, Tensor]:
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not all(
        isinstance(value, Tensor) for value in state.values()
    ):
        raise ValueError(
            f"The teacher checkpoint {checkpoint} is no dict of weights, nor does it "
            "hold one under 'state_dict': give the checkpoint of a trained segmentor."
        )
    return state


def _check_shapes(own: dict, state: dict, checkpoint: str) -> None:
    for name, value in own.items():
        if name not in state or state[name].shape == value.shape:
            continue
        theirs, ours = tuple(state[name].shape), tuple(value.shape)
        if name.endswith("conv_seg.weight"):
            raise ValueError(
                f"The teacher checkpoint {checkpoint} predicts {theirs[0]} classes, "
                f"and the teacher in the config {ours[0]}: set its num_classes="
                f"{theirs[0]} or give a checkpoint trained on {ours[0]} classes."
            )
        raise ValueError(
            f"The teacher checkpoint {checkpoint} does not fit the teacher in the "
            f"config: {name} is {theirs} in the file and {ours} in the model."
        )


def _missing_message(missing: list, own: dict, state: dict, checkpoint: str) -> str:
    return (
        f"The teacher checkpoint {checkpoint} lacks {len(missing)} of the teacher's "
        f"{len(own)} weights ({missing[0]}, ...); its first key is "
        f"{next(iter(state), None)!r}. Give the checkpoint of a segmentor trained with "
        "the teacher's config."
    )
