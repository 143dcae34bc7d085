import numpy as np
import pytest
import torch
from mmengine.structures import BaseDataElement, PixelData
from mmrazor.models.task_modules import RecorderManager
from mmseg.models import SegDataPreProcessor
from mmseg.structures import SegDataSample
from torch import nn

from texture_kd import components  # noqa: F401  (registers what the configs name)


class Segmentor(nn.Module):
    def forward(self, inputs, data_samples=None, mode="tensor"):
        return inputs


@pytest.fixture
def record():
    network = Segmentor()
    manager = RecorderManager(dict(valid=dict(type="ValidArea")))
    manager.initialize(network)

    def run(*args, **kwargs):
        with manager:
            network(*args, **kwargs)
        recorder = manager.get_recorder("valid")
        assert len(recorder.data_buffer) == 1
        return recorder.get_record_data()

    return run


def samples(*metas):
    return [BaseDataElement(metainfo=meta) for meta in metas]


def preprocessed(*sizes, **options):
    """What MMSegmentation makes of crops of these sizes in a training."""
    preprocessor = SegDataPreProcessor(pad_val=0, seg_pad_val=255, **options)
    return preprocessor(
        dict(
            inputs=[torch.randint(1, 255, (3, *size)) for size in sizes],
            data_samples=[
                SegDataSample(gt_sem_seg=PixelData(data=torch.zeros(1, *size).long()))
                for size in sizes
            ],
        ),
        training=True,
    )


@pytest.mark.parametrize("options", [dict(size=(16, 24)), dict(size_divisor=8)])
def test_it_is_where_mmsegmentation_padded_nothing(record, options):
    batch = preprocessed((16, 24), (9, 24), (16, 5), (3, 7), **options)
    valid = record(**batch)
    assert valid.dtype == torch.bool
    assert valid.shape == (4, 1, 16, 24)
    # Neither the images nor the labels have these values elsewhere.
    assert torch.equal(valid, (batch["inputs"] != 0).all(1, keepdim=True))
    labels = torch.stack([x.gt_sem_seg.data for x in batch["data_samples"]])
    assert torch.equal(valid, labels != 255)


def test_labels_that_are_ignored_are_of_the_image(record):
    batch = preprocessed((16, 24), (9, 24), size=(16, 24))
    expected = record(**batch)
    for sample in batch["data_samples"]:
        sample.gt_sem_seg.data[:, 6:] = 255
    assert torch.equal(record(**batch), expected)


def test_sizes_may_be_arrays(record):
    batch = preprocessed((16, 24), (9, 24), size=(16, 24))
    expected = record(**batch)
    for sample in batch["data_samples"]:
        facts = {k: np.array(sample.get(k)) for k in ("img_shape", "padding_size")}
        sample.set_metainfo(facts)
    assert torch.equal(record(**batch), expected)


def test_without_padding_it_is_none(record):
    assert record(**preprocessed((16, 24), (16, 24), size=(16, 24))) is None


@pytest.mark.parametrize(
    "unknown",
    [None, [], samples({}, {}), samples({}, dict(img_shape=(4, 6))), torch.zeros(2)],
)
def test_what_is_not_known_to_be_padded_is_not(record, unknown):
    assert record(torch.zeros(2, 3, 4, 6), unknown) is None


def test_images_stand_behind_what_was_padded_before_them(record):
    given = samples(
        dict(img_shape=(2, 3), padding_size=(2, 1, 1, 1)),
        # MMDetection's, with nothing said of where: in the upper left corner.
        dict(img_shape=(3, 4, 3), pad_shape=(4, 6), batch_input_shape=(4, 6)),
        # What is larger than the batch is not padded.
        dict(img_shape=(9, 9)),
        {},
    )
    valid = record(torch.zeros(4, 3, 4, 6), data_samples=given)
    expected = torch.zeros(4, 1, 4, 6, dtype=torch.bool)
    expected[0, 0, 1:3, 2:5] = expected[1, 0, :3, :4] = expected[2:] = True
    assert torch.equal(valid, expected)


def test_it_is_there_before_the_network_runs():
    network, seen = Segmentor(), []
    manager = RecorderManager(dict(valid=dict(type="ValidArea")))
    manager.initialize(network)
    recorder = manager.get_recorder("valid")
    network.register_forward_pre_hook(
        lambda *_: seen.append(list(recorder.data_buffer))
    )
    with manager:
        network(torch.zeros(1, 3, 4, 6), samples(dict(img_shape=(4, 3))))
    assert seen[0][0].sum() == 12
    network(torch.zeros(1, 3, 4, 6), samples({}))
    assert len(recorder.data_buffer) == 1
