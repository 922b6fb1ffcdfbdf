"""What a command would do, and its outcome: values that touch nothing.

``files`` writes an ``Edit``, ``engine`` runs a ``Builder``.
"""

from __future__ import annotations

import shlex
from pathlib import Path  # noqa: TC003 - a builder is read from a journal by its types
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace
from packaging.utils import canonicalize_name

from .errors import HIDDEN, UsageError, redact_words
from .values import equal_without, hash_without

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from packaging.utils import NormalizedName
    from packaging.version import Version

    from .errors import DockerfileError
    from .target import Target

Severity = Literal["error", "warning", "advice"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "advice")
"""What a finding can be, the worst first."""
Level = Literal["major", "minor", "patch"]
ImageStatus = Literal["built", "failed", "unchanged", "planned", "skipped", "no-engine"]


FINDING_CODES: Mapping[str, str] = MappingProxyType(
    {
        "archived": "The index says that a project gets no more releases.",
        "bake-file": "A bake file cannot be used.",
        "base-image-conflict": "A package of the base image conflicts with the requirements.",
        "built-from-source": "The image builds a pinned version from source.",
        "cache-in-layer": "The installer leaves its cache in the image.",
        "cache-order": "Source code is copied before the requirements are installed.",
        "compiled-for-other-python": "The file was compiled for another Python than the image's.",
        "compiler-in-image": "The image keeps a compiler that only installing needs.",
        "compose-file": "A compose file cannot be used.",
        "conflict": "The requirements conflict.",
        "copied-for-other-python": "Packages are copied into an image with another Python.",
        "deprecated": "The index says that a project is no longer recommended.",
        "dockerfile": "A Dockerfile cannot be used.",
        "ended-python": "The base image's Python is past its end of life.",
        "ended-release": "The base image's distribution is past its end of life.",
        "file": "A file cannot be read.",
        "foreign-policy": "A comment of another tool limits a line; the tasks do not heed it.",
        "ignored-file": "An ignore file hides a requirements file from the builder.",
        "ignored-option": "pip ignores an option behind a requirement.",
        "index": "The index did not give what was asked for.",
        "invalid-constraint": "pip refuses a line as a constraint.",
        "invalid-line": "pip refuses a line.",
        "invalid-policy": "A policy comment is not valid, or is on a line of its own.",
        "legacy-version": "Only an old pip accepts the version of a line.",
        "lost-provenance": "The pinned version has no provenance, and the one before had it.",
        "lost-wheels": "The pinned version has no wheel, and the one before had one.",
        "missing-file": "The requirements file does not exist.",
        "missing-hash": "A requirement has no hash, and others have one.",
        "missing-path": "The image does not have a path that is installed.",
        "missing-pip": "The base image has no pip.",
        "missing-source": "A file that is installed is not in the build context.",
        "needless-pip-upgrade": "pip is upgraded, and the image's own is new enough.",
        "not-installed": "No step of the Dockerfile installs the requirements file.",
        "outside-policy": "A pin is outside of its policy.",
        "quarantined": "The index holds a project back as unsafe.",
        "repeated": "A project is listed several times.",
        "requirements": "A requirements file cannot be used.",
        "split-install": "Requirements are installed in several layers that could be one.",
        "stale-lock": "The lock is out of date.",
        "stray-option": "A hash or an option belongs to no requirement.",
        "uncopied-file": "A file that another one includes is not copied into the image.",
        "unfinished": "An earlier command was interrupted.",
        "unknown-project": "The index does not have a project.",
        "unknown-target": "The image's Python or platform is unknown.",
        "unknown-version": "The index does not have the pinned version.",
        "unlocked-dependencies": "The dependencies of a project are unknown, and not locked.",
        "unpinned": "A requirement is not pinned.",
        "unsuitable": "The image cannot install the pinned version.",
        "unused-cache-mount": "A step has a cache mount, and does not use the cache.",
        "unused-wheels": "A step does not use the wheels that a stage made for it.",
        "usage": "A setting is not valid.",
        "yanked": "The pinned version was yanked.",
    }
)
"""The codes of findings, each with what it means."""


