import pytest
import torch
from mmrazor.models.architectures.connectors.base_connector import BaseConnector
from mmrazor.registry import MODELS

import texture_kd.components  # noqa: F401
from texture_kd.connectors import CDMConnector
from texture_kd.functional import contourlet


def test_is_built_by_the_registry_and_is_a_connector():
    connector = MODELS.build(
        dict(type="CDMConnector", levels=[2, 1], pyramid="9-7", directional="pkva")
    )
    assert isinstance(connector, CDMConnector)
    assert isinstance(connector, BaseConnector)
    x = torch.randn(1, 2, 8, 16)
    torch.testing.assert_close(connector(x), contourlet(x, (2, 1), "9-7", "pkva"))


def test_defaults_are_those_of_the_paper():
    x = torch.randn(1, 2, 16, 32)
    torch.testing.assert_close(CDMConnector()(x), contourlet(x))
    assert len(contourlet(x).directional) == 2


def test_has_nothing_to_learn():
    assert not list(CDMConnector().parameters())
    assert not CDMConnector().state_dict()


@pytest.mark.parametrize(
    "options",
    [{"levels": ()}, {"levels": (0,)}, {"pyramid": "db2"}, {"directional": "haar"}],
)
def test_unknown_options_are_refused_before_the_first_feature(options):
    with pytest.raises(ValueError, match="expected"):
        CDMConnector(**options)
