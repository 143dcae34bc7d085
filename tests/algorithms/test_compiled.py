"""torch.compile, of the teacher and of everything as MMEngine does it."""

import copy

import pytest
import torch
from mmengine.optim import OptimWrapper
from toy_models import recorders

from texture_kd.algorithms.early_losses import EarlyLosses

STEPS = 2


@pytest.fixture(autouse=True)
def nothing_is_compiled_yet():
    torch.compiler.reset()
    yield
    torch.compiler.reset()


@pytest.fixture
def compiler():
    """A backend that keeps what it is given to compile."""

    def backend(graph, inputs):
        backend.graphs.append(graph)
        return graph.forward

    backend.graphs = []
    return backend


def train(model, batch) -> list[dict]:
    model.train()
    parameters = [p for p in model.parameters() if p.requires_grad]
    wrapper = OptimWrapper(torch.optim.SGD(parameters, lr=0.01))
    torch.manual_seed(7)
    return [model.train_step(copy.deepcopy(batch), wrapper) for _ in range(STEPS)]


def check_same(found, expected):
    for logged, values in zip(found, expected, strict=True):
        torch.testing.assert_close(logged, values, rtol=1e-3, atol=1e-5)


def of_features() -> dict:
    """A distiller that needs the teacher's backbone only."""
    return dict(
        type="ConfigurableDistiller",
        student_recorders=recorders(stage2="backbone.layer2"),
        teacher_recorders=recorders(stage2="backbone.layer2"),
        distill_losses=dict(
            loss_structural=dict(
                type="CDMLoss", student_channels=8, teacher_channels=16
            )
        ),
        loss_forward_mappings=dict(
            loss_structural=dict(
                s_feature=dict(from_student=True, recorder="stage2"),
                t_feature=dict(from_student=False, recorder="stage2"),
            )
        ),
    )


@pytest.mark.parametrize(
    ("changes", "head"), [({}, True), (dict(distiller=of_features()), False)]
)
def test_a_compiled_teacher_teaches_the_same(build, batch, compiler, changes, head):
    plain = build(**changes)
    model = build(**changes, compile_teacher=dict(backend=compiler))
    assert not compiler.graphs
    check_same(train(model, batch), train(plain, batch))
    called = [
        str(node.target)
        for graph in compiler.graphs
        for node in graph.graph.nodes
        if node.op == "call_function"
    ]
    # Once for all steps.
    convolutions = [
        module
        for name in ("backbone", "decode_head")[: 1 + head]
        for module in plain.teacher.get_submodule(name).modules()
        if isinstance(module, torch.nn.Conv2d)
    ]
    assert sum("conv2d" in name for name in called) == len(convolutions)


def test_a_copy_has_a_teacher_of_its_own(build, batch, compiler):
    model = build(compile_teacher=dict(backend=compiler))
    copied = copy.deepcopy(model)
    for parameter in model.teacher.parameters():
        parameter.zero_()
    check_same(train(copied, batch), train(build(), batch))
    assert [*model.state_dict()] == [*build().state_dict()]


# PyTorch looks at all tensors of a graph so.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
@pytest.mark.parametrize("early", [True, False])
def test_everything_can_be_compiled(build, batch, monkeypatch, early):
    if not early:
        monkeypatch.setattr(EarlyLosses, "possible", lambda *unused: False)
    plain, model = build(), build()
    model.train_step = torch.compile(model.train_step, backend="aot_eager")
    check_same(train(model, batch), train(plain, batch))


def test_in_validation_the_teacher_is_not_compiled(build, batch, compiler):
    model = build(compile_teacher=dict(backend=compiler))
    data = model.data_preprocessor(copy.deepcopy(batch), training=False)
    model.teacher(**data, mode="predict")
    assert not compiler.graphs


def test_compiling_is_off_unless_asked_for(build, batch, compiler, monkeypatch):
    asked = []

    def asking(function, **options):
        asked.append(options)
        return function

    monkeypatch.setattr(torch, "compile", asking)
    train(build(), batch)
    assert not asked
    build(compile_teacher=True)
    build(compile_teacher=dict(mode="max-autotune"))
    assert asked == [{}, dict(mode="max-autotune")]
