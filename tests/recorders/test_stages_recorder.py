"""Several features of a network as one record."""

from collections import OrderedDict

import pytest
import torch
from mmrazor.models.task_modules import RecorderManager
from torch import nn

from texture_kd import components  # noqa: F401  (registers what the configs name)
from texture_kd.algorithms.sound_records import recorded_modules, sound_records


class Backbone(nn.Module):
    def __init__(self, again: bool = False, changed: bool = False) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3)
        self.again, self.changed = again, changed

    def forward(self, x):
        first = self.first(x)
        second = self.second(first.clone())
        if self.again:
            self.first(x)
        if self.changed:
            first += 1
        return first, second


def manager(network, *source):
    recorder = dict(type="Stages", source=list(source))
    recorders = RecorderManager(dict(stages=recorder))
    recorders.initialize(network)
    return recorders


def recorded(network, *source):
    recorders = manager(network, *source)
    with recorders:
        output = network(torch.rand(1, 3, 8, 8))
    return recorders.get_recorder("stages"), output


def test_outputs_items_and_inputs_in_the_order_of_the_sources():
    network = nn.Sequential(OrderedDict(backbone=Backbone()))
    sources = ("backbone.second", "backbone:0", "backbone.second:input")
    recorder, (first, second) = recorded(network, *sources)
    (record,) = recorder.data_buffer
    assert record[0] is second
    assert record[1] is first
    assert torch.equal(record[2], first)
    assert recorded_modules(recorder) == ["backbone.second", "backbone"]


def test_nothing_is_recorded_outside_and_each_pass_begins_anew():
    network = Backbone()
    recorders = manager(network, "first", "second")
    images = torch.rand(1, 3, 8, 8)
    network(images)
    assert not recorders.get_recorder("stages").data_buffer
    for _ in range(2):
        with recorders:
            network(images)
        assert len(recorders.get_recorder("stages").data_buffer) == 1


def test_a_module_that_runs_twice_is_refused():
    with pytest.raises(ValueError, match="'first', which runs more than once"):
        recorded(Backbone(again=True), "first")


@pytest.mark.parametrize("source", [("first", "second"), ("second", "first")])
def test_changes_in_place_are_refused(source):
    network = Backbone(changed=True)
    recorders = manager(network, *source)
    refused = pytest.raises(ValueError, match="'stages' holds what the student changes")
    with refused, sound_records("student", recorders, network), recorders:
        network(torch.rand(1, 3, 8, 8))


@pytest.mark.parametrize(
    ("source", "said"),
    [((), "at least one"), (("first:output",), "NAME:input of a stage, got")],
)
def test_sources_that_say_nothing(source, said):
    with pytest.raises(ValueError, match=said):
        manager(Backbone(), *source)
