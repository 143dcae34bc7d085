# Texture on the texture mosaic, beside what compares features in other ways: the
# correlations of contourlet bands, DS2D2's explicit terms, PKD, SSTKD, CWD, and LSFD
# whose channels are standardised. mosaic.py says what a suite is.
#
#   python tools/benchmark/distill.py texture
folder = "../../../configs/"
teacher = "pspnet_r18-w32-d8_1xb8-400iters_mosaic-128x128.py"
student = "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"
pair = "pspnet_r18-w32-d8_" + student
losses = "model.distiller.distill_losses."
amplifiers = losses + "loss_ds2d2.amplifiers."

rows = {
    "teacher": dict(config=folder + teacher),
    "student": dict(config=folder + student),
    "texture": dict(config=folder + "texture_" + pair),
    # A tree of more depth at both scales.
    "texture-4-3": dict(
        config=folder + "texture_" + pair,
        options=[losses + "loss_texture.levels=(4,3)"],
    ),
    "explicit": dict(
        config=folder + "ds2d2_" + pair,
        options=[f"{amplifiers}{name}.loss_weight=0" for name in ("full", "high")],
    ),
    "PKD": dict(config=folder + "pkd_" + pair),
    "SSTKD": dict(config=folder + "sstkd_" + pair),
    "CWD": dict(config=folder + "cwd_" + pair),
    "LSFD-channel": dict(
        config=folder + "lsfd_" + pair, options=[losses + "loss_lfd.normalise=channel"]
    ),
}
