"""Images that share a file, or have one each: one plan, the right versions in each of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from functional.engine_stand_in import Engine
from loopback_index import LoopbackIndex

if TYPE_CHECKING:
    from collections.abc import Mapping

    from functional.temporary_project import TemporaryProject

COMPOSE = """\
services:
  old:
    build: {context: ., dockerfile: old.Dockerfile}
  new:
    build: {context: ., dockerfile: new.Dockerfile}
"""


def dockerfile(python: str, *files: str, stage: str = "") -> str:
    """Return a Dockerfile that installs files, or a stage of one."""
    options = " ".join(f"-r {name}" for name in files)
    name = f" AS {stage}" if stage else ""
    return f"FROM python:{python}-slim{name}\nCOPY . .\nRUN pip install {options}\n"


@pytest.fixture
def services(project: TemporaryProject) -> TemporaryProject:
    """A compose project of two services, with Python 3.8 and 3.13, that install one file."""
    project.remove("Dockerfile")
    project.write("compose.yaml", COMPOSE)
    project.write("old.Dockerfile", dockerfile("3.8", "requirements.txt"))
    project.write("new.Dockerfile", dockerfile("3.13", "requirements.txt"))
    return project


def two_files(project: TemporaryProject, base: str, old: str, new: str) -> None:
    """Write a stage for each of two files, which share a third."""
    write_stages(project, {"old": "3.8", "new": "3.13"}, {"base": base, "old": old, "new": new})


def write_stages(
    project: TemporaryProject, pythons: Mapping[str, str], texts: Mapping[str, str]
) -> None:
    """Write files, and stages with a file each; the first file is that of all stages."""
    for name, text in texts.items():
        project.write(f"{name}.txt", text)
    shared = next(iter(texts))
    project.write(
        "Dockerfile",
        "".join(
            dockerfile(python, f"{shared}.txt", f"{name}.txt", stage=name)
            for name, python in pythons.items()
        ),
    )


FILES = ("--file", "base.txt,old.txt,new.txt")


def test_shared_pin_suits_both(services: TemporaryProject, index: LoopbackIndex) -> None:
    """A line that two images read gets the newest version that both can install."""
    index.add("lib", "1.0")
    index.add("lib", "2.0", requires_python=">=3.8")
    index.add("lib", "3.0", requires_python=">=3.9")
    services.requirements = "lib==1.0\n"
    done = services.invoke("deps.upgrade-all", "--format", "json")
    assert (done.status, services.requirements) == (0, "lib==2.0\n")
    report = done.report
    assert [each["name"] for each in report["environments"]] == ["old", "new"]
    (change,) = report["changes"]
    assert change["environments"] == ["old", "new"]
    assert change["newest"] == "3.0"
    assert "needs Python >=3.9" in change["reason"]
    assert "(old)" in change["reason"]
    assert report["held"] == []


def test_what_a_shared_pin_needs_is_chosen_for_each(
    services: TemporaryProject, index: LoopbackIndex
) -> None:
    """A dependency that no line holds may have another version in each image."""
    index.add("lib", "1.0", requires_dist=["dep"])
    index.add(
        "lib",
        "2.0",
        requires_dist=["dep>=2; python_version >= '3.9'", "dep<2; python_version < '3.9'"],
    )
    index.add("dep", "1.0")
    index.add("dep", "2.0", requires_python=">=3.9")
    services.requirements = "lib==1.0\n"
    done = services.invoke("deps.upgrade-all")
    assert (done.status, services.requirements) == (0, "lib==2.0\n"), done.output


def test_files_of_their_own_are_sets_of_their_own(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A project in two files of two images has a version in each."""
    two_files(project, "", "lib==1.0\nold==1.0\n", "lib==1.0\n")
    index.add("lib", "1.0")
    index.add("lib", "2.0")
    index.add("old", "1.0", requires_dist=["lib<2"])
    done = project.invoke("deps.upgrade-all", *FILES)
    assert done.status == 0
    assert (project.read("old.txt"), project.read("new.txt")) == (
        "lib==1.0\nold==1.0\n",
        "lib==2.0\n",
    )
    assert "held      lib at 1.0 (Dockerfile#old): old 1.0" in done.stdout
    assert "moved     lib 1.0 to 2.0 (new.txt:1) (Dockerfile#new)" in done.stdout


