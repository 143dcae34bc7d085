_base_ = "./lfd.py"

lfd = dict(connectors=dict(lfd=dict(in_channel=128, out_channel=256)))
