# The student alone: PSPNet on EfficientNet-B1 on Cityscapes in the paper's recipe.
# What teaches it is composed, see docs/guides/compose.md.
#
#   tools/dist_train.sh configs/pspnet_efficientnet-b1_4xb4-80k_cityscapes-512x512.py 4
#   mim train mmseg configs/pspnet_efficientnet-b1_4xb4-80k_cityscapes-512x512.py \
#       --cfg-options train_dataloader.batch_size=16
#   mim test mmseg configs/pspnet_efficientnet-b1_4xb4-80k_cityscapes-512x512.py --checkpoint CHECKPOINT
_base_ = [
    "./_base_/default_runtime.py",
    "./_base_/schedules/sstkd_80k.py",
    "./_base_/datasets/cityscapes_512x512.py",
    "./_base_/models/pspnet_efficientnet_b1.py",
]
custom_imports = dict(imports=["texture_kd.components", "mmpretrain.models"])
data_preprocessor = dict(size=(512, 512))
model = dict(
    data_preprocessor=data_preprocessor,
    decode_head=dict(num_classes=19),
    auxiliary_head=dict(num_classes=19),
)
