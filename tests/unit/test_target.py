"""Targets: folders of image names with what they tell, pip's own tags, and any text at all."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from packaging.markers import Marker
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, parse_tag
from packaging.version import Version
from pythons import find_python

from pipflow_tasks.errors import TargetError
from pipflow_tasks.target import (
    BaseImage,
    Platform,
    Target,
    docker_platform,
    find_distribution,
    image_facts,
    name_tells_all,
    newest_pip,
)
from pipflow_tasks.target.distributions import DISTRIBUTIONS

CASES = Path(__file__).parents[1] / "data" / "targets"
WORDS = [
    "python", "pypy", "uv", "ghcr.io/astral-sh/", "library/", "lambda/", "docker.io/", "ubi9/",
    "host:5000/", "/", ":", "@", "sha256:", "-", ".", "3", "3.9", "3.8.0", "3.13.0rc1", "3.99",
    "rc", "slim", "alpine", "alpine3.12", "bookworm", "debian12", "arm64", "windows", "latest", "$",
    "٣",
]  # fmt: skip


def from_image(
    reference: str, python: str | None = None, remedy: str = "", **changes: Any
) -> Target:
    """Read a base image's name, for linux/amd64 if nothing else is said."""
    given: dict[str, Any] = {"platforms": ("linux/amd64",), "source": "Dockerfile:1", **changes}
    return Target.from_image(BaseImage(reference=reference, **given), python=python, remedy=remedy)


def from_python(python: str, **changes: Any) -> Target:
    """Describe a Python, on linux/amd64 if nothing else is said."""
    given: dict[str, Any] = {"platforms": ["linux/amd64"], "source": "setting python", **changes}
    return Target.from_python(python, **given)


def reading_of(reference: str) -> dict[str, Any]:
    """Give what a case file holds for a name."""
    try:
        target = from_image(reference)
    except TargetError as error:
        return {"error": error.message, "hint": error.hint}
    platforms = [platform.name for platform in target.platforms]
    return {
        "python": target.python,
        "python_version": str(target.python_version),
        "libc": target.libc,
        "pip": None if target.pip is None else str(target.pip),
        **({} if platforms == ["linux/amd64"] else {"platforms": platforms}),
        **({"notes": list(target.notes)} if target.notes else {}),
    }


def rank(target: Target, wheel: str) -> int | None:
    """Rank a wheel on the target's first platform."""
    return target.platforms[0].tag_rank(parse_tag(wheel))


def platform_tags(target: Target) -> list[str]:
    """List the platform tags of the target's first platform, in order and once each."""
    tags = target.platforms[0].tags
    return list(dict.fromkeys(tag.platform for tag in tags if tag.platform != "any"))


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        pytest.param(reference, expected, id=f"{path.stem}: {reference}")
        for path in sorted(CASES.glob("*.json"))
        for reference, expected in json.loads(path.read_text("utf-8")).items()
    ],
)
def test_reads_the_name_of_an_image(reference: str, expected: dict[str, Any]) -> None:
    """Every image of the folder is read as its file says."""
    assert expected == reading_of(reference)


@given(
    reference=st.one_of(st.text(), st.lists(st.sampled_from(WORDS), max_size=8).map("".join)),
    python=st.one_of(st.none(), st.text(max_size=6), st.sampled_from(["3.9", "3.8.0", "311", "3"])),
)
@example(reference="python:3.99-alpine3.99", python=None)
@example(reference="python:3.²", python=None)
def test_raises_nothing_but_target_errors(reference: str, python: str | None) -> None:
    """Whatever stands in FROM, there is a target or a TargetError."""
    try:
        target = from_image(reference, python=python)
    except TargetError:
        return
    assert platform_tags(target)


@given(st.text(), st.text(), st.text(max_size=12))
def test_settings_raise_nothing_but_target_errors(python: str, platform: str, libc: str) -> None:
    """Whatever the settings say, there is a target or a TargetError."""
    settings: tuple[dict[str, Any], ...] = (
        {"python": python},
        {"python": "3.9", "platforms": [platform]},
        {"python": "3.9", "libc": libc},
    )
    for setting in settings:
        try:
            from_python(**setting)
        except TargetError:
            continue


