"""The sentences of a conflict, from causes that are given."""

from __future__ import annotations

from packaging.specifiers import SpecifierSet

from pipflow_tasks.resolution import Conflict, Key, Root, dependency_of
from pipflow_tasks.resolution.problem import Cause


def test_lines_of_several_files_are_one_reason() -> None:
    """Lines that ask the same of a project are said once, with the place of each."""

    def ask(place: str) -> Cause:
        exact = SpecifierSet("==1.0")
        shown = f"lib{exact}"
        root = Root(name=Key("lib"), specifier=exact, source=place, place=place, shown=shown)
        return Cause(dependency=dependency_of(root), parent=None)

    conflict = Conflict(causes=(ask("base.txt:1"), ask("old.txt:3")))
    assert conflict.explain() == ("lib==1.0 is pinned (base.txt:1 and old.txt:3)",)
