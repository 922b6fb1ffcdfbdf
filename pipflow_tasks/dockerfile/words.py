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
    from collections.abc import Callable, Container, Mapping, Sequence

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


def split_options(
    words: Sequence[str], valued: Container[str]
) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the options of a command line in their order, each with its value, and the operands.

    ``valued`` are the names and letters that take a value; that of any other is empty, or what
    ``--name=`` gives it.
    """
    options: list[tuple[str, str]] = []
    operands: list[str] = []
    rest = iter(words)
    for word in rest:
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            takes = not equals and name in valued
            options.append((name, next(rest, "") if takes else value))
        elif word.startswith("-") and word != "-":
            for after, letter in enumerate(word[1:], 2):
                if letter in valued:
                    options.append((letter, word[after:] or next(rest, "")))
                    break
                options.append((letter, ""))
        else:
            operands.append(word)
    return options, operands


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
    """Return the position of the bracket that closes the one at ``start``.

    Raises:
        RecursionError: it holds brackets that are nested too deeply.
    """
    depth = 0
    for found in _BRACKETS[opening].finditer(text, start):
        if found[0] == opening:
            depth += 1
            if depth > MOST_NESTED:
                raise RecursionError
        elif found[0] == closing:
            depth -= 1
            if depth == 0:
                return found.start()
    return None


MOST_NESTED = 20
"""How deep brackets may be nested: each of them is read as often as it is within others."""
_BRACKETS = {
    "${": re.compile(r"\\.|\$\{|\}", re.DOTALL),
    "(": re.compile(r"\\.|\(|\)", re.DOTALL),
}
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
    if max(len(value), len(word)) > MOST_EXPANDED:
        raise OversizedWord
    from .globs import replaced, trimmed  # few words have a pattern

    if operator in ("/", "//"):
        pattern, _, replacement = word.partition("/")
        new = expand_word(replacement)
        return replaced(value, operator, expand_word(pattern), new)
    return trimmed(value, operator, expand_word(word))


MOST_EXPANDED = 1 << 16
"""How many characters a word may have with its variables expanded."""


class OversizedWord(ValueError):  # noqa: N818
    """A word is too long once its variables are expanded."""

    def __init__(self) -> None:
        super().__init__(
            f"a word has more than {MOST_EXPANDED:,} characters once its variables are expanded"
        )


def expand(text: str, variables: Variables | None, escape: str = "\\") -> str:
    """Resolve quotes, escapes and, if given, variables in a word of a Dockerfile or a shell.

    Raises:
        OversizedWord: it is too long with its variables.
        RecursionError: it is nested too deeply.
    """
    done: list[str] = []
    position, size, quote = 0, 0, ""
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
                size += len(found[0])
                if size > MOST_EXPANDED:
                    raise OversizedWord
                position = found[1]
                continue
            done.append(char)
        else:
            done.append(char)
        position += 1
    return "".join(done)


def expand_known(text: str, values: Mapping[str, str], escape: str = "\\") -> tuple[str, list[str]]:
    """Return a word with its known variables resolved, and the names of the others."""
    unknown: list[str] = []

    def note(name: str, message: str | None) -> str:
        unknown.append(name)
        return keep(name, message)

    return expand(text, Variables(values=values, missing=note), escape), unknown


def keep(name: str, _message: str | None) -> str:
    """Return ``${NAME}`` for a variable without value."""
    return f"${{{name}}}"


def unquote(word: str) -> str:
    """Resolve quotes and escapes, not variables."""
    return expand(word, None)


def is_unknown(path: str) -> bool:
    """Return whether a path still holds a variable or a wildcard."""
    return any(char in path for char in "$*?[`")
