"""Sets that go together: what is promised of every solution, on small indexes in memory."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise, product
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from pipflow_tasks import resolution
from pipflow_tasks.errors import ProjectNotFound
from pipflow_tasks.resolution import (
    MAX_LINES,
    Candidates,
    Conflict,
    Key,
    Limits,
    Root,
    Solution,
    View,
    in_each,
)
from pipflow_tasks.resolution.finder import Bound
from pipflow_tasks.simple_api import ACTIVE, DistributionFile, Metadata, ProjectStatus
from pipflow_tasks.target import Target

TARGET = Target.from_python("3.11", platforms=["linux/amd64"], source="here")

Index = Mapping[str, Mapping[str, Sequence[str] | None]]
"""By project and version, what it needs; None where that can't be known."""


class MemoryCatalog:
    """A catalog of pure wheels; counts how often metadata is asked for."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self.asked = 0

    def files(self, project: NormalizedName) -> Mapping[Version, Sequence[DistributionFile]]:
        """Return a wheel for each version."""
        if project not in self._index:
            raise ProjectNotFound("no such project", url="")
        return {
            version: [
                DistributionFile(
                    filename=f"{project}-{version}-py3-none-any.whl",
                    url=f"{project} {text}",
                    version=version,
                    is_wheel=True,
                )
            ]
            for version, text in sorted(
                ((Version(text), text) for text in self._index[project]), reverse=True
            )
        }

    def metadata(self, files: Sequence[DistributionFile]) -> Metadata | None:
        """Return what the first file needs."""
        self.asked += 1
        project, version = files[0].url.split()
        dependencies = self._index[project][version]
        return (
            None
            if dependencies is None
            else Metadata(requires=tuple(map(Requirement, dependencies)))
        )

    def indexes_of(self, project: NormalizedName) -> tuple[str, ...]:
        """Return none: it has no address."""
        return ()

    def status_of(self, project: NormalizedName) -> ProjectStatus:
        """Return that it goes on."""
        return ACTIVE

    def prefetch(self, projects: Iterable[NormalizedName]) -> None:
        """Do nothing: everything is there."""

    def prefetch_metadata(self, files: Iterable[Sequence[DistributionFile]]) -> None:
        """Do nothing: everything is there."""


def candidates_of(index: Index, bounds: Mapping[str, str] | None = None) -> Candidates:
    """Prepare a search."""
    said = {
        Key(canonicalize_name(name)): (Bound(specifier=SpecifierSet(text), reason="is out"),)
        for name, text in (bounds or {}).items()
    }
    return alone(MemoryCatalog(index), Limits(bounds=said))


def alone(catalog: MemoryCatalog, limits: Limits | None = None) -> Candidates:
    """Prepare a search for one environment."""
    return Candidates((View(catalog=catalog, target=TARGET),), limits=limits or Limits())


def root(text: str) -> Root:
    """Want what a requirement says."""
    requirement = Requirement(text)
    return Root(
        name=Key(canonicalize_name(requirement.name)),
        specifier=requirement.specifier,
        source="a test",
        shown=text,
        extras=in_each([0], requirement.extras),
    )


def solve(index: Index, *roots: str) -> Solution | Conflict:
    """Solve anew."""
    return resolution.solve(candidates_of(index), [root(text) for text in roots])


def versions(found: Solution | Conflict) -> dict[str, str]:
    """Return the versions of a solution."""
    assert isinstance(found, Solution), found.explain()
    return {name: str(pick.version) for name, pick in found.picks.items()}


NAMES = ("ant", "bee", "cat", "dog")
VERSIONS = ("1", "2", "3")
SPECIFIERS = ("", "==1", "==2", "==3", "<2", "<3", ">=2", ">=3", "!=2")


def _indexes(
    versions: Iterable[str], specifiers: Sequence[str] = SPECIFIERS
) -> st.SearchStrategy[dict[str, dict[str, list[str]]]]:
    dependency = st.builds(
        lambda name, asked, specifier, marker: f"{name}{asked}{specifier}{marker}",
        st.sampled_from(NAMES),
        st.sampled_from(("", "", "[x]")),
        st.sampled_from(specifiers),
        st.sampled_from(("", "", '; extra == "x"')),
    )
    releases = st.fixed_dictionaries({each: st.lists(dependency, max_size=2) for each in versions})
    return st.fixed_dictionaries(dict.fromkeys(NAMES, releases))


indexes = _indexes(VERSIONS)
indexes_with_prereleases = _indexes([*VERSIONS, "2.5rc1"], [*SPECIFIERS, ">=2.5rc1", "<3,>=2rc1"])
wanted = st.lists(
    st.builds(
        lambda name, extra, specifier: f"{name}{extra}{specifier}",
        st.sampled_from(NAMES),
        st.sampled_from(("", "[x]")),
        st.sampled_from(("", ">=1", ">=2", "<3")),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda text: text[:3],
)


def assignments(index: Index, roots: Sequence[str]) -> Iterator[dict[str, str]]:
    """Yield every choice of versions in which all that the wants reach is satisfied."""
    for choice in product(VERSIONS, repeat=len(NAMES)):
        chosen = dict(zip(NAMES, choice, strict=True))
        if goes_together(index, roots, chosen):
            yield chosen


def goes_together(index: Index, roots: Sequence[str], chosen: Mapping[str, str]) -> bool:
    """Tell whether all that the wants reach is satisfied."""
    return reach(index, roots, chosen) is not None


def reach(index: Index, roots: Sequence[str], chosen: Mapping[str, str]) -> set[str] | None:
    """Return all that the wants reach, by a plain walk; None where some of it is not satisfied."""
    todo = [Requirement(text) for text in roots]
    seen: set[tuple[str, str]] = set()
    while todo:
        dependency = todo.pop()
        version = chosen.get(dependency.name)
        if version is None or not dependency.specifier.contains(version, prereleases=True):
            return None
        for extra in ("", *dependency.extras):
            if (dependency.name, extra) in seen:
                continue
            seen.add((dependency.name, extra))
            for text in index[dependency.name][version] or ():
                each = Requirement(text)
                if each.marker is None or each.marker.evaluate({"extra": extra}):
                    todo.append(each)
    return {name for name, _ in seen}


def asks_for_prereleases(index: Index, roots: Sequence[str], chosen: Mapping[str, str]) -> bool:
    """Tell whether each pre-release of a set is asked for, or where no final release would do."""
    reached = reach(index, roots, chosen) or set()
    asked = [Requirement(text) for text in roots]
    asked += [Requirement(t) for name in reached for t in index[name][chosen[name]] or ()]
    for name in reached:
        if Version(chosen[name]).is_prerelease:
            specifiers = [each.specifier for each in asked if each.name == name]
            finals = [v for v in VERSIONS if all(s.contains(v) for s in specifiers)]
            if finals and not any(s.prereleases for s in specifiers):
                return False
    return True


@given(indexes, wanted)
def test_solution_satisfies_every_need(index: Index, roots: list[str]) -> None:
    """A solution satisfies all wants and needs, and there is one whenever there can be one."""
    found = solve(index, *roots)
    possible = next(assignments(index, roots), None)
    if isinstance(found, Conflict):
        assert possible is None
    else:
        assert goes_together(index, roots, versions(found))


@given(indexes, wanted)
def test_nothing_can_rise_without_another_falling(index: Index, roots: list[str]) -> None:
    """After `improve` no set has every want as high and one of them higher."""
    search = candidates_of(index)
    asked = [root(text) for text in roots]
    found = resolution.solve(search, asked)
    if isinstance(found, Conflict):
        return
    better = resolution.improve(search, asked, found)
    assert goes_together(index, roots, versions(better))
    names = [each.name for each in asked]
    now = [versions(better)[name] for name in names]
    assert all(a >= b for a, b in zip(now, map(versions(found).get, names), strict=True) if b)
    for other in assignments(index, roots):
        there = [other[name] for name in names]
        assert there == now or any(a < b for a, b in zip(there, now, strict=True)), there


@given(indexes_with_prereleases, wanted)
def test_prereleases_are_for_where_nothing_else_is(index: Index, roots: list[str]) -> None:
    """A pre-release is picked where who asks leaves no final release, not to raise a version."""
    search = candidates_of(index)
    asked = [root(text) for text in roots]
    found = resolution.solve(search, asked)
    if isinstance(found, Conflict):
        return
    better = resolution.improve(search, asked, found)
    assert goes_together(index, roots, versions(better))
    for name, pick in better.picks.items():
        if pick.version is not None and pick.version.is_prerelease:
            if any(c.dependency.names_prerelease for c in better.causes[name]):
                continue
            asking = [c.dependency.specifier for c in better.causes[name] if c.parent is not None]
            asking += [each.specifier for each in asked if each.name == name]
            assert not [v for v in VERSIONS if all(each.contains(v) for each in asking)], name


@example(
    index={
        "ant": {"1": [], "2": [], "3": ["bee==2"], "2.5rc1": []},
        "bee": {"1": [], "2": ["cat", "dog"], "3": [], "2.5rc1": []},
        "cat": {"1": ["dog>=2.5rc1"], "2": [], "3": [], "2.5rc1": []},
        "dog": {"1": ["ant==1"], "2": ["cat==1"], "3": ["ant==1"], "2.5rc1": []},
    },
    roots=["ant"],
)  # only cat 1 asks for dog's pre-release, without which nothing goes
@given(indexes_with_prereleases, wanted)
def test_nothing_that_is_brought_along_can_rise_alone(index: Index, roots: list[str]) -> None:
    """With its dependencies improved, no project goes with the others in a newer final release."""
    search = candidates_of(index)
    asked = [root(text) for text in roots]
    found = resolution.solve(search, asked)
    if isinstance(found, Conflict):
        return
    better = resolution.improve(search, asked, found, with_dependencies=True)
    now = versions(better)
    reached = reach(index, roots, now)
    assert reached is not None
    for name in reached - {each.name for each in asked}:
        for version in VERSIONS:
            risen = {**now, name: version}
            is_newer = Version(version) > Version(now[name])
            if is_newer and asks_for_prereleases(index, roots, risen):
                assert not goes_together(index, roots, risen), (name, version)


@given(indexes, wanted)
def test_same_question_same_answer(index: Index, roots: list[str]) -> None:
    """The order in which an index lists its files does not matter, nor what was asked before."""
    backwards = {name: dict(reversed(list(releases.items()))) for name, releases in index.items()}
    search = candidates_of(index)
    asked = [root(text) for text in roots]
    answers = [
        resolution.solve(search, asked),
        resolution.solve(search, asked),
        solve(backwards, *roots),
    ]
    if isinstance(answers[0], Solution):
        assert versions(answers[0]) == versions(answers[1]) == versions(answers[2])
    else:
        assert all(isinstance(a, Conflict) and a.explain() == answers[0].explain() for a in answers)


def drawn_answers(count: int) -> Iterator[object]:
    """Yield what is found, or told of the conflict, for indexes that are drawn alike each time."""
    draw = random.Random(5)

    def dependency() -> str:
        extra, marker = draw.choice(["", "[x]"]), draw.choice(["", '; extra == "x"'])
        return f"{draw.choice(NAMES)}{extra}{draw.choice(SPECIFIERS)}{marker}"

    for _ in range(count):
        index = {name: {v: [dependency() for _ in range(4)] for v in "12345"} for name in NAMES}
        found = solve(index, dependency().partition(";")[0])
        yield found.explain() if isinstance(found, Conflict) else versions(found)


def test_same_answer_in_every_process() -> None:
    """Nothing depends on the order of a set, which each process has its own of."""
    script = "from unit.test_resolution import *; print(*drawn_answers(300), sep='\\n')"
    answers = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=Path(__file__).parents[1],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in "123"
    }
    assert len(answers) == 1


@given(indexes, wanted)
def test_conflict_is_told_in_a_few_lines(index: Index, roots: list[str]) -> None:
    """An explanation has from one to twelve lines, and no line twice."""
    found = solve(index, *roots)
    if isinstance(found, Conflict):
        lines = found.explain()
        assert 0 < len(lines) <= MAX_LINES
        assert len(set(lines)) == len(lines)


@given(indexes, wanted)
def test_going_around_a_clash_ends(index: Index, roots: list[str]) -> None:
    """`solve_around` sets aside only what clashes: with nothing waived there was no clash."""
    found, waived, met = resolution.solve_around(
        candidates_of(index), [root(text) for text in roots]
    )
    assert (not met) == (not waived and isinstance(found, Solution))
    if isinstance(found, Solution):
        for each in map(root, roots):
            version = found.version(each.name)
            assert version is not None
            assert each.specifier.contains(version)


def test_first_want_has_its_way() -> None:
    """Of two that can't both be newest, the one asked for first is."""
    index: Index = {
        "ant": {"1": [], "2": ["cat<2"]},
        "bee": {"1": [], "2": ["cat>=2"]},
        "cat": {"1": [], "2": []},
    }
    assert versions(solve(index, "ant", "bee")) == {"ant": "2", "bee": "1", "cat": "1"}
    assert versions(solve(index, "bee", "ant")) == {"ant": "1", "bee": "2", "cat": "2"}


