# The student alone: PSPNet-R18 on Cityscapes in the paper's recipe. It is the control
# of the distillation configs of this student, which differ from it in `model` only.
#
#   tools/dist_train.sh configs/pspnet_r18_cityscapes.py 4
#   mim train mmseg configs/pspnet_r18_cityscapes.py \
#       --cfg-options train_dataloader.batch_size=16
#   mim test mmseg configs/pspnet_r18_cityscapes.py --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime.py",
    "./_base_/schedules/sstkd_80k.py",
    "./_base_/datasets/cityscapes_512x512.py",
    "mmseg::_base_/models/pspnet_r50-d8.py",
]
data_preprocessor = dict(size=(512, 512))
model = dict(
    data_preprocessor=data_preprocessor,
    pretrained="open-mmlab://resnet18_v1c",
    backbone=dict(depth=18),
    decode_head=dict(in_channels=512, channels=128),
    auxiliary_head=dict(in_channels=256, channels=64),
)