@pytest.mark.parametrize(
    ("name", "libc", "python", "pip"),
    [
        ("debian:buster", "glibc 2.28", "3.7.3", "18.1"),
        ("debian:11-slim", "glibc 2.31", "3.9.2", "20.3.4"),
        ("debian:bookworm-slim", "glibc 2.36", "3.11.2", "23.0.1"),
        ("debian:trixie", "glibc 2.41", "3.13.5", "25.1.1"),
        ("ubuntu:22.04", "glibc 2.35", "3.10.12", "22.0.2"),
        ("ubuntu:noble", "glibc 2.39", "3.12.3", "24.0"),
        ("ubuntu:26.04", "glibc 2.43", "3.14.4", "25.1.1"),
        ("alpine:3.12", "musl 1.1", "3.8", "20.1.1"),
        ("alpine:3.15", "musl 1.2", "3.9", "20.3.4"),
        ("alpine:3.17", "musl 1.2", "3.10", "22.3.1"),
        ("alpine:3.18", "musl 1.2", "3.11", "23.1.2"),
        ("alpine:3.21", "musl 1.2", "3.12", "24.3.1"),
        ("alpine:3.23", "musl 1.2", "3.12", "25.1.1"),
        ("alpine:3.24.1", "musl 1.2", "3.14", "26.1.2"),
        ("amazonlinux:2", "glibc 2.26", "3.7", "20.2.2"),
        ("amazonlinux:2023", "glibc 2.34", "3.9", "21.3.1"),
        ("rockylinux:8", "glibc 2.28", "3.6.8", "9.0.3"),
        ("almalinux:10", "glibc 2.39", "3.12", "23.3.2"),
        ("fedora:43", "glibc 2.42", "3.14", ""),
        ("fedora:44", "glibc 2.43", "3.14", ""),
    ],
)
def test_distributions(name: str, libc: str, python: str, pip: str) -> None:
    """The values of the package lists: the C library, and the packages of Python and pip."""
    found = find_distribution(*name.split(":"))
    assert found is not None
    assert (found.libc, found.python, found.pip) == (libc, python, pip)


@given(st.data())
def test_parts_are_in_each_name(data: st.DataObject) -> None:
    """A name that an expression of a distribution finds has one of the parts that stand for it."""
    distribution = data.draw(st.sampled_from(DISTRIBUTIONS))
    name = data.draw(st.from_regex(distribution.word.compiled))
    assert any(part in name for part in distribution.parts)


def test_error_says_where_and_what_to_do() -> None:
    """A name that does not tell its Python is refused with its line and the setting to make."""
    with pytest.raises(TargetError) as caught:
        from_image("python:latest", source="docker/Dockerfile:7")
    assert str(caught.value) == (
        "docker/Dockerfile:7: it is unknown which Python the base image python:latest has\n"
        'hint: name the version in the tag, or set `python`, e.g. `python: "3.11"`'
        " under `pipflow` in invoke.yaml"
    )


def test_pip_that_the_dockerfile_installs_counts() -> None:
    """A certain pip that the Dockerfile installs takes the place of the image's own."""
    target = from_image("python:3.8.0-alpine", pip=Version("21.2"))
    assert (target.pip, "musllinux_1_1_x86_64" in platform_tags(target)) == (Version("21.2"), True)


