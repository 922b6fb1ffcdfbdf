"""What the cache keeps of an index."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from pipflow_tasks.index.cache import Cache
from pipflow_tasks.index.credentials import Credentials
from pipflow_tasks.index.http import Response
from pipflow_tasks.index.shelf import Shelf
from pipflow_tasks.index.trust import SYSTEM_TRUST
from pipflow_tasks.simple_api import KeptPage, Versions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ANSWER = Response(
    status=200,
    url="http://index.example/simple/lib/",
    content_type="application/json",
    content_range="",
    body=b"",
    is_whole=True,
    with_password=False,
    retry_after_seconds=0,
    again=lambda: b"{}",
    headers={"ETag": '"1"'},
)
PAGE = KeptPage(
    base=ANSWER.url, shown=ANSWER.url, oversized=0, versions=Versions([], 0), entries={}, again=None
)


class _Interrupted(Cache):
    """A cache that lets something happen while it is handed a page."""

    happens: Callable[[str], None]

    def put(self, key: str, value: bytes, body: Callable[[], bytes] | None = None) -> None:
        super().put(key, value, body)
        self.happens(key)


def test_answer_that_arrives_while_the_cache_is_saved(tmp_path: Path) -> None:
    """A request that was given up may be answered while the cache is written: no error."""
    cache = _Interrupted(tmp_path)
    shelf = Shelf(cache, SYSTEM_TRUST, Credentials((), "disabled"))
    shelf.keep("page first", PAGE, ANSWER, asked=0.0)

    def answer_late(key: str) -> None:
        if key == "page first":
            shelf.keep("page late", PAGE, ANSWER, asked=0.0)

    cache.happens = answer_late
    shelf.save()
    with closing(Cache(tmp_path)) as saved:
        assert saved.get("page first") is not None
