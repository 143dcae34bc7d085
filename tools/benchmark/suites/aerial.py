# Texture on aerial images in crops of 128, alone and with other terms, beside its
# rivals: rows of camvid.py on other data.
#
#   python tools/dataset_converters/aerial.py SRC
#   python tools/benchmark/distill.py aerial
_base_ = "./camvid.py"

names = """teacher student response SSTKD SSTKD-printed CWD FitNet PKD explicit
    texture texture+CWD texture+response texture+statistical"""
aerial_rows = {
    name: dict(
        _base_.rows[name],
        config=_base_.rows[name].config.replace("camvid-180x240", "aerial-128x128"),
    )
    for name in names.split()
}
aerial_rows["SSTKD-printed"]["options"] = [
    *_base_.quick,
    *_base_.printed,
    _base_.classes + "5",
]
rows = dict(_delete_=True, **aerial_rows)