class Edit(Struct, frozen=True, kw_only=True):
    """New bytes for a file.

    Attributes:
        path: the file.
        shown: how messages name it.
        before: the bytes the edit was planned on; None where the file is not there yet.
        after: the bytes it is to have.
        is_silent: only its comments change, or the order of its lines: installers read the same.
    """

    path: Path
    shown: str
    before: bytes | None
    after: bytes
    is_silent: bool = False


class Change(Struct, frozen=True, kw_only=True):
    """A project that is added, removed or moved.

    Attributes:
        project: its name as the file spells it.
        written: that name with the extras of its line; empty: it has none.
        before: the version it had; None where it is new, or was not pinned.
        after: the version it gets; None where it is removed.
        file: the file that has its line.
        line: the number of that line in the new file; in the old one where it is removed.
        is_new: the line is new.
        extras: those that its line gets besides its own.
        taken_from: where a line that was not pinned has its version from: the image that was built
            before has it, or it is the newest that is allowed on the index. None for other lines.
        is_direct: the line is a direct requirement, no locked pin.
        size_bytes: of the file that is downloaded for it, compressed; of the largest, where
            environments get several. None: the index does not state it, or there is none.
        uploaded: when that file was uploaded; None likewise.
        urls: pages about the project, by what they are: see ``planning/release_facts.py``.
        newest: the newest version that was asked for, where that is another one; else None.
        reason: why it is not taken, a clause of its own; or an empty string.
        note: what else becomes of its line, such as its marker, as the end of a sentence.
    """

    project: str
    before: Version | None
    after: Version | None
    file: str
    line: int
    written: str = ""
    is_new: bool = False
    extras: tuple[str, ...] = ()
    taken_from: Literal["image", "index"] | None = None
    is_direct: bool = True
    environments: tuple[str, ...] = ()
    size_bytes: int | None = None
    uploaded: datetime | None = None
    urls: tuple[tuple[str, str], ...] = ()
    newest: Version | None = None
    reason: str = ""
    note: str = ""

    @property
    def is_kept(self) -> bool:
        """Whether the project stays as it is, and only its line is written anew."""
        is_like = self.before == self.after and not self.extras and not self.note
        return is_like and not self.is_new

    @property
    def shown(self) -> str:
        """How a report names it."""
        return self.written or self.project

    @property
    def level(self) -> Level | None:
        """The first number that differs between both versions; None unless the project moves.

        What differs behind the third number counts as ``patch``, another epoch as ``major``.
        """
        one, two = self.before, self.after
        if one is None or two is None or one == two:
            return None
        if (one.epoch, one.major) != (two.epoch, two.major):
            return "major"
        return "minor" if one.minor != two.minor else "patch"


class Download(Struct, frozen=True, kw_only=True):
    """What an installer downloads for a project.

    Attributes:
        project: the project.
        version: its version; None for an address.
        file: the name of the file, or the address as it is written.
        size_bytes: of the file, compressed; None: the index does not state it.
        is_open: what it needs in turn is unknown.
    """

    project: str
    version: Version | None
    file: str
    size_bytes: int | None
    is_open: bool = False

    @property
    def shown(self) -> str:
        """How a report names it."""
        return f"{self.project} {self.version or ''}".rstrip()

    @property
    def is_unknown(self) -> bool:
        """Whether it may be larger than what is known of it."""
        return self.size_bytes is None or self.is_open


class Cost(Struct, frozen=True, kw_only=True):
    """What an environment installs that it did not install before.

    Attributes:
        environment: its name.
        downloads: the new projects, transitive dependencies included; the largest first.
        growth_bytes: how much larger everything that it installs is than before; None: not asked.
    """

    environment: str
    downloads: tuple[Download, ...]
    growth_bytes: int | None = None

    @property
    def size_bytes(self) -> int:
        """The sizes that are known, together."""
        return sum(each.size_bytes or 0 for each in self.downloads)

    @property
    def unknown(self) -> tuple[str, ...]:
        """The projects that may be larger than what is known."""
        return tuple(each.project for each in self.downloads if each.is_unknown)


