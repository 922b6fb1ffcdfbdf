"""Fuzz the reader of requirements files: ``python tests/fuzz/fuzz_requirements.py 600``.

Reading must never fail, and writing must return the same bytes. An edit may fail only with a
PipflowError, and an edited document must equal its own re-reading. Inputs are pieces of the corpus,
cut, joined and spoilt. With ``--atheris`` (``pip install atheris``) coverage guides the inputs.

The program prints how many inputs it ran, and each kind of failure once, with the shortest input
that shows it. Its status is 1 if there was a failure.
"""

from __future__ import annotations

import argparse
import importlib
import os
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from inspect import isfunction
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from pipflow_tasks.errors import PipflowError
from pipflow_tasks.requirements import Kind, Line, RequirementsFile, Sort, split_requirements

CORPUS = Path(__file__).parents[1] / "data" / "requirements"
ENCODINGS = {
    "utf-8": b"\xef\xbb\xbf",
    "utf-16-le": b"\xff\xfe",
    "utf-16-be": b"\xfe\xff",
    "utf-32-le": b"\xff\xfe\0\0",
    "utf-32-be": b"\0\0\xfe\xff",
}
WORDS = [
    b"\n", b"\r", b"\r\n", b"\x0b", b"\x0c", b"\x1c", b"\x85", b"\xc2\x85", b"\xe2\x80\xa8",
    b"\\", b"\\\n", b"\\\r\n", b"\\\\\n", b"\\ \n", b" ", b"\t", b"  ", b"\xc2\xa0", b"\0",
    b"#", b" #", b" # ", b"\n#", b"\n    # via ", b"# pipflow: hold", b"  # pipflow: >=1, <2",
    b"# -*- coding: latin-1 -*-\n", b"# coding: utf-16\n", b"# coding: no-such\n",
    b"# coding: utf-7\n", b"# coding: cp037\n", b"# coding: idna\n", b"# coding: punycode\n",
    b"# coding: rot13\n", b"# coding: shift_jis\n", b"# coding: undefined\n",
    b"=", b"==", b"===", b"==1", b"==1.*", b">=1,<2", b"~=1", b",", b"(", b")", b"[a]", b"[", b"]",
    b";", b"; ", b";python_version<'3'", b"\"", b"'", b"@", b" @ https://example.com/a.zip",
    b"-", b"--", b" -", b" --", b"-e ", b"-r ", b"-r base.txt", b"-c ", b"-i ", b"--pre",
    b" --hash=sha256:ab", b" --hash sha256:ab", b" --hash='sha256:ab'", b" --has=sha256:ab",
    b" \\\n    --hash=sha256:ab", b" --global-option=\"-x y\"", b"--no-such-option",
    b"${A}", b"==${A}", b"$", b"{", b"}", b"<<<<<<< HEAD\n", b"=======\n", b">>>>>>> a\n",
    b"a", b"Z", b"0", b"1.0", b"v1", b"1!1", b"+local", b"flask", b"flask==1.0\n", b".", b"/",
    b"git+https://example.com/a.git#egg=a", b"./a", b"a.whl", b"C:\\a", b"%41", b"://",
    b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xff", b"\xc3", b"\xed\xa0\x80",
    b"\xf0\x9f\x9a\x80",
]  # fmt: skip
NEW = Version("77.7.7")
DIGESTS = ("sha256:" + "7" * 64, "sha256:" + "f" * 64)


def check(data: bytes) -> None:
    """Read, write and edit these bytes.

    Raises:
        AssertionError: a rule is broken; any other exception breaks one as well.
    """
    document = RequirementsFile.from_bytes(data)
    assert document.to_bytes() == data, "the bytes are not the same"
    assert RequirementsFile.from_bytes(data) == document, "a second reading differs"
    look_at(document)
    for line in document.requirements:
        assert line in document.find(str(line.name)), "its name does not find a line"
        if line.kind is Kind.REQUIREMENT and line.requirement and line.requirement.url is None:
            for digests in [(), DIGESTS] if line.option_values("--hash") else [()]:
                attempt(check_pin, document, line, digests)
        attempt(check_removal, document, [line])
        attempt(check_removal, document, list(document.find(str(line.name))))
    attempt(check_removal, document, list(document.requirements))
    for text in ["zzz==1", "A.a_a[x]==1.0; python_version < '3'"]:
        attempt(check_addition, document, Requirement(text))


