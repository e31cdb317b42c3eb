"""Recordings: shards of all parts and copies, and held-out ones to watch the training by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from simulst.errors import DataError
from simulst.train.listener.features import SAMPLE_RATE, Shard
from simulst.train.listener.recordings import RECORDINGS, shard_recordings
from simulst.train.listener.texts import TrueCaser
from tests.train.listener.conftest import TEXTS, tones

CASER = TrueCaser([])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two speakers' recordings of two sentences each, for training and to be held out."""
    for collection in RECORDINGS:
        for part in ("train", "dev"):
            folder = tmp_path / "data" / "speech" / collection / part
            folder.mkdir(parents=True)
            lines = []
            for number in range(4):
                text = TEXTS[number % 2]
                soundfile.write(folder / f"{number}.ogg", tones(text), SAMPLE_RATE)
                lines.append(f"{number}\tspeaker{number // 2}\t{text}")
            (folder / "transcripts.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path / "data"


def test_copies_have_other_speakers(data: Path, tmp_path: Path) -> None:
    """The first copy is as recorded; in another each speaker plays at a ratio of its own."""
    folder = tmp_path / "corpus"
    shard_recordings(data, folder, CASER, copies=2, seed=1)
    names = {f"{name}-{copy}00" for name in RECORDINGS for copy in ("00", "01")}
    assert {path.stem for path in folder.glob("*.npy")} == names | {
        f"dev-{name}" for name in RECORDINGS
    }
    first, second = (Shard.read(folder / f"ljspeech-{copy}.npy") for copy in ("0000", "0100"))
    assert first.texts == second.texts and first.talks == [0, 0, 1, 1]
    lengths = np.diff(second.offsets) / np.diff(first.offsets)
    ratios = [float(voice.partition("*")[2]) for voice in second.voices]
    assert ratios[0] == ratios[1] and ratios[2] == ratios[3]
    np.testing.assert_allclose(lengths, 1 / np.array(ratios), atol=0.05)


def test_shards_are_kept_and_made_again_alike(data: Path, tmp_path: Path) -> None:
    """What exists is not touched; what is missing comes back as it was."""
    folder = tmp_path / "corpus"
    paths = shard_recordings(data, folder, CASER, copies=2, seed=1)
    lost, kept = paths[1], paths[0]
    content, time = lost.read_bytes(), kept.stat().st_mtime_ns
    lost.unlink()
    shard_recordings(data, folder, CASER, copies=2, seed=1)
    assert lost.read_bytes() == content and kept.stat().st_mtime_ns == time


def test_a_missing_collection_is_named(tmp_path: Path) -> None:
    """Without transcripts the error names the file and the option."""
    with pytest.raises(DataError, match=r"transcripts\.tsv.*--data"):
        shard_recordings(tmp_path, tmp_path / "corpus", CASER)
