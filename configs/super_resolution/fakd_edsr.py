# FAKD: affinities of three features. Its weight of 10 is for colours up to 255.
#
#   mim train mmrazor configs/super_resolution/edsr_teacher.py
#   mim train mmrazor configs/super_resolution/fakd_edsr.py
#   mim test mmrazor configs/super_resolution/fakd_edsr.py --checkpoint CHECKPOINT
_base_ = "./response_edsr.py"

_loss = dict(type="FAKDLoss", loss_weight=10 / 255)
model = dict(
    distiller=dict(
        distill_losses=dict(loss_first=_loss, loss_middle=_loss, loss_last=_loss),
        loss_forward_mappings=dict(
            loss_first=dict(
                s_feature=dict(from_student=True, recorder="first"),
                t_feature=dict(from_student=False, recorder="first"),
            ),
            loss_middle=dict(
                s_feature=dict(from_student=True, recorder="middle"),
                t_feature=dict(from_student=False, recorder="middle"),
            ),
            loss_last=dict(
                s_feature=dict(from_student=True, recorder="last"),
                t_feature=dict(from_student=False, recorder="last"),
            ),
        ),
    )
)
