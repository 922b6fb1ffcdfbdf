"""Make the pictures in `docs/screens`: what `pipflow` prints on terminals of 80 and 120 columns.

    python docs/screens.py              all of them; asks the index, and builds with Docker
    python docs/screens.py help         those that are named
    python docs/screens.py --to FOLDER  into another folder

Each is from a real run, in a project of its own, and is for light and dark pages.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import tempfile
import termios
from contextlib import suppress
from io import StringIO
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HERE = Path(__file__).parent / "screens"
WIDTHS = (80, 120)
NAME = "pipflow-demo"  # of the folder, and so of the image

DOCKERFILE = """\
FROM python:{python}-slim
ENV PIP_QUIET=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY . .
"""
HIDING = "run: {hide: true}\n"  # what the builder prints, unless it fails

_PRINTED = re.compile(
    r"(\r*\n)|(\r)|\x1b\[\??(\d*)([A-Zhl])|((?:[^\r\n\x1b]|\x1b\[[\d;]*m)+)", re.ASCII
)
_ON_DOCKER_ITSELF = re.compile(r"DEPRECATED: The legacy builder.*?\n\r?\n", re.DOTALL)


class Screen(Struct, frozen=True, kw_only=True):
    """A command, and the files of the project that it runs in."""

    command: str
    files: Mapping[str, str] = MappingProxyType({})


def _project(requirements: str, python: str = "3.12", **files: str) -> dict[str, str]:
    """Return the files of a project with a Dockerfile."""
    return {
        "Dockerfile": DOCKERFILE.format(python=python),
        "requirements.txt": requirements,
        "invoke.yaml": HIDING,
        **files,
    }


SCREENS: Mapping[str, Screen] = MappingProxyType(
    {
        "add": Screen(
            command="pipflow add requests",
            files=_project("# The web\nflask==3.0.3\nwerkzeug==3.0.6\n", "3.9"),
        ),
        "upgrade-all": Screen(
            command="pipflow upgrade-all",
            files=_project(
                "# The web\ndjango==4.2.16  # pipflow: <5\ngunicorn==22.0.0  # pipflow: hold\n"
                "redis==5.0.1\nrequests==2.31.0\n\n"
                "# Jobs\ncelery[redis]==5.4.0\nkombu==5.4.0\n",
                "3.9",
            ),
        ),
        "conflict": Screen(
            command='pipflow upgrade "redis>=6"',
            files=_project("celery[redis]==5.5.3\ndjango==5.2.8\nredis==5.2.1\n"),
        ),
        "check": Screen(
            command="pipflow check",
            files=_project(
                "django==4.2.16  # pyup: ignore\nredis==6.4.0\nrequests==2.32.0\nurllib3\n"
                "celery[redis]==5.5.3\n",
                Dockerfile="FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\n"
                "RUN pip install -r requirements.txt\n",
            ),
        ),
        "failed-build": Screen(
            command="pipflow upgrade werkzeug",
            files=_project(
                "flask==2.2.2\nwerkzeug==2.2.3\n",
                Dockerfile=DOCKERFILE.format(python="3.12") + "RUN python -c 'import shop'\n",
                **{"shop.py": "from flask import Flask\n\napp = Flask(__name__)\n"},
            ),
        ),
        "help": Screen(command="pipflow --help"),
        "unknown-option": Screen(
            command="pipflow upgrade-all --dryrun", files=_project("django==5.2.8\n")
        ),
    }
)

# The colours of a terminal on a light and on a dark page: black, red, green, yellow, blue, magenta,
# cyan, white.
_LIGHT = TerminalTheme(
    (250, 250, 250),
    (36, 41, 47),
    [
        *((36, 41, 47), (190, 25, 35), (20, 110, 45), (150, 85, 0)),
        *((9, 80, 200), (120, 60, 190), (0, 110, 120), (90, 98, 106)),
    ],
)
_DARK = TerminalTheme(
    (22, 27, 34),
    (220, 226, 232),
    [
        *((72, 79, 88), (255, 123, 114), (86, 211, 100), (227, 179, 65)),
        *((121, 192, 255), (210, 168, 255), (86, 212, 221), (240, 246, 252)),
    ],
)
_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="-12 -12 VIEW">
<style>
text {{ font: {char_height}px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace }}
/*styles*/
{styles}
/*styles*/
</style>
<rect class="page" x="-12" y="-12" width="100%" height="100%" rx="8"/>
{matrix}
</svg>
"""


