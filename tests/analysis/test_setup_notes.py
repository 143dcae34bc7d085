"""What a config leaves out or says twice is named, and nothing else is."""

import pytest
from mmengine.config import Config
from mmengine.hooks import EMAHook
from mmengine.model import BaseDataPreprocessor
from mmseg.models import SegDataPreProcessor

from texture_kd.analysis.setup_notes import (
    missing_hooks,
    overruled_preparation,
)
from texture_kd.hooks import PlainStudentHook

IMAGENET = dict(mean=[123.0, 116.0, 103.0], std=[58.0, 57.0, 57.0])


def prepared(**options):
    return SegDataPreProcessor(**dict(IMAGENET, bgr_to_rgb=True, **options))


class OurOwnHook(PlainStudentHook):
    """A hook that does as much."""


def test_a_missing_hook_is_named_with_the_line_that_adds_it():
    assert missing_hooks([EMAHook(), OurOwnHook()]) == []
    (said,) = missing_hooks([EMAHook()])
    line = said[said.index("custom_hooks =") : said.index(" in the config")]
    hooks = Config.fromstring(line, ".py").custom_hooks
    assert hooks == [dict(type="texture_kd.PlainStudentHook")]


@pytest.mark.parametrize(
    ("training", "student", "said"),
    [
        (dict(size=(128, 128)), dict(size=(64, 64)), "has size=(64, 64), which"),
        (dict(size=(128, 128)), dict(size_divisor=32), "has size_divisor=32, which"),
        (dict(), dict(seg_pad_val=0), "has seg_pad_val=0, which"),
        (dict(), dict(mean=[0.0] * 3), "has mean=[0.0, 0.0, 0.0], which"),
        (dict(), dict(bgr_to_rgb=False), "has channel_conversion=False, which"),
    ],
)
def test_what_the_students_has_otherwise_is_named(training, student, said):
    ours = SegDataPreProcessor(**dict(IMAGENET, bgr_to_rgb=True) | training)
    theirs = SegDataPreProcessor(**dict(IMAGENET, bgr_to_rgb=True) | student)
    (found,) = overruled_preparation(ours, theirs)
    assert said in found


def test_what_is_alike_or_not_said_is_no_difference():
    ours = prepared(size=(128, 128))
    assert overruled_preparation(ours, ours) == []
    assert overruled_preparation(ours, prepared(size=[128, 128])) == []
    assert overruled_preparation(ours, prepared()) == []
    assert overruled_preparation(ours, BaseDataPreprocessor()) == []
