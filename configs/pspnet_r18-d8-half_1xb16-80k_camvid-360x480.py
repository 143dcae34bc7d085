# PSPNet-R18 on CamVid, its decode head on half the grid: a
# quarter of the decoder's cost.
#
#   mim train mmseg configs/pspnet_r18-d8-half_1xb16-80k_camvid-360x480.py
#   mim test mmseg configs/pspnet_r18-d8-half_1xb16-80k_camvid-360x480.py --checkpoint CHECKPOINT
_base_ = "./pspnet_r18-d8_1xb16-80k_camvid-360x480.py"

model = dict(
    decode_head=dict(
        _delete_=True,
        type="SpectralTruncationHead",
        grid=0.5,
        head=_base_.model.decode_head,
    )
)
