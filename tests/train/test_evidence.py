"""Learning what the full source will accept."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
import torch

from simulst import calibration, packs
from simulst.errors import ConfigError, DataError, SimulstError
from simulst.hindsight import Rehearsal
from simulst.train import evidence
from simulst.train.evidence import Recipe, Tokens, fit, gather
from simulst.translate.evidence import NUMBERS
from simulst.translate.storage import load_translator, save_translator
from tests.fakes import SENTENCES, translator

WIDTH = 6


def made_up(n: int, seed: int) -> Tokens:
    """Tokens whose acceptance depends on one state and one number, and on nothing else."""
    dice = torch.Generator().manual_seed(seed)
    seen = torch.randn(n, WIDTH + len(NUMBERS), generator=dice)
    seen[:, 2] *= 50  # of another scale, as states may be
    alpha = torch.sigmoid(2 * seen[:, 1] - 3 * seen[:, WIDTH])
    return Tokens(seen, alpha, torch.arange(n) // 4)


def test_a_dependence_is_learnt() -> None:
    """The head finds what decides among two dozen features, and is calibrated on new tokens."""
    head = fit(made_up(4000, 1), (0,), Recipe(steps=800, inner=16))
    new = made_up(1000, 2)
    with torch.no_grad():
        expected = head(new.seen).sigmoid()
    assert float((expected - new.alpha).abs().mean()) < 0.06
    outcomes = (new.alpha > 0.5).float().numpy()
    area = calibration.auroc(expected.numpy(), outcomes)
    assert area is not None and area > 0.99
    assert calibration.calibration_error(expected.numpy(), new.alpha.numpy()) < 0.03


def test_the_seed_decides() -> None:
    """The same seed gives the same head, another seed another."""
    tokens = made_up(200, 1)
    heads = [fit(tokens, (0,), Recipe(steps=20, inner=4, seed=s)) for s in (1, 1, 2)]
    logits = [head(tokens.seen) for head in heads]
    assert torch.equal(logits[0], logits[1])
    assert not torch.equal(logits[0], logits[2])


def test_tokens_carry_their_acceptance() -> None:
    """Features, alphas and sentences of what was gathered stand side by side."""
    model = translator()
    found = gather(model, SENTENCES[::2], Rehearsal(lookbacks=(0, 1)))
    assert len(found.seen) == len(found.alpha) == len(found.sentence)
    assert found.seen.shape[1] == model.model.dim.width + len(NUMBERS)
    assert float(found.alpha.min()) >= 0 and float(found.alpha.max()) <= 1
    assert set(found.sentence.tolist()) == {0, 1, 2}
    with pytest.raises(DataError, match="no draft before their end"):
        gather(model, ["Yes."], Rehearsal())


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Training text of ten sentences, and a pack."""
    lines = [f"{a}\t{b}" for a, b in zip(SENTENCES[::2], SENTENCES[1::2], strict=True)]
    path = tmp_path / "train.tsv"
    path.write_text("\n".join(lines * 4)[:-1], encoding="utf-8")
    for name in ("student", "teacher"):
        model = translator(bidirectional=name == "teacher")
        save_translator(tmp_path / name, model.model, model.vocabulary, "en", "de")
    return path


def run(*arguments: object) -> int:
    """Parse and run."""
    parser = argparse.ArgumentParser()
    evidence.add_arguments(parser)
    return evidence.run(parser.parse_args([str(a) for a in arguments]))


def test_the_command(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A pack gets evidence, by a teacher that looks both ways; its dev figures are printed."""
    folder = data.parent
    options = ("--pack", folder / "student", "--teacher", folder / "teacher", "--data", data)
    more = ("--dev", data, "--steps", 5, "--inner", 4, "--sentences", 10, "--lookback", "1")
    assert run(*options, *more, "--out", folder / "new") == 0
    printed = capsys.readouterr().out
    assert "train.tsv L=1: tokens " in printed and "BCE" in printed and "AUROC" in printed
    pack = packs.open_pack(folder / "new", "translator")
    facts = pack.fields["evidence"]
    assert (facts["lookbacks"], facts["inner"], facts["sharpness"]) == ([1], 4, "1.0")
    assert facts["training"]["sentences"] == 10
    assert load_translator(pack).learned_lookbacks == (1,)
    first = (folder / "new" / "evidence.safetensors").read_bytes()
    assert run(*options, *more, "--out", folder / "again") == 0
    assert (folder / "again" / "evidence.safetensors").read_bytes() == first


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (("--pack", "teacher"), ConfigError, "needs the whole source"),
        (("--pack", "student", "--k", "one"), ConfigError, "--k is 'one'"),
        (("--pack", "student", "--lookback", "-1"), ConfigError, "0 or more"),
        (("--pack", "student", "--steps", "0"), ConfigError, "--steps is 0"),
        (("--pack", "student", "--sentences", "1"), ConfigError, "fewer than 10"),
        (("--pack", "student", "--corpora", "news"), DataError, "holds no corpus news"),
    ],
)
def test_what_cannot_be_learnt_is_refused(
    data: Path, options: tuple[str, ...], error: type[SimulstError], message: str
) -> None:
    """Each mistake is told before anything is interpreted."""
    name = str(data.parent / options[1])
    with pytest.raises(error, match=message):
        run("--pack", name, *options[2:], "--data", data, "--out", data.parent / "new")