def look_at(document: RequirementsFile) -> None:
    """Use every property and query of a document."""
    numbers = [line.number for line in document.lines]
    assert numbers == sorted(set(numbers)), "the numbers do not grow"
    for block in document.blocks():
        assert block.start <= block.body <= block.stop, "a block is not in order"
    _ = (document.generator, document.uses_hashes, document.headings())
    attempt(document.require_resolved)
    for line in document.lines:
        _ = (line.place, line.spelled_name, line.has_variable, line.is_indented)
        attempt(getattr, line, "policy")
        attempt(split_requirements, line.content)


def attempt(action: Callable[..., object], *arguments: object) -> None:
    """Run an edit that may fail with an error of this package."""
    with suppress(PipflowError):
        action(*arguments)


def check_pin(document: RequirementsFile, line: Line, digests: tuple[str, ...]) -> None:
    """Pin a line: only this line changes."""
    edited = document.with_pin(line, NEW, digests=digests)
    check_again(edited)
    assert len(edited.lines) == len(document.lines), "a pin has changed the number of lines"
    for before, after in zip(document.lines, edited.lines, strict=True):
        if before.number != line.number:
            assert before.text == after.text, "a pin has changed another line"
        else:
            assert after.pin == NEW or after.has_variable, "the pin is not the version"
            assert after.name == before.name, "a pin has changed the name"
            if digests:
                assert after.option_values("--hash") == digests, "the hashes are not the new ones"
            else:
                assert after.options == before.options, "a pin has changed the options"


def check_removal(document: RequirementsFile, lines: list[Line]) -> None:
    """Remove lines: no new lines appear."""
    edited = document.without(lines)
    check_again(edited)
    texts = Counter(stripped(line) for line in document.lines)
    assert Counter(map(stripped, edited.lines)) <= texts, "a removal has changed another line"
    gone = {line.name for line in lines if set(document.find(str(line.name))) <= set(lines)}
    assert not [line for line in edited.lines if line.name and line.name in gone], "not removed"


def check_addition(document: RequirementsFile, requirement: Requirement) -> None:
    """Add a requirement: the file has it and everything else."""
    sorts: tuple[Sort, ...] = ("block", "insert")
    for sort in sorts:
        edited = document.with_requirement(requirement, sort=sort)
        check_again(edited)
        before, after = len(document.find(requirement.name)), len(edited.find(requirement.name))
        assert after == before + 1, "it was not added"
        kept = Counter(map(stripped, document.lines)) - Counter(map(stripped, edited.lines))
        assert not kept, "an addition has changed another line"
    with_all = document.with_requirement(requirement, digests=DIGESTS, policy=">=1,<2")
    check_again(with_all)
    added = with_all.find(requirement.name)
    assert any(line.comment == "# pipflow: >=1,<2" for line in added), "its policy is not there"
    for heading in document.headings()[:3]:
        check_again(document.with_requirement(requirement, group=heading))


def check_again(edited: RequirementsFile) -> None:
    """Read what was written: it must be the document that was written."""
    assert RequirementsFile.from_bytes(edited.to_bytes()) == edited, "re-reading differs"


def stripped(line: Line) -> str:
    """Return a line's content and comment, because edits may change the end of the last line."""
    return f"{line.content} {line.comment}".strip()


class Fuzzer:
    """The inputs that were run, and the shortest input for each kind of failure."""

    def __init__(self) -> None:
        self.count = 0
        self.failures: dict[str, tuple[bytes, str]] = {}

    def run(self, data: bytes) -> None:
        """Check an input, and remember how it fails."""
        self.count += 1
        try:
            check(data)
        except Exception as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            kind = f"{type(error).__name__} in {frame.name}: {str(error)[:60]}"
            former = self.failures.get(kind)
            if former is None or len(data) < len(former[0]):
                self.failures[kind] = (data, traceback.format_exc())

    def report(self, seconds: float) -> int:
        """Print what was found, and return the exit status."""
        for kind, (data, trace) in self.failures.items():
            print(f"\n{kind}\n{data!r}\n{trace}")
        print(f"{self.count} inputs in {seconds:.0f} s, {len(self.failures)} kinds of failure")
        return 1 if self.failures else 0


