"""Talks: every form they come in, and what is said when they do not fit together."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulst.emit.jsonl import Journal
from simulst.errors import ConfigError, DataError
from simulst.rsft.talks import Sentence, apart_from, joined, read_talks
from simulst.types import SentenceEnd, Update, Word


def write(path: Path, text: str) -> None:
    """A file in a folder that may not exist yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_transcripts_and_references(tmp_path: Path) -> None:
    """Each folder is a talk; a missing reference file leaves references empty."""
    write(tmp_path / "b" / "transcript.en.txt", "Good day.\nThank you.\n")
    write(tmp_path / "b" / "reference.de.txt", "Guten Tag.\nDanke.\n")
    write(tmp_path / "a" / "transcript.en.txt", "One.\n\nTwo.\n")
    assert list(read_talks(tmp_path, "en", "de")) == [
        Sentence("a", "One."),
        Sentence("a", "Two."),
        Sentence("b", "Good day.", "Guten Tag."),
        Sentence("b", "Thank you.", "Danke."),
    ]
    assert [s.talk for s in read_talks(tmp_path / "b", "en", "de")] == ["b", "b"]


def test_journals_and_recordings(tmp_path: Path) -> None:
    """A session's journal gives what it heard; a bare recording is listened to."""
    folder = tmp_path / "talk"
    folder.mkdir()
    journal = Journal(folder / "session.jsonl", {})
    words: list[Word | SentenceEnd] = [Word("Good", 0, 10, 1.0), Word("day.", 10, 20, 1.0)]
    words.append(SentenceEnd(20))
    journal.write(Update(heard=20, committed=tuple(words)))
    journal.write(Update(heard=40, committed=(Word("Thanks", 20, 30, 1.0),)))
    journal.close()
    write(tmp_path / "voice" / "audio.ogg", "")
    heard: list[Path] = []

    def listen(path: Path) -> list[str]:
        heard.append(path)
        return ["Hello."]

    assert list(read_talks(tmp_path, "en", "de", listen)) == [
        Sentence("talk/session", "Good day."),
        Sentence("talk/session", "Thanks"),
        Sentence("voice/audio", "Hello."),
    ]
    assert [path.name for path in heard] == ["audio.ogg"]
    with pytest.raises(DataError, match="has no text: add transcript.en.txt"):
        list(read_talks(tmp_path, "en", "de"))


def test_parallel_text_streams(tmp_path: Path) -> None:
    """A TSV is read as it is asked for: a bad line far away does not stop what is before it."""
    data = tmp_path / "data.tsv"
    write(data, "news\tCC0\tHello.\tHallo.\nbroken\n")
    sentences = read_talks(data, "en", "de")
    assert next(sentences) == Sentence("news", "Hello.", "Hallo.")
    with pytest.raises(DataError, match="line 2: 1 columns"):
        next(sentences)


@pytest.mark.parametrize(
    ("transcript", "reference", "message"),
    [
        ("One.\nTwo.\n", "Eins.\n", "2 lines and reference.de.txt 1"),
        ("One.\nTwo.\n", "Eins.\n\n", "reference.de.txt, line 2 is empty"),
        ("One.\n\n", "Eins.\nZwei.\n", "transcript.en.txt, line 2 is empty"),
        (None, "Eins.\n", "has no transcript.en.txt beside it"),
    ],
)
def test_files_that_do_not_fit(
    tmp_path: Path, transcript: str | None, reference: str, message: str
) -> None:
    """Lines that do not match are named."""
    if transcript is not None:
        write(tmp_path / "talk" / "transcript.en.txt", transcript)
    write(tmp_path / "talk" / "reference.de.txt", reference)
    with pytest.raises(DataError, match=message):
        list(read_talks(tmp_path, "en", "de"))


def test_nothing_to_learn_from(tmp_path: Path) -> None:
    """A missing path and a folder without talks say what is wanted."""
    with pytest.raises(DataError, match="no such file or folder"):
        list(read_talks(tmp_path / "none", "en", "de"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no talk: put transcript.en.txt"):
        list(read_talks(tmp_path, "en", "de"))


def test_what_judges_is_not_learnt_from() -> None:
    """Case and spaces do not hide a held-out sentence; those before it are given."""
    sentences = [Sentence("t", "Hello."), Sentence("t", "good day."), Sentence("t", "Bye.")]
    assert list(apart_from(sentences, ["Good night."])) == sentences
    found = apart_from(sentences, ["Good  day."])
    assert next(found) == sentences[0]
    with pytest.raises(DataError, match=r"'good day.' of t.*another --dev"):
        next(found)


def test_a_session_in_several_languages_is_read_once(tmp_path: Path) -> None:
    """Of its journals, which all tell what was said, one is read: that of the language learnt."""
    for name, target, heard in (
        ("session.de.jsonl", "de", "German."),
        ("session.fr.jsonl", "fr", "French."),
        ("other.fr.jsonl", "de", "Other."),
    ):
        journal = Journal(tmp_path / name, {"target": target})
        journal.write(Update(heard=9, committed=(Word(heard, 0, 9), SentenceEnd(9))))
        journal.close()
    found = {target: list(read_talks(tmp_path, "en", target)) for target in ("de", "fr", "it")}
    talk = tmp_path.name
    other = Sentence(f"{talk}/other.fr", "Other.")  # named so, but it is a German one
    german, french = (Sentence(f"{talk}/session", text) for text in ("German.", "French."))
    assert found == {"de": [other, german], "fr": [other, french], "it": [other, german]}


def test_neighbours_are_joined() -> None:
    """About so many lines are several sentences; nothing is lost, moved or joined across talks."""
    said = [Sentence("a" if n < 400 else "b", f"s{n}.", f"t{n}.") for n in range(800)]
    lines = list(joined(said, 0.3))
    assert " ".join(line.source for line in lines) == " ".join(s.source for s in said)
    assert " ".join(line.reference for line in lines) == " ".join(s.reference for s in said)
    sizes = [len(line.source.split()) for line in lines]
    assert set(sizes) == {1, 2, 3}
    assert 0.2 < sum(size > 1 for size in sizes) / len(sizes) < 0.4
    for line in lines:
        assert line.source.replace("s", "t") == line.reference
        assert len({int(word[1:-1]) < 400 for word in line.source.split()}) == 1
    assert list(joined(said, 0.3)) == lines
    assert list(joined(said, 0.0)) == said


def test_what_is_not_joined() -> None:
    """A sentence with a reference and one without stay apart, whatever the share."""
    said = [Sentence("t", "a", "x"), Sentence("t", "b"), Sentence("t", "c")]
    assert list(joined(said, 1.0)) == [said[0], Sentence("t", "b c")]
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(ConfigError, match="--join"):
            joined(said, share)  # before anything is asked for


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (("路在前方。", "我们走。"), "路在前方。我们走。"),
        (("Ja.", "Nein!"), "Ja. Nein!"),
        (("간다", "온다"), "간다 온다"),
    ],
)
def test_joined_as_they_are_written(parts: tuple[str, str], text: str) -> None:
    """With a space where the script has spaces, in the reference as in the source."""
    [line] = joined([Sentence("t", part, part) for part in parts], 1.0)
    assert line.source == line.reference == text
