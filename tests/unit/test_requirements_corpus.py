"""A corpus of requirements files: each reads as the JSON beside it says, and as pip reads it.

``NAME.json`` holds the reading of ``NAME.txt``: every line except blank ones, without empty keys.
It may also have ``environment`` (made-up variables to read the file with), ``folders`` (what pip
must find at the paths in the file) and ``undecodable``. A line may have ``pip`` (the words with
which pip refuses it), ``since`` (the first release of pip that refuses it) and ``until`` (the
release that accepts it again).
"""

import codecs
import json
import os
import re
import warnings
from collections.abc import Iterator
from functools import cache
from optparse import Values
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version
from pip import __version__ as pip_version
from pip._internal.exceptions import PipError, RequirementsFileParseError
from pip._internal.network.session import PipSession
from pip._internal.req.constructors import install_req_from_editable, install_req_from_line
from pip._internal.req.req_file import (
    OptionParsingError,
    RequirementsFileParser,
    get_file_content,
    get_line_parser,
    preprocess,
)
from pip._internal.req.req_install import InstallRequirement

from pipflow_tasks.requirements import Kind, Line, RequirementsFile, expand_variables

CORPUS = Path(__file__).parents[1] / "data" / "requirements"
REFUSALS = (OptionParsingError, PipError, ValueError)  # the last is how old pips refuse a marker
FILES = sorted(path.relative_to(CORPUS).as_posix() for path in CORPUS.rglob("*.txt"))
NEWLINE = re.compile(r"\r\n|\r|\n")
CODING = re.compile(r"coding[:=]\s*([-\w.]+)")
MARKS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}
# pip's option, where it keeps the values, and how: in a list, as the last of them, as a flag
KEPT = {
    "--index-url": ("index_url", "last"),
    "--extra-index-url": ("extra_index_urls", "list"),
    "--no-index": ("no_index", "flag"),
    "--constraint": ("constraints", "list"),
    "--requirement": ("requirements", "list"),
    "--editable": ("editables", "list"),
    "--find-links": ("find_links", "list"),
    "--prefer-binary": ("prefer_binary", "flag"),
    "--require-hashes": ("require_hashes", "flag"),
    "--no-require-hashes": ("no_require_hashes", "flag"),
    "--pre": ("pre", "flag"),
    "--trusted-host": ("trusted_hosts", "list"),
    "--use-feature": ("features_enabled", "list"),
    "--global-option": ("global_options", "list"),
}
NAMES_OF_PROJECTS = {"--no-binary", "--only-binary", "--all-releases", "--only-final"}

corpus = pytest.mark.parametrize("name", FILES)


def data_of(name: str) -> bytes:
    return (CORPUS / name).read_bytes()


@cache
def expectation_of(name: str) -> dict[str, Any]:
    expectation: dict[str, Any] = json.loads(
        (CORPUS / name).with_suffix(".json").read_text("utf-8")
    )
    return expectation


def lines_of(name: str) -> list[dict[str, Any]]:
    """Return the lines in the JSON of a file, without the keys about pip."""
    return [
        {key: value for key, value in line.items() if key not in {"pip", "since", "until"}}
        for line in expectation_of(name)["lines"]
    ]


def reading_of(data: bytes) -> list[dict[str, Any]]:
    """Return what the JSON of a file must hold for these bytes."""
    lines = RequirementsFile.from_bytes(data).lines
    return [reading_of_line(line) for line in lines if line.kind is not Kind.BLANK]


def reading_of_line(line: Line) -> dict[str, Any]:
    reading: dict[str, Any] = {"number": line.number, "kind": line.kind.name.lower()}
    if line.kind in {Kind.EDITABLE, Kind.REFERENCE, Kind.UNREADABLE}:
        reading["content"] = line.content
    reading["name"] = line.name
    if line.requirement is not None:
        requirement = line.requirement
        reading["specifier"] = written_specifier(requirement.specifier)
        reading["extras"] = sorted(requirement.extras)
        reading["marker"] = str(requirement.marker or "")
        reading["url"] = requirement.url
    reading["pin"] = None if line.pin is None else str(line.pin)
    reading["options"] = [list(option) for option in line.options]
    reading["comment"] = line.comment
    return {key: value for key, value in reading.items() if value}


def written_specifier(specifier: object) -> str:
    """Return a specifier set, ours or pip's, as text in a fixed order."""
    return ",".join(sorted(filter(None, str(specifier).split(","))))


