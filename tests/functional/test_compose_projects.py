"""Compose projects: which files are read, which services are built, by which compose."""

from __future__ import annotations

import json

import pytest
from functional.temporary_project import COMPOSE_V2, ENGINE, Answer, TemporaryProject, dockerfile
from loopback_index import LoopbackIndex

CONFIG = "compose --profile '*' config --format json"
COMPOSE = "services:\n  app:\n    build: .\n"
TWO = """\
services:
  app:
    build: .
  worker:
    build: .
"""


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    index.add("lib", "1.0")
    index.add("lib", "2.0", requires_python=">=3.10")
    project.requirements = ""


def test_service_without_python_below_the_root(project: TemporaryProject) -> None:
    """The file of the one service that installs one is written, where it is."""
    project.remove("requirements.txt")
    project.remove("Dockerfile")
    project.write("api/requirements.txt", "")
    project.write("api/Dockerfile", dockerfile("3.9"))
    project.write("web/Dockerfile", "FROM nginx:1.27\nCOPY . /usr/share/nginx/html\n")
    project.write("compose.yaml", "services:\n  web: {build: ./web}\n  api: {build: ./api}\n")
    done = project.invoke("deps.add", "lib", "--no-rebuild")
    assert done.status == 0, done.output
    assert (project.read("api/requirements.txt"), project.exists()) == ("lib==1.0\n", False)


def built(project: TemporaryProject, text: str, *, name: str = "compose.yaml") -> tuple[str, str]:
    """Add a package with docker compose 2; return how it builds and what is to be done next."""
    project.write(name, text)
    docker = project.stand_in(
        "docker", {"version": 0, "compose": 0, "compose --profile * config": 1}
    )
    done = project.invoke("deps.add", "lib")
    assert done.status == 0, done.stderr
    (command,) = docker.built
    return command, done.stdout.splitlines()[-2].removeprefix("next").strip()


def test_service_behind_a_profile(project: TemporaryProject) -> None:
    """A service that a profile hides is built with the others, and not started with them."""
    text = TWO + "  tests:\n    build: .\n    profiles: [tools, ci]\n"
    assert built(project, text) == (
        "compose --profile tools build app worker tests",
        "docker compose up -d app worker",
    )


@pytest.mark.parametrize(
    ("environment", "status", "services"),
    [
        ({}, 0, "build app"),
        ({"COMPOSE_PROFILES": "other"}, 0, "build app"),
        ({"COMPOSE_PROFILES": "ci"}, 0, "--profile tools build app tests"),
        ({"INVOKE_PIPFLOW_SERVICE": "tests"}, 0, "--profile tools build tests"),
    ],
)
def test_service_of_another_image_behind_a_profile(
    project: TemporaryProject, environment: dict[str, str], status: int, services: str
) -> None:
    """A service that a profile hides does not count, unless its profile is active."""
    project.write("new/Dockerfile", dockerfile("3.11"))
    text = COMPOSE + "  tests:\n    build: {context: ., dockerfile: new/Dockerfile}\n"
    project.write("compose.yaml", f"{text}    profiles: [tools, ci]\n")
    docker = project.stand_in(
        "docker", {"version": 0, "compose": 0, "compose --profile * config": 1}
    )
    done = project.invoke("deps.add", "lib", environment=environment)
    assert (done.status, "".join(docker.built)) == (
        status,
        f"compose {services}" if services else "",
    ), done.stderr
    assert ("the service tests installs the file, too" in done.stderr) == (services == "build app")


def test_service_behind_a_profile_alone(project: TemporaryProject) -> None:
    """Where all services are hidden, the profile is named for starting them, too."""
    assert built(project, "services:\n  tests:\n    build: .\n    profiles: [tools]\n") == (
        "compose --profile tools build tests",
        "docker compose --profile tools up -d tests",
    )


def test_profile_called_build(project: TemporaryProject) -> None:
    """A profile may have any name, also that of the command."""
    project.write("compose.yaml", COMPOSE + "    profiles: [build]\n")
    docker = project.stand_in("docker", {"version": 0, "compose": 0, "compose --profile": 7})
    done = project.invoke("deps.rebuild", "--no-cache")
    assert done.status == 3
    assert docker.built == ["compose --profile build build --no-cache app"]


