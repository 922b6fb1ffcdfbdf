"""The setting `build_command`: how it is split and filled in, and what its options tell."""

from __future__ import annotations

from pathlib import Path

import pytest
from functional.temporary_project import NO_ADVICE, TemporaryProject, dockerfile
from loopback_index import LoopbackIndex

CHECK = "--entrypoint pip shop check"
GUIDE = Path(__file__).parents[2] / "docs" / "building.md"


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    index.add("lib", "1.0")
    index.add("lib", "2.0", requires_python=">=3.10")
    project.requirements = ""


def settings(project: TemporaryProject, **values: str) -> None:
    """Write the settings."""
    lines = "".join(f"  {name}: '{value}'\n" for name, value in values.items())
    project.write("invoke.yaml", f"pipflow:\n{lines}")


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("buildah build --tag {image} --file {file} {context}",
         "build --tag shop --file Dockerfile ."),
        ("buildah build --tag={image}:latest '--label=a b {{x}}' .",
         "build --tag=shop:latest '--label=a b {x}' ."),
        ("buildah build --platform {platform} $HOME *", "build --platform linux/amd64 '$HOME' '*'"),
    ],
)  # fmt: skip
def test_is_split_and_filled_in(project: TemporaryProject, text: str, command: str) -> None:
    """It is split once, as a shell would; values fill places within arguments; nothing expands."""
    buildah = project.stand_in("buildah", {"build": 0})
    settings(project, build_command=text.replace("'", "''"), platform="linux/amd64")
    done = project.invoke("deps.add", "lib", "--format", "json")
    assert (done.status, done.report["image"]["builder"]) == (0, "command")
    assert buildah.built == [command]
    assert buildah.builds[0].folder == project.folder


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("buildah build {tag} .", "{tag} is none of {file}, {context}, {image}, {platform}"),
        ("buildah build ${TAG} .", "{TAG} is none of"),
        ("buildah build { .", "the setting build_command has `{`"),
        ("buildah build {image!r} .", "{image} is none of"),
        ("buildah build {} .", "{} is none of"),
        ('buildah build ".', "can't be split into arguments"),
        ("buildah build --platform {platform} .", "has {platform}, and platform is unknown"),
        ("''", "names no program"),
    ],
)
def test_that_makes_no_sense(project: TemporaryProject, text: str, message: str) -> None:
    """A command that can't be split or filled in is refused before anything is looked up."""
    settings(project, build_command=text.replace("'", "''"))
    done = project.invoke("deps.add", "lib")
    assert (done.status, done.stdout, project.requirements) == (1, "", "")
    assert message in done.stderr


def test_program_that_is_not_there(project: TemporaryProject) -> None:
    """A program that is not installed is reported as an engine that does not answer is."""
    settings(project, build_command="buildah build .")
    done = project.invoke("deps.add", "lib")
    assert (done.status, project.requirements) == (0, "lib==1.0\n")
    assert "image     not built: there is no program `buildah`" in done.stdout
    done = project.invoke("deps.rebuild")
    assert done.status == 1
    assert "there is no program `buildah`; nothing was changed" in done.stderr


def test_program_of_the_project(project: TemporaryProject) -> None:
    """A program with a slash is the project's, wherever the command was typed."""
    project.write("tools/build", "#!/bin/sh\necho $1 >>built\n").chmod(0o755)
    settings(project, build_command="tools/build {image}", image="team/shop")
    project.write("src/x", "")
    assert project.invoke("deps.add", "lib", within="src").status == 0
    assert project.read("built") == "team/shop\n"


@pytest.mark.parametrize(
    ("command", "next_step"),
    [
        ("docker buildx bake", None),
        ("docker buildx build --tag {image} .", "docker run --rm shop"),
        ("buildah build --tag {image} .", "podman run --rm shop"),
    ],
)
def test_next_step(project: TemporaryProject, command: str, next_step: str | None) -> None:
    """The next step is known where the command takes the image's name from here."""
    project.stand_in("docker", {"buildx": 0})
    project.stand_in("buildah", {"build": 0})
    settings(project, build_command=command)
    last = project.invoke("deps.add", "lib").stdout.splitlines()[-2]
    assert last.startswith("image     built: " if next_step is None else "next ")
    assert next_step is None or last.endswith(next_step)


def test_in_a_compose_project(project: TemporaryProject) -> None:
    """A compose project keeps its services, its image's name and its next step."""
    docker = project.stand_in("docker", {"version": 0, "compose version": 0, "buildx": 0})
    project.write("app/Dockerfile", dockerfile("3.11"))
    project.write("app/requirements.txt", "")
    project.write("compose.yaml", "services:\n  app:\n    image: team/app\n    build: app\n")
    settings(
        project,
        build_command="docker buildx build --tag {image} --file {file} {context}",
        file="app/requirements.txt",
    )
    done = project.invoke("deps.add", "lib")
    assert (done.status, project.read("app/requirements.txt")) == (0, "lib==2.0\n")
    assert docker.built == ["buildx build --tag team/app --file app/Dockerfile app"]
    assert done.stdout.splitlines()[-2].endswith("docker compose up -d app")


