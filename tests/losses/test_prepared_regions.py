"""Regions that are chosen before the student runs, and never for another batch."""

import gc

import pytest
import torch

from texture_kd.losses import DTIEMLoss

KINDS = pytest.mark.parametrize(
    "options", [dict(), dict(distance="histogram", extractor="none")], ids=str
)


def dtiem(**options):
    return DTIEMLoss(8, 10, sampler=dict(regions=3, scales=(3, 6)), seed=0, **options)


def features(seed=1, images=2):
    generator = torch.Generator().manual_seed(seed)
    shapes = [(3, 24, 32), (5, 12, 16), (4, 24, 32), (6, 12, 16)]
    return [torch.rand(images, *shape, generator=generator) for shape in shapes]


def chosen(monkeypatch, loss):
    """Count how often the sampler chooses."""
    calls = []
    forward = loss.sampler.forward
    monkeypatch.setattr(
        loss.sampler, "forward", lambda *args: calls.append(1) or forward(*args)
    )
    return calls


@KINDS
def test_a_prepared_loss_is_the_same_and_chooses_once(options, monkeypatch):
    plain, loss = dtiem(**options), dtiem(**options)
    calls = chosen(monkeypatch, loss)
    for seed in range(3):
        *student, t_stage1, t_stage2 = features(seed)
        loss.prepare(t_stage1, t_stage2)
        assert len(calls) == seed + 1
        value = loss(*student, t_stage1, t_stage2)
        assert value == plain(*student, t_stage1, t_stage2)
    assert len(calls) == 3


@KINDS
def test_regions_serve_one_call_only(options, monkeypatch):
    loss = dtiem(**options)
    calls = chosen(monkeypatch, loss)
    inputs = features()
    loss.prepare(*inputs[2:])
    first = loss(*inputs)
    assert loss(*inputs) != first
    assert len(calls) == 2


@KINDS
@pytest.mark.parametrize("change", ["batch", "copy", "one", "valid", "no valid"])
def test_other_tensors_have_regions_of_their_own(options, change, monkeypatch):
    loss = dtiem(**options).eval()
    inputs, valid = features(), torch.ones(2, 24, 32, dtype=torch.bool)
    valid[:, 18:] = False
    loss.prepare(*inputs[2:], valid=valid)
    given = dict(valid=valid)
    if change == "batch":
        inputs, given = features(7), {}
    if change == "copy":
        inputs = [x.clone() for x in inputs]
    if change == "one":
        inputs[2] = inputs[2].flip(3)
    if change == "valid":
        given = dict(valid=valid.flip(1))
    if change == "no valid":
        given = {}
    calls = chosen(monkeypatch, loss)
    value = loss(*inputs, **given)
    assert calls
    assert value == loss(*inputs, **given)


def test_an_evaluation_in_between_uses_up_what_was_prepared(monkeypatch):
    loss, inputs, others = dtiem(), features(), features(7)
    loss.prepare(*inputs[2:])
    loss.eval()
    expected = loss(*others)
    assert loss(*others) == expected
    loss.train()
    calls = chosen(monkeypatch, loss)
    loss(*inputs)
    assert len(calls) == 1


def test_a_batch_that_failed_leaves_nothing(monkeypatch):
    loss, inputs, others = dtiem(), features(), features(7)
    loss.prepare(*inputs[2:])
    with pytest.raises(ValueError, match="set student_channels"):
        loss(inputs[0], inputs[0], *inputs[2:])
    calls = chosen(monkeypatch, loss)
    loss.prepare(*others[2:])
    loss(*others)
    loss(*inputs)
    assert len(calls) == 2


def test_the_teachers_features_are_not_kept():
    loss, inputs = dtiem(), features()
    loss.prepare(*inputs[2:])
    prepared = loss._prepared
    assert prepared.is_of(*inputs[2:], None)
    del inputs
    gc.collect()
    # Nor does what takes their place in memory pass for them.
    assert not prepared.is_of(*features()[2:], None)
    assert not prepared.is_of(None, None, None)
    assert all(known is None or known() is None for known in prepared.inputs)


def test_wrong_features_are_refused_by_prepare_too():
    inputs = features()
    with pytest.raises(ValueError, match="set teacher_channels=8"):
        dtiem().prepare(inputs[2], inputs[2])
    with pytest.raises(ValueError, match="boolean tensor"):
        dtiem().prepare(*inputs[2:], valid=torch.ones(2, 24, 32))
