r"""Logical lines: what pip reads of a requirements file, and the place of each character of it."""

from __future__ import annotations

import enum
import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote

from msgspec import Struct
from msgspec.structs import replace
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from ..errors import RequirementsError, redact
from ..values import require_short_numbers
from .options import HASH, OF_PLACES, OF_REQUIREMENTS, find_named, read_options, split_options
from .policy import Policy, read_policy
from .via import read_via

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_COMMENT_LINE = re.compile(r"\s*#")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

_ORDERED = re.compile(r"(===|[=!<>]=|[<>])\s*[^,;\s()\[\]=<>!]+")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_ARCHIVES = (
    ".whl", ".zip", ".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tbz", ".tar.xz", ".txz",
    ".tar.lz", ".tlz", ".tar.lzma",
)  # fmt: skip
_URL_SCHEMES = frozenset({"http", "https", "file", "ftp", "ssh", "git", "hg", "bzr", "sftp", "svn"})


class Kind(enum.Enum):
    """The kind of a logical line; the value names the kind in a sentence."""

    BLANK = "a blank line"
    COMMENT = "a comment"
    REQUIREMENT = "a requirement"
    EDITABLE = "an editable install"
    REFERENCE = "a URL or a path"
    OPTION = "an option"
    UNREADABLE = "not a valid line"


class Line(Struct, frozen=True, kw_only=True):
    """One logical line of a requirements file.

    Attributes:
        path: the file, as messages show it.
        number: its first physical line, from 1.
        text: all its characters, with the line endings.
        content: the part that pip reads: continued lines joined, without the comment, stripped.
        kind: the kind of line.
        comment: its comment with the ``#``, or an empty string.
        name: the canonical project name, if the line names a project.
        requirement: the PEP 508 requirement, for ``Kind.REQUIREMENT``. If its version is a
            ``${VARIABLE}``, the specifier is a stand-in and ``has_variable`` is true.
        pin: the version, if the specifier is a single ``==`` without wildcard.
        options: long option names with their values (``""`` for a flag), in the line's order.
        problem: what is wrong with an unreadable line.
        address_marker: the marker behind an address or a path.
    """

    path: str
    number: int
    text: str
    content: str
    kind: Kind
    comment: str = ""
    name: NormalizedName | None = None
    requirement: Requirement | None = None
    pin: Version | None = None
    options: tuple[tuple[str, str], ...] = ()
    problem: str = ""
    address_marker: Marker | None = None

    @property
    def place(self) -> str:
        """Its file and number: ``path:line``."""
        return f"{self.path}:{self.number}"

    @property
    def spelled_name(self) -> str:
        """The project's name as the line spells it."""
        return self.requirement.name if self.requirement is not None else str(self.name or "")

    @property
    def written_name(self) -> str:
        """The project's name with its extras, as the line spells them."""
        if self.requirement is None or not self.requirement.extras:
            return self.spelled_name
        extras = self.content.partition("[")[2].partition("]")[0]
        return f"{self.spelled_name}[{','.join(extras.replace(',', ' ').split())}]"

    @property
    def extras(self) -> frozenset[NormalizedName]:
        """The extras that it asks for."""
        extras = () if self.requirement is None else self.requirement.extras
        return frozenset(map(canonicalize_name, extras))

    @property
    def shown(self) -> str:
        """How a report names it: as written, but without hashes and secrets."""
        subject, rest = split_options(self.content)
        if not subject:
            return redact(self.content)
        return redact(" ".join([subject, *HASH.sub("", rest).split()]))

    @property
    def marker(self) -> Marker | None:
        """The marker of its requirement or address; often None."""
        return self.address_marker if self.requirement is None else self.requirement.marker

    @property
    def local_path(self) -> str:
        """The path of what it installs from the disk, as written, or an empty string."""
        reference = next(iter(self.option_values("--editable")), "")
        if self.kind is Kind.REFERENCE:
            reference = split_options(self.content)[0]
        elif self.requirement is not None:
            reference = self.requirement.url or ""
        return _local_path(reference)

    @property
    def is_legacy(self) -> bool:
        """Whether it is unreadable, but for pip before 24.1: its version is none of PEP 440's."""
        return self.kind is Kind.UNREADABLE and _is_legacy(split_options(self.content)[0])

    @property
    def has_variable(self) -> bool:
        """Whether pip will replace an environment variable in this line."""
        return _VARIABLE.search(self.content) is not None

    @property
    def is_indented(self) -> bool:
        """Whether the line begins with a space or a tab."""
        return self.text[:1] in {" ", "\t"}

    @property
    def policy(self) -> Policy | None:
        """The policy in its comment, which limits where the pin may move; often None.

        Raises:
            RequirementsError: the policy is malformed.
        """
        try:
            return read_policy(self.comment)
        except ValueError as error:
            raise RequirementsError(
                str(error),
                path=self.path,
                line=self.number,
                hint="write `# pipflow: hold`, or a specifier such as `# pipflow: >=4.2,<5`",
            ) from error

    @property
    def is_held(self) -> bool:
        """Whether its policy is to hold."""
        policy = self.policy
        return policy is not None and policy.is_hold

    @property
    def allowed_by_policy(self) -> SpecifierSet:
        """The versions that its policy allows; ``hold`` allows all."""
        policy = self.policy
        return SpecifierSet() if policy is None else policy.specifier

    @property
    def via(self) -> tuple[NormalizedName, ...]:
        """The projects that need this locked pin, as its ``# via`` comment says; often none.

        A pin with extras is a direct requirement, whatever its comment says.
        """
        requirement = self.requirement
        if self.pin is None or requirement is None or requirement.extras:
            return ()
        return read_via(self.comment)

    @property
    def includes(self) -> tuple[tuple[str, bool], ...]:
        """The files that it names with ``-r`` (False) and with ``-c`` (True)."""
        files = [(name, False) for option, name in self.file_options if option == "--requirement"]
        limits = [(name, True) for option, name in self.file_options if option == "--constraint"]
        return (*files, *limits)

    @property
    def is_stray(self) -> bool:
        """Whether it holds only options of a requirement, and no requirement."""
        names = {name for name, _ in self.options}
        return self.kind is Kind.OPTION and bool(names) and names <= OF_REQUIREMENTS

    @property
    def file_options(self) -> tuple[tuple[str, str], ...]:
        """The options for whole files, which pip ignores behind a requirement."""
        return self.options if self.kind is Kind.OPTION else ()

    @property
    def refused_places(self) -> tuple[str, ...]:
        """The options of a line that pip refuses which say where to look, by their long names."""
        if self.kind is not Kind.UNREADABLE:
            return ()
        return tuple(sorted(OF_PLACES & find_named(split_options(self.content)[1])))

    def option_values(self, name: str) -> tuple[str, ...]:
        """Return the values given to the option with that long name."""
        return tuple(value for option, value in self.options if option == name)


