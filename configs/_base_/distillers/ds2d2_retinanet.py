_base_ = "./ds2d2_detection.py"

ds2d2 = dict(
    distill_losses=dict(
        loss_ds2d2=dict(
            amplifiers=dict(
                full=dict(type="RetinaNetAmplifier"),
                high=dict(type="RetinaNetAmplifier", mode="sum"),
            )
        )
    )
)
