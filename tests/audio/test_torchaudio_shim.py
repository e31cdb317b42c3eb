"""The import of torchaudio beside any torch."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import pytest
import torch

from simulst.audio.torchaudio_shim import load_torchaudio


def test_plain_functions_work() -> None:
    """Resampling and spectrograms work whether or not the compiled extension loads."""
    torchaudio = load_torchaudio()
    assert torchaudio.functional.resample(torch.zeros(1, 441), 44_100, 16_000).shape == (1, 160)
    assert (
        torchaudio.transforms.MelSpectrogram(16_000, n_mels=40)(torch.zeros(16_000)).shape[0] == 40
    )


def test_it_is_imported_once() -> None:
    """A second call gives the same module."""
    assert load_torchaudio() is load_torchaudio()


def test_a_broken_extension_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the import fails for the extension's sake, it is made again with a stub in its place."""
    for name in [n for n in sys.modules if n.split(".")[0] == "torchaudio"]:
        monkeypatch.delitem(sys.modules, name)
    seen: list[Any] = []

    def fake_import(name: str) -> object:
        seen.append(sys.modules.get("torchaudio._extension"))
        if seen[-1] is None:
            raise OSError("Could not load this library")
        return "torchaudio"

    monkeypatch.setattr(importlib, "import_module", fake_import)
    try:
        assert load_torchaudio() == "torchaudio"
        assert len(seen) == 2
        stub = seen[1]
        assert not stub._IS_TORCHAUDIO_EXT_AVAILABLE
        assert stub._load_lib("any") is False

        def aligned() -> None: ...

        with pytest.raises(RuntimeError, match="aligned needs its compiled extension"):
            stub.fail_if_no_align(aligned)()
    finally:
        sys.modules.pop("torchaudio._extension", None)


def test_other_failures_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """A torchaudio that is not installed stays a missing module."""

    def missing(name: str) -> object:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ModuleNotFoundError):
        load_torchaudio()