def test_services_that_install_what_changed(project: TemporaryProject) -> None:
    """Of several files, the services are built that install a changed one, or what includes it."""
    for name, text in {"web": "-r ../base.txt\n", "api": "lib==1.0\n"}.items():
        project.write(f"{name}/Dockerfile", dockerfile("3.11"))
        project.write(f"{name}/requirements.txt", text)
    project.write("base.txt", "lib==1.0\n")
    project.write("compose.yaml", "services:\n  web:\n    build: web\n  api:\n    build: api\n")
    project.write("invoke.yaml", "pipflow:\n  file: web/requirements.txt,api/requirements.txt\n")
    docker = project.stand_in("docker", COMPOSE_V2)
    assert project.invoke("deps.upgrade-all").status == 0
    assert project.read("base.txt") == project.read("api/requirements.txt") == "lib==2.0\n"
    project.write("base.txt", "lib==1.0\n")
    assert project.invoke("deps.upgrade-all").status == 0
    project.write("api/requirements.txt", "lib==1.0\n")
    # base.txt has the project, too, so that no task would undo this in one file
    last, undo = project.invoke("deps.upgrade-all").stdout.splitlines()[-2:]
    assert undo.startswith("undo      by hand: ")
    assert docker.built == [f"compose build {names}" for names in ("web api", "web", "api")]
    assert last.endswith("docker compose up -d api")


def two_services(project: TemporaryProject, *pythons: str) -> None:
    """Write services web and worker, whose files both include base.txt."""
    for service, python in zip(("web", "worker"), pythons, strict=True):
        project.write(f"requirements/{service}.txt", "-r base.txt\n")
        project.write(
            f"{service}.Dockerfile",
            f"FROM python:{python}-slim\nCOPY requirements /requirements\n"
            f"RUN pip install -r /requirements/{service}.txt\n",
        )
    project.write("requirements/base.txt", "lib==1.0\n")
    project.write(
        "compose.yaml",
        "services:\n  web: {build: {context: ., dockerfile: web.Dockerfile}}\n"
        "  worker: {build: {context: ., dockerfile: worker.Dockerfile}}\n",
    )


@pytest.mark.parametrize("file", ["requirements/web.txt", "requirements/base.txt"])
def test_file_that_two_images_include(
    project: TemporaryProject, index: LoopbackIndex, file: str
) -> None:
    """A file that services with different images include is not chosen for one of them alone."""
    two_services(project, "3.12", "3.9")
    index.add("lib", "1.1", requires_python=">=3.8")
    index.add("lib", "1.2", requires_python=">=3.10")
    done = project.invoke("deps.upgrade-all", "--file", file)
    assert (done.status, project.read("requirements/base.txt")) == (0, "lib==1.1\n")
    assert "web: python 3.12" in done.stdout
    assert "worker: python 3.9" in done.stdout


def test_services_that_include_what_changed(project: TemporaryProject) -> None:
    """All services are built whose files include the changed one, and no others."""
    two_services(project, "3.12", "3.12")
    docker = project.stand_in("docker", COMPOSE_V2)
    word = ("--file", "requirements/web.txt")
    assert project.invoke("deps.upgrade-all", *word).status == 0
    project.write("requirements/web.txt", "-r base.txt\nlib==1.0\n")
    project.write("requirements/base.txt", "")
    assert project.invoke("deps.upgrade-all", *word).status == 0
    assert docker.built == ["compose build web worker", "compose build web"]


def test_included_file_is_installed(project: TemporaryProject) -> None:
    """What a step's file includes is installed by it, for `check` as well."""
    two_services(project, "3.9", "3.9")
    done = project.invoke("deps.check", "--offline", "--file", "requirements/base.txt")
    assert (done.status, "nothing installs" in done.output) == (0, False), done.output


