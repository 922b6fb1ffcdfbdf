"""Building: the exact command of each builder, when it runs, and what a failure leaves behind."""

from __future__ import annotations

import pytest
from functional.temporary_project import (
    BUILD_OUTPUT,
    COMPOSE_V2,
    ENGINE,
    TemporaryProject,
    dockerfile,
)
from loopback_index import LoopbackIndex

PLAIN = "build --tag shop --file Dockerfile ."
COMPOSE = "services:\n  app:\n    build: .\n  db:\n    image: postgres\n"
FAILING = {"version": 0, "build": 7}


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    index.add("lib", "1.0")
    index.add("lib", "2.0")
    project.requirements = "lib==1.0\n"


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        (("deps.add", "new"), "lib==1.0\nnew==1\n"),
        (("deps.remove", "lib"), ""),
        (("deps.upgrade", "lib"), "lib==2.0\n"),
        (("deps.upgrade-all",), "lib==2.0\n"),
        (("deps.rebuild",), "lib==1.0\n"),
    ],
)
def test_builds_once_with_the_new_file(
    project: TemporaryProject, index: LoopbackIndex, words: tuple[str, ...], seen: str
) -> None:
    """A command that changed the file builds once, in the project's folder, with the new file."""
    index.add("new", "1")
    docker = project.stand_in("docker", ENGINE)
    done = project.invoke(*words)
    assert (done.status, docker.built) == (0, [PLAIN])
    assert (docker.builds[0].requirements, docker.builds[0].folder) == (seen, project.folder)


def test_output_streams_to_standard_error(project: TemporaryProject) -> None:
    """What the builder prints goes to standard error, so that the report stands alone."""
    project.stand_in("docker", ENGINE)
    done = project.invoke("deps.upgrade-all")
    assert BUILD_OUTPUT in done.stderr.splitlines()
    assert BUILD_OUTPUT not in done.stdout
    assert f"image     built: docker {PLAIN}" in done.stdout


def test_folder_of_the_command_line_does_not_matter(project: TemporaryProject) -> None:
    """From a folder below, the project's file is changed and its image built in its own folder."""
    docker = project.stand_in("docker", ENGINE)
    project.write("src/module.py", "")
    assert project.invoke("deps.upgrade-all", within="src").status == 0
    assert project.requirements == "lib==2.0\n"
    assert [call.folder for call in docker.builds] == [project.folder]


@pytest.mark.parametrize(
    ("settings", "command"),
    [
        ({"IMAGE": "team/shop:7"}, "build --tag team/shop:7 --file Dockerfile ."),
        (
            {"PLATFORM": "linux/arm64"},
            "build --tag shop --platform linux/arm64 --file Dockerfile .",
        ),
        (
            {"DOCKERFILE": "docker/app.Dockerfile", "FILE": "docker/requirements.txt"},
            "build --tag shop --file docker/app.Dockerfile docker",
        ),
        ({"BUILDER": "docker"}, PLAIN),
    ],
)
def test_plain_build(project: TemporaryProject, settings: dict[str, str], command: str) -> None:
    """`docker build` gets tag, platform and Dockerfile; the context is the Dockerfile's folder."""
    docker = project.stand_in("docker", ENGINE)
    project.write("docker/app.Dockerfile", dockerfile("3.9"))
    project.write("docker/requirements.txt", "lib==1.0\n")
    environment = {f"INVOKE_PIPFLOW_{name}": value for name, value in settings.items()}
    assert project.invoke("deps.upgrade-all", environment=environment).status == 0
    assert docker.built == [command]


def test_folder_names_the_image_as_images_are_named(project: TemporaryProject) -> None:
    """The default tag is the folder's name, made a name that an image can have."""
    docker = project.stand_in("docker", ENGINE)
    project.folder = project.folder.rename(project.folder.parent / "My_Shop (new)")
    assert project.invoke("deps.upgrade-all").status == 0
    assert docker.built == ["build --tag my-shop-new --file Dockerfile ."]


@pytest.mark.parametrize("environment", [{}, {"INVOKE_PIPFLOW_BUILDER": "podman"}])
def test_podman(project: TemporaryProject, environment: dict[str, str]) -> None:
    """Where there is no docker, or the setting says so, podman builds."""
    podman = project.stand_in("podman", {"info": 0, "build": 0})
    docker = project.stand_in("docker", ENGINE) if environment else None
    done = project.invoke("deps.upgrade-all", "--format", "json", environment=environment)
    assert (done.status, done.report["image"]["builder"]) == (0, "podman")
    assert podman.built == [PLAIN]
    assert docker is None or docker.calls == ()


