# DS2D2 of the paper: Haar bands of all five levels of the neck, weighted by the boxes, and
# two frozen heads of the teacher. The config that uses it names the amplifiers, their
# checkpoint and the weights, which differ by 5e4 from one detector to the next.
_neck = dict(type="ModuleOutputs", source="neck")

ds2d2 = dict(
    type="ConfigurableDistiller",
    student_recorders=dict(
        neck=_neck,
        samples=dict(type="DataSamples"),
        valid=dict(type="ValidArea"),
    ),
    teacher_recorders=dict(neck=_neck),
    distill_losses=dict(
        loss_ds2d2=dict(
            type="DS2D2Loss",
            student_channels=(256,) * 5,
            teacher_channels=(256,) * 5,
            shared_adapter=True,
            weighting="boxes",
            norm="none",
        )
    ),
    loss_forward_mappings=dict(
        loss_ds2d2=dict(
            student=dict(from_student=True, recorder="neck"),
            teacher=dict(from_student=False, recorder="neck"),
            samples=dict(from_student=True, recorder="samples"),
            valid=dict(from_student=True, recorder="valid"),
        )
    ),
)
