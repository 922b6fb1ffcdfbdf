"""The arrows of the design: which module may import which, and what nothing may load too early."""

import ast
import functools
import graphlib
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import pipflow_tasks

PACKAGE = Path(pipflow_tasks.__file__).parent
LAYERS = [
    ["errors", "values", "merging"],
    ["requirements", "dockerfile", "simple_api", "settings"],
    ["compose"],
    ["bake"],
    ["target"],
    ["resolution"],
    ["plan"],
    ["isolation"],
    ["console"],
    ["progress"],
    ["processes", "signals"],
    ["files", "git", "index", "engine", "state"],
    ["manifest"],
    ["environments"],
    ["planning"],
    ["checks"],
    ["transaction", "mount"],
    ["commands"],
    ["project"],
    ["report"],
    ["checklist"],
    ["tasks", "roots"],
    ["command_line"],
    ["program"],
    ["__init__", "__main__"],
]
"""The rooms, each before those that may import it; rooms of one layer do not import each other."""

RANKS = {room: rank for rank, rooms in enumerate(LAYERS) for room in rooms}
PURE = [room for rooms in LAYERS[: LAYERS.index(["isolation"])] for room in rooms]
IMPURE = {"os", "pathlib", "subprocess", "socket", "requests", "time", "random"}
PATHS = {"plan"}
"""Which pure rooms may name a file by its path: it says where a plan goes, and is never asked."""

IMPORTERS = {
    "requests": {"index"},
    "urllib3": {"index"},
    "truststore": {"index"},
    "invoke": {"tasks", "program", "command_line", "mount", "project"},  # project: a type
    "subprocess": {"processes", "engine.building", "engine.inside"},  # a build; in an image
    "pip": {"index"},
    "prompt_toolkit": {"checklist"},
    "questionary": {"checklist"},
    "rich": {"progress"},
}


def files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def name_of(file: Path) -> str:
    """Name a file as imports do, below the package: ``index.http``; a package is its folder."""
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


FILES = {name_of(file): file for file in files()}


def room_of(file: Path) -> str:
    """Name a file's room: the first name below the package."""
    return name_of(file).partition(".")[0]


def imports(text: str, *, parents: Sequence[str]) -> Iterator[str]:
    """Yield what a module in a package imports anywhere, in absolute names."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = parents[: len(parents) - node.level + 1] if node.level else []
            start = [*base, *filter(None, [node.module])]
            yield from (".".join([*start, name.name]) for name in node.names)


@functools.cache
def imports_of(file: Path) -> tuple[str, ...]:
    parents = [PACKAGE.name, *file.relative_to(PACKAGE).parent.parts]
    return tuple(imports(file.read_text("utf-8"), parents=parents))


def own_imports(file: Path) -> set[str]:
    """Return the files of the package that a file imports, by name."""
    found: set[str] = set()
    for name in imports_of(file):
        first, *rest = name.split(".")
        if first == PACKAGE.name:
            known = [".".join(rest[:size]) for size in (len(rest), len(rest) - 1) if size > 0]
            found.add(next((each for each in known if each in FILES), "__init__"))
    return found - {name_of(file)}


def foreign_imports(file: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports_of(file)} - {PACKAGE.name}


def test_reader_of_imports_sees_them_all() -> None:
    """The reader that the other tests rely on finds imports of every form."""
    text = """
import a.b, c as d
from .e import f
from . import g
from ..h import i, j
def late():
    if True:
        from k import l
