"""pip's configuration as this package reads it, against what pip itself prints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipflow_tasks.errors import UsageError
from pipflow_tasks.index.pip_configuration import read_sections

PIP = """
import json, os, sys
from pip._internal.configuration import Configuration
from pip._internal.exceptions import ConfigurationError
for line in sys.stdin:
    asked = json.loads(line)
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.prefix = asked["prefix"]
    configuration = Configuration(isolated=False)
    try:
        configuration.load()
    except ConfigurationError:
        print("null", flush=True)
        continue
    told = {}
    for name, value in configuration.items():  # newer pips: of each file, the strongest last
        told.update(value if isinstance(value, dict) else {name: value})
    print(json.dumps(told), flush=True)
"""
"""Tells what pip's own reader has, for each line that comes, in one process."""

NAMES = ["index-url", "extra-index-url", "trusted-host", "Find_Links", "no-index", "--cert"]
VALUES = ["", "a", "b c", "d\n    e", "${HOME}", "%(x)s", "'q'", "é"]

entries = st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES))
sections = st.tuples(
    st.sampled_from(["global", "install", "freeze", "DEFAULT", ":env:", "Global"]),
    st.lists(entries, max_size=3),
)
files = st.one_of(
    st.none(),
    st.lists(sections, max_size=3).map(
        lambda found: "".join(
            f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in lines)
            for name, lines in found
        )
    ),
    st.sampled_from(["nonsense\n", "[global\n", "[global]\nindex-url\n", "; nothing\n", "\xff"]),
)
places = ["etc/pip", "second/pip", "home/.pip", "home/.config/pip", "own/pip", "prefix", "named"]
variables = st.dictionaries(
    st.sampled_from(
        ["PIP_INDEX_URL", "PIP_index_url", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "PIP_VERSION"]
    ),
    st.sampled_from(["", "v", "w x"]),
)


@pytest.fixture(scope="module")
def pip() -> Iterator[subprocess.Popen[str]]:
    """Start a process that runs pip."""
    with subprocess.Popen(
        [sys.executable, "-c", PIP], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        yield process


def listed(
    pip: subprocess.Popen[str], environment: dict[str, str], prefix: Path
) -> dict[str, dict[str, str]] | None:
    """Return what pip has, by section and name; None where it fails."""
    assert pip.stdin is not None
    assert pip.stdout is not None
    pip.stdin.write(json.dumps({"environment": environment, "prefix": str(prefix)}) + "\n")
    pip.stdin.flush()
    told = json.loads(pip.stdout.readline())
    if told is None:
        return None
    found: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}
    for key, value in told.items():
        section, _, name = key.partition(".")
        if section in found:
            found[section][name] = value
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(files, min_size=len(places), max_size=len(places)),
    own=st.booleans(),
    several=st.booleans(),
    named=st.sampled_from([None, "named/pip.conf", "named/missing", os.devnull]),
    added=variables,
)
def test_configuration_is_what_pip_lists(
    pip: subprocess.Popen[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    texts: list[str | None],
    own: bool,
    several: bool,
    named: str | None,
    added: dict[str, str],
) -> None:
    """Whatever files and variables there are, each setting has the value that pip gives it."""
    for place, text in zip(places, texts, strict=True):
        file = tmp_path / place / "pip.conf"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        if text is not None:
            file.write_bytes(text.encode("latin-1" if text == "\xff" else "utf-8"))
    environment = {"HOME": f"{tmp_path}/home", "LANG": "C.UTF-8", **added}
    environment["XDG_CONFIG_DIRS"] = f"{tmp_path}/etc"
    if several:
        environment["XDG_CONFIG_DIRS"] += f":{tmp_path}/second"
    if own:
        environment["XDG_CONFIG_HOME"] = f"{tmp_path}/own"
    if named is not None:
        environment["PIP_CONFIG_FILE"] = (
            os.devnull if named == os.devnull else f"{tmp_path}/{named}"
        )
    monkeypatch.setattr(sys, "prefix", f"{tmp_path}/prefix")
    expected = listed(pip, environment, tmp_path / "prefix")
    if expected is None:
        with pytest.raises(UsageError, match="pip can't read its configuration"):
            read_sections(environment)
    else:
        assert read_sections(environment) == expected


def test_pip_is_asked_where_its_folders_are_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Off Linux pip's own reader says the same, also of a name that several files have."""
    for place, text in {
        "etc/pip": "[global]\ncert = first\nindex-url = a\n",
        "home/.config/pip": "[global]\n--cert = b\n    c\n[freeze]\ncert = d\n",
    }.items():
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "pip.conf").write_text(text)
    environment = {
        "HOME": f"{tmp_path}/home",
        "LANG": "C.UTF-8",
        "XDG_CONFIG_DIRS": f"{tmp_path}/etc",
        "PIP_NO_INDEX": "1",
    }
    on_linux = read_sections(environment)
    monkeypatch.setattr(sys, "platform", "darwin")
    asked = read_sections(environment)

    assert asked == on_linux
    assert asked["global"]["cert"] == "b\nc"
    (tmp_path / "etc" / "pip" / "pip.conf").write_text("[global\n")
    with pytest.raises(UsageError, match="pip can't read its configuration"):
        read_sections(environment)
