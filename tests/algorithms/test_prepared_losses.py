"""Losses prepare after the teacher and before the student, for this batch only."""

import copy

import pytest
import torch
from mmengine.structures import PixelData
from mmrazor.models.architectures.connectors.base_connector import BaseConnector
from mmrazor.registry import MODELS
from toy_models import sstkd

from texture_kd.algorithms import TextureDistill
from texture_kd.early_losses import EarlyLosses


class Same(BaseConnector):
    """Hand a feature on."""

    def forward_train(self, feature):
        return feature


MODELS.register_module(module=Same, force=True)


def statistical(**changes) -> dict:
    """A distiller with the sorted texture alone."""
    distiller = sstkd()
    del distiller["student_recorders"]["image"]
    loss = dict(
        type="DTIEMLoss",
        student_channels=12,
        teacher_channels=24,
        sampler=dict(regions=2, scales=(2, 3)),
        seed=0,
    )
    distiller["distill_losses"] = dict(loss_statistical=loss)
    records = distiller["loss_forward_mappings"]["loss_statistical"]
    del records["gt"]
    for name, record in changes.items():
        records[name] = dict(records.get(name, {}), **record)
    distiller["loss_forward_mappings"] = dict(loss_statistical=records)
    return distiller


def traced(model, monkeypatch):
    """Note in order when regions are chosen, and when the networks' stems run."""
    events = []
    loss = model.distiller.distill_losses["loss_statistical"]
    forward = loss.sampler.forward
    monkeypatch.setattr(
        loss.sampler,
        "forward",
        lambda *args: events.append("regions") or forward(*args),
    )
    for name in ("teacher", "student"):
        stem = getattr(model, name).backbone.stem
        stem.register_forward_hook(lambda *_, name=name: events.append(name))
    return events


def step(model, batch):
    data = model.data_preprocessor(copy.deepcopy(batch), training=True)
    return model(**data, mode="loss")


@pytest.mark.parametrize("early", [True, False])
def test_regions_are_chosen_between_teacher_and_student(
    build, batch, monkeypatch, early
):
    if not early:
        monkeypatch.setattr(TextureDistill, "_can_be_early", lambda *_: False)
    model = build(distiller=statistical()).train()
    events = traced(model, monkeypatch)
    for _ in range(2):
        step(model, batch)
    assert events == 2 * ["teacher", "regions", "student"]


def test_the_losses_are_those_without_preparation(build, batch, monkeypatch):
    def losses():
        torch.manual_seed(3)
        model = build(distiller=statistical()).train()
        return [step(model, batch)["distill.loss_statistical"] for _ in range(3)]

    ours = losses()
    monkeypatch.setattr(EarlyLosses, "prepare", lambda *_: None)
    assert ours == losses()


def test_data_samples_are_recorded_by_then(build, batch, monkeypatch):
    distiller = statistical(valid=dict(from_student=True, recorder="valid"))
    distiller["student_recorders"]["valid"] = dict(
        type="GroundTruth", source="valid_pixels"
    )
    for number, sample in enumerate(batch["data_samples"]):
        valid = torch.ones(1, 32, 32, dtype=torch.bool)
        valid[:, 16 + 8 * number :] = False
        sample.valid_pixels = PixelData(data=valid)
    model = build(distiller=distiller).train()
    events = traced(model, monkeypatch)
    step(model, batch)
    assert events == ["teacher", "regions", "student"]


@pytest.mark.parametrize(
    "records",
    [
        dict(t_stage2=dict(connector="same")),
        dict(t_stage1=dict(from_student=True)),
    ],
)
def test_what_is_not_there_yet_is_waited_for(build, batch, monkeypatch, records):
    distiller = statistical(**records)
    distiller["connectors"] = dict(same=dict(type="Same"))
    if "t_stage1" in records:
        distiller["distill_losses"]["loss_statistical"]["teacher_channels"] = 4 + 16
    model = build(distiller=distiller).train()
    events = traced(model, monkeypatch)
    step(model, batch)
    assert events == ["teacher", "student", "regions"]


def test_a_student_that_fails_leaves_no_regions_for_the_next_batch(
    build, batch, monkeypatch
):
    model = build(distiller=statistical()).train()
    loss = model.distiller.distill_losses["loss_statistical"]
    events = traced(model, monkeypatch)

    def fail(*_):
        raise RuntimeError("out of memory")

    handle = model.student.backbone.layer1.register_forward_pre_hook(fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        step(model, batch)
    handle.remove()
    # A plain call of the loss between, and the next batch.
    features = [torch.rand(2, c, s, s) for c, s in ((4, 8), (8, 4), (8, 8), (16, 4))]
    loss(*features)
    other = dict(batch, inputs=[image.flip(1) for image in batch["inputs"]])
    step(model, other)
    assert events == [
        *("teacher", "regions", "student"),
        "regions",
        *("teacher", "regions", "student"),
    ]
    assert not model.student._forward_pre_hooks.keys() - hooks_of_recorders(model)


def hooks_of_recorders(model):
    return {
        key
        for key, hook in model.student._forward_pre_hooks.items()
        if getattr(hook, "__name__", "") == "_record"
    }


def test_prediction_prepares_nothing(build, batch, monkeypatch):
    model = build(distiller=statistical()).eval()
    events = traced(model, monkeypatch)
    data = model.data_preprocessor(copy.deepcopy(batch))
    with torch.no_grad():
        model(**data, mode="predict")
    assert events == ["student"]
