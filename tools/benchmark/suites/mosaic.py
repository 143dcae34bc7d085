# What each term of SSTKD is worth on the texture mosaic, beside LSFD and the rivals of
# both; no data are needed.
#
#   python tools/benchmark/distill.py mosaic
#
# A suite is an MMEngine config of its own: `rows`, by name, in the order of the report.
# `teacher` and `student` (the control) must be among them; all others are distilled
# from the teacher of the same seed. A row has
#   config    a path from this file's folder,
#   options   optional: a list of K=V, as after --cfg-options, and
#   without   optional: losses of the config's distiller to take out, so that they cost
#             no time either, and
#   alone     optional: True for a network that learns from no teacher. If all do, no
#             teacher is needed.
# `metric`, `unit` and `also`, other metrics for the report, are optional.
folder = "../../../configs/"
teacher = "pspnet_r18-w32-d8_1xb8-400iters_mosaic-128x128.py"
student = "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"
pair = "pspnet_r18-w32-d8_" + student
structural = ["loss_structural_stage1", "loss_structural_stage2"]
statistical = ["loss_statistical"]
sstkd = dict(config=folder + "sstkd_" + pair)

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
}
