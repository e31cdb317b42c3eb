"""How the parts may depend on each other, and what importing them may do."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import simulst

ROOT = Path(simulst.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
LAYERS = (
    ("types", "errors", "draws", "calibration", "catalogue", "torchaudio_shim", "orphans"),
    ("sections", "corpus", "glossary", "seq2seq", "locks"),
    ("config",),
    ("protocols", "packs", "options"),
    ("audio", "asr", "translate", "accept", "emit", "hub"),
    ("ear",),
    ("booth",),
    ("pipeline", "conference", "hindsight", "batcher", "speak"),
    ("server", "rsft", "evaluate", "train"),
    ("session", "keys"),
    ("live", "channels"),
    ("interpret", "devices", "finetune", "report", "rehearsal"),
    ("study",),
    ("cli",),
    ("__main__",),
)
"""From left to right. An import may only point left; parts of one layer know nothing of each
other."""
RANK = {part: rank for rank, layer in enumerate(LAYERS) for part in layer}


def module_name(path: Path) -> str:
    """The dotted name of a file of the package."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def part_of(module: str) -> str:
    """The part that a module belongs to; empty for the package itself."""
    return [*module.split("."), ""][1]


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and name of every simulst module that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            module = node.module or ""
            if module == "simulst":
                yield from ((node.lineno, f"simulst.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, module


def wrong_way(path: Path) -> list[str]:
    """The imports of a file that do not point left."""
    here = part_of(module_name(path))
    return [
        f"{path.name}:{line} ({here}) imports {name}"
        for line, name in imported(path)
        if name.startswith("simulst.") and (there := part_of(name)) in RANK and there != here
        if RANK[there] >= RANK[here]
    ]


def test_every_part_has_its_place() -> None:
    """A new file or folder in the package is entered into the layers."""
    parts = {part_of(module_name(path)) for path in FILES} - {""}
    assert parts <= RANK.keys()


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_imports_point_left(path: Path) -> None:
    """No part imports one beside it or to its right."""
    if part_of(module_name(path)):
        assert wrong_way(path) == []
    else:
        assert not [name for _, name in imported(path) if name.startswith("simulst")]


def test_a_wrong_import_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check sees sideways and backward imports, also inside functions."""
    monkeypatch.setattr("tests.test_house.ROOT", tmp_path / "simulst")
    path = tmp_path / "simulst" / "asr" / "x.py"
    path.parent.mkdir(parents=True)
    path.write_text(
        "from simulst.audio import clock\n"
        "from simulst import pipeline, types\n"
        "def late():\n"
        "    import simulst.accept.rules\n"
        "    from simulst.asr import guards\n"
    )
    assert [found.split(" imports ")[1] for found in wrong_way(path)] == [
        "simulst.audio",
        "simulst.pipeline",
        "simulst.accept.rules",
    ]


@pytest.mark.parametrize("path", [p for p in FILES if p.name != "__main__.py"], ids=module_name)
def test_public_names_exist(path: Path) -> None:
    """Each name in a module's __all__ is there, and a module with public names has one."""
    module = importlib.import_module(module_name(path))
    missing = [name for name in getattr(module, "__all__", ()) if not hasattr(module, name)]
    assert missing == []
    tree = ast.parse(path.read_text(encoding="utf-8"))
    public = [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    ]
    assert not public or hasattr(module, "__all__")


def test_importing_everything_does_nothing_else() -> None:
    """No import opens sound, starts a thread, prints, or loads an optional part."""
    code = (
        "import importlib, json, sys, threading\n"
        f"for name in {[module_name(p) for p in FILES if p.name != '__main__.py']!r}:\n"
        "    importlib.import_module(name)\n"
        "heavy = ('sounddevice', 'pocketsphinx', 'transformers', 'matplotlib', 'ray', 'jiwer')\n"
        "loaded = [name for name in heavy if name in sys.modules]\n"
        "print(json.dumps([loaded, threading.active_count()]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert json.loads(line) == [[], 1]
