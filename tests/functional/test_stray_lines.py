"""Lines of the requirements file that pip refuses, and options that it ignores where they are."""

from __future__ import annotations

import pytest
from functional.temporary_project import TemporaryProject
from loopback_index import LoopbackIndex

HASH = "sha256:8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254"


@pytest.fixture(autouse=True)
def releases(index: LoopbackIndex) -> None:
    """Serve what the files pin, and ``attrs``."""
    for name, version in (("six", "1.16.0"), ("idna", "3.6"), ("attrs", "23.1")):
        index.add(name, version)
    index.add("six", "1.17.0")


@pytest.mark.parametrize("indent", ["", "  "])
def test_hash_without_a_requirement(project: TemporaryProject, indent: str) -> None:
    """A hash on a line of its own is ignored, as by pip: no other line needs one."""
    text = f"six==1.16.0\n{indent}--hash={HASH}\nidna==3.6\n"
    project.requirements = text
    done = project.invoke("deps.check")
    assert done.status == 0, done.output
    assert "requirements.txt:2: this hash belongs to no requirement and is ignored" in done.output
    assert "end line 1 with a backslash" in done.output
    assert "has no hash" not in done.output
    done = project.invoke("deps.add", "attrs")
    assert done.status == 0, done.output
    assert project.requirements == (f"attrs==23.1\nidna==3.6\nsix==1.16.0\n{indent}--hash={HASH}\n")


def test_hash_goes_with_its_requirement(project: TemporaryProject) -> None:
    """A requirement is removed with the options below it."""
    project.requirements = f"six==1.16.0\n--hash={HASH}\nidna==3.6\n"
    done = project.invoke("deps.remove", "six")
    assert done.status == 0, done.output
    assert project.requirements == "idna==3.6\n"


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ("--index-url {url} --default-timeout 600", "--index-url"),
        ("--default-timeout 600 -i {url}", "--index-url"),
        ("--extra-index-url={url} --default-timeout=600", "--extra-index-url"),
        ("--retries 3 --find-links ./wheels --no-index", "--find-links and --no-index"),
        ("--index-url '{url}", "--index-url"),
    ],
)
@pytest.mark.parametrize("command", [("upgrade-all",), ("add", "attrs"), ("outdated",)])
def test_refused_line_that_names_an_index(
    project: TemporaryProject,
    index: LoopbackIndex,
    options: str,
    named: str,
    command: tuple[str, ...],
) -> None:
    """Another index may have other projects of these names: nothing is looked up."""
    with LoopbackIndex() as other:
        project.requirements = f"{options.format(url=other.url)}\nsix==1.16.0\n"
        done = project.invoke(f"deps.{command[0]}", *command[1:])
        assert done.status == 1
        assert "requirements.txt:1: pip refuses this line" in done.output
        assert f"it sets the index ({named}); nothing is looked up until" in done.output
        assert not [*index.requests, *other.requests]
        done = project.invoke("deps.check")
        assert done.output.count("requirements.txt:1: pip refuses this line") == 1


def test_refused_line_that_names_no_index(project: TemporaryProject) -> None:
    """Another line that pip refuses is left alone, and pins still move."""
    project.requirements = "--default-timeout 600\nsix==1.16.0\n"
    done = project.invoke("deps.upgrade-all")
    assert done.status == 0, done.output
    assert project.requirements == "--default-timeout 600\nsix==1.17.0\n"


@pytest.mark.parametrize(
    "option", ["-i {url}", "--extra-index-url {url}", "--pre", "--no-index", "-r more.txt"]
)
def test_option_that_pip_ignores(project: TemporaryProject, option: str) -> None:
    """An option for whole files has no effect behind a requirement, and `check` says so."""
    with LoopbackIndex() as other:
        other.add("six", "2.0")
        other.add("idna", "4.0rc1")
        line = f"idna==3.6 {option.format(url=other.url)}"
        project.requirements = f"six==1.16.0\n{line}\n"
        done = project.invoke("deps.upgrade-all")
        assert done.status == 0, done.output
        assert project.requirements == f"six==1.17.0\n{line}\n"
        done = project.invoke("deps.check")
        assert "requirements.txt:2: pip ignores --" in done.output


def test_no_binary_behind_a_requirement(project: TemporaryProject, index: LoopbackIndex) -> None:
    """``--no-binary`` counts there too, as in pip."""
    index.add("lib", "1.0", sdist=True)
    index.add("lib", "1.1", sdist=True)
    index.add("lib", "1.2")
    project.requirements = "lib==1.0 --no-binary lib\n"
    done = project.invoke("deps.upgrade-all")
    assert done.status == 0, done.output
    assert project.requirements == "lib==1.1 --no-binary lib\n"
    assert "has no source distribution, and requirements.txt:1 allows no wheels" in done.output
