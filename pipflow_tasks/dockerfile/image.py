"""Where the files of an image come from: the build context, another stage, or elsewhere.

The build context is not read here, so a copied name with a suffix (``requirements.txt``) counts as
a file and one without as a folder. A variable that only the base image knows is kept in a path, so
that ``COPY x ${ROOT}`` and ``pip install -r ${ROOT}/x`` match.
"""

from __future__ import annotations

import posixpath
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from .pythons import Pythons

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .grammar import Instruction
    from .work import Work

CONTEXT = -1
_LOOK = 10
"""The work to compare a path with a file that was put somewhere."""
_FILES_WITHOUT_SUFFIX = frozenset({"Dockerfile", "LICENSE", "Makefile", "Pipfile", "README"})


class Placed(Struct, frozen=True, kw_only=True):
    """One source of a COPY, ADD or bind mount, or a file that a command wrote.

    Attributes:
        origin: the stage it is from, ``CONTEXT``, or None when that is unknown.
        source: its path there.
        target: where it is put, absolute.
        folder: whether ``target`` is certainly a folder to put it in.
        line: 1-based line of the COPY or ADD, else 0.
        text: what a command or a heredoc writes into it, or None where that is unknown.
    """

    origin: int | None
    source: str
    target: str
    folder: bool
    line: int = 0
    text: str | None = None

    def source_of(self, path: str) -> tuple[str, bool] | None:
        """Return the path in the origin that ``path`` is from, and whether that is certain."""
        parent, name = posixpath.split(self.source)
        if path == self.target and not self.folder:
            return self.source, True
        if posixpath.dirname(path) == self.target:
            if any(char in name for char in "*?[") and fnmatchcase(posixpath.basename(path), name):
                return posixpath.join(parent, posixpath.basename(path)), True
            if posixpath.basename(path) == name:
                return self.source, True
        top = self.target.rstrip("/") + "/"
        if path.startswith(top) and is_folder(self.source):
            return posixpath.normpath(posixpath.join(self.source, path[len(top) :])), False
        return None


def is_folder(source: str) -> bool:
    """Return whether a copied name looks like that of a folder."""
    name = posixpath.basename(source)
    without_suffix = posixpath.splitext(name)[1] in ("", ".", ".d")
    return without_suffix and name not in _FILES_WITHOUT_SUFFIX and not set(name) & set("*?[")


def origins_of(
    files: Sequence[Placed],
    path: str,
    images: Sequence[StageImage],
    work: Work,
    known: dict[tuple[int, str], list[str]] | None = None,
) -> list[str]:
    """Return the files of the context that ``path`` may come from, the most likely first.

    What was placed last counts. A file that was placed by its name counts before folders that
    were copied later, since these may not have a file of that name. ``known`` are the answers for
    other stages so far.
    """
    work.spend(_LOOK * len(files))
    known = {} if known is None else known
    guesses: list[str] = []
    for placed in reversed(files):
        found = placed.source_of(path)
        if found is None:
            continue
        source, certain = found
        sources: list[str] = []
        if placed.origin == CONTEXT:
            sources = [source]
        elif placed.origin is not None:
            there = placed.origin, source
            if there not in known:
                known[there] = origins_of(images[there[0]].files, source, images, work, known)
            sources = known[there]
        if certain:
            return list(dict.fromkeys([*sources, *guesses]))
        guesses.extend(sources)
    return list(dict.fromkeys(guesses))


class Misplaced(Struct, frozen=True, kw_only=True):
    """A file that is installed from one path (``wanted``) and copied to another (``target``).

    ``source`` is its path in the context, and ``line`` that of the instruction that copies it.
    """

    wanted: str
    source: str
    target: str
    line: int


