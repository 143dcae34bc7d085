# SSTKD's terms between pspnet_teacher_r18_w32 and pspnet_r18_w16.
_base_ = "./sstkd.py"

sstkd = dict(
    distill_losses=dict(
        loss_structural_stage1=dict(student_channels=16, teacher_channels=32),
        loss_structural_stage2=dict(student_channels=32, teacher_channels=64),
        loss_statistical=dict(
            student_channels=16 + 32,
            teacher_channels=32 + 64,
            channels=64,
            texture_channels=32,
            # The maps are of 16x16 or 23x30 pixels.
            sampler=dict(scales=(8, 16)),
        ),
    )
)
