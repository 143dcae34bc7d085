"""Suites and recipes of the distillation benchmark."""

from pathlib import Path

import pytest
from mmengine.config import Config

from texture_kd.functional import HistogramOptions

FOLDER = Path(__file__).parents[2] / "tools" / "benchmark"
SUITES = sorted((FOLDER / "suites").glob("*.py"))


@pytest.fixture
def suite(load_tool):
    return load_tool("distill_suite")


def write_config(path, text=""):
    path.write_text(
        "train_cfg = dict(max_iters=400, val_interval=400)\n"
        "param_scheduler = [\n"
        "    dict(type='A', begin=0, end=50), dict(type='B', begin=50, end=400)\n"
        "]\n"
        "default_hooks = dict(\n"
        "    logger=dict(interval=20), checkpoint=dict(interval=200)\n"
        ")\n"
        "model = dict(teacher_ckpt='teacher.pth', distiller=dict(\n"
        "    distill_losses=dict(loss_a=dict(type='A'), loss_b=dict(type='B')),\n"
        "    student_recorders=dict(a=dict(type='R'), b=dict(type='R')),\n"
        "    loss_forward_mappings=dict(\n"
        "        loss_a=dict(x=dict(recorder='a', from_student=True)),\n"
        "        loss_b=dict(x=dict(recorder='b', from_student=True)),\n"
        "    ),\n"
        "))\n" + text
    )
    return path


@pytest.fixture
def write_suite(tmp_path):
    """Write a suite, all of whose rows have the same config."""
    config = write_config(tmp_path / "config.py")

    def write(*names, text="", **row):
        path = tmp_path / "suite.py"
        rows = {name: {"config": config.name, **row} for name in names}
        path.write_text(f"rows = {rows!r}\n{text}")
        return str(path)

    return write


# Suites.


def test_a_suite_keeps_its_rows_in_order(suite, write_suite, tmp_path):
    path = write_suite("student", "b+a", "teacher", options=["x=1"], without=["loss_a"])
    rows, *measured = suite.load_suite(path)
    assert measured == ["mIoU", "%", ()]
    assert [row.name for row in rows] == ["student", "b+a", "teacher"]
    assert [row.distilled for row in rows] == [False, True, False]
    first = ("b+a", tmp_path / "config.py", ("x=1",), ("loss_a",), False, {}, False)
    assert rows[1] == first


def test_a_suite_names_its_metric(suite, write_suite):
    path = write_suite("student", "teacher")
    with Path(path).open("a") as file:
        file.write('metric, unit, also = "PSNR", "dB", ["SSIM"]\n')
    assert suite.load_suite(path)[1:] == ("PSNR", "dB", ("SSIM",))


def test_the_rows_that_take_ds2d2_apart(suite, load_tool):
    rows = {row.name: row for row in suite.load_suite("ablations_ds2d2").rows}
    # Weights of low, high, and of the amplifiers.
    expected = {
        "explicit": (1, 1, 0, 0),
        "low": (1, 0, 0, 0),
        "high": (0, 1, 0, 0),
        "unweighted": (1, 1, 0, 0),
        "full_0.1": (1, 1, 0.1, 0),
        "high_0.1": (1, 1, 0, 0.1),
        "both_0.1": (1, 1, 0.1, 0.1),
    }
    assert {*rows} == {*expected, "teacher", "student", "PKD", "amplifier"}
    for name, weights in expected.items():
        config = Config.fromfile(rows[name].config)
        config.merge_from_dict(dict(option.split("=") for option in rows[name].options))
        loss = config.model.distiller.distill_losses.loss_ds2d2
        amplifiers = [loss.amplifiers[key].loss_weight for key in ("full", "high")]
        found = (loss.low_weight, loss.high_weight, *amplifiers)
        assert tuple(map(float, found)) == weights
        unweighted = name == "unweighted"
        assert loss.weighting == ("none" if unweighted else "component")
        # Who weighs the high one needs its checkpoint.
        assert bool(rows[name].takes) == (weights[3] > 0)


# What is taken out, so that the loss of the name is left beside texture.
BESIDE = {
    "texture+CWD": ("loss_response", "loss_statistical"),
    "texture+response": ("loss_cwd", "loss_statistical"),
    "texture+statistical": ("loss_cwd", "loss_response"),
}


