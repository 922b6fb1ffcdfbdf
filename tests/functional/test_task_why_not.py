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
    index.add("needy", "1.0")
    index.add("needy", "2.0", requires_dist=["wire>=2"])
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
        '          fix: take `# pipflow: hold` out of the line; then `upgrade "lib==2.0"` moves it',
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


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        ("lib==2.0", "lib==2.0,<3"),
        ("lib>=2", "lib>=2,<3"),
        ("lib>=1.5,!=1.7", "lib>=1.5,!=1.7,<3"),
    ],
)
def test_way_past_a_policy(project: TemporaryProject, typed: str, command: str) -> None:
    """The fix is the command that changes the policy and moves the pin; it does so."""
    project.requirements = "lib==1.0  # pipflow: <2,!=1.1  # why\n"
    told = ask(project, typed)
    assert told[-1] == (
        "          fix: lib 1.0 is the newest version that suits; "
        f'`upgrade "{command}"` also changes its policy to <3'
    )
    refused = project.pipflow("upgrade", typed)
    assert (refused.status, told[-1][15:] in refused.stderr) == (1, True)
    done = project.pipflow("upgrade", command)
    assert (done.status, project.requirements[:8]) == (0, "lib==2.0"), done.output
    assert "<3" in project.requirements


def test_no_way_past_a_policy(project: TemporaryProject) -> None:
    """Where something else rules the version out, too, no command is given."""
    project.requirements = "lib==1.0  # pipflow: <2\n"
    assert ask(project, "lib==3.0")[-1].endswith("lib 1.0 is the newest version that suits")
    project.requirements = "lib==1.0  # pipflow: !=2.0\n"
    assert ask(project, "lib==2.0")[-1].endswith("lib 1.0 is the newest version that suits")


def test_policy_of_another_pin(project: TemporaryProject) -> None:
    """Where the policy of another pin is in the way, the command changes that policy as well."""
    project.requirements = "wire==1.26  # pipflow: <2\nneedy==1.0\n"
    assert ask(project, "needy==2.0")[-1] == (
        "          fix: change the policy of wire (requirements.txt:1) "
        'with `upgrade "wire<3 needy==2.0"`'
    )
    done = project.pipflow("upgrade", "wire<3", "needy==2.0")
    assert done.status == 0, done.output
    assert project.requirements == "wire==2.1   # pipflow: <3\nneedy==2.0\n"
    project.requirements = "wire==1.26  # pipflow: <2\n"
    assert ask(project, "needy==2.0")[-1].startswith(
        "          fix: change the policy of wire (requirements.txt:1) "
        'with `upgrade "wire<3"`, then `add "needy==2.0"`, or '
    )
    refused = project.pipflow("add", "needy==2.0")
    assert 'with `upgrade "wire<3"`, then repeat this command, or' in refused.stderr


@pytest.mark.parametrize("typed", ["torch==9", "torch>9", "torch==2.9+cpu"])
def test_version_that_is_not_there(
    project: TemporaryProject, index: LoopbackIndex, typed: str
) -> None:
    """Of a version that does not exist, nothing else is said, as of the labels of others."""
    for version in ("2.1+cpu", "2.1+cu121", "2.2+cu121"):
        index.add("torch", version)
    project.requirements = "torch==2.1+cpu\n"
    assert ask(project, typed)[:2] == [
        f"why not   {typed}",
        f"          there is no such version; the newest is 2.{2 if '+' in typed else 1}"
        f"+{'cu121' if '+' in typed else 'cpu'}",
    ]
    assert ask(project, "torch==2.2")[1:2] == ["          2.2+cu121 is not a +cpu build"]