def by_name(lines: Iterable[Line]) -> dict[NormalizedName, tuple[Line, ...]]:
    """Return the lines that name a project, by its canonical name."""
    found: dict[NormalizedName, list[Line]] = {}
    for line in lines:
        if line.name is not None:
            found.setdefault(line.name, []).append(line)
    return {name: tuple(each) for name, each in found.items()}


def refused_error(line: Line) -> RequirementsError | None:
    """Return the error about a line that pip refuses and that says where to look."""
    if not line.refused_places:
        return None
    return RequirementsError(
        f"pip refuses this line ({line.problem}), and it sets the index "
        f"({' and '.join(line.refused_places)}); nothing is looked up until it is corrected",
        path=line.path,
        line=line.number,
        hint="correct the line",
    )


def read_lines(text: str, path: str) -> Iterator[Line]:
    """Yield the logical lines of a file's text."""
    number = 1
    held: list[str] = []
    for physical in text.splitlines(keepends=True):
        held.append(physical)
        if not goes_on(physical.splitlines()[0]):
            yield _read_line(held, number, path)
            number += len(held)
            held = []
    if held:
        yield _read_line(held, number, path)


def join_physical(physical: Sequence[str]) -> tuple[str, list[int]]:
    """Join continued lines as pip does; return also the place of each character in the text."""
    joined: list[str] = []
    offsets: list[int] = []
    start = 0
    for line in physical:
        bare = line.splitlines()[0]
        kept = bare.strip("\\") if goes_on(bare) else bare
        if _COMMENT_LINE.match(bare):
            joined.append(" ")
            offsets.append(start)
        begin = start + (bare.find(kept) if kept else 0)
        joined.append(kept)
        offsets.extend(range(begin, begin + len(kept)))
        start += len(line)
    return "".join(joined), offsets


def find_comment(text: str) -> tuple[int, int] | None:
    """Return where a comment begins: with the blanks before it, and without them."""
    place = text.find("#")
    while place > 0 and not text[place - 1].isspace():
        place = text.find("#", place + 1)
    return None if place < 0 else (len(text[:place].rstrip()), place)


def goes_on(physical: str) -> bool:
    """Return whether the next physical line continues this one."""
    return physical.endswith("\\") and not _COMMENT_LINE.match(physical)


def expand_variables(text: str, environment: Mapping[str, str]) -> str:
    """Replace ``${VARIABLES}`` by their values, as pip does: unknown and empty ones stay.

    Use the result to find files and to ask indexes. Never write or print it.
    """
    return _VARIABLE.sub(lambda match: environment.get(match[1]) or match[0], text)


def _read_line(physical: Sequence[str], number: int, path: str) -> Line:
    joined, _ = join_physical(physical)
    found = find_comment(joined)
    content = (joined[: found[0]] if found else joined).strip()
    comment = joined[found[0] :].strip() if found else ""
    text = "".join(physical)
    if content:
        understood = _understand(content)
        return replace(understood, path=path, number=number, text=text, comment=comment)
    kind = Kind.COMMENT if comment else Kind.BLANK
    return Line(path=path, number=number, text=text, content="", kind=kind, comment=comment)


