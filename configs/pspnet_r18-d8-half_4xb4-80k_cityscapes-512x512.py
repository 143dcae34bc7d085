# PSPNet-R18 on Cityscapes, its decode head on half the grid: a
# quarter of the decoder's cost.
#
#   mim train mmseg configs/pspnet_r18-d8-half_4xb4-80k_cityscapes-512x512.py
#   mim test mmseg configs/pspnet_r18-d8-half_4xb4-80k_cityscapes-512x512.py --checkpoint CHECKPOINT
_base_ = "./pspnet_r18-d8_4xb4-80k_cityscapes-512x512.py"

model = dict(
    decode_head=dict(
        _delete_=True,
        type="SpectralTruncationHead",
        grid=0.5,
        head=_base_.model.decode_head,
    )
)
