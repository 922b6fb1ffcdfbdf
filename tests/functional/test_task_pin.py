"""`pin`: every line gets a pin, of what the built image has, else the newest that is allowed."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from functional.engine_stand_in import IMAGE, Engine
from functional.temporary_project import COMPOSE_V2, ENGINE, TemporaryProject
from loopback_index import LoopbackIndex

RANGES = "# web\nDjango>=4,<5\nredis\n\n# queue\nrq ~= 1.2  # why\nzope==1.0\n"


@pytest.fixture(autouse=True)
def _fill(index: LoopbackIndex) -> None:
    for version in ("3.2", "4.1", "4.2", "5.0"):
        index.add("Django", version, requires_dist=["sqlparse"])
    for version in ("1.0", "2.0", "3.0"):
        index.add("redis", version)
        index.add("sqlparse", version)
    for version in ("1.1", "1.2", "1.5", "2.0"):
        index.add("rq", version)
    for version in ("1.0", "2.0"):
        index.add("zope", version)


def has_installed(project: TemporaryProject, installed: dict[str, str]) -> Engine:
    """Put a docker on the path whose images have these versions."""
    engine = Engine(project)
    engine.answers("run", 0, f"welcome\n{json.dumps([[*pair] for pair in installed.items()])}")
    engine.answers("build", 0)
    return engine


def test_pins_what_is_not_pinned(project: TemporaryProject) -> None:
    """Each line gets the newest within its range; upper bounds become policies; no line moves."""
    docker = project.stand_in("docker", {**ENGINE, "image inspect": 1})
    project.requirements = RANGES
    done = project.invoke("deps.pin")
    assert done.status == 0, done.output
    assert project.requirements == (
        "# web\nDjango==4.2  # pipflow: <5\nredis==3.0\n\n# queue\n"
        "rq==1.5    # pipflow: ~=1.2  # why\nzope==1.0\n"
    )
    assert "pinned    Django 4.2, the newest that is allowed (requirements.txt:2)" in done.stdout
    assert "these become policies: <5 of Django, ~=1.2 of rq; --no-policy leaves" in done.stdout
    assert len(docker.built) == 1


def test_takes_what_the_image_has(project: TemporaryProject) -> None:
    """What the image has and the range allows is kept; the report says which of the two it is."""
    engine = has_installed(
        project, {"django": "4.1", "Redis": "1.0", "rq": "2.0", "sqlparse": "1.0"}
    )
    project.requirements = RANGES
    done = project.invoke("deps.pin")
    assert (done.status, "warning" in done.stderr) == (0, False), done.output
    assert project.requirements == (
        "# web\nDjango==4.1  # pipflow: <5\nredis==1.0\n\n# queue\n"
        "rq==1.5    # pipflow: ~=1.2  # why\nzope==1.0\n"
    )
    assert "pinned    Django 4.1, which the image has        (requirements.txt:2)" in done.stdout
    assert "pinned    redis  1.0, which the image has        (requirements.txt:3)" in done.stdout
    assert "pinned    rq     1.5, the newest that is allowed (requirements.txt:6)" in done.stdout
    (ran,) = [words for words in engine.calls if words[0] == "run"]
    assert "shop" in [words[-1] for words in engine.calls if words[:2] == ["image", "inspect"]]
    assert ran[ran.index("--network") + 1] == "none"


@pytest.mark.parametrize(
    ("words", "installed"),
    [
        ("pip install --target {folder}", "."),
        ("pip install --prefix {folder}", "lib/python3.9/site-packages"),
        ("{folder}/bin/pip install", "made/for/its/python"),
    ],
)
def test_python_of_the_install_step_is_asked(
    project: TemporaryProject, words: str, installed: str
) -> None:
    """What was installed apart, or into a venv, is found, by any Python that the image may have.

    The stand-in docker runs here what a container would run.
    """
    folder = project.folder.parent / "apart"
    redis = folder / installed / "redis-1.0.dist-info" / "METADATA"
    redis.parent.mkdir(parents=True)
    redis.write_text("Metadata-Version: 2.1\nName: redis\nVersion: 1.0\n")
    if words.startswith("{"):
        program = folder / "bin" / "python"
        program.parent.mkdir()
        own = shlex.join([f"PYTHONPATH={folder / installed}", sys.executable])
        program.write_text(f'#!/bin/sh\nexec /usr/bin/env {own} "$@"\n')
        program.chmod(0o755)
    docker = project.programs / "docker"
    docker.write_text(
        f"#!/bin/sh\n[ $1 = image ] && echo {shlex.quote(json.dumps([IMAGE]))} && exit\n"
        f"[ $1 = run ] || exit 0\nPATH={Path(sys.executable).parent}:/usr/bin:/bin\n"
        'while [ "$1" != sh ]; do shift; done\nexec "$@"\n'
    )
    docker.chmod(0o755)
    project.write(
        "Dockerfile",
        "FROM python:3.9-slim\nCOPY requirements.txt ./\n"
        f"RUN python -m venv {folder} && {words.format(folder=folder)} -r requirements.txt\n",
    )
    project.requirements = "redis\n"
    done = project.invoke("deps.pin", "--dry-run")
    assert "to pin    redis 1.0, which the image has" in done.stdout, done.output


@pytest.mark.parametrize("options", [(), ("--no-resolve",)], ids=["together", "alone"])
def test_image_counts_where_it_suits(
    project: TemporaryProject, index: LoopbackIndex, options: tuple[str, ...]
) -> None:
    """What the image has counts only within range and policy, and where the index has it."""
    index.add("old", "1.0", requires_python=">=3.12")
    index.add("old", "0.9")
    index.add("early", "1.0")
    index.add("early", "2.0rc1")
    has_installed(
        project,
        {"django": "5.0", "redis": "1.5", "rq": "1.2", "old": "1.0", "early": "2.0rc1"},
    )
    project.requirements = "django<5\nredis\nrq  # pipflow: !=1.2\nold\nearly\n"
    done = project.invoke("deps.pin", *options)
    assert done.status == 0, done.output
    assert project.requirements == (
        "django==4.2  # pipflow: <5\nredis==3.0\nrq==2.0  # pipflow: !=1.2\n"
        "old==0.9\nearly==2.0rc1\n"
    )


def test_json_says_where_a_version_is_from(project: TemporaryProject) -> None:
    """`taken_from` is the image or the index, and null for what is no new pin of a line."""
    has_installed(project, {"redis": "1.0"})
    project.requirements = "redis\nrq\n"
    report = project.invoke("deps.pin", "--dry-run", "--format=json").report
    taken = [(each["project"], each["to"], each["taken_from"]) for each in report["changes"]]
    assert taken == [("redis", "1.0", "image"), ("rq", "2.0", "index")]
    assert (report["command"], report["dry_run"]) == ("pin", True)
    shown = project.invoke("deps.pin", "--dry-run", "--format=markdown").stdout
    assert "| redis |  | 1.0 | pinned, as in the image | 2021-05-21 |  |" in shown
    assert project.requirements == "redis\nrq\n"


def test_names_choose(project: TemporaryProject) -> None:
    """Names choose the lines, for the program as words of their own; a specifier is refused."""
    project.requirements = "redis\nrq\nDjango\nzope==1.0\n"
    done = project.pipflow("pin", "redis", "zope")
    assert (done.status, project.requirements) == (0, "redis==3.0\nrq\nDjango\nzope==1.0\n")
    assert "zope is pinned already, at 1.0 (requirements.txt:4); `upgrade zope`" in done.stdout
    assert project.invoke("deps.pin", "--names", "rq, django").status == 0
    assert project.requirements == "redis==3.0\nrq==2.0\nDjango==5.0\nzope==1.0\n"
    for words, said in {("zope<2",): "is more than a name", ("nonsuch",): "is not listed"}.items():
        refused = project.pipflow("pin", *words)
        assert (refused.status, said in refused.stderr) == (1, True)


def test_nothing_to_pin_asks_no_image(project: TemporaryProject) -> None:
    """Where all is pinned, no image is asked and nothing is built."""
    engine = has_installed(project, {})
    project.requirements = text = "redis==1.0\n"
    done = project.invoke("deps.pin")
    assert (done.status, project.requirements, engine.commands) == (0, text, [])
    assert "every requirement that can be pinned is pinned" in done.stdout


def test_what_can_not_be_pinned_is_named(project: TemporaryProject) -> None:
    """Addresses, variables and lines that the image does not read stay, and are named."""
    text = (
        "Django @ http://127.0.0.1/d.whl\nzope==${VERSION}\n"
        "redis<3; python_version < '3'\n-e git+http://127.0.0.1/d.git#egg=made\n"
    )
    project.requirements = f"{text}rq\n"
    done = project.invoke("deps.pin")
    assert (done.status, project.requirements) == (0, f"{text}rq==2.0\n"), done.output
    assert "given by a variable" in done.stdout
    assert "excluded by its marker" in done.stdout


def test_all_or_nothing(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Where one line has no version, or the lines conflict, none is pinned."""
    project.requirements = text = "redis\nrq>=3\n"
    done = project.invoke("deps.pin")
    assert (done.status, project.requirements) == (1, text)
    assert "no version of rq that satisfies >=3 suits" in done.stderr
    project.requirements = text = "redis\nnonsuch\n"
    done = project.invoke("deps.pin")
    assert (done.status, project.requirements) == (1, text)
    assert "name the others (`pin NAMES`) to leave nonsuch as it is" in done.stderr
    index.add("plugin", "1.0", requires_dist=["redis<2"])
    project.requirements = text = "redis>=2\nplugin\n"
    done = project.invoke("deps.pin")
    assert (done.status, project.requirements) == (1, text)
    assert "plugin 1.0 needs redis<2" in done.stderr
    done = project.invoke("deps.upgrade-all", "--pin")
    assert (done.status, project.requirements) == (0, text)
    assert "plugin (requirements.txt:2): not pinned, since it is part of a conflict" in done.stdout


