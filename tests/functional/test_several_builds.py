"""Several builds of one project: which are built, under which names, and what they are verified by.

The settings `dockerfile`, `stage` and `service` may each name several; `python`, `platform` and
`verify` may have a value for each environment.
"""

from __future__ import annotations

import pytest
from functional.temporary_project import COMPOSE_V2, ENGINE, TemporaryProject, dockerfile
from loopback_index import LoopbackIndex

OLD, NEW = "lib==1.0\n", "lib==2.0\n"
STAGES = """\
FROM python:3.9-slim AS base
COPY *.txt ./
RUN pip install -r requirements.txt
FROM base AS cpu
RUN pip install -r cpu.txt
FROM base AS gpu
RUN pip install -r gpu.txt
"""
FILES = "requirements.txt,cpu.txt,gpu.txt"
CPU, GPU = (
    f"build --tag shop-{name} --target {name} --file Dockerfile ." for name in ("cpu", "gpu")
)


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    index.add("lib", "1.0")
    index.add("lib", "2.0", requires_python=">=3.8")
    for name in ("cpu", "gpu"):
        index.add(name, "1")
        index.add(name, "2")
        project.write(f"{name}.txt", f"{name}==1\n")
    project.requirements = OLD


@pytest.fixture
def stages(project: TemporaryProject) -> TemporaryProject:
    """A Dockerfile with a stage for each of two files, beside one that both install."""
    project.write("Dockerfile", STAGES)
    return project


@pytest.mark.parametrize("value", ["cpu,gpu", "[cpu, gpu]"])
def test_each_stage_is_built(stages: TemporaryProject, value: str) -> None:
    """Each stage of the setting `stage` is an image, named after the project and the stage."""
    stages.write("invoke.yaml", f"pipflow:\n  file: {FILES}\n  stage: {value}\n")
    docker = stages.stand_in("docker", ENGINE)
    done = stages.invoke("deps.upgrade-all")
    assert (done.status, docker.built) == (0, [CPU, GPU]), done.stderr
    assert f"built: docker {CPU} && docker {GPU}" in done.stdout


@pytest.mark.parametrize(
    ("words", "built"),
    [(("deps.upgrade", "cpu"), [CPU]), (("deps.upgrade", "lib"), [CPU, GPU])],
    ids=["one", "both"],
)
def test_stage_with_a_change_is_built(
    stages: TemporaryProject, words: tuple[str, ...], built: list[str]
) -> None:
    """The stages that install a changed file are built, and no others."""
    stages.write("invoke.yaml", f'pipflow:\n  file: {FILES}\n  stage: "cpu,gpu"\n')
    docker = stages.stand_in("docker", ENGINE)
    done = stages.invoke(*words)
    assert (done.status, docker.built) == (0, built), done.stderr


def test_each_dockerfile_is_built(project: TemporaryProject) -> None:
    """Each Dockerfile of the setting `dockerfile` is an image, named after it."""
    project.write("Dockerfile.slim", dockerfile("3.9"))
    project.write("docker/full/Dockerfile", dockerfile("3.9"))
    project.write(
        "invoke.yaml",
        "pipflow:\n  dockerfile: [Dockerfile.slim, docker/full/Dockerfile]\n  image: team/shop:1\n",
    )
    docker = project.stand_in("docker", ENGINE)
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == (0, NEW), done.stderr
    assert docker.built == [
        "build --tag team/shop-slim:1 --file Dockerfile.slim .",
        "build --tag team/shop-docker-full:1 --file docker/full/Dockerfile .",
    ]


def test_stage_of_several_dockerfiles(project: TemporaryProject) -> None:
    """A stage is built of the Dockerfiles that have it."""
    project.write("Dockerfile.a", dockerfile("3.9").replace("slim", "slim AS one"))
    project.write("Dockerfile.b", dockerfile("3.9").replace("slim", "slim AS two"))
    settings = {
        "INVOKE_PIPFLOW_DOCKERFILE": "Dockerfile.a,Dockerfile.b",
        "INVOKE_PIPFLOW_STAGE": "one,two",
    }
    docker = project.stand_in("docker", ENGINE)
    done = project.invoke("deps.upgrade-all", environment=settings)
    assert (done.status, docker.built) == (
        0,
        [
            "build --tag shop-a-one --target one --file Dockerfile.a .",
            "build --tag shop-b-two --target two --file Dockerfile.b .",
        ],
    ), done.stderr


