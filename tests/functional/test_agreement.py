"""Files and images agree: builds that fail in part, images that are refused, builds that can't."""

from __future__ import annotations

import re
import signal

import pytest
from functional.temporary_project import Answer, StandIn, TemporaryProject
from loopback_index import LoopbackIndex

OLD, NEW = "lib==1.0\n", "lib==2.0\n"
BUILD = "compose build app worker"
SERVICES = "services:\n  app:\n    build: .\n  worker:\n    build: .\n"


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    index.add("lib", "1.0")
    index.add("lib", "2.0")
    project.requirements = OLD


def docker(project: TemporaryProject, **told: Answer) -> StandIn:
    """Put a docker with compose on the path; ``build`` and ``run`` are compose's."""
    given = {f"compose {name}": answer for name, answer in told.items()}
    return project.stand_in("docker", {"version": 0, "compose version": 0, **given})


def seen(stand_in: StandIn) -> list[tuple[str, str | None]]:
    """Return the builds and tries, each with the file that it saw."""
    return [
        (re.sub(r" --name pipflow-\w{32}", "", " ".join(call.arguments)), call.requirements)
        for call in stand_in.calls
        if {"build", "run"} & set(call.arguments)
    ]


def test_one_of_several_services_fails(project: TemporaryProject) -> None:
    """Where several services build and the build fails, it runs again on the file as it was."""
    project.write("compose.yaml", SERVICES)
    stand_in = docker(project, build=[7, 0])
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == (3, OLD)
    assert seen(stand_in) == [(BUILD, NEW), (BUILD, OLD)]
    assert done.stdout.splitlines()[-3:] == [
        "undone    lib 1.0 to 2.0 (requirements.txt:1)",
        "files     as they were: requirements.txt (--keep keeps the changes)",
        "image     built again from the files as they were: app, worker",
    ]
    assert "building the image from them again" in done.stderr


def test_the_build_of_the_old_file_fails_too(project: TemporaryProject) -> None:
    """Where the second build fails, each service is built alone, and its state is told."""
    project.write("compose.yaml", SERVICES)
    told: dict[str, Answer] = {"build": 7, "build app": [7, 7, 0], "build worker": 8}
    stand_in = docker(project, **told)
    done = project.invoke("deps.upgrade-all", "--format", "json")
    assert (done.status, project.requirements) == (3, OLD)
    alone = [("compose build app", OLD), ("compose build worker", OLD)]
    assert seen(stand_in) == [(BUILD, NEW), (BUILD, OLD), *alone]
    image = done.report["image"]
    assert (image["status"], image["undone"]) == ("failed", ["requirements.txt"])
    assert (image["rebuilt"], image["ahead"]) == (["app"], ["worker"])


def test_report_of_an_image_that_may_be_ahead(project: TemporaryProject) -> None:
    """The report names the images that may be ahead of their file, and how to build them."""
    project.write("compose.yaml", SERVICES)
    docker(project, build=7)
    done = project.invoke("deps.upgrade-all")
    assert done.status == 3
    assert done.stdout.splitlines()[-1] == (
        "image     may be ahead of the files: app, worker; "
        f"building it again from them failed, too: docker {BUILD}"
    )


@pytest.mark.parametrize("words", [("--keep",), ()], ids=["keep", "rebuild"])
def test_no_second_build_where_no_file_goes_back(
    project: TemporaryProject, words: tuple[str, ...]
) -> None:
    """With `--keep`, and in `rebuild`, nothing is taken back and nothing built again."""
    project.write("compose.yaml", SERVICES)
    stand_in = docker(project, build=7)
    assert project.invoke("deps.upgrade-all" if words else "deps.rebuild", *words).status == 3
    assert seen(stand_in) == [(BUILD, NEW if words else OLD)]


def test_a_single_service_moves_no_image(project: TemporaryProject) -> None:
    """The failing build of one service has moved no image: it is not repeated."""
    project.write("compose.yaml", "services:\n  app:\n    build: .\n")
    stand_in = docker(project, build=7)
    assert project.invoke("deps.upgrade-all").status == 3
    assert seen(stand_in) == [("compose build app", NEW)]


