# SSTKD's terms between PSPNet-R18 at half and at a quarter of its width, without the
# adversarial one.
_base_ = "./sstkd_adversarial_w32_w16.py"

del _base_.sstkd.student_recorders.image
del _base_.sstkd.distill_losses.loss_adversarial
del _base_.sstkd.loss_forward_mappings.loss_adversarial