def test_dockerfile_of_several_that_is_not_there(project: TemporaryProject) -> None:
    """Each Dockerfile of the setting must be there."""
    project.write("Dockerfile.a", dockerfile("3.9"))
    environment = {"INVOKE_PIPFLOW_DOCKERFILE": "Dockerfile.a,Dockerfile.b"}
    done = project.invoke("deps.upgrade-all", environment=environment)
    assert (done.status, project.requirements) == (1, OLD)
    assert "there is no Dockerfile.b, which the setting dockerfile names" in done.stderr


def test_second_build_that_fails(stages: TemporaryProject) -> None:
    """If one of several builds fails, the files go back, and the built ones are built again."""
    stages.write("invoke.yaml", f'pipflow:\n  file: {FILES}\n  stage: "cpu,gpu"\n')
    failing = {**ENGINE, "build --tag shop-gpu": 7}
    docker = stages.stand_in("docker", failing)
    done = stages.invoke("deps.upgrade", "lib")
    assert (done.status, stages.requirements) == (3, OLD)
    assert f"`docker {GPU}` ended with status 7" in done.stderr
    assert docker.built[:4] == [CPU, GPU, CPU, GPU]
    assert docker.builds[2].requirements == OLD


def test_command_is_run_for_each_build(stages: TemporaryProject) -> None:
    """The places of `build_command` are filled in for each build; equal commands run once."""
    stages.write(
        "invoke.yaml",
        f'pipflow:\n  file: {FILES}\n  stage: "cpu,gpu"\n'
        "  build_command: builder build --target {stage} --tag {image} {context}\n",
    )
    builder = stages.stand_in("builder", {"build": 0})
    done = stages.invoke("deps.upgrade-all")
    assert (done.status, builder.built) == (
        0,
        ["build --target cpu --tag shop-cpu .", "build --target gpu --tag shop-gpu ."],
    ), done.stderr


def test_rebuild_without_cache_builds_each(stages: TemporaryProject) -> None:
    """`rebuild --no-cache` builds each stage anew."""
    stages.write("invoke.yaml", f'pipflow:\n  file: {FILES}\n  stage: "cpu,gpu"\n')
    docker = stages.stand_in("docker", ENGINE)
    done = stages.invoke("deps.rebuild", "--no-cache")
    assert (done.status, docker.built) == (
        0,
        [each.replace("build ", "build --no-cache ") for each in (CPU, GPU)],
    ), done.stderr


def test_stage_that_nothing_builds_is_named(stages: TemporaryProject) -> None:
    """A changed file of a stage that no build reaches: a warning with the setting, no build."""
    docker = stages.stand_in("docker", ENGINE)
    done = stages.invoke("deps.upgrade", "cpu", "--file", FILES)
    assert (done.status, stages.read("cpu.txt"), docker.built) == (0, "cpu==2\n", [])
    assert (
        "Dockerfile:5 installs cpu.txt in the stage cpu, which is not built: "
        "set `stage: gpu,cpu`" in done.stderr
    )
    assert "built:" not in done.stdout


def test_stage_that_the_built_one_needs_is_built(project: TemporaryProject) -> None:
    """A stage that the last one copies from is built with it."""
    project.write(
        "Dockerfile",
        dockerfile("3.9").replace("slim", "slim AS one")
        + "FROM python:3.9-slim\nCOPY --from=one /usr/local /usr/local\n",
    )
    docker = project.stand_in("docker", ENGINE)
    done = project.invoke("deps.upgrade-all")
    assert (done.status, docker.built) == (0, ["build --tag shop --file Dockerfile ."])
    assert "not built" not in done.stderr