def test_error_names_what_else_would_help() -> None:
    """The caller's remedy stands behind the setting in the hint."""
    with pytest.raises(TargetError) as caught:
        from_image("acme-base:1", remedy="`docker pull acme-base:1` first")
    assert caught.value.hint.endswith("in invoke.yaml; or `docker pull acme-base:1` first")


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("python:3.9", True),
        ("python:3.8.0-alpine", True),
        ("docker.io/library/python:3.11-slim-bookworm", True),
        ("registry.example/library/python:3.13", True),
        ("ghcr.io/astral-sh/uv:python3.12-bookworm-slim", True),
        ("python:3.9.2@sha256:" + "0" * 64, True),
        ("python:3.9@sha256:" + "0" * 64, False),
        ("python", False),
        ("python:3", False),
        ("python:3.99", False),
        ("python:3.9-own", False),
        ("registry.example/team/python:3.9", False),
        ("public.ecr.aws/lambda/python:3.12", False),
        ("tiangolo/uvicorn-gunicorn:python3.9", False),
        ("acme-base:1", False),
        ("ubuntu:24.04", False),
    ],
)
def test_names_that_tell_all(reference: str, expected: bool) -> None:
    """Only the official image of a known Python leaves nothing to ask the image itself."""
    assert expected == name_tells_all(reference, source="Dockerfile:1")


def test_name_that_can_not_be_served_tells_enough() -> None:
    """PyPy is refused by its name."""
    with pytest.raises(TargetError, match="is PyPy, not CPython"):
        name_tells_all("pypy:3.10", source="Dockerfile:1")


def test_error_names_a_source_that_is_no_line() -> None:
    """A setting that is wrong is named as the source."""
    with pytest.raises(TargetError) as caught:
        from_python("3.1")
    assert str(caught.value) == (
        "python 3.1 is too old (setting python)\n"
        'hint: write the version in quotes: `python: "3.10"`'
    )


@pytest.mark.parametrize(
    ("reference", "python", "expected"),
    [
        ("python:latest", "3.8", "python 3.8, glibc 2.36 x86_64, pip 23.0"),
        ("python:3-alpine", "3.8", "python 3.8, musl 1.2 x86_64, pip 23.0"),
        ("python:3.8.0-alpine", "3.9", "python 3.9, musl 1.1 x86_64, pip 19.3"),
        ("python:3.9", "3.9.2", "python 3.9.2, glibc 2.41 x86_64, pip 23.0"),
        ("debian:bullseye", "3.9", "python 3.9, glibc 2.31 x86_64"),
        ("ubuntu:22.04", "3.10", "python 3.10, glibc 2.35 x86_64"),
        ("alpine:3.12", "3.8", "python 3.8, musl 1.1 x86_64"),
        ("alpine", "3.8", "python 3.8, musl 1.2 x86_64"),
        ("amazonlinux:2023", "3.9", "python 3.9, glibc 2.34 x86_64"),
        ("amazonlinux:2", "3.9", "python 3.9, glibc 2.26 x86_64"),
        ("rockylinux:9.3", "3.9", "python 3.9, glibc 2.34 x86_64"),
        ("example/base:7", "3.9", "python 3.9, glibc 2.36 x86_64"),
    ],
)
def test_setting_supplies_the_python_and_the_name_the_rest(
    reference: str, python: str, expected: str
) -> None:
    """The setting `python` overrules the name, from which libc and pip are still read."""
    assert expected == str(from_image(reference, python=python))


def test_says_that_a_libc_is_assumed() -> None:
    """Where only the setting tells anything, the assumed C library is in the notes."""
    target = from_image("example/base:7", python="3.9", notes=("the caller's",))
    assert target.notes == (
        "the caller's",
        "nothing says which C library example/base:7 has: glibc 2.36 is assumed",
    )


def test_upgraded_pip_sets_no_limit() -> None:
    """A Dockerfile that upgrades pip lifts the limits of the image's own."""
    own = from_image("python:3.8.0-alpine")
    upgraded = from_image("python:3.8.0-alpine", pip_upgraded=True)
    assert (platform_tags(own), platform_tags(upgraded), upgraded.pip) == (
        ["linux_x86_64"],
        ["linux_x86_64", "musllinux_1_1_x86_64", "musllinux_1_0_x86_64"],
        None,
    )


