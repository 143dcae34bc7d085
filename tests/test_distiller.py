"""Distillation in a loop of one's own: exact, lean, and on networks of any shape."""

import copy
import gc
import io
import weakref
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

import texture_kd
from texture_kd import losses, recipes
from texture_kd.distiller import Distiller
from texture_kd.example_shapes import example_shapes
from texture_kd.losses import DistillationLoss, ResponseKDLoss, TextureLoss
from texture_kd.recipes import METHODS, Term
from texture_kd.stages import Stages

STAGES = ("layer1", "layer2", "layer3", "layer4")


class Network(nn.Module):
    """Four stages, as a ResNet has them, and a classifier."""

    def __init__(self, width=4, wrap=None, inplace=False):
        super().__init__()
        widths = [width, width, 2 * width, 4 * width, 8 * width]
        self.stem = nn.Conv2d(3, width, 3, stride=2, padding=1)
        for i, (before, after) in enumerate(pairwise(widths)):
            stride = 2 if i else 1
            stage = nn.Sequential(
                nn.Conv2d(before, after, 3, stride, 1), nn.BatchNorm2d(after)
            )
            self.add_module(f"layer{i + 1}", stage)
        self.act = nn.ReLU(inplace)
        self.head = nn.Conv2d(widths[-1], 5, 1)
        self.wrap, self.ran = wrap, []

    def forward(self, x):
        x = self.stem(x)
        for name in STAGES:
            x = self.act(self.get_submodule(name)(x))
            self.ran.append(name)
        logits = self.head(x)
        self.ran.append("head")
        return self.wrap(logits) if self.wrap else logits

    def stages(self, x):
        outputs, x = [], self.stem(x)
        for name in STAGES:
            outputs.append(self.get_submodule(name)(x))
            x = F.relu(outputs[-1])
        return outputs, self.head(x)


@pytest.fixture
def networks():
    torch.manual_seed(0)
    return Network(4).double(), Network(8).double()


@pytest.fixture
def images():
    return torch.rand(2, 3, 64, 80, generator=torch.Generator().manual_seed(1)).double()


def distilled(student, teacher, method="texture", *, images, **options):
    return Distiller(student, teacher, method, example=images[:1], **options)


def gradients(student, distiller, images, **known):
    parameters = [*student.parameters(), *distiller.parameters()]
    losses = distiller(images, **known)[1]
    return torch.autograd.grad(sum(losses.values()), parameters, allow_unused=True)


