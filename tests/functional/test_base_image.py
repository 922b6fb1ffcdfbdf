"""The ladder to the target: what an engine is asked of a base image, when, and what then counts.

The stand-in docker has one image and prints what a real one would; `tests/engine/test_probe.py`
asks real images.
"""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from functional.engine_stand_in import ID, IMAGE, TOLD, Engine
from functional.temporary_project import Finished, TemporaryProject, dockerfile
from loopback_index import LoopbackIndex


@pytest.fixture
def engine(project: TemporaryProject, index: LoopbackIndex) -> Engine:
    """A docker that has `acme-base:1`, on which the project builds; an index with five versions."""
    for minor in range(8, 13):
        index.add("lib", f"1.{minor}", requires_python=f">=3.{minor}")
    use(project, "acme-base:1")
    return Engine(project)


def use(project: TemporaryProject, base: str) -> None:
    """Build the project on a base image."""
    project.write("Dockerfile", dockerfile("3.9").replace("python:3.9-slim", base))


def add(project: TemporaryProject, *words: str, **environment: str) -> Finished:
    """Plan to add `lib`."""
    return project.invoke("deps.add", "lib", "--dry-run", *words, environment=environment)


def memory(project: TemporaryProject) -> Path:
    """The one file that an image is remembered in."""
    (path,) = (project.home / ".cache" / "pipflow" / "images").iterdir()
    return path


def in_order(words: Sequence[str]) -> list[str]:
    """Give the words with a container's name and our script as placeholders."""
    text = [re.sub(r"^pipflow-[0-9a-f]{32}$", "NAME", word) for word in words]
    return ["SCRIPT" if "\n" in word else word for word in text]


def test_image_itself_is_asked(project: TemporaryProject, engine: Engine) -> None:
    """A name that tells nothing: one inspect, one run without a network, by id; nothing pulled."""
    done = add(project)
    assert (done.status, done.stderr) == (0, "")
    first = "for       python 3.10.4, musl 1.2 x86_64, pip 21.1 · Dockerfile:1, asked of the image"
    said, change = done.stdout.splitlines()[:2]
    assert (said, change.partition(";")[0]) == (first, "to add    lib 1.10 (requirements.txt:1)")
    run = ["run", "--rm", "--name", "NAME", "--network", "none", "--workdir", "/", "--entrypoint"]
    assert [in_order(words) for words in engine.calls if words[0] in {"image", "run"}] == [
        ["image", "inspect", "acme-base:1"],
        [*run, "", ID, "sh", "-c", "SCRIPT", "sh", "SCRIPT", "", "python", "python3"],
    ]


def test_report_says_the_target(project: TemporaryProject, engine: Engine) -> None:
    """In JSON the target is the image's, its source the line that names the image."""
    assert add(project, "--format", "json").report["environments"][0] == {
        "name": "Dockerfile",
        "python": "3.10.4",
        "platforms": ["linux/amd64"],
        "libc": "musl 1.2",
        "installer": "pip",
        "pip": "21.1.3",
        "origin": "Dockerfile:1",
    }


def test_answer_is_remembered(project: TemporaryProject, engine: Engine) -> None:
    """The second run asks for the id alone; the file is the user's own, and another id's is not."""
    first = add(project)
    assert memory(project).stat().st_mode & 0o077 == 0
    second = add(project)
    assert (second.stdout, engine.commands) == (first.stdout, ["image", "run", "image"])
    engine.has({**IMAGE, "Id": f"sha256:{'6f' * 32}"})
    add(project)
    assert engine.commands[3:] == ["image", "run"]


def test_memory_is_where_the_user_wants_it(project: TemporaryProject, engine: Engine) -> None:
    """XDG_CACHE_HOME counts; a folder that can't be written is no reason to fail."""
    folder = project.folder.parent / "own"
    assert add(project, XDG_CACHE_HOME=str(folder)).status == 0
    assert len([*folder.rglob("*.json")]) == 1
    folder.rename(folder.with_name("moved"))
    folder.write_text("a file")
    assert (add(project, XDG_CACHE_HOME=str(folder)).status, folder.read_text()) == (0, "a file")


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b'{"python": 3}'])
def test_broken_memory_is_asked_again(
    project: TemporaryProject, engine: Engine, text: bytes
) -> None:
    """A file that can't be read is passed over and written anew."""
    first = add(project)
    memory(project).write_bytes(text)
    assert add(project).stdout == first.stdout
    assert engine.commands == ["image", "run", "image", "run"]
    assert memory(project).read_text().startswith("welcome")


