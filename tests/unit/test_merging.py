"""Taking a change back where somebody has changed the text since."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipflow_tasks.merging import Overlap, take_back

TEXTS = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\r\n", b"\n"]), max_size=8).map(b"".join)


@pytest.mark.parametrize(
    ("former", "written", "now", "expected"),
    [
        (b"a\nb\nc\n", b"A\nb\nc\n", b"A\nb\nC\n", b"a\nb\nC\n"),
        (b"a\nb\n", b"A\nb\n", b"A\nB\n", b"a\nB\n"),
        (b"a\nc\n", b"a\nb\nc\n", b"# x\na\nb\nc\n", b"# x\na\nc\n"),
        (b"a\nb\nc\n", b"a\nc\n", b"a\nc\nd\n", b"a\nb\nc\nd\n"),
        (b"a\r\nb", b"A\r\nb", b"A\r\nb\r\nc", b"a\r\nb\r\nc"),
        (b"a\nb\n", b"A\nB\n", b"a\nB\n", b"a\nb\n"),
    ],
)
def test_other_lines_stay(former: bytes, written: bytes, now: bytes, expected: bytes) -> None:
    """Our lines are as they were, and theirs as they are; what both made the same is so."""
    assert take_back(former, written, now) == expected


@pytest.mark.parametrize(
    ("former", "written", "now"),
    [
        (b"a==1\n", b"a==2\n", b"a==3\n"),
        (b"a\n", b"a\nb\n", b"a\nb\nc\n"),
        (b"a\nb\n", b"a\n", b"a\nc\n"),
    ],
)
def test_same_lines_overlap(former: bytes, written: bytes, now: bytes) -> None:
    """Where it is unclear what is meant, nothing is made up."""
    with pytest.raises(Overlap):
        take_back(former, written, now)


@given(former=TEXTS, written=TEXTS)
def test_nobody_else(former: bytes, written: bytes) -> None:
    """Where nobody has changed anything, all is as it was; so it is where nothing was written."""
    assert take_back(former, written, written) == former
    assert take_back(written, written, former) == former
