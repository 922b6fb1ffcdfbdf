"""What the documents for contributors name is there: files, classes, functions."""

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from importlib.metadata import metadata
from pathlib import Path

import pytest
import yaml

import pipflow_tasks
from pipflow_tasks.plan import FINDING_CODES
from pipflow_tasks.program import PipflowProgram
from pipflow_tasks.settings import CHOICES, SETTINGS, Settings
from pipflow_tasks.tasks import program_namespace

PACKAGE = Path(pipflow_tasks.__file__).parent
ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "tests" / "data").rglob("README.md")),
]
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text("utf-8")
CODE = re.compile(r"`([^`\n]+)`")
CORE = PipflowProgram(program_namespace()).initial_context.flags
OPTIONS = {
    name: {*context.flags, *CORE}
    for context in program_namespace().to_contexts()
    for name in (str(context.name), *context.aliases)
}
"""The options of each command."""
DEFINITION = re.compile(r"`([\w.]+)`(?: and `([\w.]+)`)? in `(\w+)(?:\.py)?`")
"""How the glossary says where a word is: `Class` or `Class.attribute`, in a room."""


def name_of(document: Path) -> str:
    return document.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_lead_to_files(document: Path) -> None:
    """A link that leads to no other site leads to a file or a folder."""
    prose = re.sub(r"^```.*?^```$", "", document.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    links = re.findall(r"\]\(([^)#\s]+)", prose)
    local = [link for link in links if "://" not in link]

    assert [link for link in local if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_lead_to_headings(document: Path) -> None:
    """What a link names behind `#` is a heading of the page that it leads to."""
    links = re.findall(r"\]\(([^)#\s:]*)#([^)\s]+)\)", document.read_text("utf-8"))

    assert [
        (page, anchor)
        for page, anchor in links
        if anchor not in anchors(document.parent / page if page else document)
    ] == []


def anchors(document: Path) -> set[str]:
    """Return what the headings of a page are called in its address."""
    headings = re.findall(r"^#+ (.*)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each).strip().lower().replace(" ", "-") for each in headings}


def test_settings_are_in_the_table() -> None:
    """Each setting has its row, and each row is of a setting."""
    rows = re.findall(r"^\| (`[^|]*) \|", (ROOT / "docs" / "settings.md").read_text("utf-8"), re.M)
    named = [name for row in rows for name in CODE.findall(row)]

    assert sorted(named) == sorted(SETTINGS)


def test_defaults_are_in_the_table() -> None:
    """The default of each setting that has one, and each word that it takes, are in its row."""
    rows = re.findall(
        r"^\| (`[^|]*) \|(.*)", (ROOT / "docs" / "settings.md").read_text("utf-8"), re.M
    )
    row_of = {name: row for names, row in rows for name in CODE.findall(names)}
    defaults = {field.name: field.default for field in fields(Settings) if field.default != ""}

    for name, default in defaults.items():
        text = default if isinstance(default, str) else f"{default:g}"
        assert f"`{text}`" in row_of[name].partition(" | ")[0], name
    assert defaults.keys() == {
        name for name, row in row_of.items() if row.startswith(" `") and name != "file"
    }
    for name, words in CHOICES.items():
        assert {*words} <= {*CODE.findall(row_of[name])}


def test_settings_that_are_shown_are_valid() -> None:
    """What a page shows of `invoke.yaml` is taken as it is."""
    shown = [
        settings["pipflow"]
        for document in DOCUMENTS
        for block in re.findall(r"^```yaml\n(.*?)^```", document.read_text("utf-8"), re.M | re.S)
        for settings in [yaml.safe_load(block)]
        if "pipflow" in settings
    ]

    assert len(shown) >= 5
    for settings in shown:
        Settings.from_mapping(settings)  # raises where it is not valid


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_options_are_there(document: Path) -> None:
    """A command that prose names has the options that stand behind it."""
    unknown = [
        (command, option)
        for code in CODE.findall(document.read_text("utf-8"))
        for command, *words in [re.sub(r"^(pipflow |invoke deps\.)", "", code).split() or [""]]
        for option in (word.partition("=")[0] for word in words if word.startswith("--"))
        if command in OPTIONS and option not in OPTIONS[command]
    ]

    assert unknown == []


def test_codes_are_in_the_table() -> None:
    """Each code of a finding is explained as the package does."""
    page = (ROOT / "docs" / "reports.md").read_text("utf-8").partition("## Codes")[2]
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.*) \|$", page, re.M))

    assert rows == dict(FINDING_CODES)


def test_metadata_promises_what_is_tested() -> None:
    """Each Python that the metadata name is in CI; Windows is for WSL, there and in the README."""
    classifiers = metadata("pipflow-tasks").get_all("Classifier") or []
    named = [each.rpartition(" ")[2] for each in classifiers if ":: Python :: 3." in each]
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    (matrix,) = re.findall(r"^ *python: \[(.*)\]$", workflow, re.M)

    assert named == matrix.replace('"', "").split(", ")
    assert [each for each in classifiers if "Operating System" in each] == [
        "Operating System :: POSIX"
    ]
    assert "on Windows in WSL" in (ROOT / "README.md").read_text("utf-8")


def test_readme_is_short() -> None:
    """Who reads it wants to know what this is, and to begin."""
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 150


def test_files_of_the_architecture_are_there() -> None:
    """Every file and folder that the page names is in the package or in the repository."""
    words = CODE.findall(ARCHITECTURE)
    paths = [word for word in words if re.fullmatch(r"[\w./]+(?:\.py|/)", word)]

    assert len(paths) > 20
    assert [p for p in paths if not any((top / p).exists() for top in (ROOT, PACKAGE))] == []


def test_words_of_the_glossary_are_in_the_code() -> None:
    """Where the glossary names a class, an attribute or a function of a room, it is there."""
    named = [
        (word, room)
        for first, second, room in DEFINITION.findall(GLOSSARY)
        for word in (first, second)
        if word
    ]
    known = {room: {*definitions(room)} for room in {room for _, room in named}}

    assert len(named) > 30
    assert [(word, room) for word, room in named if word not in known[room]] == []


def test_files_of_tests_have_names_of_their_own() -> None:
    """Two of one name, in whatever folders, are one module to pytest, which then runs nothing."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]

    assert sorted(names) == sorted({*names})


def test_fast_tests_are_the_same_everywhere() -> None:
    """`invoke test --fast` and `.ci/pythons` leave out the same tests, by marks that there are."""
    chosen = {
        match
        for name in ("tasks.py", ".ci/pythons")
        for match in re.findall(r'-m "(.*?)"', (ROOT / name).read_text("utf-8"))
    }
    marks = re.findall(r'^    "(\w+): ', (ROOT / "pyproject.toml").read_text("utf-8"), re.M)

    assert chosen == {"not engine and not online"}
    assert {"engine", "online"} <= {*marks}


def definitions(room: str) -> Iterator[str]:
    """Yield what the files of a room define: functions, classes and what these have, aliases."""
    for file in (*PACKAGE.glob(f"{room}.py"), *PACKAGE.glob(f"{room}/**/*.py")):
        for node in ast.parse(file.read_text("utf-8")).body:
            if isinstance(node, ast.Assign):
                yield from (target.id for target in node.targets if isinstance(target, ast.Name))
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                yield node.name
            if isinstance(node, ast.ClassDef):
                yield from (f"{node.name}.{attribute}" for attribute in attributes(node))


def attributes(node: ast.ClassDef) -> Iterator[str]:
    """Yield the fields, properties and methods of a class."""
    for part in node.body:
        if isinstance(part, ast.FunctionDef):
            yield part.name
        elif isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
            yield part.target.id