def test_service_of_a_stage_that_does_not_install(project: TemporaryProject) -> None:
    """A service whose build stops at a stage that does not install the file is not built."""
    project.write(
        "Dockerfile",
        dockerfile("3.12").replace("slim", "slim AS app")
        + dockerfile("3.9").replace("slim", "slim AS docs").replace(".txt", "-docs.txt"),
    )
    project.write("requirements-docs.txt", "lib==1.0\n")
    text = "services:\n" + "".join(
        f"  {name}: {{build: {{context: ., target: {name}}}}}\n" for name in ("app", "docs")
    )
    assert built(project, text)[0] == "compose build app"
    assert project.requirements == "lib==2.0\n"


@pytest.mark.parametrize(
    ("second", "command"),
    [
        ("{image: shop, build: .}", "compose build app"),
        ("{image: other, build: .}", "compose build app worker"),
        ("{build: .}", "compose build app worker"),
        ("{image: shop, build: {context: ., target: x}}", "compose build app worker"),
        ("{image: shop, build: {context: ., args: {A: b}}}", "compose build app worker"),
        ("{image: shop, build: ., platform: linux/arm64}", "compose build app worker"),
        ("{image: shop}", "compose build app"),
    ],
)
def test_identical_builds_run_once(project: TemporaryProject, second: str, command: str) -> None:
    """Of services that build the same image of one name, one is built; all are started anew."""
    project.write("Dockerfile", dockerfile("3.9").replace("slim", "slim AS x"))
    project.environment["INVOKE_PIPFLOW_PLATFORM"] = "linux/amd64"
    text = f"services:\n  app: {{image: shop, build: .}}\n  worker: {second}\n"
    assert built(project, text) == (command, "docker compose up -d app worker")


def test_other_services_are_not_built(project: TemporaryProject) -> None:
    """Services that do not install the file, or come from an address, are not built."""
    project.write("web/Dockerfile", "FROM nginx\nCOPY . .\n")
    text = COMPOSE + "  web:\n    build: web\n  far:\n    build: https://example.com/far.git\n"
    assert built(project, text) == ("compose build app", "docker compose up -d app")


def test_override_file_is_merged(project: TemporaryProject) -> None:
    """The override file beside a compose file counts, as it does for compose."""
    project.write("docker/app.Dockerfile", dockerfile("3.11"))
    project.write(
        "docker-compose.override.yml",
        "services:\n  app:\n    build:\n      dockerfile: docker/app.Dockerfile\n",
    )
    built(project, COMPOSE, name="docker-compose.yml")
    assert project.requirements == "lib==2.0\n"


@pytest.mark.parametrize("told_by", ["environment", ".env"])
def test_compose_file_variable(project: TemporaryProject, told_by: str) -> None:
    """`COMPOSE_FILE` names the files, in the environment or in `.env`; paths are the first's."""
    project.write("deploy/more.yaml", "services:\n  app:\n    build:\n      args: {PYTHON: 3.11}\n")
    project.write(
        "Dockerfile", "ARG PYTHON=3.9\n" + dockerfile("3.9").replace("3.9-", "${PYTHON}-")
    )
    if told_by == "environment":
        project.environment["COMPOSE_FILE"] = "deploy/base.yaml:deploy/more.yaml"
    else:
        project.write(
            ".env", 'COMPOSE_FILE="deploy/base.yaml;deploy/more.yaml"\nCOMPOSE_PATH_SEPARATOR=;\n'
        )
    text = COMPOSE.replace("build: .", "build:\n      context: ..")
    assert built(project, text, name="deploy/base.yaml")[0] == "compose build app"
    assert project.requirements == "lib==2.0\n"


def test_compose_file_variable_that_names_nothing(project: TemporaryProject) -> None:
    """A file that `COMPOSE_FILE` names and that is not there is named: status 1."""
    done = project.invoke("deps.add", "lib", environment={"COMPOSE_FILE": "gone.yaml"})
    assert (done.status, done.stdout, project.requirements) == (1, "", "")
    assert done.stderr.startswith(
        "error: gone.yaml: there is no such file, which COMPOSE_FILE names"
    )


