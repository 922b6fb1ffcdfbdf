"""`upgrade-all` moves every pin and nothing else; `outdated` tells what it would move."""

from __future__ import annotations

import pytest
from functional.temporary_project import ENGINE, TemporaryProject
from loopback_index import LoopbackIndex

TEXT = """\
# The web.
Flask==2.0.1  # a remark
requests==2.30.0

gunicorn>=20
celery==5.*
exact===1.0
here @ http://127.0.0.1/here.whl
-e ./local
-r more.txt
old==1.0; python_version < "3.9"
"""


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    for version in ("2.0.1", "2.0.3", "2.3.3", "3.0.3"):
        index.add("Flask", version)
    for version in ("2.30.0", "2.31.0"):
        index.add("requests", version)
    index.add("requests", "2.32.0", requires_python=">=3.10")
    for name, version in (("gunicorn", "20.0"), ("celery", "5.0"), ("exact", "1.0")):
        index.add(name, version)
    index.add("more", "1.0")
    index.add("more", "2.0")
    project.write("more.txt", "more==1.0\n")


def test_moves_every_pin_and_nothing_else(project: TemporaryProject) -> None:
    """Pins move; ranges, wildcards, `===`, addresses and excluded lines keep every byte."""
    project.requirements = TEXT
    done = project.invoke("deps.upgrade-all")
    assert done.status == 0
    assert project.requirements == TEXT.replace("2.0.1", "3.0.3").replace("2.30.0", "2.31.0")
    assert project.read("more.txt") == "more==2.0\n"
    assert "moved     more     1.0    to 2.0    (more.txt:1)" in done.stdout


def test_what_is_left_alone_is_named(project: TemporaryProject) -> None:
    """Every line that names something and is no pin is reported with its place and a reason."""
    project.requirements = TEXT
    report = project.invoke("deps.upgrade-all", "--format", "json").report
    named = [(line["requirement"], line["line"], line["reason"]) for line in report["left_alone"]]
    assert named == [
        ("gunicorn>=20", 5, "not pinned"),
        ("celery==5.*", 6, "not pinned"),
        ("exact===1.0", 7, "not pinned"),
        ("here @ http://127.0.0.1/here.whl", 8, "a URL"),
        ("-e ./local", 9, "an editable install"),
        ('old==1.0; python_version < "3.9"', 11, "excluded by its marker"),
    ]


def test_second_run_changes_and_builds_nothing(project: TemporaryProject) -> None:
    """What was moved has nothing to move: the second run leaves the file and the image alone."""
    docker = project.stand_in("docker", ENGINE)
    project.requirements = TEXT
    assert project.invoke("deps.upgrade-all").status == 0
    assert len(docker.built) == 1
    first = (project.requirements, (project.folder / "requirements.txt").stat().st_mtime_ns)
    done = project.invoke("deps.upgrade-all")
    second = (project.requirements, (project.folder / "requirements.txt").stat().st_mtime_ns)
    assert (done.status, second) == (0, first)
    assert "nothing to change" in done.stdout
    assert len(docker.built) == 1


def test_never_moves_down(project: TemporaryProject) -> None:
    """A pin above everything that suits the image stays."""
    project.requirements = text = "requests==2.32.0\nFlask==9.9\n"
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == (0, text)


