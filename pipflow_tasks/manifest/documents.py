"""The requirements files of a project with what they include: what a command plans with."""

from __future__ import annotations

from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import canonicalize_name

from ..requirements import by_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from packaging.utils import NormalizedName

    from ..requirements import Line, RequirementsFile
    from .addresses import Address
    from .library import LocalFile


class Manifest(Struct, frozen=True, kw_only=True, dict=True):
    """The requirements files of a project, and what else counts with them.

    Attributes:
        main: the file that new requirements go into.
        requirements: by the path that messages show: the named files and what they include
            with ``-r``. These may be edited.
        constraints: the same for ``-c``. These are never edited.
        overrides: lines that replace what anything else asks of their projects, as in uv.
        lines: every line of the requirements, in pip's order.
        siblings: the lines of other files that the image installs as well.
        innermost: the paths of the requirements, included files before those that include them.
        outside: the lines that include files outside of the repository, which are not edited.
        addresses: those that the files include and that can be asked from here.
        fetched: the requirements files among them, by the address that messages show.
        unread: the lines that include what only the image can fetch.
        unheeded: the options in fetched files, which do not count.
        is_being_locked: a line's `# via` counts, whether the named projects are listed or not.
        elsewhere: projects that locked lines name and that another file has.
        promoted: the places of locked lines that count as direct requirements.
        requires_hashes: the installer wants a hash for every requirement, even if no line has one.
    """

    main: str
    requirements: Mapping[str, LocalFile] = MappingProxyType({})
    constraints: Mapping[str, RequirementsFile] = MappingProxyType({})
    overrides: tuple[Line, ...] = ()
    lines: tuple[Line, ...] = ()
    siblings: tuple[Line, ...] = ()
    innermost: tuple[str, ...] = ()
    outside: tuple[Line, ...] = ()
    addresses: tuple[Address, ...] = ()
    fetched: Mapping[str, RequirementsFile] = MappingProxyType({})
    unread: tuple[Line, ...] = ()
    unheeded: tuple[Line, ...] = ()
    elsewhere: frozenset[NormalizedName] = frozenset()
    promoted: frozenset[str] = frozenset()
    requires_hashes: bool = False
    is_being_locked: bool = False

    @cached_property
    def is_locked(self) -> bool:
        """Whether the files are locked: a line names a project of theirs as `# via`."""
        # the project may be listed in a file at an address that was not fetched
        counts = self.is_being_locked or not all(each.constrains for each in self.addresses)
        return any(counts or self._by_name.keys() & {*line.via} for line in self._marked)

    @property
    def has_lock(self) -> bool:
        """Whether the files are locked, or are to be."""
        return self.is_locked or self.is_being_locked

    @cached_property
    def locked(self) -> tuple[Line, ...]:
        """The locked lines; none where the files are not locked."""
        if not self.is_locked:
            return ()
        return tuple(line for line in self._marked if line.place not in self.promoted)

    @cached_property
    def _marked(self) -> tuple[Line, ...]:
        """The lines with a `# via` that no other tool has written."""
        others = {path for path, file in self.requirements.items() if file.generator}
        return tuple(line for line in self.lines if line.via and line.path not in others)

    @cached_property
    def direct(self) -> tuple[Line, ...]:
        """The direct requirements, and all other lines that are not locked."""
        locked = {line.place for line in self.locked}
        return tuple(line for line in self.lines if line.place not in locked)

    @property
    def is_missing(self) -> bool:
        """Whether the main file does not exist yet."""
        main = self.requirements.get(self.main)
        return main is not None and main.before is None

    @cached_property
    def uses_hashes(self) -> bool:
        """Whether pip wants a hash for every requirement."""
        files = (*(each.content for each in self.requirements.values()), *self.fetched.values())
        return self.requires_hashes or any(content.uses_hashes for content in files)

    @property
    def notices(self) -> tuple[str, ...]:
        """Notices about lines that do not count."""
        notices = [
            f"{line.shown} ({line.place}) is not fetched; it does not count"
            for line in self.unread
            if line.option_values("--constraint") or line.path not in self.requirements
        ]
        notices += [
            f"{line.shown} ({line.place}) does not count in a file at an address"
            for line in self.unheeded
        ]
        return tuple(dict.fromkeys(notices))

    @cached_property
    def _by_name(self) -> Mapping[NormalizedName, tuple[Line, ...]]:
        return by_name(self.lines)

    def find(self, name: str) -> tuple[Line, ...]:
        """Return the lines of a project, compared by canonical name."""
        return self._by_name.get(canonicalize_name(name), ())


def join(whole: Manifest, each: Sequence[Manifest]) -> Manifest:
    """Return the manifest of a project with all that counts besides in one of its environments.

    ``each`` are the manifests of the environments, completed; ``whole`` is the project's own.
    """
    if len(each) == 1:
        return each[0]

    def each_once(lines: Iterable[Line]) -> tuple[Line, ...]:
        return tuple({(line.place, line.content): line for line in lines}.values())

    constraints = {path: file for one in each for path, file in one.constraints.items()}
    fetched = {path: file for one in each for path, file in one.fetched.items()}
    return replace(
        whole,
        siblings=each_once(line for one in each for line in one.siblings),
        overrides=each_once(line for one in each for line in one.overrides),
        unread=each_once(line for one in each for line in one.unread),
        unheeded=each_once(line for one in each for line in one.unheeded),
        constraints=MappingProxyType({**whole.constraints, **constraints}),
        fetched=MappingProxyType({**whole.fetched, **fetched}),
        requires_hashes=any(one.requires_hashes for one in each),
    )


def promote(manifest: Manifest, line: Line) -> Manifest:
    """Return the manifest with a locked line as a direct requirement."""
    return replace(manifest, promoted=manifest.promoted | {line.place})