@pytest.mark.parametrize(
    ("options", "version"),
    [
        ("--build-arg PYTHON=3.11", "2.0"),
        ("--build-arg=PYTHON=3.11", "2.0"),
        ("--build-arg PYTHON", "2.0"),
        ("--build-arg PYTHON=3.9 --target new", "2.0"),
        ("--build-arg PYTHON=3.9", "1.0"),
    ],
)
def test_options_count_for_the_target(
    project: TemporaryProject, options: str, version: str
) -> None:
    """Versions are chosen for the build arguments and the stage that the command names."""
    project.stand_in("docker", {"buildx": 0})
    project.write(
        "Dockerfile",
        "ARG PYTHON\nFROM python:3.12-slim AS new\n"
        + ("COPY requirements.txt .\nRUN pip install -r requirements.txt\n" * ("new" in options))
        + dockerfile("3.9").replace("3.9-", "${PYTHON}-") * ("new" not in options),
    )
    settings(project, build_command=f"docker buildx build {options} .")
    done = project.invoke("deps.add", "lib", environment={"PYTHON": "3.11"})
    assert (done.status, project.requirements) == (0, f"lib=={version}\n"), done.stderr


@pytest.mark.parametrize(
    ("command", "version"),
    [
        ("buildah build -f docker/app.Dockerfile .", "2.0"),
        ("buildah bud --file=docker/app.Dockerfile .", "2.0"),
        ("buildah build --tag docker .", "1.0"),
        ("docker buildx bake -f docker/app.Dockerfile app", "1.0"),
        ("make build", "1.0"),
    ],
)
@pytest.mark.parametrize("compose", ["", "services: {app: {build: .}}\n"])
def test_dockerfile_of_the_command(
    project: TemporaryProject, command: str, version: str, compose: str
) -> None:
    """The Dockerfile that the command names counts."""
    if compose:
        project.write("compose.yaml", compose)
    project.write("docker/Dockerfile", dockerfile("3.11").replace("COPY", "ADD"))
    project.write("docker/app.Dockerfile", dockerfile("3.11"))
    settings(project, build_command=command)
    done = project.invoke("deps.add", "lib")
    assert (done.status, project.requirements) == (0, f"lib=={version}\n"), done.stderr


def test_folder_of_the_command(project: TemporaryProject) -> None:
    """The Dockerfile of the folder that the command names counts: it does not see the file."""
    project.write("docker/Dockerfile", dockerfile("3.11"))
    settings(project, build_command="buildah build docker")
    asked = project.invoke("deps.add", "lib")
    project.write("compose.yaml", "services: {app: {build: .}}\n")
    done = project.invoke("deps.add", "lib")
    assert "docker/Dockerfile:3: nothing installs ../requirements.txt" in asked.stderr
    assert (asked.status, done.status, project.requirements) == (1, 0, "lib==1.0\n")


def test_context_of_the_command(project: TemporaryProject) -> None:
    """With a Dockerfile in a folder, the context is the folder that the command names."""
    project.write("docker/Dockerfile", dockerfile("3.9"))
    project.remove("Dockerfile")
    settings(project, dockerfile="docker/Dockerfile", build_command="buildah build --file {file} .")
    done = project.invoke("deps.check", "--offline", environment=NO_ADVICE)
    assert (done.status, "no problems found" in done.stdout) == (0, True), done.output


def test_dockerfile_that_is_not_known(project: TemporaryProject) -> None:
    """Without a Dockerfile, an image is built for which this host's Python is no guess."""
    make = project.stand_in("make", {"image": 0})
    project.remove("Dockerfile")
    settings(project, build_command="make image")
    done = project.invoke("deps.add", "lib")
    assert (done.status, project.requirements) == (1, "")
    assert "it is unknown which Dockerfile the setting build_command builds" in done.stderr
    assert project.invoke("deps.rebuild").status == 0
    settings(project, build_command="make image", python="3.9")
    assert project.invoke("deps.add", "lib").status == 0
    assert project.requirements == "lib==1.0\n"
    assert len(make.calls) == 2
    settings(project, build_command="docker build -f gone.Dockerfile .")
    done = project.invoke("deps.add", "lib")
    assert "there is no gone.Dockerfile, which the setting build_command names" in done.stderr