def test_pin_that_nothing_suits_is_a_warning(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A project without any version for the image stays as it is, and a warning says so."""
    index.add("late", "1.0", requires_python=">=3.13")
    project.requirements = "Flask==2.0.1\nlate==1.0\n"
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == (0, "Flask==3.0.3\nlate==1.0\n")
    assert done.stderr.startswith("warning: ")
    assert "late" in done.stderr
    assert "requirements.txt:2" in done.stderr


@pytest.mark.parametrize(
    ("words", "after"),
    [
        (("--only", "flask"), "Flask==3.0.3\nrequests==2.30.0\n"),
        (("--only", "FLASK, requests"), "Flask==3.0.3\nrequests==2.31.0\n"),
        (("--skip", "Flask"), "Flask==2.0.1\nrequests==2.31.0\n"),
        (("--skip", "flask requests"), "Flask==2.0.1\nrequests==2.30.0\n"),
        (("--only", "flask,requests", "--skip=requests"), "Flask==3.0.3\nrequests==2.30.0\n"),
        (("--level", "major"), "Flask==3.0.3\nrequests==2.31.0\n"),
        (("--level", "minor"), "Flask==2.3.3\nrequests==2.31.0\n"),
        (("--level=patch",), "Flask==2.0.3\nrequests==2.30.0\n"),
    ],
)
def test_choice_of_pins(project: TemporaryProject, words: tuple[str, ...], after: str) -> None:
    """`--only` and `--skip` choose the pins, `--level` the highest number that may change."""
    project.requirements = "Flask==2.0.1\nrequests==2.30.0\n"
    assert project.invoke("deps.upgrade-all", *words).status == 0
    assert project.requirements == after


HEADED = """\
# --- Web ---
Flask=={flask}

# Django
requests=={requests}
"""


@pytest.mark.parametrize(
    ("words", "flask", "requests"),
    [
        (("--only", "fl*k"), "3.0.3", "2.30.0"),
        (("--only", "F?ask"), "3.0.3", "2.30.0"),
        (("--skip", "re*"), "3.0.3", "2.30.0"),
        (("--only", "web"), "3.0.3", "2.30.0"),
        (("--only", "# Web"), "3.0.3", "2.30.0"),
        (("--only", "django"), "2.0.1", "2.31.0"),
        (("--skip", "# django, Web"), "2.0.1", "2.30.0"),
        (("--only", "web, req*"), "3.0.3", "2.31.0"),
    ],
)
def test_choice_by_patterns_and_headings(
    project: TemporaryProject, words: tuple[str, ...], flask: str, requests: str
) -> None:
    """Both options take patterns and the headings of blocks."""
    project.requirements = HEADED.format(flask="2.0.1", requests="2.30.0")
    done = project.invoke("deps.upgrade-all", *words)
    assert done.status == 0, done.output
    assert project.requirements == HEADED.format(flask=flask, requests=requests)


def test_name_is_no_heading(project: TemporaryProject) -> None:
    """A word that is a project's name and a heading means the project."""
    project.requirements = "# Requests\nFlask==2.0.1\n\nrequests==2.30.0\n"
    assert project.invoke("deps.upgrade-all", "--only", "requests").status == 0
    assert project.requirements == "# Requests\nFlask==2.0.1\n\nrequests==2.31.0\n"
    assert project.invoke("deps.upgrade-all", "--only", "# requests").status == 0
    assert project.requirements == "# Requests\nFlask==3.0.3\n\nrequests==2.31.0\n"


def test_pins_that_the_image_cannot_install(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """No pin moves down by itself: the command that moves these is named."""
    index.add("num", "2.0")
    index.add("num", "2.1", requires_python=">=3.13")
    project.requirements = "Flask==2.0.1\nnum==2.1\n"
    for task in ("upgrade-all", "outdated"):
        done = project.invoke(f"deps.{task}")
        assert done.status == 0, done.output
        assert '`upgrade "num==2.0"` moves what the image can\'t install' in done.stdout
    assert project.requirements == "Flask==3.0.3\nnum==2.1\n"
    done = project.invoke("deps.upgrade", "num==2.0")
    assert (done.status, project.requirements) == (0, "Flask==3.0.3\nnum==2.0\n"), done.output


def test_heading_with_a_comma(project: TemporaryProject) -> None:
    """A heading is meant as a whole, before commas separate items."""
    project.requirements = "# Web, API\nFlask==2.0.1\n\nrequests==2.30.0\n"
    assert project.invoke("deps.upgrade-all", "--skip", "Web, API").status == 0
    assert project.requirements == "# Web, API\nFlask==2.0.1\n\nrequests==2.31.0\n"


def test_empty_choice(project: TemporaryProject) -> None:
    """Commas alone name nothing; that is not taken for everything."""
    project.requirements = text = "Flask==2.0.1\n"
    done = project.invoke("deps.upgrade-all", "--only", " , ")
    assert (done.status, project.requirements) == (1, text)
    assert "`--only` has an empty value" in done.stderr


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ("zope*", 'no project that is listed matches "zope*"'),
        ("# Tools", 'no block has the heading "Tools"'),
        ("webb", 'did you mean the heading "Web"?'),
        ("flask==1.*", '"flask==1.*" is more than a name'),
    ],
)
def test_choice_that_means_nothing(project: TemporaryProject, chosen: str, message: str) -> None:
    """A pattern or a heading without a project is refused; the hint says what there is."""
    project.requirements = text = HEADED.format(flask="2.0.1", requests="2.30.0")
    done = project.invoke("deps.upgrade-all", "--only", chosen)
    assert (done.status, done.stdout, project.requirements) == (1, "", text)
    assert message in done.stderr
    assert "hint: " in done.stderr


def test_level_is_named_as_the_reason(project: TemporaryProject) -> None:
    """What `--level` keeps out is said of the change, with the newest version."""
    project.requirements = "Flask==2.0.1\n"
    report = project.invoke("deps.upgrade-all", "--level", "minor", "--format", "json").report
    assert [(each["to"], each["newest"]) for each in report["changes"]] == [("2.3.3", "3.0.3")]
    assert report["changes"][0]["reason"] == "3.0.3 is more than --level=minor allows"
    assert report["held"] == []


