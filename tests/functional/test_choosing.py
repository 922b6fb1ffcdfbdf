"""What moves together, and what a plan becomes when only some of it is chosen."""

from __future__ import annotations

import os
from random import Random
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement

from pipflow_tasks import Project, RequirementsFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from functional.temporary_project import TemporaryProject
    from loopback_index import LoopbackIndex

    from pipflow_tasks.plan import Change, Plan


class Choices:
    """Chooses the groups with some projects, and remembers what there was to choose from."""

    def __init__(self, *chosen: str) -> None:
        self._chosen = chosen
        self.groups: Sequence[tuple[Change, ...]] = ()

    def __call__(self, groups: Sequence[tuple[Change, ...]]) -> list[tuple[Change, ...]]:
        """Return the groups that are chosen."""
        self.groups = groups
        return [group for group in groups if {each.project for each in group} & {*self._chosen}]

    @property
    def names(self) -> list[list[str]]:
        """The names of what there was to choose from."""
        return [[each.project for each in group] for group in self.groups]


def plan(
    project: TemporaryProject, index: LoopbackIndex, choices: Choices, *, resolve: bool = True
) -> Plan:
    """Return the plan of what is chosen."""
    environment = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": index.url}
    with Project.open(project.folder, environment=environment) as here:
        return here.plan_upgrade_all(choose=choices, resolve=resolve)


def moves(made: Plan) -> list[str]:
    """Return what a plan moves, in words."""
    return [f"{each.project} {each.before} to {each.after}" for each in made.changes]


def add(index: LoopbackIndex, name: str, *needs: str) -> None:
    """Add a project whose version 2 needs something that version 1 does not."""
    index.add(name, "1.0")
    index.add(name, "2.0", requires_dist=needs)


