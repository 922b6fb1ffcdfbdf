"""The program in this very process: its words, its help, its completion, and its commands.

The other tests start it as a user does. Here its code is traced, and each command runs once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from functional.temporary_project import dockerfile
from loopback_index import LoopbackIndex
from report_schema import require_valid

from pipflow_tasks.program import PipflowProgram
from pipflow_tasks.tasks import program_namespace

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve an index."""
    with LoopbackIndex() as served:
        for name, needs in {"flask": ["click"], "click": [], "requests": [], "redis": []}.items():
            for version in ("1.0", "2.0"):
                served.add(name, version, requires_dist=needs)
        yield served


@pytest.fixture
def run(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    index: LoopbackIndex,
) -> Run:
    """Return what runs the program in a project of its own: status, output, errors."""
    project = tmp_path / "shop"
    project.mkdir()
    (project / "Dockerfile").write_text(dockerfile("3.12"))
    (project / "requirements.txt").write_text("# Web\nflask==1.0\n\n# Stores\nredis==1.0\n")
    monkeypatch.chdir(project)
    for name, value in {
        "HOME": str(tmp_path),
        "PATH": "",
        "PIP_INDEX_URL": index.url,
        "PIP_CONFIG_FILE": "/dev/null",
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "PIPFLOW_CACHE_DIR": str(tmp_path / "cache"),
        "INVOKE_PIPFLOW_REBUILD": "never",
    }.items():
        monkeypatch.setenv(name, value)

    def run(*words: str) -> tuple[int, str, str]:
        status: object = 0
        try:
            PipflowProgram(program_namespace()).run(["pipflow", *words])
        except SystemExit as ended:
            status = ended.code or 0
        printed = capsys.readouterr()
        assert isinstance(status, int)
        return status, printed.out, printed.err

    return run


def requirements() -> list[str]:
    """Return the lines of the project's file."""
    return Path("requirements.txt").read_text().splitlines()


def test_commands(run: Run) -> None:
    """A project's life: each command does to the file what it says."""
    assert run("outdated", "--exit-code")[0] == 2
    assert run("upgrade-all", "--only", "Web")[0] == 0
    assert requirements() == ["# Web", "flask==2.0", "", "# Stores", "redis==1.0"]
    assert run("add", "requests<2", "--group", "Web")[0] == 0
    assert "requests==1.0  # pipflow: <2" in requirements()
    assert run("lock")[0] == 0
    assert "click==2.0  # via flask" in requirements()
    status, shown, _ = run("why", "click")
    assert (status, "flask==2.0" in shown) == (0, True)
    assert "policy" in run("why-not", "requests==2.0")[1]
    assert run("upgrade", "redis", "--dry-run")[0] == 0
    assert "redis==1.0" in requirements()
    assert run("remove", "requests")[0] == 0
    assert run("unlock")[0] == 0
    assert requirements() == ["# Web", "flask==2.0", "", "# Stores", "redis==1.0"]
    Path("requirements.txt").write_text("flask\nredis==1.0\n")
    assert run("pin")[0] == 0
    assert requirements() == ["flask==2.0", "redis==1.0"]
    Path("requirements.txt").write_text("click==2.0\nflask==2.0\n")
    assert run("adopt")[0] == 0
    assert requirements() == ["click==2.0  # via flask", "flask==2.0"]
    assert run("check", "--explain")[0] == 0
    assert run("cache")[0] == run("cache", "--clear")[0] == 0
    assert run("rebuild", "--dry-run")[0] == 0


@pytest.mark.parametrize("form", ["text", "json", "markdown", "github"])
def test_formats(run: Run, form: str) -> None:
    """Each format is printed, of a change and of a failure."""
    status, printed, _ = run("upgrade-all", "--dry-run", "--format", form)
    assert (status, "flask" in printed) == (0, True)
    failed, printed, said = run("add", "no-such-project", "--format", form)
    assert (failed, "no-such-project" in said) == (1, True)
    if form == "json":
        require_valid(json.loads(printed))
    else:
        assert ("no-such-project" in printed) == (form != "text")