@pytest.mark.parametrize("words", [("--only", "nonsuch"), ("--level", "tiny"), ("--level", "")])
def test_wrong_choice_is_refused(project: TemporaryProject, words: tuple[str, ...]) -> None:
    """`--only` of what is not there, and a level that is none: status 1, nothing moves."""
    project.requirements = text = "Flask==2.0.1\n"
    done = project.invoke("deps.upgrade-all", *words)
    assert (done.status, done.stdout, project.requirements) == (1, "", text)
    assert done.stderr.count("hint: ") == 1


def test_missing_project_fails_the_whole(project: TemporaryProject) -> None:
    """A project that the index does not have fails the whole run, with the way around it."""
    project.requirements = text = "Flask==2.0.1\nnonsuch==1\n"
    done = project.invoke("deps.upgrade-all")
    assert (done.status, done.stdout, project.requirements) == (1, "", text)
    assert "--skip nonsuch" in done.stderr
    assert project.invoke("deps.upgrade-all", "--skip", "nonsuch").status == 0
    assert project.requirements == "Flask==3.0.3\nnonsuch==1\n"


def test_missing_file_is_refused(project: TemporaryProject) -> None:
    """Without a requirements file there is nothing to move: status 1, none is made."""
    for task in ("deps.upgrade-all", "deps.outdated"):
        assert project.invoke(task).status == 1
    assert not project.exists()


def test_file_without_pins(project: TemporaryProject) -> None:
    """An empty file, or one of comments, has nothing to move: status 0."""
    for text in ("", "# nothing\n\n"):
        project.requirements = text
        assert project.invoke("deps.upgrade-all").status == 0
        assert project.requirements == text


def test_prerelease_pin_moves_on(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A pin of a pre-release moves to a newer pre-release, or to the final release."""
    index.add("young", "1.0a1")
    index.add("young", "1.0b1")
    index.add("young", "0.9")
    project.requirements = "young==1.0a1\n"
    project.invoke("deps.upgrade-all")
    assert project.requirements == "young==1.0b1\n"
    index.add("young", "1.0")
    index.add("young", "1.1a1")
    project.invoke("deps.upgrade-all")
    assert project.requirements == "young==1.0\n"


def test_lines_that_can_not_be_read_are_kept(project: TemporaryProject) -> None:
    """A line that is no valid requirement is named and keeps its bytes; the others move."""
    project.requirements = "Flask==2.0.1\n!! what is this\n"
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == (0, "Flask==3.0.3\n!! what is this\n")
    assert "(requirements.txt:2): not a valid line" in done.stdout


@pytest.mark.parametrize("task", ["deps.outdated", "deps.view-all"])
def test_outdated_tells_and_changes_nothing(project: TemporaryProject, task: str) -> None:
    """What could move, what is held and what is left alone is told; nothing is done."""
    docker = project.stand_in("docker", ENGINE)
    project.requirements = TEXT
    before = project.contents()
    done = project.invoke(task)
    assert (done.status, project.contents(), docker.built) == (0, before, [])
    assert "can move  Flask    2.0.1  to 3.0.3  (requirements.txt:2)" in done.stdout
    assert "\n          2.32.0 needs Python >=3.10, the image has 3.9" in done.stdout
    assert "left      3 lines, not pinned: gunicorn>=20 (requirements.txt:5), celery" in done.stdout


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("Flask==2.0.1\n", 2),
        ("Flask==3.0.3\n", 0),
        ("requests==2.31.0\n", 0),  # held back, which does not count
        ("Flask>=2\n", 0),
        ("", 0),
    ],
)
def test_exit_code(project: TemporaryProject, text: str, status: int) -> None:
    """With `--exit-code` the status is 2 when something could move, and the report is the same."""
    project.requirements = text
    plain = project.invoke("deps.outdated")
    done = project.invoke("deps.outdated", "--exit-code")
    assert (plain.status, done.status) == (0, status)
    assert done.stdout == plain.stdout


def test_outdated_takes_the_choice(project: TemporaryProject) -> None:
    """`outdated` chooses pins as `upgrade-all` does."""
    project.requirements = "Flask==2.0.1\nrequests==2.30.0\n"
    words = ("--only", "flask", "--level", "patch", "--format", "json")
    report = project.invoke("deps.outdated", *words).report
    assert [(c["project"], c["to"]) for c in report["changes"]] == [("Flask", "2.0.3")]


@pytest.mark.parametrize("option", ["--only", "--skip"])
def test_name_that_is_not_there(project: TemporaryProject, option: str) -> None:
    """A name of `--only` or `--skip` that the file does not have is refused, not passed over."""
    project.requirements = text = "requests==2.31.0\n"
    done = project.invoke("deps.upgrade-all", option, "request")
    assert (done.status, done.stdout, project.requirements) == (1, "", text)
    assert "did you mean requests?" in done.stderr
