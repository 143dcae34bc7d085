# DUC and DLC on Pascal-Context, 59 classes and background: ResNet-101 in the paper's recipe.
#
#   tools/dist_train.sh configs/duc-dlc_r101-d32_4xb4-25k_pascal-context-480x480.py 4
#   mim train mmseg configs/duc-dlc_r101-d32_4xb4-25k_pascal-context-480x480.py --cfg-options train_dataloader.batch_size=16
#   mim test mmseg configs/duc-dlc_r101-d32_4xb4-25k_pascal-context-480x480.py --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime.py",
    "./_base_/schedules/duc_dlc_25k.py",
    "./_base_/datasets/pascal_context_480x480.py",
    "./_base_/teachers/duc_dlc_r101.py",
]
_base_.teacher.decode_head.num_classes = 60
model = _base_.teacher
model.pretrained = "open-mmlab://resnet101_v1c"
