# lite_camvid.py on aerial images in crops of 257, which need tiles of 512.
#
#   python tools/dataset_converters/aerial.py SRC --tile-size 512 \
#       --out-dir data/aerial_512
#   python tools/model_converters/efficientnet_lite.py lite2
#   python tools/benchmark/distill.py lite_aerial
_base_ = "./lite_camvid.py"

rows = dict(
    _delete_=True,
    **{
        name: dict(row, config=row.config.replace("camvid-193x257", "aerial-257x257"))
        for name, row in _base_.rows.items()
        if name != "pretrained"
    },
)
