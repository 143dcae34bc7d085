# The checkpoint of duc-dlc_r101-d32_4xb4-80k_cityscapes-480x480.py.
_base_ = "./duc_dlc_r101.py"

teacher_ckpt = "work_dirs/duc-dlc_r101-d32_4xb4-80k_cityscapes-480x480/iter_80000.pth"
