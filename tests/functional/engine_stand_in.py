"""A stand-in for an engine that has one image, and prints what a real one would."""

from __future__ import annotations

import json
import sys
from typing import Any

from functional.temporary_project import TemporaryProject

__all__ = ["ID", "IMAGE", "TOLD", "Engine"]

ID = "5e" * 32
IMAGE = {"Id": f"sha256:{ID}", "Os": "linux", "Architecture": "amd64", "Config": {"Env": []}}
TOLD: dict[str, Any] = {
    "python": "3.10.4",
    "implementation": "CPython",
    "markers": {
        "implementation_name": "cpython",
        "implementation_version": "3.10.4",
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_release": "6.1.0",
        "platform_system": "Linux",
        "platform_version": "#1 SMP",
        "python_full_version": "3.10.4",
        "python_version": "3.10",
        "sys_platform": "linux",
    },
    "abis": ["cp310"],
    "libc": "musl 1.2.2",
    "machine": "x86_64",
    "pip": "21.1.3",
    "tags": ["cp310-cp310-linux_x86_64", "py3-none-any"],
}
SCRIPT = """\
import json, os, pathlib, sys, time
record, *words = sys.argv[1:]
with open(record + "/calls", "a") as calls:
    calls.write(json.dumps(words) + "\\n")
answers = json.loads(pathlib.Path(record, "answers").read_text())
key = "no shell" if words[:1] == ["run"] and "sh" not in words else " ".join(words[:2])
status, stdout, stderr = answers.get(key) or answers.get(words[0]) or (125, "", "not told")
if stdout == "hang":
    time.sleep(60)
print(stdout)
print(stderr, file=sys.stderr)
sys.exit(status)
"""


class Engine:
    """A program of an engine's name that has one image, by whatever name it is asked for."""

    def __init__(self, project: TemporaryProject, name: str = "docker") -> None:
        self._folder = project.folder.parent / f"engine-{name}"
        self._folder.mkdir()
        script = self._folder / "script.py"
        script.write_text(SCRIPT)
        program = project.programs / name
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {script} {self._folder} "$@"\n')
        program.chmod(0o755)
        self._answers: dict[str, Any] = {"version": (0, "", ""), "rm": (0, "", "")}
        self.has(IMAGE)
        self.tells(TOLD)

    def answers(self, command: str, status: int, stdout: str = "", stderr: str = "") -> None:
        """Say how a command ends, and what it prints."""
        self._answers[command] = (status, stdout, stderr)
        (self._folder / "answers").write_text(json.dumps(self._answers))

    def has(self, image: dict[str, Any]) -> None:
        """Say what the image is."""
        self.answers("image inspect", 0, json.dumps([image]))

    def tells(self, told: dict[str, Any]) -> None:
        """Say what the image prints."""
        self.answers("run", 0, f"welcome\n{json.dumps(told)}")

    @property
    def calls(self) -> list[list[str]]:
        """The calls, oldest first."""
        path = self._folder / "calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def commands(self) -> list[str]:
        """The first words of the calls, without those that ask for an engine."""
        return [words[0] for words in self.calls if words[0] in {"image", "run", "rm", "pull"}]
