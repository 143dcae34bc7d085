# MMRazor's channel-wise distillation in the recipe of
# sstkd_pspnet_r101_r18_cityscapes.py, for comparison.
#
#   mim train mmrazor configs/cwd_pspnet_r101_r18_cityscapes.py \
#       --cfg-options train_dataloader.batch_size=16
#   tools/dist_train.sh configs/cwd_pspnet_r101_r18_cityscapes.py 4
_base_ = ["./sstkd_pspnet_r101_r18_cityscapes.py", "./_base_/distillers/cwd.py"]

model = dict(distiller=dict(_delete_=True, **_base_.cwd))
