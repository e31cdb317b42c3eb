"""No test may leave a process behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.speak.programs import children


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    """Whatever a synthesiser does, it has ended, and has been waited for, when the test has."""
    before = children()
    yield
    assert children() <= before
