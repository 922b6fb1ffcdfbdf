"""Requirements files as read: one walk of includes, and manifests that are never changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipflow_tasks.errors import RequirementsError
from pipflow_tasks.manifest.documents import Manifest, promote
from pipflow_tasks.manifest.library import Library, Opened, find_included, read_more, walk
from pipflow_tasks.manifest.reading import read_manifest, with_constraints, with_siblings

FILES = {
    "main.txt": "-r sub/base.txt\naa==1\n-c limits.txt\n",
    "sub/base.txt": "-r shared.txt\nbb==2\n",
    "sub/shared.txt": "cc==3  # via bb\n",
    "limits.txt": "-r more.txt\naa<2\n",
    "more.txt": "bb<3\n",
    "other.txt": "-r sub/shared.txt\ndd==4\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return tmp_path


def read(root: Path, *names: str) -> Library:
    return read_more(Library(root=root, here=root), names, {})


def test_walk_opens_files_in_pips_order(root: Path) -> None:
    """A file is opened where a line includes it; what a constraints file includes constrains."""
    opened = [
        (event.file.path, event.constrains)
        for event in walk(["main.txt"], read(root, "main.txt").find, {}, known={})
        if isinstance(event, Opened)
    ]

    assert opened == [
        ("main.txt", False),
        ("sub/base.txt", False),
        ("sub/shared.txt", False),
        ("limits.txt", True),
        ("more.txt", True),
    ]


def test_manifest_holds_what_is_read(root: Path) -> None:
    """Lines are in pip's order; the innermost files are those that are included first."""
    manifest = read_manifest(read(root, "main.txt"), ["main.txt"], {})

    assert [line.name for line in manifest.lines if line.name] == ["cc", "bb", "aa"]
    assert manifest.innermost == ("sub/shared.txt", "sub/base.txt", "main.txt")
    assert [*manifest.constraints] == ["limits.txt", "more.txt"]
    assert [line.place for line in manifest.find("BB")] == ["sub/base.txt:2"]
    assert [line.name for line in manifest.locked] == ["cc"]


def test_steps_of_reading_leave_a_manifest_as_it_was(root: Path) -> None:
    """Each step returns another manifest; the one that it is given says what it said."""
    library = read(root, "sub/base.txt", "limits.txt", "other.txt")
    before = read_manifest(library, ["sub/base.txt"], {})

    constrained = with_constraints(before, library, {"limits.txt": "Dockerfile:3"}, {})
    beside = with_siblings(constrained, library, {"other.txt": "Dockerfile:3"}, {})
    promoted = promote(beside, beside.locked[0])

    assert before == read_manifest(library, ["sub/base.txt"], {})
    assert [*before.constraints] == []
    assert [*constrained.constraints] == ["limits.txt", "more.txt"]
    assert [line.name for line in beside.siblings if line.name] == ["dd"]
    assert [line.name for line in beside.locked] == ["cc"]
    assert promoted.locked == ()


def test_nothing_can_be_written_into_a_manifest(root: Path) -> None:
    """A manifest and a library hold tuples, frozen sets and read-only mappings."""
    library = read(root, "main.txt")
    manifest = read_manifest(library, ["main.txt"], {})

    for mapping in (manifest.requirements, manifest.constraints, Manifest(main="").fetched):
        with pytest.raises(TypeError):
            mapping["new"] = None  # type: ignore[index]
    with pytest.raises(TypeError):
        library.files[root] = None  # type: ignore[index]
    assert {type(manifest.lines), type(manifest.siblings), type(manifest.innermost)} == {tuple}
    assert type(manifest.promoted) is frozenset


def test_a_file_with_two_names_is_one(root: Path) -> None:
    """A file that is included once more by way of a link keeps its first name and counts once."""
    (root / "link.txt").symlink_to("sub/shared.txt")
    (root / "main.txt").write_text("-r sub/shared.txt\n-r link.txt\n")

    manifest = read_manifest(read(root, "main.txt"), ["main.txt"], {})

    assert [*manifest.requirements] == ["main.txt", "sub/shared.txt"]
    assert [line.name for line in manifest.lines if line.name] == ["cc"]


def test_circle_is_walked_once_and_refused_where_it_counts(root: Path) -> None:
    """Files that include each other end the walk; as the project's own, they are an error."""
    (root / "sub/shared.txt").write_text("-r ../main.txt\n")
    library = read(root, "main.txt")
    there = {root / name for name in ("main.txt", "sub/base.txt", "sub/shared.txt")}

    assert find_included(library, ["main.txt"], {}) == there
    with pytest.raises(RequirementsError, match="include each other") as caught:
        read_manifest(library, ["main.txt"], {})
    assert (caught.value.path, caught.value.line) == ("sub/shared.txt", 1)


def test_a_library_reads_nothing_again(root: Path) -> None:
    """What was read stays as it was read, and what is asked for besides is added."""
    first = read(root, "sub/base.txt")
    (root / "sub/shared.txt").write_text("changed==1\n")

    second = read_more(first, ["other.txt"], {})

    assert second.find("sub/shared.txt") == first.find("sub/shared.txt")
    assert second.find("other.txt").exists
    assert second.find("other.txt").path == "other.txt"
