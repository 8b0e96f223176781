"""Plots of the report, as SVG that reads on a light and on a dark page; no plotting library."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

WIDTH, HEIGHT = 720, 320
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 56, 64
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8c6d1f", "#56b4e9", "#7f7f7f")
"""Told apart by the colour-blind: Okabe and Ito, 2008, with a darker yellow."""

CROWDED = 8
"""More places than these have their names slanted."""

STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Chart:
    """Series over the same places: bars beside each other, or lines."""

    name: str
    """Of its file."""
    title: str
    unit: str
    """Of the values."""
    places: list[str]
    """Below the axis, from left to right."""
    series: dict[str, list[float | None]]
    """A value for each place; None: not measured."""
    kind: str = "bars"
    """`bars`, `lines`, or `stack` for bars on top of each other."""

    def as_json(self) -> dict[str, Any]:
        """For `from_json`."""
        return asdict(self)


def from_json(value: Mapping[str, Any]) -> Chart:
    """The chart that was kept."""
    return Chart(**value)


def draw(chart: Chart) -> str:
    """The chart as an SVG document."""
    top = _top(chart)
    body = [*_grid(top, chart.unit), *_places(chart)]
    slot = (WIDTH - LEFT - RIGHT) / len(chart.places)
    below = [0.0] * len(chart.places)
    for number, (name, values) in enumerate(chart.series.items()):
        colour = COLOURS[number % len(COLOURS)]
        body += _legend(number, name, colour)
        if chart.kind == "lines":
            body += _line(values, slot, top, colour)
        elif chart.kind == "stack":
            body += _bars(values, below, slot, top, colour, 0, 1)
            below = [base + (value or 0) for base, value in zip(below, values, strict=True)]
        else:
            body += _bars(values, below, slot, top, colour, number, len(chart.series))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="11" fill="#666">\n'
        f"<title>{escape(chart.title)}</title>\n" + "\n".join(body) + "\n</svg>\n"
    )


def _top(chart: Chart) -> float:
    """The end of the axis: a round number above all values."""
    lists = list(chart.series.values())
    columns = zip(*lists, strict=True)
    if chart.kind == "stack":
        largest = max((sum(value or 0 for value in column) for column in columns), default=0)
    else:
        largest = max((value or 0 for column in columns for value in column), default=0)
    if largest <= 0:
        return 1.0
    power = 1.0
    while power > largest:
        power /= 10
    while power * 10 < largest:
        power *= 10
    return next(step * power for step in STEPS if step * power >= largest)


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)


def _grid(top: float, unit: str) -> list[str]:
    lines = [f'<text x="8" y="{TOP - 10}">{escape(unit)}</text>']
    for part in range(5):
        value = top * part / 4
        y = _y(value, top)
        lines.append(
            f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#999" stroke-opacity=".35"/>'
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:,.4g}</text>'
        )
    return lines


def _places(chart: Chart) -> list[str]:
    slot = (WIDTH - LEFT - RIGHT) / len(chart.places)
    is_slanted = len(chart.places) > CROWDED
    written: list[str] = []
    for at, place in enumerate(chart.places):
        x, y = LEFT + slot * (at + 0.5), HEIGHT - BOTTOM + 14
        turned = f' transform="rotate(-18 {x:.1f} {y})"' if is_slanted else ""
        anchor = "end" if is_slanted else "middle"
        written.append(
            f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}"{turned}>{escape(place)}</text>'
        )
    return written


def _legend(number: int, name: str, colour: str) -> list[str]:
    x, y = LEFT + number % 4 * 160, HEIGHT - 26 + number // 4 * 16
    return [
        f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{colour}"/>'
        f'<text x="{x + 14}" y="{y}">{escape(name)}</text>'
    ]


def _line(values: Sequence[float | None], slot: float, top: float, colour: str) -> list[str]:
    points = [
        (LEFT + slot * (at + 0.5), _y(value, top))
        for at, value in enumerate(values)
        if value is not None
    ]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
    return [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>', *dots]


def _bars(
    values: Sequence[float | None],
    below: Sequence[float],
    slot: float,
    top: float,
    colour: str,
    number: int,
    beside: int,
) -> list[str]:
    width = slot * 0.8 / beside
    bars: list[str] = []
    for at, (value, base) in enumerate(zip(values, below, strict=True)):
        if value is None:
            continue
        x, y = LEFT + slot * (at + 0.1) + width * number, _y(base + value, top)
        height = _y(base, top) - y
        bars.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width * 0.95:.1f}" height="{height:.1f}" '
            f'fill="{colour}"><title>{value:,.4g}</title></rect>'
        )
    return bars
