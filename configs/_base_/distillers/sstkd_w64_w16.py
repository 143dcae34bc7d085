# SSTKD's terms between PSPNet-R18 at its full and at a quarter of its width.
_base_ = "./sstkd_w32_w16.py"

sstkd = dict(
    distill_losses=dict(
        loss_structural_stage1=dict(teacher_channels=64),
        loss_structural_stage2=dict(teacher_channels=128),
        loss_statistical=dict(teacher_channels=64 + 128),
    )
)
