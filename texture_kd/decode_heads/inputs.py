"""What a decode head reads of the features of a backbone."""

from torch import nn


def read_levels(head: nn.Module) -> tuple[int, ...]:
    """Return the levels that a decode head reads; negative ones count from behind."""
    index = head.in_index
    levels = (index,) if isinstance(index, int) else tuple(index)
    # The image that DUC draws along is no level.
    levels = tuple(i for i in levels if i != getattr(head, "image_index", None))
    # DeepLabV3+ reads the finest feature beside those of in_index.
    return levels if _low_level(head) is None else (*levels, 0)


def read_channels(head: nn.Module) -> tuple[int, ...]:
    """Return the channels of each level that a decode head reads.

    Args:
        head: a decode head of MMSegmentation.

    Raises:
        ValueError: it keeps only their sum.
    """
    if head.input_transform == "resize_concat":
        raise ValueError(
            f"{type(head).__name__} concatenates its levels (input_transform="
            "'resize_concat') and does not know the channels of each: take another "
            "mode than 'concat'"
        )
    return _channels(head)


def summed_channels(head: nn.Module) -> int:
    """Return the channels of all levels that a decode head reads, in all."""
    return sum(_channels(head))


def single_head(segmentor: nn.Module) -> nn.Module:
    """Return the decode head of a segmentor.

    Args:
        segmentor: an ``EncoderDecoder`` of MMSegmentation.

    Raises:
        ValueError: it has none, or a cascade of them, or one that reads the image.
    """
    head = getattr(segmentor, "decode_head", None)
    if head is None or isinstance(head, nn.ModuleList):
        kind = "none" if head is None else "a cascade of them"
        raise ValueError(
            f"expected a segmentor with one decode head, and {type(segmentor).__name__}"
            f" has {kind}"
        )
    if hasattr(head, "image_index"):
        raise ValueError(
            f"{type(head).__name__} reads the image beside the features, and an "
            "amplifier's head is given features alone: take a teacher with another "
            "head, or leave the amplifiers out"
        )
    return head


def _channels(head: nn.Module) -> tuple[int, ...]:
    channels = head.in_channels
    channels = (channels,) if isinstance(channels, int) else tuple(channels)
    low = _low_level(head)
    return channels if low is None else (*channels, low.in_channels)


def _low_level(head: nn.Module) -> nn.Module | None:
    return getattr(head, "c1_bottleneck", None)
