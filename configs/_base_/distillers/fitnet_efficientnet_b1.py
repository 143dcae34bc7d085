# The student's last stage is at a quarter of the teacher's resolution: the teacher's is
# pooled, for the loss compares maps of one size only.
_base_ = "./fitnet.py"

fitnet = dict(
    student_recorders=dict(stage4=dict(source="backbone.layers.6")),
    connectors=dict(
        align=dict(in_channel=1280),
        pool=dict(
            type="TorchFunctionalConnector",
            function_name="avg_pool2d",
            func_args=dict(kernel_size=4),
        ),
    ),
    loss_forward_mappings=dict(loss_feature=dict(t_feature=dict(connector="pool"))),
)
