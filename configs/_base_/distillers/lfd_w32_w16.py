_base_ = "./lfd.py"

lfd = dict(
    connectors=dict(lfd=dict(in_channel=128, out_channel=256)),
    # Chosen on the mosaic, see docs/tuning.md.
    distill_losses=dict(loss_lfd=dict(loss_weight=1.25)),
)