def test_build_command_that_fails(project: TemporaryProject) -> None:
    """What a `build_command` has built before it failed is unknown: it runs again."""
    project.write("invoke.yaml", "pipflow:\n  build_command: make image NAME={image}\n")
    make = project.stand_in("make", {"image": [2, 0]})
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == (3, OLD)
    assert [call.requirements for call in make.calls] == [NEW, OLD]
    assert "image     built again from the files as they were: shop" in done.stdout


# --- signals --------------------------------------------------------------------------------------


def test_signal_while_several_services_build(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A signal ends the build, and the file goes back; what may be ahead is named, and not built.

    Until it is built, other commands say so, and the next one that changes something builds it.
    """
    index.add("other", "1.0")
    project.write("compose.yaml", SERVICES)
    stand_in = docker(project, build=["hang", 0])
    with project.started("deps.upgrade-all") as running:
        stand_in.await_hanging()
        running.send(signal.SIGTERM)
        done = running.finish()
    stand_in.require_dead()
    assert (done.status, project.requirements) == (3, OLD)
    assert seen(stand_in) == [(BUILD, NEW)]
    sentence = (
        "may be ahead of the files: app, worker; build it with: docker compose build app worker"
    )
    assert f"image     {sentence}" in done.stdout
    assert "interrupted by SIGTERM" in done.stderr
    warning = "`upgrade-all` was ended, and requirements.txt put back: the image may be newer"
    assert warning in project.invoke("deps.outdated").stderr
    assert project.invoke("deps.add", "other").status == 0
    assert seen(stand_in)[1:] == [(BUILD, OLD), (BUILD, f"{OLD}other==1.0\n")]


def test_signal_ends_the_second_build(project: TemporaryProject) -> None:
    """A signal after a failed build leaves it at that: the file is back, images may be ahead."""
    project.write("compose.yaml", SERVICES)
    stand_in = docker(project, build=[1, "hang"])
    with project.started("deps.upgrade-all", "--format", "json") as running:
        stand_in.await_hanging()
        assert project.requirements == OLD
        running.send(signal.SIGINT)
        done = running.finish()
    stand_in.require_dead()
    assert (done.status, project.requirements) == (3, OLD)
    assert done.report["image"]["ahead"] == ["app", "worker"]
    assert seen(stand_in) == [(BUILD, NEW), (BUILD, OLD)]
    assert "Traceback" not in done.output


# --- verify ---------------------------------------------------------------------------------------


def test_verify_with_compose(project: TemporaryProject) -> None:
    """`verify` runs in each new image, without its dependencies and its entry point."""
    project.write("compose.yaml", SERVICES)
    project.write("invoke.yaml", "pipflow:\n  verify: python -c 'import lib; lib'\n")
    stand_in = docker(project, build=0, run=0)
    assert project.invoke("deps.upgrade-all").status == 0
    tries = [
        f"compose run --rm --no-deps -T --entrypoint python {name} -c import lib; lib"
        for name in ("app", "worker")
    ]
    assert seen(stand_in) == [(BUILD, NEW), *((each, NEW) for each in tries)]


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_verify_that_fails(project: TemporaryProject, engine: str) -> None:
    """An image that fails `verify` has moved: the file goes back, and it is built again from it."""
    project.write("invoke.yaml", f"pipflow:\n  verify: pip check\n  builder: {engine}\n")
    stand_in = project.stand_in(engine, {"version": 0, "info": 0, "build": 0, "run": 1})
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == (3, OLD)
    build = "build --tag shop --file Dockerfile ."
    run = "run --rm --pull=never --entrypoint pip shop check"
    assert seen(stand_in) == [(build, NEW), (run, NEW), (build, OLD)]
    assert f"fails `verify`: `{engine} {run}` ended with status 1" in done.stderr
    assert "image     built again from the files as they were: shop" in done.stdout


def test_verify_that_fails_with_keep(project: TemporaryProject) -> None:
    """With `--keep` file and image both stay new; the way back is for both."""
    project.write("invoke.yaml", "pipflow:\n  verify: pip check\n")
    stand_in = project.stand_in("docker", {"version": 0, "build": 0, "run": 1})
    done = project.invoke("deps.upgrade-all", "--keep")
    assert (done.status, project.requirements, len(stand_in.built)) == (3, NEW, 1)
    assert done.stdout.splitlines()[-3:] == [
        "files     keep their changes (--keep)",
        "image     may have been built from them: shop",
        "undo      invoke deps.upgrade lib==1.0",
    ]
    project.requirements = OLD
    image = project.invoke("deps.upgrade-all", "--keep", "--format", "json").report["image"]
    assert (image["status"], image["moved"], image["undone"]) == ("failed", ["shop"], [])


def test_build_that_fails_with_keep(project: TemporaryProject) -> None:
    """With `--keep` the image stays old where the build fails: the way back builds nothing."""
    project.stand_in("docker", {"version": 0, "build": 1})
    done = project.invoke("deps.upgrade-all", "--keep")
    assert (done.status, project.requirements) == (3, NEW)
    assert done.stdout.splitlines()[-2:] == [
        "files     keep their changes (--keep)",
        "undo      invoke deps.upgrade --no-rebuild lib==1.0",
    ]


@pytest.mark.parametrize(
    "words", [("upgrade-all",), ("add", "other"), ("remove", "lib"), ("rebuild",)], ids=str
)
def test_verify_as_an_option(
    project: TemporaryProject, index: LoopbackIndex, words: tuple[str, ...]
) -> None:
    """`--verify` takes the place of the setting in every command that builds."""
    index.add("other", "1.0")
    project.write("invoke.yaml", "pipflow:\n  verify: pip check\n")
    stand_in = project.stand_in("docker", {"version": 0, "build": 0, "run": [1, 0]})
    run = "run --rm --pull=never --entrypoint python shop -c import lib"
    before = project.requirements
    failed = project.pipflow(*words, "--verify", "python -c 'import lib'")
    assert (failed.status, project.requirements) == (3, before)
    assert run in [call for call, _ in seen(stand_in)]
    assert "fails `verify`" in failed.stderr
    assert project.pipflow(*words, "--verify=python -c 'import lib'").status == 0
    assert "pip shop check" not in str(seen(stand_in))


def test_verify_option_by_service(project: TemporaryProject) -> None:
    """As in a variable, it may be a command for each service; the others are not tried."""
    project.write("compose.yaml", SERVICES)
    stand_in = docker(project, build=0, run=0)
    words = ("deps.upgrade-all", "--verify", "worker=pip check")
    assert project.invoke(*words).status == 0
    tried = [call for call, _ in seen(stand_in) if " run " in f" {call} "]
    assert tried == ["compose run --rm --no-deps -T --entrypoint pip worker check"]
    wrong = project.invoke("deps.upgrade-all", "--verify", "nobody=pip check")
    assert (wrong.status, "no such environment" in wrong.stderr) == (1, True)


@pytest.mark.parametrize("before", [(), ("--isolated",)], ids=str)
def test_verify_without_a_build(project: TemporaryProject, before: tuple[str, ...]) -> None:
    """Where no image is built, none can be tried: that is an error, and nothing changes."""
    project.remove("tasks.py")
    words = () if before else ("--no-rebuild",)
    done = project.pipflow(*before, "upgrade-all", "--verify", "pip check", *words)
    assert (done.status, project.requirements) == (1, OLD)
    assert f"runs in the new image, and `{(*before, *words)[0]}` builds none" in done.stderr


def test_verify_of_a_platform(project: TemporaryProject) -> None:
    """An image for another platform is tried as that."""
    project.write("invoke.yaml", "pipflow:\n  verify: pip check\n  platform: linux/arm64\n")
    stand_in = project.stand_in("docker", {"version": 0, "build": 0, "run": 0})
    assert project.invoke("deps.upgrade-all").status == 0
    assert seen(stand_in)[-1][0] == (
        "run --rm --pull=never --platform=linux/arm64 --entrypoint pip shop check"
    )


def test_verify_that_needs_a_shell(project: TemporaryProject) -> None:
    """What a shell alone understands is refused; quoted, it is an argument."""
    project.stand_in("docker", {"version": 0, "build": 0, "run": 0})
    done = project.pipflow("rebuild", "--verify", "pip check && false")
    assert (done.status, done.stdout) == (1, "")
    assert "the setting verify has `&&`, and it is run without a shell" in done.stderr
    assert "hint: write `sh -c 'pip check && false'`" in done.stderr
    quoted = "sh -c 'pip check && false'"
    for verify in (quoted, 'echo "&&" a="b | c"', 'sh -c "echo \\" > \\" "'):
        assert project.pipflow("rebuild", "--verify", verify).status == 0


@pytest.mark.parametrize("setting", ["verify", "build_command"])
def test_setting_that_can_not_be_split(project: TemporaryProject, setting: str) -> None:
    """A quotation mark that is not closed is found before anything is looked up."""
    project.write("invoke.yaml", f"pipflow:\n  {setting}: pip 'check\n")
    done = project.invoke("deps.upgrade-all")
    assert (done.status, done.stdout, project.requirements) == (1, "", OLD)
    assert f"the setting {setting} can't be split into arguments" in done.stderr


# --- what a build lacks ---------------------------------------------------------------------------

COPY = "COPY requirements.txt ./\n"


@pytest.mark.parametrize(
    ("dockerfile", "line"),
    [
        (f"FROM python:3.9\nARG TOKEN\n{COPY}RUN T=$TOKEN pip install -r requirements.txt\n", 4),
        (f"FROM python:3.9\nARG TOKEN\nENV PIP_PROXY=http://${{TOKEN}}@example.com\n{COPY}"
         "RUN pip install -r requirements.txt\n", 5),
        (f"FROM python:3.9 AS base\nONBUILD ARG TOKEN\nONBUILD {COPY}"
         "ONBUILD RUN T=$TOKEN pip install -r requirements.txt\nFROM base\n", 4),
        (f"ARG TOKEN\nFROM python:3.9-$TOKEN\n{COPY}RUN pip install -r requirements.txt\n", 2),
    ],
    ids=["step", "variable in force", "trigger", "FROM"],
)  # fmt: skip
def test_build_argument_without_value(
    project: TemporaryProject, dockerfile: str, line: int
) -> None:
    """An argument that the environment was to give is missed before a file is written."""
    project.write("Dockerfile", dockerfile)
    project.write("invoke.yaml", "pipflow:\n  python: '3.9'\n")
    project.write(
        "compose.yaml", "services:\n  app:\n    build: {context: ., args: [TOKEN, OTHER]}\n"
    )
    stand_in = docker(project, build=0)
    done = project.invoke("deps.upgrade-all")
    assert (done.status, done.stdout, project.requirements) == (1, "", OLD)
    assert done.stderr.startswith(
        f"error: Dockerfile:{line}: the build argument `TOKEN` has no value"
    )
    assert project.invoke("deps.upgrade-all", "--dry-run").stderr == done.stderr
    assert stand_in.built == []
    assert project.invoke("deps.upgrade-all", "--no-rebuild").status == 0
    project.requirements = OLD
    assert project.invoke("deps.upgrade-all", environment={"TOKEN": "x"}).status == 0
    assert stand_in.built == ["compose build app"]


@pytest.mark.parametrize(
    "dockerfile",
    [
        f"FROM python:3.9\nARG TOKEN=x\n{COPY}RUN T=$TOKEN pip install -r requirements.txt\n",
        f"FROM python:3.9\nARG TOKEN\n{COPY}RUN T=${{TOKEN:-x}} pip install -r requirements.txt\n",
        f"FROM python:3.9\n{COPY}RUN pip install -r requirements.txt\nARG TOKEN\nRUN echo $TOKEN\n",
    ],
    ids=["default", "other value", "other step"],
)
def test_build_argument_that_is_not_needed(project: TemporaryProject, dockerfile: str) -> None:
    """An argument with a default, or used elsewhere, is none that installing takes."""
    project.write("Dockerfile", dockerfile)
    project.write("compose.yaml", "services:\n  app:\n    build: {context: ., args: [TOKEN]}\n")
    docker(project, build=0)
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == (0, NEW), done.stderr


def test_build_argument_of_a_build_command(project: TemporaryProject) -> None:
    """`--build-arg NAME` of a `build_command` is to come from the environment, too."""
    install = "RUN T=$TOKEN pip install -r requirements.txt\n"
    project.write("Dockerfile", f"FROM python:3.9\nARG TOKEN\n{COPY}{install}")
    project.write("invoke.yaml", "pipflow:\n  build_command: buildah bud --build-arg TOKEN .\n")
    project.stand_in("buildah", {"bud": 0})
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == (1, OLD)
    assert "Dockerfile:4: the build argument `TOKEN` has no value" in done.stderr
    assert project.invoke("deps.upgrade-all", environment={"TOKEN": ""}).status == 0


SECRET = "RUN --mount=type=secret,id=pip{} pip install -r requirements.txt\n"
GIVEN = "services:\n  app:\n    build: {context: ., secrets: [pip]}\nsecrets:\n  pip: %s\n"


@pytest.mark.parametrize(
    ("compose", "message"),
    [
        (GIVEN % "{file: ./pip.conf}", "the secret pip, and there is no file "),
        (GIVEN % "{environment: PIP_CONF}", "the secret pip, and the environment has no PIP_CONF"),
        ("services:\n  app:\n    build: .\n", "the secret `pip` is required"),
    ],
)
def test_secret_that_is_missing(project: TemporaryProject, compose: str, message: str) -> None:
    """A secret that is not there is missed before a file is written."""
    project.write("Dockerfile", "FROM python:3.9\n" + COPY + SECRET.format(",required=true"))
    project.write("compose.yaml", compose)
    stand_in = docker(project, build=0)
    done = project.invoke("deps.upgrade-all")
    assert (done.status, done.stdout, project.requirements) == (1, "", OLD)
    assert message in done.stderr
    assert project.invoke("deps.upgrade-all", "--dry-run").stderr == done.stderr
    assert stand_in.built == []


def test_secrets_that_are_there(project: TemporaryProject) -> None:
    """Secrets that are there, or need not be, let the build go on."""
    project.write("Dockerfile", "FROM python:3.9\n" + COPY + SECRET.format(",required"))
    project.write("pip.conf", "")
    project.write("compose.yaml", GIVEN % "{file: ./pip.conf}")
    docker(project, build=0)
    assert project.invoke("deps.upgrade-all").status == 0
    project.requirements = OLD
    project.write(".env", "PIP_CONF=x\n")
    project.write("compose.yaml", GIVEN % "{environment: PIP_CONF}")
    assert project.invoke("deps.upgrade-all").status == 0
    project.requirements = OLD
    project.write("Dockerfile", "FROM python:3.9\n" + COPY + SECRET.format(""))
    project.write("compose.yaml", "services:\n  app:\n    build: .\n")
    assert project.invoke("deps.upgrade-all").status == 0


@pytest.mark.parametrize(
    ("option", "is_there"),
    [
        ("--secret id=pip,src=pip.conf", True),
        ("--secret=id=pip,source=gone.conf", False),
        ("--secret id=pip,env=GONE", False),
        ("--secret id=pip", True),
        ("", False),
    ],
)
def test_secret_of_a_build_command(project: TemporaryProject, option: str, is_there: bool) -> None:
    """`--secret` of a `build_command` is looked for, too."""
    project.write("Dockerfile", "FROM python:3.9\n" + COPY + SECRET.format(",required=true"))
    project.write("pip.conf", "")
    project.write("invoke.yaml", f"pipflow:\n  build_command: buildah bud {option} .\n")
    project.stand_in("buildah", {"bud": 0})
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == ((0, NEW) if is_there else (1, OLD))
