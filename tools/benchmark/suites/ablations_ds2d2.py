# What DS2D2's explicit terms are made of, on the texture mosaic: either band alone, no
# weights, and PKD, the same comparison of features that no wavelet has split. mosaic.py
# says what a suite is.
#
#   python tools/benchmark/distill.py ablations_ds2d2
folder = "../../../configs/"
teacher = "pspnet_r18-w32-d8_1xb8-400iters_mosaic-128x128.py"
student = "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"
pair = "pspnet_r18-w32-d8_" + student
config = folder + "ds2d2_" + pair
loss = "model.distiller.distill_losses.loss_ds2d2."
explicit = [f"{loss}amplifiers.{name}.loss_weight=0" for name in ("full", "high")]

rows = {
    "teacher": dict(config=folder + teacher),
    "student": dict(config=folder + student),
    "explicit": dict(config=config, options=explicit),
    "low": dict(config=config, options=[*explicit, loss + "high_weight=0"]),
    "high": dict(config=config, options=[*explicit, loss + "low_weight=0"]),
    "unweighted": dict(config=config, options=[*explicit, loss + "weighting=none"]),
    "PKD": dict(config=folder + "pkd_" + pair),
}