@pytest.mark.parametrize(
    ("libc", "platform", "pip", "expected"),
    [
        ("glibc 2.18", "amd64", "18.1", "manylinux1"),
        ("glibc 2.18", "amd64", "19.0", "manylinux2010 manylinux1"),
        ("glibc 2.18", "amd64", "19.3", "manylinux2014 manylinux2010 manylinux1"),
        ("glibc 2.18", "arm64", "19.2.3", ""),
        ("glibc 2.18", "arm64", "20.2.4", "manylinux2014"),
        ("glibc 2.18", "arm64", "20.3", "manylinux_2_18 manylinux_2_17 manylinux2014"),
        ("glibc 2.18", "riscv64", "24.0", ""),
        ("glibc 2.18", "riscv64", "24.1", "manylinux_2_18 manylinux_2_17 manylinux2014"),
        ("glibc 2.41", "arm/v6", "25.0", ""),
        ("musl 1.2", "amd64", "21.1.3", ""),
        ("musl 1.2", "amd64", "21.2", "musllinux_1_2 musllinux_1_1 musllinux_1_0"),
        ("musl 1.1", "arm/v6", "25.0", "musllinux_1_1 musllinux_1_0"),
    ],
)
def test_pip_limits_the_wheels(libc: str, platform: str, pip: str, expected: str) -> None:
    """Each kind of wheel is taken from the pip on that learnt of it."""
    target = from_python("3.9", platforms=[platform], libc=libc, pip=Version(pip))
    machine = target.platforms[0].markers["platform_machine"]
    names = [*expected.split(), "linux"]
    assert [f"{name}_{machine}" for name in names] == platform_tags(target)


@pytest.mark.parametrize(
    ("pip", "expected"),
    [
        ("19.3", "py3-linux cp37-any cp3-any py37-any py3-any py36-any py35-any"),
        ("20.0", "py37-linux py3-linux py36-linux py35-linux py34-linux py33-linux py32-linux"),
    ],
)
def test_old_pip_takes_fewer_wheels_without_abi(pip: str, expected: str) -> None:
    """Before 20.0 pip takes them of `py3` alone where they are for a platform (tried with 19.3)."""
    target = from_python("3.7", libc="musl 1.1", pip=Version(pip))
    tags = [tag for tag in target.platforms[0].tags if tag.abi == "none"]
    assert str(tags[0]) == "cp37-none-linux_x86_64"
    shown = [f"{tag.interpreter}-{tag.platform.partition('_')[0]}" for tag in tags[1:8]]
    assert expected.split() == shown


def test_manylinux_goes_down_to_glibc_2_5_on_x86_only() -> None:
    """On x86 the oldest manylinux is that of glibc 2.5, elsewhere 2.17."""
    oldest = {
        name: platform_tags(from_python("3.9", platforms=[name], pip=Version("23.0")))[-3:]
        for name in ("linux/386", "linux/s390x")
    }
    assert oldest == {
        "linux/386": ["manylinux_2_5_i686", "manylinux1_i686", "linux_i686"],
        "linux/s390x": ["manylinux_2_17_s390x", "manylinux2014_s390x", "linux_s390x"],
    }


@pytest.mark.parametrize(
    ("python", "wheel", "suits"),
    [
        ("3.9", "cp39-cp39-manylinux_2_28_x86_64", True),
        ("3.9", "cp39-cp39-manylinux_2_37_x86_64", False),
        ("3.9", "cp310-cp310-manylinux2014_x86_64", False),
        ("3.9", "cp36-abi3-manylinux2014_x86_64", True),
        ("3.9", "cp310-abi3-manylinux2014_x86_64", False),
        ("3.9", "py3-none-any", True),
        ("3.9", "py2.py3-none-any", True),
        ("3.9", "py2-none-any", False),
        ("3.9", "py310-none-any", False),
        ("3.9", "py3-none-manylinux1_x86_64", True),
        ("3.9", "cp39-none-any", True),
        ("3.9", "cp39-cp39-musllinux_1_1_x86_64", False),
        ("3.9", "cp39-cp39-manylinux2014_aarch64", False),
        ("3.9", "cp39-cp39-macosx_11_0_arm64", False),
        ("3.7", "cp37-cp37m-manylinux1_x86_64", True),
        ("3.8", "cp38-cp38-manylinux1_x86_64", True),
        ("3.13", "cp313-cp313t-manylinux2014_x86_64", False),
    ],
)
def test_wheels_that_suit(python: str, wheel: str, suits: bool) -> None:
    """A wheel suits if one of its tags is among the image's."""
    assert suits == (rank(from_python(python), wheel) is not None)


