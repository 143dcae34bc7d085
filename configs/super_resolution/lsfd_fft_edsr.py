# LSFD, and the spectra of the pictures (Eq. 6) beside it.
#
#   mim train mmrazor configs/super_resolution/edsr_teacher.py
#   mim train mmrazor configs/super_resolution/lsfd_fft_edsr.py
#   mim test mmrazor configs/super_resolution/lsfd_fft_edsr.py --checkpoint CHECKPOINT
_base_ = "./lsfd_edsr.py"

model = dict(
    distiller=dict(
        distill_losses=dict(loss_fft=dict(type="FFTLoss", source="raw")),
        loss_forward_mappings=dict(
            loss_fft=dict(
                preds_S=dict(from_student=True, recorder="picture"),
                preds_T=dict(from_student=False, recorder="picture"),
            )
        ),
    )
)
