"""DUC and DLC in a segmentor: whatever asks for features, the head sees its image."""

import copy
import math

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.models import SegTTAModel
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from small_duc_dlc import HEAD, NORM, SMALL

import texture_kd.components  # noqa: F401
from texture_kd.deploy import export_onnx, largest_difference

BACKBONE = dict(
    type="ResNetV1c", depth=18, base_channels=4, stem_channels=4, norm_cfg=NORM
)


def config(**options):
    found = dict(
        type="EncoderDecoderWithImage",
        data_preprocessor=dict(type="SegDataPreProcessor"),
        backbone=BACKBONE,
        decode_head=HEAD,
        auxiliary_head=dict(
            type="FCNHead",
            in_channels=16,
            in_index=2,
            channels=4,
            num_classes=3,
            norm_cfg=NORM,
            align_corners=False,
        ),
        train_cfg=dict(),
        test_cfg=dict(mode="whole"),
    )
    return ConfigDict(copy.deepcopy(dict(found, **options)), _scope_="mmseg")


def segmentor(**options):
    torch.manual_seed(0)
    return MODELS.build(config(**options))


def seen_images(model):
    """Collect the images along which DUC draws."""
    seen = []
    model.decode_head.duc.register_forward_pre_hook(
        lambda _, given: seen.append(given[0])
    )
    return seen


def sample(size):
    found = SegDataSample(
        metainfo=dict(img_shape=size, ori_shape=size, pad_shape=size, img_path="")
    )
    found.gt_sem_seg = PixelData(data=torch.randint(3, (1, *size)))
    return found


def test_all_of_it_is_trained():
    model, size = segmentor().train(), (64, 96)
    losses = model.loss(torch.randn(2, 3, *size), [sample(size), sample(size)])
    (losses["decode.loss_ce"] + losses["aux.loss_ce"]).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


@pytest.mark.parametrize("stride", [8, 16, 32])
def test_a_dilated_backbone_has_any_output_stride(stride):
    dilation = dict(
        strides=(1, 2, 1 if stride == 8 else 2, 2 if stride == 32 else 1),
        dilations=(1, 1, 2 if stride == 8 else 1, {8: 4, 16: 2, 32: 1}[stride]),
    )
    model = segmentor(backbone=dict(BACKBONE, **dilation)).eval()
    with torch.no_grad():
        *_, deep, image = found = model.extract_feat(torch.randn(1, 3, 97, 131))
        logits = model.decode_head(found)
    assert deep.shape[2:] == tuple(math.ceil(n / stride) for n in (97, 131))
    assert image.shape[2:] == (97, 131)
    assert logits.shape[2:] == found[1].shape[2:]


def test_a_stock_head_does_not_notice():
    stock = dict(HEAD, type="FCNHead", in_channels=32, in_index=3, channels=4)
    stock = {k: v for k, v in stock.items() if k not in SMALL}
    plain = segmentor(type="EncoderDecoder", decode_head=stock).eval()
    ours = segmentor(decode_head=stock).eval()
    ours.load_state_dict(plain.state_dict())
    image = torch.randn(1, 3, 64, 96)
    assert torch.equal(ours(image), plain(image))


def test_heads_of_one_feature_count_from_the_front():
    wrong = dict(config().auxiliary_head, in_channels=32, in_index=-1)
    for heads in (wrong, [config().auxiliary_head, wrong]):
        with pytest.raises(ValueError, match=r"auxiliary_head \(FCNHead\) has in"):
            segmentor(auxiliary_head=heads)
    with pytest.raises(ValueError, match=r"decode_head \(FCNHead\) has in"):
        segmentor(decode_head=wrong)


def test_the_image_makes_a_difference():
    model = segmentor().eval()
    image, other = torch.randn(2, 1, 3, 64, 96)
    *found, last = model.extract_feat(image)
    assert last is image
    assert model.extract_feat(other)[-1] is other
    with torch.no_grad():
        logits = model.decode_head([*found, image])
        changed = model.decode_head([*found, other])
    assert (logits - changed).abs().max() > 1e-3 * logits.abs().max()


