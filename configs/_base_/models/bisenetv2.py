# MMSegmentation's BiSeNetV2 with plain BatchNorm, which CPU processes train too.
_base_ = "mmseg::_base_/models/bisenetv2.py"

norm_cfg = dict(type="BN", requires_grad=True)
model = dict(
    decode_head=dict(norm_cfg=norm_cfg),
    auxiliary_head=[
        dict(head, norm_cfg=norm_cfg) for head in _base_.model.auxiliary_head
    ],
)
