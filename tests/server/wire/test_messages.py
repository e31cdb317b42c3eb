"""Reading what clients write."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulst.errors import ProtocolError
from simulst.server.wire import messages


@pytest.mark.parametrize("frame", ["", "{", "[]", "7", "null", '{"a": NaN}', "[" * 100_000])
def test_only_objects_are_messages(frame: str) -> None:
    """What is not a JSON object is refused, however deep it goes."""
    with pytest.raises(ProtocolError, match="must be a JSON object") as caught:
        messages.read(frame)
    assert caught.value.fatal
    assert len(str(caught.value)) < 200


def test_a_number_with_too_many_digits_is_refused() -> None:
    """A number that Python does not convert is the client's error."""
    with pytest.raises(ProtocolError):
        messages.read('{"a": ' + "1" * 5000 + "}")


@pytest.mark.parametrize("value", [16000, 16000.0, "16000", "16000.0", " 16000 "])
def test_a_rate_comes_in_any_type(value: object) -> None:
    """Clients send the rate as a number, with a decimal point, or as text."""
    assert messages.sample_rate(value) == 16_000


@pytest.mark.parametrize(
    "value", [True, None, "fast", "", 0, -8000, 16000.5, 1e300, float("inf"), "nan", 10**400, []]
)
def test_what_is_no_rate_is_refused(value: object) -> None:
    """The error names the value and the limits."""
    with pytest.raises(ProtocolError, match="between 4000 and 192000"):
        messages.sample_rate(value)


@pytest.mark.parametrize(
    ("value", "code"), [("de", "de"), ("EN-us", "en"), ("pt_BR", "pt"), ("", ""), (None, "")]
)
def test_a_language_is_its_code(value: object, code: str) -> None:
    """Case and region fall away; nothing leaves the choice to the server."""
    assert messages.language("language", value) == code


@pytest.mark.parametrize("value", [7, ["de"], "-", "d e", "日本", "x" * 36, "de\ud800"])
def test_what_is_no_language_is_refused(value: object) -> None:
    """The error names the field."""
    with pytest.raises(ProtocolError, match="target is .*language code such as 'de'"):
        messages.language("target", value)


@given(st.recursive(st.none() | st.floats() | st.text() | st.binary(), st.lists))
@settings(max_examples=50, deadline=None)
def test_any_value_can_be_shown(value: object) -> None:
    """A value in an error is short ASCII."""
    text = messages.shown(value)
    assert text.isascii()
    assert len(text) < 500