def assert_equal(found, expected, **options):
    for a, b in zip(found, expected, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            torch.testing.assert_close(a, b, **options)


def test_losses_and_gradients_are_those_of_a_loop_by_hand(networks, images):
    student, teacher = networks
    distiller = distilled(*networks, images=images).double()
    prediction, losses = distiller(images)
    found = gradients(student, distiller, images)
    ours, logits = student.stages(images)
    with torch.no_grad():
        theirs, _ = teacher.eval().stages(images)
    expected = distiller.terms["loss_texture"](ours, theirs)
    torch.testing.assert_close(prediction, logits)
    assert losses.keys() == {"loss_texture"}
    torch.testing.assert_close(losses["loss_texture"], expected)
    parameters = [*student.parameters(), *distiller.parameters()]
    by_hand = torch.autograd.grad(expected, parameters, allow_unused=True)
    assert_equal(found, by_hand)
    assert sum(x is not None for x in found) > 10
    assert distiller.parts.keys() == {f"loss_texture.stage{i}" for i in range(1, 5)}


@pytest.mark.parametrize("method", METHODS)
def test_each_method_teaches_the_student(networks, images, method):
    student, teacher = networks
    # All of its grids are twice the student's, and its channels, too.
    teacher.stem.stride = (1, 1)
    distiller = distilled(student, teacher, method, images=images).double()
    labels = torch.zeros(2, 64, 80, dtype=torch.long)
    prediction, losses = distiller(images, labels=labels)
    assert prediction.shape == (2, 5, 4, 5)
    assert losses
    for loss in losses.values():
        (gradient,) = torch.autograd.grad(
            loss, [student.stem.weight], retain_graph=True
        )
        assert gradient.abs().sum() > 0


def test_padding_and_ignored_pixels_do_not_count(networks, images):
    valid = torch.ones(2, 64, 80, dtype=torch.bool)
    valid[:, :, 48:] = False
    for method in METHODS:
        distiller = distilled(*networks, method, images=images).double()
        # Regions are drawn.
        torch.manual_seed(0)
        _, everywhere = distiller(images)
        torch.manual_seed(0)
        _, inside = distiller(images, valid=valid)
        for name, loss in inside.items():
            assert loss != everywhere[name]
    labels = torch.full((2, 64, 80), 255)
    distiller = distilled(*networks, "response", images=images)
    assert distiller(images, labels=labels)[1]["loss_response"] == 0
    distiller = distilled(*networks, "response", images=images, ignore_index=7)
    assert distiller(images, labels=labels % 248)[1]["loss_response"] == 0


def test_networks_are_no_submodules_and_stay_as_they_are(networks, images):
    student, teacher = networks
    before = copy.deepcopy([student.state_dict(), teacher.state_dict()])
    state = torch.get_rng_state()
    distiller = distilled(*networks, images=images)
    assert torch.equal(torch.get_rng_state(), state)
    assert student.training
    assert all(module.training for module in student.modules())
    after = [student.state_dict(), teacher.state_dict()]
    for old, new in zip(before, after, strict=True):
        assert_equal(new.values(), old.values(), rtol=0, atol=0)
    names = [name for name, _ in distiller.named_parameters()]
    assert names == [f"terms.loss_texture.stages.{i}.align.weight" for i in range(4)]
    assert [*distiller.state_dict()] == names
    distiller.train()
    gradients(student, distiller.double(), images)
    assert not teacher.training
    assert all(x.grad is None for x in teacher.parameters())
    assert student.training


def test_the_teacher_runs_as_deep_as_it_is_asked_to(networks, images):
    _, teacher = networks
    first = dict(student_stages=STAGES[:2], images=images)
    for method, deepest in (("texture", "layer1"), ("sstkd", "head")):
        distiller = distilled(*networks, method, **first).double()
        teacher.ran.clear()
        distiller(images)
        # A stage is noted when it has returned, and the second stops the run.
        assert teacher.ran[-1] == deepest


class Answer(tuple):
    """A model's output with a name for its logits, like those of transformers."""

    logits = property(lambda self: self[1])


@pytest.mark.parametrize(
    ("wrap", "where"),
    [
        (lambda x: {"aux": None, "out": x}, None),
        (lambda x: {"out": x.mean(), "logits": x}, None),
        (lambda x: (x, None), None),
        (lambda x: SimpleNamespace(logits=x), None),
        (lambda x: Answer([None, x]), None),
        (lambda x: {"semantic": x}, "semantic"),
        (lambda x: [None, {"a": x}], lambda output: output[1]["a"]),
    ],
)
def test_logits_are_found_in_what_networks_return(networks, images, wrap, where):
    student, teacher = networks
    expected = distilled(*networks, "response", images=images)(images)[1]
    student.wrap = teacher.wrap = wrap
    options = dict(student_logits=where, teacher_logits=where)
    distiller = distilled(*networks, "response", images=images, **options)
    prediction, losses = distiller(images)
    assert type(prediction) is type(wrap(torch.zeros(1)))
    torch.testing.assert_close(losses, expected)


class Pyramid(nn.Module):
    """A backbone that returns all of its stages."""

    def __init__(self, network):
        super().__init__()
        self.backbone = Maps(network)

    def forward(self, x):
        return self.backbone(x)[-1]


class Maps(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network.stages(x)[0]


def test_one_module_may_return_all_stages(networks, images):
    expected = distilled(*networks, images=images).double()
    other = Distiller(
        Pyramid(networks[0]),
        networks[1],
        example=images[:1],
        student_stages="backbone",
        teacher_stages=STAGES,
    ).double()
    other.load_state_dict(expected.state_dict())
    assert_equal(
        gradients(networks[0], other, images),
        gradients(networks[0], expected, images),
    )


def test_terms_of_ones_own(networks, images):
    class Means(DistillationLoss):
        def forward(self, ours, theirs, logits):
            self.parts = {"means": (ours.mean() - theirs.mean()).detach()}
            return (ours.mean() - theirs.mean()) ** 2 + 0 * logits.sum()

    arguments = dict(
        ours="student.stages.1", theirs="teacher.stages.1", logits="student.logits"
    )
    terms = {
        "loss_means": Term(Means(), arguments),
        "loss_response": Term(
            ResponseKDLoss(), dict(preds_S="student.logits", preds_T="teacher.logits")
        ),
    }
    distiller = distilled(*networks, terms, images=images)
    _, losses = distiller(images)
    assert [*losses] == ["loss_means", "loss_response"]
    ours = networks[0].stages(images)[0][1].mean()
    theirs = networks[1].eval().stages(images)[0][1].mean()
    torch.testing.assert_close(losses["loss_means"], (ours - theirs) ** 2)
    assert distiller.parts.keys() == {"loss_means.means"}


def test_a_method_is_a_function_of_sizes(networks, images):
    seen = []

    def recipe(student, teacher, temperature=1.0):
        seen.append((student, teacher))
        return recipes.response(student, teacher, temperature=temperature)

    for method in (recipe, recipes.response):
        distiller = distilled(*networks, method, images=images, temperature=2.0)
        assert distiller.terms["loss_response"].temperature == 2
    shapes = seen[0][0]
    assert shapes.channels == (4, 8, 16, 32)
    assert (shapes.logits, shapes.images) == ((1, 5, 4, 5), (1, 3, 64, 80))
    with pytest.raises(ValueError, match="'recipe' is given 'tempered'"):
        distilled(*networks, recipe, images=images, tempered=1)
    with pytest.raises(ValueError, match=r"expected terms by name .* got a int"):
        distilled(*networks, lambda student, teacher: 1, images=images)
    with pytest.raises(ValueError, match=r"'no\.such:method' is not found"):
        distilled(*networks, "no.such:method", images=images)


def test_a_critic_learns_beside_the_student(networks, images):
    student, _ = networks
    distiller = distilled(*networks, "sstkd", images=images, adversarial=True).double()
    critic = distiller.terms["loss_adversarial"].critic
    assert (critic.num_classes, critic.image_channels) == (5, 3)
    _, losses = distiller(images)
    losses["loss_adversarial"].backward()
    assert student.stem.weight.grad.abs().sum() > 0
    assert critic.score.weight.grad.abs().sum() > 0


def test_a_loss_looks_at_its_teacher_and_prepares(networks, images):
    class Prepared(DistillationLoss):
        def attach_teacher(self, teacher):
            self.teacher = (teacher,)

        def prepare(self, theirs, valid):
            self.prepared = (theirs, valid, student.training)

        def forward(self, ours, theirs, valid):
            assert self.prepared[:2] == (theirs, valid)
            return (ours.mean() - theirs.mean()).square()

    student, teacher = networks
    arguments = dict(ours="student.stages.0", theirs="teacher.stages.0", valid="valid")
    terms = {"loss_prepared": Term(Prepared(), arguments)}
    distiller = distilled(*networks, terms, images=images)
    loss = distiller.terms["loss_prepared"]
    assert loss.teacher[0] is teacher
    distiller(images)
    assert loss.prepared[1] is None
    assert "teacher" not in str(distiller.state_dict().keys())


def test_the_first_step_knows_nothing_of_the_example(networks, images):
    class Prepared(DistillationLoss):
        def prepare(self, ours, theirs):
            raise AssertionError("the student has not run")

        def forward(self, ours, theirs):
            return (ours.mean() - theirs.mean()).square()

    arguments = dict(ours="student.stages.0", theirs="teacher.stages.0")
    terms = {"loss_prepared": Term(Prepared(), arguments)}
    distiller = distilled(*networks, terms, images=images)
    assert [side.outputs for side in distiller._sides] == [[], []]
    distiller(images)


def test_the_teachers_features_are_given_up_when_they_have_served(networks, images):
    student, teacher = networks
    kept, alive = [], []
    teacher.layer1.register_forward_hook(lambda *x: kept.append(weakref.ref(x[2])))
    student.layer3.register_forward_hook(
        lambda *_: alive.append(bool(kept) and kept[-1]() is None)
    )
    pair = dict(ours="student.stages.0", theirs="teacher.stages.0")
    terms = {"loss_first": Term(Means(), pair)}
    distiller = distilled(*networks, terms, images=images)
    distiller(images)
    assert alive[-1]


def test_losses_are_given_maps_of_one_channel(networks, images):
    class Shapes(DistillationLoss):
        def forward(self, ours, valid, labels):
            self.seen = valid.shape, labels.shape
            return ours.mean()

    arguments = dict(ours="student.stages.0", valid="valid", labels="labels")
    distiller = distilled(
        *networks, {"loss_shapes": Term(Shapes(), arguments)}, images=images
    )
    valid, labels = torch.ones(2, 2, 64, 80).bool()
    for given in ((valid, labels.long()), (valid[:, None], labels[:, None].long())):
        distiller(images, *given)
        assert distiller.terms["loss_shapes"].seen == ((2, 1, 64, 80),) * 2


def test_float16_inside_of_the_student_does_not_lose_small_gradients(networks, images):
    """An autocast that is not seen from outside leaves nothing to underflow."""
    student, _ = networks

    class Halved(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = student.float()

        def forward(self, images):
            with torch.autocast("cpu", torch.float16):
                return self.network(images)

    halved = Halved()
    pair = dict(ours="student.stages.0", theirs="teacher.stages.0")
    terms = {"loss_first": Term(Means(1e-6), pair)}
    distiller = Distiller(
        halved,
        networks[1].float(),
        terms,
        example=images[:1].float(),
        student_stages=[f"network.layer{i}" for i in (1, 2)],
        teacher_stages=["layer1", "layer2"],
    )
    _, losses = distiller(images.float())
    (losses["loss_first"] * 2.0**24).backward()
    assert student.stem.weight.grad.abs().sum() > 0


class Means(DistillationLoss):
    """The difference of means of cubes, which batch norms leave free."""

    def __init__(self, weight=1.0):
        super().__init__()
        self.weight = weight

    def forward(self, ours, theirs):
        ours, theirs = (x.float().pow(3).mean() for x in (ours, theirs))
        distance = (ours - theirs).square()
        return self.weight * distance


def test_copies_and_files_of_a_network_have_no_distiller(networks, images):
    student, _ = networks
    distiller = distilled(*networks, images=images).double()
    twin = copy.deepcopy(student)
    file = io.BytesIO()
    torch.save(student, file)
    file.seek(0)
    loaded = torch.load(file, weights_only=False)
    expected = gradients(student, distiller, images)
    for other in (twin, loaded, student):
        other(images)
    assert_equal(gradients(student, distiller, images), expected)
    hooks = student.layer1._forward_hooks
    assert len(hooks) == 1
    del distiller
    gc.collect()
    assert not hooks


# TorchDynamo looks at the gradient of what goes into a part behind a graph break.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
def test_compiled_networks(networks, images):
    student, teacher = networks
    distiller = distilled(*networks, images=images).double()
    expected = gradients(student, distiller, images)
    torch._dynamo.reset()
    student.compile(backend="aot_eager")
    teacher.compile(backend="aot_eager")
    for _ in range(2):
        assert_equal(gradients(student, distiller, images), expected)
    student(images)
    assert_equal(gradients(student, distiller, images), expected)


class Checkpointed(Network):
    """Calls its stages as most networks do that save memory."""

    def forward(self, x):
        x = self.stem(x)
        for name in STAGES:
            stage = self.get_submodule(name)
            x = self.act(checkpoint(stage, x, use_reentrant=False))
        return self.head(x)


def test_checkpointed_calls_of_stages(networks, images):
    student, teacher = networks
    distiller = distilled(student, teacher, images=images).double()
    expected = gradients(student, distiller, images)
    other = Checkpointed(4).double()
    other.load_state_dict(student.state_dict())
    copied = distilled(other, teacher, images=images).double()
    copied.load_state_dict(distiller.state_dict())
    sum(copied(images)[1].values()).backward()
    found = [x.grad for x in (*other.parameters(), *copied.parameters())]
    assert_equal(found, expected)


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpointed_stages(networks, images, reentrant):
    student, _ = networks
    distiller = distilled(*networks, images=images).double()
    expected = gradients(student, distiller, images)
    for name in STAGES[1:]:
        stage = student.get_submodule(name)
        run = stage.forward

        def again(x, run=run):
            return checkpoint(run, x, use_reentrant=reentrant)

        stage.forward = again
    parameters = [*student.parameters(), *distiller.parameters()]
    sum(distiller(images)[1].values()).backward()
    assert_equal([x.grad for x in parameters], expected)


def test_what_runs_inside_of_a_checkpointed_block_is_refused(networks, images):
    student, _ = networks
    distiller = distilled(*networks, images=images).double()
    run = student.forward
    student.forward = lambda x: checkpoint(run, x, use_reentrant=True)
    with pytest.raises(ValueError, match="'layer1' runs without gradient"):
        distiller(images.requires_grad_())


def test_accumulated_and_scaled_gradients(networks, images):
    student, _ = networks
    distiller = distilled(*networks, images=images).double()
    expected = gradients(student, distiller, images)
    for _ in range(2):
        (128 * sum(distiller(images)[1].values())).backward()
    parameters = [*student.parameters(), *distiller.parameters()]
    found = [None if x.grad is None else x.grad / 256 for x in parameters]
    assert_equal(found, expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_autocast(networks, images, dtype):
    student, teacher = networks[0].float(), networks[1].float()
    images = images.float()
    distiller = distilled(student, teacher, images=images)
    exact = gradients(student, distiller, images)
    with torch.autocast("cpu", dtype):
        prediction, losses = distiller(images)
        total = sum(losses.values())
    assert prediction.dtype is dtype
    assert total.dtype is torch.float32
    parameters = [*student.parameters(), *distiller.parameters()]
    # Under float16 gradients of a scaled loss are scaled all the way.
    scale = 2.0**16
    found = torch.autograd.grad(scale * total, parameters, allow_unused=True)
    a, b = (
        torch.cat([x.flatten() for x in y if x is not None]) for y in (found, exact)
    )
    assert torch.cosine_similarity(a / scale, b, dim=0) > 0.98


def test_without_gradient_losses_have_none(networks, images):
    distiller = distilled(*networks, images=images).double()
    with torch.no_grad():
        _, losses = distiller(images)
    assert not losses["loss_texture"].requires_grad
    torch.testing.assert_close(losses, distiller(images)[1])


def test_several_processes(networks, images, tmp_path):
    student, _ = networks
    distiller = distilled(*networks, images=images).double()
    expected = gradients(student, distiller, images)
    store = f"file://{tmp_path}/store"
    group = torch.distributed
    group.init_process_group("gloo", init_method=store, rank=0, world_size=1)
    try:
        wrapped = nn.parallel.DistributedDataParallel(student)
        other = distilled(wrapped, networks[1], images=images).double()
        other.load_state_dict(distiller.state_dict())
        both = nn.parallel.DistributedDataParallel(other)
        prediction, losses = both(images)
        (sum(losses.values()) + 0 * prediction.sum()).backward()
    finally:
        group.destroy_process_group()
    parameters = [*student.parameters(), *other.parameters()]
    found = [x.grad for x in parameters]
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, torch.zeros_like(a) if b is None else b)


# Lightning's own.
@pytest.mark.filterwarnings("ignore:`isinstance.treespec, LeafSpec.` is deprecated")
@pytest.mark.filterwarnings("ignore:The 'train_dataloader' does not have many workers")
@pytest.mark.parametrize(
    "example", ["plain.py", "plain_terms.py", "plain_lightning.py"]
)
def test_the_examples_of_the_guide_run(example, capsys):
    guide = (Path(__file__).parents[1] / "docs/guides/plain_pytorch.md").read_text()
    start = guide.index(f"<!-- example: {example} -->\n```python\n")
    code = guide[start:].split("```python\n", 1)[1].split("```", 1)[0]
    exec(compile(code, example, "exec"), {"__name__": "example"})
    assert "loss_" in capsys.readouterr().out


def test_names_are_imported_when_they_are_asked_for():
    assert texture_kd.Distiller is Distiller
    assert texture_kd.TextureLoss is TextureLoss
    assert {"Distiller", "Term", *losses.__all__} <= {*dir(texture_kd)}
    for name in dir(texture_kd):
        getattr(texture_kd, name)
    with pytest.raises(AttributeError, match="no attribute 'Distler'"):
        texture_kd.Distler  # noqa: B018


def test_nothing_stays_of_a_step(networks, images):
    distiller = distilled(*networks, images=images).double()
    distiller(images)
    copy.deepcopy(distiller)
    head = networks[0].head
    networks[0].head = None
    with pytest.raises(TypeError):
        distiller(images)
    networks[0].head = head
    assert [side.outputs for side in distiller._sides] == [[], []]
    assert distiller(images)[1]["loss_texture"] > 0


def test_frozen_stages_and_networks_without_stages(networks, images):
    student, teacher = networks
    for part in (student.stem, student.layer1):
        part.requires_grad_(False)
    distiller = distilled(student, teacher, images=images).double()
    sum(distiller(images)[1].values()).backward()
    assert student.layer2[0].weight.grad.abs().sum() > 0
    assert student.layer1[0].weight.grad is None
    plain = nn.Conv2d(3, 5, 16, 16).double()
    distiller = distilled(plain, teacher, "response", images=images)
    assert distiller(images)[1]["loss_response"] > 0


def test_terms_are_computed_in_their_order(networks, images):
    order = []

    class Noting(nn.Module):
        def __init__(self, name):
            super().__init__()
            self.name = name

        def forward(self, x):
            order.append(self.name)
            return x.mean()

    names = [f"loss_{i}" for i in range(20)]
    terms = {n: Term(Noting(n), {"x": "student.stages.0"}) for n in names}
    distilled(*networks, terms, images=images)(images)
    assert order == names


@pytest.mark.parametrize("method", ["texture", "ds2d2", "lsfd", "cwd", "response"])
def test_inference_mode_and_the_meta_device(images, method):
    networks = Network(4), Network(8)
    distiller = distilled(*networks, method, images=images.float())
    with torch.inference_mode():
        assert distiller(images.float())[1]
    networks = Network(4).to("meta"), Network(8).to("meta")
    distiller = distilled(*networks, method, images=images.float().to("meta"))
    assert sum(distiller(images.float().to("meta"))[1].values()).shape == ()


def test_two_distillers_of_one_student(networks, images):
    first = distilled(*networks, images=images).double()
    expected = gradients(networks[0], first, images)
    second = distilled(*networks, "response", images=images)
    second(images)
    assert_equal(gradients(networks[0], first, images), expected)


def test_stages_of_other_names_are_found(images):
    class Wrapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = Network()

        def forward(self, x):
            return self.encoder(x)

    distiller = Distiller(Wrapped(), Network(8), example=images[:1].float())
    assert distiller(images.float())[1].keys() == {"loss_texture"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            dict(method="textur"),
            "there is no method 'textur'; there are cwd, ds2d2",
        ),
        (dict(student_stages="layer9"), "the student has no module 'layer9' for stude"),
        (
            dict(student_stages=("layer1",), teacher_stages=STAGES),
            "got 1 of the student",
        ),
        (dict(teacher_stages=()), "got 4 of the student"),
        (dict(student_logits="scores", method="response"), "say by student_logits"),
        (
            dict(method={"a": Term(nn.Identity(), {"x": "student.stage"})}),
            "expected images, va",
        ),
        (
            dict(method={"a": Term(nn.Identity(), {"x": "student.stages.4"})}),
            "are 4 sta",
        ),
        (dict(method={}, levels=3), "terms of one's own have no options, got levels"),
        (dict(student_stages=("layer1",), method="sstkd"), "name two at least"),
        (dict(student_stages=(), teacher_stages=(), method="fakd"), "name one at leas"),
        (dict(levls=(3,)), "given 'levls', and TextureLoss takes.*mean 'levels'?"),
        (dict(attention="kl", method="lsfd"), "expected attention"),
        (dict(student_stage=("layer1",)), "given 'student_stage', and TextureLoss ta"),
        (
            dict(levels=3, method="skd"),
            "method 'skd' is given 'levels', and it takes i",
        ),
        (dict(method=("texture",)), "as a name, .* or as terms by name.*got a tuple"),
    ],
)
def test_what_does_not_fit_is_refused(networks, images, options, message):
    with pytest.raises(ValueError, match=message):
        distilled(*networks, images=images, **options)


LOGITS = dict(preds_S="student.logits", preds_T="teacher.logits")


@pytest.mark.parametrize(
    ("term", "message"),
    [
        (
            Term(ResponseKDLoss, dict(preds_s="student.logits")),
            "'a' is given 'preds_s', and ResponseKDLoss.forward takes preds_S, "
            "preds_T, gt, valid: did you mean 'preds_S'",
        ),
        (
            Term(ResponseKDLoss(), dict(preds_S="student.logits")),
            "'a' is not given 'preds_T', which ResponseKDLoss.forward needs",
        ),
        (
            Term(ResponseKDLoss, LOGITS, dict(temprature=2)),
            "'a' is given 'temprature', and ResponseKDLoss takes temperature, .*: did "
            "you mean 'temperature'",
        ),
        (
            Term(TextureLoss, LOGITS, dict(student_channels=(4,))),
            "'a' is not given 'teacher_channels', which TextureLoss needs",
        ),
        (
            Term(ResponseKDLoss(), LOGITS, dict(temperature=2)),
            "ResponseKDLoss that is built, and options, temperature: give the class",
        ),
        ((ResponseKDLoss(), LOGITS), r"'a' as texture_kd\.Term.*, got a tuple"),
        (ResponseKDLoss(), r"'a' as texture_kd\.Term.*, got a ResponseKDLoss"),
        (Term(F.mse_loss, LOGITS), "'a' as a torch.nn.Module .*, got a function"),
        (Term(dict, LOGITS), "'a' as a torch.nn.Module .*, got the class dict"),
        (Term(ResponseKDLoss, ["student.logits"]), "arguments of .*, got a list"),
        (Term(nn.Identity(), {"input": 3}), "input=3: expected images, valid"),
    ],
)
def test_slips_in_terms_are_named(networks, images, term, message):
    with pytest.raises(ValueError, match=message):
        distilled(*networks, {"a": term}, images=images)


def test_terms_may_be_classes_and_wrapped_losses(networks, images):
    terms = {
        "class": Term(ResponseKDLoss, LOGITS, dict(temperature=2.0)),
        "built": Term(ResponseKDLoss(temperature=2.0), LOGITS),
        "wrapped": Term(nn.DataParallel(ResponseKDLoss(temperature=2.0)), LOGITS),
    }
    values = [*distilled(*networks, terms, images=images)(images)[1].values()]
    torch.testing.assert_close(values, [values[0]] * 3)


def test_a_frozen_student_is_named(networks, images):
    student, teacher = networks
    for part in (student.stem, student.layer1):
        part.requires_grad_(False)
    first = dict(student_stages=STAGES[:1], images=images)
    distiller = distilled(student, teacher, **first).double()
    with pytest.warns(UserWarning, match="'loss_texture' .* leads to 'layer1' is f"):
        distiller(images)
    with torch.no_grad():
        distiller(images)
    # The second stage learns, and with it what compares both.
    both = distilled(student, teacher, "sstkd", images=images).double()
    with pytest.warns(UserWarning, match="'loss_structural_stage1'") as caught:
        both(images)
    assert len(caught) == 1
    student.layer1.requires_grad_()
    distiller(images)
    student.requires_grad_(False)
    distiller = distilled(student, teacher, "response", images=images)
    with pytest.warns(UserWarning, match="'loss_response' .* leads to the logits is"):
        distiller(images)


class Permuted(nn.Module):
    """Two stages whose maps are (N, H, W, C), as timm's Swin has them."""

    def __init__(self):
        super().__init__()
        self.stage1, self.stage2 = nn.Conv2d(3, 24, 4, 4), nn.Conv2d(24, 48, 2, 2)
        self.last1, self.last2, self.first2 = (Permute() for _ in range(3))
        self.last1.order = self.last2.order = 0, 2, 3, 1

    def forward(self, x):
        x = self.last1(self.stage1(x))
        return self.last2(self.stage2(self.first2(x)))


class Permute(nn.Module):
    order = 0, 3, 1, 2

    def forward(self, x):
        return x.permute(self.order)


@pytest.mark.parametrize("size", [(64, 80), (64, 64), (70, 98)])
def test_maps_with_channels_last_are_refused(size):
    example = torch.rand(1, 3, *size)
    options = dict(example=example, teacher_stages=STAGES[:2])
    networks = Permuted(), Network(8)
    with pytest.raises(
        ValueError, match=r"'last[12]' gives .*\(N, H, W, C\): name a mod"
    ):
        Distiller(*networks, student_stages=("last1", "last2"), **options)
    distiller = Distiller(*networks, student_stages=("first2", "stage2"), **options)
    assert distiller(example)[1]["loss_texture"] > 0


class Constant(nn.Module):
    """Returns a map of one size for images of any."""

    def __init__(self, shape):
        super().__init__()
        self.shape, self.stage = shape, nn.Identity()

    def forward(self, x):
        return self.stage(x.new_zeros(self.shape))


@pytest.mark.parametrize(
    ("size", "shape", "refused"),
    [
        ((64, 80), (16, 20, 96), True),
        ((65, 81), (17, 21, 8), True),
        ((224, 224), (7, 7, 768), True),
        ((64, 80), (16, 16, 20), False),
        ((64, 80), (20, 15, 19), False),
        # Convolutions without padding, one stride for rows and one for columns, grids
        # of one size, means of images, and maps that are larger than the image.
        ((64, 128), (32, 54, 118), False),
        ((64, 128), (32, 4, 128), False),
        ((64, 80), (32, 14, 14), False),
        ((64, 80), (64, 1, 1), False),
        ((16, 20), (8, 64, 80), False),
        # What cannot be told.
        ((64, 64), (16, 16, 16), False),
    ],
)
def test_the_order_of_sizes_is_told_by_the_example(size, shape, refused):
    network, example = Constant((1, *shape)), torch.zeros(1, 3, *size)
    stages = Stages("student", network, ("stage",))
    if refused:
        with pytest.raises(ValueError, match="looks like"):
            example_shapes(stages, None, example)
    else:
        assert example_shapes(stages, None, example).stages == ((1, *shape),)


def test_stages_that_cannot_be_told_are_refused(networks, images):
    with pytest.raises(ValueError, match="name them by student_stages; there are 0, 1"):
        distilled(
            nn.Sequential(nn.Conv2d(3, 5, 1), nn.ReLU()), networks[1], images=images
        )


def test_outputs_that_change_in_place_are_refused(images):
    student, teacher = Network(inplace=True), Network(8)
    with pytest.raises(ValueError, match="the student changes what its stage 'layer1'"):
        distilled(student, teacher, images=images.float())


def test_stages_that_run_twice_or_not_at_all_are_refused(networks, images):
    student, teacher = networks
    student.forward = lambda x: student.head(x)
    student.head = nn.Sequential(student.layer1[1], student.layer1[1])
    with pytest.raises(ValueError, match=r"runs its stage 'head\.0' more than once"):
        distilled(
            student,
            teacher,
            images=images.expand(-1, 3, -1, -1)[:, :1].expand(-1, 4, -1, -1),
            student_stages=("head.0",),
            teacher_stages=("layer1",),
        )


def test_features_of_a_texture_loss_are_of_its_channels(networks, images):
    loss = TextureLoss((4, 8), (8, 16))
    arguments = dict(student="student.stages", teacher="teacher.stages")
    distiller = distilled(*networks, {"t": Term(loss, arguments)}, images=images)
    with pytest.raises(ValueError, match="2"):
        distiller(images)
