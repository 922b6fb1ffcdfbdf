"""Where a project's builds are found, what they are built from, and what is asked."""

from __future__ import annotations

import pytest
from functional.temporary_project import COMPOSE_V2, ENGINE, TemporaryProject, dockerfile
from loopback_index import LoopbackIndex

OLD, NEW = "lib==1.0\n", "lib==2.0\n"


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    index.add("lib", "1.0")
    index.add("lib", "2.0")
    index.add("lib", "3.0", requires_python=">=3.12")
    project.requirements = OLD
    project.remove("Dockerfile")


@pytest.mark.parametrize(
    ("settings", "built"),
    [
        ({}, "build --tag shop --file docker/Dockerfile ."),
        ({"DOCKERFILE": "docker/Dockerfile"}, "build --tag shop --file docker/Dockerfile ."),
        (
            {"DOCKERFILE": "docker/Dockerfile", "CONTEXT": "."},
            "build --tag shop --file docker/Dockerfile .",
        ),
    ],
    ids=["found", "dockerfile", "context"],
)
def test_context_is_what_the_step_finds(
    project: TemporaryProject, settings: dict[str, str], built: str
) -> None:
    """A Dockerfile in a folder of its own is built from the folder that has the file."""
    docker = project.stand_in("docker", ENGINE)
    project.write("docker/Dockerfile", dockerfile("3.9"))
    environment = {f"INVOKE_PIPFLOW_{name}": value for name, value in settings.items()}
    done = project.invoke("deps.upgrade-all", environment=environment)
    assert (done.status, project.requirements, docker.built) == (0, NEW, [built])
    assert "for       python 3.9" in done.stdout


def test_first_file_of_a_dockerfile_below(project: TemporaryProject) -> None:
    """A file that does not exist yet is the one that the step copies from the project's folder."""
    project.remove("requirements.txt")
    project.write("docker/Dockerfile", dockerfile("3.9"))
    done = project.invoke("deps.add", "lib")
    assert (done.status, project.requirements) == (0, NEW)
    assert "for       python 3.9" in done.stdout


def test_stage_is_built(project: TemporaryProject) -> None:
    """The setting `stage` chooses the stage, and the build names it."""
    docker = project.stand_in("docker", ENGINE)
    step = "COPY requirements.txt .\nRUN pip install -r requirements.txt\n"
    project.write(
        "Dockerfile",
        f"FROM python:3.9-slim AS old\n{step}FROM python:3.12-slim AS new\n{step}",
    )
    done = project.invoke("deps.upgrade-all", environment={"INVOKE_PIPFLOW_STAGE": "old"})
    assert (done.status, project.requirements) == (0, NEW), done.stderr
    assert docker.built == ["build --tag shop --target old --file Dockerfile ."]


HIDDEN = "FROM python:3.9-slim AS app\nCOPY . /app\nRUN make -C /app dependencies\n"
"""A Dockerfile in which no step is seen to install the file."""


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("PYTHON", "chosen for Python 3.9, as the setting python says"),
        ("STAGE", "chosen for the image of the stage app, as the setting stage says"),
    ],
)
def test_settings_where_no_step_is_seen(project: TemporaryProject, setting: str, told: str) -> None:
    """Where no step installs the file, the settings `python` and `stage` say the Python."""
    docker = project.stand_in("docker", ENGINE)
    project.write("Dockerfile", HIDDEN)
    value = {"PYTHON": "3.9", "STAGE": "app"}[setting]
    done = project.invoke("deps.upgrade-all", environment={f"INVOKE_PIPFLOW_{setting}": value})
    assert (done.status, project.requirements, len(docker.built)) == (0, NEW, 1), done.stderr
    assert told in done.stderr


def test_without_settings_where_no_step_is_seen(project: TemporaryProject) -> None:
    """Where no step installs the file, `add` asks, `check` names the fault, `rebuild` builds."""
    docker = project.stand_in("docker", ENGINE)
    project.write("Dockerfile", HIDDEN)
    asked, checked, rebuilt = map(
        project.invoke, ("deps.upgrade-all", "deps.check", "deps.rebuild")
    )
    assert (asked.status, checked.status, rebuilt.status) == (1, 1, 0)
    assert (project.requirements, docker.built) == (OLD, ["build --tag shop --file Dockerfile ."])
    assert 'set `python: "3.9"`' in asked.stderr
    assert checked.output.count("nothing installs requirements.txt") == 1


def test_stage_that_installs_nothing(project: TemporaryProject) -> None:
    """Where another stage installs the file than the one that is set, that one is named."""
    step = "COPY requirements.txt .\nRUN pip install -r requirements.txt\n"
    project.write("Dockerfile", f"FROM python:3.9 AS dev\n{step}FROM python:3.9 AS web\nCOPY . .\n")
    done = project.invoke("deps.upgrade-all", environment={"INVOKE_PIPFLOW_STAGE": "web"})
    assert (done.status, project.requirements) == (1, OLD)
    assert "line 3 installs requirements.txt in the stage dev" in done.stderr
    assert "set `stage: dev`" in done.stderr


