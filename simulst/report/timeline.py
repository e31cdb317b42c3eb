"""The talk as a picture: what was said above, what was written below, row after row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from simulst.report.layout import (
    PIXELS_A_SECOND,
    ROW_S,
    WIDTH,
    Burst,
    Heard,
    Link,
    Row,
    rows_of,
)
from simulst.report.marks import mark, refusal, said_of, turn, way, written_of
from simulst.report.markup import Element, element, time_of, title
from simulst.report.scales import ticks
from simulst.report.talk import Hold, Sentence, Talk, Written

__all__ = ["timeline"]

LEFT, RIGHT = 52, 104
LANE, LINKS, HELD, LAG = 19, 40, 18, 52  # heights
TOP = 22
SEEN = 6  # pixels; computing that took less has no tail


def timeline(talk: Talk, prefix: str) -> list[Element]:
    """The rows of a talk, each a picture with its time as name.

    Args:
        talk: to draw.
        prefix: of the rows' ids, so that several talks may stand on one page.
    """
    rows = rows_of(talk)
    lanes = max((row.heard_lanes for row in rows), default=1)
    top = ticks(max((_lag(unit) for unit in talk.units), default=0) / 1000 or 1, 3)[-1]
    parts: list[Element] = []
    last = -1
    for row in rows:
        if row.index > last + 1:
            begin, end = time_of((last + 1) * ROW_S), time_of(row.begin_s)
            parts.append(element("p", f"{begin} to {end}: nothing was said", class_="silence"))
        last = row.index
        parts.append(_Drawing(row, talk, lanes, top).figure(f"{prefix}-{row.begin_s}"))
    return parts


def _lag(unit: Written) -> float:
    return max(unit.lag_ms, unit.lag_ca_ms or 0.0)


class _Drawing:
    """One row.

    Args:
        row: to draw.
        talk: that it belongs to.
        lanes: of source words, the same in all rows, so that lines go on from row to row.
        top: seconds at the upper edge of the lag.
    """

    def __init__(self, row: Row, talk: Talk, lanes: int, top: float) -> None:
        self.row, self.talk, self.top, self.lanes = row, talk, top, lanes
        self.firsts = {s.units[0].emission.index for s in talk.sentences if s.units}
        self.spoken_y = TOP + lanes * LANE + 6
        self.written_y = self.spoken_y + LINKS
        self.held_y = self.written_y + 16 + row.written_lanes * LANE + 8
        self.lag_y = self.held_y + HELD
        self.height = self.lag_y + LAG + 8

    def figure(self, name: str) -> Element:
        """The row as an element with an id."""
        row, talk = self.row, self.talk
        said = " ".join(heard.word.text for heard in row.heard) or "nothing"
        units = [unit[0].emission for burst in row.bursts for unit in burst.units]
        wrote = "".join((unit.space if i else "") + unit.text for i, unit in enumerate(units))
        held = sum(len(holds) for _, holds in row.holds)
        text = (
            f"{time_of(row.begin_s)} to {time_of(row.begin_s + ROW_S)}. "
            f"Said: {said}. Written: {wrote or 'nothing'}. Held {held} times."
        )
        width = LEFT + WIDTH + RIGHT
        languages = [str(talk.signature.get(side, "")) for side in ("source", "target")]
        plot = element(
            "g",
            self._grid(),
            element("g", (self._link(link) for link in row.links), clip_path="url(#plot)"),
            self._lags(),
            self._leaders(),
            (self._heard(heard) for heard in row.heard),
            (self._stem(burst) for burst in row.bursts),
            (part for burst in row.bursts for u in burst.units for part in self._unit(*u)),
            (self._hold(x, holds) for x, holds in row.holds),
            transform=f"translate({LEFT} 0)",
        )
        return element(
            "svg",
            plot,
            self._name(languages[0], TOP + self.lanes * LANE - 1),
            self._name(languages[1], self.written_y + 30),
            self._name("held" if row.holds else "", self.held_y + 4),
            self._name("lag", self.lag_y + LAG),
            id=name,
            class_="row",
            role="img",
            aria_label=text,
            viewBox=f"0 0 {width:g} {self.height:g}",
            width=f"{width:g}",
            height=f"{self.height:g}",
        )

    def _name(self, text: str, y: float) -> Element:
        return element("text", text, class_="name", x=LEFT - 14, y=float(y), text_anchor="end")

    def _grid(self) -> Iterator[Element]:
        for second in range(ROW_S + 1):
            x = second * PIXELS_A_SECOND
            strong = second % 5 == 0
            yield element(
                "path",
                class_="grid strong" if strong else "grid",
                d=f"M{x:g} {TOP - 4}V{self.lag_y + LAG:g}",
            )
            if second < ROW_S:
                label = time_of(self.row.begin_s + second)
                yield element(
                    "text", label, class_="time strong" if strong else "time", x=x + 3, y=TOP - 9
                )
        yield element("path", class_="axis", d=f"M0 {self.written_y:g}H{WIDTH:g}")
        yield element("path", class_="axis", d=f"M0 {self.lag_y + LAG:g}H{WIDTH:g}")
        yield element("path", class_="grid", d=f"M0 {self.lag_y:g}H{WIDTH:g}")
        yield element(
            "text", f"{self.top:g} s", class_="time", x=WIDTH + 6, y=float(self.lag_y + 4)
        )
        yield element("text", "0 s", class_="time", x=WIDTH + 6, y=float(self.lag_y + LAG + 4))

    def _leaders(self) -> Iterator[Element]:
        """From words in the upper lanes down to their sound, and where sentences begin."""
        y = self.spoken_y
        for heard in self.row.heard:
            if heard.lane:
                top = y - 4 - heard.lane * LANE
                yield element("path", class_="leader", d=f"M{heard.x + 1:.1f} {top:g}V{y:g}")
            if heard.number == 0:
                x, number = heard.x - 2, str(heard.sentence + 1)
                path = f"M{x:.1f} {TOP - 2:g}V{y + 7:g}"
                yield element("path", class_=f"begins {turn(heard.sentence)}", d=path)
                yield element("text", number, class_="time", x=x - 4, y=TOP + 7, text_anchor="end")

    def _heard(self, heard: Heard) -> Element:
        word = heard.word
        sure = min(1.0, max(0.0, word.probability))
        return element(
            "g",
            title(said_of(heard)),
            element("text", word.text, x=heard.x, y=float(self.spoken_y - 7 - heard.lane * LANE)),
            element(
                "rect",
                x=heard.x,
                y=float(self.spoken_y),
                width=max(2.0, heard.end - heard.x - 1.5),
                height=6,
                rx=2,
                fill_opacity=f"{0.35 + 0.65 * sure:.2f}",
            ),
            class_=f"said {turn(heard.sentence)}",
            data_s=f"{heard.sentence}.{heard.number}",
        )

    def _link(self, link: Link) -> Element:
        y1, y2 = self.spoken_y + 7, self.written_y - 5
        middle = (y1 + y2) / 2
        return element(
            "path",
            class_=f"link {turn(link.sentence)}",
            data_s=f"{link.sentence}.{link.number}",
            data_k=link.at,
            d=f"M{link.start:.1f} {y1:g}C{link.start:.1f} {middle + 6:g} {link.end:.1f} "
            f"{middle - 6:g} {link.end:.1f} {y2:g}",
        )

    def _stem(self, burst: Burst) -> Element:
        """What hangs a burst's words on their moment, and how long they took to be computed."""
        y = self.written_y
        lanes = max(lane for _, _, lane in burst.units)
        stem = element("path", class_="stem", d=f"M{burst.x:.1f} {y:g}V{y + 22 + lanes * LANE:g}")
        tail = None
        if burst.readable is not None and burst.readable - burst.x > SEEN:
            path = f"M{burst.x:.1f} {y:g}H{burst.readable:.1f}m0 -4v8"
            tail = element("path", class_="tail", d=path)
        ways = {way(unit) for unit, _, _ in burst.units}
        kind = next((name for name in ("forced", "rule") if name in ways), "finish")
        return element("g", stem, tail, mark(kind, burst.x, y))

    def _unit(self, unit: Written, x: float, lane: int) -> Iterator[Element]:
        emission = unit.emission
        y = self.written_y + 29 + lane * LANE
        if emission.index in self.firsts:
            path = f"M{x - 3:.1f} {y - 12:g}v16"
            yield element("path", class_=f"begins {turn(emission.sentence)}", d=path)
        source = None if unit.source is None else f"{emission.sentence}.{unit.source}"
        yield element(
            "text",
            title(written_of(unit)),
            emission.text,
            class_=f"unit {way(unit)} {turn(emission.sentence)}",
            x=x,
            y=float(y),
            data_s=source,
            data_k=emission.delay,
        )

    def _hold(self, x: float, holds: Sequence[Hold]) -> Element:
        said = "\n".join(refusal(hold) for hold in holds)
        return element(
            "g",
            title(said),
            element(
                "rect",
                class_="touch",
                x=x - 8,
                y=float(self.held_y - 9),
                width=16,
                height=18,
            ),
            mark("held", x, self.held_y),
            class_="hold",
        )

    def _lags(self) -> Element:
        shapes: list[Element] = []
        for sentence, units in self.row.lags:
            shapes += self._lag_of(sentence, units)
        return element("g", shapes, class_="lag", clip_path="url(#plot)")

    def _lag_of(
        self, sentence: Sentence, units: Sequence[tuple[float, Written]]
    ) -> Iterator[Element]:
        floor = self.lag_y + LAG
        hue = turn(sentence.index)
        ideal = [(x, self._lag_height(unit.lag_ms)) for x, unit in units]
        # a sentence written at one moment still has a width to be seen
        shown = [*ideal, (ideal[-1][0] + 3, ideal[-1][1])]
        around = [(shown[0][0], floor), *shown, (shown[-1][0], floor)]
        yield element("path", class_=f"area {hue}", d=_path(around) + "Z")
        yield element("path", class_=f"line {hue}", d=_path(shown))
        late = [(x, u.lag_ca_ms) for x, u in units if u.lag_ca_ms is not None]
        if late:
            points = [(x, self._lag_height(lag)) for x, lag in late]
            points.append((points[-1][0] + 3, points[-1][1]))
            yield element("path", class_="line computing", d=_path(points))

    def _lag_height(self, lag_ms: float) -> float:
        return self.lag_y + LAG * (1 - min(1.0, max(0.0, lag_ms / 1000 / self.top)))


def _path(points: Iterable[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