def test_docker_host_means_docker(project: TemporaryProject) -> None:
    """With `DOCKER_HOST` set nothing but docker is tried."""
    podman = project.stand_in("podman", {"info": 0, "build": 0})
    done = project.invoke(
        "deps.upgrade-all", "--format", "json", environment={"DOCKER_HOST": "tcp://127.0.0.1:9"}
    )
    assert (done.status, done.report["image"]["status"]) == (0, "no-engine")
    assert podman.calls == ()


@pytest.mark.parametrize(
    "name", ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"]
)
def test_compose_version_2(project: TemporaryProject, name: str) -> None:
    """With a compose file `docker compose build` builds the services that have a build."""
    docker = project.stand_in("docker", COMPOSE_V2)
    project.write(name, COMPOSE)
    done = project.invoke("deps.upgrade-all")
    assert (done.status, docker.built) == (0, ["compose build app"])
    assert docker.builds[0].folder == project.folder


def test_compose_version_1(project: TemporaryProject) -> None:
    """Where docker has no compose, `docker-compose build` builds."""
    docker = project.stand_in("docker", ENGINE)
    classic = project.stand_in("docker-compose", {"build": 0, "ps": 0})
    project.write("compose.yaml", COMPOSE)
    done = project.invoke("deps.upgrade-all")
    assert (done.status, classic.built, docker.built) == (0, ["build app"], [])
    assert done.stdout.splitlines()[-2].endswith(" docker-compose up -d app")


def test_compose_version_1_without_docker(project: TemporaryProject) -> None:
    """`docker-compose` alone is enough."""
    classic = project.stand_in("docker-compose", {"build": 0, "ps": 0, "version": 0})
    project.write("compose.yaml", COMPOSE)
    assert project.invoke("deps.upgrade-all").status == 0
    assert classic.built == ["build app"]


def test_setting_takes_the_dockerfile_beside_a_compose_file(project: TemporaryProject) -> None:
    """With `builder: docker` the Dockerfile is built, although there is a compose file."""
    docker = project.stand_in("docker", {**ENGINE, **COMPOSE_V2})
    project.write("compose.yaml", COMPOSE)
    done = project.invoke("deps.upgrade-all", environment={"INVOKE_PIPFLOW_BUILDER": "docker"})
    assert (done.status, docker.built) == (0, [PLAIN])


def test_compose_file_without_a_build(project: TemporaryProject) -> None:
    """A compose file that builds nothing leaves the Dockerfile to be built."""
    docker = project.stand_in("docker", {**ENGINE, **COMPOSE_V2})
    project.write("compose.yaml", "services:\n  db:\n    image: postgres\n")
    assert project.invoke("deps.upgrade-all").status == 0
    assert docker.built == [PLAIN]


@pytest.mark.parametrize(
    ("told", "file", "command"),
    [
        (ENGINE, None, "build --no-cache --tag shop --file Dockerfile ."),
        (COMPOSE_V2, "compose.yaml", "compose build --no-cache app"),
    ],
)
def test_rebuild_without_cache(
    project: TemporaryProject, told: dict[str, int], file: str | None, command: str
) -> None:
    """`rebuild --no-cache` builds every layer anew, and changes no file."""
    docker = project.stand_in("docker", told)
    if file is not None:
        project.write(file, COMPOSE)
    before = project.contents()
    done = project.invoke("deps.rebuild", "--no-cache")
    assert (done.status, docker.built, project.contents()) == (0, [command], before)


def test_rebuild_without_an_image_is_refused(project: TemporaryProject) -> None:
    """Without Dockerfile and compose file there is nothing to build: status 1."""
    project.stand_in("docker", ENGINE)
    project.remove("Dockerfile")
    done = project.invoke("deps.rebuild")
    assert (done.status, done.stdout) == (1, "")
    assert "hint: " in done.stderr


@pytest.mark.parametrize("base", ["ubuntu:24.04", "python:3.9-slim"])
def test_rebuild_needs_no_target(
    project: TemporaryProject, index: LoopbackIndex, base: str
) -> None:
    """`rebuild` builds also where the Python is unknown, and asks no index."""
    docker = project.stand_in("docker", ENGINE)
    project.write("Dockerfile", dockerfile("3.9").replace("python:3.9-slim", base))
    assert project.invoke("deps.rebuild").status == 0
    assert (docker.built, index.requests) == ([PLAIN], [])


def test_rebuild_that_fails(project: TemporaryProject) -> None:
    """A failing `rebuild` is status 3, and the file is not touched."""
    project.stand_in("docker", FAILING)
    before = project.contents()
    done = project.invoke("deps.rebuild")
    assert (done.status, project.contents()) == (3, before)