"""

    assert {*imports(text, parents=["top", "below"])} == {
        *("a.b", "c", "top.below.e.f", "top.below.g", "top.h.i", "top.h.j", "k.l")
    }
    assert "tasks" in own_imports(PACKAGE / "program.py")
    assert {"errors", "index.http"} <= own_imports(PACKAGE / "index" / "__init__.py")
    assert "target.image_facts" in own_imports(PACKAGE / "target" / "target.py")
    assert "invoke" in foreign_imports(PACKAGE / "tasks.py")


def test_every_file_has_its_rank() -> None:
    """Every file of the package stands in one room, and every room in one layer."""
    rooms = [room for layer in LAYERS for room in layer]

    assert sorted(rooms) == sorted({room_of(file) for file in files()})


@pytest.mark.parametrize("file", files(), ids=name_of)
def test_no_arrow_points_back(file: Path) -> None:
    """A file imports from its own room and from rooms of earlier layers, also for types alone."""
    room = room_of(file)
    rooms = {name.partition(".")[0] for name in own_imports(file)} - {room}

    assert {each for each in rooms if RANKS[each] >= RANKS[room]} == set()


def test_no_arrows_go_round() -> None:
    """No file imports, by whatever way round, one that imports it."""
    graph = {name: own_imports(file) for name, file in FILES.items()}
    graph["__init__"] &= {"errors"}  # it hands the other names on when they are first used

    assert len([*graphlib.TopologicalSorter(graph).static_order()]) == len(graph)


def test_picture_shows_what_is_imported(tmp_path: Path) -> None:
    """The picture for contributors has each import of a room, and rooms above what they import."""
    docs = Path(__file__).parents[2] / "docs"
    picture = (docs / "rooms.svg").read_text("utf-8")
    rooms = re.findall(r'<text class="room"[^>]*>(\w+)</text>', picture)
    shown = re.findall(r"<title>(\w+) imports (\w+)</title>", picture)
    subprocess.run([sys.executable, docs / "rooms.py", "--to", tmp_path / "made.svg"], check=True)

    assert sorted(rooms) == sorted(RANKS.keys() - {"__init__"})
    assert sorted(shown) == sorted(
        {
            (room, other.partition(".")[0])
            for file in files()
            for room in {room_of(file)} - {"__init__"}
            for other in own_imports(file) - {"__init__"}
            if other.partition(".")[0] != room
        }
    )
    assert [(a, b) for a, b in shown if rooms.index(a) >= rooms.index(b)] == []
    assert (tmp_path / "made.svg").read_text("utf-8") == picture  # `python docs/rooms.py`


@pytest.mark.parametrize("file", [file for file in files() if room_of(file) in PURE], ids=name_of)
def test_formats_and_decisions_are_pure(file: Path) -> None:
    """Formats and decisions touch no disk, process, network, clock or chance."""
    allowed = {"pathlib"} if room_of(file) in PATHS else set()

    assert foreign_imports(file) & IMPURE - allowed == set()


@pytest.mark.parametrize("library", sorted(IMPORTERS))
def test_library_is_imported_where_it_belongs(library: str) -> None:
    """What touches the world outside is imported by the room or file that is made for it."""
    importers = [file for file in files() if library in foreign_imports(file)]
    allowed = IMPORTERS[library]

    assert [file for file in importers if not {room_of(file), name_of(file)} & allowed] == []


def test_no_room_is_too_large() -> None:
    """No room holds more than a fifth of the package."""
    sizes: dict[str, int] = {}
    for file in files():
        lines = len(file.read_text("utf-8").splitlines())
        sizes[room_of(file)] = sizes.get(room_of(file), 0) + lines

    assert max(sizes.values()) <= sum(sizes.values()) / 5


HEAVY = ["msgspec", "pip", "requests", "rich", "urllib3", "yaml"]


def loaded_by(code: str) -> set[str]:
    """Tell which modules a fresh interpreter has loaded after a piece of code."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_listing_tasks_stays_light() -> None:
    """Mounting the namespace loads nothing that only a running task needs."""
    # Invoke itself may load yaml: forget what it has loaded, and see what is loaded again.
    forget = f"""
import invoke
for name in [*sys.modules]:
    if name.partition(".")[0] in {HEAVY}:
        del sys.modules[name]
"""
    loaded = loaded_by(f"{forget}\nimport pipflow_tasks\npipflow_tasks.namespace")

    page = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text("utf-8")
    (named,) = re.findall(r"Listing tasks loads only (.*?)\.", page, re.DOTALL)
    ours = {name.partition(".")[2] for name in loaded if name.startswith("pipflow_tasks.")}

    assert ours == {*re.findall(r"`(\w+)`", named)}
    assert {name.partition(".")[0] for name in loaded} & set(HEAVY) == set()


def test_importing_the_package_loads_only_errors() -> None:
    """The package itself is its errors; all else comes when it is first used."""
    loaded = loaded_by("import pipflow_tasks")

    assert {name for name in loaded if name.startswith("pipflow_tasks")} == {
        "pipflow_tasks",
        "pipflow_tasks.errors",
    }


def test_every_public_name_can_be_had() -> None:
    """All names in ``__all__`` are there, and no others are made up."""
    assert {name for name in pipflow_tasks.__all__ if hasattr(pipflow_tasks, name)} == set(
        pipflow_tasks.__all__
    )
    assert set(pipflow_tasks.__all__) <= set(dir(pipflow_tasks))
    assert not hasattr(pipflow_tasks, "no_such_name")
