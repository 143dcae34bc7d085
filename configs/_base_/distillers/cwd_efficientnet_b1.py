# The student's logits are at a quarter of the teacher's resolution, and are enlarged.
_base_ = "./cwd.py"

cwd = dict(
    connectors=dict(
        enlarge=dict(
            type="TorchFunctionalConnector",
            function_name="interpolate",
            func_args=dict(scale_factor=4, mode="bilinear", align_corners=False),
        )
    ),
    loss_forward_mappings=dict(loss_cwd=dict(preds_S=dict(connector="enlarge"))),
)