def test_rebuild_insists_on_an_engine(project: TemporaryProject) -> None:
    """`rebuild` without an engine is an error, not a silent nothing."""
    done = project.invoke("deps.rebuild")
    assert (done.status, done.stdout) == (1, "")
    assert "no engine answers" in done.stderr
    assert done.stderr.endswith("\nhint: start the engine\n")


@pytest.mark.parametrize("told", [None, {"version": 1}], ids=["no docker", "no answer"])
def test_auto_goes_on_without_an_engine(
    project: TemporaryProject, told: dict[str, int] | None
) -> None:
    """`rebuild: auto` without an engine writes the file, and says what was not done and how to."""
    docker = project.stand_in("docker", told) if told else None
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == (0, "lib==2.0\n")
    assert docker is None or docker.built == []
    assert "image     not built: no engine answers" in done.stdout
    assert f"docker {PLAIN}" in done.stdout


NOT_VERIFIED = "not verified: `verify` runs in a new image, and none was built"


@pytest.mark.parametrize("reason", ["no engine", "never", "no image"])
def test_nothing_to_verify(project: TemporaryProject, reason: str) -> None:
    """Without a new image, the report says that `verify` was not run; JSON has false."""
    environment = {"INVOKE_PIPFLOW_REBUILD": "never"} if reason == "never" else {}
    if reason == "no image":
        project.remove("Dockerfile")
        environment["INVOKE_PIPFLOW_PYTHON"] = "3.9"
    words = ["deps.upgrade-all", "--verify", "pip check"]
    done = project.invoke(*words, environment=environment)
    assert (done.status, project.requirements) == (0, "lib==2.0\n"), done.output
    assert f"image     {NOT_VERIFIED}\n" in done.stdout
    for form in ("json", "markdown", "github"):
        project.requirements = "lib==1.0\n"
        done = project.invoke(*words, "--format", form, environment=environment)
        if form == "json":
            assert done.report["image"]["verified"] is False
        else:
            assert f"The image is {NOT_VERIFIED}" in done.stdout
    done = project.invoke(*words, "--format", "json", environment=environment)
    assert done.report["image"]["verified"] is None  # nothing is to change
    assert NOT_VERIFIED not in project.invoke(*words, environment=environment).stdout


def test_what_is_verified(project: TemporaryProject) -> None:
    """JSON says that `verify` has passed, and null where there is none; a dry run tries nothing."""
    project.stand_in("docker", {**ENGINE, "run": 0})
    words = ["deps.upgrade-all", "--format", "json"]
    tried = ["--verify", "pip check"]
    for more, verified in (([*tried, "--dry-run"], False), (tried, True), ([], None)):
        project.requirements = "lib==1.0\n"
        assert project.invoke(*words, *more).report["image"]["verified"] is verified


def test_always_insists_on_an_engine(project: TemporaryProject) -> None:
    """`rebuild: always` without an engine: status 1, and nothing changed."""
    project.stand_in("docker", {"version": 1})
    project.write("invoke.yaml", "pipflow:\n  rebuild: always\n")
    done = project.invoke("deps.upgrade-all")
    assert (done.status, done.stdout, project.requirements) == (1, "", "lib==1.0\n")
    assert "no engine answers" in done.stderr


def test_always_builds(project: TemporaryProject) -> None:
    """`rebuild: always` with an engine builds, but not where nothing has changed."""
    docker = project.stand_in("docker", ENGINE)
    environment = {"INVOKE_PIPFLOW_REBUILD": "always"}
    for _ in range(2):
        assert project.invoke("deps.upgrade-all", environment=environment).status == 0
    assert docker.built == [PLAIN]


@pytest.mark.parametrize(
    ("words", "environment"),
    [
        (("--no-rebuild",), {}),
        (("--no-rebuild",), {"INVOKE_PIPFLOW_REBUILD": "always"}),
        ((), {"INVOKE_PIPFLOW_REBUILD": "never"}),
        ((), {"INVOKE_PIPFLOW_REBUILD": "false"}),
    ],
)
def test_never_builds(
    project: TemporaryProject, words: tuple[str, ...], environment: dict[str, str]
) -> None:
    """`rebuild: never` and `--no-rebuild` write the file, call no builder, and say how to build."""
    docker = project.stand_in("docker", ENGINE)
    done = project.invoke("deps.upgrade-all", *words, environment=environment)
    assert (done.status, project.requirements) == (0, "lib==2.0\n")
    assert docker.built == []
    assert f"docker {PLAIN}" in done.stdout


