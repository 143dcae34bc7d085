# What DUC and DLC are worth along the boundaries of the texture mosaic, beside PSPNet's
# head on the same backbone, with and without dilation; no data are needed, and nobody
# learns from anybody. The heads are all that differs: PSPNet's auxiliary head is left
# out. mosaic.py says what a suite is.
#
#   python tools/benchmark/distill.py boundaries
folder = "../../../configs/"
psp = folder + "pspnet_r18-w16-d8_1xb8-400iters_mosaic-128x128.py"
duc_dlc = folder + "duc-dlc_r18-w16-d32_1xb8-400iters_mosaic-128x128.py"
alike = ["val_evaluator.type=TrimapIoUMetric", "model.auxiliary_head=None"]
dilated = ["model.backbone.strides=(1,2,1,1)", "model.backbone.dilations=(1,1,2,4)"]
plain = ["model.backbone.strides=(1,2,2,2)", "model.backbone.dilations=(1,1,1,1)"]
no_duc, no_dlc = ["model.decode_head.duc=None"], ["model.decode_head.dlc=None"]
also = ["aAcc", "mAcc", "score", "mIoU_1px", "mIoU_3px", "mIoU_5px", "mIoU_10px"]

rows = {
    "student": dict(config=psp, options=alike),
    "PSP-d32": dict(config=psp, options=[*alike, *plain], alone=True),
    "DLC-d32": dict(config=duc_dlc, options=no_duc, alone=True),
    "DUC-d32": dict(config=duc_dlc, options=no_dlc, alone=True),
    "DUC+DLC-d32": dict(config=duc_dlc, alone=True),
    "DLC-d8": dict(config=duc_dlc, options=[*dilated, *no_duc], alone=True),
    "DUC-d8": dict(config=duc_dlc, options=[*dilated, *no_dlc], alone=True),
    "DUC+DLC-d8": dict(config=duc_dlc, options=dilated, alone=True),
}