def test_clashing_wants_are_named() -> None:
    """Both sides of a clash stand in its explanation."""
    found = solve({"ant": {"1": ["bee<2"]}, "bee": {"1": [], "2": []}}, "ant==1", "bee>=2")
    assert isinstance(found, Conflict)
    told = found.explain()
    assert sorted(told) == ["ant 1 needs bee<2", "bee>=2 is required (a test)"]
    assert set(found.names) == {"ant", "bee"}


@pytest.mark.parametrize("steps", [1, 2])
def test_many_conflicting_versions_end(steps: int) -> None:
    """Hundreds of versions that all conflict are each looked at once, and told in a few lines."""
    between: list[str] = ["bee"] if steps == 2 else ["base>=2"]
    index: Index = {
        "ant": {f"{n}": between for n in range(1, 301)},
        "bee": {f"{n}": ["base>=2"] for n in range(1, 31)},
        "base": {"1": []},
    }
    catalog = MemoryCatalog(index)
    found = resolution.solve(alone(catalog), [root("base==1"), root("ant")])
    assert isinstance(found, Conflict)
    assert not found.too_deep
    assert len(found.explain()) <= 3
    assert catalog.asked <= sum(len(releases) for releases in index.values())


def test_deep_search_ends() -> None:
    """A search without end is given up after a number of rounds, and says so."""
    names = [f"p{n}" for n in range(12)]
    index: dict[str, dict[str, Sequence[str]]] = {
        name: {f"{v}": [f"{following}!={v + 10}"] for v in range(1, 9)}
        for name, following in pairwise(names)
    }
    index[names[-1]] = {f"{v}": [f"end=={v % 2 + 1}"] for v in range(1, 9)}
    index["end"] = {"1": [], "2": []}
    found = solve(index, *names, "end<1")
    assert isinstance(found, Conflict)
    assert 0 < len(found.explain()) <= MAX_LINES


