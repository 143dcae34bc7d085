# What DS2D2's explicit terms are made of, on the texture mosaic: either band alone, no
# weights, and PKD, the same comparison of features that no wavelet has split; and what
# amplifiers of a tenth of the weight do beside them. mosaic.py says what a suite is.
#
#   python tools/benchmark/distill.py ablations_ds2d2
folder = "../../../configs/"
teacher = "pspnet_r18-w32-d8_1xb8-400iters_mosaic-128x128.py"
student = "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"
pair = "pspnet_r18-w32-d8_" + student
config = folder + "ds2d2_" + pair
loss = "model.distiller.distill_losses.loss_ds2d2."


def amplified(full: float = 0, high: float = 0) -> list[str]:
    """Return the options that give the amplifiers these weights."""
    weights = dict(full=full, high=high)
    return [f"{loss}amplifiers.{k}.loss_weight={w}" for k, w in weights.items()]


explicit = amplified()
takes = dict(amplifier=f"{loss}amplifiers.high.checkpoint")

rows = {
    "teacher": dict(config=folder + teacher),
    "student": dict(config=folder + student),
    "explicit": dict(config=config, options=explicit),
    "low": dict(config=config, options=[*explicit, loss + "high_weight=0"]),
    "high": dict(config=config, options=[*explicit, loss + "low_weight=0"]),
    "unweighted": dict(config=config, options=[*explicit, loss + "weighting=none"]),
    "PKD": dict(config=folder + "pkd_" + pair),
    "amplifier": dict(config=folder + "ds2d2-amplifier_" + teacher),
    "full_0.1": dict(config=config, options=amplified(full=0.1)),
    "high_0.1": dict(config=config, options=amplified(high=0.1), takes=takes),
    "both_0.1": dict(config=config, options=amplified(0.1, 0.1), takes=takes),
}