def test_other_lines_count(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A pin suits the pins that are there, and the other lines that get theirs."""
    index.add("plugin", "1.0", requires_dist=["redis<3"])
    index.add("web", "1.0", requires_dist=["rq<2"])
    project.requirements = "plugin==1.0\nredis\nrq>=1.2\nweb\n"
    done = project.invoke("deps.pin")
    assert project.requirements == "plugin==1.0\nredis==2.0\nrq==1.5\nweb==1.0\n", done.output
    assert "(requirements.txt:2)\n          plugin 1.0 needs redis<3" in done.stdout


def test_hashes_and_lock_follow(project: TemporaryProject) -> None:
    """A locked file stays complete, and a line with hashes gets those of its pin."""
    project.requirements = "Django<5\nsqlparse==1.0  # via django\n"
    assert project.invoke("deps.pin").status == 0
    assert project.requirements == "Django==4.2  # pipflow: <5\nsqlparse==1.0  # via django\n"
    project.requirements = "redis<3 \\\n    --hash=sha256:ab\n"
    assert project.invoke("deps.pin").status == 0
    first, *hashes = project.requirements.splitlines()
    assert first == "redis==2.0 \\"
    assert "--hash=sha256:ab" not in project.requirements.split()
    assert hashes[-1].endswith("  # pipflow: <3")
    assert project.invoke("deps.check", "--offline").status == 0


@pytest.mark.parametrize(
    ("inspected", "said"),
    [
        ((1, "", "Error: No such image: shop"), "docker has no image shop, so each pin is the"),
        ((1, "", "Cannot connect to the Docker daemon"), "shop has: Cannot connect to the Docker"),
    ],
)
def test_image_that_is_not_there_is_noted(
    project: TemporaryProject, inspected: tuple[int, str, str], said: str
) -> None:
    """Without the image or an engine, a note says so, and the newest is taken."""
    engine = has_installed(project, {"redis": "1.0"})
    engine.answers("image inspect", *inspected)
    project.requirements = "redis\n"
    done = project.invoke("deps.pin", "--dry-run")
    assert (done.status, said in done.stdout) == (0, True), done.output
    assert "to pin    redis 3.0, the newest that is allowed" in done.stdout


def test_engine_that_is_not_there_is_noted(project: TemporaryProject) -> None:
    """Without an engine's program, and without an image, a note says so."""
    project.requirements = "redis\n"
    done = project.invoke("deps.pin", "--dry-run")
    assert "what the image shop has: docker can't be started" in done.stdout
    project.remove("Dockerfile")
    done = project.invoke("deps.pin", "--dry-run")
    assert "the project builds no image, so each pin is the newest" in done.stdout


@pytest.mark.parametrize(
    ("service", "name", "image"),
    [
        ("", "", "shop-app"),
        ("    image: acme/shop:dev\n", "", "acme/shop:dev"),
        ("", "name: Store\n", "store-app"),
    ],
)
def test_image_of_a_service(project: TemporaryProject, service: str, name: str, image: str) -> None:
    """A service's image has the name that the compose file gives it, else compose's own."""
    engine = has_installed(project, {"redis": "1.0"})
    for command, status in COMPOSE_V2.items():
        engine.answers(command, status)
    project.write("compose.yaml", f"{name}services:\n  app:\n    build: .\n{service}")
    project.requirements = "redis\n"
    done = project.invoke("deps.pin", "--dry-run")
    assert "to pin    redis 1.0, which the image has" in done.stdout, done.output
    asked = [words[-1] for words in engine.calls if words[:2] == ["image", "inspect"]]
    assert asked[-1] == image


def test_upgrade_all_pins_too(project: TemporaryProject) -> None:
    """`upgrade-all --pin` moves the pins and pins the rest, at the newest that is allowed."""
    has_installed(project, {"redis": "1.0", "rq": "1.2"})
    project.requirements = "Django<5\nredis==1.0\nrq<1.5\nzope==1.0\n"
    done = project.invoke("deps.upgrade-all", "--pin", "--skip", "zope")
    assert done.status == 0, done.output
    assert project.requirements == (
        "Django==4.2  # pipflow: <5\nredis==3.0\nrq==1.2  # pipflow: <1.5\nzope==1.0\n"
    )
    assert "--no-policy" not in done.stdout


@pytest.mark.parametrize("task", ["outdated", "upgrade-all"])
def test_what_is_not_pinned_is_counted(project: TemporaryProject, task: str) -> None:
    """`outdated` and `upgrade-all` count what is not pinned, with the command that pins it."""
    project.requirements = "Django<5\nredis==3.0\n"
    hint = "\nhint      1 requirement is not pinned; `pin` pins it\n"
    assert hint in project.invoke(f"deps.{task}").stdout
    project.requirements = "Django<5\nredis\nzope==2.0\n"
    done = project.invoke(f"deps.{task}")
    assert "\nhint      2 requirements are not pinned; `pin` pins them\n" in done.stdout
    report: dict[str, Any] = project.invoke(f"deps.{task}", "--format=json").report
    assert "2 requirements are not pinned; `pin` pins them" in report["hints"]


def test_not_pinned_is_not_outdated(project: TemporaryProject) -> None:
    """Lines that are not pinned do not count for `outdated --exit-code`."""
    project.requirements = "Django<5\nredis\n"
    assert project.invoke("deps.outdated", "--exit-code").status == 0


def test_isolated_asks_no_image(project: TemporaryProject) -> None:
    """With `--isolated` no program is started; the note says so."""
    engine = has_installed(project, {"redis": "1.0"})
    project.requirements = "redis\n"
    done = project.pipflow("--isolated", "pin")
    assert (done.status, project.requirements) == (0, "redis==3.0\n"), done.output
    assert "`--isolated` asks no image, so each pin is the newest version" in done.stdout
    assert engine.calls == []


def test_names_are_given_once(project: TemporaryProject) -> None:
    """Of `--names` and words, none is dropped: both together are refused."""
    project.requirements = text = "redis\nrq\n"
    done = project.pipflow("pin", "--names", "redis", "rq")
    assert (done.status != 0, project.requirements) == (True, text)
    assert "rq" in done.stderr


def test_image_without_python_is_noted(project: TemporaryProject) -> None:
    """An image whose Python can't be found is no error."""
    engine = has_installed(project, {})
    engine.answers("run", 0, '{"python": null, "release": "debian:12"}')
    project.requirements = "redis\n"
    done = project.invoke("deps.pin", "--dry-run")
    assert "docker could not say what the image shop has: it has no Python, so" in done.stdout
