"""Images that share a file, or have one each: one plan, the right versions in each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from loopback_index import LoopbackIndex

if TYPE_CHECKING:
    from functional.temporary_project import TemporaryProject

COMPOSE = """\
services:
  old:
    build: {context: ., dockerfile: old.Dockerfile}
  new:
    build: {context: ., dockerfile: new.Dockerfile}
"""


def dockerfile(python: str, *files: str) -> str:
    """Return a Dockerfile that installs files."""
    options = " ".join(f"-r {name}" for name in files)
    return f"FROM python:{python}-slim\nCOPY . .\nRUN pip install {options}\n"


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
    project.write("base.txt", base)
    project.write("old.txt", old)
    project.write("new.txt", new)
    project.write(
        "Dockerfile",
        "FROM python:3.8-slim AS old\nCOPY . .\nRUN pip install -r base.txt -r old.txt\n"
        "FROM python:3.13-slim AS new\nCOPY . .\nRUN pip install -r base.txt -r new.txt\n",
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
    assert "lib 1.0 to 1.5 (base.txt:1); old 1.0 in Dockerfile#old needs lib<2" in done.stdout


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
    assert services.invoke("deps.check").status == 0


def test_lock_of_two_files_and_then_of_one_changes_nothing(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Locked lines go on to name parents that are in no file at hand."""
    project.requirements = "lib==1.0\n"
    project.write("requirements-dev.txt", "-r requirements.txt\ntool==1.0\n")
    project.write("Dockerfile", dockerfile("3.12", "requirements-dev.txt"))
    index.add("lib", "1.0", requires_dist=["dep"])
    index.add("tool", "1.0", requires_dist=["dep"])
    index.add("dep", "1.0")
    both = ("--file", "requirements.txt,requirements-dev.txt")
    assert project.invoke("deps.lock", *both).status == 0
    locked = project.requirements, project.read("requirements-dev.txt")
    assert locked[0] == "dep==1.0  # via lib, tool\nlib==1.0\n"
    for words in (both, ("--file", "requirements.txt")):
        for command in ("deps.upgrade-all", "deps.lock"):
            done = project.invoke(command, *words)
            assert done.status == 0
            assert (project.requirements, project.read("requirements-dev.txt")) == locked


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


def shared_file(project: TemporaryProject, common: str, cpu: str, gpu: str) -> None:
    """Write a stage for each of two files, with one Python, which share a third."""
    project.write("common.txt", common)
    project.write("cpu.txt", cpu)
    project.write("gpu.txt", gpu)
    project.write(
        "Dockerfile",
        "FROM python:3.12-slim AS cpu\nCOPY . .\nRUN pip install -r common.txt -r cpu.txt\n"
        "FROM python:3.12-slim AS gpu\nCOPY . .\nRUN pip install -r common.txt -r gpu.txt\n",
    )


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