class Held(Struct, frozen=True, kw_only=True):
    """A project that cannot move, though there is a newer version, with the reason as a clause.

    In a ``Draft``, also one that moves, but not to its newest version; see ``Change.newest``.
    ``environments`` are the names of those that it is held for, and ``written`` is its name with
    the extras of its line, or nothing.
    """

    project: str
    version: Version
    newest: Version
    reason: str
    environments: tuple[str, ...] = ()
    written: str = ""

    @property
    def shown(self) -> str:
        """How a report names it."""
        return self.written or self.project


class LeftAlone(Struct, frozen=True, kw_only=True):
    """A line that the command does not move, and why."""

    requirement: str
    file: str
    line: int
    reason: str


class PathStep(Struct, frozen=True, kw_only=True):
    """A step of the path from a line to a project.

    Attributes:
        project: what is needed.
        version: its version; None for an address.
        requirement: what the line, or the step before, asks of it.
        file: the file of the line; None after the first step.
        line: its number there.
        environments: the names of those that have the whole path.
    """

    project: str
    version: Version | None
    requirement: str
    file: str | None
    line: int | None
    environments: tuple[str, ...] = ()


class Explanation(Struct, frozen=True, kw_only=True):
    """What rules out a version, or several.

    Attributes:
        requirement: what was asked about: ``flask==3.0``.
        is_possible: it can be taken as the files are.
        reasons: what rules it out, or newer versions of what is asked about; a clause each.
        fix: the command that takes it, or what makes it possible; an empty string: it is there.
    """

    requirement: str
    is_possible: bool
    reasons: tuple[str, ...]
    fix: str


class Alike(Struct, frozen=True, kw_only=True):
    """What a finding shares with others, so that a report may name them in one line.

    Attributes:
        message: it is about several: ``requirements are not pinned``.
        subject: what is named behind that.
        fix: what to do about several, with ``{}`` for the subjects, if that is one command.
    """

    message: str
    subject: str
    fix: str = ""


class Replacement(Struct, frozen=True, kw_only=True):
    """Lines to write in place of others; none, where these are to be removed.

    Attributes:
        first: the 1-based number of the first line that they replace.
        last: that of the last one.
        lines: without their ends.
    """

    first: int
    last: int
    lines: tuple[str, ...]


class Finding(Struct, frozen=True, kw_only=True):
    """Something that breaks the workflow (an error), that may, or that could be better (advice).

    Attributes:
        code: its kind, one of ``FINDING_CODES``.
        file: its file, or None.
        line: its 1-based line, or None.
        severity: an error keeps the image from being built, or the tasks from working.
        message: what it is.
        fix: what to do about it, or an empty string.
        replacement: the lines of its file that do it; None where no lines are known that do.
        alike: what it shares with others of its kind.
        environments: the names of those that it is about, where it is about a requirement.
    """

    code: str
    file: str | None
    line: int | None
    severity: Severity
    message: str
    fix: str
    alike: Alike | None = None
    environments: tuple[str, ...] = ()
    replacement: Replacement | None = None


class Origin(Struct, frozen=True, kw_only=True):
    """Where a part of the target comes from.

    Attributes:
        part: ``file``, ``dockerfile``, ``context``, ``stage``, ``python``, ``libc``,
            ``platform``, ``installer`` or ``index``.
        value: what it is.
        source: the line, file or setting that says so, in words.
    """

    part: str
    value: str
    source: str


class Trial(Struct, frozen=True, kw_only=True):
    """A command that tries a new image, in a container of its own.

    Attributes:
        start: the words that start a container.
        words: what follows the options that name it.
        engine: the program that removes it.
    """

    start: tuple[str, ...]
    words: tuple[str, ...]
    engine: str


