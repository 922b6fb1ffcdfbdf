"""On every file of the corpus, and on files made at random, only what is meant to change changes.

Every pinned project of the corpus is on the index with the versions that the files pin and with
one that is newer. Addresses of indexes in the files are made to lead there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import urllib.request
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loopback_index import LoopbackIndex
from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename
from packaging.version import Version

from pipflow_tasks.errors import PipflowError, RequirementsError, UsageError
from pipflow_tasks.project import Plan, Project
from pipflow_tasks.report import FORMATS, write_report
from pipflow_tasks.requirements import Kind, Line, RequirementsFile
from pipflow_tasks.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


CORPUS = Path(__file__).parents[1] / "data" / "requirements"
FILES = sorted(path.relative_to(CORPUS).as_posix() for path in CORPUS.rglob("*.txt"))
UNMOVED = {
    "hashes.txt": (RequirementsError, "the index gives no sha384 of "),
    "index-options.txt": (UsageError, "say --no-index"),
    "merge-conflict.txt": (RequirementsError, "a merge conflict is not resolved"),
}
"""The files that can't be upgraded, with the error that says so."""

ALL_HELD = {"comments.txt", "spacing.txt"}
"""Where a project stands beside a range or an address of its own, which holds all of its pins."""

VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
CUT = r"(?:\\(?:\r\n|\r|\n))"
VERSION = re.compile(rf"(==(?:[ \t]|{CUT})*)((?:[A-Za-z0-9.!+_]|-(?!-)|{CUT}(?=[\w.]))+)")
HASH = re.compile(r"--hash(?:=|[ \t]+)(\S+)")
GAP = rf"(?:[ \t]|{CUT})+"
HASHES = re.compile(rf"{HASH.pattern}(?:{GAP}{HASH.pattern})*")

corpus = pytest.mark.parametrize("name", FILES)


@dataclass(frozen=True)
class Workplace:
    """A copy of the corpus whose index addresses lead to the index on loopback."""

    folder: Path
    index: LoopbackIndex

    @property
    def environment(self) -> dict[str, str]:
        """A value for every variable that the corpus uses, easy to find where it has no place."""
        return {
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": self.index.url,
            **{name: f"value-of-{name.lower().replace('_', '-')}" for name in variables()},
        }

    def open(self, name: str) -> Project:
        """Open the project whose requirements file is ``name``."""
        settings = Settings(file=name, python="3.9", platform="linux/amd64")
        return Project.open(self.folder, settings, environment=self.environment)

    def contents(self) -> dict[str, bytes]:
        """Return every file with its bytes."""
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in self.folder.rglob("*.txt")
        }


@pytest.fixture(scope="module")
def index() -> Iterator[LoopbackIndex]:
    """Serve all that the corpus names, each project with a version that is newer than all pins."""
    pins = defaultdict(set)
    for name in FILES:
        for line in RequirementsFile.from_bytes((CORPUS / name).read_bytes()).lines:
            if line.name is not None:
                pins[line.name].add(line.pin or Version("0.1"))
    with LoopbackIndex() as index:
        for project, versions in pins.items():
            newest = max(versions)
            epoch = f"{newest.epoch}!" if newest.epoch else ""
            for local in {version.local for version in versions}:
                versions = versions | {
                    Version(f"{epoch}{newest.release[0] + 1}.0.10{f'+{local}' if local else ''}")
                }
            for version in versions:
                index.add(project, str(version), sdist=True)
        yield index


@cache
def variables() -> frozenset[str]:
    """Return the names of the variables that the corpus uses."""
    texts = [path.read_bytes().decode("latin-1") for path in CORPUS.rglob("*.txt")]
    return frozenset(name for text in texts for name in VARIABLE.findall(text))


