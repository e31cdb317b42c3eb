"""Training: it learns two sentences, resumes at its step, and its pack runs both ways."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from simulst.errors import ModelError
from simulst.packs import open_pack
from simulst.train.listener.batches import make_batch
from simulst.train.listener.corpus import Corpus
from simulst.train.listener.export import export_pack
from simulst.train.listener.features import log_mel
from simulst.train.listener.loop import Plan, Trainer
from simulst.train.listener.losses import loss_of
from simulst.train.listener.model import Dimensions, Listener
from simulst.train.listener.reading import Texts
from simulst.train.listener.storage import read_average
from simulst.train.listener.teacher import TEACHER_WIDTH, Teacher
from simulst.train.listener.windows import Drawing, Window, draw_window
from tests.train.listener.conftest import TEXTS, tones


def trainer(
    folder: Path,
    tokenizer: Tokenizer,
    width: int = 64,
    teacher_file: Path | None = None,
    steps: int = 8,
    reads: bool = False,
    fixed: bool = False,
) -> Trainer:
    """A tiny model that would train so many steps."""
    taught = TEACHER_WIDTH if teacher_file else 0
    sizes = Dimensions(tokenizer.get_vocab_size(), width, 1, 1, taught)
    plan = Plan(
        sizes,
        hours=9.0,
        steps=steps,
        batch_s=6.0,
        round_batches=2,
        seed=5,
        taught=float(taught > 0 and not fixed),
        fixed=fixed,
    )
    teacher = Teacher.read(teacher_file) if teacher_file else None
    texts = Texts({"tatoeba": TEXTS}, tokenizer, 200, plan.seed) if reads else None
    return Trainer(plan, Corpus(folder), tokenizer, teacher, texts=texts)


@pytest.mark.parametrize(("taught", "reads"), [(False, False), (True, False), (False, True)])
def test_training_resumes_at_the_same_step(
    corpus_folder: Path,
    tokenizer: Tokenizer,
    tmp_path: Path,
    teacher_file: Path,
    taught: bool,
    reads: bool,
) -> None:
    """Stopped and resumed, it takes the steps that it would have taken in one go."""
    file = teacher_file if taught else None
    whole = trainer(corpus_folder, tokenizer, teacher_file=file, reads=reads)
    for _ in range(2):
        list(whole.learn_round())
    half = trainer(corpus_folder, tokenizer, teacher_file=file, reads=reads)
    list(half.learn_round())
    half.save(tmp_path)
    rest = trainer(corpus_folder, tokenizer, teacher_file=file, reads=reads)
    assert rest.resume(tmp_path) and rest.step == half.step > 0
    list(rest.learn_round())
    assert rest.step == whole.step and rest.round == whole.round
    for name, weight in whole.weights.masters.items():
        torch.testing.assert_close(rest.weights.masters[name], weight)


def test_a_teacher_is_imitated(
    corpus_folder: Path, tokenizer: Tokenizer, teacher_file: Path
) -> None:
    """With a teacher its features are learned, better with every round; without, nothing is."""
    taught = trainer(corpus_folder, tokenizer, teacher_file=teacher_file, steps=120)
    list(taught.learn_round())
    window = draw_window(taught.corpus, np.random.default_rng(1), Drawing(2.0, change=0.0))
    frames = len(window.features) // 2 * 2
    batch = make_batch([window], tokenizer, frames + 2, zeros=True, taught=True)

    def missed() -> float:
        with torch.no_grad():
            return float(loss_of(taught.model, batch, taught.teacher).imitation)

    before = missed()
    for _ in range(20):
        list(taught.learn_round())
    assert 0.0 < missed() < 0.8 * before
    alone = trainer(corpus_folder, tokenizer)
    assert not any(float(step[4]) for step in alone.learn_round())


def test_a_control_hears_with_the_teacher(
    corpus_folder: Path, tokenizer: Tokenizer, teacher_file: Path, tmp_path: Path
) -> None:
    """It trains on frozen features, and what it saves holds nothing of the teacher."""
    sizes = Dimensions(tokenizer.get_vocab_size(), TEACHER_WIDTH, 0, 1)
    plan = Plan(sizes, hours=9.0, steps=2, batch_s=6.0, round_batches=2)
    teacher = Teacher.read(teacher_file)
    control = Trainer(plan, Corpus(corpus_folder), tokenizer, teacher)
    before = teacher.encoder.conv1.weight.clone()
    control.train(tmp_path, lambda line: None)
    assert control.step == 2 and torch.equal(teacher.encoder.conv1.weight, before)
    for file in ("average.pt", "checkpoint.pt"):
        state = torch.load(tmp_path / file, weights_only=True)
        assert not any(name.startswith("encoder.") for name in state["average"])
    with pytest.raises(ModelError, match="stage heads"):
        read_average(tmp_path / "average.pt")


def test_text_is_learned_beside_sound(corpus_folder: Path, tokenizer: Tokenizer) -> None:
    """Text is read at every step, better and better, and not where none is given."""
    run = trainer(corpus_folder, tokenizer, steps=120, reads=True)
    losses = [float(step[5]) for _ in range(40) for step in run.learn_round()]
    assert 0.0 < losses[-1] < 0.8 * losses[0]
    alone = trainer(corpus_folder, tokenizer)
    assert not any(float(step[5]) for step in alone.learn_round())


def test_a_fixed_encoder_stays(
    corpus_folder: Path, tokenizer: Tokenizer, teacher_file: Path
) -> None:
    """What hears stays to the last bit, and every weight of what writes learns."""
    run = trainer(corpus_folder, tokenizer, teacher_file=teacher_file, reads=True, fixed=True)
    before = {name: weight.clone() for name, weight in run.weights.masters.items()}
    assert not any(float(step[4]) for step in run.learn_round())
    for name, weight in run.weights.masters.items():
        assert torch.equal(weight, before[name]) == (not name.startswith("decoder.")), name


def test_another_size_is_refused(corpus_folder: Path, tokenizer: Tokenizer, tmp_path: Path) -> None:
    """A checkpoint of other sizes is not loaded by halves."""
    trainer(corpus_folder, tokenizer).save(tmp_path)
    with pytest.raises(ModelError, match="--work"):
        trainer(corpus_folder, tokenizer, width=128).resume(tmp_path)


def test_the_budget_ends_training(
    corpus_folder: Path, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    """Training stops at its budget, reports, and leaves a checkpoint."""
    lines: list[str] = []
    run = trainer(corpus_folder, tokenizer)
    run.train(tmp_path, lines.append)
    _, state = read_average(tmp_path / "average.pt")
    assert state["step"] == run.step == 8 and "step 8" in lines[-1]


def test_two_sentences_are_learned_and_heard_both_ways(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    """A tiny model overfits, exports, and hears its sentences windowed and padded."""
    pytest.importorskip("transformers", reason="transformers is not installed")
    from simulst.train.listener.evaluation import Recogniser

    torch.manual_seed(1)
    model = Listener(Dimensions(tokenizer.get_vocab_size(), 64, 1, 1))
    audios = [tones(text) for text in TEXTS[:2]]
    windows = [
        Window(mel, mel, np.full(len(mel), -1, np.int8), text)
        for text, mel in zip(TEXTS, (log_mel(audio).T for audio in audios), strict=False)
    ]
    short = make_batch(windows, tokenizer, 120, zeros=True)
    padded = make_batch(windows, tokenizer, 3000, zeros=True)
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for step in range(220):
        losses = loss_of(model, padded if step % 4 == 3 else short)
        losses.total.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        optimiser.zero_grad()
    vocabulary = tmp_path / "tokenizer.json"
    tokenizer.save(str(vocabulary))
    pack = export_pack(model, vocabulary, tmp_path / "pack")
    assert open_pack(pack, "asr").fields["window"] == "variable"
    recogniser = Recogniser(pack)
    assert [recogniser.windowed(audio) for audio in audios] == TEXTS[:2]
    assert [recogniser.padded(audio) for audio in audios] == TEXTS[:2]
