"""The amplifier's own training: the head learns, and nothing else changes."""

import copy

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.optim import OptimWrapper
from mmengine.runner import load_checkpoint
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

import texture_kd.components  # noqa: F401
from texture_kd.algorithms import high_frequency_training
from texture_kd.algorithms.teacher_checkpoint import load_teacher
from texture_kd.functional import haar_dwt, high_frequency

MODES = ["sum", "magnitude", "concat"]
CLASSES = 4


def config(kind="EncoderDecoder", head=None, **options):
    return dict(
        type=kind,
        _scope_="mmseg",
        data_preprocessor=dict(type="SegDataPreProcessor", size=(33, 40)),
        backbone=dict(
            type="ResNetV1c", depth=18, base_channels=4, stem_channels=4, norm_cfg=NORM
        ),
        decode_head=head or HEAD,
        train_cfg=dict(),
        test_cfg=ConfigDict(mode="whole"),
        **options,
    )


def head(kind, **options):
    shared = dict(num_classes=CLASSES, norm_cfg=NORM, align_corners=False)
    return dict(type=kind, **shared, **options)


NORM = dict(type="BN")
HEAD = head("PSPHead", in_channels=32, in_index=3, channels=8, pool_scales=(1, 2))
SEVERAL = head(
    "FCNHead",
    num_convs=0,
    concat_input=False,
    channels=48,
    in_channels=[16, 32],
    in_index=[2, -1],
    input_transform="resize_concat",
)

DEEPLAB = dict(in_channels=32, in_index=3, channels=8, c1_in_channels=4, c1_channels=2)
DEEPLABS = dict(
    stock=head("DepthwiseSeparableASPPHead", **DEEPLAB),
    plain=head("DeepLabV3PlusHead", **DEEPLAB),
)
DEEPLABS["truncated"] = dict(
    type="SpectralTruncationHead", grid=0.5, head=DEEPLABS["plain"]
)
DUC_DLC = head("DUCDLCHead", in_channels=(3, 8, 32))


@pytest.fixture
def teacher(tmp_path):
    """A teacher whose norms have seen something, and its checkpoint."""
    torch.manual_seed(0)
    model = MODELS.build(config())
    model.init_weights()
    model.train()(torch.randn(4, 3, 33, 40), mode="tensor")
    path = tmp_path / "teacher.pth"
    torch.save(dict(state_dict=model.state_dict()), path)
    return model.eval(), str(path)


def amplifier(checkpoint=None, **options):
    model = MODELS.build(
        config("HighFrequencyEncoderDecoder", teacher_ckpt=checkpoint, **options)
    )
    model.init_weights()
    return model


def batch():
    labels = torch.randint(CLASSES, (2, 1, 33, 40))
    shape = dict(img_shape=(33, 40), ori_shape=(33, 40))
    samples = [
        SegDataSample(gt_sem_seg=PixelData(data=label), metainfo=shape)
        for label in labels
    ]
    images = torch.randint(256, (2, 3, 33, 40), dtype=torch.uint8)
    return dict(inputs=list(images), data_samples=samples)


@pytest.mark.parametrize("mode", MODES)
def test_it_begins_as_the_teacher_on_maps_of_details(teacher, mode):
    model, path = teacher
    ours = amplifier(path, mode=mode).eval()
    images = torch.randn(1, 3, 33, 40)
    features = model.extract_feat(images)
    details = haar_dwt(features[3])[1]
    # The convolution behind three bands begins as their sum.
    kind = "sum" if mode == "concat" else mode
    expected = high_frequency(details, tuple(features[3].shape[2:]), kind)
    maps = ours.extract_feat(images)
    assert [x is None for x in maps] == [True, True, True, False]
    torch.testing.assert_close(maps[3], expected)
    logits = model.decode_head((None, None, None, expected))
    torch.testing.assert_close(ours(images, mode="tensor"), logits)


@pytest.mark.parametrize("mode", MODES)
def test_two_steps_train_the_head_alone(teacher, mode):
    model, path = teacher
    ours = amplifier(path, mode=mode).train()
    frozen = model.backbone.state_dict(prefix="backbone.")
    before = copy.deepcopy(ours.state_dict())
    trained = {name for name, p in ours.named_parameters() if p.requires_grad}
    optimizer = torch.optim.SGD(ours.parameters(), 0.1, weight_decay=0.1)
    for _ in range(2):
        log = ours.train_step(batch(), OptimWrapper(optimizer))
        assert log["loss"].isfinite()
    after = ours.state_dict()
    for name, value in frozen.items():
        assert torch.equal(after[name], value), name
    changed = {name for name in after if not torch.equal(before[name], after[name])}
    assert trained <= changed
    assert {name.split(".")[0] for name in trained} == {"decode_head"} | (
        {"high_frequency"} if mode == "concat" else set()
    )
    assert not ours.backbone.training
    assert not ours.backbone.layer1[0].bn1.training
    assert ours.decode_head.training


