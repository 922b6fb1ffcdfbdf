"""`upgrade`: the pins of named projects move, and no others."""

from __future__ import annotations

import pytest
from functional.temporary_project import ENGINE, TemporaryProject
from loopback_index import LoopbackIndex


@pytest.fixture(autouse=True)
def _fill(index: LoopbackIndex) -> None:
    for version in ("3.2", "4.1", "4.2.16", "5.1"):
        index.add("Django", version)
    index.add("Django", "6.0", requires_python=">=3.12")
    index.add("zope", "1.0")
    index.add("zope", "2.0")


def test_moves_the_named_alone(project: TemporaryProject) -> None:
    """The named pin moves to the newest that suits, and no other."""
    project.requirements = "Django==4.1\nzope==1.0\n"
    done = project.invoke("deps.upgrade", "django")
    assert (done.status, done.stderr) == (0, "")
    assert project.requirements == "Django==5.1\nzope==1.0\n"
    assert "moved     Django 4.1 to 5.1 (requirements.txt:1)" in done.stdout


def test_what_holds_it_is_named(project: TemporaryProject) -> None:
    """The newest version of all is named with what keeps it away."""
    project.requirements = "Django==4.1\n"
    done = project.invoke("deps.upgrade", "django")
    assert (
        "Django 4.1 to 5.1 (requirements.txt:1)\n          6.0 needs Python >=3.12" in done.stdout
    )


def test_moves_several(project: TemporaryProject) -> None:
    """Several packages in one word move at once."""
    project.requirements = "Django==4.1\nzope==1.0\n"
    assert project.invoke("deps.upgrade", "zope, django<5").status == 0
    assert project.requirements == "Django==4.2.16  # pipflow: <5\nzope==2.0\n"


def test_specifier_moves_down(project: TemporaryProject) -> None:
    """A specifier says where to, also downward: naming it is consent."""
    project.requirements = "Django==5.1\n"
    done = project.invoke("deps.upgrade", "django<5")
    assert project.requirements == "Django==4.2.16  # pipflow: <5\n"
    assert "moved     Django 5.1 to 4.2.16" in done.stdout


def test_never_down_without_a_specifier(project: TemporaryProject) -> None:
    """A pin that is newer than all that suits stays where it is."""
    docker = project.stand_in("docker", ENGINE)
    project.requirements = text = "Django==6.0\n"
    done = project.invoke("deps.upgrade", "django")
    assert (done.status, project.requirements, docker.built) == (0, text, [])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Django\n", "Django==5.1\n"),
        ("Django>=4,<5\n", "Django==4.2.16  # pipflow: <5\n"),
        ("Django==4.*\n", "Django==4.2.16  # pipflow: ==4.*\n"),
        ("Django ~= 4.1  # why\n", "Django==4.2.16  # pipflow: ~=4.1  # why\n"),
    ],
)
def test_what_was_not_pinned_is_pinned(project: TemporaryProject, before: str, after: str) -> None:
    """A line that was not pinned is pinned, within what it said."""
    project.requirements = before
    done = project.invoke("deps.upgrade", "django")
    assert (done.status, done.stderr) == (0, "")
    assert project.requirements.replace(" ", "") == after.replace(" ", "")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Django [argon2] == 4.1 ; python_version < '4' # why\r\n", "5.1"),
        ("Django(==4.1)\n", "5.1"),
        ("Django==4.1 \\\n    # why\nzope==1.0\n", "5.1"),
        ("\tDjango==4.1", "5.1"),
    ],
)
def test_the_version_alone_moves(project: TemporaryProject, before: str, after: str) -> None:
    """Spelling, blanks, extras, markers, comments and line endings around a version stay."""
    project.requirements = before
    assert project.invoke("deps.upgrade", "django").status == 0
    assert project.requirements == before.replace("4.1", after)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Django @ http://127.0.0.1/d.whl\n", "a URL"),
        ("-e git+http://127.0.0.1/d.git#egg=django\n", "an editable install"),
        ("http://127.0.0.1/Django-4.1-py3-none-any.whl\n", "a URL or a path"),
        ("Django==${VERSION}\n", "given by a variable"),
    ],
)
def test_what_is_no_version_is_refused(project: TemporaryProject, line: str, reason: str) -> None:
    """An address or a variable can't be moved: status 1, with the line."""
    project.requirements = line
    done = project.invoke("deps.upgrade", "django")
    assert (done.status, done.stdout, project.requirements) == (1, "", line)
    assert "requirements.txt:1: " in done.stderr
    assert f"can't be moved: it is {reason}" in done.stderr


@pytest.mark.parametrize("word", ["nonsuch", "django, nonsuch", "djagno"])
def test_what_is_not_there_is_refused(project: TemporaryProject, word: str) -> None:
    """A name that is not there: status 1, and nothing moves."""
    project.requirements = text = "Django==4.1\n"
    done = project.invoke("deps.upgrade", word)
    assert (done.status, done.stdout, project.requirements) == (1, "", text)
    assert done.stderr.count("hint: ") == 1


