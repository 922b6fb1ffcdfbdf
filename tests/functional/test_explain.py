"""`check --explain`, the hint of a project without settings, and whose report it is."""

from __future__ import annotations

import pytest
from functional.temporary_project import TemporaryProject, dockerfile
from loopback_index import LoopbackIndex

STAGES = """\
FROM --platform=linux/arm64 python:3.12-alpine3.20 AS build
COPY requirements.txt ./
RUN uv pip install --system --extra-index-url {extra} -r requirements.txt
FROM python:3.9-slim
COPY --from=build /usr /usr
"""

BOTH = """\
FROM python:3.9-slim
COPY . .
RUN pip install -r requirements.txt -r prod.txt
"""

COMPOSE = """\
services:
  app:
    platform: linux/arm64
    build: {context: ., dockerfile: docker/app.Dockerfile}
"""


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    index.add("lib", "1.0")
    project.requirements = "lib==1.0\n"


def explained(project: TemporaryProject, *words: str, within: str = ".") -> dict[str, list[str]]:
    """Return the parts of the target, each with its values and sources."""
    done = project.pipflow(
        "check", "--offline", "--explain", "--format", "json", *words, within=within
    )
    found: dict[str, list[str]] = {}
    for origin in done.report["origins"]:
        found.setdefault(origin["part"], []).append(f"{origin['value']} · {origin['source']}")
    return found


def test_each_part_has_its_source(project: TemporaryProject, index: LoopbackIndex) -> None:
    """File, Dockerfile, context, Python, libc, platform, installer and index: each has a source."""
    project.write("Dockerfile", STAGES.format(extra=f"{index.url}extra/"))
    assert explained(project) == {
        "file": ["requirements.txt · the usual name, installed by Dockerfile:3"],
        "dockerfile": ["Dockerfile · the usual name"],
        "context": [". · the folder of the Dockerfile"],
        "python": ["3.12 · Dockerfile:1"],
        "libc": ["musl 1.2 · Dockerfile:1"],
        "platform": ["linux/arm64 · Dockerfile:1"],
        "installer": ["uv · Dockerfile:3"],
        "index": [
            f"{index.url}extra/ · Dockerfile:3",
            f"{index.url} · the variable PIP_INDEX_URL",
        ],
    }


def test_package_manager_says_the_libc(project: TemporaryProject) -> None:
    """Where `apk` alone says that the image has musl, its line is the source."""
    recipe = dockerfile("3.9").replace("python:", "registry.example/python:").replace("-slim", "")
    project.write("Dockerfile", recipe.replace("COPY", "RUN set -e; apk add git\nCOPY", 1))
    found = explained(project)
    assert found["libc"] == ["musl 1.2 · Dockerfile:2"]
    assert found["python"] == ["3.9 · Dockerfile:1"]


def test_parts_of_a_compose_project(project: TemporaryProject) -> None:
    """The service says the Dockerfile, the context and the platform; names are seen from here."""
    project.write("compose.yml", COMPOSE)
    project.write("docker/app.Dockerfile", dockerfile("3.11"))
    project.write("src/main.py", "")
    found = explained(project, within="src")
    service = "the service app in ../compose.yml"
    assert found["dockerfile"] == [f"../docker/app.Dockerfile · {service}"]
    assert found["context"] == [f".. · {service}"]
    assert found["platform"] == ["linux/arm64 · the service app"]
    assert found["python"] == ["3.11 · ../docker/app.Dockerfile:1"]


def test_dockerfile_and_context_that_were_found(project: TemporaryProject) -> None:
    """A Dockerfile below the project's folder, and a context above it, say how they were found."""
    project.remove("Dockerfile")
    project.write("docker/Dockerfile", dockerfile("3.11"))
    found = explained(project)
    assert found["dockerfile"] == ["docker/Dockerfile · found below the project's folder"]
    assert found["context"] == [". · the nearest folder that has what is installed"]


def test_parts_that_settings_decide(project: TemporaryProject) -> None:
    """A setting is named by the file, variable or option that makes it."""
    project.write("invoke.yaml", "pipflow:\n  platform: linux/arm64\n  file: none.txt\n")
    (project.home / ".invoke.yaml").write_text("pipflow:\n  index_url: http://127.0.0.1:1/u/\n")
    project.write(
        "tasks.py", "import pipflow_tasks\nns = pipflow_tasks.namespace_for(python='3.11')"
    )
    project.environment["INVOKE_PIPFLOW_DOCKERFILE"] = "Dockerfile"
    found = explained(project, "--file", "requirements.txt")
    assert found["platform"] == ["linux/arm64 · invoke.yaml"]
    assert found["python"] == ["3.11 · the tasks file"]
    assert found["dockerfile"] == ["Dockerfile · the variable INVOKE_PIPFLOW_DOCKERFILE"]
    assert found["file"] == ["requirements.txt · the option --file, installed by Dockerfile:3"]
    assert found["index"][0].endswith("/.invoke.yaml")


def test_index_of_a_line_without_its_password(project: TemporaryProject) -> None:
    """An index is named by its line, and its password is not shown."""
    project.requirements = "--index-url http://me:hunter2@127.0.0.1:1/simple/\nlib==1.0\n"
    found = explained(project)
    assert found["index"] == ["http://****@127.0.0.1:1/simple/ · requirements.txt:1"]


