"""What was said in the talks: read where there is text, listened to where there is only sound."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from simulst.config import Config, load
from simulst.errors import ConfigError, OutputError
from simulst.finetune.progress import say

if TYPE_CHECKING:
    from simulst.rsft.talks import Sentence

__all__ = ["sentences_of"]


def sentences_of(
    paths: Sequence[Path],
    languages: tuple[str, str],
    *,
    held_out: Iterable[str] = (),
    asr: str = "",
    limit: int = 0,
    join: float = 0.0,
    heard: Path,
) -> Iterator[Sentence]:
    """The lines of all talks; no sentence may be held out.

    Args:
        paths: folders or parallel text.
        languages: source and target, ISO 639-1.
        held_out: source texts that judge.
        asr: listener for talks without text; "" for the configured one.
        limit: first sentences only; 0 for all.
        join: share of lines that are several sentences.
        heard: folder for what was recognised, so that no recording is listened to twice.

    Raises:
        ConfigError: a limit below 0, or a share that is none.
        DataError: talks that cannot be read, or hold a sentence that judges.
    """
    from simulst.rsft.talks import apart_from, joined, read_talks

    if limit < 0:
        raise ConfigError(f"--limit is {limit}: it must be 0 (all sentences) or above")
    listen = _listener(asr, languages, heard)
    every = chain.from_iterable(read_talks(path, *languages, listen) for path in paths)
    return joined(islice(apart_from(every, held_out), limit or None), join)


def _listener(asr: str, languages: tuple[str, str], heard: Path) -> Callable[[Path], list[str]]:
    """Hears a recording, sentence by sentence; its models are loaded at the first one."""

    def listen(path: Path) -> list[str]:
        from simulst.rsft.stages import digest

        facts = path.stat()
        known = (
            heard / f"{digest([str(path.resolve()), facts.st_size, facts.st_mtime_ns, asr])}.txt"
        )
        if known.exists():
            return known.read_text(encoding="utf-8").splitlines()
        say(f"listening to {path}")
        found = _recognise(path, asr, languages)
        if not found:
            say(f"{path}: no speech was recognised; it is left out")
        fresh = known.with_suffix(".new")
        try:
            heard.mkdir(parents=True, exist_ok=True)
            fresh.write_text("".join(f"{line}\n" for line in found), encoding="utf-8")
            fresh.replace(known)
        except OSError as error:
            raise OutputError(f"{known} cannot be written: {error.strerror}") from error
        return found

    return listen


def _recognise(path: Path, asr: str, languages: tuple[str, str]) -> list[str]:
    from simulst.audio.sources import open_source
    from simulst.pipeline import build
    from simulst.types import Word

    spoken, target = languages
    config: Config = load(None, [f"asr.language={spoken}", *([f"asr.model={asr}"] if asr else [])])
    interpreter = build(config, target)
    state = interpreter.open()
    sentences: list[list[str]] = [[]]
    with open_source(str(path)) as source:
        for samples in chain((chunk.samples for chunk in source), [None]):
            [(state, update)] = interpreter.step([state], [samples])
            for item in update.committed:
                if isinstance(item, Word):
                    sentences[-1].append(item.text)
                else:
                    sentences.append([])
    return [" ".join(words) for words in sentences if words]
