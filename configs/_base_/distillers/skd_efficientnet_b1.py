_base_ = "./skd.py"

skd = dict(student_recorders=dict(stage4=dict(source="backbone.layers.6")))
