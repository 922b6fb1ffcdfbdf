"""The tests of the shop, which run in their own image."""

import shop


def test_command() -> None:
    """The command knows its option."""
    assert [each.name for each in shop.main.params] == ["work"]
