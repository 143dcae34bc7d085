# The paper's Tables 2 and 4, on the texture mosaic: the scales of the contourlet, and
# the parts of the statistical term in its printed form, which learns from labels. Table
# 1 is part of mosaic.py, which says what a suite is.
#
#   python tools/benchmark/distill.py ablations
folder = "../../../configs/"
teacher = "pspnet_r18-w32-d8_1xb8-400iters_mosaic-128x128.py"
student = "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"
sstkd = folder + "sstkd_pspnet_r18-w32-d8_" + student
losses = "model.distiller.distill_losses."
structural = ["loss_structural_stage1", "loss_structural_stage2"]
statistical = ["loss_statistical"]
one_scale = [losses + name + ".levels=[4]" for name in structural]
three_scales = [losses + name + ".levels=[4,3,3]" for name in structural]
labels = "model.distiller.loss_forward_mappings.loss_statistical.gt."
printed = [
    losses + "loss_statistical.distance=histogram",
    losses + "loss_statistical.num_classes=12",
    losses + "loss_statistical.channels=64",
    losses + "loss_statistical.texture_channels=32",
    losses + "loss_statistical.loss_weight=3.45",
    labels + "recorder=labels",
    labels + "from_student=True",
]
uniform = losses + "loss_statistical.histogram.placement=uniform"
noisy = losses + "loss_statistical.histogram.theta=1"

rows = {
    "teacher": dict(config=folder + teacher),
    "student": dict(config=folder + student),
    "response": dict(config=sstkd, without=[*structural, *statistical]),
    "1-scale": dict(config=sstkd, without=statistical, options=one_scale),
    "2-scales": dict(config=sstkd, without=statistical),
    "3-scales": dict(config=sstkd, without=statistical, options=three_scales),
    "global": dict(
        config=sstkd,
        without=structural,
        options=[*printed, losses + "loss_statistical.mode=global", uniform, noisy],
    ),
    "sampled": dict(
        config=sstkd, without=structural, options=[*printed, uniform, noisy]
    ),
    "heuristic": dict(config=sstkd, without=structural, options=[*printed, noisy]),
    "denoised": dict(config=sstkd, without=structural, options=printed),
}
