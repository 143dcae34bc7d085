# PKD between EfficientNet-Lite2 and PSPNet-R18 at a quarter of its width: all four stages.
_base_ = "./pkd_w32_w16.py"

_stages = [f"stage{i}" for i in range(1, 5)]
pkd = dict(
    teacher_recorders=dict(
        _delete_=True, stages=dict(type="ModuleOutputs", source="backbone")
    ),
    connectors={
        f"align_{stage}": dict(out_channel=channels)
        for stage, channels in zip(_stages, (24, 48, 120, 352), strict=True)
    },
    loss_forward_mappings={
        f"loss_{stage}": dict(preds_T=dict(recorder="stages", data_idx=i))
        for i, stage in enumerate(_stages)
    },
)