def text_of(data: bytes) -> tuple[str, str] | None:
    """Return a file's text and encoding as pip finds them; ``None`` if it is no text."""
    for encoding, mark in MARKS.items():
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding), encoding
    declared = CODING.search(data.partition(b"\n")[0].decode("ascii", "replace"))
    encoding = declared[1] if declared else "utf-8"
    try:
        return data.decode(encoding), encoding
    except UnicodeDecodeError:
        return None


# The expected reading of each file


def test_every_file_has_its_reading() -> None:
    """Every file has a reading, and every reading has a file."""
    readings = {path.relative_to(CORPUS).as_posix() for path in CORPUS.rglob("*.json")}

    assert readings == {Path(name).with_suffix(".json").as_posix() for name in FILES}


@corpus
def test_gives_its_bytes_back(name: str) -> None:
    """A file that is read and written has the same bytes."""
    assert RequirementsFile.from_bytes(data_of(name)).to_bytes() == data_of(name)


@corpus
def test_reads_as_its_json_says(name: str) -> None:
    """Every line of the corpus is read as its JSON says."""
    assert reading_of(data_of(name)) == lines_of(name)


@corpus
def test_only_unreadable_lines_have_a_problem(name: str) -> None:
    """A line that can't be read has its problem in one line; other lines have none."""
    for line in RequirementsFile.from_bytes(data_of(name)).lines:
        assert bool(line.problem) == (line.kind is Kind.UNREADABLE), line
        assert "\n" not in line.problem


@corpus
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("is_closed", [True, False], ids=["closed", "open"])
def test_reads_the_same_in_every_shape(name: str, newline: str, is_closed: bool) -> None:
    """Line endings, byte order marks and the final newline do not change the reading."""
    data = data_of(name)
    found = text_of(data)
    text, encoding = found or (data.decode("utf-8", "surrogateescape"), "utf-8")
    lines = NEWLINE.split(text)
    if not lines[-1]:
        del lines[-1]
    shaped = newline.join(lines) + (newline if lines and is_closed else "")

    shapes = [shaped.encode(encoding, "surrogateescape")]
    if encoding.startswith(("utf-16", "utf-32")):
        shapes = []  # only its mark shows its encoding
    if found:
        shapes += [mark + shaped.encode(encoding) for encoding, mark in MARKS.items()]

    for shape in shapes:
        assert RequirementsFile.from_bytes(shape).to_bytes() == shape
        assert reading_of(shape) == reading_of(data)


def test_reads_two_thousand_lines() -> None:
    """A long file is read to its end, line by line, and pip splits it into the same lines."""
    written = list(long_file(2_000))
    text = "".join(text for text, _ in written)

    document = RequirementsFile.from_bytes(text.encode())

    cut = [(line.number, line.content) for line in document.lines if line.content]
    assert cut == list(preprocess(text))
    assert document.to_bytes() == text.encode()

    assert len(document.lines) == 2_000
    assert [(line.name, line.pin, line.comment) for line in document.lines] == [
        reading for _, reading in written
    ]


Reading = tuple[str | None, Version | None, str]


def long_file(count: int) -> Iterator[tuple[str, Reading]]:
    """Yield the lines of a long file, and what each must be read as."""
    for number in range(count):
        major, minor = divmod(number, 40)
        version = Version(f"{major}.{minor}.{number % 7}")
        match number % 5:
            case 0:
                yield f"# part {number}\n", (None, None, f"# part {number}")
            case 1:
                yield f"Project_{number}=={version}\n", (f"project-{number}", version, "")
            case 2:
                text = f"project.{number}[extra] == {version} ; python_version < '3.{minor}'\n"
                yield text, (f"project-{number}", version, "")
            case 3:
                text = f"project-{number}=={version}  # via {number}\n"
                yield text, (f"project-{number}", version, f"# via {number}")
            case _:
                yield f"project-{number}>={version},<{major + 1}\n", (f"project-{number}", None, "")


# The same files, read by pip


@pytest.fixture(name="session", scope="module")
def fixture_session() -> PipSession:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what pip itself imports
        return PipSession()