@pytest.mark.parametrize("value", [":", " ", ""])
def test_empty_compose_file_variable(project: TemporaryProject, value: str) -> None:
    """A `COMPOSE_FILE` without a name counts for nothing."""
    project.stand_in("docker", COMPOSE_V2)
    project.write("compose.yaml", "services: {web: {build: .}}\n")
    done = project.invoke("deps.add", "lib", environment={"COMPOSE_FILE": value})
    assert (done.status, "docker compose up -d web" in done.stdout) == (0, True)


@pytest.mark.parametrize(
    "text",
    [
        "include: [other.yaml]\nservices: {db: {image: postgres}}\n",
        "services: {web: {extends: {file: other.yaml, service: web}}}\n",
    ],
)
def test_files_that_are_not_there(project: TemporaryProject, text: str) -> None:
    """Where a file that is not there may say what is built, no other Dockerfile is taken."""
    project.stand_in("docker-compose", {"version": 0, "ps": 0})
    project.write("compose.yaml", text)
    before = project.contents()
    done = project.invoke("deps.add", "lib")
    assert (done.status, done.stdout, project.contents()) == (1, "", before)
    assert "what other.yaml has is unknown" in done.stderr


@pytest.mark.parametrize(
    ("files", "service"),
    [
        (
            {
                "compose.yaml": "include: [deploy/compose.yaml]\n",
                "deploy/compose.yaml": "include: [{path: ../compose.yaml}, ../api/c.yaml]\n",
                "deploy/.env": "FOLDER=.\n",
                "api/.env": "FOLDER=/no-such-folder\nPYTHON=3.11\n",
                "api/c.yaml": "services: {web: {build: {context: ., args: [PYTHON=$PYTHON]}}}\n",
            },
            "web",
        ),
        (
            {
                "compose.yaml": "include: [{path: [a.yaml, b.yaml], project_directory: api}]\n",
                "a.yaml": "services: {web: {build: .}}\n",
                "b.yaml": "services: {web: {build: {args: {PYTHON: '3.11'}}}}\n",
            },
            "web",
        ),
        (
            {
                "compose.yaml": "services: {web: {extends: {file: x/a.yaml, service: a}}}\n",
                "x/a.yaml": "services: {a: {extends: {file: ../b.yaml, service: b}}}\n",
                "b.yaml": (
                    "x-b: &b {args: {PYTHON: '3.11'}, context: api}\n"
                    "services: {a: {build: *b}, c: {build: *b}, b: {extends: c}}\n"
                ),
            },
            "web",
        ),
        (
            {
                "compose.yaml": (
                    "services:\n"
                    "  base: {build: {context: api, args: {PYTHON: '3.11'}}, profiles: [x]}\n"
                    "  web: {extends: {file: compose.yaml, service: base}, profiles: !reset []}\n"
                )
            },
            "base web",
        ),
    ],
    ids=["include", "include-several", "extends", "extends-same-file"],
)
def test_files_that_are_included_and_extended(
    project: TemporaryProject, files: dict[str, str], service: str
) -> None:
    """Without compose 2, what a file includes and extends is read here, relative to its folder."""
    compose = project.stand_in(
        "docker-compose", {"version": 0, "ps": 0, "build": 0, "--profile": 0}
    )
    project.write("api/Dockerfile", "ARG PYTHON=3.9\n" + dockerfile("$PYTHON"))
    project.write("api/requirements.txt", "")
    for name, text in files.items():
        project.write(name, text)
    done = project.invoke("deps.add", "lib", "--file", "api/requirements.txt")
    assert (done.status, project.read("api/requirements.txt")) == (0, "lib==2.0\n"), done.stderr
    assert compose.built[0].removeprefix("--profile x ") == f"build {service}"


