_base_ = "./lsfd_fft.py"

lfd = dict(connectors=dict(lfd=dict(in_channel=128, out_channel=256)))