SERVICES = """\
services:
  web: {build: .}
  jobs: {build: {context: ., dockerfile: jobs.dockerfile}}
  mail: {build: {context: ., dockerfile: mail.dockerfile}}
"""


@pytest.fixture
def services(project: TemporaryProject) -> TemporaryProject:
    """Three services that install the file."""
    project.write("compose.yaml", SERVICES)
    for name in ("Dockerfile", "jobs.dockerfile", "mail.dockerfile"):
        project.write(name, dockerfile("3.9"))
    return project


@pytest.mark.parametrize("value", ["[mail, web]", '"mail, web"'])
def test_each_service_is_built(services: TemporaryProject, value: str) -> None:
    """The services of the setting `service` are built, and no others."""
    services.write("invoke.yaml", f"pipflow:\n  service: {value}\n")
    docker = services.stand_in("docker", {**ENGINE, **COMPOSE_V2})
    done = services.invoke("deps.upgrade-all")
    assert (done.status, docker.built) == (0, ["compose build web mail"]), done.stderr


def test_verify_of_each_service(services: TemporaryProject) -> None:
    """`verify` runs what it has for a service in that service's image."""
    services.write(
        "invoke.yaml",
        "pipflow:\n  verify:\n    web: pip check\n    jobs: python -c 'import jobs'\n",
    )
    docker = services.stand_in("docker", {**ENGINE, **COMPOSE_V2, "compose run": 0})
    done = services.invoke("deps.upgrade-all")
    assert done.status == 0, done.stderr
    calls = [" ".join(call.arguments) for call in docker.calls]
    runs = [each for each in calls if each.startswith("compose run")]
    assert [run.partition("--entrypoint ")[2] for run in runs] == [
        "pip web check",
        "python jobs -c import jobs",
    ]


def test_verify_of_each_stage(stages: TemporaryProject) -> None:
    """`verify` runs what it has for a stage in the image of that stage."""
    stages.write("invoke.yaml", f'pipflow:\n  file: {FILES}\n  stage: "cpu,gpu"\n')
    docker = stages.stand_in("docker", {**ENGINE, "run": 0})
    environment = {"INVOKE_PIPFLOW_VERIFY": "Dockerfile#cpu=pip check,Dockerfile#gpu=python -V"}
    done = stages.invoke("deps.upgrade-all", environment=environment)
    assert done.status == 0, done.stderr
    calls = [" ".join(call.arguments) for call in docker.calls]
    runs = [each for each in calls if each.startswith("run")]
    assert [run.partition("--entrypoint ")[2] for run in runs] == [
        "pip shop-cpu check",
        "python shop-gpu -V",
    ]


def test_verify_of_a_stage_that_is_not_built(stages: TemporaryProject) -> None:
    """`verify` for a stage that no build makes an image of is an error that names `stage`."""
    environment = {
        "INVOKE_PIPFLOW_VERIFY": "Dockerfile#cpu=pip check",
        "INVOKE_PIPFLOW_FILE": FILES,
    }
    done = stages.invoke("deps.upgrade-all", environment=environment)
    assert (done.status, stages.requirements) == (1, OLD)
    assert "`Dockerfile#cpu`, whose stage is not built as an image" in done.stderr
    assert "set `stage: gpu,cpu`" in done.stderr


@pytest.mark.parametrize("setting", ["python", "platform", "verify"])
def test_environment_that_is_not_there(services: TemporaryProject, setting: str) -> None:
    """A value for an environment that is not there: an error lists those that are."""
    value = {"python": "3.9", "platform": "linux/amd64", "verify": "pip check"}[setting]
    environment = {f"INVOKE_PIPFLOW_{setting.upper()}": f"wbe={value}"}
    done = services.invoke("deps.upgrade-all", environment=environment)
    assert (done.status, services.requirements) == (1, OLD)
    assert f"the setting {setting} has a value for `wbe`" in done.stderr
    assert "the environments are web, jobs, mail" in done.stderr


