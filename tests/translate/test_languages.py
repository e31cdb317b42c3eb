"""Languages as users say them, for models that name them otherwise."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from simulst.errors import ModelError
from simulst.translate.checkpoints import load_subwords
from simulst.translate.languages import FLORES, named
from tests.translate import tiny


def test_nllb(tmp_path: Path) -> None:
    """ISO codes become FLORES-200's, whose target token every target begins with."""
    folder = tiny.nllb(tmp_path)
    subwords = load_subwords(folder, ("en", "de"))
    assert (subwords.source_language, subwords.target_language) == ("eng_Latn", "deu_Latn")
    assert [subwords.names[token] for token in subwords.forced] == ["deu_Latn"]
    assert set(subwords.forced) <= subwords.silent
    assert subwords.names[subwords.source(("friend",))[0]] == "eng_Latn"
    assert load_subwords(folder, ("en", "zh")).target_language == "zho_Hans"
    assert load_subwords(folder, ("en", "zho_Hant")).target_language == "zho_Hant"
    with pytest.raises(ModelError, match=r"no language 'ru'.*it has deu_Latn, eng_Latn, fra_Latn"):
        load_subwords(folder, ("en", "ru"))


def test_m2m100(tmp_path: Path) -> None:
    """M2M100 has ISO codes of its own; one that it lacks is answered with those it has."""
    folder = tiny.m2m100(tmp_path)
    subwords = load_subwords(folder, ("en", "de"))
    assert [subwords.names[token] for token in subwords.forced] == ["__de__"]
    with pytest.raises(ModelError, match=r"no language 'eo'.*it has af, am, ar.* and \d+ more"):
        load_subwords(folder, ("en", "eo"))


def test_marian_of_several_targets(tmp_path: Path) -> None:
    """The target's mark, of two letters or three, stands before the source."""
    folder = tiny.marian(tmp_path / "a", target="gmw", marks=(">>deu<<", ">>nld<<"))
    subwords = load_subwords(folder, ("en", "de"))
    assert subwords.names[subwords.source(("friend",))[0]] == ">>deu<<"
    with pytest.raises(ModelError, match="no language 'fr'.*it has deu, nld"):
        load_subwords(folder, ("en", "fr"))
    assert {i for i, name in subwords.names.items() if name[:2] == ">>"} <= subwords.silent


def test_marian_of_one_pair(tmp_path: Path) -> None:
    """Another pair is refused, also the other way round; one of a group is believed."""
    folder = tiny.marian(tmp_path / "a")
    assert load_subwords(folder, ("en", "de")).target_language == "de"
    for pair in (("de", "en"), ("en", "fr"), ("ru", "de")):
        with pytest.raises(ModelError, match="translates en to de, not"):
            load_subwords(folder, pair)
    group = SimpleNamespace(name_or_path="x", source_lang="zle", target_lang="eng")
    assert named(group, "ru", "en") == ("ru", "en")


def test_mbart() -> None:
    """A code with a country is found by its language."""
    tokens = dict.fromkeys(("en_XX", "de_DE", "pt_XX"), 0)
    mbart = SimpleNamespace(name_or_path="x", tgt_lang=None, lang_code_to_token=tokens)
    assert named(mbart, "en", "de") == ("en_XX", "de_DE")


def test_the_table_is_of_flores() -> None:
    """Two or three letters lead to a language and a script, each once."""
    assert len(set(FLORES.values())) == len(FLORES) > 90
    assert all(len(code) in (2, 3) and len(name) == 8 for code, name in FLORES.items())
