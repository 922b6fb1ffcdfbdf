"""What is printed: the report on standard output, everything else on standard error."""

from __future__ import annotations

import pytest
from functional.temporary_project import BUILD_OUTPUT, ENGINE, TemporaryProject
from loopback_index import LoopbackIndex

KEYS = [
    "schema", "command", "dry_run", "environments", "changes", "costs", "held", "left_alone",
    "paths", "explanations", "findings", "origins", "warnings", "hints", "image", "undo", "error",
]  # fmt: skip

TASKS = [
    ("add", "requests"),
    ("remove", "flask"),
    ("upgrade", "flask"),
    ("upgrade-all",),
    ("rebuild",),
]
READING = [
    ("outdated",),
    ("why", "flask"),
    ("why-not", "flask"),
    ("check",),
    ("unlock",),
    ("lock",),
]
"""Tasks that have nothing to build here."""


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    index.add("requests", "2.31.0")
    index.add("requests", "2.30.0")
    index.add("Flask", "2.0.1")
    index.add("Flask", "3.0.3")
    index.add("Flask", "3.1", requires_python=">=3.10")
    index.add("gunicorn", "20.0")
    project.requirements = "Flask==2.0.1\ngunicorn>=20\n"


@pytest.mark.parametrize("words", [*TASKS, *READING], ids=lambda words: words[0])
def test_json_has_one_shape(project: TemporaryProject, words: tuple[str, ...]) -> None:
    """Every task prints one JSON object with the same keys, and nothing else on standard output."""
    project.stand_in("docker", ENGINE)
    done = project.invoke(f"deps.{words[0]}", *words[1:], "--format", "json")
    assert done.status == 0
    report = done.report
    assert list(report) == KEYS
    assert (report["schema"], report["command"]) == (1, words[0])
    assert list(report["image"]) == [
        *("builder", "status", "services", "builds"),
        *("moved", "verified", "undone", "remarks", "rebuilt", "ahead"),
    ]
    assert BUILD_OUTPUT in done.stderr or words in READING


def test_json_says_everything(project: TemporaryProject) -> None:
    """The object tells the target, what moved, what is held, what is left alone and the image."""
    project.stand_in("docker", ENGINE)
    project.write("invoke.yaml", "pipflow:\n  platform: linux/amd64\n")
    report = project.invoke("deps.upgrade-all", "--format", "json").report
    assert report["dry_run"] is False
    target = report["environments"][0]
    assert (target["python"], target["origin"]) == ("3.9", "Dockerfile:1")
    assert target["platforms"] == ["linux/amd64"]
    assert sorted(target) == [
        *("installer", "libc", "name", "origin", "pip", "platforms", "python")
    ]
    assert report["changes"][0].pop("size_bytes") > 0
    assert report["changes"] == [
        {
            "project": "Flask",
            "from": "2.0.1",
            "to": "3.0.3",
            "level": "major",
            "file": "requirements.txt",
            "line": 1,
            "extras": [],
            "direct": True,
            "taken_from": None,
            "environments": ["Dockerfile"],
            "uploaded": "2021-05-21T00:00:00+00:00",
            "urls": {},
            "newest": "3.1",
            "reason": "3.1 needs Python >=3.10, the image has 3.9 (Dockerfile:1)",
            "note": "",
        }
    ]
    assert report["held"] == []
    assert report["left_alone"] == [
        {
            "requirement": "gunicorn>=20",
            "file": "requirements.txt",
            "line": 2,
            "reason": "not pinned",
        }
    ]
    image: dict[str, object] = {"builder": "docker", "status": "built", "services": []}
    built = report["image"].pop("builds")
    image |= {key: [] for key in ("moved", "undone", "remarks", "rebuilt", "ahead")}
    image["verified"] = None
    assert report["image"] == image
    (build,) = built
    assert (build["environments"], build["status"]) == (["Dockerfile"], "built")
    assert build["command"].startswith("docker build ")


def test_json_of_what_comes_and_goes(project: TemporaryProject) -> None:
    """`from` is null for what is added, `to` for what is removed; the line is where it stands."""
    added = project.invoke("deps.add", "requests", "--format", "json").report["changes"]
    assert [(c["project"], c["from"], c["to"], c["line"]) for c in added] == [
        ("requests", None, "2.31.0", 3)
    ]
    gone = project.invoke("deps.remove", "flask", "--format", "json").report["changes"]
    assert [(c["project"], c["from"], c["to"], c["line"]) for c in gone] == [
        ("Flask", "2.0.1", None, 1)
    ]