def test_cycle_is_solved() -> None:
    """Projects that need each other, also through an extra, are no endless loop."""
    index: Index = {
        "hen": {"1": ["egg==1"], "2": ['egg[big]==2; extra == "x"', "egg"]},
        "egg": {"1": ["hen==1"], "2": ["hen[x]>=2", 'hen; extra == "big"']},
    }
    assert versions(solve(index, "hen", "egg")) == {"hen": "2", "egg": "2"}


def test_extras_of_all_who_ask_count() -> None:
    """A project carries the union of the extras that are asked of it."""
    index: Index = {
        "lib": {"1": ['ant; extra == "a"', 'bee; extra == "b"']},
        "top": {"1": ["lib[b]"]},
        "ant": {"1": []},
        "bee": {"1": []},
    }
    assert set(versions(solve(index, "lib[a]", "top"))) == {"lib", "top", "ant", "bee"}


def test_unknown_dependencies_are_recorded() -> None:
    """A pick whose needs can't be known is taken, and remembered as such."""
    search = candidates_of({"ant": {"1": [], "2": None}, "bee": {"1": []}})
    found = resolution.solve(search, [root("ant"), root("bee")])
    assert versions(found) == {"ant": "2", "bee": "1"}
    assert isinstance(found, Solution)
    unknown = [name for name, pick in found.picks.items() if search.is_unknown(pick)]
    assert unknown == ["ant"]