@pytest.mark.parametrize("base", ["python:3.9-slim", "python:3.11.4-alpine3.18", "python:3.12"])
def test_official_names_tell_all(project: TemporaryProject, engine: Engine, base: str) -> None:
    """For the official image of a known Python no engine is asked, so that runs stay quick."""
    use(project, base)
    assert "asked of the image" not in add(project).stdout
    assert engine.commands == []


def test_setting_comes_first(project: TemporaryProject, engine: Engine) -> None:
    """With the setting `python` no engine is asked."""
    done = add(project, INVOKE_PIPFLOW_PYTHON="3.8")
    assert "lib 1.8 " in done.stdout
    assert engine.commands == []


@pytest.mark.parametrize(
    "base", ["python:latest", "tiangolo/uvicorn-gunicorn:python3.9", "acme/python:3.9-slim"]
)
def test_image_counts_before_a_name_that_tells_little(
    project: TemporaryProject, engine: Engine, base: str
) -> None:
    """A name that floats, or tells the Python alone, is asked about where the image is here."""
    use(project, base)
    assert "to add    lib 1.10 " in add(project).stdout


@pytest.mark.parametrize(
    ("stderr", "hint"),
    [
        (
            "Error response from daemon: no such image: acme-base:1: No such image: acme-base:1",
            True,
        ),
        ("Error: No such object: acme-base:1", True),
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", False),
    ],
)
def test_image_that_is_not_here(
    project: TemporaryProject, engine: Engine, stderr: str, hint: bool
) -> None:
    """Status 1, the line, the setting to make; the pull that would help where an engine answers."""
    engine.answers("image inspect", 1, "[]", stderr)
    done = add(project)
    assert (done.status, done.stdout, engine.commands) == (1, "", ["image"])
    remedy = "; or `docker pull acme-base:1` (or build it) first, so that its Python is known"
    assert done.stderr == (
        "error: Dockerfile:1: it is unknown which Python the base image acme-base:1 has\n"
        'hint: set `python`, e.g. `python: "3.11"` under `pipflow` in invoke.yaml'
        f"{remedy if hint else ''}\n"
    )


def test_name_counts_where_the_image_is_not_here(project: TemporaryProject, engine: Engine) -> None:
    """A name that tells the Python is enough then, with the note of what is assumed."""
    use(project, "tiangolo/uvicorn-gunicorn:python3.9")
    engine.answers("image inspect", 1, "[]", "Error: No such image: tiangolo/x:python3.9")
    done = add(project)
    assert done.stdout.startswith("for       python 3.9, glibc 2.31 x86_64 · Dockerfile:1\n")
    assert "has: glibc 2.31 is assumed" in done.stdout
    assert "asked" not in done.stdout


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((1, "", "exec /bin/sh: exec format error"), "status 1: exec /bin/sh: exec format error"),
        ((125, "", ""), "its run ended with status 125: it printed nothing"),
        ((1, "", "no https://me:secret@host.example"), "no https://****@host.example"),
        ((0, "Python 3.9", ""), "the answer of the image acme:python3.9 can't be read"),
        ((0, '{"python": "3.9", "markers": {}}', ""), "lacks implementation_name"),
    ],
)
def test_failing_image_is_a_note(
    project: TemporaryProject, engine: Engine, answer: tuple[int, str, str], told: str
) -> None:
    """An image that does not answer as it should leaves its name, and a note or error says why."""
    use(project, "acme:python3.9")
    engine.answers("run", *answer)
    done = add(project)
    assert (done.status, "to add    lib 1.9 " in done.stdout) == (0, True)
    obstacle = "docker has the image and could not run it: "
    assert f"note      acme:python3.9: {obstacle}" in done.stdout
    assert told in done.stdout
    assert not (project.home / ".cache").exists()
    use(project, "acme-base:1")
    done = add(project)
    assert (done.status, done.stdout) == (1, "")
    assert f": it is unknown which Python the base image acme-base:1 has: {obstacle}" in done.stderr
    assert told.replace("acme:python3.9", "acme-base:1") in done.stderr


