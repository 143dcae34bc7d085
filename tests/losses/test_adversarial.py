import copy

import pytest
import torch
from mmrazor.registry import MODELS

import texture_kd.components  # noqa: F401
from texture_kd.functional import gradient_penalty, valid_area
from texture_kd.losses import AdversarialLoss

CLASSES = 3


def built(weight=0.1, dtype=torch.float64, **options):
    torch.manual_seed(0)
    loss = AdversarialLoss(CLASSES, channels=4, loss_weight=weight, seed=1, **options)
    for attention in loss.critic.attentions[2:]:
        attention.gamma.data.fill_(1)
    return loss.to(dtype)


@pytest.fixture
def inputs():
    """Logits of student and teacher, and the images at twice their size."""
    torch.manual_seed(2)
    logits = torch.randn(2, 2, CLASSES, 6, 9, dtype=torch.float64)
    return *logits, torch.randn(2, 3, 12, 18, dtype=torch.float64)


def reference(loss, preds_S, preds_T, image, penalty_weight=10):
    """The two objectives of student and critic, one by one."""
    critic = copy.deepcopy(loss.critic)
    student, teacher = preds_S.softmax(1), preds_T.softmax(1)
    small = image.unflatten(2, (6, 2)).unflatten(4, (9, 2)).mean((3, 5))
    students = -loss.loss_weight * critic(student, small).mean()
    words = torch.Generator().manual_seed(1)
    word = torch.randint(2**62, (), generator=words).item()
    generator = torch.Generator().manual_seed(word)
    mix = torch.rand(len(image), generator=generator)
    penalty = gradient_penalty(lambda x: critic(x, small), teacher, student, mix)
    distance = critic(teacher, small).mean() - critic(student.detach(), small).mean()
    critics = penalty_weight * penalty - distance
    return critic, students, critics


def test_is_built_by_the_registry():
    config = dict(type="AdversarialLoss", num_classes=4, loss_weight=0.01)
    loss = MODELS.build(config)
    assert loss.loss_weight == 0.01
    # What the critic of the paper's data sets weighs, for scale.
    weights = sum(p.numel() for p in loss.critic.parameters())
    assert 1.9e6 < weights < 2.1e6


def test_the_value_and_the_students_gradient_are_those_of_equation_9(inputs):
    loss = built()
    preds_S = inputs[0].requires_grad_()
    value = loss(*inputs)
    _, students, _ = reference(loss, *inputs)
    assert value.item() == pytest.approx(students.item(), rel=1e-12)
    torch.testing.assert_close(
        torch.autograd.grad(value, preds_S), torch.autograd.grad(students, preds_S)
    )


@pytest.mark.parametrize(("weight", "penalty"), [(0.0, 10), (0.1, 2.5), (7.0, 0)])
def test_the_critic_learns_the_distance_whatever_the_weight(inputs, weight, penalty):
    loss = built(weight, penalty_weight=penalty)
    inputs[0].requires_grad_()
    loss(*inputs).backward()
    critic, _, critics = reference(loss, *inputs, penalty)
    critics.backward()
    for ours, theirs in zip(loss.critic.parameters(), critic.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)


def test_without_weight_the_student_is_left_alone(inputs):
    preds_S = inputs[0].requires_grad_()
    built(weight=0)(*inputs).backward()
    assert torch.equal(preds_S.grad, torch.zeros_like(preds_S))


def test_nothing_flows_into_the_teacher_and_the_image(inputs):
    for tensor in inputs:
        tensor.requires_grad_()
    built()(*inputs).backward()
    assert inputs[0].grad.abs().sum() > 0
    assert inputs[1].grad is None
    assert inputs[2].grad is None


def test_the_parts_are_what_the_critic_sees(inputs):
    loss = built()
    loss(*inputs)
    _, _, critics = reference(loss, *inputs)
    found = 10 * loss.parts["penalty"] - loss.parts["distance"]
    torch.testing.assert_close(found, critics.detach())
    assert not any(part.requires_grad for part in loss.parts.values())


