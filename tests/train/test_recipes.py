"""Recipes: those that ship can be run, and a small one runs from its data to its pack."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from simulst import cli, packs
from simulst.cli import main
from simulst.errors import ConfigError
from simulst.train.recipes.book import FOLDER, Run, load, names

SIZES = "--width 32 --heads 2 --feedforward 32 --encoder-layers 1 --decoder-layers 1 --pieces 300"
TEXT = "\n".join(
    f"{name}\tnone\tthe {noun} {verb} {place}\tder {noun} {verb} {place}"
    for name, nouns in (("home", "cat dog bird"), ("town", "bus train taxi"))
    for noun in nouns.split()
    for verb in ("sleeps", "waits", "goes", "stands")
    for place in ("here", "there", "outside")
)
RECIPE = f"""
about = "a small one"
data = ["text.tsv", "dev.tsv"]

[words]
text = "--data {{data}}/text.tsv --threads {{threads}}"

[[stage]]
name = "first"
hours = 0.5
budget = {{ steps = 40 }}
run = '''
train translator {{text}} {SIZES} --steps {{steps}} --hours {{hours}} --work {{work}} --out {{out}}
'''

[[stage]]
name = "teacher"
budget = {{ steps = 20 }}
run = '''
train translator {{text}} --start {{first}} --bidirectional --steps {{steps}} --hours 0
    --work {{work}} --out {{out}}
'''

[[stage]]
name = "lines"
makes = "lines.tsv"
budget = {{ pairs = 40 }}
run = '''
train subset --data {{data}}/text.tsv --corpora home=3,town=1 --pairs {{pairs}} --out {{out}}
'''

[[stage]]
name = "taught"
budget = {{ steps = 4 }}
trial = "--dev-limit 1"
run = '''
finetune {{lines}} --pack {{first}} --teacher {{first}},{{teacher}} --form beam --drafts 2
    --no-gates --steps {{steps}} --last --dev {{data}}/dev.tsv --work {{work}} --out {{out}}
'''
"""


@pytest.fixture
def bench(tmp_path: Path) -> list[str]:
    """A recipe with its data, and the command that runs it."""
    (tmp_path / "text.tsv").write_text(TEXT + "\n", encoding="utf-8")
    (tmp_path / "dev.tsv").write_text("the cow waits here\tder cow waits here\n", encoding="utf-8")
    (tmp_path / "small.toml").write_text(RECIPE, encoding="utf-8")
    work, out = str(tmp_path / "work"), str(tmp_path / "pack")
    return [
        *("train", "recipe", str(tmp_path / "small.toml"), "--data", str(tmp_path)),
        *("--work", work, "--out", out, "--device", "cpu"),
    ]


def test_from_the_data_to_a_pack_and_not_twice(
    bench: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Every stage runs in its turn, the last one writes the pack, and none runs again."""
    assert main(bench) == 0
    told = capfd.readouterr().err
    stages = load(bench[2]).stages
    begun = [told.index(f" {i}/4 {stage.name}, about") for i, stage in enumerate(stages, 1)]
    assert begun == sorted(begun)
    pack = packs.open_pack(tmp_path / "pack", "translator")
    assert pack.fields["rsft"]["teacher"] == "first,teacher"  # and no folder of this machine
    assert pack.fields["training"]["steps"] == 40
    teacher = packs.open_pack(tmp_path / "work" / "teacher", "translator")
    assert teacher.fields["training"]["start"] == "first"
    lines = (tmp_path / "work" / "lines-work" / "lines.tsv").read_text(encoding="utf-8")
    kinds = [line.split("\t")[0] for line in lines.splitlines()]
    assert (kinds.count("home"), kinds.count("town")) == (30, 10)
    assert main(bench) == 0
    assert capfd.readouterr().err.count("done before") == 4