def spoil(source: random.Random, files: list[bytes]) -> bytes:
    """Return an input: some lines of the corpus, joined and spoilt."""
    pieces: list[bytes] = []
    for _ in range(source.choice([0, 1, 1, 1, 2, 3])):
        lines = source.choice(files).splitlines(keepends=True)
        begin = source.randrange(len(lines) + 1)
        pieces += lines[begin : begin + source.choice([1, 2, 4, 8, 16])]
    if source.random() < 0.1:
        pieces.append(source.randbytes(source.randrange(24)))
    data = bytearray(b"".join(pieces))
    for _ in range(source.choice([0, 1, 1, 2, 3, 5, 9])):
        place = source.randrange(len(data) + 1)
        length = source.choice([0, 0, 1, 2, 5])
        match source.randrange(5):
            case 0:
                data[place : place + length + 1] = b""
            case 1:
                data[place : place + length] = source.randbytes(1)
            case 2:
                data[place:place] = data[place - length * 4 : place]
            case _:
                data[place : place + length] = source.choice(WORDS)
    if source.random() < 0.1:
        encoding, mark = source.choice(list(ENCODINGS.items()))
        text = bytes(data).decode("utf-8", "replace").encode(encoding)
        return mark + text[: source.choice([None, None, -1])]
    return bytes(data)


def fuzz_spoilt(fuzzer: Fuzzer, seconds: float, seed: int) -> None:
    """Run inputs until the time is over."""
    files = [path.read_bytes() for path in sorted(CORPUS.rglob("*.txt"))]
    for data in [*files, *(file.replace(b"\n", b"\r\n") for file in files)]:
        fuzzer.run(data)
    source = random.Random(seed)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        fuzzer.run(spoil(source, files))


def fuzz_with_atheris(fuzzer: Fuzzer, seconds: float, seed: int) -> None:
    """Run inputs that find new paths through the reader, until the time is over."""
    atheris = importlib.import_module("atheris")
    atheris.enabled_hooks.add("RegEx")
    for name, module in list(sys.modules.items()):
        if name.startswith("pipflow_tasks.requirements"):
            for function in filter(isfunction, vars(module).values()):
                atheris.instrument_func(function)
    with tempfile.TemporaryDirectory() as folder:
        for number, path in enumerate(sorted(CORPUS.rglob("*.txt"))):
            lines = path.read_bytes().splitlines(keepends=True)
            for begin in range(0, len(lines), 6):
                piece = b"".join(lines[begin : begin + 6])
                Path(folder, f"{number}-{begin}").write_bytes(piece)
        words = Path(folder).with_suffix(".words")
        entries = ("".join(f"\\x{byte:02x}" for byte in word) for word in WORDS)
        words.write_text("".join(f'"{entry}"\n' for entry in entries), "ascii")
        end = time.monotonic() + seconds
        flags = [f"-seed={seed}", f"-dict={words}", "-max_len=600", "-verbosity=0"]

        def run(data: bytes) -> None:
            fuzzer.run(data)
            if time.monotonic() > end:  # libFuzzer never returns
                status = fuzzer.report(time.monotonic() - end + seconds)
                sys.stdout.flush()
                os._exit(status)

        atheris.Setup([sys.argv[0], *flags, f"-max_total_time={seconds + 60:.0f}", folder], run)
        atheris.Fuzz()


def main() -> int:
    """Fuzz for the given seconds."""
    parser = argparse.ArgumentParser(description="Throw bytes at the requirements reader.")
    parser.add_argument("seconds", type=float)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--atheris", action="store_true", help="lead the inputs by coverage")
    options = parser.parse_args()
    fuzzer = Fuzzer()
    begin = time.monotonic()
    fuzz = fuzz_with_atheris if options.atheris else fuzz_spoilt
    fuzz(fuzzer, options.seconds, options.seed)
    return fuzzer.report(time.monotonic() - begin)


if __name__ == "__main__":
    sys.exit(main())