@pytest.mark.parametrize(
    "text",
    [
        "services: {web: {extends: {file: other.yaml, service: web}}}\n",
        "include: [other.yaml]\n",
    ],
)
def test_other_file_that_is_not_valid(project: TemporaryProject, text: str) -> None:
    """An error in another file names that file, and files that extend each other are an error."""
    project.stand_in("docker-compose", {"version": 0, "ps": 0})
    project.write("compose.yaml", text)
    project.write("other.yaml", "services: {web: {build: [}}\n")
    done = project.invoke("deps.add", "lib")
    assert (done.status, done.stderr.startswith("error: other.yaml:1: the file is no YAML")) == (
        1,
        True,
    )
    project.write("other.yaml", text.replace("other", "compose"))
    done = project.invoke("deps.add", "lib")
    assert done.status == 1
    assert "extends itself" in done.stderr or "is unknown" in done.stderr


def test_docker_compose_1_tells_what_services_extend(project: TemporaryProject) -> None:
    """Where a service extends one of another file, docker-compose 1 knows how it is built."""
    project.stand_in("docker", {"version": 0})
    project.write("api/Dockerfile", dockerfile("3.11"))
    project.write("api/requirements.txt", "")
    project.write(
        "compose.yaml",
        "services:\n  web:\n    extends: {file: other.yaml, service: base}\n"
        "    build: {args: {A: b}}\n",
    )
    config = (
        "services:\n  web:\n    build:\n      args:\n        A: b\n"
        f"      context: {project.folder}/api\n    profiles:\n    - tools\nversion: '3.9'\n"
    )
    compose = project.stand_in("docker-compose", {"config": config, "--profile tools build": 0})
    done = project.invoke("deps.add", "lib", "--file", "api/requirements.txt")
    assert (done.status, project.read("api/requirements.txt")) == (0, "lib==2.0\n"), done.stderr
    assert compose.built == ["--profile tools build web"]


INLINE = """\
services:
  app:
    build:
      dockerfile_inline: |
        FROM python:3.11-slim
        COPY requirements.txt .
        RUN pip install -r requirements.txt
"""


@pytest.mark.parametrize("is_told", [False, True], ids=["read", "told"])
def test_lines_of_a_dockerfile_in_the_compose_file(
    project: TemporaryProject, is_told: bool
) -> None:
    """The lines of an inline Dockerfile are the compose file's, whoever has read that."""
    text = "FROM python:3.11-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"
    build = {"context": str(project.folder), "dockerfile_inline": text}
    told = json.dumps({"name": "shop", "services": {"app": {"build": build}}})
    config: dict[str, Answer] = {"compose --profile * config": told if is_told else 1}
    project.stand_in("docker", {"version": 0, "compose": 0, **config})
    project.write("compose.yaml", INLINE)
    project.remove("Dockerfile")
    done = project.invoke("deps.check", "--offline", "--explain")
    assert "installed by compose.yaml:7" in done.stdout, done.output


def test_dotenv_gives_variables(project: TemporaryProject) -> None:
    """Variables of the compose file come from `.env`; the environment counts before it."""
    project.write("Dockerfile", "ARG PYTHON\n" + dockerfile("3.9").replace("3.9-", "${PYTHON}-"))
    project.write(".env", "# which\nexport MINOR='11' # new\nPYTHON=\"3.${MINOR}\"\n")
    built(project, COMPOSE.replace("build: .", "build: {context: ., args: [PYTHON]}"))
    assert project.requirements == "lib==2.0\n"
    project.requirements = ""
    done = project.invoke("deps.add", "lib", environment={"PYTHON": "3.9"})
    assert (done.status, project.requirements) == (0, "lib==1.0\n")


def test_compose_file_above_the_project(project: TemporaryProject) -> None:
    """In a repository a compose file above the project counts, for services that install its file.

    Compose is run there, for that is where it would look for its files.
    """
    docker = project.stand_in(
        "docker", {"version": 0, "build": 0, "compose": 0, "compose --profile * config": 1}
    )
    project.write("services/api/Dockerfile", dockerfile("3.11"))
    project.write("services/api/requirements.txt", "")
    project.write("services/api/tasks.py", project.read("tasks.py"))
    project.write("compose.yaml", "services:\n  api:\n    build: services/api\n")
    project.remove("tasks.py")
    assert project.invoke("deps.add", "lib", within="services/api").status == 0
    assert docker.built == ["build --tag api --file Dockerfile ."]
    (project.folder / ".git").mkdir()
    assert project.invoke("deps.remove", "lib", within="services/api").status == 0
    assert (docker.built[1:], docker.builds[1].folder) == (["compose build api"], project.folder)
    project.write("compose.yaml", COMPOSE)
    assert project.invoke("deps.add", "lib", within="services/api").status == 0
    assert docker.built[2:] == ["build --tag api --file Dockerfile ."]