def test_its_checkpoint_is_that_of_a_whole_segmentor(teacher, tmp_path):
    _, path = teacher
    ours = amplifier(path, mode="magnitude").eval()
    again = MODELS.build(config("HighFrequencyEncoderDecoder", mode="magnitude"))
    again.load_state_dict(ours.state_dict())
    image = torch.randn(1, 3, 33, 40)
    assert torch.equal(again.eval()(image, mode="tensor"), ours(image, mode="tensor"))
    result = ours.predict(image)
    assert result[0].pred_sem_seg.data.shape == (1, 33, 40)


def test_a_head_of_several_levels_reads_maps_of_each(teacher):
    model, _ = teacher
    ours = amplifier(head=SEVERAL)
    ours.backbone.load_state_dict(model.backbone.state_dict())
    images = torch.randn(1, 3, 33, 40)
    features, maps = model.extract_feat(images), ours.eval().extract_feat(images)
    assert [x is None for x in maps] == [True, True, False, False]
    for level in (2, 3):
        details = haar_dwt(features[level])[1]
        expected = high_frequency(details, tuple(features[level].shape[2:]))
        torch.testing.assert_close(maps[level], expected)
    assert ours(images, mode="tensor").isfinite().all()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["stock", "plain", "truncated"])
def test_deeplab_v3_plus_reads_a_map_of_its_finest_feature(teacher, kind, mode):
    model, _ = teacher
    ours = amplifier(head=DEEPLABS[kind], mode=mode)
    ours.backbone.load_state_dict(model.backbone.state_dict())
    images = torch.randn(2, 3, 33, 40)
    features, maps = model.extract_feat(images), ours.eval().extract_feat(images)
    assert [x is None for x in maps] == [False, True, True, False]
    expected = high_frequency(
        haar_dwt(features[0])[1],
        tuple(features[0].shape[2:]),
        "sum" if mode == "concat" else mode,
    )
    torch.testing.assert_close(maps[0], expected)
    assert ours(images, mode="tensor").isfinite().all()
    # The same head judges a student's features.
    full = MODELS.build(dict(type="SegmentationAmplifier"))
    full.attach_teacher(ours)
    student = [torch.randn_like(x) for x in features]
    assert full(tuple(student), features, batch()["data_samples"]) > 0


@pytest.mark.parametrize("mode", MODES)
def test_a_checkpoint_of_another_mode_is_refused(mode, tmp_path):
    ours = amplifier(mode=mode)
    path = str(tmp_path / "amplifier.pth")
    torch.save(dict(state_dict=ours.state_dict()), path)
    load_checkpoint(amplifier(mode=mode), path)
    other = amplifier(mode=MODES[MODES.index(mode) - 1])
    # As a resumed training and a test load it.
    with pytest.raises(ValueError, match=f"trained with mode='{mode}'.*both the same"):
        load_checkpoint(other, path, map_location="cpu")
    state = ours.state_dict()
    state["high_frequency.mode_index"].fill_(7)
    with pytest.raises(ValueError, match="mode_index is 7, which stands for no mode"):
        ours.load_state_dict(state)


def test_an_amplifier_is_no_teacher(teacher, tmp_path):
    path = str(tmp_path / "amplifier.pth")
    torch.save(dict(state_dict=amplifier(teacher[1]).state_dict()), path)
    with pytest.raises(ValueError, match=r"amplifier\.pth is of an amplifier"):
        amplifier(path)
    with pytest.raises(ValueError, match=r"amplifier\.pth is of an amplifier"):
        load_teacher(teacher[0], path)


def test_a_backbone_at_random_is_said(teacher, monkeypatch):
    said = []
    monkeypatch.setattr(
        high_frequency_training, "print_log", lambda text, **_: said.append(text)
    )
    amplifier(teacher[1])
    assert not said
    amplifier()
    assert "no teacher_ckpt" in said[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(head=DUC_DLC), "DUCDLCHead reads the image beside the features"),
        (dict(auxiliary_head=HEAD), "decode head alone: set auxiliary_head=None"),
        (dict(mode="max"), "mode among"),
        (dict(mode="concat", head=SEVERAL), "does not know the channels of each"),
    ],
)
def test_what_does_not_fit_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        amplifier(**options)


@pytest.mark.parametrize("change", ["missing", "shape", "absent", "cut"])
def test_it_starts_from_the_whole_teacher_or_not_at_all(teacher, tmp_path, change):
    model, path = teacher
    state = model.state_dict()
    if change == "missing":
        del state["backbone.layer1.0.conv1.weight"]
    else:
        state["backbone.layer1.0.conv1.weight"] = torch.zeros(1)
    torch.save(dict(state_dict=state), path)
    if change == "absent":
        path = str(tmp_path / "absent.pth")
    if change == "cut":
        (tmp_path / "teacher.pth").write_bytes(b"PK")
    error, message = dict(
        absent=(FileNotFoundError, "The teacher checkpoint: .*absent.pth"),
        cut=(RuntimeError, "The teacher checkpoint: .*teacher.pth"),
    ).get(change, (ValueError, "backbone.layer1.0.conv1.weight"))
    with pytest.raises(error, match=message):
        amplifier(path)