@pytest.mark.parametrize("name", ["mosaic", "camvid"])
def test_the_rows_of_our_suites(suite, name):
    rows = {row.name: row for row in suite.load_suite(name).rows}
    statistical = ("loss_statistical",)
    structural = ("loss_structural_stage1", "loss_structural_stage2")
    local = ("FAKD", "LFD-1x1", "LFD", "LSFD", "LSFD+FFT", "SSTKD+LSFD")
    spectral = ("amplifier", "explicit", "explicit+full", "explicit+high", "DS2D2")
    more = dict.fromkeys(("SSTKD+adversarial", *local), ())
    if name == "camvid":
        more = dict.fromkeys(("SSTKD-printed", "PKD", "texture"), ()) | BESIDE
    found = {name: row.without for name, row in rows.items()}
    assert found == more | dict.fromkeys(spectral, ()) | {
        "teacher": (),
        "student": (),
        "response": structural + statistical,
        "response+structural": statistical,
        "response+statistical": structural,
        "SSTKD": (),
        "CWD": (),
        "FitNet": (),
        "SKD": (),
    }
    for name in ("SSTKD", "CWD", "FitNet", "SKD"):
        assert rows[name].config.name.startswith(name.lower() + "_")
    terms = [row.config for name, row in rows.items() if name.startswith("response")]
    assert set(terms) == {rows["SSTKD"].config}


def test_aerial_images_have_camvids_rows_in_their_own_configs(suite, load_tool):
    recipe = load_tool("distill_recipe")
    camvid = {row.name: row for row in suite.load_suite("camvid").rows}
    rows = suite.load_suite("aerial").rows
    own = ("SSTKD-printed", "PKD", "explicit", "texture", *BESIDE)
    common = ("teacher", "student", "response", "SSTKD", "CWD", "FitNet")
    assert {row.name for row in rows} == {*common, *own}
    for row in rows:
        theirs = camvid[row.name]
        name = theirs.config.name.replace("camvid-180x240", "aerial-128x128")
        assert row.config.name == name
        assert (row.without, row.takes) == (theirs.without, {})
        if row.name != "SSTKD-printed":
            assert row.options == theirs.options
    (printed,) = (row for row in rows if row.name == "SSTKD-printed")
    for row in (printed, camvid["SSTKD-printed"]):
        config = suite.read_config(row.config)
        config.merge_from_dict(
            recipe._parse(recipe.read_recipe(row, row.options).given)
        )
        losses = config.model.distiller.distill_losses
        student = config.model.architecture.decode_head
        assert losses.loss_statistical.num_classes == student.num_classes
        assert losses.loss_statistical.distance == "histogram"
        assert losses.loss_structural_stage2.normalise == "none"


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("lite_aerial", "camvid-193x257", "aerial-257x257"),
        ("lite_fast_scnn", "pspnet_r18-w16-d8", "fast_scnn"),
        ("lite_ddrnet", "pspnet_r18-w16-d8", "ddrnet_23-slim"),
    ],
)
def test_other_students_and_data_have_lite_camvids_rows(suite, name, old, new):
    theirs = {row.name: row for row in suite.load_suite("lite_camvid").rows}
    rows = suite.load_suite(name).rows
    assert {row.name for row in rows} >= {"teacher", "student", "texture"}
    for row in rows:
        assert row.config.name == theirs[row.name].config.name.replace(old, new)


@pytest.mark.parametrize("name", ["camvid", "aerial"])
@pytest.mark.parametrize(
    ("row", "loss", "weight"),
    [
        ("texture+CWD", "loss_cwd", 5),
        ("texture+response", "loss_response", 5),
        ("texture+statistical", "loss_statistical", 60),
    ],
)
def test_one_loss_is_left_beside_texture(
    suite, load_tool, tmp_path, name, row, loss, weight
):
    rows = {row.name: row for row in suite.load_suite(name).rows}
    path = tmp_path / "without.py"
    path.write_text(load_tool("distill_recipe").without_losses(rows[row]))
    distiller = suite.read_config(path).model.distiller
    alone = suite.read_config(rows["texture"].config).model.distiller
    assert [*distiller.distill_losses] == ["loss_texture", loss]
    assert distiller.distill_losses[loss].loss_weight == weight
    for part in ("distill_losses", "loss_forward_mappings"):
        assert distiller[part].loss_texture == alone[part].loss_texture
    # The teacher's head is run for logits only.
    has_logits = "logits" in distiller.teacher_recorders
    assert has_logits == (loss != "loss_statistical")


