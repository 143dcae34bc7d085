# What each term of SSTKD and of DS2D2 is worth on the texture mosaic, beside LSFD and
# their rivals; no data are needed.
#
#   python tools/benchmark/distill.py mosaic
#
# A suite is an MMEngine config of its own: `rows`, by name, in the order of the report.
# `teacher` and `student` (the control) must be among them; all others are distilled
# from the teacher of the same seed. A row has
#   config    a path from this file's folder,
#   options   optional: a list of K=V, as after --cfg-options, and
#   without   optional: losses of the config's distiller to take out, so that they cost
#             no time either,
#   alone     optional: True for a network that learns from no teacher. If all do, no
#             teacher is needed, and
#   takes     optional: other rows whose checkpoints it needs, each with the option that
#             is set to the one of the same seed. Those rows are trained before, and not
#             compared.
# `metric`, `unit` and `also`, other metrics for the report, are optional.
folder = "../../../configs/"
teacher = "pspnet_r18-w32-d8_1xb8-400iters_mosaic-128x128.py"
student = "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"
pair = "pspnet_r18-w32-d8_" + student
structural = ["loss_structural_stage1", "loss_structural_stage2"]
statistical = ["loss_statistical"]
sstkd = dict(config=folder + "sstkd_" + pair)
ds2d2 = dict(config=folder + "ds2d2_" + pair)
amplifiers = "model.distiller.distill_losses.loss_ds2d2.amplifiers"
no_full, no_high = (f"{amplifiers}.{name}.loss_weight=0" for name in ("full", "high"))
takes = dict(amplifier=f"{amplifiers}.high.checkpoint")

rows = {
    "teacher": dict(config=folder + teacher),
    "student": dict(config=folder + student),
    "response": dict(**sstkd, without=[*structural, *statistical]),
    "response+structural": dict(**sstkd, without=statistical),
    "response+statistical": dict(**sstkd, without=structural),
    "SSTKD": sstkd,
    "SSTKD+adversarial": dict(config=folder + "sstkd-adversarial_" + pair),
    "CWD": dict(config=folder + "cwd_" + pair),
    "FitNet": dict(config=folder + "fitnet_" + pair),
    "SKD": dict(config=folder + "skd_" + pair),
    "FAKD": dict(config=folder + "fakd_" + pair),
    # FitNet's regressor, and all else as LFD has it.
    "LFD-1x1": dict(
        config=folder + "lfd_" + pair,
        options=[
            "model.distiller.connectors.lfd.depth=1",
            "model.distiller.connectors.lfd.kernel_size=1",
            "model.distiller.connectors.lfd.last_act_cfg.type=ReLU",
        ],
    ),
    "LFD": dict(config=folder + "lfd_" + pair),
    "LSFD": dict(config=folder + "lsfd_" + pair),
    "LSFD+FFT": dict(config=folder + "lsfd-fft_" + pair),
    "SSTKD+LSFD": dict(config=folder + "sstkd-lsfd_" + pair),
    # DS2D2's terms. The amplifier is no student: its score is that of the teacher's
    # head on details alone.
    "amplifier": dict(config=folder + "ds2d2-amplifier_" + teacher),
    "explicit": dict(**ds2d2, options=[no_full, no_high]),
    "explicit+full": dict(**ds2d2, options=[no_high]),
    "explicit+high": dict(**ds2d2, options=[no_full], takes=takes),
    "DS2D2": dict(**ds2d2, takes=takes),
}
