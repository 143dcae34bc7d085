_base_ = "./fitnet_w32_w16.py"

fitnet = dict(connectors=dict(align=dict(out_channel=512)))
