"""What a round drew, accepted and refused, read from its stage files."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulst.rsft.stages import read_records, read_signature
from simulst.rsft.tally import Tally

__all__ = ["Figures", "Group", "read_figures"]

Group = tuple[int | None, float | None]
"""A lag and a temperature; None stands for any."""


@dataclass(slots=True)
class Figures:
    """Figures of a round.

    Attributes:
        signature: of the accepted file: how was selected, and M of whole sequences.
        sources, taught: sentences drawn for, and those of which something is learnt.
        tallies: of each lag and temperature.
        unique: drafts of a source that differ, counted over all sources: of each (lag,
            temperature), of each lag (lag, None), each temperature (None, temperature), and all
            (None, None).
        distinct: texts that passed the test, of each lag, each temperature, and all.
        positions: of each lag, [tokens tested, accepted] at every position from 0.
        refused: drafts that passed the test and not the gates, by reason.
        targets: learnt from.
        tokens, own: of these targets, and those of them that are the policy's own.
        ahead: nats that the whole source adds to these tokens beyond what the lag shows.
        written, wanted: characters of the targets, and of their references (of the sources of
            talks that have none).
    """

    signature: Mapping[str, Any]
    sources: int = 0
    taught: int = 0
    tallies: dict[tuple[int, float], Tally] = field(default_factory=lambda: defaultdict(Tally))
    unique: Counter[Group] = field(default_factory=Counter)
    distinct: Counter[Group] = field(default_factory=Counter)
    positions: dict[int, list[list[int]]] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    targets: int = 0
    tokens: int = 0
    own: int = 0
    ahead: float = 0.0
    written: int = 0
    wanted: int = 0

    @property
    def m(self) -> float:
        """M of the token tests."""
        return float(self.signature["selection"]["m"])

    @property
    def length_ratio(self) -> float | None:
        """Of the targets learnt from to what they should be as long as."""
        return self.written / self.wanted if self.wanted else None

    @property
    def anticipation(self) -> float | None:
        """Of the targets learnt from, nats a token."""
        return self.ahead / self.tokens if self.tokens else None

    @property
    def total(self) -> Tally:
        """All proposals together."""
        return self.of((None, None))

    def of(self, group: Group) -> Tally:
        """The proposals of a group together."""
        total = Tally()
        for key, tally in self.tallies.items():
            if all(wanted in (None, value) for wanted, value in zip(group, key, strict=True)):
                total.add(tally.record())
        return total

    @property
    def groups(self) -> list[Group]:
        """Each lag and temperature; each lag and each temperature where there are more; all."""
        keys = sorted(self.tallies)
        lags, temperatures = sorted({k for k, _ in keys}), sorted({t for _, t in keys})
        found: list[Group] = list(keys)
        if len(lags) > 1 and len(temperatures) > 1:
            found += [(lag, None) for lag in lags]
            found += [(None, temperature) for temperature in temperatures]
        return [*found, (None, None)] if len(keys) > 1 else found

    def add_drafts(self, record: Mapping[str, Any]) -> None:
        """Count the drafts of a source."""
        found: set[tuple[Group, tuple[int, ...]]] = set()
        for draft in record["drafts"]:
            lag, temperature, tokens = draft["lag"], draft["temperature"], tuple(draft["tokens"])
            groups = (lag, temperature), (lag, None), (None, temperature), (None, None)
            found.update((group, tokens) for group in groups)
        self.unique.update(group for group, _ in found)

    def add_accepted(self, record: Mapping[str, Any]) -> None:
        """Count what was accepted of a source."""
        self.sources += 1
        self.taught += bool(record["accepted"])
        self.refused.update(record["refused"])
        self.distinct[None, None] += record["distinct"]
        for lag, count in record["distinct_by"]["lag"].items():
            self.distinct[int(lag), None] += count
        for temperature, count in record["distinct_by"]["temperature"].items():
            self.distinct[None, float(temperature)] += count
        for counts in record["proposals"]:
            self.tallies[counts["lag"], counts["temperature"]].add(counts)
        for lag, rows in record["positions"].items():
            mine = self.positions.setdefault(int(lag), [])
            mine += [[0, 0] for _ in range(len(rows) - len(mine))]
            for total, row in zip(mine, rows, strict=False):
                total[0] += row[0]
                total[1] += row[1]
        for target in record["accepted"]:
            self.targets += 1
            self.tokens += len(target["tokens"])
            self.own += sum(target["learned"])
            self.ahead += target["anticipation"] * len(target["tokens"])
            self.written += len(target["text"])
            self.wanted += len(record["reference"] or record["source"])


def read_figures(samples: Path, accepted: Path) -> Figures:
    """Read the stage files of a round, a record at a time.

    Raises:
        DataError: one of them is missing or damaged.
    """
    figures = Figures(read_signature(accepted))
    for record in read_records(samples):
        figures.add_drafts(record)
    for record in read_records(accepted):
        figures.add_accepted(record)
    return figures
