"""What a line says of its own future is obeyed, shown, and kept."""

from __future__ import annotations

import os
from typing import Any

import pytest
from functional.temporary_project import Finished, TemporaryProject
from loopback_index import LoopbackIndex

from pipflow_tasks.errors import NoCandidate, RequirementsError, VersionConflict
from pipflow_tasks.project import Plan, Project
from pipflow_tasks.settings import Settings

VERSIONS = ("4.1", "4.2.1", "4.2.3", "4.3", "5.0", "6.0")

both_ways = pytest.mark.parametrize("resolve", [True, False], ids=["together", "alone"])


@pytest.fixture(autouse=True)
def _fill(index: LoopbackIndex) -> None:
    for version in VERSIONS:
        index.add("Django", version)
    index.add("redis", "1.0")
    index.add("redis", "2.0")


def carry_out(project: TemporaryProject, index: LoopbackIndex, command: Any) -> Plan:
    """Plan a command and write its files."""
    environment = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": index.url}
    with Project.open(project.folder, Settings(), environment=environment) as opened:
        plan: Plan = command(opened)
        opened.apply(plan, rebuild="never")
    return plan


def require_refused(done: Finished, project: TemporaryProject, text: str) -> None:
    """Check that a command ended with status 1, said nothing but an error, and wrote nothing."""
    assert (done.status, done.stdout, project.requirements) == (1, "", text)
    assert done.stderr.count("hint: ") == 1


