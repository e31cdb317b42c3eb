"""A new language pair learns on from the weights of another."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
import torch

from simulst import packs
from simulst.errors import ConfigError
from simulst.train import command
from simulst.train.transfer import inherit
from simulst.translate.decoding import WaitkTranslator
from simulst.translate.model import Dimensions, WaitkTransformer
from simulst.translate.storage import load_translator, save_translator
from simulst.translate.vocabulary import Vocabulary
from tests.fakes import vocabulary

FRENCH = [
    "The dog sleeps in the garden.",
    "Le chien dort dans le jardin.",
    "We are going to the garden tomorrow.",
    "Nous allons au jardin demain.",
] * 10


def parent() -> WaitkTranslator:
    """A tiny translator into German."""
    torch.manual_seed(3)
    model = WaitkTransformer(Dimensions(vocabulary().size, 32, 2, 64, 1, 1))
    return WaitkTranslator(model, vocabulary(), "en", "de")


def child() -> Vocabulary:
    """Subwords of English and French."""
    return Vocabulary.train(FRENCH, 330)


def test_known_subwords_keep_their_vectors() -> None:
    """What both vocabularies have is copied, what is new is the mean of its spelling."""
    old, new = parent(), child()
    weights, kept = inherit(old, new)
    before = old.model.embedding.weight
    known = {old.vocabulary.piece(i): i for i in range(old.vocabulary.size)}
    shared = [i for i in range(new.size) if new.piece(i) in known]
    assert 256 < len(shared) == kept < new.size  # the bytes, and more
    for i in shared:
        assert torch.equal(weights["embedding.weight"][i], before[known[new.piece(i)]])
    ends = [i for i in range(new.size) if new.ends[i] and new.piece(i) not in known]
    assert ends
    for i in ends:
        spelt = list(old.vocabulary.encode_words([new.text([i])])[0])
        torch.testing.assert_close(weights["embedding.weight"][i], before[spelt].mean(0))


def test_layers_are_taken_over() -> None:
    """All but the vectors of the subwords is the parent's, and the child can be loaded."""
    old, new = parent(), child()
    weights, _ = inherit(old, new)
    model = WaitkTransformer(Dimensions(new.size, 32, 2, 64, 1, 1))
    model.load_state_dict(weights)
    for name, weight in old.model.state_dict().items():
        if name != "embedding.weight":
            assert torch.equal(model.state_dict()[name], weight)


def test_with_its_own_subwords_nothing_changes() -> None:
    """A child with the parent's vocabulary is the parent."""
    old = parent()
    weights, kept = inherit(old, old.vocabulary)
    assert kept == old.vocabulary.size
    assert torch.equal(weights["embedding.weight"], old.model.embedding.weight)


def test_the_command_takes_a_parent(tmp_path: Path) -> None:
    """`--parent` brings sizes and layers, but subwords of the new data, and says so."""
    old = parent()
    save_translator(tmp_path / "en-de", old.model, old.vocabulary, "en", "de")
    data = tmp_path / "data.tsv"
    lines = [f"{en}\t{fr}\n" for en, fr in zip(FRENCH[::2], FRENCH[1::2], strict=True)]
    data.write_text("".join(lines), encoding="utf-8")
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    line = (
        f"--data {data} --to fr --work {tmp_path}/work --out {tmp_path}/en-fr --hours 0 --steps 2 "
        f"--pieces 330 --tokens 200 --warmup 5 --parent {tmp_path}/en-de"
    )
    assert command.run(parser.parse_args(line.split())) == 0
    pack = packs.open_pack(tmp_path / "en-fr", "translator")
    made = load_translator(pack)
    assert made.target_language == "fr"
    assert made.model.dim.width == 32
    assert made.vocabulary_id != old.vocabulary_id
    assert pack.fields["training"]["parent"] == "en-de"
    with pytest.raises(ConfigError, match="give one"):
        command.run(parser.parse_args([*line.split(), "--start", f"{tmp_path}/en-de"]))
