# DS2D2: Haar bands of all four stages, weighted by the components of the label map, and
# two frozen heads of the teacher, for a ResNet-50/101 teacher and a ResNet-18/34 student.
# All weights are ours: the paper's, of detectors' features, differ by 5e4 from one
# detector to the next. The config that uses it names the amplifier's checkpoint and puts
# LabelComponents into the pipeline.
_stages = dict(type="ModuleOutputs", source="backbone")

ds2d2 = dict(
    type="ConfigurableDistiller",
    student_recorders=dict(
        stages=_stages,
        samples=dict(type="DataSamples"),
        valid=dict(type="ValidArea"),
    ),
    teacher_recorders=dict(stages=_stages),
    distill_losses=dict(
        loss_ds2d2=dict(
            type="DS2D2Loss",
            student_channels=(64, 128, 256, 512),
            teacher_channels=(256, 512, 1024, 2048),
            low_weight=1.0,
            high_weight=1.0,
            weighting="component",
            gamma=1.0,
            norm="channel",
            amplifiers=dict(
                full=dict(type="SegmentationAmplifier", loss_weight=1.0),
                high=dict(type="SegmentationAmplifier", mode="sum", loss_weight=1.0),
            ),
        )
    ),
    loss_forward_mappings=dict(
        loss_ds2d2=dict(
            student=dict(from_student=True, recorder="stages"),
            teacher=dict(from_student=False, recorder="stages"),
            samples=dict(from_student=True, recorder="samples"),
            valid=dict(from_student=True, recorder="valid"),
        )
    ),
)
