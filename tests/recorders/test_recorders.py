import pytest
import torch
from mmengine.structures import PixelData
from mmrazor.models.task_modules import RecorderManager
from mmseg.structures import SegDataSample
from torch import nn

from texture_kd import components  # noqa: F401  (registers what the configs name)


class Segmentor(nn.Module):
    def forward(self, inputs, data_samples=None, mode="tensor"):
        return inputs


@pytest.fixture
def labels():
    return torch.randint(5, (2, 1, 4, 6))


@pytest.fixture
def samples(labels):
    return [SegDataSample(gt_sem_seg=PixelData(data=label)) for label in labels]


@pytest.fixture
def network():
    return Segmentor()


@pytest.fixture
def manager(network):
    source = dict(type="GroundTruth", source="gt_sem_seg")
    manager = RecorderManager(dict(labels=source))
    manager.initialize(network)
    return manager


def buffer(manager):
    return manager.get_recorder("labels").data_buffer


@pytest.mark.parametrize("named", [True, False])
def test_labels_are_there_before_the_network_runs(
    network, manager, labels, samples, named
):
    seen = []
    network.register_forward_pre_hook(lambda *_: seen.append(list(buffer(manager))))
    given = ((), dict(data_samples=samples)) if named else ((samples,), {})
    with manager:
        network(torch.zeros(2), *given[0], **given[1])
    assert torch.equal(seen[0][0], labels)
    assert torch.equal(manager.get_recorder("labels").get_record_data(), labels)


def test_images_without_labels_leave_nothing(network, manager, samples):
    with manager:
        network(torch.zeros(2))
        network(torch.zeros(2), [])
        network(torch.zeros(2), [samples[0], SegDataSample()])
    assert buffer(manager) == []


def test_nothing_is_recorded_outside(network, manager, samples):
    network(torch.zeros(2), samples)
    # What a network is given otherwise need not be samples.
    network(torch.zeros(2), torch.zeros(2))
    assert buffer(manager) == []


def test_data_samples_are_there_before_the_network_runs(network, samples):
    manager = RecorderManager(dict(samples=dict(type="DataSamples")))
    manager.initialize(network)
    recorder, seen = manager.get_recorder("samples"), []
    network.register_forward_pre_hook(
        lambda *_: seen.append(list(recorder.data_buffer))
    )
    with manager:
        network(torch.zeros(2), samples)
        network(torch.zeros(2))
    assert seen[0] == [samples]
    assert recorder.get_record_data() is samples
    assert len(recorder.data_buffer) == 1
    with manager:
        network(torch.zeros(2), torch.zeros(2, 3))
    assert recorder.get_record_data().shape == (2, 3)
