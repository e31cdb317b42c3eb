"""The teacher's encoder with the decoder that learnt on it: a control, to be measured."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from simulst.errors import ModelError
from simulst.train.listener.ceiling import with_teacher
from simulst.train.listener.model import Dimensions, Listener
from simulst.train.listener.storage import save_state
from simulst.train.listener.teacher import Teacher

SIZES = Dimensions(300, width=384, encoder_layers=0, decoder_layers=1, feedforward=512)


def kept(path: Path, model: Listener, teacher: Teacher) -> Path:
    """A checkpoint as the stage heads writes it."""
    average = dict(model.named_parameters())
    measured = (teacher.mean, teacher.spread)
    save_state(path, {"sizes": asdict(model.sizes), "average": average, "teacher": measured})
    return path


def test_it_computes_what_the_two_did(teacher_file: Path, tmp_path: Path) -> None:
    """One model gives the scores that the decoder gave behind the standardised features."""
    torch.manual_seed(3)
    teacher = Teacher.read(teacher_file)
    mel = torch.randn(2, 80, 120)
    teacher.measure([3 * mel + 1])
    heads = Listener(SIZES, encoder=teacher).eval()
    whole = with_teacher(kept(tmp_path / "checkpoint.pt", heads, teacher), teacher)
    tokens = torch.randint(300, (2, 7))
    with torch.no_grad():
        one, other = heads(mel, tokens), whole(mel, tokens)
    torch.testing.assert_close(other.tokens, one.tokens, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(other.letters, one.letters, atol=1e-4, rtol=1e-4)
    assert whole.sizes.encoder_layers == 4


def test_another_checkpoint_is_refused(teacher_file: Path, tmp_path: Path) -> None:
    """None at all, and one with an encoder of its own, are named."""
    teacher = Teacher.read(teacher_file)
    with pytest.raises(ModelError, match="stage heads first"):
        with_teacher(tmp_path / "checkpoint.pt", teacher)
    student = Listener(Dimensions(300, width=384, encoder_layers=1, decoder_layers=1))
    with pytest.raises(ModelError, match="did not learn on a teacher"):
        with_teacher(kept(tmp_path / "checkpoint.pt", student, teacher), teacher)
