"""Terms of a glossary: how many appear as given, and what that does to BLEU.

    python -m tests.benchmarks.bench_glossary DATA [--limit N] [--tuning] [--any]

DATA holds train.tsv.gz and dev/ of the parallel text en-de. The glossary is made from the training
text: an English word (once in 620 sentences at most, so no word of grammar) with the capitalised
German word that it occurs with, where their Dice coefficient is 0.6 or more. Of the dev sets, the
sentences of at most 40 words are taken whose reference has every such term in that form, at most
four for a term, in the order of a digest; --any takes them whatever the reference has. One half of
the terms served for choosing the thresholds (--tuning), the other is reported. Scored are wait-k
and the ratio rule at k = 3, with and without the glossary, and the computing time of each.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import time
from collections import Counter
from pathlib import Path

import sacrebleu
import torch

from simulst import packs
from simulst.accept import rules
from simulst.config import Accept, Translate
from simulst.corpus import Pair, stream_pairs
from simulst.evaluate.latency import length_adaptive_average_lagging
from simulst.evaluate.simulate import simulate
from simulst.glossary import Term, Terms
from simulst.protocols import Translator
from simulst.translate.policy import Policy
from simulst.translate.storage import load_translator
from simulst.translate.terms import TermTranslator

WORD = re.compile(r"[^\W_]+(?:[-'][^\W_]+)*")
CORPORA = ("tatoeba", "bcontrast", "mlqe-pe", "newstest", "newstest-de-en", "multi30k")
SETS = ("newstest2020", "tatoeba-test-2021", "multi30k_2016_flickr")
RARE, OFTEN, LEAST = 3, 400, 0.6
LONGEST = 40
"""Words; a session closes a longer sentence."""


def digest(text: str) -> bytes:
    """An order that has nothing to do with the text."""
    return hashlib.sha256(text.encode()).digest()


def mine(train: Path, wanted: set[str]) -> dict[str, str]:
    """German words for English ones, by how regularly they occur together."""
    english, german, both = Counter[str](), Counter[str](), Counter[tuple[str, str]]()
    texts = []
    for pair in stream_pairs(train):
        if pair.corpus in CORPORA:
            words = set(WORD.findall(pair.source)), set(WORD.findall(pair.target))
            english.update(words[0])
            german.update(words[1])
            texts.append(words)
    wanted = {word for word in wanted if RARE <= english[word] <= OFTEN and len(word) > 3}
    for source, target in texts:
        names = [word for word in target if len(word) > 2 and word[0].isupper()]
        both.update((word, name) for word in source & wanted for name in names)
    best: dict[str, tuple[float, str]] = {}
    for (word, name), count in sorted(both.items()):
        dice = 2 * count / (english[word] + german[name])
        if count >= RARE and dice >= LEAST:
            best[word] = max(best.get(word, (0.0, "")), (dice, name))
    return {word: name for word, (_, name) in best.items()}


def sentences(pairs: list[Pair], terms: dict[str, str], limit: int, strict: bool) -> list[Pair]:
    """Those of the test list."""
    taken, uses = list[Pair](), Counter[str]()
    for pair in sorted(pairs, key=lambda pair: digest(pair.source)):
        if len(pair.source.split()) > LONGEST:
            continue
        found = [word for word in WORD.findall(pair.source) if word in terms]
        there = WORD.findall(pair.target)
        if not found or any(uses[word] == 4 for word in found):
            continue
        if strict and not all(terms[word] in there for word in found):
            continue
        uses.update(set(found))
        taken.append(pair)
        if len(taken) == limit:
            break
    return taken


def measure(translator: Translator, rule: str, pairs: list[Pair], terms: Terms) -> str:
    """One line of figures."""
    accept = Accept(rule=rule)
    policy = Policy(translator, rules.build(accept), accept, Translate())
    begun_s = time.process_time()
    found = simulate(policy, pairs).instances
    spent_s = time.process_time() - begun_s
    hypotheses, references = [each.prediction for each in found], [[p.target for p in pairs]]
    said = right = more = 0
    for pair, hypothesis in zip(pairs, hypotheses, strict=True):
        due = Counter(each.term.target for each in terms.find(pair.source.split()))
        there = Counter(WORD.findall(hypothesis))
        said += due.total()
        right += sum(min(count, there[name]) for name, count in due.items())
        more += sum(max(there[name] - count, 0) for name, count in due.items())
    lags = [
        length_adaptive_average_lagging(
            each.delays, each.source_length, len(each.reference.split())
        )
        for each in found
        if each.delays
    ]
    return (
        f"{right / said:6.1%} of {said} terms, {more:3} more  "
        f"BLEU {sacrebleu.corpus_bleu(hypotheses, references).score:5.2f}  "
        f"chrF {sacrebleu.corpus_chrf(hypotheses, references).score:5.2f}  "
        f"LAAL {sum(lags) / len(lags):.2f}  {spent_s / len(pairs):.3f} CPU s a sentence"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--limit", type=int, default=300, help="sentences")
    parser.add_argument("--tuning", action="store_true", help="the other half of the terms")
    parser.add_argument("--any", action="store_true", help="whatever the reference has")
    args = parser.parse_args()
    torch.set_num_threads(1)
    pairs = [p for name in SETS for p in stream_pairs(args.data / "dev" / f"{name}.tsv")]
    mined = mine(args.data / "train.tsv.gz", {w for p in pairs for w in WORD.findall(p.source)})
    names = sorted(mined, key=digest)
    half = len(names) // 2
    mined = {name: mined[name] for name in (names[:half] if args.tuning else names[half:])}
    pairs = sentences(pairs, mined, args.limit, strict=not args.any)
    used = {word for p in pairs for word in WORD.findall(p.source) if word in mined}
    terms = Terms([Term((word,), mined[word]) for word in sorted(used)])
    print(f"{len(terms.terms)} terms of {len(mined)}, {len(pairs)} sentences", flush=True)
    plain = load_translator(packs.find("en-de", "translator"))
    for rule in ("wait-k", "ratio"):
        for label, translator in (
            ("without", plain),
            ("with", TermTranslator(plain, terms)),
        ):
            figures = measure(translator, rule, pairs, terms)
            print(f"{rule:7}{label:9}{figures}", flush=True)


if __name__ == "__main__":
    main()