def test_a_share_of_every_budget(
    bench: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """`--share` changes the numbers, `--stages` leaves others out; other settings are refused."""
    assert main([*bench, "--share", "0.1", "--stages", "first"]) == 0
    assert packs.open_pack(tmp_path / "work" / "first").fields["training"]["steps"] == 4
    assert main([*bench, "--stages", "first"]) == 2
    assert "stage first of other settings" in capfd.readouterr().err


def test_a_trial_adds_words(bench: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Below a tenth of the budgets, and only there."""
    for share, found in (("0.09", 1), ("0.1", 0), ("4", 0)):
        assert main([*bench, "--share", share, "--list"]) == 0
        assert capsys.readouterr().out.count("--dev-limit 1") == found


def test_a_stage_that_fails_is_told(
    bench: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """What was done stays done; what is mended goes on."""
    (tmp_path / "small.toml").write_text(RECIPE.replace("home=3,town=1", "sea"), encoding="utf-8")
    wanted = [*bench, "--stages", "lines"]
    assert main(wanted) == 2
    assert "stage lines ended with code 2" in capfd.readouterr().err
    (tmp_path / "small.toml").write_text(RECIPE, encoding="utf-8")
    assert main(wanted) == 0


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--stages", "taught"], "run stage first first"),
        (["--stages", "taut"], "recipe small has first, teacher, lines, taught"),
        (["--share", "0"], "--share is 0.0"),
        (["--threads", "0"], "--threads is 0"),
        (["--data", "elsewhere"], "needs text.tsv, dev.tsv in"),
    ],
)
def test_what_cannot_be_run(
    options: list[str], reason: str, bench: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    """Is refused before anything runs."""
    assert main([*bench, *options]) == 2
    assert reason in capfd.readouterr().err


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("about", "abut"), "unknown abut"),
        (("hours = 0.5", "ours = 0.5"), "unknown ours"),
        (('name = "teacher"', 'name = "first"'), "two stages are called first"),
        (('name = "teacher"', ""), "without name"),
        (("{first}", "{fist}"), "stage teacher: 'fist' means nothing there"),
        (("{first} --bid", "{taught} --bid"), "stage teacher: 'taught' means nothing there"),
        (("steps = 40", 'steps = "40"'), "steps in a budget must be numbers"),
        (("[words]", "[words"), "cannot be read"),
    ],
)
def test_a_recipe_that_makes_no_sense(change: tuple[str, str], reason: str, tmp_path: Path) -> None:
    """Is refused with what is wrong in it."""
    path = tmp_path / "small.toml"
    path.write_text(RECIPE.replace(*change), encoding="utf-8")
    with pytest.raises(ConfigError, match=reason):
        recipe = load(str(path))
        for stage in recipe.stages:
            Run(tmp_path, tmp_path, tmp_path).command(recipe, stage)


def test_an_unknown_recipe_names_those_there_are() -> None:
    """And the way to one's own."""
    with pytest.raises(ConfigError, match=r"en-de, en-fr, listen-en, or a \.toml of your own"):
        load("en-nl")


@pytest.mark.parametrize("name", names())
def test_the_recipes_that_ship(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One for each pack, and every command in it is one that `simulst` understands."""
    assert main(["train", "recipe", name, "--list", "--device", "cpu"]) == 0
    commands = [line for line in capsys.readouterr().out.splitlines() if line.startswith("simulst")]
    assert len(commands) == len(load(name).stages)
    for command in commands:
        words = shlex.split(command)[1:]
        args = cli._parser(words).parse_args(words)
        assert getattr(args, "seed", 1) in range(10)
    assert commands[-1].count(" OUT") == 1


def test_every_pack_that_ships_has_a_recipe() -> None:
    """And no recipe stands without its pack."""
    shipped = {name for name, found in packs.available().items() if _ships(found["path"])}
    assert set(names()) == shipped
    assert all(path.suffix in {".toml", ".py"} for path in FOLDER.iterdir() if path.is_file())


def _ships(folder: Path) -> bool:
    """Whether a pack came with simulst, and not from the user's cache."""
    return packs.cache_folder() not in folder.parents


def test_stages_remember_commands_and_not_places(bench: list[str], tmp_path: Path) -> None:
    """A work folder can be moved, and go on with other threads."""
    assert main([*bench, "--stages", "lines"]) == 0
    (tmp_path / "work").rename(tmp_path / "moved")
    moved = [word.replace(str(tmp_path / "work"), str(tmp_path / "moved")) for word in bench]
    before = json.loads((tmp_path / "moved" / "recipe.json").read_text(encoding="utf-8"))
    assert main([*moved, "--stages", "lines", "--threads", "2"]) == 0
    assert json.loads((tmp_path / "moved" / "recipe.json").read_text(encoding="utf-8")) == before