@lru_cache(maxsize=1 << 14)
def _understand(content: str) -> Line:
    """Return a line with its content parsed; a command reads an edited file again."""
    line = Line(path="", number=0, text="", content=content, kind=Kind.BLANK)
    subject, rest = split_options(line.content)
    try:
        options = read_options(rest)
    except ValueError as error:
        return replace(line, kind=Kind.UNREADABLE, problem=str(error))
    if not subject:
        editable = [value for name, value in options if name == "--editable"]
        if editable:
            name = _name_of_reference(editable[0])  # pip reads only the first
            return replace(line, kind=Kind.EDITABLE, name=name, options=options)
        return replace(line, kind=Kind.OPTION, options=options)
    if _is_reference(subject):
        return _understand_reference(line, subject, options)
    try:
        requirement = _parse(subject.removesuffix(";"))  # to pip this is an empty marker
        pin = None if _VARIABLE.search(subject) else _pin(requirement)
    except (ValueError, RecursionError) as error:
        problem = str(error).partition("\n")[0]
        return replace(line, kind=Kind.UNREADABLE, options=options, problem=problem)
    return replace(
        line,
        kind=Kind.REQUIREMENT,
        name=canonicalize_name(requirement.name),
        requirement=requirement,
        pin=pin,
        options=options,
    )


def _understand_reference(line: Line, subject: str, options: tuple[tuple[str, str], ...]) -> Line:
    """Return a line with an address or a path parsed; in an address, `;` alone is no marker's."""
    address, separator, text = subject.partition("; " if "://" in subject else ";")
    try:
        marker = Marker(require_short_numbers(text)) if separator and text.strip() else None
    except (ValueError, RecursionError) as error:
        problem = str(error).partition("\n")[0]
        return replace(line, kind=Kind.UNREADABLE, options=options, problem=problem)
    return replace(
        line,
        kind=Kind.REFERENCE,
        name=_name_of_reference(address),
        options=options,
        address_marker=marker,
    )


def _local_path(reference: str) -> str:
    """Return the path that an address or a path names on the disk, without extras, or nothing."""
    address = reference.partition("; " if "://" in reference else ";")[0].partition("#")[0]
    named = NAME.match(address)
    if named and address[named.end() :].partition("[")[0].lstrip()[:1] == "@":
        address = address.partition("@")[2]
    scheme, colon, path = address.strip().partition(":")
    system, _, kind = scheme.lower().rpartition("+")
    if colon and kind == "file":
        path = unquote(re.sub(r"^//(localhost)?(?=/)", "", path))
        path = path.rpartition("@")[0] or path if system else path
    elif colon and (system or kind in _URL_SCHEMES or "@" in scheme):
        return ""
    else:
        path = address.strip()
    return re.sub(r"\[[^\]]*\]$", "", path).strip()


def _is_legacy(text: str) -> bool:
    """Return whether a requirement is valid but for its versions."""
    asked, semicolon, marker = text.partition(";")
    asked = _ORDERED.sub(r"\1 0", asked)
    try:
        Requirement(f"{asked}{semicolon}{marker}")
    except (ValueError, RecursionError):
        return False
    return True


def _parse(text: str) -> Requirement:
    """Parse a requirement; a variable that PEP 508 can't read becomes a stand-in version."""
    require_short_numbers(text)
    try:
        return Requirement(text)
    except ValueError:
        named = NAME.match(text)
        if not named or text.startswith("$", named.end()) or not _VARIABLE.search(text):
            raise
        return Requirement(_VARIABLE.sub("0", text))


def _pin(requirement: Requirement) -> Version | None:
    clauses = list(requirement.specifier)
    if len(clauses) != 1 or clauses[0].operator != "==" or clauses[0].version.endswith(".*"):
        return None
    return Version(clauses[0].version)


def _is_reference(subject: str) -> bool:
    scheme, colon, _ = subject.partition(":")
    if colon and scheme.lower().partition("+")[0] in _URL_SCHEMES:
        return True
    before_address = subject.partition("@")[0].partition(";")[0].strip()
    if "/" in before_address or re.search(r"\S\\\S", before_address) or subject.startswith("."):
        return True
    return "@" not in subject and before_address.partition("[")[0].lower().endswith(_ARCHIVES)


def _name_of_reference(reference: str) -> NormalizedName | None:
    """Return the project that ``name @ url``, a wheel's name, or ``#egg=name`` names."""
    address, _, fragment = reference.partition("#")
    named = NAME.match(address)
    if named and address[named.end() :].partition("[")[0].lstrip()[:1] == "@":
        return canonicalize_name(named[0])
    path = address.partition("?")[0].partition(";")[0].partition("[")[0].strip()
    file_name = re.split(r"[/\\]", path)[-1]
    if file_name.endswith(".whl") and file_name.count("-") >= 4:
        return canonicalize_name(file_name.partition("-")[0])
    for part in fragment.split("&"):
        key, _, value = part.partition("=")
        if key == "egg" and (egg := NAME.match(value)):
            return canonicalize_name(egg[0])
    return None