@pytest.mark.parametrize(
    "text", ["lib==1.0", "\ufeff# a\r\nlib==1.0\r\n\r\n", "lib == 1.0  # why\n\n!! odd\n"]
)
def test_failed_build_puts_the_file_back(project: TemporaryProject, text: str) -> None:
    """A failed build is status 3, and the file is as it was, byte for byte."""
    docker = project.stand_in("docker", FAILING)
    project.requirements = text
    before = project.contents()
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.contents()) == (3, before)
    seen = docker.builds[0].requirements
    assert seen is not None
    assert "2.0" in seen
    assert f"`docker {PLAIN}` ended with status 7" in done.stderr
    assert "undone    lib 1.0 to 2.0 (requirements.txt:" in done.stdout
    last = done.stdout.splitlines()[-1]
    assert last == "files     as they were: requirements.txt (--keep keeps the changes)"
    assert "ended with status" not in done.stdout
    assert docker.built == [PLAIN]


def test_failed_build_removes_a_new_file(project: TemporaryProject) -> None:
    """A requirements file that `add` made is gone after a failed build."""
    project.stand_in("docker", FAILING)
    project.remove("requirements.txt")
    before = project.contents()
    done = project.invoke("deps.add", "lib")
    assert (done.status, project.contents()) == (3, before)


def test_failed_build_keeps_mode_and_link(project: TemporaryProject) -> None:
    """A file that is put back has the mode it had, and a link is still a link."""
    project.stand_in("docker", FAILING)
    project.remove("requirements.txt")
    real = project.write("reqs/base.txt", "lib==1.0\n")
    real.chmod(0o600)
    (project.folder / "requirements.txt").symlink_to("reqs/base.txt")
    assert project.invoke("deps.upgrade-all").status == 3
    assert (project.folder / "requirements.txt").is_symlink()
    assert (real.read_text(), real.stat().st_mode & 0o777) == ("lib==1.0\n", 0o600)


def test_keep_leaves_the_changes(project: TemporaryProject) -> None:
    """With `--keep` a failed build is status 3, and the file keeps its changes."""
    project.stand_in("docker", FAILING)
    done = project.invoke("deps.upgrade-all", "--keep")
    assert (done.status, project.requirements) == (3, "lib==2.0\n")
    assert "moved     lib 1.0 to 2.0" in done.stdout


def test_builder_that_can_not_be_started(project: TemporaryProject) -> None:
    """A builder that is no program at all is no engine."""
    (project.programs / "docker").write_text("no program\n")
    (project.programs / "docker").chmod(0o755)
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == (0, "lib==2.0\n")
    assert "no engine answers" in done.stdout


def test_somebody_elses_change_is_not_undone(project: TemporaryProject) -> None:
    """A file that somebody else has changed during a failing build is left as it is, and named."""
    project.stand_in("docker", {"version": 0, "build": "rewrite"})
    done = project.invoke("deps.upgrade-all")
    assert done.status == 3
    assert project.requirements == "by=={somebody else}\n"
    assert "requirements.txt: another program has changed it during the build" in done.stdout
    assert "Traceback" not in done.stderr


def test_successful_chain(project: TemporaryProject) -> None:
    """`invoke deps.upgrade-all test` moves, builds, and runs the project's own task."""
    docker = project.stand_in("docker", ENGINE)
    done = project.invoke("deps.upgrade-all", "test")
    assert (done.status, docker.built) == (0, [PLAIN])
    assert done.stdout.splitlines()[-1] == "the tests ran"


@pytest.mark.parametrize("told", [FAILING, None])
def test_failure_stops_the_chain(project: TemporaryProject, told: dict[str, int] | None) -> None:
    """A failing build, or a request that can't be met, keeps the next task from running."""
    if told:
        project.stand_in("docker", told)
    else:
        project.requirements = "nonsuch==1\n"
    done = project.invoke("deps.upgrade-all", "test")
    assert done.status == (3 if told else 1)
    assert "the tests ran" not in done.stdout


def test_outdated_stops_a_chain_with_exit_code_alone(project: TemporaryProject) -> None:
    """`outdated` in a chain goes on, and stops it with `--exit-code`."""
    assert "the tests ran" in project.invoke("deps.outdated", "test").stdout
    done = project.invoke("deps.outdated", "--exit-code", "test")
    assert done.status == 2
    assert "the tests ran" not in done.stdout


def test_same_task_twice_in_a_chain(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Two calls of a task with different packages both run."""
    index.add("new", "1")
    assert (
        project.invoke("deps.upgrade", "lib", "deps.add", "new", "deps.remove", "lib").status == 0
    )
    assert project.requirements == "new==1\n"
    index.add("newer", "1")
    index.add("newest", "1")
    assert project.invoke("deps.add", "newer", "deps.add", "newest").status == 0
    assert project.requirements == "new==1\nnewer==1\nnewest==1\n"