def test_sarif(run: Run) -> None:
    """``check`` finds what is wrong, in the form of code scanners, too."""
    Path("Dockerfile").write_text("FROM python:3.12-slim\nRUN pip install -r requirements.txt\n")
    status, printed, _ = run("check", "--format", "sarif")
    assert (status, json.loads(printed)["version"]) == (1, "2.1.0")
    assert run("upgrade-all", "--format", "sarif")[0] == 1
    assert run("upgrade-all", "--format", "tex")[0] == 1


COMMANDS = ("add", "adopt", "check", "lock", "outdated", "pin", "remove", "upgrade", "why-not")


@pytest.mark.parametrize("words", [(), ("--help",), *((name, "--help") for name in COMMANDS)])
def test_help(run: Run, words: tuple[str, ...]) -> None:
    """The program and each command explain themselves."""
    status, printed, _ = run(*words)
    assert (status, "Usage: pipflow" in printed) == (0, True)
    assert "--prompt-for-sudo-password" not in printed


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("upgrde",), "did you mean `upgrade`?"),
        (("install", "flask"), "add"),
        (("flask",), "`pipflow add flask`"),
        (("add",), "add"),
        (("add", "--dryrun", "flask"), "did you mean `--dry-run`?"),
        (("--dry-run", "add", "flask"), "stands behind it"),
        (("outdated", "--json"), "`--format json`"),
        (("upgrade", "--all"), "upgrade-all"),
        (("check", "--level", "minor"), "have it"),
        (("upgrade-all", "flask"), "--only flask"),
        (("lock", "unlock"), "one command at a time"),
        (("pin", "flask", "--names", "redis"), "--names"),
        (("upgrade-all", "--only"), "needs a value"),
        (("upgrade-all", "--pin=yes"), "takes no value"),
        (("--color", "pink", "check"), "color"),
        (("--completion", "tcsh"), "bash, zsh, fish"),
        (("upgrade-all", "--only", "nonsuch"), "nonsuch is not listed"),
        (("upgrade-all", "--level", "tiny"), "tiny"),
    ],
)
def test_words_that_are_wrong(run: Run, words: tuple[str, ...], told: str) -> None:
    """What is wrong is said, with what was meant; the file stays."""
    before = requirements()
    status, printed, said = run(*words)
    assert (status, printed, requirements()) == (1, "", before)
    assert said.startswith("error: ")
    assert told in said


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (("upg",), {"upgrade", "upgrade-all"}),
        (("upgrade-all", "--on"), {"--only"}),
        (("upgrade-all", "--only", "W"), {"Web"}),
        (("upgrade-all", "--skip", "fl"), {"flask"}),
        (("upgrade", "re"), {"redis"}),
        (("add", "flask", "--group", "S"), {"Stores"}),
        (("check", "--format", "s"), {"sarif"}),
        (("check", "--format=j"), {"--format=json"}),
        (("upgrade-all", "--level", "m"), {"major", "minor"}),
        (("help", "ou"), {"outdated"}),
        (("--col",), {"--color"}),
    ],
)
@pytest.mark.parametrize("shell", ["zsh", "fish", "bash"])
def test_completion(run: Run, shell: str, typed: tuple[str, ...], offered: set[str]) -> None:
    """What a shell asks for is printed, each with what it means but for bash."""
    words = (typed[-1], " ".join(["pipflow", *typed])) if shell == "bash" else typed
    status, printed, _ = run("--complete", shell, *words)
    marks = {"zsh": ":", "fish": "\t", "bash": "\0"}
    found = {line.partition(marks[shell])[0] for line in printed.splitlines()}
    assert (status, offered <= found) == (0, True), printed


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts(run: Run, shell: str) -> None:
    """The script for each shell is printed."""
    status, printed, _ = run("--completion", shell)
    assert (status, "pipflow" in printed) == (0, True)


def test_isolated(run: Run) -> None:
    """``--isolated`` edits, and builds nothing; settings in Python are refused."""
    assert run("--isolated", "upgrade-all")[0] == 0
    assert "flask==2.0" in requirements()
    assert run("--isolated", "rebuild")[0] == 1
    Path("tasks.py").write_text(
        "import pipflow_tasks\nfrom invoke import Collection\n"
        "namespace = Collection(pipflow_tasks.namespace_for('.', python='3.11'))\n"
    )
    status, _, said = run("--isolated", "outdated")
    assert (status, "tasks.py:3" in said) == (1, True)
    assert "python 3.11" in run("outdated")[1]
