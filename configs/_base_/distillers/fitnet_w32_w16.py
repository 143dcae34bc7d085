_base_ = "./fitnet.py"

fitnet = dict(connectors=dict(align=dict(in_channel=128, out_channel=256)))
