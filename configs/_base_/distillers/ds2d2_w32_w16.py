# DS2D2 between PSPNet-R18 at half and at a quarter of its width.
_base_ = "./ds2d2.py"

ds2d2 = dict(
    distill_losses=dict(
        loss_ds2d2=dict(
            student_channels=(16, 32, 64, 128), teacher_channels=(32, 64, 128, 256)
        )
    )
)
