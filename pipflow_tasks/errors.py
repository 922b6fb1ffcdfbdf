"""Every error that this package raises on purpose.

::

    PipflowError                what to tell the user, where, and what to do about it
    ├── UsageError              the command line or a setting is wrong
    ├── RequirementsError       a requirements file, or a requirement that was typed
    ├── DockerfileError         a Dockerfile
    ├── ComposeError            a compose file
    ├── BakeError               a bake file
    ├── TargetError             the image's Python or platform can't be known
    ├── PackageIndexError        a package index did not give what was asked for
    │   └── ProjectNotFound     ... because it has no such project
    ├── Unsatisfiable           versions, with the reasons against them
    │   ├── NoCandidate         no version of a project suits
    │   ├── TooLarge            what is installed grows by more than is allowed
    │   └── VersionConflict     versions do not go together
    ├── FileError               a file can't be read, replaced or locked
    ├── Cancelled               a signal came before anything was changed
    └── BuildError              the image was not built (exit status 3)
        └── Interrupted         ... because a signal came

The sentence is made in ``__str__``: where, what, and then a line ``hint: ...``.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "BakeError",
    "BuildError",
    "Cancelled",
    "ComposeError",
    "DockerfileError",
    "FileError",
    "Interrupted",
    "NoCandidate",
    "PackageIndexError",
    "PipflowError",
    "ProjectNotFound",
    "RequirementsError",
    "TargetError",
    "TooLarge",
    "Unsatisfiable",
    "UsageError",
    "VersionConflict",
]

HIDDEN = "****"
"""What messages have in place of a secret."""

MOST_NAMED = 3
"""How many projects the sentence about a conflict names."""

# up to the last "@" of the word, else, with blanks, up to one before a slash: better too much is
# hidden than too little
_WITH_PASSWORD = re.compile(r"""(?<=://)[^/\s:\["',]*:""")
_END_OF_WORD = re.compile(r"[\s?]|$")
_CREDENTIALS = re.compile(r"""(?<=://)(?:[^/\s"',]*|[^/\s:\["',]*:(?!\d+\b)[^/]*)@""")
_CUT_OFF = re.compile(r"""(?<=://)([^/\s:@\["',]+):(?![0-9*]*(?:[/?#\s"',;)\\]|$))[^/\s@"',]+""")
"""A user and what may be half a password: behind the colon is no port."""


_TELLING = (
    r"(?:[\w-]{0,60}(?:token|passw(?:or)?d|passphrase|secret|credential|signature)[\w-]{0,60}"
    r"|[\w-]{0,60}(?:api|access|auth|private)[_-]?key[\w-]*)"
)
# `?token=…`, `--build-arg API_TOKEN=…`, `--password=…`, `--password …`; not `tokenizers==1.0`
_ASSIGNED = re.compile(
    rf"(?P<name>(?<![\w-]){_TELLING}=(?!=)|(?<![\w-])--{_TELLING} +(?=[^-\s]))"
    r"""(?!["']?\*{4})"""  # hidden before
    r"(?!(?:id|type|src|source|env)=)"  # `--secret id=pip,env=TOKEN` names a secret and has none
    r"""(?:"[^"\n]*"|'[^'\n]*'|(?![$*])[^\s&#"'`;)\]]+)""",
    re.IGNORECASE,
)
_TOKENS = re.compile(
    r"(?<![\w-])(?:(?:pypi-|gh[pousr]_|github_pat_|glpat-|npm_|dckr_pat_)[\w-]{16,}"
    r"|eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?|AKIA[A-Z0-9]{16})"
)
"""Tokens that are known by their form."""
_IN_PATH = re.compile(
    r"(?<=/)(?:(?=[a-zA-Z0-9]*[0-9])(?=[a-zA-Z0-9]*[a-z])(?=[a-zA-Z0-9]*[A-Z])[a-zA-Z0-9]{16,128}"
    r"|(?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{32,128})(?=/)"
)
_NO_VALUES: Mapping[str, str] = MappingProxyType({})
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]{0,20}://[^\s\"'`]+", re.IGNORECASE)


