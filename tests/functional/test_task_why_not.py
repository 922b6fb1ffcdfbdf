"""``why-not``: what rules out a version, and the command that takes it."""

from __future__ import annotations

import pytest
from functional.temporary_project import TemporaryProject
from loopback_index import LoopbackIndex


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    for version in ("1.26", "2.0", "2.1"):
        index.add("wire", version)
    index.add("web", "1.0", requires_dist=["wire<2"])
    index.add("web", "2.0", requires_dist=["wire"])
    index.add("lib", "1.0")
    index.add("lib", "2.0")
    index.add("lib", "3.0", requires_python=">=3.12")
    project.requirements = "web==1.0\nlib==1.0\n"
    project.write("invoke.yaml", "pipflow:\n  platform: linux/amd64\n")


def ask(project: TemporaryProject, *words: str) -> list[str]:
    """Return what is said below the target; the status is 0, and the file stays."""
    before = project.requirements
    done = project.pipflow("why-not", *words)
    assert done.status == 0, done.stderr
    assert project.requirements == before
    return done.stdout.splitlines()[1:]


def test_project_that_is_not_listed(project: TemporaryProject) -> None:
    """What another pin needs rules it out, and the command says what moves with it."""
    assert ask(project, "wire==2.0") == [
        "why not   wire==2.0",
        "          web 1.0 needs wire<2",
        '          fix: `add "wire==2.0" --with-upgrades` also moves web to 2.0',
    ]
    assert project.pipflow("add", "wire==2.0", "--with-upgrades").status == 0
    assert project.requirements == "lib==1.0\nweb==2.0\nwire==2.0\n"


def test_nothing_is_against_it(project: TemporaryProject) -> None:
    """The command that takes it is given."""
    assert ask(project, "wire<2", "lib==2.0") == [
        'why not   wire<2: nothing rules it out; `add "wire<2"` takes 1.26',
        'why not   lib==2.0: nothing rules it out; `upgrade "lib==2.0"` moves it to 2.0',
    ]


def test_name_alone_is_about_the_newest(project: TemporaryProject) -> None:
    """It is named, with its reason and what suits in its place."""
    assert ask(project, "lib") == [
        "why not   lib==3.0",
        "          3.0 needs Python >=3.12, the image has 3.9 (Dockerfile:1)",
        "          fix: lib 2.0 is the newest version that suits",
    ]


def test_specifier_that_a_version_satisfies(project: TemporaryProject) -> None:
    """What rules out a newer one is said beside the command."""
    assert ask(project, "lib>=2") == [
        'why not   lib>=2: nothing rules it out; `upgrade "lib>=2"` moves it to 2.0',
        "          3.0 needs Python >=3.12, the image has 3.9 (Dockerfile:1)",
    ]


def test_version_that_is_pinned(project: TemporaryProject) -> None:
    """It is there already, and there is nothing to do."""
    assert ask(project, "lib==1.0") == [
        "why not   lib==1.0: lib is at 1.0 already (requirements.txt:2)"
    ]


def test_policy_that_holds(project: TemporaryProject) -> None:
    """The policy of the line is named, and how to change it."""
    project.requirements = "lib==1.0  # pipflow: hold\n"
    assert ask(project, "lib==2.0") == [
        "why not   lib==2.0",
        "          lib is held by its policy (requirements.txt:1)",
        "          fix: take `# pipflow: hold` out of the line to move it",
    ]


def test_other_formats(project: TemporaryProject) -> None:
    """JSON has it as data, Markdown as a list."""
    report = project.pipflow("why-not", "wire==2.0", "--format=json").report
    assert report["explanations"] == [
        {
            "requirement": "wire==2.0",
            "possible": False,
            "reasons": ["web 1.0 needs wire<2"],
            "fix": '`add "wire==2.0" --with-upgrades` also moves web to 2.0',
        }
    ]
    markdown = project.pipflow("why-not", "wire==2.0", "--format=markdown").stdout
    assert markdown.splitlines()[-4:] == [
        "wire==2.0",
        "",
        "- web 1.0 needs wire\\<2",
        '- fix: `add "wire==2.0" --with-upgrades` also moves web to 2.0',
    ]


def test_unknown_project(project: TemporaryProject) -> None:
    """A name that the index does not have is an error."""
    done = project.pipflow("why-not", "absent")
    assert done.status == 1
    assert "has no project absent" in done.stderr or "absent" in done.stderr
