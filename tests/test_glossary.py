"""Glossaries: what is read, what is told of broken lines, what is found in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulst.errors import ConfigError
from simulst.glossary import Glossary, Occurrence, Term, Terms, bare, load


def written(folder: Path, text: str | bytes) -> Path:
    """A glossary file."""
    path = folder / "terms.tsv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def pairs(glossary: Glossary, target: str = "de") -> dict[str, str]:
    """Sources and targets."""
    return {" ".join(term.source): term.target for term in glossary.terms(target).terms}


def test_two_columns_are_source_and_target(tmp_path: Path) -> None:
    """Blank lines, remarks, a byte order mark, other line ends and empty columns do no harm."""
    text = (
        "\ufeffguide word\tLeitwort\r\n\r\n# a remark\tno term\r\n  New   York \t Neu  York\t\t\r\n"
    )
    glossary = load(written(tmp_path, text), "en")
    assert pairs(glossary) == {"guide word": "Leitwort", "New York": "Neu York"}
    assert glossary.languages == glossary.broken == ()


def test_a_first_line_of_codes_names_the_columns(tmp_path: Path) -> None:
    """A cell may be empty where a term has a target in another language."""
    text = "# for the talk\nen\tde\tfr\nhouse\tHaus\tmaison\ncat\t\tchat\ndog\tHund\n"
    glossary = load(written(tmp_path, text), "en")
    assert pairs(glossary, "de") == {"house": "Haus", "dog": "Hund"}
    assert pairs(glossary, "fr") == {"house": "maison", "cat": "chat"}
    assert glossary.broken == ()
    with pytest.raises(ConfigError, match=r"terms in de, fr, none in es: add a column"):
        glossary.terms("es")
    glossary.check(["de", "fr"])


def test_codes_later_on_are_a_term(tmp_path: Path) -> None:
    """Only the first line can name languages."""
    glossary = load(written(tmp_path, "house\tHaus\nno\tja\n"), "en")
    assert pairs(glossary) == {"house": "Haus", "no": "ja"}


def test_several_languages_want_a_line_of_codes(tmp_path: Path) -> None:
    """Two columns cannot serve two target languages."""
    glossary = load(written(tmp_path, "house\tHaus\n"), "en")
    glossary.check(["de"])
    with pytest.raises(ConfigError, match=r"does not say which of de, fr"):
        glossary.check(["de", "fr"])


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("New York Neu York", "'New York Neu York' has no tab; write source, tab, target"),
        ("house\tHaus\tmaison", "3 columns, where 2 are expected"),
        ("house\t", "'house' has no target"),
        ("house\t...", "'house' has no target"),
        ("\tHaus", "the source '' has no word"),
        ("house - old\taltes Haus", "the source 'house - old' has no word, or a lone mark"),
        (f"house\t{'Haus' * 40}", "has more than 120 characters"),
        ("house\tHa\x00us", "holds a control character"),
        (b"house\tH\xe4user", "byte 8 is not UTF-8"),
        ("dog\tKater", "'dog' has another target in line 1"),
        ("DOGS\tHunde\nDogs\tHunde\ndogs,\tRüden", "'dogs,' has another target in line 4"),
    ],
)
def test_a_broken_line_is_left_out_and_told(
    tmp_path: Path, line: str | bytes, complaint: str
) -> None:
    """Its number and what is wrong are said; the lines around it hold."""
    middle = line if isinstance(line, bytes) else line.encode()
    path = written(tmp_path, b"dog\tHund\n\n" + middle + b"\ncat\tKatze\n")
    glossary = load(path, "en")
    (told,) = glossary.broken
    number = 3 + middle.count(b"\n")
    assert told.startswith(f"{path}, line {number}: ") and told.endswith("; left out")
    assert complaint in told
    found = pairs(glossary)
    assert found["dog"] == "Hund" and found["cat"] == "Katze"
    assert "house" not in found


def test_a_line_that_is_there_twice_is_no_matter(tmp_path: Path) -> None:
    """The same term with the same target, whatever the case, is one."""
    glossary = load(written(tmp_path, "Dog\tHund\ndog\tHund\n"), "en")
    assert pairs(glossary) == {"Dog": "Hund"} and glossary.broken == ()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "holds no term: write source, tab and target"),
        ("# nothing\n", "holds no term: write"),
        ("en\tde\n", "holds no term: write"),
        ("house Haus\n", r"holds no term \(line 1: 'house Haus' has no tab; .*\): write"),
        ("house\tHaus\n".encode("utf-16"), "not UTF-8; left out.*in UTF-8"),
        ("fr\tde\nchat\tKatze\n", "is for fr as the spoken language, which is en: give --from"),
        ("en\tde\tde\nhouse\tHaus\tBau\n", "names a language twice: en, de, de"),
    ],
)
def test_a_file_of_no_use_is_refused(tmp_path: Path, text: str | bytes, complaint: str) -> None:
    """A glossary without a single term, or for another language, is a mistake at the start."""
    with pytest.raises(ConfigError, match=complaint):
        load(written(tmp_path, text), "en")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """So is a folder."""
    for path in (tmp_path / "nowhere.tsv", tmp_path):
        with pytest.raises(ConfigError, match="cannot be read"):
            load(path, "en")


def test_the_word_is_bared_at_its_ends() -> None:
    """Punctuation inside a word belongs to it."""
    assert [bare(word) for word in ("“York,”", "co-op's.", "...", "", "C++")] == [
        "York",
        "co-op's",
        "",
        "",
        "C",
    ]


def found(sentence: str, *sources: str) -> list[tuple[int, int, str]]:
    """Occurrences of terms in a sentence."""
    terms = Terms([Term(tuple(source.split()), source.upper()) for source in sources])
    return [(each.start, each.end, each.term.target) for each in terms.find(sentence.split())]


def test_the_longest_term_is_found_from_the_left() -> None:
    """Whole words count, in any case, with any marks around them."""
    assert found("In new york city, York and Yorkshire", "New York", "york", "New York City") == [
        (1, 4, "NEW YORK CITY"),
        (4, 5, "YORK"),
    ]
    assert found("york york", "York") == [(0, 1, "YORK"), (1, 2, "YORK")]


def test_capitals_are_meant() -> None:
    """A term in capitals is not found in the pronoun; a small one is found in a headline."""
    assert found("Give us the US report", "US") == [(3, 4, "US")]
    assert found("THE OLD HOUSE", "old house") == [(1, 3, "OLD HOUSE")]


def test_a_term_that_is_half_said_is_known() -> None:
    """The place where it begins is given, as long as it may still become one."""
    terms = Terms([Term(("New", "York", "City"), "x"), Term(("old",), "y")])
    assert terms.begun(["we", "saw", "new"]) == 2
    assert terms.begun(["we", "saw", "New", "York"]) == 2
    assert terms.begun(["we", "saw", "New", "York", "City"]) is None
    assert terms.begun(["we", "saw", "old"]) is None


def test_the_id_tells_glossaries_apart() -> None:
    """It goes by what is in them."""
    one, other = Terms([Term(("a",), "b")]), Terms([Term(("a",), "c")])
    assert one.id == Terms([Term(("a",), "b")]).id != other.id
    assert one.find(["A"]) == (Occurrence(0, 1, Term(("a",), "b")),)
