# DeepLabV3+ for two CPU cores on texture mosaics as large as the paper's images, truncated
# to 65x65 in its decoder. Nothing to download.
#
#   mim train mmseg configs/deeplabv3plus_r18-w16-d32-grid65_1xb2-400iters_mosaic-513x513.py
#   mim train mmseg configs/deeplabv3plus_r18-w16-d32-grid65_1xb2-400iters_mosaic-513x513.py \
#       --cfg-options model.decode_head.grid=33
#   mim test mmseg configs/deeplabv3plus_r18-w16-d32-grid65_1xb2-400iters_mosaic-513x513.py \
#       --checkpoint CHECKPOINT
_base_ = "./deeplabv3plus_r18-w16-d32_1xb2-400iters_mosaic-513x513.py"

model = dict(
    decode_head=dict(
        _delete_=True,
        type="SpectralTruncationHead",
        grid=65,
        head=_base_.model.decode_head,
    )
)
