"""The plot that the benchmark draws of its runs."""

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"


def draw(folder: Path, *cases: dict[str, object]) -> subprocess.CompletedProcess[str]:
    """Draw runs as ``compare.py --json`` writes them."""
    (folder / "runs.json").write_text(json.dumps({"cases": cases}))
    program = ROOT / "benchmarks" / "plot.py"
    words = [sys.executable, str(program), str(folder / "runs.json"), str(folder / "plot.svg")]
    return subprocess.run(words, capture_output=True, encoding="utf-8", check=False)


def case(name: str, state: str, seconds: float) -> dict[str, object]:
    taken = {"processor_seconds": [seconds, seconds * 2], "memory_bytes": [50e6, 60e6]}
    return {"case": name, "state": state, "tools": {"ours": taken, "uv": taken}}


def test_plot_has_each_median(tmp_path: Path) -> None:
    """Each resolved case is a mark with its median, and each tool has a line for each state."""
    cases = [
        case(f"{size} pins, resolved", state, size / 100)
        for size in (10, 1000)
        for state in ("cold", "fresh")
    ]
    assert draw(tmp_path, *cases, case("start", "fresh", 1.0)).returncode == 0
    plot = ElementTree.parse(tmp_path / "plot.svg")
    said = {mark.text for mark in plot.iterfind(f".//{SVG}circle/{SVG}title")}
    assert "pipflow, cold, 10 pins: 0.15" in said
    assert "uv, fresh, 1,000 pins: 55" in said
    assert len(said) == 2 * 2 * 2 * 2
    lines = [way for way in plot.iterfind(f".//{SVG}path") if way.get("d", "").count("L") == 1]
    assert len(lines) == 2 * 2 * 2


def test_nothing_to_draw(tmp_path: Path) -> None:
    """Runs without a resolved file of pins are no empty plot."""
    assert "none of the cases" in draw(tmp_path, case("start", "fresh", 1.0)).stderr
    assert not (tmp_path / "plot.svg").exists()
