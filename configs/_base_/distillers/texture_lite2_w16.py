# Texture between EfficientNet-Lite2 and PSPNet-R18 at a quarter of its width.
_base_ = "./texture.py"

texture = dict(
    distill_losses=dict(
        loss_texture=dict(
            student_channels=(16, 32, 64, 128), teacher_channels=(24, 48, 120, 352)
        )
    )
)