@pytest.fixture(name="workplace")
def fixture_workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to an installable folder, and unset the variables that the corpus names."""
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    for name in FILES:
        for variable in expectation_of(name).get("environment", {}):
            monkeypatch.delenv(variable, raising=False)
    return tmp_path


def make_folders(workplace: Path, name: str) -> None:
    """Make the installable folders that the JSON of a file names."""
    for folder in expectation_of(name).get("folders", []):
        made = workplace / folder
        made.mkdir(parents=True, exist_ok=True)
        (made / "pyproject.toml").touch()


def lines_of_pip(name: str, session: PipSession) -> list[tuple[int, str]]:
    _, text = get_file_content(str(CORPUS / name), session)
    return list(preprocess(text))


def understood_by_pip(content: str) -> tuple[Values, InstallRequirement | None]:
    """Return pip's reading of a line.

    Raises:
        OptionParsingError: it refuses the line's options, and with them the file.
        PipError: it refuses the requirement.
    """
    requirement, options = get_line_parser(None)(content)
    features = options.features_enabled
    options.features_enabled = list(features)
    features.clear()  # one list for all of pip's parsers
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what pip is going to refuse one day
        if requirement:
            return options, install_req_from_line(requirement)
        if options.editables:
            return options, install_req_from_editable(options.editables[0])
    return options, None


def folded(options: Values) -> dict[str, Any]:
    """Return the options that pip has found, without those that the line does not have."""
    found = {kept: getattr(options, kept, None) for kept, _ in KEPT.values()}
    found |= {"hashes": options.hashes, "config_settings": options.config_settings}
    control = options.format_control
    found |= {"no_binary": set(control.no_binary), "only_binary": set(control.only_binary)}
    releases = getattr(options, "release_control", None)
    if releases:
        found |= {"all_releases": set(releases.all_releases)}
        found |= {"only_final": set(releases.only_final)}
    return {name: value for name, value in found.items() if value}


def folded_from(line: Line) -> dict[str, Any]:
    """Return the options of a line as pip would keep them."""
    found: dict[str, Any] = {}
    for option, value in line.options:
        if option in KEPT:
            name, how = KEPT[option]
            if how == "list":
                found.setdefault(name, []).append(value)
            else:
                found[name] = value if how == "last" else True
        elif option == "--hash":
            algorithm, _, digest = value.partition(":")
            found.setdefault("hashes", {}).setdefault(algorithm, []).append(digest)
        elif option == "--config-settings":
            key, _, setting = value.partition("=")
            settings = found.setdefault("config_settings", {})
            former = settings.get(key)
            listed = former if isinstance(former, list) else [former]
            settings[key] = setting if former is None else [*listed, setting]
        elif option in NAMES_OF_PROJECTS and value != ":none:":
            found.setdefault(option[2:].replace("-", "_"), set()).update(value.split(","))
        else:
            assert value == ":none:", f"{option} is compared with nothing"
    return found


@corpus
def test_pip_cuts_the_same_lines(name: str, workplace: Path, session: PipSession) -> None:
    """Pip finds the same lines with the same numbers, or can't decode the file."""
    ours = RequirementsFile.from_bytes(data_of(name)).lines

    if expectation_of(name).get("undecodable"):
        with pytest.raises(UnicodeDecodeError):
            lines_of_pip(name, session)
        return

    assert [(line.number, line.content) for line in ours if line.content] == lines_of_pip(
        name, session
    )


@pytest.mark.parametrize("name", [name for name in FILES if "environment" in expectation_of(name)])
def test_pip_expands_the_same_variables(
    name: str, monkeypatch: pytest.MonkeyPatch, session: PipSession
) -> None:
    """Variables are expanded as pip expands them."""
    environment = expectation_of(name)["environment"]
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    lines = [line for line in RequirementsFile.from_bytes(data_of(name)).lines if line.content]

    expanded = [(line.number, expand_variables(line.content, environment)) for line in lines]

    assert expanded == lines_of_pip(name, session)


@corpus
def test_pip_reads_the_same(name: str, workplace: Path) -> None:
    """Names, specifiers, extras, markers, addresses, options and hashes are those that pip reads.

    If pip refuses a line, the JSON has the words of its error.
    """
    make_folders(workplace, name)
    refusals = {line["number"]: line for line in expectation_of(name)["lines"] if "pip" in line}

    for line in RequirementsFile.from_bytes(data_of(name)).lines:
        if not line.content:
            continue
        where = f"line {line.number}: {line.content}"
        expected = refusals.get(line.number, {})
        is_refused = "pip" in expected and is_of_this_pip(expected)
        try:
            options, requirement = understood_by_pip(line.content)
        except REFUSALS as error:
            said = error.msg if isinstance(error, OptionParsingError) else str(error)
            assert is_refused, f"{where}: pip refuses it: {said}"
            assert expected["pip"] in said, where
            continue
        assert not is_refused, f"{where}: pip takes it"
        if line.kind is Kind.UNREADABLE:
            assert "pip" in expected, f"{where}: pip reads it"
            continue
        assert folded_from(line) == folded(options), where
        if requirement is not None and not line.has_variable:
            assert understood(line) == understood_requirement(requirement), where