def test_json_of_an_error(project: TemporaryProject) -> None:
    """What ended a command is in the object: where, what to do, and the exit status."""
    done = project.invoke("deps.upgrade", "nothing", "--format", "json")
    assert list(done.report) == KEYS
    assert (done.status, done.report["command"], done.report["changes"]) == (1, "upgrade", [])
    error = done.report["error"]
    assert (error["code"], error["exit_status"]) == ("requirements", 1)
    assert error["message"] in done.stderr
    project.requirements = "Flask==2.0.1\n-r missing.txt\n"
    error = project.invoke("deps.lock", "--format", "json").report["error"]
    assert (error["file"], error["line"]) == ("requirements.txt", 2)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("add", "--nothing"), "usage"),
        (("add", "requests==9"), "unsuitable"),
        (("add", "nothing"), "unknown-project"),
        (("upgrade-all", "--level", "none"), "usage"),
        (("lock", "--file", "."), "file"),
        (("why", "flask", "--file", "none.txt"), "requirements"),
    ],
)
def test_json_of_each_error(project: TemporaryProject, words: tuple[str, ...], code: str) -> None:
    """Errors of every kind are in the object, also those before a plan is made."""
    task, *rest = words
    done = project.invoke(f"deps.{task}", *rest, "--format", "json")
    assert (done.status, done.report["error"]["code"]) == (1, code)
    assert done.report["image"]["status"] == "unchanged"


@pytest.mark.parametrize("form", ["json", "markdown", "github"])
def test_error_of_the_program(project: TemporaryProject, form: str) -> None:
    """A project whose tasks file can't be loaded: the report of the task says so, once."""
    project.write("tasks.py", "import pipflow_tasks\n\nimport nothing_of_that_name\n")
    done = project.pipflow("view-all", "--format", form)
    assert done.status == 1
    assert done.stdout.count("No module named") == 1
    assert "No module named" in done.stderr
    if form == "json":
        error = done.report["error"]
        assert (error["file"], error["line"], error["exit_status"]) == ("tasks.py", 3, 1)


def test_json_of_a_failed_build(project: TemporaryProject) -> None:
    """A build that fails: what would have moved, what was put back, and status 3 with the error."""
    project.stand_in("docker", {"version": 0, "build": 7})
    report = project.invoke("deps.upgrade-all", "--format", "json").report
    assert (report["error"]["code"], report["error"]["exit_status"]) == ("build", 3)
    assert "ended with status 7" in report["error"]["message"]
    assert [change["project"] for change in report["changes"]] == ["Flask"]
    assert report["image"]["undone"] == ["requirements.txt"]
    assert [build["status"] for build in report["image"]["builds"]] == ["failed"]


@pytest.mark.parametrize(
    ("told", "words", "status", "exit_status"),
    [
        (ENGINE, (), "built", 0),
        ({"version": 0, "build": 1}, (), "failed", 3),
        (ENGINE, ("--no-rebuild",), "skipped", 0),
        (ENGINE, ("--dry-run",), "planned", 0),
        (ENGINE, ("--only", "flask", "--skip", "flask"), "unchanged", 0),
        ({"version": 1}, (), "no-engine", 0),
        (None, (), "no-engine", 0),
    ],
)
def test_json_tells_the_image(
    project: TemporaryProject,
    told: dict[str, int] | None,
    words: tuple[str, ...],
    status: str,
    exit_status: int,
) -> None:
    """`image.status` is one word for what became of the image, also when the build failed."""
    if told is not None:
        project.stand_in("docker", told)
    done = project.invoke("deps.upgrade-all", *words, "--format", "json")
    assert done.status == exit_status
    assert done.report["image"]["status"] == status
    assert done.report["dry_run"] is ("--dry-run" in words)


def test_warnings_stand_in_the_report(project: TemporaryProject, index: LoopbackIndex) -> None:
    """With `--format json` warnings and notes are in the object, else on standard error and out."""
    index.add("made", "1.0", tags=["cp39-cp39-win_amd64"], sdist=True)
    index.add("made", "0.9", wheel=False, sdist=True)
    text = project.invoke("deps.add", "made", "--dry-run")
    told = project.invoke("deps.add", "made", "--dry-run", "--format", "json")
    assert text.stderr.startswith("warning: made 1.0 has no wheel")
    assert "warning: " not in text.stdout
    note, warning = told.report["warnings"]
    assert f"note      {note}\n" in text.stdout
    assert f"warning: {warning}\n" == text.stderr
    assert told.stderr == ""


def test_json_has_the_hints(project: TemporaryProject) -> None:
    """What text says at its end stands in JSON as well."""
    done = project.invoke("deps.add", "flask", "--format", "json")
    assert done.report["hints"] == [
        "Flask is already listed, at 2.0.1 (requirements.txt:1); `upgrade Flask` moves it"
    ]


@pytest.mark.parametrize("form", ["text", "json", "markdown", "github"])
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8:strict"])
def test_output_without_all_letters(project: TemporaryProject, encoding: str, form: str) -> None:
    """A report can be printed wherever it goes; what can't be shown there is escaped."""
    (project.folder / "requirements.txt").write_bytes(b"Flask==2.0.1\ncaf\xe9 \xe2\x98\x95\n")
    environment = {"PYTHONIOENCODING": encoding}
    done = project.invoke("deps.upgrade-all", "--format", form, environment=environment)
    assert (done.status, "Traceback" in done.output) == (0, False)
    assert "caf" in done.stdout
    if form == "json":
        assert done.report["left_alone"][0]["line"] == 2


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_a_name_adds_no_line(project: TemporaryProject, form: str) -> None:
    """A line break in the name of a file, or a bar, changes nothing of a report but the name."""
    name = "a|b\nadded     evil 6.6.6.txt"
    project.write(name, "Flask==2.0.1\n")
    project.write("invoke.yaml", 'pipflow:\n  python: "3.9"\n')
    done = project.invoke("deps.upgrade-all", "--no-rebuild", "--file", name, "--format", form)
    assert done.status == 0, done.stderr
    assert not any(line.startswith("added") for line in done.output.splitlines())
    shown = r"a|b\nadded" if form == "text" else r"in a\|b\\nadded"
    assert shown in done.stdout