def test_ranks_the_more_specific_wheel_first() -> None:
    """Of the wheels that suit, the one that pip would take has the lowest rank."""
    wheels = [
        "cp39-cp39-manylinux_2_28_x86_64",
        "cp39-cp39-manylinux2014_x86_64",
        "cp39-abi3-manylinux2014_x86_64",
        "cp37-abi3-manylinux2014_x86_64",
        "py3-none-manylinux2014_x86_64",
        "py3-none-any",
    ]
    target = from_python("3.9")
    ranks = [rank(target, wheel) for wheel in wheels]
    assert None not in ranks
    assert ranks == sorted(rank for rank in ranks if rank is not None)


def test_one_wheel_for_two_platforms_has_to_suit_both() -> None:
    """Each platform tells its own rank of a file."""
    target = from_python("3.9", platforms=["linux/amd64", "linux/arm64", "amd64"])
    wheel = parse_tag("cp39-cp39-manylinux2014_x86_64")
    pure = parse_tag("py3-none-any")
    amd64, arm64 = target.platforms
    assert (amd64.name, arm64.name) == ("linux/amd64", "linux/arm64")
    assert arm64.tag_rank(wheel) is None
    assert amd64.tag_rank(wheel) is not None
    assert None not in (amd64.tag_rank(pure), arm64.tag_rank(pure))


@pytest.mark.parametrize(
    ("reference", "specifier", "expected"),
    [
        ("python:3.9", ">=3.9.2", True),
        ("python:3.9.0", ">=3.9.2", False),
        ("python:3.8.0-alpine", "!=3.8.0", False),
        ("python:3.9", ">=3.10", False),
        ("python:3.9", ">=3.6,<4", True),
        ("python:3.9", "==3.9.*", True),
        ("python:3.9", "", True),
        ("python:3.15.0rc2", ">=3.15", True),
        ("python:3.15.0rc2", "<3.15", False),
    ],
)
def test_compares_requires_python(reference: str, specifier: str, expected: bool) -> None:
    """A floating tag is its last patch release, and a pre-release counts as its release."""
    assert expected == from_image(reference).supports_python(SpecifierSet(specifier))


@pytest.mark.parametrize(
    ("marker", "extras", "expected"),
    [
        ('sys_platform == "linux"', [""], True),
        ('sys_platform == "win32"', [""], False),
        ('python_version < "3.10"', [""], True),
        ('python_full_version >= "3.9.2"', [""], True),
        ('platform_machine == "aarch64"', [""], True),
        ('platform_machine == "ppc64le"', [""], False),
        ('extra == "socks"', [""], False),
        ('extra == "Socks"', ["", "socks"], True),
        ('extra == "socks" and platform_machine == "aarch64"', ["socks"], True),
        ('implementation_name == "pypy" or os_name == "nt"', [], False),
        ('platform_system ~= "Linux"', [""], True),
    ],
)
def test_applies_markers(marker: str, extras: list[str], expected: bool) -> None:
    """A marker applies if it holds on any platform with any extra, or can't be evaluated."""
    target = from_python("3.9", platforms=["linux/amd64", "linux/arm64"])
    assert expected == target.applies(Marker(marker), extras)


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        ("x86_64", "linux/amd64"),
        ("AMD64", "linux/amd64"),
        ("linux/amd64/v2", "linux/amd64"),
        ("aarch64", "linux/arm64"),
        ("arm64", "linux/arm64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("armv7l", "linux/arm/v7"),
        ("linux/arm/v6", "linux/arm/v6"),
        ("i686", "linux/386"),
        ("ppc64le", "linux/ppc64le"),
        ("s390x", "linux/s390x"),
        (" linux/riscv64 ", "linux/riscv64"),
    ],
)
def test_names_platforms_as_docker_does(machine: str, expected: str) -> None:
    """A machine's name, and Docker's own in all its spellings, become Docker's plain one."""
    assert expected == docker_platform(machine)


