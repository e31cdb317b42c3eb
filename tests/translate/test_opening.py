"""Translators of every make by name, for the live line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from simulst import config, packs
from simulst.errors import ConfigError, ModelError
from simulst.translate.decoding import WaitkTranslator
from simulst.translate.offline import OfflineTranslator
from simulst.translate.opening import locate
from simulst.translate.storage import open_translators, save_translator
from tests.fakes import translator
from tests.translate import tiny


def opened(target: str, **options: str) -> tuple[object, object, dict[str, str]]:
    """What settings of [translate] open."""
    given = [f"translate.{key}={value}" for key, value in options.items()]
    return open_translators(config.load(None, given), target)


def test_folders_say_what_they_hold(tmp_path: Path) -> None:
    """A pack, a model of transformers and one of CTranslate2 need no prefix; others are refused."""
    made = translator()
    save_translator(tmp_path / "pack", made.model, made.vocabulary, "en", "de")
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf" / "config.json").write_text("{}")
    (tmp_path / "ct2").mkdir()
    (tmp_path / "ct2" / "model.bin").touch()
    forms = {name: locate(str(tmp_path / name)).form for name in ("pack", "hf", "ct2")}
    assert forms == {"pack": "", "hf": "hf", "ct2": "ct2"}
    assert locate(f"hf:{tmp_path}/hf@eng_Latn-deu_Latn").languages == ("eng_Latn", "deu_Latn")
    with pytest.raises(ModelError, match="is no pack"):
        locate(str(tmp_path))
    with pytest.raises(ModelError, match="there is no translator pack 'nobody'"):
        locate("nobody")


def test_verifiers_of_another_make(tmp_path: Path) -> None:
    """A model of many languages may verify another of its subwords, both by the user's codes."""
    q, p = tiny.nllb(tmp_path / "q"), tiny.nllb(tmp_path / "p", 1)
    drafter, verifier, names = opened("de", pack=str(q), verifier=str(p))
    assert isinstance(drafter, OfflineTranslator)
    assert isinstance(verifier, OfflineTranslator)
    assert drafter.vocabulary_id == verifier.vocabulary_id
    assert (drafter.target_language, drafter.space) == ("de", " ")
    assert names == {"translator": str(q), "verifier": str(p)}
    chinese, _, _ = opened("zh", pack=str(q))
    assert isinstance(chinese, OfflineTranslator)
    assert chinese.space == ""


def test_packs_are_chosen_as_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a name the pair decides; a pack of another pair is refused."""
    made = translator()
    save_translator(tmp_path / "xx-yy", made.model, made.vocabulary, "xx", "yy")
    monkeypatch.setattr(packs, "folders", lambda: [tmp_path])
    settings = config.load(None, ["asr.language=xx"])
    found, _, names = open_translators(settings, "yy")
    assert isinstance(found, WaitkTranslator)
    assert names == {"translator": "xx-yy"}
    with pytest.raises(ModelError, match="translates xx to yy, not en to de"):
        opened("de", pack="xx-yy")
    with pytest.raises(ModelError, match="no pack translates en to de; available: xx-yy; .*list"):
        opened("de")


def test_without_transformers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is optional; whoever needs it is told what to install."""
    tiny.marian(tmp_path / "hf")
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ConfigError, match=r"pip install 'simulst\[translators\]'"):
        opened("de", pack=str(tmp_path / "hf"))