def main() -> int:
    """Make the pictures that are asked for; one that fits 80 columns is made once."""
    parser = argparse.ArgumentParser(description="Make the pictures in docs/screens.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SCREENS))
    parser.add_argument("--to", type=Path, default=HERE, metavar="FOLDER")
    given = parser.parse_args()
    given.to.mkdir(parents=True, exist_ok=True)
    for name in given.names or SCREENS:
        shown: list[list[str]] = []
        for width in WIDTHS:
            lines = [f"$ {SCREENS[name].command}", *run(SCREENS[name], width)]
            if lines not in shown:  # else it fits the narrow one
                (given.to / f"{name}-{width}.svg").write_text(draw(lines, width), "utf-8")
                print(f"{name}: {len(lines)} lines at {width} columns")
            shown.append(lines)
    return 0


def run(screen: Screen, width: int) -> list[str]:
    """Return the lines that are on a terminal after a command, with their colours."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder, NAME)
        project.mkdir()
        for name, text in screen.files.items():
            (project / name).write_text(text)
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        for words in (["init", "-q"], ["add", "."], ["commit", "-q", "--allow-empty", "-m", "a"]):
            subprocess.run(["git", *who, *words], cwd=project, check=True)
        printed = _printed(screen.command, project, width)
    if "built:" in printed:  # the next one would report its size before
        subprocess.run(["docker", "image", "rm", "--force", NAME], check=True, capture_output=True)
    return [*settle(printed)]


def _printed(command: str, project: Path, width: int) -> str:
    """Run a command on a terminal, with nobody's settings; return what it prints."""
    words = shlex.split(command)
    kept = ("PATH", "PIP_CERT", "SSL_CERT_FILE", *(k for k in os.environ if k[:7] == "DOCKER_"))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    with subprocess.Popen(
        [sys.executable, "-m", "pipflow_tasks", *words[1:]],
        cwd=project,
        env={
            **{name: os.environ[name] for name in kept if name in os.environ},
            "COLUMNS": str(width),
            "HOME": str(project.parent),
            "LANG": "C.UTF-8",
            "PIP_CONFIG_FILE": os.devnull,
            "TERM": "xterm-256color",
        },
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ):
        os.close(theirs)
        printed = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    return _ON_DOCKER_ITSELF.sub("", printed.decode())


def _read(terminal: int) -> bytes:
    with suppress(OSError):  # the program has ended
        return os.read(terminal, 65536)
    return b""


def settle(printed: str) -> Iterator[str]:
    """Yield the lines that are left on a terminal, where some were written over."""
    lines = [""]
    for ends, begins, number, code, text in _PRINTED.findall(printed):
        if ends:
            lines.append("")
        elif begins or code == "K":
            lines[-1] = ""
        elif code == "A":
            del lines[-int(number or 1) :]
        lines[-1] += text
    yield from lines if lines[-1] else lines[:-1]


def draw(lines: list[str], width: int) -> str:
    """Return lines with colours as a picture that follows the page, light or dark."""
    texts = Text.from_ansi("\n".join(lines)).split("\n", allow_blank=True)
    rows = [row for text in texts for row in text.divide(range(width, len(text), width))]
    light, dark = (_export(rows, width, theme) for theme in (_LIGHT, _DARK))
    before, rules, after = light.split("/*styles*/\n")
    on_dark = dark.split("/*styles*/\n")[1]
    return f"{before}{rules}@media (prefers-color-scheme: dark) {{\n{on_dark}}}\n{after}"


def _export(lines: list[Text], width: int, theme: TerminalTheme) -> str:
    """Return lines as a picture; the rules of its styles are between two comments."""
    console = Console(record=True, width=width, file=StringIO(), color_system="truecolor")
    for line in lines:
        console.print(line, highlight=False)
    picture = console.export_svg(theme=theme, code_format=_SVG, unique_id="t")
    page = f".page {{ fill: {theme.background_color.hex} }}\n"
    size = f"{width * 12.2 + 24:.0f} {len(lines) * 24.4 + 24:.0f}"  # of rich's characters
    picture = picture.replace("VIEW", size).replace("/*styles*/\n", f"/*styles*/\n{page}", 1)
    return re.sub(r"<text[^>]*>\n</text>| clip-path=\"[^\"]*\"", "", picture)


if __name__ == "__main__":
    sys.exit(main())
