# LSFD: three features, most where the pictures of teacher and student differ (Eq. 3).
# The weight of 5 is for colours up to 255, as the paper's losses seem to be.
#
#   mim train mmrazor configs/super_resolution/edsr_teacher.py
#   mim train mmrazor configs/super_resolution/lsfd_edsr.py
#   mim test mmrazor configs/super_resolution/lsfd_edsr.py --checkpoint CHECKPOINT
_base_ = "./response_edsr.py"

_lfd = dict(type="LFDConnector", in_channel=12, out_channel=32)
_loss = dict(type="LSFDLoss", attention="logit", loss_weight=5 / 255)
_pictures = dict(
    preds_S=dict(from_student=True, recorder="picture"),
    preds_T=dict(from_student=False, recorder="picture"),
)
model = dict(
    distiller=dict(
        connectors=dict(first=_lfd, middle=_lfd, last=_lfd),
        distill_losses=dict(loss_first=_loss, loss_middle=_loss, loss_last=_loss),
        loss_forward_mappings=dict(
            loss_first=dict(
                s_feature=dict(from_student=True, recorder="first", connector="first"),
                t_feature=dict(from_student=False, recorder="first"),
                **_pictures,
            ),
            loss_middle=dict(
                s_feature=dict(
                    from_student=True, recorder="middle", connector="middle"
                ),
                t_feature=dict(from_student=False, recorder="middle"),
                **_pictures,
            ),
            loss_last=dict(
                s_feature=dict(from_student=True, recorder="last", connector="last"),
                t_feature=dict(from_student=False, recorder="last"),
                **_pictures,
            ),
        ),
    )
)
