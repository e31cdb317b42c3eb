"""The stock client of WhisperLive, 0.10.0: its options, and what it keeps of what it is sent."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from simulst.server.wire.base import Frame

__all__ = ["UID", "Stock", "options", "segment"]

UID = "8c3cbd0e-57a0-4b4f-8d0c-1f3a0f1b8f5e"


def options(**changes: Any) -> str:
    """The first message, with the client's defaults."""
    defaults: dict[str, Any] = {
        "uid": UID,
        "language": None,
        "task": "transcribe",
        "model": "small",
        "use_vad": True,
        "send_last_n_segments": 10,
        "no_speech_thresh": 0.45,
        "clip_audio": False,
        "same_output_threshold": 10,
        "enable_translation": False,
        "target_language": "fr",
        "hotwords": None,
        "enable_diarization": False,
        "max_speakers": 10,
        "known_speakers": [],
        "word_timestamps": False,
        "initial_prompt": None,
        "vad_parameters": None,
    }
    return json.dumps({**defaults, **changes})


def segment(start: str, end: str, text: str, completed: bool = True) -> dict[str, Any]:
    """A segment as it is sent."""
    return {"start": start, "end": end, "text": text, "completed": completed}


@dataclass
class Stock:
    """What it keeps of the segments that it gets."""

    transcript: list[dict[str, Any]] = field(default_factory=list)
    translated: list[dict[str, Any]] = field(default_factory=list)
    last: dict[str, Any] | None = None
    ready: bool = False

    def read(self, frames: list[Frame]) -> list[dict[str, Any]]:
        """Take messages; they, without the uid."""
        messages = [json.loads(frame) for frame in frames]
        for message in messages:
            assert message.pop("uid") == UID
            self.ready |= message.get("message") == "SERVER_READY"
            self._keep(message.get("segments"), self.transcript)
            self._keep(message.get("translated_segments"), self.translated)
        return messages

    def _keep(self, segments: list[dict[str, Any]] | None, kept: list[dict[str, Any]]) -> None:
        if segments is None:
            return
        assert self.ready
        assert segments[-1]["text"]  # it looks at the last one without asking
        before = None
        for i, each in enumerate(segments):
            if each["text"] == before:
                continue
            before = each["text"].strip()
            if i == len(segments) - 1 and not each["completed"]:
                self.last = each
            elif each["completed"] and (not kept or float(each["start"]) >= float(kept[-1]["end"])):
                kept.append(each)

    def srt(self) -> list[str]:
        """The texts that it stores at the end."""
        rows = list(self.transcript)
        if self.last and (not rows or rows[-1]["text"] != self.last["text"]):
            rows.append(self.last)
        return [each["text"] for each in rows]
