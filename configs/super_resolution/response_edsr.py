# Eq. 1 of LSFD: the student's picture is compared with the true one and the teacher's,
# half each. What compares features stands beside it, in configs with this base: after a
# quarter and after three quarters of the blocks, and before the long skip.
#
#   mim train mmrazor configs/super_resolution/edsr_teacher.py
#   mim train mmrazor configs/super_resolution/response_edsr.py
#   mim test mmrazor configs/super_resolution/response_edsr.py --checkpoint CHECKPOINT
_base_ = "./edsr_student.py"

_base_.model.loss_weight = 0.5
_body_tail = dict(type="ModuleOutputs", source="body_tail")
_picture = dict(type="ModuleOutputs", source="upsample")
model = dict(
    _delete_=True,
    type="TextureDistill",
    architecture=_base_.model,
    teacher=dict(type="EDSR", channels=32, blocks=8),
    teacher_ckpt="work_dirs/edsr_teacher/iter_2000.pth",
    distiller=dict(
        type="ConfigurableDistiller",
        student_recorders=dict(
            first=dict(type="ModuleOutputs", source="body.0"),
            middle=dict(type="ModuleOutputs", source="body.2"),
            last=_body_tail,
            picture=_picture,
        ),
        teacher_recorders=dict(
            first=dict(type="ModuleOutputs", source="body.1"),
            middle=dict(type="ModuleOutputs", source="body.5"),
            last=_body_tail,
            picture=_picture,
        ),
        distill_losses=dict(loss_response=dict(type="L1Loss", loss_weight=0.5)),
        loss_forward_mappings=dict(
            loss_response=dict(
                s_feature=dict(from_student=True, recorder="picture"),
                t_feature=dict(from_student=False, recorder="picture"),
            )
        ),
    ),
)
