"""Time grows with the size of what is read, and not with its square, whatever a file says.

Each shape is read in a size and in four times that size. Linear is a ratio of 4, quadratic is 16:
the limit is between them, and the better of several runs counts. A limit that ends the reading
with an error is as good. A program that never ends is ended by its own limit of processor time.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from pipflow_tasks.bake import read_bake_files
from pipflow_tasks.compose import ComposeFile, read_dotenv
from pipflow_tasks.dockerfile import Dockerfile, hidden_by
from pipflow_tasks.errors import PipflowError, redact
from pipflow_tasks.requirements import Addition, Pin, RequirementsFile
from pipflow_tasks.simple_api import (
    DistributionFile,
    read_metadata,
    read_page,
    read_sdist_metadata,
)

pytestmark = pytest.mark.no_cover  # what is traced takes another time

FROM = "FROM python:3.9\n"


def dockerfile(text: str) -> None:
    Dockerfile.from_text(f"{FROM}{text}\n")


def compose(text: str) -> None:
    ComposeFile.from_texts([("compose.yaml", text)], environment={})


def extended(text: str) -> None:
    """Read services that extend each the one before."""
    services = (f"  s{n + 1}: {{extends: s{n}}}\n" for n in range(len(text) // 25))
    compose("services:\n  s0: {build: .}\n" + "".join(services))


def dotenv(text: str) -> None:
    read_dotenv(text, {})


def ignored(text: str) -> None:
    hidden_by(text, f"{'a/' * 50}requirements.txt")


def requirements(text: str) -> None:
    file = RequirementsFile.from_bytes(text.encode())
    for line in file.lines[:100]:
        with suppress(PipflowError):
            assert line.policy is None
        assert (line.via, line.includes, line.refused_places) is not None
    assert file.generator is None


def hide(text: str) -> None:
    redact(text)


def html(text: str) -> None:
    url = "https://index.example/simple/a/"
    read_page(text.encode(), content_type="text/html", url=url, project=canonicalize_name("a"))


def hyphens(text: str) -> None:
    names = "".join(
        f'<a href="{text[:200]}-{number}.tar.gz">' for number in range(len(text) // 200)
    )
    html(names)


def bake(text: str) -> None:
    read_bake_files([("docker-bake.json", text)], {})


def chained(text: str) -> None:
    """Read bake targets that inherit each from the one before, and variables that double."""
    count = len(text) // 60
    targets = {f"t{n + 1}": {"inherits": [f"t{n}", f"t{n}"]} for n in range(count)}
    names = {f"V{n + 1}": {"default": f"${{V{n}}}${{V{n}}}"} for n in range(count)}
    last = {"args": {"A": f"${{V{count}}}"}, "inherits": [f"t{count}"]}
    variable = {"V0": {"default": "aa"}, **names}
    bake(json.dumps({"target": {"t0": {}, **targets, "default": last}, "variable": variable}))


def many_targets(text: str) -> None:
    """Read many targets, and groups each in the one before."""
    count = len(text) // 40
    groups = {f"g{n}": {"targets": [f"g{n + 1}", "t0"]} for n in range(count)}
    default = {"targets": ["g0", *(f"t{n}" for n in range(count))]}
    targets = {f"t{n}": {"args": {"A": "b"}} for n in range(count)}
    bake(json.dumps({"group": {"default": default, **groups}, "target": targets}))


def file_of(name: str) -> DistributionFile:
    url = f"https://index.example/a/{name}"
    return DistributionFile(
        filename=name, url=url, version=Version("1"), is_wheel=name.endswith(".whl")
    )


def metadata(text: str) -> None:
    with suppress(ValueError):
        read_metadata(f"Name: a\nVersion: 1\n{text}".encode(), file_of("a-1-py3-none-any.whl"))


def requires_txt(text: str) -> None:
    with suppress(ValueError):
        read_sdist_metadata(None, text.encode(), file_of("a-1.tar.gz"))


def many_added(text: str) -> None:
    """Add a requirement for each forty characters to a file of as many."""
    count = len(text) // 40
    lines = "".join(f"# h{n}\np{n:06d}==1\n\n" for n in range(count))
    file = RequirementsFile.from_bytes(lines.encode())
    for sort in ("block", "insert"):
        file.with_requirements(
            [
                Addition(
                    requirement=Requirement(f"q{number}==1"),
                    sort="block" if sort == "block" else "insert",
                    near=canonicalize_name(f"p{number:06d}"),
                )
                for number in range(count)
            ]
        )
        file.with_requirements(
            [
                Addition(requirement=Requirement(f"q{n}==1"), group=f"h{count - 1}", sort="insert")
                for n in range(count)
            ]
        )


def edited(text: str) -> None:
    """Pin, add to and remove from a file with a line for each ten characters."""
    lines = "".join(f"p{number:06d}==1\n" for number in range(len(text) // 10))
    file = RequirementsFile.from_bytes(lines.encode())
    file.with_requirements([Addition(requirement=Requirement("p5==1"))])
    file.with_pins([Pin(line=line, version=Version("2")) for line in file.lines])
    file.without(file.lines[: len(file.lines) // 2])


Shape = tuple[Callable[[str], None], str, str, str]

SHAPES: dict[str, Shape] = {
    "glob of stars": (dockerfile, f"ARG X={'a' * 60_000}b\nARG Y=${{X##", "*a", "c}"),
    "glob of question marks": (dockerfile, f"ARG X={'a' * 60_000}b\nARG Y=${{X//", "?a", "c}"),
    "open brackets": (dockerfile, "RUN pip install ", "${", ""),
    "open parentheses": (dockerfile, "RUN pip install ", "$(", ""),
    "nested defaults": (dockerfile, "RUN pip install ", "${A:-", "}"),
    "flags": (dockerfile, "RUN ", "--a=b ", "true"),
    "assignments": (dockerfile, "RUN ", "A=b ", "true"),
    "reserved words": (dockerfile, "RUN ", "if ", "true"),
    "options of a shell": (dockerfile, "RUN bash ", "--a ", "x"),
    "options of a Python": (dockerfile, "RUN python ", "-a ", "-m pip install a"),
    "heredocs": (dockerfile, "", "RUN <<E\nE\n", ""),
    "blanks of a directive": (dockerfile, "", "# syntax= ", ""),
    "instructions": (dockerfile, "", "RUN a\n", ""),
    "commands": (dockerfile, "RUN ", "A=b;", ""),
    "sources": (dockerfile, "COPY ", "a.txt ", "/x/\nRUN pip install -r /x/a.txt"),
    "ignored stars": (ignored, "", "*a", ""),
    "ignored folders": (ignored, "", "**/", ""),
    "ignored classes": (ignored, "", "[a", ""),
    "blanks": (requirements, "a==1", " ", "x\n"),
    "blanks of a comment": (requirements, "a==1 # ", " ", "x\n"),
    "marks": (requirements, "a==1", " a#", "\n"),
    "hashes": (requirements, "a==1 ", "--hash=sha256:ab ", "\n"),
    "addresses": (hide, "", "://", "@"),
    "addresses with users": (hide, "", "://a:", "@ x"),
    "words of secrets": (hide, "", "token", ""),
    "lines": (edited, "", "x", ""),
    "additions": (many_added, "", "x", ""),
    "many targets": (many_targets, "", "x", ""),
    "nested targets": (bake, '{"target": ', "[", ""),
    "tags of a target": (bake, '{"target": {"default": {"tags": ["a"', ', "a"', "]}}}"),
    "variables of a target": (bake, '{"target": {"default": {"args": {"A": "', "${", '"}}}}'),
    "chains of targets": (chained, "", "x", ""),
    "requirements of a wheel": (metadata, "", "Requires-Dist: a\n", ""),
    "blanks of a wheel": (metadata, "Requires-Dist: a", " ", ">=1\n"),
    "clauses of a wheel": (metadata, "Requires-Dist: a>=1", ",<2", "\n"),
    "clauses with wildcards": (metadata, "Requires-Dist: a", ">=1.*,", "\n"),
    "markers of a wheel": (metadata, "Requires-Dist: a; '3'>'1'", " and '3'>'1'", "\n"),
    "brackets of a marker": (metadata, "Requires-Dist: a; ", "(", "\n"),
    "folded headers": (metadata, "Requires-Dist: a", "\n b", "\n"),
    "encoded headers": (metadata, "Requires-Dist: ", "=?utf-8?q?a?= ", "\n"),
    "other headers": (metadata, "", "A: b\n", ""),
    "extras of a wheel": (metadata, "", "Provides-Extra: a\n", ""),
    "lines of requires.txt": (requires_txt, "", "a>=1\n", ""),
    "sections of requires.txt": (requires_txt, "", "[x:'3'>'1']\na\n", ""),
    "marker of a section": (requires_txt, "[x:'3'>'1'", " and '3'>'1'", "]\na\nb\n"),
    "blank lines of requires.txt": (requires_txt, "a", "\n", "b"),
    "merges": (compose, "services:\n  a:\n    image: b\n    labels:\n", "      <<: {a: b}\n", ""),
    "extended services": (extended, "", "x", ""),
    "variables of compose": (compose, "services:\n  a:\n    image: '", "${", "'\n"),
    "variables of .env": (dotenv, "", "A=$A\n", ""),
    "hyphens": (hyphens, "", "a-", ""),
    "tags": (html, "", "<a href=x>", ""),
    "open tags": (html, "<a href=x>", "<a ", ""),
    "open comments": (html, "<a href=x>", "<!--", ""),
    "open quotes": (html, "<a href=x>", '<a href="', ""),
    "open declarations": (html, "<a href=x>", "<!", ""),
    "references": (html, "<a href=x>", "&#", ""),
}


def processor_time(shape: Shape, size: int) -> float:
    read, start, unit, end = shape
    text = f"{start}{unit * (size // len(unit))}{end}"
    begin = time.process_time()
    with suppress(PipflowError):
        read(text)
    return time.process_time() - begin


@pytest.mark.parametrize("name", SHAPES)
def test_time_grows_with_the_size(name: str) -> None:
    """Four times the size takes about four times as long."""
    shape = SHAPES[name]
    size = 1 << 13
    small = processor_time(shape, size)
    while small < 0.02 and size < 1 << 18:
        size *= 2
        small = processor_time(shape, size)
    for _ in range(4):
        large = processor_time(shape, 4 * size)
        if large < 9 * small + 0.1:
            return
        small = max(small, processor_time(shape, size))
    pytest.fail(f"{4 * size} characters take {large:.2f} s, {size} take {small:.2f} s")


EXPONENTIAL = {
    "ARG": "FROM a\nARG A0=aa\n" + "".join(f"ARG A{n + 1}=$A{n}$A{n}\n" for n in range(60)),
    "ENV": "FROM a\nENV A0=aa\n" + "".join(f"ENV A{n + 1}=$A{n}$A{n}\n" for n in range(60)),
    "RUN": "FROM a\nRUN A0=aa" + "".join(f";A{n + 1}=$A{n}$A{n}" for n in range(60)),
    "glob": f"FROM a\nARG X={'a' * 60}b\nARG Y=${{X##{'*a' * 30}c}}\n",
    "stages": "FROM a AS s0\nCOPY a /a\n"
    + "".join(
        f"FROM a AS s{n + 1}\nCOPY --from=s{n} /a /a\nCOPY --from=s{n} /b /a\n" for n in range(60)
    )
    + "RUN pip install -r /a/x/r.txt\n",
}


@pytest.mark.parametrize("name", EXPONENTIAL)
def test_doubling_ends(name: str) -> None:
    """What doubles with each line is read once, or ends in an error, before time or memory do."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))

    code = (
        "import sys; from pipflow_tasks.dockerfile import Dockerfile\n"
        "from pipflow_tasks.errors import DockerfileError\n"
        "try: Dockerfile.from_text(sys.stdin.read())\n"
        "except DockerfileError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=EXPONENTIAL[name],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,
    )
    assert (done.returncode, done.stderr) == (0, "")
    if name in {"ARG", "ENV", "RUN"}:
        assert "a word has more than 65,536 characters once its variables" in done.stdout
