# SSTKD on Cityscapes: MMSegmentation's PSPNet-R101 teaches PSPNet-R18.
#
#   mim train mmrazor configs/sstkd_pspnet_r101_r18_cityscapes.py \
#       --cfg-options train_dataloader.batch_size=16
#   tools/dist_train.sh configs/sstkd_pspnet_r101_r18_cityscapes.py 4
#   mim test mmseg configs/pspnet_r18_cityscapes.py --checkpoint CHECKPOINT
_base_ = ["./pspnet_r18_cityscapes.py", "./_base_/distillers/sstkd.py"]

model = dict(
    _delete_=True,
    _scope_="mmrazor",
    type="TextureDistill",
    architecture=dict(
        cfg_path="mmseg::pspnet/pspnet_r18-d8_4xb2-80k_cityscapes-512x1024.py",
        pretrained=False,
    ),
    teacher=dict(
        cfg_path="mmseg::pspnet/pspnet_r101-d8_4xb2-80k_cityscapes-512x1024.py",
        pretrained=False,
    ),
    teacher_ckpt="https://download.openmmlab.com/mmsegmentation/v0.5/pspnet/pspnet_r101-d8_512x1024_80k_cityscapes/pspnet_r101-d8_512x1024_80k_cityscapes_20200606_112211-e1e1100f.pth",
    # The crop is 512x512 here, and 512x1024 in the stock configs.
    data_preprocessor=dict(_base_.model.data_preprocessor, _scope_="mmseg"),
    distiller=_base_.sstkd,
)