def test_missing_file_is_refused(project: TemporaryProject) -> None:
    """Without a requirements file there is nothing to move: status 1, none is made."""
    assert project.invoke("deps.upgrade", "django").status == 1
    assert not project.exists()


def test_specifier_that_nothing_satisfies(project: TemporaryProject) -> None:
    """Where no version satisfies the specifier: status 1, with the reasons, unchanged."""
    project.requirements = text = "Django==4.1\n"
    done = project.invoke("deps.upgrade", "django>=6")
    assert (done.status, project.requirements) == (1, text)
    assert "6.0 needs Python >=3.12, the image has 3.9 (Dockerfile:1)" in done.stderr


def test_line_for_the_target_moves_alone(project: TemporaryProject) -> None:
    """Of two lines with markers, the one that holds in the image moves; the other is named."""
    project.requirements = (
        'Django==3.2; python_version < "3.9"\nDjango==4.1; python_version >= "3.9"\n'
    )
    done = project.invoke("deps.upgrade", "django")
    assert project.requirements == (
        'Django==3.2; python_version < "3.9"\nDjango==5.1; python_version >= "3.9"\n'
    )
    assert "(requirements.txt:1): excluded by its marker" in done.stdout


def test_prerelease_when_asked(project: TemporaryProject, index: LoopbackIndex) -> None:
    """`--pre` moves to a pre-release; without it none is taken."""
    index.add("zope", "3.0a1")
    project.requirements = "zope==2.0\n"
    project.invoke("deps.upgrade", "zope")
    assert project.requirements == "zope==2.0\n"
    project.invoke("deps.upgrade", "zope", "--pre")
    assert project.requirements == "zope==3.0a1\n"


def test_local_builds_stay_among_themselves(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A pin of a `+cpu` build moves to the newest `+cpu` build."""
    for version in ("2.0+cpu", "2.1+cpu", "2.2+gpu", "2.3"):
        index.add("tensors", version)
    project.requirements = "tensors==2.0+cpu\n"
    project.invoke("deps.upgrade", "tensors")
    assert project.requirements == "tensors==2.1+cpu\n"


@pytest.mark.parametrize("word", ["django[argon2]", "django; python_version<'3'"])
def test_moves_versions_alone(project: TemporaryProject, word: str) -> None:
    """Extras and markers are not `upgrade`'s: status 1, unchanged."""
    project.requirements = text = "Django==4.1\n"
    assert project.invoke("deps.upgrade", word).status == 1
    assert project.requirements == text


def test_newest_of_those_asked_for_is_told(project: TemporaryProject, index: LoopbackIndex) -> None:
    """What keeps the newest version of those that were typed away is said, and no more."""
    for version in ("1.0", "1.5", "2.0", "3.0"):
        index.add("bound", version)
    project.requirements = "bound==1.0  # pipflow: <2\n"
    done = project.invoke("deps.upgrade", "bound<3", "--no-policy")
    assert (done.status, project.requirements) == (0, "bound==1.5  # pipflow: <2\n")
    said = "bound 1.0 to 1.5 (requirements.txt:1)\n          2.0 does not satisfy its policy <2"
    assert said in done.stdout


def test_line_that_was_not_pinned_is_told_so(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A line that gets its first version is pinned, not added."""
    index.add("loose", "1.0")
    project.requirements = "loose>=0.5\n"
    assert "to pin    loose 1.0" in project.invoke("deps.upgrade", "loose", "--dry-run").stdout
    assert "pinned    loose 1.0" in project.invoke("deps.upgrade", "loose").stdout


@pytest.mark.parametrize(
    ("words", "status"), [("twice twice", 0), ("twice>=1 twice<2", 1), ("twice Twice<2", 1)]
)
def test_project_that_is_named_twice(
    project: TemporaryProject, index: LoopbackIndex, words: str, status: int
) -> None:
    """A project that is asked for twice alike is moved once; asked otherwise, it is an error."""
    index.add("twice", "1.0")
    index.add("twice", "2.0")
    project.requirements = "twice==1.0\n"
    done = project.invoke("deps.upgrade", words)
    assert done.status == status, done.stderr
    assert project.requirements == ("twice==1.0\n" if status else "twice==2.0\n")
    assert "Traceback" not in done.stderr
    assert ("ask for it once" in done.stderr) == bool(status)


def test_wheel_with_a_tag_that_is_none(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A wheel whose tag is not valid is passed over, as by any installer."""
    index.add("odd", "1.0")
    index.add("odd", "2.0", tags=["py36+-none-any"])
    project.requirements = "odd==1.0\n"
    done = project.invoke("deps.upgrade", "odd")
    assert (done.status, project.requirements) == (0, "odd==1.0\n"), done.stderr
    assert "2.0 has no wheel for" in done.stdout


@pytest.mark.parametrize("option", ["--only", "--skip"])
def test_options_that_take_names(project: TemporaryProject, option: str) -> None:
    """A specifier that would not count is refused."""
    project.requirements = "flask==1.0\n"
    done = project.invoke("deps.upgrade-all", option, "flask==2.0")
    assert (done.status, project.requirements) == (1, "flask==1.0\n")
    assert '"flask==2.0" is more than a name' in done.stderr