@pytest.fixture(scope="module")
def local_corpus(tmp_path_factory: pytest.TempPathFactory, index: LoopbackIndex) -> Path:
    """Copy the corpus, and lead the index addresses in it to the index."""
    folder = tmp_path_factory.mktemp("corpus") / "corpus"
    shutil.copytree(CORPUS, folder)
    host = index.url.split("/")[2]
    for path in folder.rglob("*.txt"):
        document = RequirementsFile.from_bytes(path.read_bytes())
        texts = [
            re.sub(r"https?://((?:\S*@)?)example\.com(:\d+)?", rf"http://\g<1>{host}", line.text)
            if any(option in {"--index-url", "--extra-index-url"} for option, _ in line.options)
            else line.text
            for line in document.lines
        ]
        errors = "surrogateescape" if document.encoding == "utf-8" else "surrogatepass"
        path.write_bytes(document.mark + "".join(texts).encode(document.encoding, errors))
    return folder


@pytest.fixture
def workplace(tmp_path: Path, local_corpus: Path, index: LoopbackIndex) -> Workplace:
    """Make a copy that a test may change."""
    folder = tmp_path / "corpus"
    shutil.copytree(local_corpus, folder)
    return Workplace(folder, index)


@cache
def digests(url: str, project: str, version: Version) -> list[str]:
    """Return ``sha256:...`` of every file that the index has of a release, sorted."""
    page = urllib.request.Request(
        f"{url}{project}/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}
    )
    with urllib.request.urlopen(page) as answer:
        files = json.load(answer)["files"]
    return sorted(
        f"sha256:{file['hashes']['sha256']}"
        for file in files
        if version_of(file["filename"]) == version
    )


def version_of(filename: str) -> Version:
    if filename.endswith(".whl"):
        return parse_wheel_filename(filename)[1]
    return parse_sdist_filename(filename)[1]


def lines_of(contents: dict[str, bytes], path: str) -> dict[int, Line]:
    lines = RequirementsFile.from_bytes(contents[path], path=path).lines
    return dict(enumerate(lines))


def skeleton(text: str) -> str:
    """Put marks in the place of the pinned version, the hashes, and blanks before a comment."""
    text = HASHES.sub("<hashes>", text)
    text = VERSION.sub(r"\1<version>", text, count=1)
    return re.sub(r" +(?=#)", " ", text)


def column(text: str) -> int | None:
    """Return where the comment of a line begins, or None if it has none behind blanks."""
    comment = re.search(r" #", text.splitlines()[0])
    return None if comment is None else comment.end()


def require_only_moved(
    url: str, before: dict[str, bytes], after: dict[str, bytes], plan: Plan
) -> None:
    """Check that between two states only the versions and hashes that a plan names differ."""
    moved = {(change.file, change.line): change for change in plan.changes}
    assert set(after) == set(before)
    for path in before:
        if path not in {file for file, _ in moved}:
            assert after[path] == before[path], path
            continue
        old, new = lines_of(before, path), lines_of(after, path)
        assert list(new) == list(old)
        for place, line in old.items():
            change = moved.pop((path, new[place].number), None)
            if change is None:
                assert new[place].text == line.text
                continue
            assert (line.pin, new[place].pin) == (change.before, change.after)
            assert change.after is not None
            require_line_moved(url, line, new[place], change.after)
    assert moved == {}


def require_line_moved(url: str, old: Line, new: Line, version: Version) -> None:
    """Check that a line differs in its version and its hashes alone."""
    assert skeleton(new.text) == skeleton(old.text)
    now = HASH.findall(new.content)
    if not HASH.search(old.content):
        assert now == []
        written = VERSION.search(old.text)
        assert written is not None
        growth = len(str(version)) - len(written[2])
        blanks = re.search(r"( +)#", old.text)
        if blanks is not None and "\\" not in old.text and len(blanks[1]) > growth:
            assert column(new.text) == column(old.text)
        return
    assert now == digests(url, old.name or "", version)
    gaps = [re.findall(rf"{GAP}(?=--hash)", text) for text in (old.text, new.text)]
    is_one_line = len(gaps[0]) == 1 and not gaps[0][0].strip(" \t")
    assert gaps[1][0] == gaps[0][0]
    assert set(gaps[1][1:]) <= ({" "} if is_one_line else set(gaps[0][-1:]))


def movable(project: Project, contents: dict[str, bytes], name: str) -> set[tuple[str, int]]:
    """Return the places of the pins of a file that apply to the target and name no variable."""
    return {
        (name, line.number)
        for line in lines_of(contents, name).values()
        if line.pin is not None and line.requirement is not None and not line.has_variable
        if line.requirement.marker is None or project.target.applies(line.requirement.marker)
    }


