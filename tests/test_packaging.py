"""What is built, what it is called, and what the documents say about it."""

from __future__ import annotations

import os
import re
import tomllib
import zipfile
from importlib import import_module
from pathlib import Path

import pytest

from simulst import __version__, packs

ROOT = Path(__file__).parent.parent
TRAINING = ROOT / "models" / "training"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_version_is_the_same_everywhere() -> None:
    """Package, project and the newest entry of the changelog agree, and the entry is dated."""
    newest = re.search(
        r"^## \[(.+?)\] - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.M
    )
    assert newest is not None
    assert PROJECT["project"]["version"] == __version__ == newest[1]


def test_the_command_exists() -> None:
    """The entry point of the project can be called."""
    module, _, name = PROJECT["project"]["scripts"]["simulst"].partition(":")
    assert callable(getattr(import_module(module), name))


def test_the_licence_is_the_one_declared() -> None:
    """LICENSE holds the whole text of Apache-2.0."""
    assert PROJECT["project"]["license"] == "Apache-2.0"
    text = (ROOT / "LICENSE").read_text()
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert "The simulst authors" in text


def test_the_readme_shows_what_make_runs() -> None:
    """The pip commands behind `make demo` and `make test` stand in the README."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text()
    commands = re.findall(r"^\t\$\(BIN\)/pip (install (?!--quiet).+)$", makefile, re.M)
    assert len(commands) == 2
    for command in commands:
        assert f"pip {command}" in readme


def test_shipped_packs_are_whole() -> None:
    """Every pack in models/ opens, with the sizes and digests of its manifest, and is shipped."""
    folders = [path.parent for path in sorted((ROOT / "models").glob(f"*/{packs.MANIFEST}"))]
    stray = {p.name for p in (ROOT / "models").iterdir() if p.is_dir() and p not in folders}
    assert stray <= {TRAINING.name}
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert wheel == {f"models/{f.name}": f"simulst/models/{f.name}" for f in folders}
    for folder in [*folders, *(path.parent for path in TRAINING.glob(f"*/{packs.MANIFEST}"))]:
        packs.open_pack(folder)
        assert (folder / "CARD.md").is_file()


@pytest.mark.skipif("SIMULST_WHEEL" not in os.environ, reason="`make wheel-check` builds one")
def test_the_wheel_holds_code_packs_and_licence() -> None:
    """Whoever installs the wheel has every module and every file of every pack."""
    with zipfile.ZipFile(os.environ["SIMULST_WHEEL"]) as wheel:
        held = {info.filename: info.file_size for info in wheel.infolist()}
    wanted = [
        *(ROOT / "simulst").rglob("*.py"),
        *(p for p in (ROOT / "models").rglob("*") if p.is_file() and TRAINING not in p.parents),
    ]
    for path in wanted:
        name = path.relative_to(ROOT).as_posix()
        name = f"simulst/{name}" if name.startswith("models/") else name
        assert held.get(name) == path.stat().st_size, name
    assert "simulst/py.typed" in held
    assert not any("/training/" in name for name in held)
    assert any(name.endswith("licenses/LICENSE") for name in held)
