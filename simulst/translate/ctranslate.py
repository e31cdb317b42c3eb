"""Models of CTranslate2 as `Seq2Seq`: OpenNMT's and fairseq's, and converted ones of transformers.

CTranslate2 draws with random numbers of its own. The keyed ones are met all the same: it is let
write its most likely continuation and gives the whole distribution of every token on the way;
what the keyed numbers pick from these stays as long as it is what CTranslate2 wrote, and from the
first other token on it writes again. So a draft takes a pass for every token that is not the most
likely one, and comes out as if drawn token by token.

The distribution is CTranslate2's own, over all of its tokens, so that log q is what `score_batch`
says. Padding, which `HuggingFaceSeq2Seq` bars, may therefore hold a little mass.

Deliberately missing: learning, and lags, since a score cannot bar the end of sentence.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulst import config
from simulst.errors import ConfigError, ModelError
from simulst.protocols import Proposal, Sample
from simulst.translate.checkpoints import load_subwords
from simulst.translate.drafts import Drafts, batches
from simulst.translate.subwords import PieceSubwords, Subwords

__all__ = ["CTranslate2Seq2Seq", "load_converted"]

AHEAD = 8  # tokens that are written before the keyed numbers are asked again

ENDINGS = ("json", "txt")

TOKENIZER = ("tokenizer_config.json", "tokenizer.json")
"""Either says that the folder has a tokenizer of transformers."""

PIECES = (("source.spm", "target.spm"), ("sentencepiece.model",) * 2, ("spm.model",) * 2)
"""SentencePiece models of source and target, as they are named."""


class CTranslate2Seq2Seq:
    """Draws and scores whole sentences at lag 0. Implements `Seq2Seq`.

    Args:
        folder: of the model.
        subwords: that it reads and writes.
        limits: the longest target: `max_ratio` and `max_extra` count subwords here.
        compute_type: of CTranslate2; "float32" compares with other models, int8 is faster.

    Raises:
        ModelError: the folder holds no model that translates, or other subwords.
    """

    def __init__(
        self,
        folder: Path,
        subwords: Subwords,
        limits: config.Translate | None = None,
        compute_type: str = "float32",
    ) -> None:
        self.subwords = subwords
        self.vocabulary_id = subwords.id
        self.source_language = subwords.source_language
        self.target_language = subwords.target_language
        self.eos = subwords.eos
        self._source, self._target = token_lists(folder)
        for token, name in subwords.names.items():
            there = self._target[token] if token < len(self._target) else None
            if there != name and token != subwords.pad:
                raise ModelError(
                    f"token {token} is {name!r} in the subwords and {there!r} in {folder}: put "
                    "the tokenizer there that the model was trained with"
                )
        # converted Marians have lost their padding, which stands last
        self.size = len(self._target) + (subwords.pad == len(self._target))
        self._ids = {name: i for i, name in enumerate(self._target)}
        self._forced = [self._target[token] for token in subwords.forced]
        self._limits = limits or config.Translate()
        try:
            self._translator: Any = ctranslate2.Translator(
                str(folder), compute_type=compute_type, intra_threads=torch.get_num_threads()
            )
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"{folder} cannot be opened by CTranslate2: {error}") from error

    # -- text ------------------------------------------------------------------------------

    def tokens(self, text: str) -> tuple[int, ...]:
        """A target sentence in subwords, the end of sentence included."""
        return (*self.subwords.target(text), self.eos)

    def text(self, tokens: Sequence[int]) -> str:
        """The sentence that tokens spell; the end of sentence is left out."""
        return self.subwords.text([token for token in tokens if token != self.eos])

    def _read(self, source: Sequence[str]) -> list[str]:
        return [self._source[token] for token in self.subwords.source(source)]

    def _written(self, tokens: Iterable[int]) -> list[str]:
        return [*self._forced, *(self._target[token] for token in tokens)]

    # -- drawing -----------------------------------------------------------------------------

    def sample(self, proposals: Sequence[Proposal]) -> list[Sample]:
        """Draw one target for each proposal; see `Seq2Seq`.

        Raises:
            ConfigError: a lag other than 0.
        """
        _refuse_lags([p.lag for p in proposals])
        sources = [self._read(p.source) for p in proposals]
        ratio, extra = self._limits.max_ratio, self._limits.max_extra
        longest = [int(ratio * len(source) + extra) for source in sources]
        found: list[Sample] = []
        for part in batches([length + AHEAD for length in longest], self.size):
            found += self._draw(proposals[part], sources[part], longest[part])
        return found

    def _draw(
        self, proposals: Sequence[Proposal], sources: Sequence[list[str]], longest: Sequence[int]
    ) -> list[Sample]:
        drafts = Drafts(proposals, longest, self.eos)
        while drafts.live:
            rows = drafts.live
            found = self._continue([sources[i] for i in rows], [drafts.tokens[i] for i in rows])
            written = dict(zip(rows, found, strict=True))
            for step in range(AHEAD):
                drafts.take(torch.stack([written[i][1][step] for i in rows]), rows)
                rows = [
                    i
                    for i in drafts.live
                    if i in rows and drafts.tokens[i][-1] == written[i][0][step]
                ]
                if not rows:
                    break
        return drafts.samples()

    def after(
        self,
        sources: Sequence[tuple[str, ...]],
        prefixes: Sequence[Sequence[int]],
        before: Sequence[int],
    ) -> list[tuple[list[int], list[Tensor]]]:
        """The most likely tokens after each prefix, and logits (V,) of the token at each place.

        Args:
            sources: words.
            prefixes: without what is forced.
            before: logits that are wanted of the last places of each prefix, too.
        """
        found = list[tuple[list[int], list[Tensor]]]()
        for part in batches([len(prefix) + AHEAD for prefix in prefixes], self.size):
            read = [self._read(source) for source in sources[part]]
            found += self._continue(read, prefixes[part], AHEAD, before[part])
        return found

    def _continue(
        self,
        sources: Sequence[list[str]],
        prefixes: Sequence[Sequence[int]],
        ahead: int = AHEAD,
        before: Sequence[int] | None = None,
    ) -> list[tuple[list[int], list[Tensor]]]:
        """As `after`, of sources in subwords."""
        longest = max(map(len, prefixes)) + len(self._forced) + ahead
        results = self._translator.translate_batch(
            sources,
            target_prefix=[self._written(prefix) for prefix in prefixes],
            beam_size=1,
            max_input_length=0,
            max_decoding_length=longest,
            min_decoding_length=0,
            return_end_token=True,
            return_logits_vocab=True,
        )
        found = []
        before = before or [0] * len(prefixes)
        for result, prefix, more in zip(results, prefixes, before, strict=True):
            begin = len(self._forced) + len(prefix)
            written = [self._ids[name] for name in result.hypotheses[0][begin:]]
            rows = result.logits[0][begin - more :]
            found.append((written, [self._row(values) for values in rows]))
        return found

    def _row(self, values: Any) -> Tensor:
        """Logits (V,), a token without mass in the place of lost padding."""
        row = torch.from_numpy(np.array(values, dtype=np.float32).reshape(-1))
        lost = self.size - len(row)
        return torch.nn.functional.pad(row, (0, lost), value=-torch.inf) if lost else row

    def following(self, proposals: Sequence[Proposal]) -> NDArray[np.float64]:
        """Probabilities (B, V) of the token after each prefix; see `Seq2Seq`.

        Raises:
            ConfigError: a lag other than 0.
        """
        _refuse_lags([p.lag for p in proposals])
        found = [np.zeros((0, self.size))]
        for part in batches([len(p.prefix) + 2 for p in proposals], self.size):
            sources = [self._read(p.source) for p in proposals[part]]
            rows = self._continue(sources, [p.prefix for p in proposals[part]], 1)
            logits = torch.stack([values[0] for _, values in rows]).double()
            warmth = torch.tensor([p.temperature or 1.0 for p in proposals[part]]).unsqueeze(1)
            found.append(torch.softmax(logits / warmth, dim=-1).numpy())
        return np.concatenate(found)

    # -- scoring -------------------------------------------------------------------------------

    def score(
        self,
        sources: Sequence[tuple[str, ...]],
        targets: Sequence[tuple[int, ...]],
        lags: Sequence[int],
    ) -> list[tuple[float, ...]]:
        """Log-probability of every target token; see `Seq2Seq`.

        Raises:
            ConfigError: a lag other than 0.
        """
        _refuse_lags(lags)
        found: list[tuple[float, ...]] = []
        for part in batches([len(target) + 2 for target in targets], self.size):
            # CTranslate2 ends every target by itself
            bare = [t[:-1] if t[-1:] == (self.eos,) else t for t in targets[part]]
            results = self._translator.score_batch(
                [self._read(source) for source in sources[part]],
                [self._written(target) for target in bare],
                max_input_length=0,
                offset=len(self._forced),
            )
            for result, target in zip(results, targets[part], strict=True):
                found.append(tuple(result.log_probs[: len(target)]))
        return found


def _refuse_lags(lags: Iterable[int]) -> None:
    if lag := max(lags, default=0):
        raise ConfigError(
            f"a model of CTranslate2 was asked to work under wait-{lag}: it needs the whole "
            "source, which is lag 0 (--lags 0)"
        )


def token_lists(folder: Path) -> tuple[list[str], list[str]]:
    """The tokens of the source and of the target, in the order of their ids.

    Raises:
        ModelError: the folder is no model of CTranslate2 that translates.
    """
    found = []
    for side in ("source", "target"):
        names = [f"{kind}_vocabulary.{ending}" for kind in (side, "shared") for ending in ENDINGS]
        paths = [folder / name for name in names if (folder / name).is_file()]
        if not paths or not (folder / "model.bin").is_file():
            raise ModelError(
                f"{folder} is no translation model of CTranslate2: it needs model.bin and one of "
                f"{', '.join(names)}; convert one with ct2-transformers-converter or "
                "ct2-opennmt-py-converter"
            )
        text = paths[0].read_text(encoding="utf-8")
        found.append(json.loads(text) if paths[0].suffix == ".json" else text.split("\n"))
    return found[0], found[1]


def load_converted(folder: Path, languages: tuple[str, str] | None = None) -> CTranslate2Seq2Seq:
    """Open a folder with a model and, beside it, its subwords.

    These are a tokenizer of transformers, or SentencePiece models named as in `PIECES`.

    Args:
        folder: of the model.
        languages: source and target, as of `TokenizerSubwords`.

    Raises:
        ConfigError: a tokenizer of transformers is there, and the package is not.
        ModelError: no model, no subwords, or such as do not belong together.
    """
    source, target = token_lists(folder)
    if any((folder / name).is_file() for name in TOKENIZER):
        return CTranslate2Seq2Seq(folder, load_subwords(folder, languages))
    for names in PIECES:
        paths = folder / names[0], folder / names[1]
        if all(path.is_file() for path in paths):
            settings = _settings(folder)
            start = settings.get("decoder_start_token", "<s>")
            if start != "<s>" and not settings.get("add_source_eos"):
                raise ModelError(
                    f"{folder} starts targets with {start!r} and does not end sources: it was "
                    "converted from transformers, so put the tokenizer's files there"
                )
            eos = settings.get("eos_token") or "</s>"
            unknown = settings.get("unk_token") or "<unk>"
            subwords = PieceSubwords(paths, (source, target), eos, unknown, languages=languages)
            return CTranslate2Seq2Seq(folder, subwords)
    raise ModelError(
        f"{folder} holds no subwords: put the tokenizer's files of transformers there, or the "
        f"SentencePiece models as {' and '.join(PIECES[0])} (one for both: {PIECES[1][0]})"
    )


def _settings(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}
