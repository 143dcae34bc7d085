# Texture: correlations of the contourlet bands of all four stages, channel by channel, for
# a ResNet-50/101 teacher and a ResNet-18/34 student.
_stages = dict(type="ModuleOutputs", source="backbone")

texture = dict(
    type="ConfigurableDistiller",
    student_recorders=dict(stages=_stages, valid=dict(type="ValidArea")),
    teacher_recorders=dict(stages=_stages),
    distill_losses=dict(
        loss_texture=dict(
            type="TextureLoss",
            student_channels=(64, 128, 256, 512),
            teacher_channels=(256, 512, 1024, 2048),
        )
    ),
    loss_forward_mappings=dict(
        loss_texture=dict(
            student=dict(from_student=True, recorder="stages"),
            teacher=dict(from_student=False, recorder="stages"),
            valid=dict(from_student=True, recorder="valid"),
        )
    ),
)
