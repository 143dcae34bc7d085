"""A tensor that a GPU needs is sent from memory that it can read by itself."""

from unittest.mock import Mock

import pytest
import torch

from texture_kd.functional.transfer import sent


def test_on_the_cpu_it_is_the_tensor_itself():
    x = torch.arange(3)
    assert sent(x, torch.device("cpu")) is x


@pytest.mark.parametrize(
    ("source", "target", "pinned", "waits"),
    [
        ("cpu", "cuda", True, False),
        ("cuda", "cuda", False, False),
        ("cpu", "xpu", False, False),
        ("cpu", "mps", False, True),
    ],
)
def test_what_each_device_can_fetch(source, target, pinned, waits):
    x = Mock(device=torch.device(source))
    x.pin_memory.return_value = Mock() if pinned else x
    device = torch.device(target)
    sent(x, device)
    assert x.pin_memory.called == pinned
    x.pin_memory.return_value.to.assert_called_once_with(device, non_blocking=not waits)