def is_of_this_pip(refusal: dict[str, Any]) -> bool:
    since, until = refusal.get("since", "0"), refusal.get("until", "9999")
    return Version(since) <= Version(pip_version) < Version(until)


def understood(line: Line) -> dict[str, Any]:
    """Return what is compared with pip's reading of the same line."""
    ours = line.requirement
    if ours is None:
        return {"name": line.name}
    return {
        "name": line.name,
        "specifier": written_specifier(ours.specifier),
        "extras": {canonicalize_name(extra) for extra in ours.extras},
        "marker": str(ours.marker or "").replace("'", '"'),
        "url": ours.url,
    }


def understood_requirement(theirs: InstallRequirement) -> dict[str, Any]:
    is_reference = theirs.link is not None and not (theirs.req and theirs.req.url)
    name = canonicalize_name(theirs.req.name) if theirs.req else None
    if is_reference or theirs.editable:
        return {"name": name}
    assert theirs.req is not None
    return {
        "name": name,
        "specifier": written_specifier(theirs.req.specifier),
        "extras": {canonicalize_name(extra) for extra in theirs.extras},
        "marker": str(theirs.markers or "").replace("'", '"'),
        "url": theirs.req.url,
    }


Followed = tuple[str, int, bool]


@corpus
def test_pip_follows_the_same_files(name: str, workplace: Path, session: PipSession) -> None:
    """Pip reads the same lines in the same order through ``-r`` and ``-c``.

    If pip refuses the options of a line, it stops reading the file there.
    """
    if expectation_of(name).get("undecodable"):
        return
    found: list[Followed] = []
    is_complete = True
    parser = RequirementsFileParser(session, get_line_parser(None))
    try:
        found.extend(
            (os.path.normpath(line.filename), line.lineno, line.constraint)
            for line in parser.parse(str(CORPUS / name), False)
        )
    except RequirementsFileParseError:
        is_complete = False

    expected = list(follow(CORPUS / name))
    refused = [place for place, followed in enumerate(expected) if is_given_up(followed)]

    assert is_complete == (not refused)
    assert found == expected[: refused[0] if refused else None]


def follow(path: Path, *, is_constraint: bool = False) -> Iterator[Followed]:
    """Yield the lines of a file in pip's order; of several files on a line, pip reads one."""
    for line in RequirementsFile.from_bytes(path.read_bytes()).lines:
        included = [*line.option_values("--requirement"), *line.option_values("--constraint")]
        if line.kind is Kind.OPTION and included:
            is_constraint_file = not line.option_values("--requirement")
            yield from follow(path.parent / included[0], is_constraint=is_constraint_file)
        elif line.content:
            yield os.path.normpath(path), line.number, is_constraint


def is_given_up(followed: Followed) -> bool:
    """Return whether pip refuses the options of a line."""
    path, number, _ = followed
    (line,) = (
        line
        for line in RequirementsFile.from_bytes(Path(path).read_bytes()).lines
        if line.number == number
    )
    try:
        get_line_parser(None)(line.content)
    except OptionParsingError:
        return True
    return False


# What the corpus must contain


def test_corpus_is_no_smaller_than_promised() -> None:
    """The corpus is varied, and small enough for the repository."""
    size_bytes = sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file())
    kinds = {line["kind"] for name in FILES for line in lines_of(name)}

    assert len(FILES) >= 35
    assert size_bytes < 500_000
    assert kinds == {kind.name.lower() for kind in Kind if kind is not Kind.BLANK}


def test_corpus_names_no_host_but_the_example() -> None:
    """Addresses are made up: no host in the corpus can be reached."""
    hosts = set()
    for name in FILES:
        text = data_of(name).replace(b"\0", b"").decode("utf-8", "replace")
        hosts |= {host.lower() for host in re.findall(r"://(?:[^/@\s]*@)?([^/:\s#]+)", text)}

    assert {host for host in hosts if not host.endswith("example.com")} == set()


def test_specifiers_are_written_as_packaging_writes_them() -> None:
    """The JSON writes specifiers, markers and pins as packaging writes them."""
    for name in FILES:
        for line in lines_of(name):
            assert written_specifier(SpecifierSet(line.get("specifier", ""))) == line.get(
                "specifier", ""
            )
            if "marker" in line:
                assert str(Requirement(f"x; {line['marker']}").marker) == line["marker"]
            if "pin" in line:
                assert str(Version(line["pin"])) == line["pin"]
