"""What heads of MMSegmentation say that they read."""

import pytest
from mmseg.registry import MODELS
from small_duc_dlc import HEAD as DUC_DLC
from torch import nn

import texture_kd.components  # noqa: F401
from texture_kd.decode_heads.inputs import (
    read_channels,
    read_levels,
    single_head,
    summed_channels,
)

SHARED = dict(channels=8, num_classes=3, norm_cfg=dict(type="BN"), align_corners=False)
PSP = dict(type="PSPHead", in_channels=32, in_index=-1, pool_scales=(1, 2), **SHARED)
SEVERAL = dict(
    type="UPerHead", in_channels=[8, 16, 32], in_index=[0, 2, -1], pool_scales=(1,)
)
SUMMED = dict(
    type="FCNHead",
    in_channels=[16, 32],
    in_index=[2, -1],
    input_transform="resize_concat",
    num_convs=0,
    concat_input=False,
    num_classes=3,
    channels=48,
    align_corners=False,
)
FINEST = dict(
    type="DepthwiseSeparableASPPHead",
    in_channels=32,
    in_index=3,
    c1_in_channels=4,
    c1_channels=2,
    dilations=(1, 2),
    **SHARED,
)


def built(config):
    return MODELS.build(dict(config))


@pytest.mark.parametrize(
    ("config", "levels", "channels"),
    [
        (PSP, (-1,), (32,)),
        (SEVERAL | SHARED, (0, 2, -1), (8, 16, 32)),
        (FINEST, (3, 0), (32, 4)),
    ],
)
def test_levels_and_their_channels(config, levels, channels):
    head = built(config)
    assert read_levels(head) == levels
    assert read_channels(head) == channels
    assert summed_channels(head) == sum(channels)


def test_of_concatenated_levels_the_sum_is_known():
    head = built(SUMMED)
    assert read_levels(head) == (2, -1)
    assert summed_channels(head) == 48
    with pytest.raises(ValueError, match=r"FCNHead .* another mode than 'concat'"):
        read_channels(head)


def test_the_image_is_no_level():
    head = built(DUC_DLC)
    assert head.in_index == [head.image_index, 1, 3]
    assert read_levels(head) == (1, 3)


class Segmentor(nn.Module):
    def __init__(self, head):
        super().__init__()
        if head is not None:
            self.decode_head = head


def test_a_single_head_is_the_segmentors():
    head = built(PSP)
    assert single_head(Segmentor(head)) is head


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (lambda: None, "Segmentor has none"),
        (lambda: nn.ModuleList([built(PSP)]), "Segmentor has a cascade of them"),
        (lambda: built(DUC_DLC), "DUCDLCHead reads the image beside the features"),
    ],
)
def test_other_segmentors_are_refused(head, message):
    with pytest.raises(ValueError, match=message):
        single_head(Segmentor(head()))