@pytest.mark.parametrize("tasks", ["tasks.py", "tasks/__init__.py"])
def test_compose_file_beside_the_tasks(project: TemporaryProject, tasks: str) -> None:
    """Without a repository, the compose file beside the tasks counts for a folder below."""
    docker = project.stand_in("docker", COMPOSE_V2)
    project.write("services/api/Dockerfile", dockerfile("3.11"))
    project.write("compose.yaml", "services:\n  api:\n    build: services/api\n")
    project.remove("tasks.py")
    project.write(
        tasks,
        "from pipflow_tasks import namespace_for\n"
        "namespace = namespace_for('services/api', service='api')\n",
    )
    done = project.invoke("add", "lib")
    assert (done.status, project.read("services/api/requirements.txt")) == (0, "lib==2.0\n")
    assert docker.built == ["compose build api"]


def test_compose_itself_tells_what_its_files_say(project: TemporaryProject) -> None:
    """Where compose 2 gives its configuration as JSON, that counts: includes and all."""
    project.write("compose.yaml", "include: [../elsewhere.yaml]\nservices: {}\n")
    project.write("app/Dockerfile", dockerfile("3.11"))
    project.write("app/requirements.txt", "")
    build = {
        "context": str(project.folder / "app"),
        "dockerfile": "Dockerfile",
        "args": {"GIVEN": "a$$b", "NOT": None},
    }
    services = {"app": {"build": build, "profiles": ["x"]}, "db": {"image": "postgres"}}
    told: dict[str, Answer] = {
        "version": 0,
        "compose": 0,
        "compose --profile * config": json.dumps({"name": "shop", "services": services}),
    }
    docker = project.stand_in("docker", told)
    done = project.invoke("deps.add", "lib", "--file", "app/requirements.txt")
    assert (done.status, project.read("app/requirements.txt")) == (0, "lib==2.0\n")
    assert docker.built == ["compose --profile x build app"]
    assert CONFIG.replace("'", "").split() in [list(call.arguments) for call in docker.calls]


@pytest.mark.parametrize("answer", [1, "no JSON\n"])
def test_configuration_that_compose_does_not_give(
    project: TemporaryProject, answer: Answer
) -> None:
    """Where compose does not give it, the files are read here."""
    project.write("compose.yaml", COMPOSE)
    docker = project.stand_in("docker", {**COMPOSE_V2, "compose --profile * config": answer})
    assert project.invoke("deps.add", "lib").status == 0
    assert docker.built == ["compose build app"]


# --- which compose --------------------------------------------------------------------------------

DOCKER = {"version": 0, "compose": 0}
PODMAN = {"info": 0, "compose version": 0, "compose build": 0}


@pytest.mark.parametrize(
    ("docker", "podman", "environment", "program"),
    [
        (DOCKER, PODMAN, {}, "docker"),
        ({**DOCKER, "version": 1}, PODMAN, {}, "podman"),
        ({**DOCKER, "version": 1}, {**PODMAN, "info": 1}, {}, ""),
        ({**DOCKER, "version": 1}, PODMAN, {"DOCKER_HOST": "tcp://127.0.0.1:9"}, ""),
        ({**DOCKER, "version": 1}, PODMAN, {"DOCKER_CONTEXT": "far"}, ""),
        ({**DOCKER, "version": 1}, PODMAN, {"DOCKER_CONTEXT": "default"}, "podman"),
        ({"version": 0}, PODMAN, {}, "podman"),
        (None, PODMAN, {}, "podman"),
        (DOCKER, PODMAN, {"INVOKE_PIPFLOW_BUILDER": "compose"}, "docker"),
        (DOCKER, PODMAN, {"INVOKE_PIPFLOW_BUILDER": "podman-compose"}, "podman"),
    ],
)
def test_compose_by_what_answers(
    project: TemporaryProject,
    docker: dict[str, int] | None,
    podman: dict[str, int],
    environment: dict[str, str],
    program: str,
) -> None:
    """Docker's compose where docker answers, else podman's where that does; a choice is kept."""
    project.write("compose.yaml", COMPOSE)
    stand_ins = {"podman": project.stand_in("podman", podman)}
    if docker is not None:
        stand_ins["docker"] = project.stand_in("docker", docker)
    done = project.invoke("deps.add", "lib", environment=environment)
    assert done.status == 0, done.stderr
    assert {name: each.built for name, each in stand_ins.items() if each.built} == (
        {program: ["compose build app"]} if program else {}
    )
    assert f"{program} compose up -d app" in done.stdout or not program