def find_misplaced(files: Sequence[Placed], wanted: str, work: Work) -> Misplaced | None:
    """Return the last copied file of the context with the name of this path, or None."""
    work.spend(_LOOK * len(files))
    for placed in reversed(files):
        target = placed.target
        if placed.folder:
            target = posixpath.join(target, posixpath.basename(placed.source))
        is_copied = placed.origin == CONTEXT and placed.line
        if is_copied and posixpath.basename(target) == posixpath.basename(wanted):
            return Misplaced(wanted=wanted, source=placed.source, target=target, line=placed.line)
    return None


def last_placed(files: Sequence[Placed], path: str, work: Work) -> Placed | None:
    """Return the last that certainly put a file at this path, or None."""
    work.spend(_LOOK * len(files))
    for placed in reversed(files):
        found = placed.source_of(path)
        if found is not None and found[1]:
            return placed
    return None


class Content(Struct, frozen=True, kw_only=True):
    """The files that are known to be in an image at a moment, and the working directory."""

    directory: str = "/"
    files: tuple[Placed, ...] = ()

    def path_of(self, name: str) -> str:
        """Return the absolute path of a name."""
        return join(self.directory, name)

    def sources_of(self, name: str) -> tuple[tuple[int | None, str | None], ...]:
        """Return where a file or folder may come from: an origin and a path in it.

        The origin is as in ``Placed``. The path is None for a folder above what was placed.
        """
        path = self.path_of(name)
        found: list[tuple[int | None, str | None]] = []
        for placed in self.files:
            source = placed.source_of(path)
            if source is not None:
                found.append((placed.origin, source[0]))
            elif path == placed.target and is_folder(placed.source):
                found.append((placed.origin, placed.source))
            elif path == "/" or placed.target == path or placed.target.startswith(f"{path}/"):
                found.append((placed.origin, None))
        return tuple(found)


def join(directory: str, path: str) -> str:
    """Return the normal form of a path in the image; a leading variable counts as absolute."""
    if path == "~" or path.startswith("~/"):
        path = "${HOME}" + path[1:]
    if not path.startswith(("/", "$")):
        path = f"{directory}/{path}"
    path = posixpath.normpath(path)
    return "/" + path.lstrip("/") if path.startswith("/") else path


def folders_above(directory: str) -> list[str]:
    """Return a folder and those above it, up to the root or to a variable."""
    found = [directory]
    while found[-1] not in {"/", ""}:
        found.append(posixpath.dirname(found[-1]))
    return found


def context_path(path: str) -> str:
    """Return the normal form of a path in the build context; ``..`` does not leave it."""
    return join("/", path if not path.startswith("$") else "./" + path)[1:] or "."


def origin_path(path: str, origin: int | None) -> str:
    """Return the normal form of a path in the context or in another origin."""
    return context_path(path) if origin == CONTEXT else join("/", path)


class StageImage(Struct, kw_only=True):
    """A stage's image after the instructions so far."""

    arguments: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    directory: str = "/"
    directory_known: bool = False
    files: list[Placed] = field(default_factory=list)
    triggers: list[Instruction] = field(default_factory=list)
    user: str = ""
    shell: tuple[str, ...] = ()
    """The words of SHELL, where there is one."""
    pythons: Pythons = Pythons()
    activated: str = ""
    """The folder of the Python that a login shell activates."""
    pip_settings: dict[tuple[str, str], str] = field(default_factory=dict)
    """The values of `pip config set`, by level and name."""

    def child(self) -> StageImage:
        """Return the image that a stage FROM this one begins with."""
        return replace(
            self,
            arguments=dict(self.arguments),
            environment=dict(self.environment),
            files=list(self.files),
            pip_settings=dict(self.pip_settings),
            triggers=[],
        )

    def belong_to(self, path: str) -> None:
        """Let places in this say that they are in another Dockerfile."""
        self.files = [replace(each, line=0) for each in self.files]
        self.pythons = self.pythons.in_file(path)

    @property
    def home(self) -> str:
        """The usual home of the user that commands run as."""
        return "/root" if self.user in {"", "0", "root"} else f"/home/{self.user}"

    def variables(self) -> dict[str, str]:
        """Return the variables in force: ENV before ARG."""
        return {**self.arguments, **self.environment}
