# LSFD, and the spectra of the predictions (Eq. 6) beside it.
_base_ = "./lsfd.py"

lfd = dict(
    distill_losses=dict(loss_fft=dict(type="FFTLoss")),
    loss_forward_mappings=dict(
        loss_fft=dict(
            preds_S=dict(from_student=True, recorder="logits"),
            preds_T=dict(from_student=False, recorder="logits"),
            gt=dict(from_student=True, recorder="labels"),
            valid=dict(from_student=True, recorder="valid"),
        )
    ),
)
