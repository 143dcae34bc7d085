# DeepLabV3+ of the spectral analysis on VOC 2012, truncated to 65x65 in its decoder, a
# fifth of its filters pruned. The paper's other rates for the encoder are 0.4 and 0.6.
#
#   mim train mmseg configs/deeplabv3plus_r101-d32-grid65-pruned20_1xb8-132k_voc12aug-513x513.py
#   mim train mmseg configs/deeplabv3plus_r101-d32-grid65-pruned20_1xb8-132k_voc12aug-513x513.py \
#       --cfg-options custom_hooks.7.encoder=0.4
#   python tools/remove_filters.py \
#       configs/deeplabv3plus_r101-d32-grid65-pruned20_1xb8-132k_voc12aug-513x513.py CHECKPOINT SMALL.pth
#   mim test mmseg configs/deeplabv3plus_r101-d32-grid65-pruned20_1xb8-132k_voc12aug-513x513.py --checkpoint SMALL.pth
_base_ = "./deeplabv3plus_r101-d32-grid65_1xb8-132k_voc12aug-513x513.py"

custom_hooks = [
    *_base_.custom_hooks,
    # An epoch has 1323 iterations; each validation is to see a pruned network.
    dict(type="SoftFilterPruningHook", encoder=0.2, decoder=0.2, interval=1320),
]