class Builder(Struct, frozen=True, kw_only=True):
    """A command that builds the image, or the images; or several commands, in turn.

    Attributes:
        name: ``compose``, ``bake``, ``docker``, ``podman`` or ``command``.
        command: the arguments.
        further: those of the commands after it, which build one image each, as it does then.
        options_at: where in them an option of the build goes; None: unknown.
        folder: where it runs.
        place: that folder, relative to where the user stands; ``.`` is here.
        images: what it builds: the names of compose services, else the image's tag.
        services: the compose services that it builds, where they are named.
        probe: a command that succeeds where the engine answers; empty: the program is enough.
        next_step: what the user would type here to use a new image, or an empty string.
        trials: what tries the new images, by the setting ``verify``.
        may_build_several: whether one image may be built although the command fails.
    """

    name: str
    command: tuple[str, ...]
    options_at: int | None
    folder: Path
    images: tuple[str, ...]
    services: tuple[str, ...] = ()
    probe: tuple[str, ...] = ()
    place: str = "."
    next_step: str = ""
    trials: tuple[Trial, ...] = ()
    may_build_several: bool = False
    further: tuple[tuple[str, ...], ...] = ()

    @property
    def commands(self) -> tuple[tuple[str, ...], ...]:
        """All commands, in their order."""
        return (self.command, *self.further)

    @property
    def shown(self) -> str:
        """The commands as the user would type them here; a remark names the secrets they lack."""
        written = [word for command in self.commands for word in command]
        hidden = [redact_words(command) for command in self.commands]
        words = [word for command in hidden for word in command]
        lacking = [new for new, old in zip(words, written, strict=True) if new != old]
        names = [word.removeprefix("--build-arg=") for word in lacking if HIDDEN not in word]
        remarks = [f"set {', '.join(names)} in the environment"] * bool(names)
        remarks += [f"{HIDDEN} is a hidden value"] * (len(names) < len(lacking))
        remark = f"  # {'; '.join(remarks)}" if remarks else ""
        return f"{typed_from_here(' && '.join(map(shlex.join, hidden)), self.place)}{remark}"

    @property
    def absence(self) -> str:
        """What to say where it does not answer."""
        if not self.probe:
            return f"there is no program `{self.command[0]}`"
        program = [word for word in self.command[:2] if word in {self.command[0], "compose"}]
        return f"no engine answers `{shlex.join(program)}`"

    def apart(self) -> tuple[Builder, ...]:
        """Return a builder for each of the images; none where they are built together alone."""
        if self.further and len(self.commands) == len(self.images):
            return tuple(
                replace(self, command=command, further=(), images=(image,))
                for command, image in zip(self.commands, self.images, strict=True)
            )
        words = self.command[: self.options_at]
        return tuple(
            replace(self, command=(*words, service), images=(service,), services=(service,))
            for service in (self.services if len(self.services) > 1 else ())
        )

    def without_cache(self) -> Builder:
        """Return the builder that builds every layer anew.

        Raises:
            UsageError: it is unknown how the user's command takes that option.
        """
        if self.options_at is None:
            raise UsageError(
                "the setting build_command has no word `build` to put --no-cache behind",
                hint="build it with the options that your program has for that",
            )
        at = self.options_at
        first, *further = ((*each[:at], "--no-cache", *each[at:]) for each in self.commands)
        return replace(self, command=first, further=tuple(further), options_at=at + 1)


def typed_from_here(command: str, place: str) -> str:
    """Return a command that is to run in a folder, as the user would type it here."""
    return command if place == "." else f"(cd {shlex.quote(place)} && {command})"


class PlannedFor(Struct, frozen=True, kw_only=True):
    """An environment that versions were chosen for, or lines removed."""

    name: str
    target: Target


class PlannedBuild(Struct, frozen=True, kw_only=True):
    """A command that builds images.

    Attributes:
        environments: the names of those that they hold.
        command: as the user would type it.
        engine: ``docker`` or ``podman``, which has the images then.
        images: for each image, the names that it may have there; none: it is unknown.
    """

    environments: tuple[str, ...]
    command: str
    engine: str = ""
    images: tuple[tuple[str, ...], ...] = ()


class BuiltSize(Struct, frozen=True, kw_only=True):
    """How large an image is, as the engine counts; None: unknown."""

    image: str
    before_bytes: int | None = None
    after_bytes: int | None = None