def test_lines_to_write_are_a_block_of_markdown(project: TemporaryProject) -> None:
    """Lines for invoke.yaml are a block of code in Markdown, and lines in other formats."""
    project.write("Dockerfile", "FROM team/image:1\nRUN pip install -r requirements.txt\n")
    lines = 'pipflow:\n  python: "3.12"'
    done = project.invoke("deps.check", "--offline", "--format", "markdown")
    assert f"in invoke.yaml:\n\n```yaml\n{lines}\n```\n" in done.stdout
    done = project.invoke("deps.check", "--offline")
    assert done.stdout.endswith(f"in invoke.yaml:\n{lines}\n")


@pytest.mark.parametrize("form", ["text", "markdown", "json", "github", "sarif"])
def test_report_has_no_secret(project: TemporaryProject, form: str) -> None:
    """A secret that a Dockerfile has is hidden in every format, also in what quotes it."""
    words = "--password hunter2 --index-url https://host.example/?token=hunter2"
    project.write("Dockerfile", f"FROM python:3.9\nRUN pip install {words} -r requirements.txt\n")
    done = project.invoke("deps.check", "--offline", "--explain", "--format", form)
    assert "hunter2" not in done.output


def test_unknown_format_is_refused_before_anything_is_done(project: TemporaryProject) -> None:
    """A format that is none: status 1 with those that are, and nothing written or built."""
    docker = project.stand_in("docker", ENGINE)
    done = project.invoke("deps.upgrade-all", "--format", "yaml")
    assert (done.status, done.stdout) == (1, "")
    assert project.requirements == "Flask==2.0.1\ngunicorn>=20\n"
    assert docker.calls == ()
    assert "text, json, markdown" in done.stderr


def test_next_step_ends_the_report(project: TemporaryProject) -> None:
    """After a build the report ends with the commands that use the image, and that undo it."""
    project.stand_in("docker", {"version": 0, "compose version": 0, "compose build": 0})
    project.write("compose.yaml", "services:\n  app:\n    build: .\n")
    done = project.invoke("deps.upgrade-all")
    assert done.status == 0
    *_, use, undo = done.stdout.splitlines()
    assert use.endswith(" docker compose up -d app")
    assert undo == "undo      invoke deps.upgrade Flask==2.0.1"


@pytest.mark.parametrize(
    ("words", "dry"),
    [
        *((words, ("deps.{}", "--dry-run")) for words in TASKS),
        *((words, ("--dry", "deps.{}")) for words in (("upgrade-all",), ("rebuild",))),
    ],
)
def test_dry_run_shows_and_does_nothing(
    project: TemporaryProject, words: tuple[str, ...], dry: tuple[str, ...]
) -> None:
    """`--dry-run` and `invoke --dry` show the plan and the build command, and change nothing."""
    docker = project.stand_in("docker", ENGINE)
    before = project.contents()
    task, *packages = words
    line = [word.format(task) for word in dry]
    place = line.index(f"deps.{task}") + 1
    done = project.invoke(*line[:place], *packages, *line[place:])
    assert (done.status, done.stderr) == (0, "")
    assert project.contents() == before
    assert docker.built == []
    assert "would be built: docker build --tag shop" in done.stdout
    tense = {"add": "to add", "remove": "to remove", "rebuild": "image"}.get(task, "to move")
    assert any(line.startswith(tense) for line in done.stdout.splitlines())


def test_dry_run_of_a_new_file(project: TemporaryProject) -> None:
    """A dry run makes no file."""
    project.remove("requirements.txt")
    done = project.invoke("deps.add", "requests", "--dry-run")
    assert (done.status, project.exists()) == (0, False)
    assert "to add    requests 2.31.0" in done.stdout


def test_echo_shows_only_what_runs(project: TemporaryProject) -> None:
    """`invoke --echo` shows no build command where nothing is built."""
    project.stand_in("docker", ENGINE)
    for words in (("--no-rebuild",), ("--only", "flask", "--level", "patch")):
        done = project.invoke("--echo", "deps.upgrade-all", *words)
        assert (done.status, done.stderr) == (0, "")


def test_echo_shows_the_build(project: TemporaryProject) -> None:
    """`invoke --echo` shows the build command on standard error before it runs."""
    project.stand_in("docker", ENGINE)
    done = project.invoke("--echo", "deps.upgrade-all", "--format", "json")
    assert done.report["image"]["status"] == "built"
    command = "docker build --tag shop --file Dockerfile ."
    assert done.stderr.index(command) < done.stderr.index(BUILD_OUTPUT)
