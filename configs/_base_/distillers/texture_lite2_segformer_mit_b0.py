# Texture between EfficientNet-Lite2 and SegFormer-B0, whose backbone returns maps.
_base_ = "./texture_lite2_w16.py"

texture = dict(
    distill_losses=dict(loss_texture=dict(student_channels=(32, 64, 160, 256)))
)
