"""Any input of any format: the documented errors and no others, in a time that fits its size.

With PIPFLOW_NIGHTLY=1, two minutes for each format. What was found is kept in ``tests/data/fuzz``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fuzz.formats import FORMATS, Format
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

FOUND = Path(__file__).parents[1] / "data" / "fuzz"
FOUND_FILES = sorted(
    path.relative_to(FOUND).as_posix() for path in FOUND.glob("*/*") if path.is_file()
)
IS_NIGHTLY = os.environ.get("PIPFLOW_NIGHTLY") == "1"
SECONDS = 120
MOST_SECONDS = 2.0
"""How much processor time one input may take, on the slowest machine."""

pytestmark = pytest.mark.no_cover
formats = pytest.mark.parametrize("name", FORMATS)
many = settings(
    max_examples=1_000 if IS_NIGHTLY else 100,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[*HealthCheck],
)


def run_for(seconds: float, run: Callable[[], None]) -> None:
    """Run a property until the time is over, once at least."""
    end = time.monotonic() + seconds
    run()
    while time.monotonic() < end:
        run()


def check(form: Format, data: bytes) -> None:
    """Check an input, and the time that it takes."""
    start = time.process_time()
    form.check(data)
    assert time.process_time() - start < MOST_SECONDS, "it takes too long"


@formats
def test_any_input(name: str) -> None:
    """Whatever is read: no other error than those of the format, and what it says of it holds."""
    form = FORMATS[name]

    @many
    @given(form.inputs)
    def run(data: bytes) -> None:
        check(form, data)

    run_for(SECONDS * 3 / 4 if IS_NIGHTLY else 0, run)


@formats
def test_time_of_pieces_again_and_again(name: str) -> None:
    """Four times as much takes about four times as long, whatever it is that is repeated."""
    if not IS_NIGHTLY:
        pytest.skip("takes half a minute; set PIPFLOW_NIGHTLY=1")
    form = FORMATS[name]
    some = st.lists(st.sampled_from(form.pieces), max_size=3).map(b"".join)

    @settings(many, max_examples=50)
    @given(some, some.filter(bool), some)
    def run(start: bytes, unit: bytes, end: bytes) -> None:
        def measure(size: int) -> float:
            data = start + unit * (size // len(unit)) + end
            begin = time.process_time()
            form.read(data)
            return time.process_time() - begin

        small = measure(1 << 14)
        for _ in range(4):
            large = measure(1 << 16)
            if large < 9 * small + 0.1:
                return
            small = max(small, measure(1 << 14))
        pytest.fail(f"64 KB take {large:.2f} s, 16 KB take {small:.2f} s")

    run_for(SECONDS / 4, run)


@pytest.mark.parametrize("path", FOUND_FILES)
def test_what_was_found(path: str) -> None:
    """Inputs that once failed are read, or refused, as they should be."""
    check(FORMATS[path.partition("/")[0]], (FOUND / path).read_bytes())