def test_text_and_markdown(project: TemporaryProject) -> None:
    """The text has a line for each part, Markdown a row; without the option there are none."""
    text = project.pipflow("check", "--offline", "--explain").stdout
    assert "\npython     3.9 · Dockerfile:1\n" in text
    markdown = project.pipflow("check", "--offline", "--explain", "--format", "markdown").stdout
    assert "\n| python | 3.9 | Dockerfile:1 |\n" in markdown
    assert "python     3.9" not in project.pipflow("check", "--offline").stdout


def test_part_that_is_unknown(project: TemporaryProject) -> None:
    """What was found is explained, also where the rest can't be known."""
    project.write("Dockerfile", dockerfile("3.9").replace("python:3.9-slim", "team/image:1"))
    found = explained(project)
    assert found["dockerfile"] == ["Dockerfile · the usual name"]
    assert "python" not in found


# a project without settings


def test_nothing_needs_to_be_set(project: TemporaryProject) -> None:
    """Without settings, `check` alone says what was found, and that none are needed."""
    assert "found requirements.txt and Dockerfile; no settings are needed" in (
        project.pipflow("check", "--offline").stdout
    )
    assert "no settings are needed" not in project.pipflow("outdated").stdout
    project.write("compose.yaml", "services:\n  app: {build: .}\n")
    assert "found requirements.txt, compose.yaml and Dockerfile; no settings are needed" in (
        project.pipflow("check", "--offline").stdout
    )
    project.write("invoke.yaml", "pipflow:\n  rebuild: never\n")
    assert "no settings are needed" not in project.pipflow("check", "--offline").stdout


def test_lines_to_paste(project: TemporaryProject) -> None:
    """Where a setting is needed, the lines for invoke.yaml are printed, and they work."""
    project.write("Dockerfile", dockerfile("3.9").replace("python:3.9-slim", "team/image:1"))
    done = project.pipflow("check", "--offline")
    assert done.status == 1
    _, _, lines = done.stdout.partition("in invoke.yaml:\n")
    assert lines.startswith('pipflow:\n  python: "3.')
    project.write("invoke.yaml", lines)
    assert project.pipflow("check", "--offline").status == 0


# the first line


@pytest.mark.parametrize(
    ("within", "words", "first"),
    [
        (".", (), "for       python 3.9, glibc 2.41 x86_64, pip 23.0 · Dockerfile:1"),
        ("src", (), "..: for python 3.9, glibc 2.41 x86_64, pip 23.0 · ../Dockerfile:1"),
        (".", ("--file", "prod.txt"), "prod.txt: for python 3.9, "),
        ("src", ("--file", "prod.txt"), "../prod.txt: for python 3.9, "),
    ],
)
def test_first_line_names_what_is_not_here(
    project: TemporaryProject, within: str, words: tuple[str, ...], first: str
) -> None:
    """The folder, the file and the Dockerfile are named where they are not the current folder's."""
    project.write("prod.txt", "lib==1.0\n")
    project.write("Dockerfile", BOTH)
    project.write("src/main.py", "")
    environment = {"DOCKER_DEFAULT_PLATFORM": "linux/amd64"}
    done = project.pipflow("outdated", *words, within=within, environment=environment)
    assert done.stdout.startswith(first)


def test_first_line_without_a_target(project: TemporaryProject) -> None:
    """A task that chooses no version names the Dockerfile as well."""
    project.write("invoke.yaml", "pipflow:\n  dockerfile: docker/Dockerfile\n  file: prod.txt\n")
    project.write("docker/Dockerfile", dockerfile("3.9"))
    project.write("prod.txt", "lib==1.0\n")
    done = project.pipflow("remove", "lib", "--dry-run")
    assert done.stdout.startswith("prod.txt, docker/Dockerfile:\n")


def test_what_counts_besides(project: TemporaryProject) -> None:
    """Folders of `--find-links`, other files, and requirements on command lines are named."""
    project.write("other.txt", "lib\n")
    project.write(
        "Dockerfile",
        "FROM python:3.9-slim\nCOPY . .\nRUN pip install tool==1.0 -r other.txt\n"
        "RUN pip install --find-links /wheels -r requirements.txt\n",
    )
    found = explained(project)
    assert found["beside"] == ["other.txt · Dockerfile:3", "tool==1.0 · Dockerfile:3"]
    assert found["links"] == ["/wheels · Dockerfile:4"]


def test_stages_and_values_by_environment(project: TemporaryProject) -> None:
    """Several stages are listed, and each environment has the origin of its own values."""
    stages = dockerfile("3.9").replace("slim", "slim AS one")
    project.write("Dockerfile", stages + dockerfile("3.12").replace("slim", "slim AS two"))
    project.write(
        "invoke.yaml",
        'pipflow:\n  stage: [one, two]\n  python: {Dockerfile#one: "3.10"}\n',
    )
    done = project.invoke("deps.check", "--offline", "--explain")
    assert done.status == 0, done.stderr
    for line in (
        "stage      one · invoke.yaml",
        "stage      two · invoke.yaml",
        "python     3.10 · invoke.yaml",
        "python     3.12 · Dockerfile:4",
    ):
        assert line in done.stdout
