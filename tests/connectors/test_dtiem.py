import pytest
import torch
from mmrazor.models.architectures.connectors.base_connector import BaseConnector
from mmrazor.models.distillers import ConfigurableDistiller
from mmrazor.registry import MODELS

import texture_kd.components  # noqa: F401
from texture_kd.connectors import DTIEMConnector
from texture_kd.functional import (
    HistogramOptions,
    cosine_self_similarity,
    texture_histogram,
)


def test_is_built_by_the_registry_and_is_a_connector():
    connector = MODELS.build(
        dict(type="DTIEMConnector", count=7, theta=0.5, kernel="triangle")
    )
    assert isinstance(connector, DTIEMConnector)
    assert isinstance(connector, BaseConnector)
    x = torch.randn(2, 3, 5, 7)
    similarity = cosine_self_similarity(x).flatten(1)
    options = HistogramOptions(count=7, theta=0.5, kernel="triangle")
    torch.testing.assert_close(connector(x), texture_histogram(similarity, options))


def test_defaults_are_those_of_the_paper():
    options = DTIEMConnector().options
    assert (options.count, options.alpha, options.theta) == (50, 0.3, 0.9)


def test_has_nothing_to_learn():
    assert not list(DTIEMConnector().parameters())
    assert not DTIEMConnector().state_dict()


def test_an_option_that_does_not_exist_or_is_out_of_range():
    with pytest.raises(TypeError, match="levels"):
        DTIEMConnector(levels=(4, 3))
    with pytest.raises(ValueError, match="alpha from 0 to 1"):
        DTIEMConnector(alpha=2)


def test_a_loss_of_mmrazor_takes_a_field_of_it():
    torch.manual_seed(0)
    record = dict(recorder="feature", connector="texture", connector_idx=4)
    features = dict(feature=dict(type="ModuleOutputs", source="layer"))
    distiller = ConfigurableDistiller(
        student_recorders=features,
        teacher_recorders=features,
        connectors=dict(texture=dict(type="DTIEMConnector")),
        distill_losses=dict(loss_counts=dict(type="L2Loss", normalize=False)),
        loss_forward_mappings=dict(
            loss_counts=dict(
                s_feature=dict(from_student=True, **record),
                t_feature=dict(from_student=False, **record),
            )
        ),
    )
    inputs = torch.randn(2, 3, 4, 8, 8)
    counts = []
    for x, prepare, recorders in zip(
        inputs,
        (distiller.prepare_from_student, distiller.prepare_from_teacher),
        (distiller.student_recorders, distiller.teacher_recorders),
        strict=True,
    ):
        model = torch.nn.Module()
        model.layer = torch.nn.Identity()
        prepare(model)
        with recorders:
            model.layer(x)
        counts.append(DTIEMConnector()(x).denoised)
    loss = distiller.compute_distill_losses()["loss_counts"]
    assert loss > 0
    expected = MODELS.build(dict(type="L2Loss", normalize=False))(*counts)
    torch.testing.assert_close(loss, expected)
