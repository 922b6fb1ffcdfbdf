"""What holds for any edit of any requirements file.

An edit may fail only with a PipflowError, and an edited document equals its own re-reading.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from packaging.requirements import Requirement
from packaging.version import Version
from tools.edits import with_pin, with_requirement

from pipflow_tasks.errors import PipflowError
from pipflow_tasks.requirements import Kind, Line, RequirementsFile, Sort, split_requirements

NEW = Version("77.7.7")
DIGESTS = ("sha256:" + "7" * 64, "sha256:" + "f" * 64)


def check_edits(document: RequirementsFile) -> None:
    """Edit a document in every way.

    Raises:
        AssertionError: a rule is broken; any other exception breaks one as well.
    """
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
    edited = with_pin(document, line, NEW, digests=digests)
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
        edited = with_requirement(document, requirement, sort=sort)
        check_again(edited)
        before, after = len(document.find(requirement.name)), len(edited.find(requirement.name))
        assert after == before + 1, "it was not added"
        kept = Counter(map(stripped, document.lines)) - Counter(map(stripped, edited.lines))
        assert not kept, "an addition has changed another line"
    with_all = with_requirement(document, requirement, digests=DIGESTS, policy=">=1,<2")
    check_again(with_all)
    added = with_all.find(requirement.name)
    assert any(line.comment == "# pipflow: >=1,<2" for line in added), "its policy is not there"
    for heading in document.headings()[:3]:
        check_again(with_requirement(document, requirement, group=heading))


def check_again(edited: RequirementsFile) -> None:
    """Read what was written: it must be the document that was written."""
    assert RequirementsFile.from_bytes(edited.to_bytes()) == edited, "re-reading differs"


def stripped(line: Line) -> str:
    """Return a line's content and comment, because edits may change the end of the last line."""
    return f"{line.content} {line.comment}".strip()