def test_unknown_dependencies_are_told_of_each_version() -> None:
    """That a second version was looked at does not make the first one known."""
    search = candidates_of({"ant": {"1": None, "2": None}})
    for text in ("ant", "ant<2", "ant"):
        found = resolution.solve(search, [root(text)])
        assert isinstance(found, Solution)
        assert all(search.is_unknown(pick) for pick in found.picks.values())


def test_late_clash_of_many_versions() -> None:
    """One lesson is about all versions alike: a clash of two wide ranges is not tried pair by pair.

    What is settled before is at fault: every `core` needs an older `date` than the newest.
    """
    numbers = range(1, 401)
    index: Index = {
        "date": {"1": [], "2": [], "3": []},
        "core": {str(n): ["date<3"] for n in numbers},
        "boto": {str(n): [f"core>={max(n - 100, 1)},<={n}"] for n in numbers},
        "top": {"1": ["date", "wide"]},
        "wide": {"1": ["boto"], "2": ["absent"]},  # so that `boto` comes up late
    }
    search = candidates_of(index)
    found = resolution.solve(search, [root("date"), root("top")])
    assert versions(found) == {"date": "2", "top": "1", "wide": "1", "boto": "400", "core": "400"}


def test_address_satisfies_its_name() -> None:
    """An opaque want goes with whatever is asked of its name, and has no version."""
    search = candidates_of({"ant": {"1": ["bee>=9"]}})
    opaque = Root(name=Key("bee"), specifier=SpecifierSet(), source="", shown="", is_opaque=True)
    found = resolution.solve(search, [root("ant"), opaque])
    assert isinstance(found, Solution)
    assert found.picks[opaque.name].version is None


