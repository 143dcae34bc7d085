# lite_fast_scnn.py with DDRNet23-slim.
#
#   python tools/benchmark/distill.py lite_ddrnet
_base_ = "./lite_fast_scnn.py"

rows = {
    name: dict(config=row.config.replace("fast_scnn", "ddrnet_23-slim"))
    for name, row in _base_.rows.items()
}