def test_docker_context_of_the_configuration(project: TemporaryProject) -> None:
    """A context that `docker context use` has chosen means docker, as `DOCKER_HOST` does."""
    podman = project.stand_in("podman", {"info": 0, "build": 0})
    project.stand_in("docker", {"version": 1})
    config = project.home / ".docker" / "config.json"
    config.parent.mkdir()
    for text in ('{"currentContext": "far"}', "no JSON", '{"currentContext": "default"}'):
        config.write_text(text)
        done = project.invoke("deps.rebuild")
        assert done.status == (1 if "far" in text else 0), done.stderr
    assert len(podman.built) == 2


def test_podman_where_docker_does_not_answer(project: TemporaryProject) -> None:
    """A plain build, too, is podman's where docker is there and does not answer."""
    docker = project.stand_in("docker", {"version": 1})
    podman = project.stand_in("podman", {"info": 0, "build": 0})
    assert project.invoke("deps.add", "lib").status == 0
    assert (docker.built, podman.built) == ([], ["build --tag shop --file Dockerfile ."])


@pytest.mark.parametrize(
    ("told_of", "flag"), [("options: --profile NAME", "--profile tools "), ("options:", "")]
)
def test_podman_compose_with_and_without_profiles(
    project: TemporaryProject, told_of: str, flag: str
) -> None:
    """podman-compose is told the profile of a service if its version knows profiles."""
    project.stand_in("podman", {"info": 0})
    compose = project.stand_in("podman-compose", {"--help": told_of, f"{flag}build": 0})
    project.write("compose.yaml", COMPOSE + "    profiles: [tools]\n")
    done = project.invoke("deps.add", "lib", "--format", "json")
    assert (done.status, done.report["image"]["builder"]) == (0, "compose")
    assert compose.built == [f"{flag}build app"]


def test_podman_compose_that_conceals_a_failure(project: TemporaryProject) -> None:
    """podman-compose 1.0 ends with status 0 although a build failed: what it prints tells."""
    project.stand_in("podman", {"info": 0})
    project.stand_in("podman-compose", {"build": "STEP 1\nexit code: 125"})
    project.write("compose.yaml", COMPOSE)
    done = project.invoke("deps.add", "lib")
    assert (done.status, project.requirements) == (3, "")
    assert "exit code: 125" in done.stderr.splitlines()
    assert "`podman-compose build app` reported a failed step" in done.stderr


def test_engine_alone_has_no_compose(project: TemporaryProject) -> None:
    """With docker alone and a compose file, the report says what would build."""
    project.write("compose.yaml", COMPOSE)
    project.stand_in("docker", ENGINE)
    done = project.invoke("deps.add", "lib", "--dry-run")
    assert "image     would be built: docker compose build app" in done.stdout


def test_missing_dockerfile_of_the_only_service(project: TemporaryProject) -> None:
    """A missing Dockerfile is an error that names no setting, where no other service installs."""
    project.remove("Dockerfile")
    project.write("compose.yaml", "services:\n  app:\n    build: ./gone\n")
    done = project.invoke("deps.check")
    assert done.status == 1
    assert "gone/Dockerfile: there is no such file, which the service app builds" in done.output
    assert "fix: correct the path in compose.yaml, or remove the service there" in done.output
    assert "service: app" not in done.output
