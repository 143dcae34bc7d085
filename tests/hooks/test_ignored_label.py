"""What ignores labels beside the training's losses ignores the decode head's."""

from types import MappingProxyType, SimpleNamespace

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.evaluation import IoUMetric
from mmseg.models import SegDataPreProcessor
from mmseg.models.decode_heads import FCNHead
from mmseg.structures import SegDataSample
from torch import nn

from texture_kd.analysis import SpectralAnalysisMetric, TrimapIoUMetric
from texture_kd.datasets import BlockwiseAnnotation, LabelComponents
from texture_kd.hooks import NumClassesCheckHook


class Images(list):
    """A data set that knows its classes."""

    metainfo = MappingProxyType(dict(classes=("a", "b", "c")))


def runner(transforms=(), metrics=(), **preprocessor) -> SimpleNamespace:
    head = FCNHead(
        in_channels=4, channels=4, num_convs=1, num_classes=3, ignore_index=254
    )
    model = nn.ModuleDict(dict(decode_head=head))
    if preprocessor:
        model["data_preprocessor"] = SegDataPreProcessor(**preprocessor)
    images = Images([1])
    images.pipeline = SimpleNamespace(transforms=transforms)

    evaluator = SimpleNamespace(metrics=list(metrics))
    return SimpleNamespace(
        model=model,
        train_dataloader=SimpleNamespace(dataset=images),
        val_loop=SimpleNamespace(evaluator=evaluator),
    )


METRICS = [IoUMetric, TrimapIoUMetric, SpectralAnalysisMetric]


@pytest.mark.parametrize("metric", METRICS)
def test_metrics(metric):
    check = NumClassesCheckHook().before_train
    check(runner(metrics=[metric(ignore_index=254)]))
    message = f"{metric.__name__} ignores the label 255.*254 in val_evaluator"
    with pytest.raises(ValueError, match=message):
        check(runner(metrics=[metric()]))


def test_metrics_that_compare_with_nothing(tmp_path):
    metric = IoUMetric(format_only=True, output_dir=str(tmp_path))
    NumClassesCheckHook().before_train(runner(metrics=[metric]))


def test_transforms():
    check = NumClassesCheckHook().before_train
    # What it takes for a component is left out by the loss.
    check(runner([LabelComponents(), BlockwiseAnnotation(2, ignore_index=254)]))
    with pytest.raises(ValueError, match=r"BlockwiseAnnotation ignores .* 255"):
        check(runner([BlockwiseAnnotation(2)]))


def batch(height: int, width: int) -> dict:
    sample = SegDataSample(metainfo=dict(seg_map_path="a.png"))
    labels = torch.zeros(1, height, width, dtype=torch.long)
    sample.gt_sem_seg = PixelData(data=labels)
    return dict(inputs=[], data_samples=[sample])


@pytest.mark.parametrize("padding", [dict(size=(8, 8)), dict(size_divisor=8)])
def test_padding(padding):
    check = NumClassesCheckHook().before_train_iter
    check(runner(**padding), 0, batch(8, 8))
    for value in (254, 0):
        check(runner(**padding, seg_pad_val=value), 0, batch(5, 8))
    with pytest.raises(ValueError, match=r"labels of a.png by 255.*seg_pad_val=254"):
        check(runner(**padding), 0, batch(8, 7))
