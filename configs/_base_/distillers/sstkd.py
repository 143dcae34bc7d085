# SSTKD's terms (Eq. 10) as MMRazor's distiller, for a ResNet-50/101 teacher and a
# ResNet-18/34 student, with lambda_3 = 5 and lambda_4 = 0.01 of the paper. num_classes
# is Cityscapes'.
#
# The paper's lambda_1 = 0.9 weighs squares in the features' own unit. Here correlations of
# contourlet bands are compared, and a weight of 2 for each stage serves all networks. The
# statistical term compares sorted similarities, where lambda_2 = 1.15 is of histograms
# (distance="histogram"); 17 times as much has the same gradient at the student.
_cdm = dict(type="CDMLoss", levels=(4, 3), loss_weight=2.0)
_logits = dict(
    preds_S=dict(from_student=True, recorder="logits"),
    preds_T=dict(from_student=False, recorder="logits"),
    gt=dict(from_student=True, recorder="labels"),
    valid=dict(from_student=True, recorder="valid"),
)

sstkd = dict(
    type="ConfigurableDistiller",
    student_recorders=dict(
        image=dict(type="ModuleInputs", source="backbone"),
        stage1=dict(type="ModuleOutputs", source="backbone.layer1"),
        stage2=dict(type="ModuleOutputs", source="backbone.layer2"),
        logits=dict(type="ModuleOutputs", source="decode_head.conv_seg"),
        labels=dict(type="GroundTruth", source="gt_sem_seg"),
        valid=dict(type="ValidArea"),
    ),
    teacher_recorders=dict(
        stage1=dict(type="ModuleOutputs", source="backbone.layer1"),
        stage2=dict(type="ModuleOutputs", source="backbone.layer2"),
        logits=dict(type="ModuleOutputs", source="decode_head.conv_seg"),
    ),
    distill_losses=dict(
        loss_structural_stage1=dict(student_channels=64, teacher_channels=256, **_cdm),
        loss_structural_stage2=dict(student_channels=128, teacher_channels=512, **_cdm),
        loss_statistical=dict(
            type="DTIEMLoss",
            student_channels=64 + 128,
            teacher_channels=256 + 512,
            loss_weight=20.0,
        ),
        loss_response=dict(type="ResponseKDLoss", loss_weight=5.0),
        loss_adversarial=dict(type="AdversarialLoss", num_classes=19, loss_weight=0.01),
    ),
    loss_forward_mappings=dict(
        loss_structural_stage1=dict(
            s_feature=dict(from_student=True, recorder="stage1"),
            t_feature=dict(from_student=False, recorder="stage1"),
            valid=dict(from_student=True, recorder="valid"),
        ),
        loss_structural_stage2=dict(
            s_feature=dict(from_student=True, recorder="stage2"),
            t_feature=dict(from_student=False, recorder="stage2"),
            valid=dict(from_student=True, recorder="valid"),
        ),
        loss_statistical=dict(
            s_stage1=dict(from_student=True, recorder="stage1"),
            s_stage2=dict(from_student=True, recorder="stage2"),
            t_stage1=dict(from_student=False, recorder="stage1"),
            t_stage2=dict(from_student=False, recorder="stage2"),
            valid=dict(from_student=True, recorder="valid"),
        ),
        loss_response=_logits,
        loss_adversarial=dict(
            image=dict(from_student=True, recorder="image", data_idx=0), **_logits
        ),
    ),
)

# The optimiser of the adversarial term's critic; the schedule of the student's learning
# rate holds for it, too.
critic = dict(
    type="OptimWrapper", optimizer=dict(type="Adam", lr=4e-4, betas=(0.0, 0.9))
)
