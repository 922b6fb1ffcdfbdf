"""Freshness as headers state it, clocks, and the bounds of the cache."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from loopback_index import LoopbackIndex
from packaging.utils import canonicalize_name
from packaging.version import Version

from pipflow_tasks.index import PackageIndex
from pipflow_tasks.index.cache import Cache
from pipflow_tasks.index.freshness import Freshness, read_freshness

DATE = "Thu, 01 Jan 2026 00:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Cache-Control": "max-age=600"}, 600),
        ({"Cache-Control": "public, MAX-AGE=600, must-revalidate"}, 600),
        ({"Cache-Control": 'max-age="600"'}, 600),
        ({"Cache-Control": "max-age=600", "Age": "500"}, 100),
        ({"Cache-Control": "max-age=600", "Age": "x"}, 0),
        ({"Cache-Control": "s-maxage=600"}, 0),
        ({"Cache-Control": "max-age=-1"}, 0),
        ({"Cache-Control": "no-cache, max-age=600"}, 0),
        ({"Expires": "Thu, 01 Jan 2026 00:10:00 GMT", "Date": DATE}, 600),
        ({"Expires": "0", "Date": DATE}, 0),
        ({"Expires": "Thu, 01 Jan 2026 00:10:00 GMT"}, 0),
        ({"Cache-Control": "max-age=5", "Expires": DATE, "Date": DATE}, 5),
        ({}, 0),
    ],
)
def test_lifetime(headers: dict[str, str], seconds: float) -> None:
    """An answer is fresh for as long as its headers say, and not longer."""
    found = read_freshness({"ETag": '"a"', **headers}, asked=1000)
    assert found is not None
    assert found.expires - found.asked == seconds


@pytest.mark.parametrize(
    "headers", [{"Cache-Control": "no-store, max-age=9", "ETag": '"a"'}, {"Vary": "*"}, {}]
)
def test_answers_that_are_not_stored(headers: dict[str, str]) -> None:
    """An answer that must not be stored, or could never be used, is not."""
    assert read_freshness(headers, asked=0) is None


@pytest.mark.parametrize(
    ("now", "is_fresh"), [(999, False), (1000, True), (1599, True), (1600, False), (-5, False)]
)
def test_clock(now: float, is_fresh: bool) -> None:
    """A page is fresh from when it was asked for on; before that, the clock was set back."""
    assert Freshness(asked=1000, expires=1600).is_fresh(now) is is_fresh


def test_freshness_ends_within_a_day() -> None:
    """A server that calls a page fresh for years is asked again after a day."""
    assert not Freshness(asked=0, expires=1e9).is_fresh(90_000)


@pytest.mark.parametrize("clock", [-50.0, 1e6, 3e9])
def test_clock_that_jumps(tmp_path: Path, clock: float) -> None:
    """Whatever the clock says in the next command, its versions are those of the index."""
    lib = canonicalize_name("lib")
    with LoopbackIndex() as server:
        server.add("lib", "1.0")
        server.cache_control = "max-age=600"
        for time, version in ((0.0, "1.0"), (clock, "2.0")):
            server.add("lib", version)
            cache = Cache(tmp_path, clock=lambda time=time: time)  # type: ignore[misc]
            with PackageIndex([server.url], cache=cache) as index:
                assert next(iter(index.files(lib))) == Version(version)
                index.save()


def test_bound(tmp_path: Path) -> None:
    """The cache is bounded; what was not used for longest goes first."""
    days = 86_400.0
    for day in range(30):
        cache = Cache(tmp_path, clock=lambda day=day: day * days, most_bytes=1 << 20)  # type: ignore[misc]
        assert day == 0 or cache.get("kept") is not None
        cache.put("kept" if day == 0 else f"{day}", b"value", lambda: bytes(100_000))
        cache.save()
    cache = Cache(tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 2 << 20
    assert cache.get("kept") is not None
    assert cache.get("1") is None
    assert cache.get("29") is not None
    cache.close()


def test_value_of_another_body_is_not_changed(tmp_path: Path) -> None:
    """What another command has replaced meanwhile is not mixed with what ours read."""
    first = Cache(tmp_path)
    first.put("a", b"1", lambda: b"body 1")
    first.save()
    ours, other = Cache(tmp_path), Cache(tmp_path)
    note = ours.get("a")
    assert note is not None
    other.put("a", b"2", lambda: b"body 2")
    other.save()
    assert ours.body(note.stamp) == b"body 1"
    ours.change("a", b"1 and more", note.stamp)
    ours.save()
    with closing(Cache(tmp_path)) as cache:
        found = cache.get("a")
    assert found is not None
    assert found.value == b"2"


def test_saved_cache_is_not_opened_again(tmp_path: Path) -> None:
    """A look-up that was given up and still asks afterwards gets nothing, and opens nothing."""
    cache = Cache(tmp_path)
    cache.put("a", b"1")
    cache.save()

    assert cache.get("a") is None
    opened = [path.resolve() for path in Path("/proc/self/fd").iterdir()]
    assert [path for path in opened if path.parent == tmp_path] == []
