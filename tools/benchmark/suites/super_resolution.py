# LSFD's own task: what its parts and its rivals are worth to a small EDSR; no data are
# needed. mosaic.py says what a suite is.
#
#   python tools/benchmark/distill.py super_resolution
folder = "../../../configs/super_resolution/"
metric, unit = "PSNR", "dB"

rows = {
    "teacher": dict(config=folder + "edsr_teacher.py"),
    "student": dict(config=folder + "edsr_student.py"),
    "response": dict(config=folder + "response_edsr.py"),
    "FitNet": dict(config=folder + "fitnet_edsr.py"),
    "FAKD": dict(config=folder + "fakd_edsr.py"),
    "LFD": dict(config=folder + "lfd_edsr.py"),
    "LSFD": dict(config=folder + "lsfd_edsr.py"),
    "LSFD+FFT": dict(config=folder + "lsfd_fft_edsr.py"),
}
