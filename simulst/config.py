"""Settings: frozen dataclasses with defaults, read from TOML and from `key=value` overrides.

An unknown section or key is an error that lists the valid ones; so is a value of another type
or out of its range, and a combination that makes no sense. Nothing else in simulst reads
configuration files.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from simulst.errors import ConfigError
from simulst.sections import RULES, Accept, Asr, Audio, Speak, Translate

__all__ = ["RULES", "Accept", "Asr", "Audio", "Config", "Speak", "Translate", "load"]


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that decides what a session emits.

    Attributes:
        seed: of every draw.
        glossary: file of names and terms, see `simulst.glossary`; empty for none.
    """

    seed: int = 0
    glossary: str = ""
    audio: Audio = field(default_factory=Audio)
    asr: Asr = field(default_factory=Asr)
    translate: Translate = field(default_factory=Translate)
    accept: Accept = field(default_factory=Accept)
    speak: Speak = field(default_factory=Speak)

    def __post_init__(self) -> None:
        accept = self.accept
        if accept.rule == "learned" and self.translate.verifier:
            raise ConfigError(
                f"translate.verifier is {self.translate.verifier!r}, but rule 'learned' knows only "
                "drafts that its own pack has made: leave the verifier out, or use rule 'ratio'"
            )
        compares = accept.rule in ("ratio", "la-2", "wait-if-worse")
        compares |= accept.rule == "auto" and not accept.deterministic  # which makes it the ratio
        if compares and not accept.certain and accept.lookback == 0 and not self.translate.verifier:
            raise ConfigError(
                f"accept.lookback is 0 and translate.verifier is empty: rule {accept.rule!r} would "
                "test the draft against the very distribution it was drawn from. With p = q the "
                "ratio min(1, q / (M q)) is 1/M for every word, so it says nothing about any. "
                "Set accept.lookback to 1 or more, or name a stronger pack in translate.verifier"
            )

    def as_dict(self) -> dict[str, Any]:
        """Sections as dictionaries, for logs and signatures."""
        return dataclasses.asdict(self)


TOP = {"seed": "int", "glossary": "str"}
"""Settings that are in no section, and their types."""
SECTIONS: dict[str, type[Any]] = {
    "audio": Audio,
    "asr": Asr,
    "translate": Translate,
    "accept": Accept,
    "speak": Speak,
}


def _valid_keys() -> list[str]:
    inner = [f"{name}.{f.name}" for name, kind in SECTIONS.items() for f in fields(kind)]
    return [*TOP, *inner]


def _convert(key: str, value: object, wanted: str, source: str) -> Any:
    """Make `value` the type its field declares; text comes from the command line."""
    if isinstance(value, str) and wanted != "str":
        text = value.strip().lower()
        if wanted == "bool" and text in ("true", "false"):
            return text == "true"
        try:
            if wanted == "int":
                return int(text)
            if wanted == "float":
                return float(text)
        except ValueError:
            pass
    elif wanted == "float" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    elif type(value).__name__ == wanted:
        return value
    raise ConfigError(f"{source}: {key} is {value!r}; it takes a value of type {wanted}")


def build(values: Mapping[str, tuple[object, str]]) -> Config:
    """Make a configuration from `section.key` values, each with the place it came from.

    Raises:
        ConfigError: a key that does not exist, or a value that does not fit it.
    """
    parts: dict[str, dict[str, Any]] = {name: {} for name in SECTIONS}
    top: dict[str, Any] = {}
    for key, (value, source) in values.items():
        if key in TOP:
            top[key] = _convert(key, value, TOP[key], source)
            continue
        section, _, name = key.partition(".")
        types = (
            {f.name: str(f.type) for f in fields(SECTIONS[section])} if section in SECTIONS else {}
        )
        if name not in types:
            raise ConfigError(
                f"{source}: there is no setting {key!r}; "
                f"the settings are {', '.join(_valid_keys())}"
            )
        parts[section][name] = _convert(key, value, types[name], source)
    return Config(**top, **{name: SECTIONS[name](**part) for name, part in parts.items()})


def load(path: Path | None = None, overrides: Iterable[str] = ()) -> Config:
    """Read a TOML file, then apply overrides of the form `section.key=value`.

    Raises:
        ConfigError: the file is missing or not TOML, or holds what `build` refuses.
    """
    values: dict[str, tuple[object, str]] = {}
    if path is not None:
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}; give an existing TOML file") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} is not valid TOML: {error}") from error
        for key, value in table.items():
            if isinstance(value, dict):
                values.update({f"{key}.{name}": (v, str(path)) for name, v in value.items()})
            else:
                values[key] = (value, str(path))
    for override in overrides:
        key, sign, text = override.partition("=")
        if not sign:
            raise ConfigError(f"--set {override!r} has no '=': write section.key=value")
        values[key.strip()] = (text, f"--set {override}")
    return build(values)