def redact(text: str, values: Mapping[str, str] = _NO_VALUES) -> str:
    """Return a text with the secrets in it hidden.

    These are the user name and password of every address; in the path of an address, what is as
    long and mixed as only tokens are; tokens that are known by their form; and what is assigned to
    a name that says so (``?token=``, ``--build-arg API_TOKEN=``, ``--password``). Words in
    ``values`` are replaced by theirs.
    """
    for value, shown in values.items():
        word = rf"(?<![A-Za-z0-9]){re.escape(value)}(?![A-Za-z0-9])"
        text = re.sub(word, shown.replace("\\", r"\\"), text)
    if "://" in text:  # a report has thousands of texts, and most are names and versions
        text = _CREDENTIALS.sub(f"{HIDDEN}@", _without_passwords(text))
        text = _CUT_OFF.sub(rf"\1:{HIDDEN}", text)
        text = _ADDRESS.sub(lambda found: _IN_PATH.sub(HIDDEN, found[0]), text)
    text = _TOKENS.sub(HIDDEN, text)
    return _ASSIGNED.sub(rf"\g<name>{HIDDEN}", text) if "=" in text or "--" in text else text


def _without_passwords(text: str) -> str:
    """Return a text without what is between ``://`` and the last ``@`` of a word, with a colon."""
    shown: list[str] = []
    position = end = last = 0
    for found in _WITH_PASSWORD.finditer(text):
        if found.end() >= end:
            stop = _END_OF_WORD.search(text, found.end())
            end = len(text) if stop is None else stop.start()
            last = text.rfind("@", found.end(), end)
        if found.end() <= last and found.start() >= position:
            shown += (text[position : found.start()], HIDDEN)
            position = last
    return "".join(shown) + text[position:]


def redact_words(words: Iterable[str]) -> tuple[str, ...]:
    """Return the words of a command with the secrets in them hidden.

    A secret build argument keeps its name alone, so that the command can be pasted: builders take
    the value from the environment, then.
    """
    shown: list[str] = []
    for word in words:
        name, equals, _ = word.partition("=")
        before = shown[-1] if shown else ""
        option = "--build-arg" if name == "--build-arg" else ""
        if option:
            name, equals, _ = word.removeprefix(f"{option}=").partition("=")
        is_secret = bool(equals) and redact(f"{name}=x") != f"{name}=x"
        both = f"{before} {word}"
        is_value = redact(f"{before} x") != f"{before} x" and redact(both) != both
        if (option or before == "--build-arg") and (is_secret or redact(word) != word):
            shown.append(f"{option}={name}" if option else name)
        elif is_secret:
            shown.append(f"{name}={HIDDEN}")
        else:
            shown.append(HIDDEN if is_value and not word.startswith("-") else redact(word))
    return tuple(shown)


_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_BREAKS = re.compile("[\t\n]")


def escape(text: str) -> str:
    """Return a text without what a terminal obeys: control characters, and those that turn it.

    Only line breaks and tabs stay.
    """
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def as_line(text: str) -> str:
    """Return a text as one line, escaped."""
    return _BREAKS.sub(lambda found: {"\n": "\\n", "\t": "\\t"}[found[0]], escape(text))


MOST_FOREIGN = 300
"""How many characters of a text from outside are shown."""


def as_foreign(text: str) -> str:
    """Return a text from outside as messages show it: one line, cut at ``MOST_FOREIGN``."""
    return as_line(text if len(text) <= MOST_FOREIGN else f"{text[: MOST_FOREIGN - 1]}…")


class PipflowError(Exception):
    """What failed, where it stands, and what to do; credentials in messages are hidden.

    Attributes:
        message: one sentence without a full stop.
        path: the file the error is about, as the user would type it, or None.
        line: 1-based line in ``path``, or None.
        hint: what to do about it, or an empty string.
        exit_status: the status a command ends with.
        code: the kind of error; ``check`` has it as the code of a finding.
        reasons: what is why, one sentence each.
    """

    exit_status: ClassVar[int] = 1
    code: ClassVar[str] = "error"
    reasons: tuple[str, ...] = ()

    def __init__(
        self, message: str, *, path: str | None = None, line: int | None = None, hint: str = ""
    ) -> None:
        self.message = as_line(redact(message))
        super().__init__(self.message)
        self.path = path
        self.line = line
        self.hint = as_line(redact(hint))

    @property
    def where(self) -> str:
        """The file and the line, before a sentence; empty where there are none."""
        if self.path is None:
            return ""
        return f"{as_line(self.path)}{'' if self.line is None else f':{self.line}'}: "

    def __str__(self) -> str:
        hint = [f"hint: {self.hint}"] if self.hint else []
        reasons = (f"  {reason}" for reason in self.reasons)
        return "\n".join([f"{self.where}{self.message}", *reasons, *hint])