@pytest.mark.parametrize("name", ["windows/amd64", "linux/mips64le", "darwin", ""])
def test_refuses_other_platforms(name: str) -> None:
    """A platform that has no wheels is refused with those that have."""
    with pytest.raises(TargetError) as caught:
        docker_platform(name, source="compose.yaml:3")
    assert str(caught.value) == (
        f"compose.yaml:3: platform `{name}` is unknown\n"
        "hint: use one of linux/amd64, linux/arm64, linux/arm/v7, linux/arm/v6, linux/386, "
        "linux/ppc64le, linux/s390x, linux/riscv64"
    )


def test_needs_a_platform() -> None:
    """Without a platform there is nothing to choose for."""
    with pytest.raises(TargetError, match="no platform"):
        from_python("3.9", platforms=[])


def test_refuses_an_unknown_c_library() -> None:
    """A C library is glibc 2 or musl 1, with its minor version."""
    with pytest.raises(TargetError, match=r"`uclibc 1\.0` is no C library"):
        from_python("3.9", libc="uclibc 1.0")


def test_describes_the_host_by_what_it_said() -> None:
    """The host's tags and markers are taken as they are."""
    markers = {"sys_platform": "darwin", "platform_machine": "arm64", "python_version": "3.13"}
    tags = [Tag("cp313", "cp313", "macosx_11_0_arm64"), Tag("py3", "none", "any")]
    target = Target.from_host(python="3.13.0rc1+", tags=tags, markers=markers, notes=["no image"])
    assert (str(target), target.python_version, target.source, target.notes) == (
        "python 3.13.0rc1+, darwin arm64",
        Version("3.13.0"),
        "this host",
        ("no image",),
    )
    assert target.platforms == (Platform(name="darwin/arm64", tags=tuple(tags), markers=markers),)


def test_names_a_linux_host_as_docker_does() -> None:
    """A Linux host's platform has Docker's name, so that it compares with an image's."""
    markers = {"sys_platform": "linux", "platform_machine": "x86_64"}
    target = Target.from_host(python="3.9", tags=(), markers=markers)
    assert (target.platforms[0].name, str(target.python_version)) == ("linux/amd64", "3.9.0")


def test_refuses_a_host_without_a_version() -> None:
    """What is no version is no Python."""
    with pytest.raises(TargetError, match="`unknown` is no Python version"):
        Target.from_host(python="unknown", tags=(), markers={})


def test_says_several_platforms_in_one_line() -> None:
    """The short form names the Python, the C library, the machines and pip."""
    target = from_python(
        "3.9.25", platforms=["linux/amd64", "linux/arm64"], libc="musl 1.2", pip=Version("23.0.1")
    )
    assert str(target) == "python 3.9.25, musl 1.2 x86_64 and aarch64, pip 23.0"


def test_is_a_value() -> None:
    """Equal names give equal targets with equal hashes, and markers can't be changed."""
    one, other = from_image("python:3.9"), from_image("python:3.9")
    assert (one, hash(one)) == (other, hash(other))
    with pytest.raises(TypeError):
        one.platforms[0].markers["os_name"] = "nt"  # type: ignore[index]


