"""Training compiled as MMEngine's option ``compile`` does it."""

import pytest
import torch
from torch._dynamo.backends.registry import lookup_backend
from toy_models import train

from texture_kd.algorithms import TextureDistill


@pytest.fixture(autouse=True)
def nothing_is_compiled_yet():
    torch.compiler.reset()
    yield
    torch.compiler.reset()


# PyTorch looks at all tensors of a graph so.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
@pytest.mark.parametrize(("early", "kind"), [(True, "aot_eager"), (False, "eager")])
def test_networks_are_compiled_and_losses_are_not(
    build, batch, monkeypatch, early, kind
):
    if not early:
        monkeypatch.setattr(TextureDistill, "_can_be_early", lambda *_: False)
    compiled = []

    def backend(graph, inputs):
        compiled.append(graph)
        return lookup_backend(kind)(graph, inputs)

    plain, model = build(), build()
    model.train_step = torch.compile(model.train_step, backend=backend)
    for found, expected in zip(
        train(model, batch, 2), train(plain, batch, 2), strict=True
    ):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)
    nodes = [node for graph in compiled for node in graph.graph.nodes]
    networks = (model.student, model.teacher)
    convolutions = [
        module
        for network in networks
        for module in network.backbone.modules()
        if isinstance(module, torch.nn.Conv2d)
    ]
    assert sum("conv2d" in str(node.target) for node in nodes) >= len(convolutions)
    written = [node.meta.get("stack_trace") or "" for node in nodes]
    assert any("mmseg/models/backbones" in lines for lines in written)
    assert not any("texture_kd/losses" in lines for lines in written)
