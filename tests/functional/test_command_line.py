"""What `pipflow` says of itself, and of words that it does not know."""

from __future__ import annotations

import pytest
from functional.temporary_project import TASKS, TemporaryProject
from loopback_index import LoopbackIndex

CHANGING = ("add PACKAGES", "remove PACKAGES", "upgrade PACKAGES", "upgrade-all", "pin [PACKAGES]")
REPORTING = ("outdated", "why PACKAGES", "why-not PACKAGES", "check")
OTHERS = ("lock", "unlock", "adopt [FILES]", "rebuild", "cache")


@pytest.fixture(autouse=True)
def _without_tasks(project: TemporaryProject) -> None:
    project.remove("tasks.py")


def errors(project: TemporaryProject, *words: str) -> list[str]:
    """Return what a call that is refused says."""
    done = project.pipflow(*words)
    assert (done.status, done.stdout, project.exists()) == (1, "", False)
    return done.stderr.splitlines()


@pytest.mark.parametrize(
    "words", [(), ("--help",), ("-h",), ("help",), ("--list",), ("--isolated", "--help")], ids=str
)
def test_commands_come_first(project: TemporaryProject, words: tuple[str, ...]) -> None:
    """The help shows the commands in groups, then the few options of the program itself."""
    done = project.pipflow(*words)
    assert (done.status, done.stderr) == (0, "")
    commands, _, options = done.stdout.partition("\nOptions:\n")
    shown = [line for line in commands.splitlines() if line.startswith("  ") and line[2] != " "]
    starts = [line.strip().partition("  ")[0] for line in shown]
    assert starts == [*CHANGING, *REPORTING, *OTHERS]
    names = [line.split()[0].strip(",") for line in options.splitlines() if line[2:3] == "-"]
    assert names == ["--isolated", "--color", "--completion", "-V", "-h"]
    assert max(map(len, done.stdout.splitlines())) < 80


@pytest.mark.parametrize(
    ("command", "usage"),
    [
        ("add", "add [OPTIONS] PACKAGES"),
        ("pin", "pin [OPTIONS] [PACKAGES]"),
        ("adopt", "adopt [OPTIONS] [FILES]"),
        ("view-all", "outdated [OPTIONS]"),
        ("cache", "cache [OPTIONS]"),
    ],
)
def test_usage_names_the_packages(project: TemporaryProject, command: str, usage: str) -> None:
    """The usage line of a command has the packages or files that it takes."""
    for words in ((command, "--help"), ("help", command), (command, "x", "-h")):
        done = project.pipflow(*words)
        assert (done.status, done.stderr) == (0, "")
        assert done.stdout.startswith(f"Usage: pipflow {usage}\n")


def test_help_has_defaults_and_examples(project: TemporaryProject) -> None:
    """The help of a command shows what may be typed, and the values that count without it."""
    upgrade_all = project.pipflow("upgrade-all", "--help").stdout
    assert "Examples:\n  pipflow upgrade-all\n  pipflow upgrade-all --level minor\n" in upgrade_all
    options = " ".join(upgrade_all.split())
    assert "--level LEVEL The highest part" in options
    assert "major, minor or patch. [default: major]" in options
    assert "[default: text]" in options


def test_every_example_is_understood(project: TemporaryProject, index: LoopbackIndex) -> None:
    """No example of the help is refused for its words."""
    from pipflow_tasks.tasks import EXAMPLES

    commands = [line.split()[0] for line in (*CHANGING, *REPORTING, *OTHERS)]
    assert sorted(EXAMPLES) == sorted(commands)
    for command, pairs in EXAMPLES.items():
        for options, packages in pairs:
            words = (command, *options.split(), *packages.split(), "--help")
            assert project.pipflow(*words).status == 0


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("upgrde", "upgrade"),
        ("upgrade_all", "upgrade-all"),
        ("deps.add", "add"),
        ("install", "add"),
        ("uninstall", "remove"),
        ("update", "upgrade"),
        ("view", "view-all"),
        ("completion", "--completion"),
        ("version", "--version"),
    ],
)
def test_unknown_command(project: TemporaryProject, typed: str, meant: str) -> None:
    """An unknown command says so, and what is near, also by what other tools call it."""
    message, hint = errors(project, typed, "requests")
    assert message.endswith(f"there is no command `{typed}`")
    assert hint == f"hint: did you mean `{meant}`? `pipflow --help` shows the commands"


