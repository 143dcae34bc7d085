_base_ = "./ds2d2_detection.py"

ds2d2 = dict(
    student_recorders=dict(
        # The regions that the student's RPN proposed and its training sampled.
        rois=dict(type="ModuleInputs", source="roi_head.bbox_roi_extractor")
    ),
    distill_losses=dict(
        loss_ds2d2=dict(
            amplifiers=dict(
                full=dict(type="FasterRCNNAmplifier"),
                high=dict(type="FasterRCNNAmplifier", mode="sum"),
            )
        )
    ),
    loss_forward_mappings=dict(
        loss_ds2d2=dict(rois=dict(from_student=True, recorder="rois", data_idx=1))
    ),
)
