# PSPNet on MMPretrain's EfficientNet-B1, output stride 32. The config that uses it sets
# the size and the number of classes, and imports mmpretrain.models.
_base_ = "mmseg::_base_/models/pspnet_r50-d8.py"

model = dict(
    pretrained=None,
    backbone=dict(
        _delete_=True,
        type="mmpretrain.EfficientNet",
        arch="b1",
        # Strides 4, 8, 16 and 32. All layers run, and so the head takes the last: the
        # weights of one that nothing depends on would have no gradient.
        out_indices=(2, 3, 4, 6),
        norm_cfg=dict(type="SyncBN", requires_grad=True, eps=1e-3),
        init_cfg=dict(
            type="Pretrained",
            checkpoint="https://download.openmmlab.com/mmclassification/v0/efficientnet/efficientnet-b1_3rdparty_8xb32-aa_in1k_20220119-619d8ae3.pth",
            prefix="backbone",
        ),
    ),
    # Narrow heads, for the paper's 6.70 M parameters leave hardly more than the backbone's
    # 6.51 M. With these there are 7.08 M.
    decode_head=dict(in_channels=1280, channels=32),
    auxiliary_head=dict(in_channels=112, channels=32),
)
