# DeepLabV3+ of the spectral analysis on VOC 2012, truncated to 65x65 in its decoder. The
# paper's other grids are 33 and, without truncation, 129.
#
#   mim train mmseg configs/deeplabv3plus_r101-d32-grid65_1xb8-132k_voc12aug-513x513.py
#   mim train mmseg configs/deeplabv3plus_r101-d32-grid65_1xb8-132k_voc12aug-513x513.py \
#       --cfg-options model.decode_head.grid=33
#   mim test mmseg configs/deeplabv3plus_r101-d32-grid65_1xb8-132k_voc12aug-513x513.py --checkpoint CHECKPOINT
_base_ = "./deeplabv3plus_r101-d32_1xb8-132k_voc12aug-513x513.py"

model = dict(
    decode_head=dict(
        _delete_=True,
        type="SpectralTruncationHead",
        grid=65,
        head=_base_.model.decode_head,
    )
)
