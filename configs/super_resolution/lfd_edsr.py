# LFD: LSFD without its attention.
#
#   mim train mmrazor configs/super_resolution/edsr_teacher.py
#   mim train mmrazor configs/super_resolution/lfd_edsr.py
#   mim test mmrazor configs/super_resolution/lfd_edsr.py --checkpoint CHECKPOINT
_base_ = "./lsfd_edsr.py"

_everywhere = dict(attention="none")
model = dict(
    distiller=dict(
        distill_losses=dict(
            loss_first=_everywhere, loss_middle=_everywhere, loss_last=_everywhere
        )
    )
)
