"""A session kept as a talk to learn from: the sound once, and a journal for each language.

Files and their names are those of `simulst interpret --record`. What is kept are the languages that
the client asked for, from the beginning to the end; those that readers add are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from simulst.emit.files import in_language
from simulst.emit.jsonl import Journal
from simulst.emit.recording import JOURNAL, Recording, Sound
from simulst.types import Samples, Update

__all__ = ["TalkRecording"]


class TalkRecording:
    """Implements `Recorder`.

    Args:
        folder: made if it is missing; it may not hold a recording yet.
        signatures: by target language, for the first lines of the journals.

    Raises:
        OutputError: the files cannot be made.
    """

    def __init__(self, folder: Path, signatures: Mapping[str, Mapping[str, object]]) -> None:
        self._journals: dict[str, Recording | Journal] = {}
        self._sound: Recording | Sound
        if len(signatures) == 1:
            ((target, signature),) = signatures.items()
            self._sound = self._journals[target] = Recording(folder, signature)
            return
        self._sound = Sound(folder)
        try:
            for target, signature in signatures.items():
                path = in_language(folder / JOURNAL, target, several=True)
                self._journals[target] = Journal(path, signature)
        except BaseException:
            self.close()
            raise

    def hear(self, samples: Samples) -> None:
        """Append sound.

        Raises:
            OutputError: it cannot be written; what was written before is kept.
        """
        self._sound.hear(samples)

    def write(self, updates: Mapping[str, Update]) -> None:
        """Append what a step gave to the journals of its languages.

        Raises:
            OutputError: it cannot be written; what was written before is kept.
        """
        for target, update in updates.items():
            if (journal := self._journals.get(target)) is not None:
                journal.write(update)

    def close(self) -> None:
        """Close all files.

        Raises:
            OutputError: the end of one may be lacking.
        """
        failed: Exception | None = None
        for each in {id(file): file for file in (self._sound, *self._journals.values())}.values():
            try:
                each.close()
            except Exception as error:
                failed = failed or error
        if failed is not None:
            raise failed