@both_ways
@pytest.mark.parametrize(
    ("policy", "after"),
    [
        (">=4.2,<5", "4.3"),
        (">=4.2, <5", "4.3"),
        (">=4.2,   <5  keep the LTS", "4.3"),
        ("<=5.0", "5.0"),
        ("~=4.2", "4.3"),
        ("~=4.2.0", "4.2.3"),
        ("!=6.0", "5.0"),
        ("!=6.0, !=5.0 # both broken", "4.3"),
        ("==4.2.*", "4.2.3"),
        (">=4.2", "6.0"),
        ("hold", "4.2.1"),
        ("hold until the migration", "4.2.1"),
    ],
)
def test_policy_bounds_upgrade_all(
    policy: str, after: str, resolve: bool, project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A pin moves as far as its policy allows, the comment stays, the policy is the reason."""
    project.requirements = text = f"# web\ndjango==4.2.1  # pipflow: {policy}\nredis==1.0\n"

    plan = carry_out(project, index, lambda opened: opened.plan_upgrade_all(resolve=resolve))

    bare = text.replace("4.2.1", after).replace("redis==1.0", "redis==2.0")
    blanks = " " * (2 - len(after) + 5)
    assert project.requirements in {bare, bare.replace("  # pipflow", f"{blanks}# pipflow")}
    below = [(each.project, each.version, each.newest, each.reason) for each in plan.held]
    below += [
        (each.project, each.after, each.newest, each.reason)
        for each in plan.changes
        if each.reason and each.after and each.newest
    ]
    shown = [(name, str(version), str(newest)) for name, version, newest, _ in below]
    assert shown == ([] if after == "6.0" else [("django", after, "6.0")])
    assert all("policy" in reason and "(requirements.txt:2)" in reason for *_, reason in below)


@both_ways
def test_reason_of_hold_names_the_line(
    resolve: bool, project: TemporaryProject, index: LoopbackIndex
) -> None:
    """`hold` in an included file is reported with that file and line."""
    project.requirements = "-r base.txt\n"
    project.write("base.txt", "\ndjango==4.2.1  # pipflow: hold\n")

    plan = carry_out(project, index, lambda opened: opened.plan_upgrade_all(resolve=resolve))

    (held,) = plan.held
    assert "hold (base.txt:2)" in held.reason
    assert plan.edits == ()


@pytest.mark.parametrize("request_", ["django", "Django<6", "django==4.2.3", "redis, django"])
def test_named_upgrade_of_a_held_pin_is_refused(request_: str, project: TemporaryProject) -> None:
    """Naming a pin on hold is no consent: status 1, with the line, and nothing else moves."""
    project.requirements = text = "redis==1.0\ndjango==4.2.1  # pipflow: hold\n"

    done = project.pipflow("upgrade", *request_.split(", "))

    require_refused(done, project, text)
    assert done.stderr.startswith("error: requirements.txt:2: django is held by its policy")


@both_ways
@pytest.mark.parametrize(
    ("asked", "after", "policy"),
    [
        ("django", "4.3", ">=4.2,<5"),
        ("django>=4.2.2", "4.3", ">=4.2,<5"),
        ("django!=4.3", "4.2.3", ">=4.2,<5,!=4.3"),
        ("django==4.2.3", "4.2.3", ">=4.2,<5"),
    ],
)
def test_named_upgrade_stays_within_the_policy(
    asked: str,
    after: str,
    policy: str,
    resolve: bool,
    project: TemporaryProject,
    index: LoopbackIndex,
) -> None:
    """A named `upgrade` takes the newest that both the policy and the request allow."""
    project.requirements = "django==4.2.1  # pipflow: >=4.2,<5\n"

    carry_out(project, index, lambda opened: opened.plan_upgrade(asked, resolve=resolve))

    assert project.requirements.split() == f"django=={after} # pipflow: {policy}".split()


@both_ways
@pytest.mark.parametrize(
    ("line", "asked", "after"),
    [
        ("django==4.1", "django<5", "django==4.3  # pipflow: <5"),
        ("django==6.0", "django<5", "django==4.3  # pipflow: <5"),
        ("django==4.3", "django<5", "django==4.3  # pipflow: <5"),
        ("django==4.1  # why", "django~=4.2", "django==4.3  # pipflow: ~=4.2  # why"),
        ("django==4.1", "django>=4.2", "django==6.0"),
        ("django==4.1  # pipflow: <5", "django<6", "django==5.0  # pipflow: <6"),
        ("django==4.1  # pipflow: <5 LTS", "django<=5.0", "django==5.0  # pipflow: <=5.0 LTS"),
        ("django==4.1  # pipflow: >=4,<5", "django<6", "django==5.0  # pipflow: >=4,<6"),
        ("django>=4", "django", "django==6.0"),
        ("django>=4,<5", "django", "django==4.3  # pipflow: <5"),
        ("django<5,!=4.3", "django", "django==4.2.3  # pipflow: <5,!=4.3"),
        ("django<5", "django<6", "django==5.0  # pipflow: <6"),
        ("django<5", "django>=4.2", "django==4.3  # pipflow: <5"),
        ("django<5", "django>=5", "django==6.0"),
        ("django>=5", "django<5", "django==4.3  # pipflow: <5"),
        ("django<5", "django==4.2.1", "django==4.2.1  # pipflow: <5"),
        ("django  # pipflow: <5", "django", "django==4.3  # pipflow: <5"),
        ("django!=4.3  # pipflow: <5", "django", "django==4.2.3  # pipflow: <5,!=4.3"),
        ("django==4.*; python_version > '3'", "django",
         "django==4.3; python_version > '3'  # pipflow: ==4.*"),
    ],
)  # fmt: skip
def test_upgrade_writes_the_bound_as_policy(
    line: str,
    asked: str,
    after: str,
    resolve: bool,
    project: TemporaryProject,
    index: LoopbackIndex,
) -> None:
    """A bound that was typed, or that was in a range, becomes the policy; `==` and `>=` do not."""
    project.requirements = f"{line}\n"

    plan = carry_out(project, index, lambda opened: opened.plan_upgrade(asked, resolve=resolve))

    assert project.requirements.split() == after.split()
    policies = [text.partition("# pipflow: ")[2].split() for text in (line, after)]
    assert any("policy" in hint for hint in plan.hints) == (policies[0][:1] != policies[1][:1])


def test_upgrade_without_policy(project: TemporaryProject, index: LoopbackIndex) -> None:
    """With `--no-policy` a bound chooses the version within the policy, and nothing is written."""
    project.requirements = "django==4.1  # pipflow: <5\nredis<2\n"

    done = project.invoke("deps.upgrade", "django<6 redis", "--no-policy")

    assert (done.status, project.requirements) == (0, "django==4.3  # pipflow: <5\nredis==1.0\n")
    assert "becomes" not in done.stdout


def test_upgrade_changes_the_policy_of_a_locked_line(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A locked line stays locked, and has its policy behind what needs it."""
    index.add("plugin", "1.0", requires_dist=["django"])
    project.requirements = "django==4.1  # via plugin\nplugin==1.0\n"

    carry_out(project, index, lambda opened: opened.plan_upgrade("django<5"))
    assert project.requirements == "django==4.3  # via plugin  # pipflow: <5\nplugin==1.0\n"

    carry_out(project, index, lambda opened: opened.plan_upgrade("django<6"))
    assert project.requirements == "django==5.0  # via plugin  # pipflow: <6\nplugin==1.0\n"


@both_ways
@pytest.mark.parametrize("asked", ["django==6.0", "django>=5", "django<4.2"])
def test_request_against_the_policy_is_refused(
    asked: str, resolve: bool, project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A request that its policy forbids is refused with the policy and its line as the reason."""
    project.requirements = text = "redis==1.0\ndjango==4.2.1  # pipflow: >=4.2,<5\n"

    with pytest.raises((NoCandidate, VersionConflict, RequirementsError)) as caught:
        carry_out(project, index, lambda opened: opened.plan_upgrade(asked, resolve=resolve))

    assert "policy >=4.2,<5 (requirements.txt:2)" in str(caught.value)
    assert project.requirements == text


@pytest.mark.parametrize("policy", ["", "4.2", "holds", ">= 4.2", "<5, keep the LTS", "^4"])
@pytest.mark.parametrize("task", ["upgrade-all", "outdated", "upgrade"])
def test_malformed_policy_is_refused_with_its_line(
    task: str, policy: str, project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Who has to understand a malformed policy refuses it, with the line."""
    project.requirements = text = f"redis==1.0\n\ndjango==4.2.1  # pipflow: {policy}\n"
    acts = {
        "upgrade-all": lambda opened: opened.plan_upgrade_all(),
        "outdated": lambda opened: opened.plan_outdated(),
        "upgrade": lambda opened: opened.plan_upgrade("django"),
    }

    with pytest.raises(RequirementsError, match="is neither") as caught:
        carry_out(project, index, acts[task])

    assert (caught.value.path, caught.value.line) == ("requirements.txt", 3)
    assert project.requirements == text


def test_malformed_policy_ends_with_status_1(project: TemporaryProject) -> None:
    """On the command line a malformed policy is one message with path, line and hint."""
    project.requirements = text = "redis==1.0\ndjango==4.2.1  # pipflow: whenever\n"

    done = project.invoke("deps.upgrade-all")

    require_refused(done, project, text)
    assert done.stderr.startswith('error: requirements.txt:2: the policy "whenever" is neither')


@both_ways
@pytest.mark.parametrize(
    ("pin", "policy"), [("6.0", ">=4.2,<5"), ("5.0", "<5"), ("4.2.3", "!=4.2.3,<4.3"),
                        ("4.1", ">=7")],
)  # fmt: skip
def test_pin_outside_its_policy_is_not_made_worse(
    pin: str, policy: str, resolve: bool, project: TemporaryProject, index: LoopbackIndex
) -> None:
    """`upgrade-all` neither moves such a pin further out nor down; the others move."""
    project.requirements = text = f"django=={pin}  # pipflow: {policy}\nredis==1.0\n"

    plan = carry_out(project, index, lambda opened: opened.plan_upgrade_all(resolve=resolve))

    assert project.requirements == text.replace("redis==1.0", "redis==2.0")
    assert [change.project for change in plan.changes] == ["redis"]


@both_ways
def test_pin_below_its_policy_moves_into_it(
    resolve: bool, project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A pin that the policy wants higher is moved up, as far as it allows."""
    project.requirements = "django==4.1  # pipflow: >=4.2,<5\n"

    carry_out(project, index, lambda opened: opened.plan_upgrade_all(resolve=resolve))

    assert project.requirements == "django==4.3  # pipflow: >=4.2,<5\n"


@both_ways
@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ("django>=4.2,<5", "django==4.3  # pipflow: <5"),
        ("django >= 4.2, < 5", "django==4.3  # pipflow: <5"),
        ("django<5,!=4.3,>=4.2", "django==4.2.3  # pipflow: <5,!=4.3"),
        ("django~=4.2", "django==4.3  # pipflow: ~=4.2"),
        ("django!=6.0", "django==5.0  # pipflow: !=6.0"),
        ("django==4.2.*", "django==4.2.3  # pipflow: ==4.2.*"),
        ("django[x]<5; python_version>'3'", 'django[x]==4.3; python_version > "3"  # pipflow: <5'),
        ("django", "django==6.0"),
        ("django>=4.2", "django==6.0"),
        ("django>4.2,>=4.1", "django==6.0"),
        ("django==4.2.3", "django==4.2.3"),
    ],
)
def test_add_writes_the_bound_as_policy(
    asked: str, line: str, resolve: bool, project: TemporaryProject, index: LoopbackIndex
) -> None:
    """`add` writes an upper bound or an exclusion as typed, a lower bound and `==` not at all."""
    project.requirements = "redis==1.0\n"

    plan = carry_out(project, index, lambda opened: opened.plan_add(asked, resolve=resolve))

    assert project.requirements == f"{line}\nredis==1.0\n"
    policy = line.partition("# pipflow: ")[2]
    told = f"{policy} becomes the policy of django; --no-policy leaves it out"
    assert plan.hints == ((told,) if policy else ())


def test_added_policy_binds_the_next_upgrade(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """What `add` has written holds the next `upgrade-all`."""
    carry_out(project, index, lambda opened: opened.plan_add("django>=4.2,<4.3"))
    text = project.requirements

    plan = carry_out(project, index, lambda opened: opened.plan_upgrade_all())

    assert project.requirements == text == "django==4.2.3  # pipflow: <4.3\n"
    assert "policy <4.3" in plan.held[0].reason


def test_no_policy_leaves_it_out(project: TemporaryProject) -> None:
    """With `--no-policy` the bound chooses the version, and is not written."""
    project.requirements = ""

    said = project.invoke("deps.add", "django>=4.2,<5", "--dry-run")
    done = project.invoke("deps.add", "django>=4.2,<5", "--no-policy")

    assert "\nhint      <5 becomes the policy of django; --no-policy" in said.stdout
    assert (done.status, project.requirements) == (0, "django==4.3\n")
    assert "policy" not in done.stdout


def test_outdated_shows_policies(project: TemporaryProject, index: LoopbackIndex) -> None:
    """`outdated` names each policy with its place once: where it holds something, or in a hint."""
    project.requirements = text = (
        "Django==4.2.1  # pipflow: >=4.2, <5 keep the LTS\nredis==1.0  # pipflow: hold\n"
        "zope==1.0  # pipflow: <2\n"
    )
    index.add("zope", "1.0")

    done = project.invoke("deps.outdated")

    assert (done.status, project.requirements) == (0, text)
    assert done.stdout.splitlines()[1:] == [
        "can move  Django 4.2.1 to 4.3 (requirements.txt:1)",
        "          6.0 does not satisfy its policy >=4.2,<5 (requirements.txt:1)",
        "held      redis at 1.0: 2.0 is kept out by its policy, hold (requirements.txt:2)",
        "hint      zope has the policy <2 (requirements.txt:3)",
    ]


def test_outdated_exit_code_does_not_count_what_is_held(project: TemporaryProject) -> None:
    """A pin that only its policy keeps is not outdated."""
    project.requirements = "django==4.3  # pipflow: <5\nredis==1.0  # pipflow: hold\n"

    assert project.invoke("deps.outdated", "--exit-code").status == 0


def test_policy_of_a_line_that_does_not_apply_binds_nothing(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Of two lines of a project each has its own policy; the other line's does not count."""
    project.requirements = text = (
        "django==4.2.1; python_version < '3'  # pipflow: hold\n"
        "django==4.2.1; python_version > '3'  # pipflow: <6\n"
    )

    carry_out(project, index, lambda opened: opened.plan_upgrade_all())

    first, second = text.splitlines()
    moved = second.replace("==4.2.1", "==5.0").replace("  #", "    #")
    assert project.requirements == f"{first}\n{moved}\n"


def test_held_pin_is_not_moved_to_make_way(project: TemporaryProject, index: LoopbackIndex) -> None:
    """What a new project needs of a pin on hold is a conflict, also with --with-upgrades."""
    index.add("plugin", "1.0", requires_dist=["django>=5"])
    project.requirements = text = "django==4.2.1  # pipflow: hold\n"

    with pytest.raises(VersionConflict):
        carry_out(project, index, lambda opened: opened.plan_add("plugin", with_upgrades=True))

    assert project.requirements == text


def test_policy_of_a_locked_line_is_named_once(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A conflict with a locked line that is named to be moved gives its policy as one reason."""
    index.add("plugin", "1.0", requires_dist=["django"])
    index.add("plugin", "2.0", requires_dist=["django>=6"])
    project.requirements = "django==4.2.1  # via plugin  # pipflow: <6\nplugin==1.0\n"

    with pytest.raises(VersionConflict) as caught:
        carry_out(project, index, lambda opened: opened.plan_upgrade("django plugin==2.0"))

    reasons = [reason for reason in caught.value.reasons if "policy" in reason]
    assert reasons == ["django 6.0 does not satisfy its policy <6 (requirements.txt:1)"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("# pipflow: <2\nlib==1.0\n", 1),
        ("lib==1.0 \\\n    --hash=sha256:HASH\n    # pipflow: <2\n", 3),
        ("lib==1.0\n# lib==0.9  # pipflow: <2\n", 0),
        ("# see pipflow: <2\nlib==1.0\n", 0),
    ],
)
def test_policy_on_a_line_of_its_own(project: TemporaryProject, text: str, number: int) -> None:
    """It limits nothing, and `check` says so; of a line that is commented out, it says nothing."""
    project.requirements = text.replace("HASH", "a" * 64)
    done = project.pipflow("check", "--offline", "--format", "json")
    found = [each for each in done.report["findings"] if each["code"] == "invalid-policy"]
    assert [(each["line"], each["severity"]) for each in found] == [(number, "warning")] * bool(
        number
    )
    assert done.status == 0


OLD_PYTHON = "needs Python >=3.12, the image has 3.9 (Dockerfile:1)"
POLICY = "# pipflow: <2"
KEPT_OUT = "does not satisfy its policy <2 (requirements.txt:1)"
MINOR = "is more than --level=minor allows"


@pytest.mark.parametrize(
    ("line", "words", "held"),
    [
        (f"lib==1.0  {POLICY}", [], f"3.0 {OLD_PYTHON}; 2.0 {KEPT_OUT}"),
        ("lib==1.0", ["--level=minor"], f"3.0 {OLD_PYTHON}; 2.0 {MINOR}"),
        ("lib==2.0", [], f"3.0 {OLD_PYTHON}"),
        ("tool==1.0", ["--level=minor"], f"2.0 {MINOR}; 1.5 {OLD_PYTHON}"),
        (f"tool==1.5  {POLICY}", [], f"2.0 {KEPT_OUT}"),
    ],
)
def test_two_reasons_against_newer_versions(
    project: TemporaryProject, index: LoopbackIndex, line: str, words: list[str], held: str
) -> None:
    """What rules the newest out is named, and what else an older one that could be had."""
    for name, version, python in (
        ("lib", "1.0", ""),
        ("lib", "1.5", ">=3.12"),
        ("lib", "2.0", ""),
        ("lib", "2.5", ">=3.12"),
        ("lib", "3.0", ">=3.12"),
        ("tool", "1.0", ""),
        ("tool", "1.5", ">=3.12"),
        ("tool", "2.0", ""),
    ):
        index.add(name, version, requires_python=python or None)
    project.requirements = f"{line}\n"
    done = project.pipflow("outdated", *words, "--format", "json")
    assert [each["reason"] for each in done.report["held"]] == [held]
