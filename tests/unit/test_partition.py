"""Several environments in one search, compared with trying everything in each of them."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from unit.test_resolution import MemoryCatalog

from pipflow_tasks.resolution import (
    Candidates,
    Conflict,
    Root,
    View,
    in_each,
    make_partition,
    project_of,
    solve,
)
from pipflow_tasks.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from unit.test_resolution import Index

PYTHONS = ("3.8", "3.12", "3.13")
TARGETS = tuple(
    Target.from_python(python, platforms=["linux/amd64"], source="here") for python in PYTHONS
)
NAMES = ("ant", "bee", "cat")
VERSIONS = ("1", "2", "3")
MARKERS = ("", "", "python_version < '3.9'", "python_version >= '3.13'", "extra == 'x'")

Line = tuple[str, tuple[int, ...], bool]
"""A requirement, which environments read it, and whether it holds one version."""


def _join(*parts: str) -> str:
    requirement, marker = "".join(parts[:-1]), parts[-1]
    return f"{requirement}; {marker}" if marker else requirement


_requirements = st.builds(
    _join,
    st.sampled_from(NAMES),
    st.sampled_from(("", "", "[x]")),
    st.sampled_from(("", "==1", "==2", "<2", "<3", ">=2", ">=3", "!=2")),
    st.sampled_from(MARKERS),
)
_releases = st.fixed_dictionaries(
    {version: st.lists(_requirements, max_size=2) for version in VERSIONS}
)
_indexes = st.fixed_dictionaries(dict.fromkeys(NAMES, _releases))
_wanted = st.builds(
    _join,
    st.sampled_from(NAMES),
    st.sampled_from(("", "", "[x]")),
    st.sampled_from(("", ">=1", ">=2", "<3")),
    st.just(""),
)


def _lines(count: int) -> st.SearchStrategy[list[Line]]:
    readers = st.sets(st.integers(0, count - 1), min_size=1).map(lambda some: tuple(sorted(some)))
    return st.lists(st.tuples(_wanted, readers, st.booleans()), min_size=1, max_size=4)


_questions = st.integers(2, 3).flatmap(
    lambda count: st.tuples(
        st.just(count), st.lists(_indexes, min_size=1, max_size=count), _lines(count)
    )
)


def _needs(index: Index, name: str, version: str, extra: str, python: str) -> Iterator[Requirement]:
    for text in index[name][version] or ():
        each = Requirement(text)
        values = {"extra": extra, "python_version": python}
        if each.marker is None or each.marker.evaluate(values):
            yield each


def is_compatible(
    index: Index, asked: Sequence[str], chosen: Mapping[str, str], python: str
) -> bool:
    """Return whether all that an environment's lines reach is satisfied, by a plain walk."""
    todo = [Requirement(text) for text in asked]
    seen: set[tuple[str, str]] = set()
    while todo:
        dependency = todo.pop()
        version = chosen[dependency.name]
        if not dependency.specifier.contains(version):
            return False
        for extra in {"", *dependency.extras} - {e for n, e in seen if n == dependency.name}:
            seen.add((dependency.name, extra))
            todo.extend(_needs(index, dependency.name, version, extra, python))
    return True


def possible(index: Index, asked: Sequence[str], python: str) -> Iterator[dict[str, str]]:
    """Yield every choice of versions that suits one environment."""
    for choice in product(VERSIONS, repeat=len(NAMES)):
        chosen = dict(zip(NAMES, choice, strict=True))
        if is_compatible(index, asked, chosen, python):
            yield chosen


@settings(deadline=None)
@given(_questions)
def test_versions_are_those_that_suit_each_environment(
    question: tuple[int, list[Index], list[Line]],
) -> None:
    """There is a solution whenever there can be one, and it is right in each environment.

    A line that holds a version has the same one for all who read it.
    """
    count, indexes, lines = question
    own = [indexes[min(number, len(indexes) - 1)] for number in range(count)]
    asked = [[text for text, readers, _ in lines if number in readers] for number in range(count)]
    holding = [
        (canonicalize_name(Requirement(text).name), readers)
        for text, readers, is_held in lines
        if is_held
    ]
    partition = make_partition(PYTHONS[:count], holding)
    views = tuple(
        View(catalog=MemoryCatalog(own[number]), target=TARGETS[number]) for number in range(count)
    )
    roots = [
        Root(
            name=key,
            specifier=each.specifier,
            source="a test",
            shown=text,
            extras=in_each(set(partition.part_of(key)).intersection(readers), each.extras),
        )
        for text, readers, _ in lines
        for each in [Requirement(text)]
        for key in partition.keys(canonicalize_name(each.name), readers)
    ]
    found = solve(Candidates(views, partition), roots)
    held = [name for name, _ in holding]
    projected = [
        {tuple(chosen[name] for name in held) for chosen in possible(own[n], asked[n], PYTHONS[n])}
        for n in range(count)
    ]
    there_is_one = any(
        all(
            len({choice[number][place] for number in readers}) == 1
            for place, (_, readers) in enumerate(holding)
        )
        for choice in product(*projected)
    )
    if isinstance(found, Conflict):
        assert not there_is_one, found.explain()
        return
    for number in range(count):
        chosen: dict[str, str] = {
            project_of(key): str(pick.version)
            for key, pick in found.picks.items()
            if number in partition.part_of(key)
        }
        missing = {name: "1" for name in NAMES if name not in chosen}
        assert is_compatible(own[number], asked[number], {**missing, **chosen}, PYTHONS[number])
        assert not any(
            name not in chosen and Requirement(text).name == name
            for text in asked[number]
            for name in NAMES
        )