def test_new_versions_that_need_each_other(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A project is in a group with those whose new versions it needs, and else alone."""
    add(index, "alone")
    add(index, "base")
    add(index, "needing", "base>=2")
    add(index, "further", "needing>=2")
    add(index, "modest", "base>=1")
    project.requirements = "alone==1.0\nbase==1.0\nfurther==1.0\nmodest==1.0\nneeding==1.0\n"
    choices = Choices("modest")
    assert moves(plan(project, index, choices)) == ["modest 1.0 to 2.0"]
    assert choices.names == [["alone"], ["base", "further", "needing"], ["modest"]]


def test_old_version_that_does_not_bear_a_new_one(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """What the old version of another project forbids moves with that project."""
    add(index, "base")
    index.add("old", "1.0", requires_dist=["base<2"])
    index.add("old", "2.0")
    project.requirements = "base==1.0\nold==1.0\n"
    choices = Choices()
    assert moves(plan(project, index, choices)) == []
    assert choices.names == [["base", "old"]]


def test_needs_of_what_no_line_names(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Projects that need one version of a transitive dependency move together, too."""
    add(index, "hidden")
    for name in ("one", "other"):
        index.add(name, "1.0", requires_dist=["hidden<2"])
        index.add(name, "2.0", requires_dist=["hidden>=2"])
    add(index, "third", "hidden")
    project.requirements = "one==1.0\nother==1.0\nthird==1.0\n"
    choices = Choices("third")
    assert moves(plan(project, index, choices)) == ["third 1.0 to 2.0"]
    assert choices.names == [["one", "other"], ["third"]]


def test_lock(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A locked line that has to move is in the group; one that may is a choice of its own."""
    index.add("lib", "1.0", requires_dist=["must", "may"])
    index.add("lib", "2.0", requires_dist=["must>=2", "may", "new"])
    for name in ("must", "may"):
        add(index, name)
    index.add("new", "1.0")
    project.requirements = "lib==1.0\nmay==1.0  # via lib\nmust==1.0  # via lib\n"
    choices = Choices("lib")
    made = plan(project, index, choices)
    assert moves(made) == ["new None to 1.0", "lib 1.0 to 2.0", "must 1.0 to 2.0"]
    assert made.held == ()  # the others were not chosen
    assert [f"{left.requirement}: {left.reason}" for left in made.left_alone] == [
        "may==1.0: not ticked"
    ]
    assert choices.names == [["lib", "must"], ["may"]]
    assert moves(plan(project, index, Choices("may"))) == ["may 1.0 to 2.0"]


def test_nothing_goes_further_than_it_was_offered(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Where others that stay would let a project go further, it does not."""
    add(index, "lib")
    index.add("lib", "3.0")
    index.add("top", "1.0")
    index.add("top", "2.0", requires_dist=["lib<3"])
    project.requirements = "lib==1.0\ntop==1.0\n"
    choices = Choices("lib")
    made = plan(project, index, choices)
    assert choices.names == [["lib"], ["top"]]
    assert moves(made) == ["lib 1.0 to 2.0"]
    assert made.changes[0].reason == "3.0 is newer than 2.0, which was chosen"


def test_conflict_of_the_file(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Pins that conflict already keep nothing else from being chosen."""
    index.add("a", "1.0", requires_dist=["b>=2"])
    index.add("b", "1.0")
    add(index, "lib")
    add(index, "tool", "lib>=2")
    project.requirements = "a==1.0\nb==1.0\nlib==1.0\ntool==1.0\n"
    choices = Choices("lib")
    assert moves(plan(project, index, choices)) == ["lib 1.0 to 2.0", "tool 1.0 to 2.0"]
    assert choices.names == [["lib", "tool"]]


def test_without_resolving(project: TemporaryProject, index: LoopbackIndex) -> None:
    """With `--no-resolve` each project is a choice of its own."""
    add(index, "base")
    add(index, "needing", "base>=2")
    project.requirements = "base==1.0\nneeding==1.0\n"
    choices = Choices("needing")
    assert moves(plan(project, index, choices, resolve=False)) == ["needing 1.0 to 2.0"]
    assert choices.names == [["base"], ["needing"]]


def test_nothing_moves(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Where nothing moves, nobody is asked."""
    index.add("lib", "1.0")
    project.requirements = "lib==1.0\n"

    def fail(groups: object) -> list[tuple[Change, ...]]:
        raise AssertionError(groups)

    environment = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": index.url}
    with Project.open(project.folder, environment=environment) as here:
        assert here.plan_upgrade_all(choose=fail).changes == ()


@pytest.mark.parametrize("seed", range(12))
def test_each_group_can_be_made_alone(
    project: TemporaryProject, index: LoopbackIndex, seed: int
) -> None:
    """A group alone gets the versions that were offered, the others stay, and the set installs."""
    random = Random(seed)
    names = [f"p{number}" for number in range(7)]
    needs: dict[tuple[str, str], list[str]] = {}
    for name in names:
        for version, specifiers in {
            "1": ("<2", "<3", ""),
            "2": (">=2", "<3", ""),
            "3": (">=2", ">=3", "<3", ""),
        }.items():
            others = random.sample([each for each in [*names, "deep"] if each != name], k=2)
            needs[name, version] = [f"{each}{random.choice(specifiers)}" for each in others]
    needs |= {("deep", version): [] for version in "123"}
    for (name, version), wanted in needs.items():
        index.add(name, version, requires_dist=wanted)
    project.requirements = "".join(f"{name}==1\n" for name in names)
    everything = Choices()
    assert moves(plan(project, index, everything)) == []
    for group in everything.groups:
        made = plan(project, index, Choices(*(each.project for each in group)))
        expected = [f"{each.project} {each.before} to {each.after}" for each in group]
        assert moves(made) == expected
        (edit,) = made.edits
        lines = RequirementsFile.from_bytes(edit.after).lines
        pinned = {str(line.name): str(line.pin) for line in lines if line.name}
        deep = [{**pinned, "deep": version} for version in "123"]
        asked = [Requirement(need) for pair in pinned.items() for need in needs[pair]]
        assert any(
            all(need.specifier.contains(versions[need.name]) for need in asked) for versions in deep
        ), f"{pinned} does not install"
