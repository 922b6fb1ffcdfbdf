"""Which folders git ignores: by ``.gitignore`` in them and above, and by ``.git/info/exclude``.

git itself is not asked: it may not be here, and ``--isolated`` starts no program. What a user
ignores in all repositories does not count, and neither does what is tracked all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ..files import find_repository, is_file, read_text, show_path

if TYPE_CHECKING:
    from pathlib import Path

    from pathspec import GitIgnoreSpec


class IgnoreRules(Struct, frozen=True):
    """The rules that hold in a folder, those of the nearest file last: they count first."""

    files: tuple[tuple[Path, GitIgnoreSpec], ...] = ()

    @classmethod
    def of_repository(cls, folder: Path) -> IgnoreRules:
        """Return the rules that hold in a folder, and are written above it; none without ``.git``.

        Raises:
            FileError: a file of rules can't be read.
        """
        top = find_repository(folder)
        if top is None:
            return cls()
        rules = cls().with_file(top / ".git" / "info" / "exclude", top)
        above = [each for each in folder.parents if each.is_relative_to(top)]
        for each in reversed(above):
            rules = rules.within(each)
        return rules

    def within(self, folder: Path) -> IgnoreRules:
        """Return these with the rules of a folder's own ``.gitignore``.

        Raises:
            FileError: it can't be read.
        """
        return self.with_file(folder / ".gitignore", folder)

    def with_file(self, path: Path, folder: Path) -> IgnoreRules:
        """Return these with the rules of a file, which are for what is below the folder.

        Raises:
            FileError: it can't be read.
        """
        if not is_file(path):
            return self
        from pathspec import GitIgnoreSpec

        text = read_text(path, shown=path.name) or ""
        return IgnoreRules((*self.files, (folder, GitIgnoreSpec.from_lines(text.splitlines()))))

    def hides(self, folder: Path) -> bool:
        """Return whether git ignores a folder, whose parent it does not ignore."""
        for base, spec in reversed(self.files):
            decided = spec.check_file(f"{show_path(folder, base)}/").include
            if decided is not None:
                return decided
        return False