def test_dates_run_forward() -> None:
    """The tables are in the order of time, and no release is beyond the latest patch."""
    listed = [*image_facts.RELEASED.values(), [day for day, _ in image_facts.DEBIAN_DEFAULTS]]
    listed.append([day for day, _ in image_facts.PIP_BY_DATE])
    assert [sorted(days) for days in listed] == [list(days) for days in listed]
    latest = image_facts.LATEST_PATCH
    assert all(len(days) <= latest[minor] + 1 for minor, days in image_facts.RELEASED.items())
    assert all(len(image_facts.RELEASED[minor]) == latest[minor] + 1 for minor in image_facts.ENDED)


# pip itself as the oracle


def run(python: str, *arguments: str) -> str:
    """Run an interpreter and return what it printed."""
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(
        [python, *arguments], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout


def describe(python: str) -> Target:
    """Compute the target of an interpreter of this host from its version, libc and pip."""
    libc = os.confstr("CS_GNU_LIBC_VERSION") if sys.platform == "linux" else None
    if libc is None:
        pytest.skip("no glibc")
    pip = run(python, "-m", "pip", "--version").split()[1]
    version = run(python, "-c", "import platform; print(platform.python_version())").strip()
    machine = run(python, "-c", "import platform; print(platform.machine())").strip()
    return from_python(version, platforms=[machine], libc=libc, pip=Version(pip))


@pytest.mark.parametrize("series", ["here", *(f"3.{minor}" for minor in range(7, 16))])
def test_tags_are_those_of_pip(series: str) -> None:
    """Computed from text, the tags equal in order those that the interpreter's own pip reports."""
    python = find_python(series)
    target = describe(python)
    report = run(python, "-m", "pip", "debug", "--verbose")
    reported = re.findall(r"^  (\w+-\w+-\w+)$", report.partition("Compatible tags:")[2], re.M)
    assert reported == [str(tag) for tag in target.platforms[0].tags]


@pytest.mark.parametrize("series", ["here", *(f"3.{minor}" for minor in range(7, 16))])
def test_markers_are_those_of_the_interpreter(series: str) -> None:
    """All eleven variables equal the interpreter's own, but for the two that tell the kernel."""
    python = find_python(series)
    code = (
        "import json; from pip._vendor.packaging.markers import default_environment as own;"
        "print(json.dumps(own()))"
    )
    reported = json.loads(run(python, "-c", code))
    kernel = {"platform_release": "", "platform_version": ""}
    assert {**reported, **kernel} == dict(describe(python).platforms[0].markers)


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("pip", None),
        ("pip>=21", None),
        ("pip!=22.0", None),
        ("pip==21.3", "21.3"),
        ("pip == 19.3.1", "19.3.1"),
        ("pip==20.*", "20.3.3"),
        ("pip<23", "22.3.1"),
        ("pip>=21.3,<22", "21.3"),
        ("pip<20.3", "20.2.4"),
    ],
)
def test_newest_pip_of_a_requirement(requirement: str, expected: str | None) -> None:
    """A bound gives the newest pip below it that is known; without one there is no limit."""
    assert newest_pip(requirement) == (None if expected is None else Version(expected))


def test_requirement_of_pip_that_is_none() -> None:
    """A requirement whose variable nobody tells can't be read."""
    with pytest.raises(ValueError, match="PIP_VERSION"):
        newest_pip("pip==${PIP_VERSION}")


def test_pip_of_the_dockerfile_limits_the_tags() -> None:
    """A pip that is installed before the step counts in the place of the image's own."""
    older = from_image("python:3.11-slim", pip=Version("20.2"))
    newer = from_image("python:3.8.0-slim", pip=Version("23.0"))
    wheel = parse_tag("py3-none-manylinux_2_17_x86_64")

    assert rank(older, "py3-none-manylinux_2_17_x86_64") is None
    assert rank(newer, "py3-none-manylinux_2_17_x86_64") is not None
    assert older.wants_newer_pip(wheel) == "manylinux_2_17_x86_64"
    assert newer.wants_newer_pip(wheel) == ""
    assert older.wants_newer_pip(parse_tag("py3-none-musllinux_1_1_x86_64")) == ""
