"""Subwords of models that were made elsewhere: of a transformers tokenizer or SentencePiece.

Ids are those of the model's target side. A target is written without start tokens: what a model
has to begin with (a language, say) is `forced`, and nobody else's business.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence, Set
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import sentencepiece

from simulst.errors import ModelError

__all__ = ["PieceSubwords", "Subwords", "TokenizerSubwords", "fingerprint"]

MARKS = "▁Ġ"
"""What tokens that begin a word begin with."""

LANGUAGE = re.compile(r">>\w+<<|__\w+__")
"""Tokens of Marian and M2M100 that name a language."""

SPACELESS = frozenset(("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR"))
"""Scripts without spaces, as Unicode's names of their characters begin: each token is a unit."""


def fingerprint(names: Mapping[int, str], pad: str | None) -> str:
    """Of tokens and their ids, whatever kind of model has them.

    Padding is left out: a model may carry it or not without reading other subwords.
    """
    lines = "\n".join(f"{i}\t{names[i]}" for i in sorted(names) if names[i] != pad)
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


def begins_unit(name: str) -> bool:
    """Whether a token of this name begins a target unit."""
    if name[:1] in MARKS:
        return bool(name)
    return bool(name) and unicodedata.name(name[0], "").split(" ")[0].split("-")[0] in SPACELESS


class Subwords(Protocol):
    """What models made elsewhere read and write."""

    id: str
    """Fingerprint of the target side."""
    eos: int
    pad: int | None
    forced: tuple[int, ...]
    """What every target begins with, unseen by others."""
    source_language: str
    target_language: str
    names: Mapping[int, str]
    """Of the target side's tokens."""

    @property
    def silent(self) -> Set[int]:
        """Tokens that spell no text: ends, padding, the unknown, languages."""
        ...

    @property
    def begins(self) -> Mapping[int, bool]:
        """Of each token, whether it begins a target unit."""
        ...

    def source(self, words: Sequence[str]) -> list[int]:
        """A source sentence in ids of the source side, its special tokens included."""
        ...

    def target(self, text: str) -> list[int]:
        """A target sentence, without special tokens."""
        ...

    def text(self, tokens: Sequence[int]) -> str:
        """The sentence that tokens spell."""
        ...


