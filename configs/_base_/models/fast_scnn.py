# MMSegmentation's Fast-SCNN with plain BatchNorm, which CPU processes train too.
_base_ = "mmseg::_base_/models/fast_scnn.py"

norm_cfg = dict(type="BN", requires_grad=True, momentum=0.01)
model = dict(
    backbone=dict(norm_cfg=norm_cfg),
    decode_head=dict(norm_cfg=norm_cfg),
    auxiliary_head=[
        dict(head, norm_cfg=norm_cfg) for head in _base_.model.auxiliary_head
    ],
)
