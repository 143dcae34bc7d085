# SKD's pixel-wise and pair-wise terms (Liu et al. 2019), both with its weight of 10.
_outputs = dict(
    stage4=dict(type="ModuleOutputs", source="backbone.layer4"),
    logits=dict(type="ModuleOutputs", source="decode_head.conv_seg"),
)
skd = dict(
    type="ConfigurableDistiller",
    student_recorders=dict(
        labels=dict(type="GroundTruth", source="gt_sem_seg"),
        valid=dict(type="ValidArea"),
        **_outputs,
    ),
    teacher_recorders=_outputs,
    distill_losses=dict(
        loss_pixel=dict(type="ResponseKDLoss", loss_weight=10.0),
        loss_pair=dict(type="PairwiseKDLoss", loss_weight=10.0),
    ),
    loss_forward_mappings=dict(
        loss_pixel=dict(
            preds_S=dict(from_student=True, recorder="logits"),
            preds_T=dict(from_student=False, recorder="logits"),
            gt=dict(from_student=True, recorder="labels"),
            valid=dict(from_student=True, recorder="valid"),
        ),
        loss_pair=dict(
            s_feature=dict(from_student=True, recorder="stage4"),
            t_feature=dict(from_student=False, recorder="stage4"),
            valid=dict(from_student=True, recorder="valid"),
        ),
    ),
)
