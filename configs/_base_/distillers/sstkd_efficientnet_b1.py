# SSTKD's terms between a ResNet-50/101 teacher and an EfficientNet-B1.
_base_ = "./sstkd.py"

sstkd = dict(
    student_recorders=dict(
        stage1=dict(source="backbone.layers.2"),
        stage2=dict(source="backbone.layers.3"),
    ),
    distill_losses=dict(
        loss_structural_stage1=dict(student_channels=24),
        loss_structural_stage2=dict(student_channels=40),
        loss_statistical=dict(student_channels=24 + 40),
    ),
)
