# LSFD without its attention: LFD, local feature distillation.
_base_ = "./lsfd.py"

lsfd = dict(distill_losses=dict(loss_lsfd=dict(attention="none")))