def test_python_of_each_service(services: TemporaryProject) -> None:
    """A Python by environment counts where the image does not tell it."""
    services.write("jobs.dockerfile", dockerfile("3.9").replace("python:3.9", "debian:trixie"))
    done = services.invoke("deps.outdated")
    assert (done.status, "`python`" in done.stderr) == (1, True)
    services.write("invoke.yaml", 'pipflow:\n  python:\n    jobs: "3.9"\n')
    done = services.invoke("deps.outdated")
    assert "lib 1.0 to 2.0" in done.stdout, done.stderr


def test_values_of_other_environments_are_no_error(
    services: TemporaryProject, index: LoopbackIndex
) -> None:
    """With a file that one service installs, the values for the others wait."""
    services.write("jobs.dockerfile", dockerfile("3.9", "cpu.txt"))
    services.write("invoke.yaml", "pipflow:\n  verify: {web: pip check}\n")
    docker = services.stand_in("docker", {**ENGINE, **COMPOSE_V2, "compose run": 0})
    done = services.invoke("deps.upgrade-all", "--file", "cpu.txt")
    assert (done.status, docker.built) == (0, ["compose build jobs"]), done.stderr


@pytest.mark.parametrize(("stage", "asked"), [("", []), ("cpu,gpu", ["shop-cpu"])])
def test_pin_asks_the_image_of_its_stage(
    stages: TemporaryProject, stage: str, asked: list[str]
) -> None:
    """`pin` takes versions from the image that has the stage, and from no other stage's."""
    stages.write("cpu.txt", "cpu\n")
    docker = stages.stand_in("docker", {**ENGINE, "image inspect": 1})
    environment = {"INVOKE_PIPFLOW_FILE": "cpu.txt", "INVOKE_PIPFLOW_STAGE": stage}
    done = stages.invoke("deps.pin", environment=environment)
    assert (done.status, stages.read("cpu.txt")) == (0, "cpu==2\n"), done.stderr
    inspecting = (call.arguments for call in docker.calls if call.arguments[0] == "image")
    inspected = [words[-1] for words in inspecting if "--format" not in words]  # of its size
    assert [name for name in inspected if name.startswith("shop")] == asked


def test_lack_of_another_build_is_no_obstacle(stages: TemporaryProject) -> None:
    """What a build lacks that is not built keeps no other from being built."""
    stages.write("Dockerfile.secret", dockerfile("3.9", "gpu.txt").replace(
        "RUN pip", "RUN --mount=type=secret,id=token,required=true pip"
    ))  # fmt: skip
    stages.write("Dockerfile", dockerfile("3.9", "cpu.txt"))
    environment = {
        "INVOKE_PIPFLOW_DOCKERFILE": "Dockerfile,Dockerfile.secret",
        "INVOKE_PIPFLOW_FILE": "cpu.txt,gpu.txt",
    }
    docker = stages.stand_in("docker", ENGINE)
    done = stages.invoke("deps.upgrade", "cpu", environment=environment)
    assert (done.status, docker.built) == (0, ["build --tag shop --file Dockerfile ."]), done.stderr
    done = stages.invoke("deps.upgrade", "gpu", environment=environment)
    assert (done.status, stages.read("gpu.txt")) == (1, "gpu==1\n")
    assert "the secret `token` is required" in done.stderr


def test_dockerfile_of_several_that_cannot_be_served(project: TemporaryProject) -> None:
    """An error about one of several Dockerfiles names the others that install the file."""
    project.remove("Dockerfile")
    project.write("a.dockerfile", dockerfile("3.9").replace("python:3.9-slim", "pypy:3.9"))
    project.write("b.dockerfile", dockerfile("3.9"))
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == (1, OLD)
    assert "a.dockerfile:1: the base image pypy:3.9 is PyPy, not CPython" in done.stderr
    assert "another one that installs the file: `dockerfile: b.dockerfile`" in done.stderr
    environment = {"INVOKE_PIPFLOW_DOCKERFILE": "b.dockerfile"}
    assert project.invoke("deps.upgrade-all", "--dry-run", environment=environment).status == 0
