"""Time and memory against pins, as an SVG: ``python benchmarks/plot.py RUNS.json... PLOT.svg``.

The files are those that ``compare.py --json`` writes; it draws its own run with ``--plot``. Shown
are the medians of the cases that are resolved, with the least and the most of all runs. Each
tool has a colour, each state of the cache a kind of line. A reader's dark mode has other colours.
"""

from __future__ import annotations

import json
import math
import re
import statistics
import sys
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

WIDTH, HEIGHT = 784, 400
TOP, PANEL_WIDTH, PANEL_HEIGHT = 104, 310, 236
STYLE = """\
text { font: 13px system-ui, sans-serif; fill: var(--ink) }
.title { font-size: 15px; font-weight: 600 }
.soft { fill: var(--soft) }
.card { fill: var(--card); stroke: var(--rule) }
.rule { stroke: var(--rule) }
.line, .spread { stroke: var(--tool); stroke-width: 2; fill: none; stroke-linejoin: round }
.spread { stroke-width: 5; opacity: 0.35 }
.mark { fill: var(--tool); stroke: var(--card); stroke-width: 1.5 }
.ours { --tool: var(--blue) }
.uv { --tool: var(--orange) }
.cold { stroke-dasharray: none }
.revalidated { stroke-dasharray: 8 4 }
.fresh { stroke-dasharray: 2 4 }
svg { --card: #ffffff; --ink: #1f2328; --soft: #59636e; --rule: #d1d9e0; --blue: #0b63ce;
  --orange: #b8500a }
@media (prefers-color-scheme: dark) { svg { --card: #161b22; --ink: #e6edf3; --soft: #9198a1;
  --rule: #3d444d; --blue: #6cb0ff; --orange: #f5a15b } }"""