def name_at(contents: dict[str, bytes], place: tuple[str, int]) -> str:
    """Return the project of the line at a place."""
    path, number = place
    (line,) = [line for line in lines_of(contents, path).values() if line.number == number]
    return line.name or ""


def require_discretion(reports: list[str]) -> None:
    """Check that texts have neither the value of a variable nor a password in them."""
    for report in reports:
        assert "value-of-" not in report
        assert "not-a-real" not in report


@corpus
@pytest.mark.parametrize("resolve", [False, True], ids=["alone", "together"])
def test_upgrade_all_changes_versions_and_hashes_alone(
    name: str, resolve: bool, workplace: Workplace
) -> None:
    """`upgrade-all` of a corpus file moves every pin that applies, and keeps all other bytes."""
    before = workplace.contents()
    with workplace.open(name) as project:
        if name in UNMOVED:
            error, words = UNMOVED[name]
            with pytest.raises(error, match=words):
                project.plan_upgrade_all(force=True, resolve=resolve)
            return
        plan = project.plan_upgrade_all(force=True, resolve=resolve)
        outcome = project.apply(plan, rebuild="never")
        expected = movable(project, before, name)
    after = workplace.contents()

    reported = {change.line for change in plan.changes if change.file == name}
    new = lines_of(after, name)
    moved = {
        (name, line.number)
        for place, line in lines_of(before, name).items()
        if new[place].number in reported
    }
    stayed = {name_at(before, place) for place in expected - moved}
    assert moved <= expected
    assert stayed <= {canonicalize_name(held.project) for held in plan.held}
    assert moved or not expected or (resolve and name in ALL_HELD)
    require_only_moved(workplace.index.url, before, after, plan)
    require_discretion([write_report(plan, outcome, form=form) for form in FORMATS])
    assert b"value-of-" not in b"".join(after.values())


@corpus
def test_second_upgrade_all_changes_nothing(name: str, workplace: Workplace) -> None:
    """What `upgrade-all` has moved, it does not move again."""
    if name in UNMOVED:
        return
    with workplace.open(name) as project:
        project.apply(project.plan_upgrade_all(force=True, resolve=False), rebuild="never")
    with workplace.open(name) as project:
        plan = project.plan_upgrade_all(force=True, resolve=False)

    assert (plan.edits, plan.changes) == ((), ())


def first_block_is_sorted(data: bytes) -> bool:
    for block in RequirementsFile.from_bytes(data).blocks():
        if block.entries:
            names = [entry.name for entry in block.entries]
            return names == sorted(names)
    return True


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in FILES
        if name not in UNMOVED and first_block_is_sorted((CORPUS / name).read_bytes())
    ],
)
@pytest.mark.parametrize("added", ["a-a-first", "m.middle", "Zzz_Last"])
def test_add_then_remove_gives_the_first_bytes(name: str, added: str, workplace: Workplace) -> None:
    """In a file whose block is sorted, `remove` undoes `add` to the byte."""
    workplace.index.add(added, "1.0")
    before = workplace.contents()
    with workplace.open(name) as project:
        plan = project.plan_add(added, force=True, resolve=False)
        project.apply(plan, rebuild="never")
        middle = workplace.contents()
    with workplace.open(name) as project:
        project.apply(project.plan_remove(added, force=True), rebuild="never")

    lines = lines_of(middle, name).values()
    (line,) = [line for line in lines if line.name == canonicalize_name(added)]
    assert line.pin == Version("1.0")
    assert len(plan.changes) == 1
    assert workplace.contents() == before


