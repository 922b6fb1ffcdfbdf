"""Make the picture `docs/rooms.svg`: which room of the code imports which.

    python docs/rooms.py              in its place
    python docs/rooms.py --to FILE    in another one

What a room imports is read from its files. The rooms stand in an order in which each imports only
later ones, so half of the picture is empty, and the names are there.
"""

from __future__ import annotations

import argparse
import ast
import sys
from itertools import accumulate
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HERE = Path(__file__).parent
PACKAGE = HERE.parent / "pipflow_tasks"
GROUPS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "command line": (
            *("__main__", "program", "command_line", "roots", "tasks", "checklist", "report"),
        ),
        "from Python": ("project",),
        "plans": ("commands", "mount", "transaction", "checks", "planning"),
        "the project": ("environments", "manifest"),
        "effects": (
            *("state", "git", "index", "engine", "files", "processes", "signals"),
            *("progress", "console", "isolation"),
        ),
        "decisions": ("resolution", "plan", "target"),
        "formats": ("bake", "compose", "dockerfile", "requirements", "simple_api", "settings"),
        "for every room": ("merging", "values", "errors"),
    }
)
"""The rooms by what they are for; each imports only rooms that are named after it."""

ROOMS = [room for rooms in GROUPS.values() for room in rooms]
CELL, LEFT, TOP = 18, 170, 12
WIDTH, HEIGHT = LEFT + CELL * len(ROOMS) + 12, TOP * 2 + CELL * len(ROOMS)
STYLE = """\
text { font: 14px system-ui, sans-serif; fill: var(--ink); dominant-baseline: central }
.room { text-anchor: end }
.soft { fill: var(--soft) }
.card { fill: var(--card); stroke: var(--rule) }
.group { fill: var(--band) }
.rule { stroke: var(--rule); fill: none }
.mark { fill: var(--blue) }
svg { --card: #ffffff; --band: #eaf1fb; --ink: #1f2328; --soft: #59636e; --rule: #d1d9e0;
  --blue: #0b63ce }
@media (prefers-color-scheme: dark) { svg { --card: #161b22; --band: #1f2b3d; --ink: #e6edf3;
  --soft: #9198a1; --rule: #3d444d; --blue: #6cb0ff } }"""


def main() -> int:
    """Write the picture."""
    parser = argparse.ArgumentParser(description="Make the picture docs/rooms.svg.")
    parser.add_argument("--to", type=Path, default=HERE / "rooms.svg", metavar="FILE")
    parser.parse_args().to.write_text("\n".join(draw()) + "\n", "utf-8")
    return 0


def draw() -> Iterator[str]:
    """Yield the lines of the picture."""
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">'
    yield f"<style>\n{STYLE}\n</style>"
    yield f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="8"/>'
    ends = accumulate(len(rooms) for rooms in GROUPS.values())
    for (group, rooms), end in zip(GROUPS.items(), ends, strict=True):
        yield from draw_group(group, end - len(rooms), end)
    for draw_part in (draw_room, draw_imports):
        for place, room in enumerate(ROOMS):
            yield from draw_part(place, room)
    yield "</svg>"


def draw_group(group: str, first: int, end: int) -> Iterator[str]:
    """Yield a group: its name, and what is behind the marks of its rooms for each other."""
    side, y = (end - first) * CELL, TOP + first * CELL
    x = LEFT + first * CELL
    yield f'<rect class="group" x="{x}" y="{y}" width="{side}" height="{side}"/>'
    yield f'<text class="soft" x="12" y="{y + side / 2:g}">{group}</text>'


def draw_room(place: int, room: str) -> Iterator[str]:
    """Yield a room: its name, and a line to the right and one up, which marks are on."""
    x, y = middle_of(place)
    yield f'<path class="rule" d="M{WIDTH - 12} {y}H{x}V{TOP}"/>'
    yield f'<text class="room" x="{x - 5}" y="{y}">{room}</text>'


def draw_imports(place: int, room: str) -> Iterator[str]:
    """Yield a mark for each room that a room imports."""
    _, y = middle_of(place)
    for other in sorted(imports_of(room), key=ROOMS.index):
        x, _ = middle_of(ROOMS.index(other))
        title = f"<title>{room} imports {other}</title>"
        yield f'<circle class="mark" cx="{x}" cy="{y}" r="5">{title}</circle>'


def middle_of(place: int) -> tuple[int, int]:
    """Return where the lines of a room meet."""
    return LEFT + place * CELL + CELL // 2, TOP + place * CELL + CELL // 2


def imports_of(room: str) -> set[str]:
    """Return the rooms that the files of a room import, also for types alone."""
    files = [*PACKAGE.glob(f"{room}.py"), *(PACKAGE / room).rglob("*.py")]
    return {other for file in files for other in imported(file) if other in ROOMS} - {room}


def imported(file: Path) -> Iterator[str]:
    """Yield the rooms that a file imports from, and names in its own."""
    folder = file.relative_to(PACKAGE).parent.parts
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level > len(folder):
            names = [each.name for each in node.names]
            yield from [node.module.partition(".")[0]] if node.module else names


if __name__ == "__main__":
    sys.exit(main())
