"""What of a training's config MMSegmentation alone can use."""

import pytest
from mmengine.config import Config

from texture_kd.deploy import left_out, package_types, student_config

OURS, OUTER, TOP = (dict(type="SegDataPreProcessor", mean=[n]) for n in (1, 2, 3))
STUDENT = dict(type="EncoderDecoder", decode_head=dict(type="PSPHead"))
LOAD = dict(type="LoadImageFromFile")
PACK = dict(type="PackSegInputs")


def exported(model=STUDENT, **others):
    return student_config(Config(dict(model=model, **others)))


def distilled(student=STUDENT, **others):
    return dict(type="TextureDistill", architecture=student, teacher=STUDENT, **others)


@pytest.mark.parametrize(
    ("own", "outer", "top", "expected"),
    [
        (OURS, None, None, OURS),
        (OURS, OUTER, TOP, OUTER),
        (OURS, None, TOP, TOP),
        (None, None, TOP, TOP),
    ],
)
def test_images_are_prepared_as_in_the_training(own, outer, top, expected):
    student = dict(STUDENT, data_preprocessor=own) if own else STUDENT
    model = distilled(student, **(dict(data_preprocessor=outer) if outer else {}))
    others = dict(data_preprocessor=top) if top else {}
    assert exported(model, **others).model.data_preprocessor == expected


def test_a_networks_own_preparation_comes_before_the_runners():
    model = dict(STUDENT, data_preprocessor=OURS)
    assert exported(model, data_preprocessor=TOP).model.data_preprocessor == OURS
    assert exported(data_preprocessor=TOP).model.data_preprocessor == TOP


@pytest.mark.parametrize(
    "load",
    [
        "LoadImageFromFile",
        "mmseg.LoadImageFromFile",
        "mmcv.transforms.loading.LoadImageFromFile",
        "LoadSingleRSImageFromFile",
    ],
)
def test_a_pipeline_loads_an_image_once(load):
    pipeline = [dict(type=load), PACK]
    assert exported(test_pipeline=pipeline).test_pipeline == pipeline
    loader = dict(dataset=dict(type="ADE20KDataset", pipeline=pipeline))
    assert exported(test_dataloader=loader).test_pipeline == pipeline


def test_a_pipeline_without_this_packages_steps_begins_with_a_file():
    ours = [dict(type="LoadTextureMosaic"), dict(type="LoadAnnotations"), PACK]
    assert exported(test_pipeline=ours).test_pipeline == [LOAD, *ours[1:]]


def test_what_is_this_packages_is_left_out_and_named():
    config = Config(
        dict(
            default_scope="mmrazor",
            model=distilled(),
            custom_imports=dict(imports=["texture_kd.components", "mine"]),
            custom_hooks=[dict(type="PlainStudentHook")],
            visualizer=dict(type="SegLocalVisualizer"),
            tta_pipeline=[dict(type="BlockwiseAnnotation")],
            test_dataloader=dict(dataset=dict(type="texture_kd.CamVidDataset")),
            test_evaluator=dict(type="IoUMetric"),
            test_cfg=dict(type="TestLoop"),
        )
    )
    assert left_out(config) == ["texture_kd.CamVidDataset"]
    plain = student_config(config)
    assert package_types(plain.to_dict()) == []
    assert plain.default_scope == "mmseg"
    assert plain.custom_imports.imports == ["mine"]
    assert "visualizer" in plain
    assert not {"test_dataloader", "test_cfg", "custom_hooks"} & set(plain)
    config.test_dataloader.dataset.type = "CityscapesDataset"
    assert {"test_dataloader", "test_evaluator", "test_cfg"} <= set(
        student_config(config)
    )


def test_a_config_named_by_mmrazors_path_is_what_was_trained():
    path = "mmseg::pspnet/pspnet_r18-d8_4xb2-80k_cityscapes-512x1024.py"
    student = dict(cfg_path=path, pretrained=True, decode_head=dict(num_classes=5))
    model = exported(distilled(student)).model
    assert model.decode_head.type == "PSPHead"
    assert model.decode_head.num_classes == 5
    assert not {"cfg_path", "_scope_"} & set(model)
    # The stock config's own start, and not the option beside cfg_path.
    assert model.pretrained == "open-mmlab://resnet18_v1c"
    # Another algorithm leaves out what follows it.
    theirs = dict(distilled(student), type="SingleTeacherDistill")
    assert exported(theirs).model.decode_head.num_classes == 19


def test_a_config_without_a_model_says_so():
    with pytest.raises(ValueError, match="has no model"):
        student_config(Config(dict(test_cfg=dict())))