def test_usual_name_counts_with_a_note(project: TemporaryProject) -> None:
    """Of several Dockerfiles below that install the file, the one of the usual name counts."""
    project.write("deploy/Dockerfile", dockerfile("3.9"))
    project.write("deploy/dev.dockerfile", dockerfile("3.12"))
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == (0, NEW)
    assert "deploy/dev.dockerfile installs the file, too" in done.stderr


def test_file_that_only_includes_what_is_installed(project: TemporaryProject) -> None:
    """Where the build installs a file that requirements.txt includes, `file` is asked for."""
    project.requirements = "-r base.txt\n"
    project.write("base.txt", OLD)
    project.write("Dockerfile", dockerfile("3.9").replace("requirements.txt", "base.txt"))
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.read("base.txt")) == (1, OLD)
    assert done.stderr.startswith("error: Dockerfile:3: nothing installs requirements.txt: line 3")
    assert "set `file: base.txt`" in done.stderr
    done = project.invoke("deps.upgrade-all", "--file", "base.txt")
    assert (done.status, project.read("base.txt")) == (0, NEW), done.stderr


def test_other_file_beside_the_installed_one(project: TemporaryProject) -> None:
    """A file that is named goes with those that the steps install, and builds no image."""
    docker = project.stand_in("docker", ENGINE)
    project.write("dev.txt", OLD)
    hidden = "RUN make\nFROM python:3.12-slim\n"
    project.write("Dockerfile", f"{dockerfile('3.9')}{hidden}")
    done = project.invoke("deps.upgrade-all", "--file", "dev.txt")
    assert (done.status, project.read("dev.txt")) == (0, NEW), done.stderr
    assert "does not install dev.txt; versions are chosen for what line 3 installs" in done.stderr
    assert "no step installs dev.txt, so no image is built" in done.output
    assert docker.built == []


IGNORING = "/build/*\n!build/kept/\n# out\nout\n"


@pytest.mark.parametrize(
    ("ignore", "folder", "is_found"),
    [
        ({".gitignore": IGNORING}, "build/old", False),
        ({".gitignore": IGNORING}, "build/kept", True),
        ({".gitignore": IGNORING}, "deploy/build", True),
        ({".gitignore": IGNORING}, "deploy/out", False),
        ({"deploy/.gitignore": "/a\n"}, "deploy/a", False),
        ({"deploy/.gitignore": "/a\n"}, "deploy/b", True),
        ({".gitignore": "a/\n", "deploy/.gitignore": "!a/\n"}, "deploy/a", True),
        ({"../.gitignore": "shop/deploy/\n"}, "deploy/a", False),
        ({"../.git/info/exclude": "a/\n"}, "deploy/a", False),
        ({".gitignore": "*.dockerfile\n"}, "deploy", True),
    ],
)
def test_ignored_folders_are_not_searched(
    project: TemporaryProject, ignore: dict[str, str], folder: str, is_found: bool
) -> None:
    """Dockerfiles in folders that git ignores do not count, by its rules."""
    (project.folder.parent / ".git").mkdir()
    for name, text in ignore.items():
        project.write(name.replace("shop", project.folder.name), text)
    project.write(f"{folder}/old.dockerfile", dockerfile("3.9"))
    done = project.invoke("deps.check", "--offline", "--explain")
    assert (f"{folder}/old.dockerfile" in done.stdout) == is_found, done.output


def test_equal_dockerfiles_are_named(project: TemporaryProject) -> None:
    """Of several equal Dockerfiles below, the first is built, and one note names the others."""
    docker = project.stand_in("docker", ENGINE)
    for name in ("jobs", "mail", "web"):
        project.write(f"docker/{name}/Dockerfile", dockerfile("3.9"))
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == (0, NEW), done.stderr
    assert docker.built == ["build --tag shop --file docker/jobs/Dockerfile ."]
    said = "docker/mail/Dockerfile and docker/web/Dockerfile install the file, too; "
    assert f"{said}docker/jobs/Dockerfile is built" in done.stderr


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("stage", "app", "write `target: app` there under `build`, and unset `stage`"),
        ("context", "docker", "write `context: docker` there under `build`"),
    ],
)
def test_settings_of_a_plain_build_beside_compose(
    project: TemporaryProject, setting: str, value: str, said: str
) -> None:
    """`stage` and `context` are no settings for a compose file, which has its own."""
    project.write("Dockerfile", dockerfile("3.9").replace("slim", "slim AS app"))
    project.write("docker/keep", "")
    project.write("compose.yaml", "services: {app: {build: .}}\n")
    environment = {f"INVOKE_PIPFLOW_{setting.upper()}": value}
    done = project.invoke("deps.upgrade-all", environment=environment)
    assert (done.status, project.requirements) == (1, OLD)
    assert f"the setting {setting} is `{value}`, but compose.yaml says how" in done.stderr
    assert said in done.stderr
    assert "set `builder: docker`" in done.stderr


