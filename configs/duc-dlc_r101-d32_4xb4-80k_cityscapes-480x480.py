# DUC and DLC on Cityscapes: ResNet-101 in the paper's recipe.
#
#   tools/dist_train.sh configs/duc-dlc_r101-d32_4xb4-80k_cityscapes-480x480.py 4
#   mim train mmseg configs/duc-dlc_r101-d32_4xb4-80k_cityscapes-480x480.py --cfg-options train_dataloader.batch_size=16
#   mim test mmseg configs/duc-dlc_r101-d32_4xb4-80k_cityscapes-480x480.py --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime.py",
    "./_base_/schedules/duc_dlc_80k.py",
    "./_base_/datasets/cityscapes_480x480.py",
    "./_base_/teachers/duc_dlc_r101.py",
]
model = _base_.teacher
model.pretrained = "open-mmlab://resnet101_v1c"
