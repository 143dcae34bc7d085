# The weight is the best of 1, 10 and 100 on the mosaic.
_base_ = "./fitnet.py"

fitnet = dict(
    connectors=dict(align=dict(in_channel=128, out_channel=256)),
    distill_losses=dict(loss_feature=dict(loss_weight=100.0)),
)