@pytest.mark.parametrize("name", ["mosaic", "camvid"])
def test_the_rows_of_ds2d2_are_its_terms(suite, load_tool, name):
    recipe = load_tool("distill_recipe")
    rows = {row.name: row for row in suite.load_suite(name).rows}
    assert [row.name for row in rows.values() if row.taken] == ["amplifier"]
    found = {}
    for row in ("explicit", "explicit+full", "explicit+high", "DS2D2"):
        config = suite.read_config(rows[row].config)
        given = recipe.read_recipe(rows[row], rows[row].options).given
        config.merge_from_dict(recipe._parse(given))
        amplifiers = config.model.distiller.distill_losses.loss_ds2d2.amplifiers
        built = {key for key, one in amplifiers.items() if one.loss_weight}
        found[row] = built
        assert bool(rows[row].takes) == ("high" in built)
    assert found == {
        "explicit": set(),
        "explicit+full": {"full"},
        "explicit+high": {"high"},
        "DS2D2": {"full", "high"},
    }


def test_the_rows_of_the_ablations_are_the_tables(suite, load_tool):
    recipe = load_tool("distill_recipe")
    found = {}
    for row in suite.load_suite("ablations").rows[2:]:
        config = suite.read_config(row.config)
        config.merge_from_dict(
            recipe._parse(recipe.read_recipe(row, row.options).given)
        )
        losses = config.model.distiller.distill_losses
        kept = [name for name in losses if name not in row.without]
        first = losses[kept[0]]
        if first.type == "CDMLoss":
            found[row.name] = list(losses.loss_structural_stage2.levels)
            assert list(first.levels) == found[row.name]
        else:
            histogram = first.get("histogram", {})
            found[row.name] = (
                first.get("mode"),
                histogram.get("placement"),
                histogram.get("theta"),
            )
        assert "loss_response" in kept
    assert found == {
        "response": (None, None, None),
        "1-scale": [4],
        "2-scales": [4, 3],
        "3-scales": [4, 3, 3],
        "global": ("global", "uniform", 1),
        "sampled": (None, "uniform", 1),
        "heuristic": (None, None, 1),
        # theta is 0.9 by default.
        "denoised": (None, None, None),
    }
    assert HistogramOptions().theta == 0.9


def test_options_of_the_optimiser_reach_the_students_beside_a_critic(suite, load_tool):
    recipe = load_tool("distill_recipe")
    options = [
        "optim_wrapper.type=BFloat16OptimWrapper",
        "optim_wrapper.critic.optimizer.lr=0.1",
        "optim_wrapper.architecture.optimizer.lr=0.2",
        "randomness.seed=3",
    ]
    rows = {row.name: row for row in suite.load_suite("mosaic").rows}
    assert recipe.read_recipe(rows["SSTKD"], options).given == options
    adversarial = rows["SSTKD+adversarial"]
    routed = ["optim_wrapper.architecture.type=BFloat16OptimWrapper", *options[1:]]
    assert recipe.read_recipe(adversarial, options).given == routed
    # Without the critic there is one optimiser, the student's.
    alone = adversarial._replace(without=("loss_adversarial",))
    assert recipe.read_recipe(alone, options).given == options


def test_a_critics_optimiser_goes_with_the_critic(suite, load_tool, tmp_path):
    recipe = load_tool("distill_recipe")
    rows = {row.name: row for row in suite.load_suite("mosaic").rows}
    alone = rows["SSTKD+adversarial"]._replace(without=("loss_adversarial",))
    path = tmp_path / "config.py"
    path.write_text(recipe.without_losses(alone))
    plain = suite.read_config(rows["SSTKD"].config).optim_wrapper
    assert suite.read_config(path).optim_wrapper == plain
    path.write_text(
        recipe.without_losses(alone._replace(without=("loss_statistical",)))
    )
    assert "critic" in suite.read_config(path).optim_wrapper


def test_whatever_counts_iterations_is_scaled(suite, load_tool, tmp_path):
    base = tmp_path / "base.py"
    base.write_text(
        "train_cfg = dict(max_iters=400)\nmodel = dict(teacher_ckpt=None)\n"
        "param_scheduler = [dict(type='MultiStepLR', milestones=[100, 300]), "
        "dict(type='CosineAnnealingLR', T_max=400)]\n"
    )
    recipe = load_tool("distill_recipe")
    found = recipe.read_recipe(suite.Row("x", base, (), ()), []).options(100)
    assert "param_scheduler.0.milestones=[25,75]" in found
    assert "param_scheduler.1.T_max=100" in found
    config = suite.read_config(base)
    config.merge_from_dict(recipe._parse(found))
    assert config.param_scheduler[0].milestones == [25, 75]


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_our_suites_have_one_budget_and_losses_to_take_out(suite, load_tool, path):
    recipe = load_tool("distill_recipe")
    rows = suite.load_suite(path.stem).rows
    recipes = {row.name: recipe.read_recipe(row, row.options) for row in rows}
    # A teacher may learn for longer.
    recipes.pop("teacher", None)
    recipes.pop("amplifier", None)
    assert len({found.iters for found in recipes.values()}) == 1