TOOLS = {"ours": "pipflow", "uv": "uv"}
STATES = ("cold", "revalidated", "fresh")
CASE = re.compile(r"(\d+) pins, resolved")
LEFT = 64
MEASURES = (
    ("Processor time, seconds", "processor_seconds", 1, LEFT),
    ("Memory, MB", "memory_bytes", 1e6, LEFT + PANEL_WIDTH + 76),
)
"""What the two panels show: title, name in the file, how many of its units are one of the title's,
and where the panel begins."""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One of the two diagrams; both axes are logarithmic.

    Attributes:
        title: what it shows, with its unit.
        left: where it begins.
        runs: what the runs took, by tool and state, by the number of pins.
    """

    title: str
    left: int
    runs: dict[tuple[str, str], dict[int, list[float]]]

    @cached_property
    def sizes(self) -> list[int]:
        """The numbers of pins, along the horizontal axis."""
        return sorted({size for by_size in self.runs.values() for size in by_size})

    @cached_property
    def ticks(self) -> list[float]:
        """The numbers along the vertical axis, from below the least to above the most."""
        taken = [
            each for by_size in self.runs.values() for runs in by_size.values() for each in runs
        ]
        powers = range(math.floor(math.log10(min(taken))), math.ceil(math.log10(max(taken))) + 1)
        steps = [float(f"{step}e{power}") for power in powers for step in (1, 2, 5)]
        first = max(step for step in steps if step <= min(taken))
        last = min(step for step in steps if step >= max(taken))
        return [step for step in steps if first <= step <= last]

    def x(self, size: int) -> float:
        """Return the place of a number of pins."""
        part = _part(size, self.sizes[0], self.sizes[-1])
        return self.left + 16 + (PANEL_WIDTH - 32) * part

    def y(self, value: float) -> float:
        """Return the height of a value."""
        return TOP + PANEL_HEIGHT * (1 - _part(value, self.ticks[0], self.ticks[-1]))


def _part(value: float, low: float, high: float) -> float:
    """Return how far a value is on the way between two others, as a logarithm."""
    return math.log(value / low) / math.log(high / low) if high > low else 0.5


def draw(cases: Iterable[dict[str, Any]]) -> str:
    """Return the plot of cases as a file has them; those that it does not show are left out.

    Raises:
        ValueError: it shows none of them.
    """
    resolved = [(found, case) for case in cases if (found := CASE.fullmatch(case["case"]))]
    if not resolved:
        raise ValueError("none of the cases is a resolved file of pins")
    body = [
        f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="8"/>'
    ]
    body += _draw_legend()
    for title, key, unit, left in MEASURES:
        runs: dict[tuple[str, str], dict[int, list[float]]] = {}
        for found, case in resolved:
            for tool, taken in case["tools"].items():
                by_size = runs.setdefault((tool, case["state"]), {})
                by_size[int(found[1])] = [each / unit for each in taken[key]]
        panel = Panel(title=title, left=left, runs=runs)
        body += _draw_axes(panel)
        for tool, state in product(TOOLS, STATES):
            body += _draw_series(panel, tool, state)
    lines = "\n".join(body)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img" aria-labelledby="what">\n'
        '<title id="what">Processor time and memory of pipflow and uv against the number of pins'
        f"</title>\n<style>\n{STYLE}\n</style>\n{lines}\n</svg>\n"
    )


def _draw_legend() -> Iterator[str]:
    yield '<text class="title" x="24" y="34">upgrade-all of a file of pins, resolved</text>'
    x = 24
    for tool, name in TOOLS.items():
        yield f'<circle class="mark {tool}" cx="{x + 6}" cy="58" r="6"/>'
        yield f'<text x="{x + 18}" y="62">{name}</text>'
        x += 84
    x += 36
    for state in STATES:
        yield (
            f'<path class="line {state}" style="--tool: var(--soft)" d="M{x},58 h36"/>'
            f'<text x="{x + 44}" y="62">{state}</text>'
        )
        x += 62 + 8 * len(state)


def _draw_axes(panel: Panel) -> Iterator[str]:
    bottom, right = TOP + PANEL_HEIGHT, panel.left + PANEL_WIDTH
    yield f'<text class="soft" x="{panel.left}" y="{TOP - 14}">{panel.title}</text>'
    for tick in panel.ticks:
        y = panel.y(tick)
        yield f'<path class="rule" d="M{panel.left},{y:.1f} H{right}"/>'
        place = f'x="{panel.left - 8}" y="{y + 4:.1f}"'
        yield f'<text class="soft" {place} text-anchor="end">{tick:g}</text>'
    for size in panel.sizes:
        place = f'x="{panel.x(size):.1f}" y="{bottom + 20}"'
        yield f'<text class="soft" {place} text-anchor="middle">{size:,}</text>'
    place = f'x="{panel.left + PANEL_WIDTH / 2}" y="{bottom + 40}"'
    yield f'<text class="soft" {place} text-anchor="middle">pins</text>'


def _draw_series(panel: Panel, tool: str, state: str) -> Iterator[str]:
    """Yield the line of one tool in one state, with a mark and the spread for each size."""
    by_size = panel.runs.get((tool, state), {})
    medians = {size: statistics.median(by_size[size]) for size in sorted(by_size)}
    for size, runs in by_size.items():
        low, high = panel.y(min(runs)), panel.y(max(runs))
        yield f'<path class="spread {tool}" d="M{panel.x(size):.1f},{low:.1f} V{high:.1f}"/>'
    points = [f"{panel.x(size):.1f},{panel.y(value):.1f}" for size, value in medians.items()]
    if points:
        yield f'<path class="line {tool} {state}" d="M{" L".join(points)}"/>'
    for size, value in medians.items():
        place = f'cx="{panel.x(size):.1f}" cy="{panel.y(value):.1f}" r="4.5"'
        said = f"{TOOLS[tool]}, {state}, {size:,} pins: {value:.3g}"
        yield f'<circle class="mark {tool}" {place}><title>{said}</title></circle>'


def main(words: Sequence[str]) -> None:
    """Draw the runs of files into the last one."""
    *files, plot = map(Path, words)
    cases = [case for file in files for case in json.loads(file.read_text("utf-8"))["cases"]]
    plot.write_text(draw(cases), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