def test_package_without_a_command(project: TemporaryProject) -> None:
    """A word like no command may be a package."""
    _, hint = errors(project, "rich")
    assert hint == "hint: `pipflow add rich` adds a package; `pipflow --help` shows the commands"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("--dryrun", "--dry-run"),
        ("--no-build", "--no-rebuild"),
        ("--isoltaed", "--isolated"),
        ("--formt=json", "--format"),
        ("--json", "--format json"),
        ("--no-color", "--color never"),
        ("-r", "--file"),
        ("--dev", "--file"),
    ],
)
def test_unknown_option(project: TemporaryProject, typed: str, meant: str) -> None:
    """An unknown option says so, and what is near."""
    message, hint = errors(project, "add", typed, "requests")
    assert message.endswith(f"`add` has no option `{typed.partition('=')[0]}`")
    assert hint == f"hint: did you mean `{meant}`? `pipflow add --help` shows its options"


@pytest.mark.parametrize("value", ["", " ", ", ,"])
@pytest.mark.parametrize(
    "words",
    [
        ("add", "torch", "--max-growth"),
        ("upgrade-all", "--only"),
        ("upgrade-all", "--skip"),
        ("outdated", "--only"),
        ("outdated", "--skip"),
        ("pin", "--names"),
        ("rebuild", "--verify"),
    ],
    ids=" ".join,
)
def test_limit_that_is_empty(project: TemporaryProject, words: tuple[str, ...], value: str) -> None:
    """An option that would limit nothing, as with a variable that is not set, is an error."""
    project.write("requirements.txt", "flask\n")
    project.write("tasks.py", TASKS)
    *before, option = words
    task, *packages = before
    for done in (
        project.pipflow(*words, value),
        project.pipflow(*before, f"{option}={value}"),
        project.invoke(f"deps.{task}", *packages, option, value),
        project.invoke(f"deps.{task}", *packages, f"{option}={value}"),
    ):
        assert (done.status, done.stdout, project.requirements) == (1, "", "flask\n")
        assert done.stderr == (
            f"error: `{option}` has an empty value\n"
            "hint: leave it out, or see whether a variable in it is set\n"
        )


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (
            ("rebuild", "--level", "minor"),
            "`rebuild` has no option `--level`",
            "`upgrade-all` and `outdated` have it",
        ),
        (
            ("--dry-run", "add", "x"),
            "`--dry-run` is an option of a command, and stands behind it",
            "write `pipflow add --dry-run`",
        ),
        (
            ("--verison",),
            "there is no option `--verison`",
            "did you mean `--version`? `pipflow --help` shows the commands",
        ),
        (
            ("add", "-e", "./lib"),
            "`add` has no option `-e`",
            "`pipflow add --help` shows its options",
        ),
        (
            ("lock", "--file"),
            "`--file` needs a value",
            "`pipflow lock --help` shows its options",
        ),
        (
            ("lock", "--dry-run=yes"),
            "`--dry-run` takes no value",
            "write `--dry-run` alone, or leave it out",
        ),
        (
            ("upgrade",),
            "no package is named",
            "upgrade needs at least one: `pipflow upgrade flask redis`; `pipflow upgrade-all` "
            "moves every pin",
        ),
        (
            ("upgrade-all", "redis"),
            "`upgrade-all` takes no packages, but was given redis",
            "`pipflow upgrade redis` moves what you name; `pipflow upgrade-all --only redis` "
            "leaves the others out",
        ),
        (
            ("outdated", "redis", "flask"),
            "`outdated` takes no packages, but was given redis, flask",
            "`pipflow outdated --only 'redis, flask'` leaves the others out",
        ),
        (
            ("lock", "check"),
            "`lock` takes no packages, but was given check",
            "run one command at a time: `pipflow lock` and then `pipflow check`",
        ),
        (
            ("add", "flask", "--service", "api"),
            "`add` has no option `--service`",
            "`service` is a setting: write it under `pipflow` in invoke.yaml",
        ),
        (
            ("cache", "--level", "minor"),
            "`cache` has no option `--level`",
            "`upgrade-all` and `outdated` have it",
        ),
        (
            ("upgrade", "--all"),
            "`upgrade` has no option `--all`",
            "did you mean `upgrade-all`? `pipflow upgrade --help` shows its options",
        ),
        (
            ("outdated", "--minor"),
            "`outdated` has no option `--minor`",
            "did you mean `--level minor`? `pipflow outdated --help` shows its options",
        ),
        (
            ("cache", "clear"),
            "`cache` takes no packages, but was given clear",
            "did you mean `--clear`?",
        ),
        (
            ("pin", "--names", "flask", "redis"),
            "redis stands behind `--names` and its value",
            'leave `--names` out, or quote its value as one word: --names "one, two"',
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_words(
    project: TemporaryProject, words: tuple[str, ...], message: str, hint: str
) -> None:
    """What is wrong with the words of a call is said, with what to write."""
    first, second = errors(project, *words)
    assert first.endswith(message)
    assert second == f"hint: {hint}"


def test_options_of_the_program_behind_a_command(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """They may stand anywhere in the call."""
    index.add("requests", "2.31.0")
    docker = project.stand_in("docker", {"version": 0, "build": 0})
    done = project.pipflow("add", "requests", "--isolated")
    assert (done.status, project.requirements, docker.calls) == (0, "requests==2.31.0\n", ())


def test_help_of_invoke_shows_the_quotes(project: TemporaryProject) -> None:
    """In Invoke several packages are one word, which the help of a task shows as it is typed."""
    project.write(
        "tasks.py",
        "import pipflow_tasks\nfrom invoke import Collection\n"
        "namespace = Collection(d=pipflow_tasks.namespace)\n",
    )
    done = project.invoke("--help", "d.add")
    assert "invoke d.add 'requests, flask'" in done.stdout
    assert "invoke d.pin --names 'flask, redis'" in project.invoke("--help", "d.pin").stdout


def test_near_option_in_invoke(project: TemporaryProject) -> None:
    """Where Invoke takes an unknown option for a package, the error names the one that is near."""
    project.write("tasks.py", "import pipflow_tasks\nnamespace = pipflow_tasks.namespace\n")
    done = project.invoke("add", "--no-build")
    assert (done.status, project.exists()) == (1, False)
    assert "hint: did you mean `--no-rebuild`? use `invoke --help add`" in done.stderr


def test_default_task_of_the_namespace(project: TemporaryProject, index: LoopbackIndex) -> None:
    """`invoke deps` alone reports what is outdated."""
    for version in ("1.0", "2.0"):
        index.add("lib", version)
    project.requirements = "lib==1.0\n"
    project.write(
        "tasks.py",
        "import pipflow_tasks\nfrom invoke import Collection\n"
        "namespace = Collection(deps=pipflow_tasks.namespace)\n",
    )
    assert "can move  lib 1.0 to 2.0" in project.invoke("deps").stdout


def test_option_that_is_given_twice(project: TemporaryProject) -> None:
    """It is named, with the form of several values."""
    done = project.pipflow("upgrade-all", "--only", "lib", "--only=old")
    assert (done.status, done.stdout) == (1, "")
    assert "error: `--only` is given twice" in done.stderr


@pytest.mark.parametrize(
    ("words", "command", "message"),
    [
        (("add", "flask", "--nope"), "add", "`add` has no option `--nope`"),
        (("upgrde", "flask"), "", "there is no command `upgrde`"),
        (("add",), "add", "no package is named"),
        (("upgrade-all", "flask"), "upgrade-all", "`upgrade-all` takes no packages, but was given"),
        (("add", "flask", "--keep=3"), "add", "`--keep` takes no value"),
        (("view-all", "--level=minor", "--level=major"), "outdated", "`--level` is given twice"),
        (("outdated", "--color=pink"), "outdated", '`--color` has no value "pink"'),
        (("outdated", "--format=json"), "outdated", "`--format` is given twice"),
        (("add", "flask", "--file"), "add", "`--file` needs a value"),
    ],
    ids=str,
)
def test_wrong_words_in_json(
    project: TemporaryProject, words: tuple[str, ...], command: str, message: str
) -> None:
    """Words that are not valid are reported in the format that the others ask for."""
    done = project.pipflow(words[0], "--format=json", *words[1:])
    error = done.report["error"]
    assert (done.status, done.report["command"], project.exists()) == (1, command, False)
    assert (error["code"], error["exit_status"]) == ("usage", 1)
    assert error["message"].startswith(message)
    assert error["hint"] in done.stderr


@pytest.mark.parametrize("words", [("--nope", "--format", "json"), ("--format=json",)], ids=str)
def test_no_command_in_json(project: TemporaryProject, words: tuple[str, ...]) -> None:
    """That holds where no command is named, too."""
    done = project.pipflow(*words)
    assert (done.status, done.report["command"]) == (1, "")


def test_wrong_words_for_github(project: TemporaryProject) -> None:
    """Other formats have such errors as well."""
    done = project.pipflow("upgrade-all", "--format", "github", "--nope")
    assert (done.status, done.stdout.partition("::")[0]) == (1, "")
    assert "::error" in done.stdout