def test_losses_taken_out_are_gone_from_the_config(suite, load_tool, tmp_path):
    row = suite.Row("x", write_config(tmp_path / "base.py"), (), ("loss_a",))
    path = tmp_path / "without.py"
    path.write_text(load_tool("distill_recipe").without_losses(row))
    distiller = suite.read_config(path).model.distiller
    assert distiller == {
        "distill_losses": {"loss_b": {"type": "B"}},
        "student_recorders": {"b": {"type": "R"}},
        "loss_forward_mappings": {
            "loss_b": {"x": {"recorder": "b", "from_student": True}}
        },
    }


@pytest.mark.parametrize(
    ("names", "row", "message"),
    [
        (("student", "x"), {}, "no row 'teacher'"),
        (("teacher", "x"), {}, "no row 'student'"),
        (("teacher", "student", "a/b"), {}, "'a/b' names a folder"),
        (("teacher", "student", ".."), {}, r"'\.\.' names a folder"),
        (("teacher", "student"), {"option": ["x=1"]}, "did you mean 'options'"),
        (
            ("teacher", "student"),
            {"config": "no.py"},
            "'teacher' has no config file .*no",
        ),
        (("teacher", "student"), {"config": ""}, "has no config file"),
    ],
)
def test_a_wrong_suite_is_named(suite, write_suite, names, row, message):
    with pytest.raises(suite.SuiteError, match=message):
        suite.load_suite(write_suite(*names, **row))