def test_bounds_hold_for_what_others_need() -> None:
    """A constraint bounds a project that no file names."""
    index: Index = {"ant": {"1": [], "2": ["bee>=2"]}, "bee": {"1": [], "2": []}}
    search = candidates_of(index, {"bee": "<2"})
    assert versions(resolution.solve(search, [root("ant")])) == {"ant": "1"}


def test_missing_project_is_a_conflict() -> None:
    """A need for a project that the catalog does not have can't be satisfied."""
    assert versions(solve({"ant": {"1": [], "2": ["absent"]}}, "ant")) == {"ant": "1"}
    assert isinstance(solve({"ant": {"2": ["absent"]}}, "ant"), Conflict)


def test_cycle_that_is_left_behind_does_no_harm() -> None:
    """A cycle that only a version reached which was given up again is not in the solution."""
    index = {
        "ant": {"2": [], "3": ["dog"]},
        "dog": {"1": ["egg", "ant<3"]},
        "egg": {"1": ["dog"]},
    }
    assert versions(solve(index, "ant")) == {"ant": "2"}


@pytest.mark.parametrize("roots", [["cat", "bee<3"], ["bee<3", "cat"]])
def test_search_does_not_give_up_too_early(roots: list[str]) -> None:
    """A set is found also where the search once took a version back that it had settled."""
    index: Index = {
        "ant": {"1": ["cat==2"], "2": [], "3": []},
        "bee": {"1": [], "2": ["ant==1"], "3": []},
        "cat": {"1": [], "2": ["bee==3"], "3": []},
    }
    assert versions(solve(index, *roots)) == {"bee": "1", "cat": "3"}


def test_extra_is_blamed_on_who_asks_for_it() -> None:
    """Where an extra makes a version impossible, another version of who asked for it is tried."""
    index: Index = {
        "ant": {"1": ["bee"], "2": ["bee[x]"], "3": []},
        "bee": {"1": ["ant==3"], "2": ["ant==3"], "3": ['bee==1; extra == "x"']},
    }
    assert versions(solve(index, "ant<3")) == {"ant": "1", "bee": "3"}


def test_only_what_clashes_is_tried_again() -> None:
    """What has no part in a clash is left as it is: a search does not multiply its versions."""
    bystanders: Index = {f"b{n}": {str(v): [] for v in range(1, 31)} for n in range(9)}
    index: Index = {
        "ant": {str(v): [f"bee>={v}"] for v in range(1, 31)},
        "bee": {str(v): [f"cat>={v + 1}"] for v in range(1, 31)},
        "cat": {"1": []},
        **bystanders,
    }
    catalog = MemoryCatalog(index)
    found = resolution.solve(alone(catalog), [*map(root, ["ant", *bystanders])])
    assert isinstance(found, Conflict)
    assert catalog.asked <= 30 + 30 + len(bystanders)


def test_nothing_that_is_needed_is_lost() -> None:
    """What a version needs is in the solution, also where the search settled it twice."""
    index: Index = {
        "ant": {"1": [], "2": [], "3": ["cat<2", "dog==3"]},
        "cat": {"1": [], "2": [], "3": ["ant"]},
        "dog": {"3": ["ant==1"]},
    }
    found = versions(solve(index, "cat"))
    assert found["cat"] < "3" or "ant" in found


def test_series_whose_every_version_clashes_is_no_deep_search() -> None:
    """What rules out one version rules out all alike: pairs of versions are not tried each."""
    size = 150
    index: Index = {
        "ant": {str(v): [f"bee>={v},<={size}"] for v in range(1, size + 1)},
        "bee": {str(v): ["cat>=2"] for v in range(1, size + 1)},
        "cat": {"1": [], "2": []},
    }
    found = resolution.solve(candidates_of(index), [root("cat==1"), root("ant")])
    assert isinstance(found, Conflict)
    assert not found.too_deep
    assert f"ant → bee 1 to {size} needs cat>=2" in found.explain()
