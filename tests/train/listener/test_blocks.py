"""Blockwise imitation: the parts' lessons are the teacher's, and a student's parts learn them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer

from simulst.train.listener.blocks import BlockTeacher, begin_small
from simulst.train.listener.corpus import Corpus
from simulst.train.listener.layers import EncoderLayer
from simulst.train.listener.loop import JOINED, Plan, Trainer
from simulst.train.listener.model import Dimensions, Encoder
from simulst.train.listener.storage import read_average
from simulst.train.listener.teacher import TEACHER_LAYERS, TEACHER_WIDTH, Teacher

PARTS = 2 + 2 * TEACHER_LAYERS


@pytest.fixture(scope="module")
def teacher(teacher_file: Path) -> Teacher:
    """A teacher that has measured some noise."""
    found = Teacher.read(teacher_file)
    found.measure([noise(1)])
    return found


def noise(seed: int) -> torch.Tensor:
    """Three windows of 60 frames."""
    return torch.randn(3, 80, 60, generator=torch.Generator().manual_seed(seed))


def test_the_lessons_together_are_the_teacher(teacher: Teacher) -> None:
    """Each part gets the sum of what was there before; the last gives the teacher's features."""
    lessons = BlockTeacher(teacher, [noise(1)]).lessons(noise(2))
    assert len(lessons) == PARTS
    x = lessons[0][1] + teacher.encoder.embed_positions.weight[:30]
    for given, added in lessons[1:-1]:
        torch.testing.assert_close(given, x)
        x = x + added
    torch.testing.assert_close(lessons[-1][0], x)
    torch.testing.assert_close(lessons[-1][1], teacher(noise(2))[0])


def test_a_student_like_the_teacher_has_no_loss(teacher: Teacher) -> None:
    """But for the last part, whose features are standardised; frames of padding do not count."""
    blocks = BlockTeacher(teacher, [noise(1)])
    student = Encoder(Dimensions(0, TEACHER_WIDTH, TEACHER_LAYERS), dropout=0.0)
    student.load_state_dict(dict(teacher.encoder.named_buffers()))
    whole, short = torch.tensor([30, 30, 30]), torch.tensor([30, 30, 0])
    with torch.no_grad():
        alone = blocks.losses(student, noise(2), whole)
        joined = blocks.joint_losses(student, noise(2), noise(2), whole)
        for losses in (alone, joined):
            assert losses[:-1].tolist() == pytest.approx([0.0] * (PARTS - 1), abs=1e-4)
            assert losses[-1] > 0.01
        changed = noise(2)
        changed[2] = 0.0
        assert not torch.allclose(blocks.losses(student, changed, whole), alone, rtol=1e-3)
        torch.testing.assert_close(
            blocks.losses(student, changed, short), blocks.losses(student, noise(2), short)
        )
        # what is heard and what it should sound like are two things
        assert float(blocks.joint_losses(student, noise(3), noise(2), whole)[0]) > 0.1


def test_parts_begin_small() -> None:
    """At first every part gives nearly nothing, and the states are those of the stem."""
    student = Encoder(Dimensions(0, 128, 2), dropout=0.0)
    begin_small(student)
    x = torch.randn(2, 30, 128, generator=torch.Generator().manual_seed(1))
    for layer in student.layers:
        assert isinstance(layer, EncoderLayer)
        assert 0 < float((layer(x) - x).detach().std()) < 0.02


def test_only_the_encoder_learns(
    corpus_folder: Path, tokenizer: Tokenizer, teacher_file: Path, tmp_path: Path
) -> None:
    """Losses fall, the decoder stays as it was, and a stopped run goes on where it was."""

    def trainer(steps: int) -> Trainer:
        sizes = Dimensions(
            tokenizer.get_vocab_size(), TEACHER_WIDTH, TEACHER_LAYERS, 1, feedforward=64
        )
        plan = Plan(
            sizes,
            hours=9.0,
            steps=steps,
            batch_s=6.0,
            rate=0.03,
            taught=1.0,
            blockwise=True,
            round_batches=2,
        )
        return Trainer(plan, Corpus(corpus_folder), tokenizer, Teacher.read(teacher_file))

    run = trainer(80)
    before = {name: weight.clone() for name, weight in run.weights.masters.items()}
    losses = torch.stack([step for _ in range(8) for step in run.learn_round()])
    assert run.progress < JOINED, "the parts are still alone"
    assert float(losses[-2:, 4].mean()) < 0.9 * float(losses[:2, 4].mean())
    assert not losses[:, :4].any()
    run.save(tmp_path)
    changed = {n for n, weight in run.weights.masters.items() if not weight.equal(before[n])}
    assert changed and all(name.startswith("encoder.") for name in changed)
    model, _ = read_average(tmp_path / "average.pt")
    assert model.sizes.inner == 64
    again = trainer(80)
    assert again.resume(tmp_path) and again.step == run.step
    for _ in range(6):  # and on to where they hear each other
        list(again.learn_round())
        list(run.learn_round())
    assert run.progress > JOINED
    for name, weight in run.weights.masters.items():
        torch.testing.assert_close(again.weights.masters[name], weight)