def test_platforms_of_the_command(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Versions are chosen for the platforms that the command builds for."""
    project.stand_in("docker", {"buildx": 0})
    index.add("fast", "1.0")
    index.add("fast", "2.0", tags=["cp39-cp39-manylinux2014_x86_64"])
    settings(project, build_command="docker buildx build --platform linux/arm64 .")
    assert project.invoke("deps.add", "fast").status == 0
    assert project.requirements == "fast==1.0\n"


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("buildah build .", "build --no-cache ."),
        ("buildah bud .", "bud --no-cache ."),
        ("buildah other .", None),
    ],
)
def test_without_cache(project: TemporaryProject, text: str, command: str | None) -> None:
    """`rebuild --no-cache` goes behind the word that builds; without one it is refused."""
    buildah = project.stand_in("buildah", {"build": 0, "bud": 0, "other": 0})
    settings(project, build_command=text)
    done = project.invoke("deps.rebuild", "--no-cache")
    assert done.status == (1 if command is None else 0)
    assert command is None or f"image     built: buildah {command}" in done.stdout
    assert [" ".join(call.arguments) for call in buildah.calls] == [command] * (command is not None)


@pytest.mark.parametrize(
    ("command", "verify"),
    [
        ("buildah build -t {image} .", ("podman", f"run --rm --pull=never {CHECK}")),
        ("docker buildx build -t {image} --push .",
         ("docker", f"run --rm --pull=always {CHECK}")),
        ("tools/build {image}", ("docker", f"run --rm --pull=never {CHECK}")),
    ],
)  # fmt: skip
def test_verify(project: TemporaryProject, command: str, verify: tuple[str, str]) -> None:
    """The engine of the command's program tries the new image; what was pushed is fetched."""
    stand_ins = {
        name: project.stand_in(name, {"version": 0, "info": 0, "buildx": 0, "build": 0, "run": 0})
        for name in ("docker", "podman", "buildah")
    }
    project.write("tools/build", "#!/bin/sh\n").chmod(0o755)
    settings(project, build_command=command, verify="pip check")
    assert project.invoke("deps.add", "lib").status == 0
    program, arguments = verify
    calls = [call.arguments for call in stand_ins[program].calls]
    run, flag, name, *rest = next(words for words in calls if words[0] == "run")
    assert (flag, name[:8]) == ("--name", "pipflow-")
    assert " ".join([run, *rest]) == arguments


@pytest.mark.parametrize("number", range(5))
def test_commands_of_the_guide(project: TemporaryProject, number: int) -> None:
    """Every `build_command` of docs/building.md is filled in, and run as it is written there."""
    lines = GUIDE.read_text("utf-8").splitlines()
    told = [line.partition("build_command: ")[2] for line in lines if "build_command: " in line]
    assert len(told) == 5
    settings(project, build_command=told[number], platform="linux/amd64,linux/arm64")
    program, *words = told[number].split()
    stand_in = project.stand_in(program, {words[0]: 0})
    done = project.invoke("deps.rebuild")
    assert done.status == 0, done.stderr
    values = {"file": "Dockerfile", "context": ".", "image": "shop"}
    values |= {"platform": "linux/amd64,linux/arm64"}
    (call,) = (each for each in stand_in.calls if each.arguments[0] == words[0])
    assert list(call.arguments) == [word.format(**values) for word in words]


def test_credentials_are_not_told(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A password on the command line is used, and never printed."""
    index.add("lib", "1.0")
    command = "build --build-arg URL=https://me:se,cret@example.com/ https://a:b@example.com/x"
    project.stand_in("build", {"": 1})
    project.write("invoke.yaml", f'pipflow:\n  build_command: "{command}"\nrun:\n  echo: true\n')
    done = project.invoke("deps.add", "lib")
    assert done.status == 3
    assert "se,cret" not in done.output
    assert "build --build-arg URL 'https://****@example.com/x'" in done.output


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (
            "docker build --build-arg API_TOKEN=hunter2 --build-arg A=b .",
            "docker build --build-arg API_TOKEN --build-arg A=b .  # set API_TOKEN in the "
            "environment",
        ),
        (
            "docker build --build-arg='API_TOKEN=hun ter2' .",
            "docker build --build-arg=API_TOKEN .  # set API_TOKEN in the environment",
        ),
        (
            "docker build --build-arg TOKEN=hunter2 --build-arg KEY=ghp_hunter2hunter2hunter2 .",
            "docker build --build-arg TOKEN --build-arg KEY .  # set TOKEN, KEY in the environment",
        ),
        (
            "make build PASSWORD='hunter2 hunter2'",
            "make build 'PASSWORD=****'  # **** is a hidden value",
        ),
        (
            "make build --password 'hunter2 hunter2'",
            "make build --password '****'  # **** is a hidden value",
        ),
        (
            "docker build --secret id=pip,env=TOKEN --build-arg TOKEN .",
            "docker build --secret id=pip,env=TOKEN --build-arg TOKEN .",
        ),
    ],
)
def test_secrets_of_a_command_that_is_pasted(
    project: TemporaryProject, index: LoopbackIndex, command: str, shown: str
) -> None:
    """A command hides secrets, can be pasted where the builder takes them otherwise, or says so."""
    index.add("lib", "1.0")
    project.write("invoke.yaml", f'pipflow:\n  build_command: "{command}"\n')
    done = project.invoke("deps.add", "lib", "--no-rebuild")
    assert done.status == 0, done.stderr
    assert "hunter2" not in done.output
    assert f"build it with: {shown}\n" in done.stdout