@pytest.mark.parametrize(
    ("inspection", "told"),
    [
        ("nothing", "what `image inspect` printed is not valid"),
        ("[]", "is not valid"),
        ('[{"Id": "sha256:--privileged", "Os": "linux", "Architecture": "amd64"}]', "no image id"),
        (json.dumps([{**IMAGE, "Architecture": "mips64le"}]), "`linux/mips64le` is unknown"),
        (json.dumps([{**IMAGE, "Os": "windows"}]), "`windows/amd64` is unknown"),
    ],
)
def test_image_that_is_not_understood_is_not_run(
    project: TemporaryProject, engine: Engine, inspection: str, told: str
) -> None:
    """What the engine says of an image must make sense, and be of a platform with wheels."""
    use(project, "acme:python3.9")
    engine.answers("image inspect", 0, inspection)
    done = add(project)
    assert (done.status, told in done.stdout, engine.commands) == (0, True, ["image"])


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"python": None}, "has no Python\nhint: set `python`"),
        (
            {**TOLD, "implementation": "PyPy"},
            "has PyPy, not CPython\nhint: use an image of CPython",
        ),
    ],
)
def test_image_that_can_not_be_served(
    project: TemporaryProject, engine: Engine, told: dict[str, Any], message: str
) -> None:
    """An image without Python, or with PyPy: status 1 and what to do, not a guess by the name."""
    engine.tells(told)
    done = add(project)
    assert (done.status, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: Dockerfile:1: the base image acme-base:1 {message}")


def test_release_of_an_image_without_python(project: TemporaryProject, engine: Engine) -> None:
    """Where a step installs the distribution's Python, an image that is here says the release."""
    text = project.read("Dockerfile").replace("RUN pip", "RUN apt-get install python3-pip && pip3")
    project.write("Dockerfile", text)
    engine.tells({"python": None, "release": "ubuntu:22.04"})
    assert (
        "for       python 3.10.12, glibc 2.35 x86_64, pip 22.0 · Dockerfile:3\n"
        in add(project).stdout
    )
    engine.answers("image inspect", 1, "[]", "Error: No such image: acme-base:1")
    done = add(project)
    assert done.status == 1
    assert "the base image acme-base:1 has: its name says no release" in done.stderr
    assert "`docker pull acme-base:1`" in done.stderr


MADE = {
    "venv": "RUN python3.8 -m venv /v\nENV PATH=/v/bin:$PATH\n",
    "conda": "RUN conda create -y -n web python=3.8\nENV PATH=/opt/conda/envs/web/bin:$PATH\n",
    "uv": "RUN uv venv --python 3.8 /v\nENV PATH=/v/bin:$PATH\n",
}


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize(
    ("told", "libc"),
    [
        ({"libc": "glibc 2.28"}, "glibc 2.28"),
        ({"libc": "musl 1.2.4"}, "musl 1.2"),
        ({"python": None, "release": "ubuntu:22.04"}, "glibc 2.35"),
    ],
)
def test_c_library_of_the_image_where_the_python_is_made(
    project: TemporaryProject, engine: Engine, name: str, told: dict[str, Any], libc: str
) -> None:
    """The image says its C library, also where an instruction makes another Python in it."""
    text = project.read("Dockerfile")
    project.write("Dockerfile", text.replace("COPY", f"{MADE[name]}COPY", 1))
    engine.tells(told if "python" in told else {**TOLD, **told})
    done = add(project)
    assert f"for       python 3.8, {libc} x86_64" in done.stdout, done.output
    assert "nothing says which C library" not in done.output


def test_image_with_the_name_of_a_distribution(project: TemporaryProject, engine: Engine) -> None:
    """An own image of such a name may have a Python; without one, to pull it would not help."""
    use(project, "acme/alpine:1")
    assert "for       python 3.10.4, musl 1.2" in add(project).stdout
    engine.answers("image inspect", 1, "[]", "Error: No such image: acme/alpine:1")
    done = add(project)
    assert "the base image acme/alpine:1 has no Python of its own" in done.stderr
    assert "docker pull" not in done.stderr


def test_python_at_a_path_that_the_image_has(project: TemporaryProject, engine: Engine) -> None:
    """The image is asked for the Python at a path that no instruction makes."""
    text = project.read("Dockerfile")
    project.write("Dockerfile", text.replace("RUN pip", "RUN /opt/app/bin/pip"))
    done = add(project)
    assert "for       python 3.10.4, musl 1.2 x86_64, pip 21.1" in done.stdout, done.output
    assert "is taken for" not in done.output
    assert in_order(engine.calls[-1])[-4:] == [ID, "/opt/app/bin/python", "-c", "SCRIPT"]
    assert add(project).stdout == done.stdout
    assert engine.commands == ["image", "run", "image"]


def test_path_that_the_image_does_not_have(project: TemporaryProject, engine: Engine) -> None:
    """Where the image has no Python at that path, it is asked for as a setting."""
    text = project.read("Dockerfile")
    project.write("Dockerfile", text.replace("RUN pip", "RUN /opt/app/bin/pip"))
    engine.answers("run", 127, "", 'exec: "/opt/app/bin/python": no such file or directory')
    done = add(project)
    assert done.status == 1
    assert "Dockerfile:3: it is unknown which Python `/opt/app/bin/pip` is" in done.stderr
    assert "set `python`" in done.stderr


def test_image_without_a_shell(project: TemporaryProject, engine: Engine) -> None:
    """Where there is no `sh`, Python is started itself; where that is not there either, none is."""
    engine.answers("run", 127, "", "exec: sh: executable file not found in $PATH")
    engine.answers("no shell", 0, json.dumps(TOLD))
    assert "for       python 3.10.4" in add(project).stdout
    assert in_order(engine.calls[-1])[-4:] == [ID, "python3", "-c", "SCRIPT"]
    engine.answers("no shell", 127, "", "exec: python3: executable file not found in $PATH")
    engine.has({**IMAGE, "Id": f"sha256:{'6f' * 32}"})
    assert "the base image acme-base:1 has no Python" in add(project).stderr


def test_upgraded_pip_lifts_the_limit(
    project: TemporaryProject, engine: Engine, index: LoopbackIndex
) -> None:
    """After `pip install --upgrade pip` wheels suit that the image's own pip does not take."""
    index.add("fast", "1.0", tags=["cp310-cp310-musllinux_1_1_x86_64"])
    assert project.invoke("deps.add", "fast", "--dry-run").status == 1
    text = project.read("Dockerfile").replace("RUN pip", "RUN pip install -U pip && pip", 1)
    project.write("Dockerfile", text)
    done = project.invoke("deps.add", "fast", "--dry-run")
    assert (done.status, "to add    fast 1.0 " in done.stdout) == (0, True)


@pytest.mark.parametrize(
    ("before", "is_found"),
    [
        ("", True),
        ("RUN python -m pip install wheel\n", True),
        ("ENV A=b\nFROM base\n", True),
        ("RUN apt-get install --yes python3-pip\n", False),
        ("COPY --from=python:3.10 /usr/local /usr/local\n", False),
    ],
)
def test_image_without_pip(
    project: TemporaryProject, engine: Engine, before: str, is_found: bool
) -> None:
    """An image that has no pip, and is given none before, can't install: `check` says so."""
    engine.tells({**TOLD, "pip": None, "tags": []})
    project.requirements = ""
    text = project.read("Dockerfile").replace("COPY", f"{before}COPY", 1)
    project.write("Dockerfile", text.replace("acme-base:1", "acme-base:1 AS base"))
    done = project.invoke("deps.check", "--offline")
    said = "it runs pip, and the base image acme-base:1 has none"
    assert (done.status, said in done.stdout) == (is_found, is_found), done.output


def test_image_of_another_platform(
    project: TemporaryProject, engine: Engine, index: LoopbackIndex
) -> None:
    """For another platform than that of the image here, the rest is assumed to be the same."""
    index.add("fast", "1.0", tags=["cp310-cp310-linux_aarch64"])
    index.add("fast", "2.0", tags=["cp310-cp310-linux_x86_64"])
    use(project, "--platform=linux/arm64 acme-base:1")
    done = project.invoke("deps.add", "fast", "--dry-run")
    assert "to add    fast 1.0 " in done.stdout
    assert "acme-base:1 is for linux/amd64 on this machine: for linux/arm64" in done.stdout


def test_platform_of_the_image_needs_no_assumption(
    project: TemporaryProject, engine: Engine
) -> None:
    """Where nothing says a platform, the image's own is no guess."""
    engine.has({**IMAGE, "Architecture": "arm", "Variant": "v7"})
    engine.tells({**TOLD, "machine": "armv7l"})
    done = add(project, "--format", "json")
    assert (done.report["environments"][0]["platforms"], done.report["warnings"]) == (
        ["linux/arm/v7"],
        [],
    )


def test_configuration_of_the_image_counts(
    project: TemporaryProject, engine: Engine, index: LoopbackIndex
) -> None:
    """Its pip's index, variables and constraints count, and the Dockerfile's own words before."""
    with LoopbackIndex() as other:
        other.add("lib", "0.1")
        other.add("lib", "0.2")
        other.add("lib", "0.3rc1")
        engine.tells(
            {
                **TOLD,
                "configuration": [["global.index-url", other.url]],
                "environment": {"PIP_PRE": "1"},
            }
        )
        assert "to add    lib 0.3rc1" in add(project).stdout
        engine.tells(
            {
                **TOLD,
                "configuration": [["global.index-url", other.url]],
                "constraints": {"/etc/limits.txt": "lib<0.2\n"},
            }
        )
        engine.has({**IMAGE, "Id": "sha256:" + "7" * 64})
        done = add(project)
        assert "to add    lib 0.1" in done.stdout
        assert "0.2 does not satisfy <0.2 (/etc/limits.txt in acme-base:1:1)" in done.stdout
        project.write(
            "Dockerfile",
            "FROM acme-base:1\nCOPY requirements.txt .\n"
            f"ENV PIP_INDEX_URL={index.url}\nRUN pip install -r requirements.txt\n",
        )
        assert add(project).status == 1  # lib<0.2 still holds, and that index has none


def test_podman_is_asked_where_it_builds(project: TemporaryProject, engine: Engine) -> None:
    """The setting `builder` chooses whom to ask; podman's ids and errors are its own."""
    podman = Engine(project, "podman")
    podman.has({**IMAGE, "Id": ID})
    assert "for       python 3.10.4" in add(project, INVOKE_PIPFLOW_BUILDER="podman").stdout
    assert (engine.commands, podman.commands) == ([], ["image", "run"])
    podman.answers("image inspect", 125, "[]", "Error: inspecting object: acme: image not known")
    done = add(project, INVOKE_PIPFLOW_BUILDER="podman")
    assert "; or `podman pull acme-base:1` (or build it) first" in done.stderr


def test_images_of_services_are_asked_of_docker_once(
    project: TemporaryProject, engine: Engine
) -> None:
    """Services with one base image ask for it once, whichever compose builds them."""
    project.stand_in("docker-compose", {"build": 0})
    build = "{build: {context: .}}"
    project.write("compose.yaml", f"services:\n  web: {build}\n  worker: {build}\n")
    done = add(project, "--format", "json")
    assert done.report["image"]["services"] == ["web", "worker"]
    assert (done.report["environments"][0]["python"], engine.commands) == (
        "3.10.4",
        ["image", "run"],
    )


def test_without_an_engine_the_name_counts(project: TemporaryProject, engine: Engine) -> None:
    """A machine without docker says nothing of it."""
    (project.programs / "docker").unlink()
    use(project, "tiangolo/uvicorn-gunicorn:python3.9")
    done = add(project)
    assert done.stdout.startswith("for       python 3.9, glibc 2.31 x86_64 · Dockerfile:1\n")
    assert "docker pull" not in done.output


@pytest.mark.parametrize("base", ["scratch", "${NONE:---help}"])
def test_no_image_is_not_asked_for(project: TemporaryProject, engine: Engine, base: str) -> None:
    """`scratch` is no image, and no name becomes an option of the engine's."""
    use(project, base)
    done = add(project)
    assert (done.status, "docker pull" in done.stderr, engine.commands) == (1, False, [])


def test_engine_that_does_not_answer_in_time(project: TemporaryProject, engine: Engine) -> None:
    """After a few seconds the name counts."""
    use(project, "acme:python3.9")
    engine.answers("image inspect", 0, "hang")
    begun = time.monotonic()
    assert "to add    lib 1.9 " in add(project).stdout
    assert time.monotonic() - begun < 20


def test_interrupted_container_is_removed(project: TemporaryProject, engine: Engine) -> None:
    """An interrupt while the image is asked leaves no container behind."""
    engine.answers("run", 0, "hang")
    with project.started("deps.add", "lib", "--dry-run") as running:
        while engine.commands != ["image", "run"]:
            assert not running.has_ended, running.finish().output
            time.sleep(0.05)
        running.send(signal.SIGINT)
        done = running.finish()
    assert done.status != 0
    assert "Traceback" not in done.stderr
    run, *then = (words for words in engine.calls if words[0] in {"run", "rm", "container"})
    name = run[3]
    assert then == [["rm", "--force", name], ["container", "inspect", name]]


def test_build_is_not_disturbed(project: TemporaryProject, engine: Engine) -> None:
    """What was asked of the image is followed by the build, as always."""
    engine.answers("build", 0)
    assert project.invoke("deps.add", "lib").status == 0
    assert project.requirements == "lib==1.10\n"
    assert [words[0] for words in engine.calls if words[0] in {"run", "build"}] == ["run", "build"]


# what the image has installed


BASE_PACKAGES = [
    ["Helper", "1.0", []],
    ["Heavy_Tool", "2.1", ["helper<2", 'never<1; python_version < "3"', "not a ! requirement"]],
    ["other", "no version", ["helper<1"]],
]


@pytest.fixture
def packages(project: TemporaryProject, engine: Engine, index: LoopbackIndex) -> Engine:
    """An image that has helper 1.0, and a tool that needs it; an index with newer ones."""
    engine.tells({**TOLD, "installed": BASE_PACKAGES})
    for version in ("1.0", "1.5", "2.0"):
        index.add("helper", version)
    index.add("app", "1.0", requires_dist=["helper"])
    index.add("app", "2.0", requires_dist=["helper>=1.5"])
    return engine


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize(
    ("line", "locked"),
    [
        ("app==1.0", "1.0"),  # as the image has it: pip leaves it there
        ("app==2.0", "2.0"),
        ("app==1.0\nhelper==1.5", "1.5"),
    ],
)
def test_packages_of_the_image_stay(project: TemporaryProject, line: str, locked: str) -> None:
    """What the image has of a transitive dependency is locked, if it satisfies what needs it."""
    project.requirements = f"{line}\n"
    done = project.invoke("deps.lock", "--no-rebuild")
    assert done.status == 0, done.stderr
    assert f"helper=={locked}" in project.requirements
    broken = (
        "acme-base:1 has Heavy_Tool 2.1, which needs helper<2 and gets helper 2.0" in done.stderr
    )
    assert broken is (locked == "2.0")


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize(("version", "names"), [("1.0", ["app"]), ("2.0", ["app", "helper"])])
def test_packages_of_the_image_are_not_downloaded(
    project: TemporaryProject, version: str, names: list[str]
) -> None:
    """What the image has costs nothing, unless another version of it is installed."""
    done = project.invoke("deps.add", f"app=={version}", "--dry-run", "--format", "json")
    (cost,) = done.report["costs"]
    assert sorted(each["project"] for each in cost["largest"]) == names


@pytest.mark.usefixtures("packages")
def test_packages_of_the_image_are_no_obstacle(project: TemporaryProject) -> None:
    """What is asked for is the newest; what that breaks in the image is said, and a finding."""
    done = project.invoke("deps.add", "helper", "--no-rebuild")
    assert (done.status, project.requirements) == (0, "helper==2.0\n")
    sentence = "acme-base:1 has Heavy_Tool 2.1, which needs helper<2 and gets helper 2.0"
    assert f"warning: {sentence}" in done.stderr
    check = project.invoke("deps.check")
    assert sentence in check.stdout + check.stderr


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize("words", ["/venv/bin/pip install", "pip install --target /apart"])
def test_packages_of_the_image_that_an_install_does_not_see(
    project: TemporaryProject, words: str
) -> None:
    """A venv, and a folder apart, have nothing of the image's own Python."""
    text = project.read("Dockerfile").replace("pip install", words)
    project.write("Dockerfile", text.replace("RUN ", "RUN python -m venv /venv && "))
    project.requirements = "app==1.0\n"
    assert project.invoke("deps.lock", "--no-rebuild").status == 0
    assert "helper==2.0" in project.requirements
