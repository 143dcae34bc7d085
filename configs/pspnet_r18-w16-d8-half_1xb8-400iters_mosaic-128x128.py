# PSPNet-R18 at a quarter of its width on the texture mosaic, its decode head on half the
# grid: a quarter of the decoder's cost.
#
#   mim train mmseg configs/pspnet_r18-w16-d8-half_1xb8-400iters_mosaic-128x128.py
#   mim test mmseg configs/pspnet_r18-w16-d8-half_1xb8-400iters_mosaic-128x128.py --checkpoint CHECKPOINT
_base_ = "./pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"

model = dict(
    decode_head=dict(
        _delete_=True,
        type="SpectralTruncationHead",
        grid=0.5,
        head=_base_.model.decode_head,
    )
)
