# PKD (Cao et al. 2022) between PSPNet-R18 at half and at a quarter of its width: L2 of
# all four stages, each channel standardised, by MMRazor's own parts. Each stage has the
# weight that DS2D2's explicit terms have in all: PKDLoss halves the mean square.
_stages = [f"stage{i}" for i in range(1, 5)]
_recorders = {
    stage: dict(type="ModuleOutputs", source=f"backbone.layer{i}")
    for i, stage in enumerate(_stages, 1)
}

pkd = dict(
    type="ConfigurableDistiller",
    student_recorders=_recorders,
    teacher_recorders=_recorders,
    connectors={
        f"align_{stage}": dict(
            type="ConvModuleConnector",
            in_channel=channels,
            out_channel=2 * channels,
            bias=False,
            act_cfg=None,
        )
        for stage, channels in zip(_stages, (16, 32, 64, 128), strict=True)
    },
    distill_losses={
        f"loss_{stage}": dict(type="PKDLoss", loss_weight=4.0) for stage in _stages
    },
    loss_forward_mappings={
        f"loss_{stage}": dict(
            preds_S=dict(from_student=True, recorder=stage, connector=f"align_{stage}"),
            preds_T=dict(from_student=False, recorder=stage),
        )
        for stage in _stages
    },
)