class UsageError(PipflowError):
    """The command line or a setting is wrong."""

    code = "usage"


class RequirementsError(PipflowError):
    """A requirements file, or a requirement that was typed, can't be used as it is."""

    code = "requirements"


class DockerfileError(PipflowError):
    """A Dockerfile can't be understood."""

    code = "dockerfile"


class ComposeError(PipflowError):
    """A compose file can't be understood."""

    code = "compose-file"


class BakeError(PipflowError):
    """A bake file can't be understood."""

    code = "bake-file"


class TargetError(PipflowError):
    """The Python or the platform of the image can't be known."""

    code = "unknown-target"


class PackageIndexError(PipflowError):
    """A package index did not give what was asked for.

    Attributes:
        url: the address that was asked, without credentials.
    """

    code = "index"

    def __init__(self, message: str, *, url: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.url = url


class ProjectNotFound(PackageIndexError):  # noqa: N818
    """The index has no project of that name."""

    code = "unknown-project"

    def hinting(self, hint: str) -> ProjectNotFound:
        """Return the error with another hint."""
        return ProjectNotFound(self.message, url=self.url, hint=hint)


class AccessForbidden(PackageIndexError):  # noqa: N818
    """The index answered 403, which may mean that it does not have what was asked for."""


class Unsatisfiable(PipflowError):  # noqa: N818
    """No version, or no set of versions, satisfies the requirements."""

    code = "conflict"

    def __init__(self, message: str, *, reasons: Sequence[str] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reasons = tuple(as_line(redact(reason)) for reason in reasons)


class NoCandidate(Unsatisfiable):
    """A request has no version that suits the target; the reasons are newest first."""

    code = "unsuitable"

    def hinting(self, hint: str) -> NoCandidate:
        """Return the error with another hint."""
        return NoCandidate(self.message, reasons=self.reasons, hint=hint)


class TooLarge(Unsatisfiable):
    """What an environment installs grows by more than is allowed, or by an unknown size.

    The reasons are the projects, the largest first.

    Attributes:
        costs: the ``Cost`` of each environment, with its growth; none where that is unknown.
    """

    code = "growth"

    def __init__(
        self,
        message: str,
        *,
        reasons: Sequence[str] = (),
        hint: str = "",
        costs: Sequence[Any] = (),
    ) -> None:
        super().__init__(message, reasons=reasons, hint=hint)
        self.costs = tuple(costs)


class VersionConflict(Unsatisfiable):
    """Requirements conflict.

    Attributes:
        conflict: the ``resolution.Conflict``: the requirements and dependencies that conflict.
        ways: the ``planning.unblocking.Way``s out of it that the hint names.
    """

    def __init__(
        self,
        conflict: Any,
        *,
        asked: Sequence[Any] = (),
        projects: Sequence[str] = (),
        hint: str = "",
        ways: Sequence[Any] = (),
    ) -> None:
        """Make the sentence.

        ``asked`` are the ``resolution.Root`` that the command asks for, and ``projects`` how the
        sentence names them; there are none where the pinned requirements conflict.
        """
        reasons = conflict.explain(asked)
        super().__init__(_conflict_sentence(projects), reasons=reasons, hint=hint)
        self.conflict = conflict
        self.ways = tuple(ways)


def _conflict_sentence(projects: Sequence[str]) -> str:
    if not projects:
        return "the pinned requirements conflict"
    if len(projects) > MOST_NAMED:
        return "the requirements conflict with each other"
    verb = "conflict" if len(projects) > 1 else "conflicts"
    return f"{' and '.join(projects)} {verb} with the other requirements"


class FileError(PipflowError):
    """A file can't be read, replaced or locked."""

    code = "file"


class Cancelled(PipflowError):  # noqa: N818
    """A signal came before anything was changed."""

    code = "interrupted"


class BuildError(PipflowError):
    """The image was not built, or fails ``verify``.

    Attributes:
        image_moved: an image may have been built from the changed files all the same.
        outcome: the ``Outcome`` of the plan that was applied: what was put back, and what was not;
            None where the error comes from elsewhere.
    """

    exit_status = 3
    code = "build"

    def __init__(self, message: str, *, hint: str = "", image_moved: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.image_moved = image_moved
        self.outcome: Any = None  # the plan's words come after the errors


class Interrupted(BuildError):  # noqa: N818
    """A signal came while files were written or the image was built."""
