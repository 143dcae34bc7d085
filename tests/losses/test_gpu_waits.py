"""On a GPU no loss waits for it, but where the shapes of what follows depend on values.

Nor do tensors of two devices meet. What is waited for is seen without a GPU.
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


@pytest.mark.skipif(
    not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"),
    reason="this PyTorch takes no device written in Python",
)
def test_losses_do_not_wait_for_the_gpu():
    script = Path(__file__).with_name("absent_gpu.py")
    result = warm.run([sys.executable, script], capture_output=True)
    assert result.returncode == 0, result.stderr[-3000:]
    waits = json.loads(result.stdout.splitlines()[-1])
    assert len(waits) == 33
    assert {name: places for name, places in waits.items() if places} == WAITS