def test_the_critic_finds_the_distance_of_two_maps(inputs):
    """Between two points the Wasserstein distance is the Euclidean one."""
    preds_S, preds_T, image = (x[:1].float() for x in inputs)
    truth = (preds_S.softmax(1) - preds_T.softmax(1)).norm()
    loss = built(dtype=torch.float32)
    optimizer = torch.optim.Adam(loss.parameters(), lr=2e-3, betas=(0.0, 0.9))
    for _ in range(150):
        optimizer.zero_grad()
        loss(preds_S, preds_T, image).backward()
        optimizer.step()
    assert loss.parts["distance"] == pytest.approx(truth.item(), rel=0.2)


def test_the_student_goes_to_the_teacher(inputs):
    preds_S, preds_T, image = (x[:1].float() for x in inputs)
    preds_S.requires_grad_()
    loss = built(weight=1.0, dtype=torch.float32)

    def distance():
        return (preds_S.softmax(1) - preds_T.softmax(1)).norm().item()

    start = distance()
    optimizers = [
        torch.optim.Adam(loss.parameters(), lr=2e-3, betas=(0.0, 0.9)),
        torch.optim.Adam([preds_S], lr=0.02),
    ]
    for _ in range(150):
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss(preds_S, preds_T, image).backward()
        for optimizer in optimizers:
            optimizer.step()
    assert distance() < 0.85 * start


@pytest.mark.parametrize("shape", [(2, 6, 9), (2, 1, 6, 9)])
def test_ignored_pixels_have_no_say(inputs, shape):
    preds_S, preds_T, image = inputs
    gt = torch.randint(CLASSES, shape)
    gt[..., 2:4, :] = 255
    wanted = built()(preds_S, preds_T, image, gt)
    assert wanted != built()(preds_S, preds_T, image)
    preds_S[:, :, 2:4], preds_T[:, :, 3] = torch.nan, torch.inf
    preds_S.requires_grad_()
    loss = built()
    value = loss(preds_S, preds_T, image, gt)
    assert torch.equal(value, wanted)
    value.backward()
    assert torch.equal(preds_S.grad[:, :, 2:4], torch.zeros(2, 3, 2, 9).double())
    assert (preds_S.grad[:, :, [0, 1, 4, 5]].abs().sum(1) > 0).all()
    assert all(p.grad.isfinite().all() for p in loss.parameters())


@pytest.mark.parametrize("size", [(6, 9), (3, 5), (12, 18)])
def test_what_stands_in_the_padding_is_no_matter(inputs, size):
    preds_S, preds_T, image = inputs
    preds_S = torch.randn(2, 3, *size, dtype=torch.float64)
    valid = torch.ones(2, 1, 12, 18, dtype=torch.bool)
    valid[0, :, 7:] = valid[1, ..., 11:] = False
    results = []
    for value in (0.0, 1e3, torch.inf, torch.nan):
        given = [
            x.masked_fill(valid_area(~valid, 2, x.shape[2:]), value)
            for x in (preds_S, preds_T, image)
        ]
        given[0].requires_grad_()
        loss = built()
        loss_value = loss(*given, valid=valid)
        loss_value.backward()
        gradients = [p.grad for p in (given[0], *loss.parameters())]
        results.append((loss_value, *gradients))
    for found in results[1:]:
        for x, expected in zip(found, results[0], strict=True):
            assert torch.equal(x, expected)
    gradient = results[0][1]
    assert gradient.abs().sum() > 0
    assert not gradient.mul(valid_area(~valid, 2, size)).any()


def test_with_all_pixels_valid_it_is_the_same(inputs):
    everything = torch.ones(2, 12, 18, dtype=torch.bool)
    assert torch.equal(built()(*inputs, valid=everything), built()(*inputs))
    loss = built()
    loss(*inputs, valid=~everything)
    assert loss.parts["distance"] == 0


def test_another_label_is_ignored(inputs):
    gt = torch.randint(CLASSES, (2, 6, 9))
    gt[..., 2:4, :] = 255
    ours = torch.where(gt == 255, 7, gt)
    assert built(ignore_index=7)(*inputs, ours) == built()(*inputs, gt)
    assert built(ignore_index=7)(*inputs, gt) == built()(*inputs)


