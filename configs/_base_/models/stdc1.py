# MMSegmentation's STDC1. It keeps at least 2 % of an image's pixels as the hard ones, for
# crops of 193x257.
_base_ = "mmseg::_base_/models/stdc.py"

sampler = dict(type="OHEMPixelSampler", thresh=0.7, min_kept=1000)
*_segment, _boundary = _base_.model.auxiliary_head
model = dict(
    decode_head=dict(sampler=sampler),
    auxiliary_head=[*(dict(head, sampler=sampler) for head in _segment), _boundary],
)