def test_windows_see_their_own_part_of_the_image():
    test_cfg = dict(mode="slide", crop_size=(32, 32), stride=(32, 32))
    model = segmentor(test_cfg=test_cfg).eval()
    seen = seen_images(model)
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        whole = model.predict(image, [sample((64, 96))])[0].seg_logits.data
        window = model.encode_decode(image[..., 32:, 32:64], [dict(img_shape=(32, 32))])
    torch.testing.assert_close(whole[:, 32:, 32:64], window[0])
    crops = [image[..., y : y + 32, x : x + 32] for y in (0, 32) for x in (0, 32, 64)]
    assert len(seen) == 7
    assert all(map(torch.equal, seen, crops))


def test_several_scales_and_flips_at_test_time():
    model = SegTTAModel(
        module=segmentor(), data_preprocessor=dict(type="SegDataPreProcessor")
    ).eval()
    data = [sample(size) for size in ((48, 72), (64, 96), (64, 96))]
    for each, flip in zip(data, (False, False, True), strict=True):
        flipped = dict(ori_shape=(64, 96), flip=flip, flip_direction="horizontal")
        each.set_metainfo(flipped)
    inputs = [torch.randn(1, 3, *each.img_shape) for each in data]
    seen = seen_images(model.module)
    with torch.no_grad():
        (result,) = model.test_step(
            dict(inputs=inputs, data_samples=[[each] for each in data])
        )
    assert all(map(torch.equal, seen, inputs))
    with torch.no_grad():
        scores = [
            model.module.predict(x, [each])[0].seg_logits.data.softmax(0)
            for x, each in zip(inputs, data, strict=True)
        ]
    expected = torch.stack(scores).mean(0).argmax(0)
    assert torch.equal(result.pred_sem_seg.data[0], expected)


def test_a_teacher_with_this_head_teaches_from_within_it():
    kept = ("num_classes", "norm_cfg", "align_corners")
    psp = dict(type="PSPHead", in_channels=32, in_index=3, channels=4)
    psp |= {key: HEAD[key] for key in kept}
    recorders = {
        name: dict(type="ModuleOutputs", source=f"decode_head.{name}")
        for name in ("duc", "conv_seg")
    }
    ours = dict(recorders, last=dict(type="ModuleOutputs", source="backbone.layer4"))
    del ours["duc"]
    names = dict(s_feature=("last", True), t_feature=("duc", False))
    names = {key: dict(recorder=r, from_student=s) for key, (r, s) in names.items()}
    model = MODELS.build(
        dict(
            _scope_="mmrazor",
            type="TextureDistill",
            architecture=dict(config(type="EncoderDecoder", decode_head=psp)),
            teacher=config(),
            distiller=dict(
                type="ConfigurableDistiller",
                student_recorders=ours,
                teacher_recorders=recorders,
                distill_losses=dict(
                    loss_affinity=dict(type="FAKDLoss"),
                    loss_response=dict(type="ResponseKDLoss"),
                ),
                loss_forward_mappings=dict(
                    loss_affinity=names,
                    loss_response=dict(
                        preds_S=dict(recorder="conv_seg", from_student=True),
                        preds_T=dict(recorder="conv_seg", from_student=False),
                    ),
                ),
            ),
        )
    ).train()
    size = (64, 96)
    images, seen = torch.randn(2, 3, *size), seen_images(model.teacher)
    losses = model.loss(images, [sample(size), sample(size)])
    assert len(seen) == 1
    assert torch.equal(seen[0], images)
    assert losses["distill.loss_affinity"] > 0
    assert losses["distill.loss_response"] > 0


@pytest.mark.filterwarnings("ignore")
def test_it_exports_to_onnx_for_images_of_any_size(tmp_path):
    model = segmentor().eval()
    export_onnx(model, tmp_path / "graph.onnx", (64, 96), facts={})
    sizes = [(64, 96), (97, 131), (40, 40)]
    assert largest_difference(model, tmp_path / "graph.onnx", sizes) < 1e-4
