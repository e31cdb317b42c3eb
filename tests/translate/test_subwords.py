"""Subwords of models made elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulst.errors import ModelError
from simulst.translate.checkpoints import FACTS, load_subwords, read_facts
from simulst.translate.subwords import PieceSubwords, begins_unit, fingerprint
from tests.fakes import SENTENCES
from tests.translate import tiny


def test_fingerprints_tell_names_and_ids() -> None:
    """Another id or another name is another vocabulary; padding more or less is not."""
    names = {0: "</s>", 1: "a", 2: "<pad>"}
    assert fingerprint(names, "<pad>") == fingerprint({0: "</s>", 1: "a"}, "<pad>")
    assert fingerprint(names, "<pad>") != fingerprint({0: "a", 1: "</s>"}, "<pad>")
    assert fingerprint(names, "<pad>") != fingerprint({0: "</s>", 1: "b"}, "<pad>")


def test_units_begin_at_marks_and_at_characters_without_spaces() -> None:
    """Pieces with a mark begin a word; in scripts without spaces every piece is a unit."""
    begins = {"▁Haus": True, "Ġhouse": True, "haus": False, "": False, ".": False}
    begins |= {"房子": True, "です": True, "ไทย": True, "집": False}
    assert {name: begins_unit(name) for name in begins} == begins


def test_pieces_stand_for_a_tokenizer(tmp_path: Path) -> None:
    """SentencePiece models with a list of tokens read and write what the tokenizer does."""
    folder = tiny.marian(tmp_path)
    wanted = load_subwords(folder)
    names = [wanted.names[i] for i in sorted(wanted.names)]
    files = folder / "source.spm", folder / "target.spm"
    pieces = PieceSubwords(files, (names, names), languages=("en", "de"))
    assert (pieces.id, pieces.eos, pieces.pad) == (wanted.id, wanted.eos, wanted.pad)
    assert (wanted.source_language, wanted.target_language) == ("en", "de")
    for source, target in zip(SENTENCES[::2], SENTENCES[1::2], strict=True):
        assert [*pieces.source(source.split()), pieces.eos] == wanted.source(source.split())
        assert pieces.target(target) == wanted.target(target)
        assert pieces.text([*pieces.target(target), pieces.eos]) == target
    assert pieces.text(pieces.target("Straße 7")).startswith("Straße")  # 7 is no piece
    with pytest.raises(ModelError, match="'<end>' is not among"):
        PieceSubwords(files, (names, names), eos="<end>")
    with pytest.raises(ModelError, match="cannot be read as a SentencePiece model"):
        PieceSubwords((folder / "vocab.json",) * 2, (names, names))


def test_prompts_of_models_of_many_languages(tmp_path: Path) -> None:
    """T5's prompt comes from its settings; Marian's is a token, where it has one."""
    folder = tiny.t5(tmp_path / "t5")
    tasks = {"translation_en_to_de": {"prefix": "good friend: "}}
    bare = load_subwords(folder)
    prompted = load_subwords(folder, ("en", "de"), tasks=tasks)
    assert prompted.source(["money"]) == bare.source(["good", "friend:", "money"])
    folder = tiny.marian(tmp_path / "marian")
    names = json.loads((folder / "vocab.json").read_text())
    del names["<pad>"]
    names |= {">>deu<<": len(names), "<pad>": len(names) + 1}
    (folder / "vocab.json").write_text(json.dumps(names))
    (folder / "tokenizer_config.json").unlink()
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "MarianTokenizer"}')
    marian = load_subwords(folder, ("en", "deu"))
    assert marian.source(["money"])[0] == names[">>deu<<"]


def test_damaged_facts_are_named(tmp_path: Path) -> None:
    """What stands beside a model is read back; if it cannot be, the file is named."""
    assert read_facts(tmp_path) == {}
    (tmp_path / FACTS).write_text("{")
    with pytest.raises(ModelError, match=f"{FACTS} is damaged"):
        read_facts(tmp_path)