def test_different_dockerfiles_are_asked_for(project: TemporaryProject) -> None:
    """Dockerfiles with different images: status 1, both are named with the setting."""
    project.write("Dockerfile.slim", dockerfile("3.9"))
    project.write("Dockerfile.full", dockerfile("3.12"))
    done = project.invoke("deps.upgrade-all")
    assert (done.status, done.stdout, project.requirements) == (1, "", OLD)
    for word in (
        "Dockerfile.slim: python 3.9",
        "Dockerfile.full: python 3.12",
        "set `dockerfile: Dockerfile.full` or `dockerfile: Dockerfile.slim`",
    ):
        assert word in done.stderr


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (".docker/Dockerfile", dockerfile("3.9"), ".docker/Dockerfile is in a hidden folder"),
        ("compose.yaml", "services: {job: {image: python, command: pip install -r r}}", "job"),
    ],
)
def test_host_is_no_guess(project: TemporaryProject, name: str, text: str, said: str) -> None:
    """Where an image is made somehow, this host's Python counts only with `python: host`."""
    project.write(name, text)
    done = project.invoke("deps.upgrade-all")
    assert (done.status, done.stdout, project.requirements) == (1, "", OLD)
    assert said in done.stderr
    assert "`python: host`" in done.stderr
    done = project.invoke("deps.upgrade-all", environment={"INVOKE_PIPFLOW_PYTHON": "host"})
    assert (done.status, project.requirements != OLD) == (0, True)


def test_another_project_is_named(project: TemporaryProject) -> None:
    """A Dockerfile that finds its file in its own folder is another project."""
    project.remove("requirements.txt")
    project.write("api/Dockerfile", dockerfile("3.9"))
    project.write("api/requirements.txt", OLD)
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.read("api/requirements.txt")) == (1, OLD)
    assert "`cd api`" in done.stderr


@pytest.mark.parametrize("words", [("deps.upgrade-all",), ("deps.outdated",)], ids=" ".join)
def test_the_one_file_that_is_installed(project: TemporaryProject, words: tuple[str, ...]) -> None:
    """Without a requirements.txt, the file that the build installs is meant."""
    project.remove("requirements.txt")
    project.write("reqs/prod.txt", OLD)
    project.write(
        "Dockerfile",
        "FROM python:3.9\nCOPY . /app\nWORKDIR /app\nRUN pip install -r reqs/prod.txt\n",
    )
    done = project.invoke(*words)
    assert done.status == 0
    assert "lib 1.0 to 2.0 (reqs/prod.txt:1)" in done.stdout


def test_several_files_are_listed(project: TemporaryProject) -> None:
    """If the builds install several files, none of them requirements.txt, a setting names all."""
    project.remove("requirements.txt")
    for name in ("api", "web"):
        project.write(f"{name}.txt", OLD)
    project.write(
        "Dockerfile", "FROM python:3.9\nCOPY . .\nRUN pip install -r api.txt -r web.txt\n"
    )
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.read("api.txt")) == (1, OLD)
    assert "several requirements files: api.txt (Dockerfile), web.txt (Dockerfile)" in done.stderr
    assert "`file: api.txt,web.txt`" in done.stderr
    assert project.invoke("deps.upgrade-all", "--file", "api.txt,web.txt").status == 0
    assert (project.read("api.txt"), project.read("web.txt")) == (NEW, NEW)


COMPOSE = "services:\n  api:\n    build: {{context: ., dockerfile: {}}}\n"


def test_compose_file_of_another_name(project: TemporaryProject) -> None:
    """Without a compose file of a usual name, one that is used by name counts, and is named."""
    docker = project.stand_in("docker", {**ENGINE, **COMPOSE_V2, "compose --file": 0})
    project.write("docker-compose.prod.yml", COMPOSE.format("app.dockerfile"))
    project.write("app.dockerfile", dockerfile("3.9"))
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == (0, NEW), done.stderr
    assert docker.built == ["compose --file docker-compose.prod.yml build api"]


def test_compose_files_that_differ_are_asked_for(project: TemporaryProject) -> None:
    """Compose files that build different images of the file: both are named, and how to choose."""
    for name, python in (("dev", "3.9"), ("prod", "3.12")):
        project.write(f"docker-compose.{name}.yml", COMPOSE.format(f"{name}.dockerfile"))
        project.write(f"{name}.dockerfile", dockerfile(python))
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == (1, OLD)
    assert "docker-compose.dev.yml, docker-compose.prod.yml" in done.stderr
    assert "COMPOSE_FILE=docker-compose.dev.yml" in done.stderr
    project.write(".env", "COMPOSE_FILE=docker-compose.dev.yml\n")
    assert project.invoke("deps.upgrade-all").status == 0
