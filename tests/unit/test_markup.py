"""Text in Markdown: it is shown as it is, and adds nothing."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pipflow_tasks.report.markup import as_cell, as_html, as_link, as_markdown
from pipflow_tasks.report.wording import show

RENDERER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
SPECIAL = "\\`*_{}[]()<>#+-.!|~&@$^:/= \n\t"
texts = st.text(st.sampled_from(f"{SPECIAL}ab1") | st.characters(), max_size=30)


def seen(html: str) -> str:
    """Return what a reader sees of HTML, without blanks."""
    text = unescape(re.sub(r"<[^>]*>", "", html))
    return re.sub(r"[\s\u200b`]+", "", text)


def tags(html: str) -> set[str]:
    return {*re.findall(r"<([a-z0-9]+)", html)}


@given(texts)
def test_text_is_shown(text: str) -> None:
    """An item of a list shows the text, and has no markup but code."""
    html = RENDERER.render(f"- {as_markdown(text)}\n")
    assert seen(html) == seen(re.sub("<", "&lt;", re.sub("&", "&amp;", show(text))))
    assert tags(html) <= {"ul", "li", "code"}


@given(texts, texts)
def test_cells_are_shown(one: str, two: str) -> None:
    """A row shows its texts in its two cells, whatever they hold."""
    html = RENDERER.render(f"| a | b |\n|---|---|\n| {as_cell(one)} | {as_cell(two)} |\n")
    cells = re.findall(r"<td>(.*?)</td>", html, re.DOTALL)
    assert len(cells) == 2
    for cell, text in zip(cells, (one, two), strict=True):
        assert tags(cell) <= {"code"}
        if "\\" not in text or "`" not in text:  # a bar in code may lose a backslash before it
            assert seen(cell) == seen(re.sub("<", "&lt;", re.sub("&", "&amp;", show(text))))


@given(texts)
def test_html_is_shown(text: str) -> None:
    """The summary of what is folded shows the text."""
    assert tags(as_html(text)) == set()


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("`upgrade flask` moves it to 3.0", "`upgrade flask` moves it to 3.0"),
        ("typing_extensions needs Python >=3.9", "typing_extensions needs Python \\>=3.9"),
        ("_private_ *bold* ~=1", "\\_private\\_ \\*bold\\* \\~=1"),
        ("@octocat, see #1", "@&#8203;octocat, see \\#&#8203;1"),
        ("see https://evil.example/a_b.", "see `https://evil.example/a_b`."),
        ("[here](https://evil.example)", "\\[here\\](`https://evil.example`)"),
        ("<img src=x>", "\\<img src=x\\>"),
        ("1. first", "1\\. first"),
        ("- item", "\\- item"),
        ("2021.4.0", "2021.4.0"),
        ("lone ` tick", "lone \\` tick"),
    ],
)
def test_examples(text: str, markdown: str) -> None:
    """Only what would be markup is escaped."""
    assert as_markdown(text) == markdown


@pytest.mark.parametrize("character", ["(", ")", "<", ">", "|", "`", "[", "]", '"', "\\"])
def test_destination_of_a_link(character: str) -> None:
    """An address with any character stays one link in a cell."""
    url = f"https://a.example/x{character}y"
    html = RENDERER.render(f"| a | b |\n|---|---|\n| [changes]({as_link(url)}) | b |\n")
    assert html.count("<td>") == 2
    (href,) = re.findall(r'<a href="([^"]*)">changes</a></td>', html)
    assert href == f"https://a.example/x%{ord(character):02X}y"