def test_shared_pin_is_compatible_with_both_files(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """What one file asks holds the pin of the file that both read."""
    two_files(project, "lib==1.0\n", "old==1.0\n", "new==1.0\n")
    for version in ("1.0", "1.5", "2.0"):
        index.add("lib", version)
    index.add("old", "1.0", requires_dist=["lib<2"])
    index.add("new", "1.0", requires_dist=["lib"])
    done = project.invoke("deps.upgrade-all", *FILES)
    assert (done.status, project.read("base.txt")) == (0, "lib==1.5\n")
    assert (
        "lib 1.0 to 1.5 (base.txt:1)\n          old 1.0 in Dockerfile#old needs lib<2"
        in done.stdout
    )


def test_add_looks_at_those_who_read_the_file(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """What is added to a file suits the images that install it, not the others."""
    two_files(project, "", "dep==1.0\n", "dep==2.0\n")
    index.add("dep", "1.0")
    index.add("dep", "2.0")
    index.add("lib", "1.0", requires_dist=["dep<2"])
    index.add("lib", "2.0", requires_dist=["dep>=2"])
    for file, version in (("old.txt", "1.0"), ("new.txt", "2.0")):
        done = project.invoke("deps.add", "lib", "--file", file)
        assert (done.status, project.read(file)) == (0, f"dep=={version}\nlib=={version}\n"), (
            done.output
        )


def test_lock_writes_one_line_for_all_who_read_the_file(
    services: TemporaryProject, index: LoopbackIndex
) -> None:
    """A locked line suits every image that reads it, although one alone could have a newer one."""
    index.add("lib", "1.0", requires_dist=["dep"])
    for version, python in (("1.0", ">=3.8"), ("2.0", ">=3.9")):
        index.add("dep", version, requires_python=python)
    services.requirements = "lib==1.0\n"
    done = services.invoke("deps.lock")
    locked = "dep==1.0  # via lib\nlib==1.0\n"
    assert (done.status, services.requirements) == (0, locked), done.output
    again = services.invoke("deps.upgrade-all")
    assert (again.status, services.requirements) == (0, locked), again.output


def test_lock_separates_by_markers_what_has_no_common_version(
    services: TemporaryProject, index: LoopbackIndex
) -> None:
    """Where no version suits both images, each gets a line with a marker."""
    index.add("lib", "1.0", requires_dist=["dep"])
    index.add("dep", "1.0", requires_python="<3.9")
    index.add("dep", "2.0", requires_python=">=3.9", requires_dist=["sub"])
    index.add("sub", "1.0")
    services.requirements = "lib==1.0\n"
    done = services.invoke("deps.lock")
    locked = (
        'dep==1.0; python_version < "3.13"  # via lib\n'
        'dep==2.0; python_version >= "3.13"  # via lib\n'
        "lib==1.0\n"
        'sub==1.0; python_version >= "3.13"  # via dep\n'
    )
    assert (done.status, sorted(services.requirements.splitlines())) == (
        0,
        sorted(locked.splitlines()),
    ), done.output
    before = services.requirements
    for command in ("deps.lock", "deps.upgrade-all"):
        again = services.invoke(command)
        assert (again.status, services.requirements) == (0, before), again.output
    done = services.invoke("deps.check")
    assert (done.status, "the lock" in done.stdout) == (0, False), done.output


def test_lock_keeps_markers_that_a_person_wrote(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Lines that are separated by another marker than `lock` would write stay as they are."""
    project.remove("Dockerfile")
    third = (
        "  odd:\n    build: {context: ., dockerfile: odd.Dockerfile}\n    platform: linux/arm64\n"
    )
    project.write("compose.yaml", COMPOSE + third)
    for name, python in (("old", "3.8"), ("new", "3.13"), ("odd", "3.8")):
        project.write(f"{name}.Dockerfile", dockerfile(python, "requirements.txt"))
    project.write("invoke.yaml", "pipflow:\n  platform: {old: linux/amd64, new: linux/amd64}\n")
    index.add("lib", "1.0", requires_dist=["dep"])
    index.add("dep", "1.0", requires_python="<3.9", tags=["py3-none-manylinux2014_x86_64"])
    index.add("dep", "2.0", requires_python=">=3.9")
    index.add("dep", "2.0", tags=["py3-none-manylinux2014_aarch64"])
    old = 'python_version < "3.9" and platform_machine == "x86_64"'
    project.requirements = text = (
        f"dep==1.0; {old}  # via lib\n"
        'dep==2.0; python_version >= "3.9" or platform_machine == "aarch64"  # via lib\n'
        "lib==1.0\n"
    )
    for command in ("deps.lock", "deps.upgrade-all"):
        done = project.invoke(command)
        assert (done.status, project.requirements) == (0, text), done.output
    done = project.invoke("deps.check")
    assert (done.status, "the lock" in done.stdout) == (0, False), done.output


@pytest.mark.parametrize("dev", ["requirements-dev.txt", "requirements/dev.txt", "dev.pip"])
def test_lock_of_two_files_and_then_of_one_changes_nothing(
    project: TemporaryProject, index: LoopbackIndex, dev: str
) -> None:
    """Locked lines go on to name parents that are in no file at hand."""
    project.requirements = "lib==1.0\n"
    project.write(dev, f"-r {'../' * dev.count('/')}requirements.txt\ntool==1.0\n")
    project.write("Dockerfile", dockerfile("3.12", dev))
    index.add("lib", "1.0", requires_dist=["dep"])
    index.add("tool", "1.0", requires_dist=["dep"])
    index.add("dep", "1.0")
    both = ("--file", f"requirements.txt,{dev}")
    assert project.invoke("deps.lock", *both).status == 0
    locked = project.requirements, project.read(dev)
    assert locked[0] == "dep==1.0  # via lib, tool\nlib==1.0\n"
    for words in (both, ("--file", "requirements.txt")):
        for command in ("deps.upgrade-all", "deps.lock"):
            done = project.invoke(command, *words)
            assert done.status == 0
            assert (project.requirements, project.read(dev)) == locked


@pytest.mark.parametrize("asking", ["lib[fast]==1.0", "tool==1.0"])
def test_what_an_extra_needs_is_where_the_extra_is_asked_for(
    project: TemporaryProject, index: LoopbackIndex, asking: str
) -> None:
    """The shared file has what it needs itself, the other one what its extra needs besides."""
    write_stages(project, {"base": "3.12", "dev": "3.12"}, {"base": "lib==1.0\n", "dev": asking})
    index.add("lib", "1.0", requires_dist=["dep", 'quick; extra == "fast"'])
    index.add("tool", "1.0", requires_dist=["lib[fast]"])
    for name in ("dep", "quick"):
        index.add(name, "1.0")
    files = ("--file", "base.txt,dev.txt")
    done = project.invoke("deps.lock", *files)
    assert (done.status, project.read("base.txt")) == (0, "dep==1.0  # via lib\nlib==1.0\n")
    assert "quick==1.0  # via lib" in project.read("dev.txt")
    before = project.read("dev.txt")
    for command in ("deps.lock", "deps.upgrade-all", "deps.check"):
        again = project.invoke(command, *files)
        assert (again.status, project.read("dev.txt")) == (0, before), again.output
        assert "out of date" not in again.stdout
    project.write("dev.txt", f"{asking}\n")
    again = project.invoke("deps.check", *files)
    assert "warning   dev.txt: the lock is out of date: quick" in again.stdout
    again = project.invoke("deps.add", "lib[fast]", *files)
    assert again.status == 0, again.output
    assert project.read("base.txt") == (
        "dep==1.0  # via lib\nlib[fast]==1.0\nquick==1.0  # via lib\n"
    )
    assert "quick" not in project.read("dev.txt")


def test_line_of_two_locked_files_is_stale(project: TemporaryProject, index: LoopbackIndex) -> None:
    """`check` finds the second line of a dependency that `lock` would remove."""
    project.write("base.txt", "dep==1.0  # via lib\nlib==1.0\n")
    project.requirements = "-r base.txt\ndep==1.0  # via tool\ntool==1.0\n"
    project.write("Dockerfile", dockerfile("3.12", "requirements.txt"))
    index.add("lib", "1.0", requires_dist=["dep"])
    index.add("tool", "1.0", requires_dist=["dep"])
    index.add("dep", "1.0")
    done = project.invoke("deps.check")
    assert "the lock is out of date: dep" in done.stdout
    assert project.invoke("deps.lock").status == 0
    assert project.requirements == "-r base.txt\ntool==1.0\n"
    assert "out of date" not in project.invoke("deps.check").stdout


def test_line_for_a_platform_moves(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Lines that platforms have to themselves move each for its own."""
    project.write("invoke.yaml", "pipflow:\n  platform: linux/amd64,linux/arm64\n")
    for version in ("1.0", "2.0"):
        index.add("lib", version, tags=["py3-none-manylinux2014_x86_64"])
    index.add("lib", "1.0", tags=["py3-none-manylinux2014_aarch64"])
    text = 'lib=={}; platform_machine == "x86_64"\nlib=={}; platform_machine == "aarch64"\n'
    project.requirements = text.format("1.0", "1.0")
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == (0, text.format("2.0", "1.0")), done.output


def test_lock_of_what_one_platform_needs(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A line that some platforms need alone has a marker for them."""
    project.write("invoke.yaml", "pipflow:\n  platform: linux/amd64,linux/arm64\n")
    index.add("lib", "1.0", requires_dist=["dep; platform_machine == 'aarch64'"])
    index.add("dep", "1.0")
    project.requirements = "lib==1.0\n"
    done = project.invoke("deps.lock")
    assert done.status == 0
    assert 'dep==1.0; platform_machine == "aarch64"  # via lib\n' in project.requirements


def two_indexes(project: TemporaryProject, cpu: LoopbackIndex, gpu: LoopbackIndex) -> None:
    """Write a stage for each of two files, with an index each."""
    for version in ("1.0", "1.5", "2.0"):
        cpu.add("torch", f"{version}+cpu", requires_dist=["dep"])
    for version in ("1.0", "1.5"):
        gpu.add("torch", f"{version}+cu126", requires_dist=["dep"])
    for index in (cpu, gpu):
        index.add("dep", "1.0")
    project.write("cpu.txt", f"--index-url {cpu.url}\ntorch==1.0+cpu\n")
    project.write("gpu.txt", f"--index-url {gpu.url}\ntorch==1.0+cu126\n")
    project.write(
        "Dockerfile",
        "FROM python:3.12-slim AS cpu\nCOPY . .\nRUN pip install -r cpu.txt\n"
        "FROM python:3.12-slim AS gpu\nCOPY . .\nRUN pip install -r gpu.txt\n",
    )


@pytest.mark.parametrize(
    ("words", "cpu", "gpu"),
    [
        (("deps.upgrade-all",), "2.0+cpu", "1.5+cu126"),
        (("deps.upgrade", "torch"), "2.0+cpu", "1.5+cu126"),
        (("deps.upgrade", "torch<2"), "1.5+cpu  # pipflow: <2", "1.5+cu126  # pipflow: <2"),
    ],
)
def test_pin_keeps_its_label(
    project: TemporaryProject, index: LoopbackIndex, words: tuple[str, ...], cpu: str, gpu: str
) -> None:
    """A pin moves to versions with its local label, on the index of its image."""
    with LoopbackIndex() as other:
        two_indexes(project, index, other)
        done = project.invoke(*words, "--file", "cpu.txt,gpu.txt")
        assert done.status == 0, done.output
        assert project.read("cpu.txt").splitlines()[1] == f"torch=={cpu}"
        assert project.read("gpu.txt").splitlines()[1] == f"torch=={gpu}"


def test_why_not_of_labelled_pins(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A name is about the newest version with the label of each; the image is named that has none.

    That one of the pins has it already is no answer.
    """
    with LoopbackIndex() as other:
        two_indexes(project, index, other)
        project.write("cpu.txt", project.read("cpu.txt").replace("1.0+", "2.0+"))
        done = project.invoke("deps.why-not", "torch", "--file", "cpu.txt,gpu.txt")
        assert done.stdout.splitlines()[-3:] == [
            "why not   torch==2.0",
            "          there is no such version for Dockerfile#gpu; the newest is 1.5+cu126",
            "          fix: torch 1.5+cu126 is the newest version that suits Dockerfile#gpu",
        ]
        done = project.invoke("deps.why-not", "torch==1.5", "--file", "cpu.txt,gpu.txt")
        assert "nothing rules it out" in done.stdout


def test_label_changes_when_it_is_asked_for(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A label that was typed takes the place of the pin's own."""
    for version in ("1.0+cpu", "1.0+cu126"):
        index.add("torch", version)
    project.requirements = "torch==1.0+cpu\n"
    done = project.invoke("deps.upgrade", "torch==1.0+cu126")
    assert (done.status, project.requirements) == (0, "torch==1.0+cu126\n"), done.output


def test_shared_pin_without_a_label_takes_each_index_s_own(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A pin without a label stands for the labelled file that each image has."""
    with LoopbackIndex() as other:
        two_indexes(project, index, other)
        project.write("base.txt", "torch==1.0\n")
        project.write("cpu.txt", f"--index-url {index.url}\n-r base.txt\n")
        project.write("gpu.txt", f"--index-url {other.url}\n-r base.txt\n")
        done = project.invoke("deps.upgrade-all", "--file", "cpu.txt,gpu.txt")
        assert (done.status, project.read("base.txt")) == (0, "torch==1.5\n"), done.output


def test_platforms_part_where_they_conflict(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """What no line holds has one version on all platforms, unless there is none."""
    project.write("invoke.yaml", "pipflow:\n  platform: linux/amd64,linux/arm64\n")
    index.add("lib", "1.0", requires_dist=["dep"])
    index.add("dep", "1.0", tags=["py3-none-manylinux2014_x86_64"])
    index.add("dep", "2.0", tags=["py3-none-manylinux2014_aarch64"])
    done = project.invoke("deps.add", "lib")
    assert (done.status, project.requirements) == (0, "lib==1.0\n"), done.output
    done = project.invoke("deps.lock")
    assert done.status == 0, done.output
    assert 'dep==1.0; platform_machine == "x86_64"  # via lib' in project.requirements
    assert 'dep==2.0; platform_machine == "aarch64"  # via lib' in project.requirements


def test_remove_from_a_locked_file_of_two_images(
    services: TemporaryProject, index: LoopbackIndex
) -> None:
    """What only the removed project needs goes with it, in each image."""
    index.add("lib", "1.0", requires_dist=["dep; python_version < '3.9'"])
    index.add("other", "1.0", requires_dist=["dep; python_version >= '3.9'"])
    index.add("dep", "1.0")
    services.requirements = "lib==1.0\nother==1.0\n"
    assert services.invoke("deps.lock").status == 0
    assert services.requirements == "dep==1.0  # via lib, other\nlib==1.0\nother==1.0\n"
    done = services.invoke("deps.remove", "other")
    assert done.status == 0, done.output
    assert services.requirements == 'dep==1.0; python_version < "3.13"  # via lib\nlib==1.0\n'


def test_why_says_each_path_once(services: TemporaryProject, index: LoopbackIndex) -> None:
    """A project that both images need in the same way has one path."""
    index.add("lib", "1.0", requires_dist=["dep"])
    index.add("dep", "1.0")
    services.requirements = "lib==1.0\n"
    done = services.invoke("deps.why", "dep")
    assert done.status == 0
    assert done.stdout.count("→ dep 1.0") == 1


def test_finding_names_its_images(services: TemporaryProject, index: LoopbackIndex) -> None:
    """`check` says for which image a pin can't be installed."""
    index.add("lib", "1.0", requires_python=">=3.9")
    services.requirements = "lib==1.0\n"
    done = services.invoke("deps.check")
    assert done.status == 1
    said = "lib 1.0 needs Python >=3.9, the image has 3.8 (old.Dockerfile:1) (old)\n"
    assert said in done.stdout


def test_marker_lines_move_each_for_its_image(
    services: TemporaryProject, index: LoopbackIndex
) -> None:
    """A line that one image alone reads gets the newest version for that image."""
    for version, python in (("1.0", ""), ("2.0", ">=3.8"), ("3.0", ">=3.9")):
        index.add("lib", version, requires_python=python or None)
    text = 'lib=={}; python_version < "3.9"\nlib=={}; python_version >= "3.9"\n'
    services.requirements = text.format("1.0", "1.0")
    done = services.invoke("deps.upgrade-all")
    assert (done.status, services.requirements) == (0, text.format("2.0", "3.0")), done.output
    assert "moved     lib 1.0 to 2.0 (requirements.txt:1) (old)" in done.stdout


def test_images_of_what_changed_are_built(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A change that one service alone reads builds that service."""
    project.write("old.Dockerfile", dockerfile("3.8", "old.txt"))
    project.write("new.Dockerfile", dockerfile("3.13", "new.txt"))
    project.write("compose.yaml", COMPOSE)
    project.write("old.txt", "lib==1.0\n")
    project.write("new.txt", "lib==1.0\n")
    for version, python in (("1.0", ">=3.8"), ("2.0", ">=3.9")):
        index.add("lib", version, requires_python=python)
    docker = project.stand_in("docker", {"version": 0, "compose version": 0, "compose build": 0})
    done = project.invoke("deps.upgrade-all", "--file", "old.txt,new.txt")
    assert done.status == 0, done.output
    assert (project.read("old.txt"), project.read("new.txt")) == ("lib==1.0\n", "lib==2.0\n")
    assert docker.built == ["compose build new"]


def test_without_dependencies_in_one_image_only(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """What one image installs without dependencies limits nothing there, but in the other."""
    two_files(project, "lib==1.0\n", "", "dep==1.0\n")
    text = project.read("Dockerfile").replace("-r base.txt -r new", "--no-deps -r base.txt -r new")
    project.write("Dockerfile", text)
    index.add("lib", "1.0", requires_dist=["dep<2"])
    for version in ("1.0", "2.0"):
        index.add("dep", version)
    done = project.invoke("deps.upgrade-all", *FILES)
    assert (done.status, project.read("new.txt")) == (0, "dep==2.0\n"), done.output


PROFILES = """\
services:
  web:
    build: {context: ., dockerfile: web.Dockerfile}
  tests:
    build: {context: ., dockerfile: tests.Dockerfile}
    profiles: [ci]
"""


@pytest.fixture
def hidden(project: TemporaryProject, index: LoopbackIndex) -> TemporaryProject:
    """A service with Python 3.13, and one with Python 3.8 that an inactive profile hides."""
    project.remove("Dockerfile")
    project.write("compose.yaml", PROFILES)
    project.write("web.Dockerfile", dockerfile("3.13", "requirements.txt"))
    project.write("tests.Dockerfile", dockerfile("3.8", "dev.txt"))
    project.requirements = ""
    for version, python in (("1.0", ">=3.8"), ("2.0", ">=3.9")):
        index.add("lib", version, requires_python=python)
    return project


@pytest.mark.parametrize("files", ["dev.txt", "requirements.txt,dev.txt"])
@pytest.mark.parametrize("text", ["", "-r requirements.txt\n"])
def test_file_of_a_hidden_service_is_for_its_image(
    hidden: TemporaryProject, files: str, text: str
) -> None:
    """A service of an inactive profile counts where no other one installs the file."""
    hidden.write("dev.txt", f"{text}lib==1.0\n")
    for command in ("deps.upgrade-all", "deps.lock", "deps.upgrade-all"):
        done = hidden.invoke(command, "--file", files)
        assert (done.status, hidden.read("dev.txt")) == (0, f"{text}lib==1.0\n"), done.output
        assert "the service tests installs the file, too" not in done.stderr


def test_hidden_service_does_not_count_for_a_file_of_another(
    hidden: TemporaryProject,
) -> None:
    """A file that a service installs is for that service, also where a hidden one installs it."""
    hidden.requirements = "lib==1.0\n"
    hidden.write("dev.txt", "-r requirements.txt\n")
    done = hidden.invoke("deps.upgrade-all")
    assert (done.status, hidden.requirements) == (0, "lib==2.0\n"), done.output


@pytest.mark.parametrize("command", [("deps.upgrade-all",), ("deps.lock",), ("deps.add", "other")])
def test_file_that_no_step_installs_suits_every_image(
    services: TemporaryProject, index: LoopbackIndex, command: tuple[str, ...]
) -> None:
    """Where images differ, a warning says how to choose one for a file that none installs."""
    index.add("lib", "1.0")
    index.add("other", "1.0")
    files = ("--file", "requirements.txt,dev.txt")
    services.requirements = "lib==1.0\n"
    services.write("dev.txt", "lib==1.0\n")
    for asked in (files, ("--file", "dev.txt")):
        done = services.invoke(*command, *asked)
        assert done.status == 0, done.output
        chosen = "versions are chosen that suit old (python 3.8) and new (python 3.13)"
        assert f"no step installs dev.txt, so {chosen}" in done.stderr
        assert "set `service: old` or `service: new`" in done.stderr
    setting = {"INVOKE_PIPFLOW_SERVICE": "old"}
    done = services.invoke(*command, *files, environment=setting)
    assert (done.status, "no step installs dev.txt, so versions" in done.stderr) == (0, False)


def test_file_that_no_step_installs_goes_with_equal_images(
    services: TemporaryProject, index: LoopbackIndex
) -> None:
    """Where all images have the same Python, a file that none installs is for that Python."""
    services.write("new.Dockerfile", dockerfile("3.8", "requirements.txt", "new.txt"))
    services.write("new.txt", "")
    for version, python in (("1.0", ">=3.8"), ("2.0", ">=3.9")):
        index.add("lib", version, requires_python=python)
    services.requirements = ""
    services.write("dev.txt", "lib==1.0\n")
    done = services.invoke("deps.upgrade-all", "--file", "requirements.txt,new.txt,dev.txt")
    assert (done.status, services.read("dev.txt")) == (0, "lib==1.0\n"), done.output


def test_file_of_a_stage_that_is_not_built(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A file is not chosen for another image than that of the stage that installs it."""
    index.add("lib", "1.0")
    two_files(project, "", "lib==1.0\n", "lib==1.0\n")
    project.write("compose.yaml", "services:\n  web: {build: {context: ., target: new}}\n")
    done = project.invoke("deps.upgrade-all", "--file", "new.txt,old.txt")
    assert done.status == 1, done.output
    assert "Dockerfile:3: line 3 installs old.txt in the stage old" in done.stderr


def test_file_of_a_dockerfile_beside_compose(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A file is not chosen for compose's image where another Dockerfile installs it."""
    index.add("lib", "1.0")
    project.requirements = "lib==1.0\n"
    project.write("dev.txt", "lib==1.0\n")
    project.write("compose.yaml", "services:\n  web: {build: .}\n")
    project.write("Dockerfile.dev", dockerfile("3.8", "dev.txt"))
    done = project.invoke("deps.upgrade-all", "--file", "requirements.txt,dev.txt")
    assert done.status == 1, done.output
    assert "Dockerfile.dev installs dev.txt, on another image than Dockerfile" in done.stderr
    assert "set `dockerfile: Dockerfile,Dockerfile.dev`" in done.stderr
    setting = {"INVOKE_PIPFLOW_DOCKERFILE": "Dockerfile,Dockerfile.dev"}
    done = project.invoke(
        "deps.upgrade-all", "--file", "requirements.txt,dev.txt", environment=setting
    )
    assert done.status == 0, done.output


def test_markers_of_three_pythons_leave_none_between_out(
    services: TemporaryProject, index: LoopbackIndex
) -> None:
    """Lines for Pythons are for ranges, so that a further image has one of the lines."""
    middle = "  middle:\n    build: {context: ., dockerfile: middle.Dockerfile}\n"
    services.write("compose.yaml", COMPOSE + middle)
    services.write("middle.Dockerfile", dockerfile("3.10", "requirements.txt"))
    index.add("lib", "1.0", requires_dist=["dep"])
    for version, python in (("1.0", "<3.10"), ("2.0", "==3.10.*"), ("3.0", ">=3.11")):
        index.add("dep", version, requires_python=python)
    services.requirements = "lib==1.0\n"
    done = services.invoke("deps.lock")
    assert done.status == 0, done.output
    assert sorted(services.requirements.splitlines()) == [
        'dep==1.0; python_version < "3.10"  # via lib',
        'dep==2.0; python_version >= "3.10" and python_version < "3.13"  # via lib',
        'dep==3.0; python_version >= "3.13"  # via lib',
        "lib==1.0",
    ]
    assert services.invoke("deps.check").status == 0


PLATFORMS = "pipflow:\n  platform: linux/amd64,linux/arm64\n"
X86, ARM = "py3-none-manylinux2014_x86_64", "py3-none-manylinux2014_aarch64"


@pytest.fixture
def platforms(project: TemporaryProject, index: LoopbackIndex) -> TemporaryProject:
    """A project for two platforms; ``torch`` needs on one of them what is for that one alone."""
    project.write("invoke.yaml", PLATFORMS)
    for version in ("1.0", "2.0"):
        needed = f"nvidia=={version}; platform_machine == 'x86_64'"
        index.add("torch", version, requires_dist=[needed, "filelock"])
        index.add("nvidia", version, requires_dist=["cuda"], tags=[X86])
        index.add("cuda", version, tags=[X86])
    index.add("filelock", "1.0")
    return project


def test_what_one_platform_needs_is_not_for_the_other(platforms: TemporaryProject) -> None:
    """A dependency need not suit a platform that its marker excludes."""
    platforms.requirements = "torch==1.0\n"
    checked = platforms.invoke("deps.check")
    assert (checked.status, "error" in checked.stdout) == (0, False), checked.output
    done = platforms.invoke("deps.upgrade-all")
    assert (done.status, platforms.requirements) == (0, "torch==2.0\n"), done.output
    assert "conflict" not in done.output
    done = platforms.invoke("deps.lock")
    assert done.status == 0, done.output
    assert sorted(platforms.requirements.splitlines()) == [
        'cuda==2.0; platform_machine == "x86_64"  # via nvidia',
        "filelock==1.0  # via torch",
        'nvidia==2.0; platform_machine == "x86_64"  # via torch',
        "torch==2.0",
    ]
    before = platforms.requirements
    for command in ("deps.check", "deps.lock", "deps.upgrade-all"):
        again = platforms.invoke(command)
        assert (again.status, platforms.requirements) == (0, before), again.output
        assert "out of date" not in again.output


def test_what_both_platforms_need_suits_both(
    platforms: TemporaryProject, index: LoopbackIndex
) -> None:
    """A dependency without a marker needs a version for each platform."""
    index.add("torch", "3.0", requires_dist=["cuda"])
    platforms.requirements = "torch==1.0\n"
    done = platforms.invoke("deps.upgrade-all")
    assert (done.status, platforms.requirements) == (0, "torch==2.0\n"), done.output
    assert "torch 3.0 in linux/arm64 needs cuda" in done.stdout or "needs cuda" in done.stdout


@pytest.mark.parametrize("text", ["", "mkl>=1; platform_machine == 'x86_64'\n"])
def test_line_for_one_platform_is_not_for_the_other(
    platforms: TemporaryProject, index: LoopbackIndex, text: str
) -> None:
    """What is asked for on one platform need not suit the other one."""
    index.add("mkl", "1.0", requires_dist=["cuda"], tags=[X86])
    platforms.requirements = f"{text}torch==2.0\n"
    checked = platforms.invoke("deps.check")
    assert (checked.status, "has no wheel" in checked.stdout) == (0, False), checked.output
    done = platforms.invoke("deps.add", 'mkl; platform_machine == "x86_64"')
    assert done.status == 0, done.output
    assert "mkl==1.0" in platforms.requirements
    assert platforms.invoke("deps.check").status == 0


def test_warning_names_the_images_that_it_is_about(
    services: TemporaryProject, index: LoopbackIndex
) -> None:
    """What is unusual in some images alone is said of these."""
    tags = ["cp313-cp313-manylinux2014_x86_64"]
    index.add("lib", "1.0", tags=tags, requires_dist=["dep"], sdist=True)
    services.write("invoke.yaml", "pipflow:\n  platform: linux/amd64\n")
    index.add("dep", "1.0")
    done = services.invoke("deps.add", "lib")
    assert done.status == 0, done.output
    assert "the image will build it from source (old)" in done.stderr
    checked = services.invoke("deps.check", "--format", "json").report
    (found,) = [each for each in checked["findings"] if "has no wheel" in each["message"]]
    assert found["environments"] == ["old"]


def test_path_names_its_images(services: TemporaryProject, index: LoopbackIndex) -> None:
    """`why` says which images a path is of, where others do not have it."""
    index.add("lib", "1.0", requires_dist=["dep; python_version < '3.9'", "both"])
    for name in ("dep", "both"):
        index.add(name, "1.0")
    services.requirements = "lib==1.0\n"
    done = services.invoke("deps.why", "dep")
    assert done.stdout.splitlines()[-1].endswith("→ dep 1.0 (old)"), done.output
    for name, names in (("dep", ["old"]), ("both", ["old", "new"])):
        (path,) = services.invoke("deps.why", name, "--format", "json").report["paths"]
        assert [step["environments"] for step in path] == [names, names]


@pytest.mark.parametrize(
    ("dockerfiles", "words", "expected"),
    [
        ({}, (), "for       python 3.9"),
        ({"jobs/Dockerfile": "3.9"}, ("remove",), "Dockerfile, jobs/Dockerfile:"),
        ({"jobs/Dockerfile": "3.9"}, (), "requirements.txt and dev.txt (app, jobs): for"),
    ],
)
def test_report_begins_with_all_that_is_not_usual(
    project: TemporaryProject,
    index: LoopbackIndex,
    dockerfiles: Mapping[str, str],
    words: tuple[str, ...],
    expected: str,
) -> None:
    """Files and Dockerfiles are named where there are others than the usual one: then each."""
    index.add("lib", "1.0")
    services = "".join(
        f"  jobs: {{build: {{context: ., dockerfile: {name}}}}}\n" for name in dockerfiles
    )
    project.write("compose.yaml", f"services:\n  app: {{build: .}}\n{services}")
    for name, python in dockerfiles.items():
        project.write(name, dockerfile(python, "requirements.txt", "dev.txt"))
    project.requirements = "lib==1.0\n"
    project.write("dev.txt", "")
    files = ("--file", "requirements.txt,dev.txt") if dockerfiles and not words else ()
    command = words or ("upgrade-all",)
    packages = ("lib",) if words else ()
    done = project.pipflow(*command, *files, *packages, "--dry-run")
    assert done.stdout.startswith(expected), done.output


def test_removing_names_the_images(services: TemporaryProject, index: LoopbackIndex) -> None:
    """`remove` and `unlock` name the images of the files, also without an index."""
    index.add("lib", "1.0", requires_dist=["dep"])
    index.add("dep", "1.0")
    services.requirements = "lib==1.0\n"
    assert services.invoke("deps.lock").status == 0
    for command in (("deps.unlock",), ("deps.remove", "lib", "--no-resolve")):
        asked = len(index.requests)
        report = services.invoke(*command, "--format", "json").report
        assert [each["name"] for each in report["environments"]] == ["old", "new"]
        assert report["changes"][0]["environments"] == ["old", "new"]
        assert len(index.requests) == asked


def test_report_names_the_builds(services: TemporaryProject, index: LoopbackIndex) -> None:
    """Each command that builds is in the report, with its images and what became of it."""
    services.stand_in("docker", {"version": 0, "compose version": 0, "compose build": 0})
    index.add("lib", "1.0")
    report = services.invoke("deps.add", "lib", "--format", "json").report
    (build,) = report["image"]["builds"]
    assert (build["environments"], build["status"]) == (["old", "new"], "built")
    assert build["command"] == "docker compose build old new"
    report = services.invoke("deps.rebuild", "--format", "json").report
    assert report["image"]["builds"] == [build]


def test_pin_of_what_has_no_common_version(
    services: TemporaryProject, index: LoopbackIndex
) -> None:
    """`pin` fails where an image has a version that does not suit another, and none does."""
    index.add("lib", "1.0", requires_python="<3.9")
    index.add("lib", "2.0", requires_python=">=3.9")
    services.requirements = "lib\n"
    engine = Engine(services)
    engine.answers("run", 0, f"welcome\n{json.dumps([['lib', '1.0']])}")
    done = services.invoke("deps.pin")
    assert (done.status, services.requirements) == (1, "lib\n"), done.output
    assert "no version of lib suits" in done.stderr
    assert "1.0 needs Python <3.9, the image has 3.13 (new.Dockerfile:1) (new)" in done.stderr


def test_pin_takes_what_suits_every_image(services: TemporaryProject, index: LoopbackIndex) -> None:
    """`pin` takes the version of an image only if it suits the others."""
    index.add("lib", "1.0")
    index.add("lib", "2.0")
    index.add("lib", "3.0", requires_python=">=3.9")
    services.requirements = "lib\n"
    engine = Engine(services)
    engine.answers("run", 0, f"welcome\n{json.dumps([['lib', '3.0']])}")
    engine.answers("compose", 0)
    done = services.invoke("deps.pin")
    assert (done.status, services.requirements) == (0, "lib==2.0\n"), done.output
    assert "the newest that is allowed" in done.stdout


def test_adopt_names_the_lines_that_are_there(
    services: TemporaryProject, index: LoopbackIndex
) -> None:
    """A conflict of what is adopted is at the lines of the files as they are."""
    index.add("lib", "1.0", requires_dist=["dep<2"])
    for version in ("1.0", "2.0"):
        index.add("dep", version)
    services.requirements = "# first\n\n-r base.txt\nlib==1.0\n"
    services.write("base.txt", "# base\ndep==2.0\n")
    done = services.invoke("deps.adopt")
    assert done.status == 1, done.output
    assert "dep==2.0 is pinned (base.txt:2)" in done.stderr


def test_adopt_keeps_what_one_image_alone_reads(
    services: TemporaryProject, index: LoopbackIndex
) -> None:
    """A line that some images do not read is adopted for the others."""
    index.add("lib", "1.0", requires_dist=["dep"])
    index.add("dep", "1.0", requires_python="<3.9")
    index.add("dep", "2.0", requires_python=">=3.9")
    services.write("base.txt", "lib==1.0\n")
    services.requirements = (
        '-r base.txt\ndep==1.0; python_version < "3.9"\ndep==2.0; python_version >= "3.9"\n'
    )
    done = services.invoke("deps.adopt", "--format", "json")
    assert done.status == 0, done.output
    assert sorted(filter(None, services.requirements.splitlines())) == [
        'dep==1.0; python_version < "3.9"  # via lib',
        'dep==2.0; python_version >= "3.9"  # via lib',
        "lib==1.0",
    ]
    found = {(each["project"], each["to"]): each for each in done.report["changes"]}
    assert {key: each["environments"] for key, each in found.items()} == {
        ("dep", "1.0"): ["old"],
        ("dep", "2.0"): ["new"],
        ("lib", "1.0"): ["old", "new"],
    }


def test_lock_of_two_images_on_two_platforms(
    services: TemporaryProject, index: LoopbackIndex
) -> None:
    """Where Pythons need two versions, the platforms of each have one line together."""
    services.write("invoke.yaml", PLATFORMS)
    index.add("lib", "1.0", requires_dist=["dep"])
    index.add("dep", "1.0", requires_python="<3.9")
    for version, tags in (("2.0", (X86, ARM)), ("2.1", (X86,))):
        index.add("dep", version, requires_python=">=3.9", tags=tags)
    services.requirements = "lib==1.0\n"
    done = services.invoke("deps.lock")
    assert done.status == 0, done.output
    assert sorted(services.requirements.splitlines()) == [
        'dep==1.0; python_version < "3.13"  # via lib',
        'dep==2.0; python_version >= "3.13"  # via lib',
        "lib==1.0",
    ]


@pytest.mark.parametrize("in_stages", [False, True])
def test_adopt_leaves_a_file_to_the_image_that_installs_it_alone(
    services: TemporaryProject, index: LoopbackIndex, in_stages: bool
) -> None:
    """A file that another image installs by itself is still needed, and can be adopted, too."""
    for name in ("lib", "tool"):
        index.add(name, "1.0")
    services.write("old.Dockerfile", dockerfile("3.8", "base.txt"))
    if in_stages:
        services.remove("compose.yaml")
        both = dockerfile("3.8", "base.txt") + dockerfile("3.13", "requirements.txt")
        services.write("Dockerfile", both)
    services.requirements = "-r base.txt\ntool==1.0\n"
    services.write("base.txt", "lib==1.0\n")
    done = services.invoke("deps.adopt", "--dry-run")
    assert done.status == 0, done.output
    place = "Dockerfile:3" if in_stages else "old.Dockerfile:3"
    assert f"{place}: it installs base.txt, not requirements.txt" in done.stdout
    assert "fix: `adopt --file base.txt` adopts that by itself; or write `COPY" in done.stdout
    assert "no longer needed" not in done.stdout


def shared_file(project: TemporaryProject, common: str, cpu: str, gpu: str) -> None:
    """Write a stage for each of two files, with one Python, which share a third."""
    texts = {"common": common, "cpu": cpu, "gpu": gpu}
    write_stages(project, {"cpu": "3.12", "gpu": "3.12"}, texts)


ALL_THREE = ("--file", "common.txt,cpu.txt,gpu.txt")


def test_add_to_a_shared_file_what_another_file_has(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """The error names both places, and its commands lead to one line that both images read."""
    shared_file(project, "", "", "lib==1.0\n")
    index.add("lib", "1.0")
    index.add("lib", "2.0")
    done = project.invoke("deps.add", "lib", *ALL_THREE)
    assert done.status == 1
    assert (
        "gpu.txt:1: lib is already listed here, and Dockerfile#cpu installs common.txt "
        "without gpu.txt\n"
    ) in done.stderr
    assert (
        "hint: `remove lib --file gpu.txt` removes it there, then add it again; "
        "or `add lib --file cpu.txt` adds it for Dockerfile#cpu alone\n"
    ) in done.stderr
    assert project.invoke("deps.remove", "lib", "--file", "gpu.txt").status == 0
    assert project.invoke("deps.add", "lib", *ALL_THREE).status == 0
    assert (project.read("common.txt"), project.read("gpu.txt")) == ("lib==2.0\n", "")


@pytest.mark.parametrize(
    "line",
    ["lib==9", "lib<0.5", "lib @ https://example.org/lib-1.0.tar.gz", "lib==1.0\nlib==2.0"],
)
@pytest.mark.parametrize("words", [("add", "lib"), ("why-not", "lib==1.0")])
def test_add_what_a_file_beside_it_rules_out(
    project: TemporaryProject, index: LoopbackIndex, words: tuple[str, str], line: str
) -> None:
    """Where a line that the image installs besides leaves no version, it is named."""
    shared_file(project, "", "", f"{line}\n")
    index.add("lib", "1.0")
    index.add("lib", "2.0")
    done = project.pipflow(*words, "--file", "common.txt")
    first = line.partition("\n")[0]
    said = f'"{first}" conflicts with lib in common.txt: Dockerfile#gpu installs both'
    assert (said in done.output, done.status) == (True, int(words[0] == "add")), done.output
    assert "`remove lib --file gpu.txt` removes it there, then add it again" in done.output


def test_locked_line_of_one_image_becomes_direct_for_all(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A locked line of one file gives way to the line that all images read, never to an older."""
    index.add("lib", "1.0", requires_dist=["dep"])
    index.add("dep", "2.0")
    index.add("dep", "1.0")
    shared_file(project, "", "", "dep==1.0  # via lib\nlib==1.0\n")
    done = project.invoke("deps.add", "dep", *ALL_THREE)
    assert done.status == 0, done.output
    assert (project.read("common.txt"), project.read("gpu.txt")) == ("dep==2.0\n", "lib==1.0\n")
    assert "dep is a direct requirement now, no longer only via lib" in done.stdout


def test_add_of_what_markers_separate_in_the_lock(
    services: TemporaryProject, index: LoopbackIndex
) -> None:
    """Each locked line becomes direct, at a version that its image can have."""
    index.add("lib", "1.0", requires_dist=["dep"])
    index.add("dep", "1.0", requires_python="<3.9")
    index.add("dep", "2.0", requires_python=">=3.9")
    services.requirements = "lib==1.0\n"
    assert services.invoke("deps.lock").status == 0
    done = services.invoke("deps.add", "dep")
    assert done.status == 0, done.output
    assert sorted(services.requirements.splitlines()) == [
        'dep==1.0; python_version < "3.13"',
        'dep==2.0; python_version >= "3.13"',
        "lib==1.0",
    ]
    assert services.invoke("deps.check").status == 0


@pytest.mark.parametrize("older", ["1.0", "2.0"])
def test_add_of_what_one_image_has_in_the_lock(
    services: TemporaryProject, index: LoopbackIndex, older: str
) -> None:
    """One line for both images takes the place of the locked one, unless a version would fall."""
    index.add("lib", "1.0", requires_dist=["dep; python_version >= '3.9'"])
    index.add("dep", older, requires_python=">=3.8")
    index.add("dep", "2.1", requires_python=">=3.9")
    locked = f'dep=={older}; python_version >= "3.13"  # via lib\nlib==1.0\n'
    services.requirements = locked
    done = services.invoke("deps.add", "dep")
    assert (done.status, services.requirements) == (0, f"dep=={older}\nlib==1.0\n"), done.output
    services.requirements = locked = locked.replace(f"=={older}", "==2.1")
    done = services.invoke("deps.add", "dep")
    assert (done.status, services.requirements) == (1, locked), done.output
    assert "is older than 2.1, which the lock has (requirements.txt:1)" in done.stderr
    assert "`add \"dep; python_version < '3.13'\"` adds it for old alone" in done.stderr


@pytest.fixture
def marked(services: TemporaryProject, index: LoopbackIndex) -> TemporaryProject:
    """A locked file in which a line is for the older Python alone, until its parent moves."""
    index.add("top", "1.0", requires_dist=["low; python_version < '3.9'"])
    index.add("top", "2.0", requires_dist=["low"])
    index.add("low", "1.0")
    services.requirements = "low==1.0; python_version < '3.13'  # via top\ntop==1.0\n"
    return services


def test_change_of_a_marker_is_one_change(marked: TemporaryProject) -> None:
    """A line that loses its marker, or gets one, has changed; it is not removed and added."""
    wider = marked.invoke("deps.upgrade", "top==2.0")
    assert marked.requirements == "low==1.0  # via top\ntop==2.0\n"
    assert (
        'changed   low 1.0: everywhere, no longer only where python_version < "3.13" '
        "(requirements.txt:1)\n" in wider.stdout
    )
    assert "added" not in wider.stdout
    assert "removed" not in wider.stdout
    assert "undo      by hand" in wider.stdout
    narrower = marked.invoke("deps.upgrade", "top==1.0", "--dry-run")
    assert 'to change low 1.0: only where python_version < "3.13" (requ' in narrower.stdout


def test_change_of_a_marker_in_other_formats(marked: TemporaryProject) -> None:
    """In JSON it has both versions and a note, in Markdown one row, for GitHub one line."""
    note = 'everywhere, no longer only where python_version < "3.13"'
    told = marked.invoke("deps.upgrade", "top==2.0", "--dry-run", "--format", "json").report
    changed = {each["project"]: each for each in told["changes"]}
    assert changed.keys() == {"low", "top"}
    low = changed["low"]
    assert (low["from"], low["to"], low["level"], low["note"]) == ("1.0", "1.0", None, note)
    assert changed["top"]["note"] == ""
    shown = marked.invoke("deps.upgrade", "top==2.0", "--dry-run", "--format", "markdown").stdout
    assert "| low | 1.0 | 1.0 | changed, everywhere, no longer only where" in shown
    shown = marked.invoke("deps.upgrade", "top==2.0", "--dry-run", "--format", "github").stdout
    assert "to change low 1.0: everywhere" in shown


REFUSED = 'top 3.0 needs "base (>=1.5.*)", which pip 24.2 of the image refuses'


@pytest.mark.parametrize("python", ["3.13.0", "3.11"])
@pytest.mark.parametrize(
    ("pins", "words", "tells"),
    [
        ("top==1.0\n", "upgrade-all", True),
        ("top==1.0\n", "outdated", True),
        ("top==1.0\n", "why-not top==3.0", True),
        ("top==1.0\n", "add other", False),
        ("top==1.0\n", "upgrade top", True),
        ("top==3.0\nother==2\n", "upgrade-all", True),
        ("top==3.0\nother==2\n", "check", True),
        ("top==3.0\nother==2\n", "why base", False),
        ("top==3.0\nother==2\n", "lock", True),
        ("top==3.0\nother==2\n", "remove top", False),
    ],
)
def test_metadata_that_one_image_refuses(
    services: TemporaryProject,
    index: LoopbackIndex,
    python: str,
    pins: str,
    words: str,
    tells: bool,
) -> None:
    """What only the pip of one image refuses is said to be that, and the index is not asked."""
    for version in ("1.0", "2.0"):
        index.add("top", version)
        index.add("base", version)
    index.add("top", "3.0", requires_dist=["base (>=1.5.*)"])
    index.add("other", "1")
    index.add("other", "2", requires_dist=["top>=3"])
    services.write("old.Dockerfile", dockerfile(python, "requirements.txt"))
    services.write("new.Dockerfile", dockerfile("3.13.0", "requirements.txt"))
    services.requirements = pins
    done = services.pipflow(*words.split())
    assert "Traceback" not in done.output
    assert REFUSED in done.output or not tells
    pages = {request.path.strip("/").rpartition("/")[2] for request in index.requests}
    assert {page for page in pages if "." not in page} <= {"top", "base", "other"}