class Plan(Struct, frozen=True, kw_only=True):
    """The changes a command would make.

    Attributes:
        command: the task's name.
        folder: the project's folder, relative to where the user stands; ``.`` is here.
        files: the requirements files that the command is for, named likewise.
        dockerfiles: what the image is built from, named likewise.
        services: the compose services of the project, whether the plan builds them or not.
        environments: those that install the files; none where they are not known, and the command
            chooses no versions.
        edits: the new bytes of each file that changes.
        changes: what moves.
        costs: what environments install besides, largest first.
        together: the projects that move, each with those that have to move with it; none where
            that was not asked.
        held: what cannot move, though there is a newer version.
        left_alone: the lines that were not considered.
        paths: why a project is installed: the paths to it from the lines.
        explanations: what rules out versions that were asked about.
        findings: what breaks the workflow, or may.
        origins: where each part of the target comes from, if that was asked.
        warnings: what the user should know before trusting the result.
        hints: what else the user may want to do.
        from_source: the releases that the image builds from source, each with the reason.
        suggestion: lines to write into a file, after one that says which; or an empty string.
        builder: what builds the image; None where the project has no image.
        builds: its commands, each with the environments that it builds.
        lack: which argument or secret that build lacks that installing takes; None: it lacks none.
        verifies: the setting or the option ``verify`` has a command to run in new images.
        is_unfinished: an earlier command was killed before it built the image from the files.
        leads_back: the tasks that take the changes back give the files their former bytes.
    """

    command: str
    folder: str = "."
    files: tuple[str, ...] = ()
    dockerfiles: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    environments: tuple[PlannedFor, ...] = ()
    edits: tuple[Edit, ...] = ()
    changes: tuple[Change, ...] = ()
    costs: tuple[Cost, ...] = ()
    together: tuple[tuple[NormalizedName, ...], ...] = ()
    held: tuple[Held, ...] = ()
    left_alone: tuple[LeftAlone, ...] = ()
    paths: tuple[tuple[PathStep, ...], ...] = ()
    explanations: tuple[Explanation, ...] = ()
    findings: tuple[Finding, ...] = ()
    origins: tuple[Origin, ...] = ()
    warnings: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    from_source: tuple[tuple[str, str], ...] = ()
    suggestion: str = ""
    builder: Builder | None = None
    builds: tuple[PlannedBuild, ...] = ()
    lack: DockerfileError | None = None
    verifies: bool = False
    is_unfinished: bool = False
    leads_back: bool = True

    @property
    def groups(self) -> tuple[tuple[Change, ...], ...]:
        """The changes in groups that can be made alone; lines that are new or go only follow."""
        moves = [each for each in self.changes if each.after is not None and not each.is_new]
        groups = (
            tuple(each for each in moves if canonicalize_name(each.project) in names)
            for names in self.together
        )
        return tuple(group for group in groups if group)

    @property
    def chosen_for(self) -> tuple[PlannedFor, ...]:
        """The environments that versions were chosen for."""
        return () if self.command in {"remove", "unlock"} else self.environments

    __eq__ = equal_without("lack")
    __hash__ = hash_without("lack")


class Outcome(Struct, frozen=True, kw_only=True):
    """What happened to a plan.

    Attributes:
        status: what happened to the image.
        changes: what moved; in a dry run, and of a task that only reports, what could move.
        written: the files that were written, as messages name them.
        dry_run: nothing was done.
        kept: the files keep their changes although the build failed.
        moved: the images that may have been built from these files all the same.
        undone: the files that were put back because the build failed.
        rebuilt: the images that were built again from these files.
        ahead: the images that may still be newer than their files: that build failed, too.
        interrupted: a signal ended that build, or came before it.
        failure: why the image was not built, or an empty string.
        left: why files are not as they were although the build failed, a sentence each.
        remarks: what is to be known of how files were written.
        sizes: of the images, before and after, for each of the builds of the plan; none: not built.
        in_git: git has the former bytes of every file that was written.
        undo: the command that undoes what was done, or an empty string.
    """

    status: ImageStatus
    changes: tuple[Change, ...] = ()
    written: tuple[str, ...] = ()
    dry_run: bool = False
    kept: bool = False
    moved: tuple[str, ...] = ()
    undone: tuple[str, ...] = ()
    rebuilt: tuple[str, ...] = ()
    ahead: tuple[str, ...] = ()
    interrupted: bool = False
    failure: str = ""
    left: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    sizes: tuple[tuple[BuiltSize, ...], ...] = ()
    in_git: bool = False
    undo: str = ""

    @property
    def is_done(self) -> bool:
        """Whether a file was written or an image was built."""
        return bool(self.written) or self.status == "built"