@corpus
def test_every_command_is_discreet(name: str, workplace: Workplace) -> None:
    """No report and no message has a variable's value or a password in it; no file gets one."""
    workplace.index.add("new-project", "1.0")
    said: list[str] = []
    with workplace.open(name) as project:
        acts: tuple[Callable[[], Plan], ...] = (
            lambda: project.plan_outdated(),
            lambda: project.plan_add("new-project", force=True),
            lambda: project.plan_add("no-such-project", force=True),
            lambda: project.plan_upgrade("acme-billing", force=True),
            lambda: project.plan_upgrade("acme-auth flask", force=True),
            lambda: project.plan_remove("flask", force=True),
            lambda: project.plan_remove("acme-auth; python_version<'3'", force=True),
        )
        for act in acts:
            try:
                plan = act()
            except PipflowError as error:
                said.append(str(error))
                continue
            outcome = project.preview(plan)
            said += [write_report(plan, outcome, form=form) for form in FORMATS]
            said += plan.warnings
            assert b"value-of-" not in b"".join(edit.after for edit in plan.edits)
    require_discretion(said)


# Layout


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("aa == 1.0\n", "aa == 1!10.11.12\n"),
        ('aa==1.0;python_version<"4"\n', 'aa==1!10.11.12;python_version<"4"\n'),
        ("aa[a,b]==1.0 ;  os_name=='posix'\n", "aa[a,b]==1!10.11.12 ;  os_name=='posix'\n"),
        ("aa [ b , a ] (== 1.0)\n", "aa [ b , a ] (== 1!10.11.12)\n"),
        ("\taa\t==\t1.0\t# tab\n", "\taa\t==\t1!10.11.12\t# tab\n"),
        ("aa==1.0            # why\n", "aa==1!10.11.12     # why\n"),
        ("aa==1.0        # why\n", "aa==1!10.11.12 # why\n"),
        ("aa==1.0       # why\n", "aa==1!10.11.12       # why\n"),
        ("aa==1.0 # why\n", "aa==1!10.11.12 # why\n"),
        (
            "aa==1.0; os_name=='posix'          # why\n",
            "aa==1!10.11.12; os_name=='posix'   # why\n",
        ),
        ("aa==1.0\r\n\r\n# x\r\n", "aa==1!10.11.12\r\n\r\n# x\r\n"),
        ("aa==1.0", "aa==1!10.11.12"),
        ("AA==1.0\n", "AA==1!10.11.12\n"),
        ("aa==01.0.0  # odd\n", "aa==1!10.11.12  # odd\n"),
        ("aa==v1.0\n", "aa==1!10.11.12\n"),
    ],
)
@pytest.mark.parametrize("command", ["upgrade", "upgrade_all"])
def test_layout_of_a_moved_line_stays(
    command: str, before: str, after: str, tmp_path: Path, small_index: LoopbackIndex
) -> None:
    """Spacing, quotes and case stay; a comment keeps its column where its blanks allow it."""
    file = tmp_path / "requirements.txt"
    file.write_bytes(before.encode())
    with open_small(tmp_path, small_index) as project:
        project.apply(plan_for(project, command, "aa>=1"), rebuild="never")

    assert file.read_bytes() == after.encode()


def test_comment_goes_back_to_its_column(tmp_path: Path, small_index: LoopbackIndex) -> None:
    """A version that gets shorter gives the comment its blanks back; other lines don't move."""
    file = tmp_path / "requirements.txt"
    file.write_bytes(b"aa==1!10.11.12   # one\nb-b==2.0.1       # two\n")
    with open_small(tmp_path, small_index) as project:
        project.apply(project.plan_upgrade("aa==1.0", resolve=False), rebuild="never")

    assert file.read_bytes() == b"aa==1.0          # one\nb-b==2.0.1       # two\n"


# Files made at random

PINS = {"aa": "1.0", "b-b": "2.0.1", "C.c": "1!3.0", "dd": "0.9.post1", "e_e": "7"}
NEWER = "1!10.11.12"
BLANKS = st.sampled_from(["", "", " ", "  "])
COMMENTS = ("", "", " # why", "          # == 1.0", "  # pipflow: hold", "  # pipflow: <2")
OTHERS = ("", "# heading", "    # via aa", "-e ./here", "!! no sense", "zz>=1", "--pre")


@pytest.fixture(scope="module")
def small_index() -> Iterator[LoopbackIndex]:
    """Serve the projects of the random files."""
    with LoopbackIndex() as index:
        for project, version in PINS.items():
            for each in (version, NEWER, "0.1"):
                index.add(project, each, sdist=True)
        for project in ("new-one", "bz", "zz"):
            index.add(project, "5.0")
        yield index