def test_a_missing_suite_is_named(suite, tmp_path):
    known = ", ".join(path.stem for path in SUITES)
    with pytest.raises(suite.SuiteError, match=rf"no suite .*mosiac.*{known}"):
        suite.load_suite("mosiac")
    (tmp_path / "config.py").write_text("model = dict()")
    with pytest.raises(suite.SuiteError, match="no dict `rows`"):
        suite.load_suite(str(tmp_path / "config.py"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rows = dict(", "SyntaxError: "),
        ("rows = dict(x=student)", "NameError: .*'student'"),
        ("_base_ = './no.py'", "FileNotFoundError: .*no.py"),
        ("_base_ = './config.py'\nparam_scheduler = dict(type='A')", "TypeError: "),
    ],
)
def test_a_suite_that_cannot_be_read_is_named(suite, tmp_path, text, message):
    write_config(tmp_path / "config.py")
    path = tmp_path / "suite.py"
    path.write_text(text)
    with pytest.raises(suite.SuiteError, match=rf"{path} cannot be read: {message}"):
        suite.load_suite(str(path))


def test_distilled_rows_bring_teacher_and_student(suite, write_suite):
    rows = suite.load_suite(write_suite("teacher", "student", "x", "y")).rows

    def chosen(*names):
        return [row.name for row in suite.choose_rows(rows, names or None)]

    assert chosen() == ["teacher", "student", "x", "y"]
    assert chosen("y") == ["teacher", "student", "y"]
    assert chosen("student") == ["student"]
    alone = suite.load_suite(write_suite("student", "x", "y", alone=True)).rows
    assert [row.name for row in suite.choose_rows(alone, ["y"])] == ["student", "y"]
    with pytest.raises(suite.SuiteError, match=r"no row 'z'; there are teacher, "):
        chosen("z")


def test_a_row_brings_those_whose_checkpoints_it_takes(suite, tmp_path):
    write_config(tmp_path / "config.py")
    path = tmp_path / "suite.py"
    path.write_text(
        "a = dict(config='config.py')\nb = dict(config='config.py', takes=dict(x='y'))"
        "\nrows = dict(teacher=a, student=a, x=a, b=b, c=a)\n"
    )
    rows = suite.load_suite(str(path)).rows

    def chosen(*names):
        return [row.name for row in suite.choose_rows(rows, names)]

    assert chosen("b") == ["teacher", "student", "x", "b"]
    assert chosen("x") == ["teacher", "student", "x"]
    assert chosen("c") == ["teacher", "student", "c"]
    found = {row.name: (row.distilled, row.compared) for row in rows[2:]}
    assert found == {"x": (True, False), "b": (True, True), "c": (True, True)}


@pytest.mark.parametrize(
    ("takes", "message"),
    [
        ("dict(z='y')", "no row 'z'"),
        ("dict(teacher='y')", "'teacher', which has to be a row that takes none"),
        ("dict(student='y')", "neither teacher nor student"),
        ("dict(b='y')", "checkpoint of 'b'"),
    ],
)
def test_checkpoints_that_no_row_has_are_named(suite, tmp_path, takes, message):
    write_config(tmp_path / "config.py")
    path = tmp_path / "suite.py"
    path.write_text(
        f"a = dict(config='config.py')\nb = dict(config='config.py', takes={takes})\n"
        "rows = dict(teacher=a, student=a, x=a, b=b)\n"
    )
    with pytest.raises(suite.SuiteError, match=message):
        suite.load_suite(str(path))


# Recipes.


def row_of(suite, path, *without):
    return suite.Row("row", path, (), without)


def test_a_recipe_scales_the_whole_schedule(suite, load_tool, tmp_path):
    row = row_of(suite, write_config(tmp_path / "config.py"))
    recipe = load_tool("distill_recipe").read_recipe(row, [])
    assert recipe.iters == 400
    assert recipe.options(400) == []
    assert dict(option.split("=") for option in recipe.options(100)) == {
        "train_cfg.max_iters": "100",
        "train_cfg.val_interval": "100",
        "param_scheduler.0.end": "12",
        "param_scheduler.1.begin": "12",
        "param_scheduler.1.end": "100",
        "default_hooks.checkpoint.interval": "50",
        "default_hooks.logger.interval": "5",
    }
    assert "default_hooks.logger.interval=20" in recipe.options(4000)
    assert "default_hooks.checkpoint.interval=1" in recipe.options(2)
    assert "default_hooks.logger.interval=1" in recipe.options(2)


@pytest.mark.parametrize(
    ("schedulers", "places"),
    [
        ("dict(type='A', begin=0, end=400)", {"end": "100"}),
        ("dict(type='A', step_size=200)", {"step_size": "50"}),
        ("dict(a=dict(type='A', end=80))", {"a.end": "20"}),
        (
            "dict(a=[dict(type='A', end=80), dict(type='B', begin=80)])",
            {"a.0.end": "20", "a.1.begin": "20"},
        ),
        ("None", {}),
    ],
)
def test_all_that_mmengine_takes_for_a_schedule(
    suite, load_tool, tmp_path, schedulers, places
):
    text = f"param_scheduler = {schedulers}"
    row = row_of(suite, write_config(tmp_path / "config.py", text))
    options = load_tool("distill_recipe").read_recipe(row, []).options(100)
    prefix = "param_scheduler."
    assert {
        option.removeprefix(prefix) for option in options if option.startswith(prefix)
    } == {f"{place}={value}" for place, value in places.items()}


@pytest.mark.parametrize("hooks", ["dict(interval=-1)", "dict()"])
def test_a_checkpoint_at_the_end_only_stays_the_only_one(
    suite, load_tool, tmp_path, hooks
):
    text = f"default_hooks['checkpoint'] = {hooks}"
    row = row_of(suite, write_config(tmp_path / "config.py", text))
    options = load_tool("distill_recipe").read_recipe(row, []).options(100)
    assert "checkpoint" not in "".join(options)


def test_options_count_and_a_changed_config_shows(suite, load_tool, tmp_path):
    read_recipe = load_tool("distill_recipe").read_recipe
    row = row_of(suite, write_config(tmp_path / "config.py"))
    plain = read_recipe(row, [])
    assert read_recipe(row, ["train_cfg.max_iters=50"]).iters == 50
    assert read_recipe(row, []).contents == plain.contents
    assert read_recipe(row, ["x.y=1"]).contents != plain.contents
    write_config(row.config, "other = 1")
    assert read_recipe(row, []).contents != plain.contents


def test_what_cannot_be_trained_is_named(suite, load_tool, tmp_path):
    read_recipe = load_tool("distill_recipe").read_recipe
    path = write_config(tmp_path / "config.py")
    with pytest.raises(suite.SuiteError, match=r"'loss_aa', .*did you mean 'loss_a'"):
        read_recipe(row_of(suite, path, "loss_aa"), [])
    taking = row_of(suite, path)._replace(takes={"x": "model.distiller.no.checkpoint"})
    with pytest.raises(suite.SuiteError, match=r"of 'x' as model\.dist"):
        read_recipe(taking, [])
    read_recipe(taking._replace(takes={"x": "model.teacher_ckpt"}), [])
    write_config(path, "del model['teacher_ckpt']")
    with pytest.raises(suite.SuiteError, match=r"'row': .* is no distillation"):
        read_recipe(row_of(suite, path), [])
    read_recipe(suite.Row("student", path), [])
    write_config(path, "train_cfg = dict(max_epochs=1)")
    with pytest.raises(suite.SuiteError, match=r"no train_cfg.max_iters"):
        read_recipe(row_of(suite, path), [])