class TokenizerSubwords:
    """The subwords of a transformers tokenizer. Implements `Subwords`.

    Args:
        tokenizer: of any class. Its languages are set.
        languages: source and target as the tokenizer names them ("eng_Latn"); None for its own.
        forced: token that the model's own settings make a target begin with.
        tasks: the model's `task_specific_params`, which hold T5's prompts.

    Raises:
        ModelError: the tokenizer has no end of sentence, knows no such language, or serves many
            and none was named.
    """

    def __init__(
        self,
        tokenizer: Any,
        languages: tuple[str, str] | None = None,
        forced: int | None = None,
        tasks: Mapping[str, Any] | None = None,
    ) -> None:
        self.tokenizer = tokenizer
        if tokenizer.eos_token_id is None:
            raise ModelError(
                f"the tokenizer of {tokenizer.name_or_path} has no end of sentence: set eos_token "
                "in its tokenizer_config.json"
            )
        self.eos: int = tokenizer.eos_token_id
        self.pad: int | None = tokenizer.pad_token_id
        apart = getattr(tokenizer, "separate_vocabs", False)
        entries = tokenizer.get_tgt_vocab() if apart else tokenizer.get_vocab()
        # M2M100's tokenizer does not count the languages among its own tokens
        marks = getattr(tokenizer, "lang_token_to_id", {})
        self.names: Mapping[int, str] = {i: name for name, i in {**entries, **marks}.items()}
        self._silent = {self.eos, *marks.values()}
        self.id = fingerprint(self.names, tokenizer.pad_token)
        source, target = languages or (self._own("source"), self._own("target"))
        self._prompt = ""
        if hasattr(tokenizer, "tgt_lang"):
            forced, target = self._name_languages(source, target, forced)
        elif target:
            self._prompt = self._prompt_for(source, target, tasks or {})
        self.source_language, self.target_language = source, target
        self.forced: tuple[int, ...] = () if forced is None else (forced,)

    def _own(self, side: str) -> str:
        """A language that the tokenizer was saved with; "" if there is none."""
        short = {"source": "src_lang", "target": "tgt_lang"}[side]
        value = getattr(self.tokenizer, f"{side}_lang", None)
        return str(value or getattr(self.tokenizer, short, None) or "")

    def _name_languages(
        self, source: str, target: str, forced: int | None
    ) -> tuple[int | None, str]:
        """Set the languages of a tokenizer that marks them; return the target's token and name."""
        tokens = {**getattr(self.tokenizer, "lang_code_to_token", {})}
        if not target and forced is not None:
            named = {token: code for code, token in tokens.items()}
            target = named.get(self.names[forced], self.names[forced])
        if not target:
            raise ModelError(
                f"{self.tokenizer.name_or_path} translates between many languages: name the two "
                "after it, as @en-de or @eng_Latn-deu_Latn"
            )
        ids = {name: i for i, name in self.names.items()}
        for language in (source, target):
            if tokens.get(language, language) not in ids:
                raise ModelError(
                    f"{self.tokenizer.name_or_path} knows no language {language!r}: name it as "
                    "its tokenizer does, as en and de or eng_Latn and deu_Latn"
                )
        self.tokenizer.src_lang, self.tokenizer.tgt_lang = source, target
        return ids[tokens.get(target, target)], target

    def _prompt_for(self, source: str, target: str, tasks: Mapping[str, Any]) -> str:
        """What Marian's and T5's models of many languages read before the source."""
        if f">>{target}<<" in self.names.values():
            return f">>{target}<< "
        return str(tasks.get(f"translation_{source}_to_{target}", {}).get("prefix", ""))

    @cached_property
    def begins(self) -> dict[int, bool]:
        """Of each token, whether it begins a target unit."""
        return {i: begins_unit(name) for i, name in self.names.items()}

    @cached_property
    def silent(self) -> Set[int]:
        """Tokens that spell no text; see `Subwords`."""
        marks = {i for i, name in self.names.items() if LANGUAGE.fullmatch(name)}
        return self._silent | marks | set(self.tokenizer.all_special_ids)

    def source(self, words: Sequence[str]) -> list[int]:
        """A source sentence in ids; see `Subwords`."""
        return list(self.tokenizer(self._prompt + " ".join(words)).input_ids)

    def target(self, text: str) -> list[int]:
        """A target sentence in ids; see `Subwords`."""
        return list(self.tokenizer(text_target=text, add_special_tokens=False).input_ids)

    def text(self, tokens: Sequence[int]) -> str:
        """The sentence that tokens spell; see `Subwords`."""
        known = [token for token in tokens if token in self.names and token not in self._silent]
        spelt = self.tokenizer.decode(
            known, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return str(spelt).strip()


class PieceSubwords:
    """The subwords of SentencePiece models and lists of tokens. Implements `Subwords`.

    Args:
        pieces: SentencePiece model files of the source and of the target.
        names: tokens of the source and of the target, in the order of their ids.
        eos, unknown, pad: of these tokens.
        languages: source and target.

    Raises:
        ModelError: a file is no SentencePiece model, or the end of sentence is no token.
    """

    source_language = target_language = ""
    forced: tuple[int, ...] = ()

    def __init__(
        self,
        pieces: tuple[Path, Path],
        names: tuple[Sequence[str], Sequence[str]],
        eos: str = "</s>",
        unknown: str = "<unk>",
        pad: str = "<pad>",
        languages: tuple[str, str] | None = None,
    ) -> None:
        self._models = tuple(map(_read, pieces))
        self._ids = tuple({name: i for i, name in enumerate(side)} for side in names)
        for token in (eos, unknown):
            if token not in self._ids[1]:
                raise ModelError(f"{token!r} is not among the model's {len(names[1])} tokens")
        self._unknown = unknown
        self.names: Mapping[int, str] = dict(enumerate(names[1]))
        self.eos, self.pad = self._ids[1][eos], self._ids[1].get(pad)
        self._special = {self.eos, self.pad}
        self.silent: Set[int] = {self._ids[1].get(name, self.eos) for name in (unknown, pad, "<s>")}
        self.id = fingerprint(self.names, pad)
        if languages:
            self.source_language, self.target_language = languages

    @cached_property
    def begins(self) -> dict[int, bool]:
        """Of each token, whether it begins a target unit."""
        return {i: begins_unit(name) for i, name in self.names.items()}

    def _encode(self, text: str, side: int) -> list[int]:
        ids = self._ids[side]
        unknown = ids.get(self._unknown, 0)
        return [ids.get(piece, unknown) for piece in self._models[side].encode(text, out_type=str)]

    def source(self, words: Sequence[str]) -> list[int]:
        """A source sentence in ids; see `Subwords`."""
        return self._encode(" ".join(words), 0)

    def target(self, text: str) -> list[int]:
        """A target sentence in ids; see `Subwords`."""
        return self._encode(text, 1)

    def text(self, tokens: Sequence[int]) -> str:
        """The sentence that tokens spell; see `Subwords`."""
        pieces = [self.names[t] for t in tokens if t not in self._special and t in self.names]
        return str(self._models[1].decode_pieces(pieces)).strip()


def _read(path: Path) -> Any:
    try:
        return sentencepiece.SentencePieceProcessor(model_proto=path.read_bytes())
    except (OSError, RuntimeError) as error:
        raise ModelError(f"{path} cannot be read as a SentencePiece model: {error}") from error