def test_nothing_but_ignored_pixels_shows_no_difference(inputs):
    loss = built()
    loss(*inputs, torch.full((2, 6, 9), 255))
    assert loss.parts["distance"] == 0
    assert loss.parts["penalty"].isfinite()


def test_equal_logits_show_no_difference(inputs):
    loss = built()
    loss(inputs[1], inputs[1], inputs[2]).backward()
    assert loss.parts["distance"] == 0
    assert all(p.grad.isfinite().all() for p in loss.parameters())


def test_random_numbers_are_its_own_and_resumed(inputs):
    loss = built()
    before = torch.get_rng_state()
    loss(*inputs)
    assert torch.equal(torch.get_rng_state(), before)
    state = copy.deepcopy(loss.state_dict())
    penalties = []
    for resumed in (loss, built()):
        resumed.load_state_dict(state)
        for _ in range(2):
            resumed(*inputs)
            penalties.append(resumed.parts["penalty"].item())
    assert penalties[:2] == penalties[2:]
    assert penalties[0] != penalties[1]


def test_autocast_changes_nothing(inputs):
    inputs = [x.float() for x in inputs]
    value = built(dtype=torch.float32)(*inputs)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(built(dtype=torch.float32)(*inputs), value)


def test_it_can_be_compiled(inputs):
    loss, compiled = built(), built()
    loss(*inputs).backward()
    torch.compile(compiled, backend="aot_eager")(*inputs).backward()
    for found, expected in zip(compiled.parameters(), loss.parameters(), strict=True):
        torch.testing.assert_close(found.grad, expected.grad)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_large_logits_of_low_precision_stay_finite(dtype):
    preds = torch.tensor([6e4, -6e4, 0.0], dtype=dtype).reshape(1, 3, 1, 1)
    preds = preds.repeat(2, 1, 4, 4)
    student = preds.flip(1).clone().requires_grad_()
    loss = built(dtype=torch.float32)
    value = loss(student, preds, torch.randn(2, 3, 8, 8, dtype=dtype))
    value.backward()
    assert value.dtype == torch.float32
    assert value.isfinite()
    assert student.grad.isfinite().all()
    assert all(p.grad.isfinite().all() for p in loss.parameters())


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (3, 2), (12, 18), (13, 5)])
def test_any_grid_and_a_single_image(size, align_corners):
    student, teacher = torch.randn(1, CLASSES, *size), torch.randn(1, CLASSES, 6, 9)
    loss = built(dtype=torch.float32, align_corners=align_corners)
    assert loss(student, teacher, torch.randn(1, 3, 7, 5)).isfinite()
    resized = torch.nn.functional.interpolate(
        student, (6, 9), mode="bilinear", align_corners=align_corners
    )
    image = torch.randn(1, 3, 12, 18)
    torch.testing.assert_close(
        loss(student, teacher, image), loss(resized, teacher, image)
    )


@pytest.mark.parametrize(
    ("classes", "image", "message"),
    [
        (4, torch.zeros(2, 3, 8, 8), "of 3 classes, got 4: set num_classes=4"),
        (3, torch.zeros(2, 1, 8, 8), r"N, C = \(2, 3\), got shape \(2, 1, 8, 8\)"),
        (3, torch.zeros(1, 3, 8, 8), r"N, C = \(2, 3\), got shape \(1, 3, 8, 8\)"),
        (3, torch.zeros(2, 3, 8), r"got shape \(2, 3, 8\)"),
        (3, (torch.zeros(2, 3, 8, 8),), "got tuple: map image.*data_idx=0"),
    ],
)
def test_what_does_not_fit_is_refused(classes, image, message):
    preds = torch.zeros(2, classes, 4, 4)
    with pytest.raises(ValueError, match=message):
        built(dtype=torch.float32)(preds, preds, image)


@pytest.mark.parametrize(
    "wrong",
    [
        dict(num_classes=1),
        dict(image_channels=0),
        dict(channels=0),
        dict(penalty_weight=-1.0),
        dict(penalty_weight=float("nan")),
    ],
)
def test_numbers_that_are_too_small_are_refused(wrong):
    with pytest.raises(ValueError, match="expected num_classes of at least 2"):
        AdversarialLoss(**{"num_classes": 3, **wrong})
