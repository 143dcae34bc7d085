"""On a GPU no loss waits for it, but where the shapes of what follows depend on values.

Nor do tensors of two devices meet, and no operator is run that raises an error where
PyTorch is to be deterministic. All this is seen without a GPU.
"""

import json
import sys
from pathlib import Path

import pytest
import warm
from torch.utils import backend_registration

# Regions have as many pixels, and components as many cells, as the data say.
WAITS = {
    "statistical": ["regions._regions"],
    "statistical, grids": ["regions._regions"],
    "statistical, padded": ["regions._regions", "regions.within"],
    "statistical, learnt": ["regions._regions"],
    "ds2d2, component": ["component_shares.component_shares"],
    "ds2d2, class": ["component_shares.component_shares"],
    "ds2d2, bbox": ["box_shares.box_shares", "box_shares.component_boxes"],
}


# Operators that PyTorch has no deterministic form of, as the guide to resuming has it:
# sums over grids and levels, and the cross-entropy of an auxiliary head.
SUMS = ["cumsum"]
INDEFINITE = {
    "statistical": SUMS,
    "statistical, grids": SUMS,
    "statistical, padded": SUMS,
    "statistical, prepared": SUMS,
    "statistical, none": SUMS,
    "statistical, learnt": [*SUMS, "nll_loss_forward"],
    "ds2d2, boxes": SUMS,
    "ds2d2, bbox": SUMS,
    # What heads of MMSegmentation do.
    "network": ["_adaptive_avg_pool2d_backward", "nll_loss2d_forward"],
}


@pytest.fixture(scope="module")
def told():
    if not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"):
        pytest.skip("this PyTorch takes no device written in Python")
    script = Path(__file__).with_name("absent_gpu.py")
    result = warm.run([sys.executable, script], capture_output=True)
    assert result.returncode == 0, result.stderr[-3000:]
    return json.loads(result.stdout.splitlines()[-1])


def test_losses_do_not_wait_for_the_gpu(told):
    waits = {name: places for name, (places, _) in told.items() if name != "network"}
    assert len(waits) == 33
    assert {name: places for name, places in waits.items() if places} == WAITS


def test_few_losses_have_operators_that_are_never_deterministic(told):
    assert {name: names for name, (_, names) in told.items() if names} == INDEFINITE