@st.composite
def pinned_lines(draw: st.DrawFn) -> str:
    """Make a pin in some layout, without its ending."""
    name = draw(st.sampled_from(sorted(PINS)))
    extras = draw(st.sampled_from(["", "", "[x]", "[x , y]"]))
    marker = draw(st.sampled_from(["", "", ';python_version<"3.9"', " ; python_version >= '3.9'"]))
    gap = draw(st.sampled_from([" ", " \\\n    ", " \\\n"]))
    count = draw(st.integers(0, 3))
    hashes = "".join(f"{gap}--hash=sha256:{number}{'0' * 63}" for number in range(count))
    comment = draw(st.sampled_from(["", *COMMENTS]))
    return f"{name}{extras}{draw(BLANKS)}=={draw(BLANKS)}{PINS[name]}{marker}{hashes}{comment}"


@st.composite
def small_files(draw: st.DrawFn) -> bytes:
    """Make a small file: pins and a few other lines, with one kind of line ending."""
    lines = draw(st.lists(st.one_of(*[pinned_lines()] * 3, st.sampled_from(OTHERS)), min_size=2))
    text = "\n".join(lines) + draw(st.sampled_from(["", "\n"]))
    mark = draw(st.sampled_from([b"", b"\xef\xbb\xbf"]))
    return mark + text.replace("\n", draw(st.sampled_from(["\n", "\r\n", "\r"]))).encode()


COMMANDS = st.lists(
    st.sampled_from(
        [
            *[("upgrade_all", "")] * 6,
            *[("upgrade", f"{name}>=0.1") for name in PINS],
            *[("upgrade", f"{name}==0.1") for name in PINS],
            ("upgrade", "aa b-b dd"),
            *[("add", words) for words in ("new-one", "bz<6", "aa")],
            *[("remove", name) for name in ("new-one", "bz", *PINS)],
        ]
    ),
    min_size=1,
    max_size=4,
)


@given(data=small_files(), commands=COMMANDS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_random_edits_change_only_what_they_name(
    tmp_path: Path, small_index: LoopbackIndex, data: bytes, commands: list[tuple[str, str]]
) -> None:
    """Whatever the commands and their order, each changes the span it reports and nothing else."""
    file = tmp_path / "requirements.txt"
    file.write_bytes(data)
    for command, words in commands:
        before = {file.name: file.read_bytes()}
        with open_small(tmp_path, small_index) as project:
            try:
                plan = plan_for(project, command, words)
            except (RequirementsError, UsageError):
                assert file.read_bytes() == before[file.name]
                continue
            project.apply(plan, rebuild="never")
        after = {file.name: file.read_bytes()}

        assert bool(plan.changes) == (before != after)
        document = RequirementsFile.from_bytes(after[file.name])
        assert RequirementsFile.from_bytes(document.to_bytes()) == document
        if command in {"upgrade", "upgrade_all"}:
            require_only_moved(small_index.url, before, after, plan)
        else:
            require_only_added_or_removed(before[file.name], after[file.name], plan)


def open_small(folder: Path, index: LoopbackIndex) -> Project:
    environment = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": index.url}
    return Project.open(folder, Settings(python="3.9"), environment=environment)


def plan_for(project: Project, command: str, words: str) -> Plan:
    if command == "upgrade_all":
        return project.plan_upgrade_all(resolve=False)
    if command == "upgrade":
        return project.plan_upgrade(words, resolve=False)
    if command == "add":
        return project.plan_add(words, resolve=False)
    return project.plan_remove(words)


def require_only_added_or_removed(before: bytes, after: bytes, plan: Plan) -> None:
    """Check that the other requirements are the same, with the same text, whatever their order."""
    changed = {canonicalize_name(change.project) for change in plan.changes}

    def kept(data: bytes) -> list[str]:
        lines = RequirementsFile.from_bytes(data).lines
        return sorted(
            line.text.rstrip()
            for line in lines
            if line.name not in changed and line.kind not in {Kind.BLANK, Kind.COMMENT}
        )

    assert kept(after) == kept(before)
    assert after[:3] == before[:3] if before.startswith(b"\xef\xbb\xbf") else True
