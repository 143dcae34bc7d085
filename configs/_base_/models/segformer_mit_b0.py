# MMSegmentation's SegFormer-B0 with plain BatchNorm, which CPU processes train too.
_base_ = "mmseg::_base_/models/segformer_mit-b0.py"

model = dict(decode_head=dict(norm_cfg=dict(type="BN", requires_grad=True)))
