"""Inputs for the readers of formats: valid pieces, mixed and spoilt, and any bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hypothesis import strategies as st

DATA = Path(__file__).parents[1] / "data"

ENCODINGS = {
    "utf-8": b"\xef\xbb\xbf",
    "utf-16-le": b"\xff\xfe",
    "utf-16-be": b"\xfe\xff",
    "utf-32-le": b"\xff\xfe\0\0",
    "utf-32-be": b"\0\0\xfe\xff",
}
ANYWHERE = [
    b"", b"", b"\n", b"\r", b"\r\n", b"\t", b" ", b"\0", b"\x0b", b"\x0c", b"\x1b[2J", b"\x7f",
    b"\x85", b"\xc2\x85", b"\xc2\xa0", b"\xe2\x80\xa8", b"\xe2\x80\xae", b"\xef\xbb\xbf", b"\xff",
    b"\xc3", b"\xed\xa0\x80", b"\xf0\x9f\x9a\x80", b"\\", b"'", b'"', b"`", b"$", b"{", b"}", b"(",
    b")", b"[", b"]", b"<", b">", b"=", b"#", b"&", b";", b":", b",", b"*", b"?", b"!", b"%", b"@",
    b"-", b"--", b"/", b"../", b"0", b"1" * 30, b"9" * 5_000, b"a", b"A" * 300, b"://", b"true",
]  # fmt: skip
"""What may be put anywhere, in any format."""

MOST_BYTES = 20_000


def lines_of(folder: str, *endings: str) -> list[bytes]:
    """Return all lines of the data files of a format, each once."""
    paths = [path for path in sorted((DATA / folder).rglob("*")) if path.suffix in endings]
    return [*dict.fromkeys(line for path in paths for line in path.read_bytes().splitlines(True))]


@st.composite
def spoilt(draw: st.DrawFn, pieces: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """Make an input of pieces in a row, with words put into it or in the place of some bytes."""
    data = b"".join(draw(st.lists(st.sampled_from(pieces), max_size=12)))
    where = st.integers(0, 1 << 16)
    spoils = st.tuples(where, st.sampled_from([0, 0, 1, 2, 5, 40]), st.sampled_from(words))
    for place, length, word in draw(st.lists(spoils, max_size=6)):
        start = place % (len(data) + 1)
        data = data[:start] + word + data[start + length :]
    if draw(st.sampled_from([False] * 15 + [True])):
        encoding, mark = draw(st.sampled_from([*ENCODINGS.items()]))
        data = mark + data.decode("utf-8", "replace").encode(encoding)
    return data[:MOST_BYTES]


def inputs(pieces: Sequence[bytes], words: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Return inputs of a format: mostly pieces, spoilt, and sometimes any bytes."""
    made = spoilt([*pieces, *words], [*ANYWHERE, *words])
    return st.one_of(made, made, made, st.binary(max_size=60))
