# The student alone: PSPNet on EfficientNet-B1 on VOC 2012 in the paper's recipe. It is
# the control of the distillation configs of this student.
#
#   tools/dist_train.sh configs/pspnet_efficientnet-b1_4xb4-80k_voc12aug-512x512.py 4
#   mim train mmseg configs/pspnet_efficientnet-b1_4xb4-80k_voc12aug-512x512.py \
#       --cfg-options train_dataloader.batch_size=16
#   mim test mmseg configs/pspnet_efficientnet-b1_4xb4-80k_voc12aug-512x512.py --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime.py",
    "./_base_/schedules/sstkd_80k.py",
    "./_base_/datasets/voc12aug_512x512.py",
    "./_base_/models/pspnet_efficientnet_b1.py",
]
custom_imports = dict(imports=["texture_kd.components", "mmpretrain.models"])
data_preprocessor = dict(size=(512, 512))
model = dict(
    data_preprocessor=data_preprocessor,
    decode_head=dict(num_classes=21),
    auxiliary_head=dict(num_classes=21),
)
