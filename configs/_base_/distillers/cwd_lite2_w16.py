# The logits of DeepLabV3+ are at stride 4 and the student's at 8, and are compared at 8. On crops of 2^k n + 1 pixels every second of the teacher's looks at
# the same pixel as one of the student's, and is the middle of what is pooled.
_base_ = "./cwd.py"

cwd = dict(
    connectors=dict(
        pool=dict(
            type="TorchFunctionalConnector",
            function_name="avg_pool2d",
            func_args=dict(kernel_size=3, stride=2, padding=1, count_include_pad=False),
        )
    ),
    loss_forward_mappings=dict(loss_cwd=dict(preds_T=dict(connector="pool"))),
)
