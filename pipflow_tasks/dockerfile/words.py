"""Split and expand words as POSIX shells and BuildKit do: quotes, escapes, variables.

``compose`` uses ``substitute`` as well, since compose files have the same variables::

    variable = "$" name | "${" name [operator word] "}"
    operator = ":-" "-" ":+" "+" ":?" "?" "#" "##" "%" "%%" "/" "//"

A variable without a known value is kept in a word as ``${NAME}``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

BLANKS = " \t\n\r\v\f"


def split_words(text: str, escape: str) -> list[str]:
    """Split at blanks outside of quotes; the words keep their quotes and escapes."""
    words: list[str] = []
    position = 0
    while position < len(text):
        end = word_end(text, position, BLANKS, escape)
        if end > position:
            words.append(text[position:end])
        position = max(end, position + 1)
    return words


def partition(text: str) -> tuple[str, str, str]:
    """Split at the first run of blanks."""
    match = re.search(r"[ \t\n\r\v\f]+", text)
    return (text[: match.start()], match[0], text[match.end() :]) if match else (text, "", "")


def word_end(text: str, start: int, stops: str, escape: str = "\\", *, nested: bool = False) -> int:
    """Return the position of the first of ``stops`` outside of quotes.

    With ``nested``, also outside of ``${...}``, ``$(...)`` and backticks.
    """
    position, quote = start, ""
    while position < len(text):
        char = text[position]
        if char == escape and quote != "'":
            position += 2
            continue
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"" or (nested and char == "`"):
            quote = char
        elif char in stops:
            break
        elif nested and text.startswith(("${", "$("), position):
            opening, closing = ("${", "}") if text[position + 1] == "{" else ("(", ")")
            end = closing_bracket(text, position + 2 - len(opening), opening, closing)
            position = len(text) if end is None else end
        position += 1
    return min(position, len(text))


def closing_bracket(text: str, start: int, opening: str, closing: str) -> int | None:
    """Return the position of the bracket that closes the one at ``start``."""
    depth, position = 0, start
    while position < len(text):
        if text[position] == "\\":
            position += 2
        elif text.startswith(opening, position):
            depth += 1
            position += len(opening)
        elif text[position] == closing and depth == 1:
            return position
        else:
            depth -= text[position] == closing
            position += 1
    return None


NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile(r":?[-+?]|##?|%%?|//?")


class Variables(Struct, frozen=True, kw_only=True):
    """The known variables, and a function for those without value.

    ``missing`` is called with the name and a message (``is demanded: ...``) or None. It returns
    the text to put in, or raises.
    """

    values: Mapping[str, str]
    missing: Callable[[str, str | None], str]


def substitute(
    text: str, start: int, variables: Variables, expand_word: Callable[[str], str]
) -> tuple[str, int] | None:
    """Return the value of the variable whose ``$`` is at ``start``, and the position after it.

    ``expand_word`` expands the word after an operator. None: this ``$`` begins no variable.
    """
    braced = text.startswith("{", start + 1)
    match = NAME.match(text, start + 1 + braced)
    end = closing_bracket(text, start, "${", "}") if braced else None
    if match is None or (braced and end is None):
        return None
    name, value = match[0], variables.values.get(match[0])
    if end is None or end == match.end():
        after = match.end() if end is None else end + 1
        return (variables.missing(name, None) if value is None else value), after
    operator = _OPERATOR.match(text, match.end(), end)
    if operator is None:
        return variables.missing(name, "has an operator that is unknown here"), end + 1
    word = text[operator.end() : end]
    return _apply_operator(name, value, operator[0], word, variables, expand_word), end + 1


def _apply_operator(
    name: str,
    value: str | None,
    operator: str,
    word: str,
    variables: Variables,
    expand_word: Callable[[str], str],
) -> str:
    given = None if value == "" and operator.startswith(":") else value
    if operator in (":+", "+"):
        return "" if given is None else expand_word(word)
    if operator in (":-", "-"):
        return expand_word(word) if given is None else given
    if operator in (":?", "?"):
        if given is not None:
            return given
        message = expand_word(word)
        return variables.missing(name, f"is demanded: {message}" if message else "is demanded")
    if value is None:
        return variables.missing(name, None)
    if operator in ("/", "//"):
        pattern, _, replacement = word.partition("/")
        new = expand_word(replacement)
        count = 1 if operator == "/" else 0
        return _glob(expand_word(pattern)).sub(lambda _: new, value, count=count)
    return _trimmed(value, operator, _glob(expand_word(word)))


def _glob(pattern: str) -> re.Pattern[str]:
    pattern = re.sub(r"\*+", "*", pattern)
    return re.compile(
        "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern), re.DOTALL
    )


def _trimmed(value: str, operator: str, glob: re.Pattern[str]) -> str:
    """Cut off a match: ``#`` at the front, ``%`` at the end; doubled: the longest one."""
    cuts = range(len(value) + 1)
    if operator.startswith("#"):
        fronts = cuts if operator == "#" else reversed(cuts)
        return next((value[cut:] for cut in fronts if glob.fullmatch(value, 0, cut)), value)
    ends = reversed(cuts) if operator == "%" else cuts
    return next((value[:cut] for cut in ends if glob.fullmatch(value, cut)), value)


def expand(text: str, variables: Variables | None, escape: str = "\\") -> str:
    """Resolve quotes, escapes and, if given, variables in a word of a Dockerfile or a shell."""
    done: list[str] = []
    position, quote = 0, ""
    while position < len(text):
        char, after = text[position], text[position + 1 : position + 2]
        if char == quote or (not quote and char in "'\""):
            quote = "" if quote else char
        elif quote == "'":
            done.append(char)
        elif char == escape and after:
            if quote and after not in ('"', "$", "\n", escape):
                done.append(char)
            done.append("" if after == "\n" else after)
            position += 1
        elif char == "$" and variables is not None:
            found = substitute(
                text, position, variables, lambda word: expand(word, variables, escape)
            )
            if found is not None:
                done.append(found[0])
                position = found[1]
                continue
            done.append(char)
        else:
            done.append(char)
        position += 1
    return "".join(done)


def keep(name: str, _message: str | None) -> str:
    """Return ``${NAME}`` for a variable without value."""
    return f"${{{name}}}"


def unquote(word: str) -> str:
    """Resolve quotes and escapes, not variables."""
    return expand(word, None)


def is_unknown(path: str) -> bool:
    """Return whether a path still holds a variable or a wildcard."""
    return any(char in path for char in "$*?[`")
