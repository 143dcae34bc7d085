# PKD between PSPNet-R18 at its full and at a quarter of its width.
_base_ = "./pkd_w32_w16.py"

pkd = dict(
    connectors={
        f"align_stage{i}": dict(out_channel=channels)
        for i, channels in enumerate((64, 128, 256, 512), 1)
    }
)
