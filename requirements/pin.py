"""Write requirements/{run,dev,e2e}.txt: the exact versions that a fresh environment gets today.

Run by `make pins`. Reads names and lower bounds from pyproject.toml, installs them in a new environment layer
by layer, and writes what each layer added. Addresses of indexes and paths never get into the files.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = (
    "# Exact versions for Python 3.11 to 3.13, made by `make pins` from pyproject.toml; not edited by hand.\n"
)


def layers() -> dict[str, list[str]]:
    """Return the requirements that each file adds to those before it, in the order of installation."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    return {"run": project["project"]["dependencies"], "dev": groups["dev"], "e2e": groups["e2e"]}


def markers(requirements: list[str]) -> dict[str, str]:
    """Return the environment marker of every requirement that has one, by its name in lower case."""
    parts = (requirement.partition(";") for requirement in requirements)
    return {re.split(r"[<>=!~\[ ]", name)[0].lower(): marker.strip() for name, _, marker in parts if marker}


def freeze(python: Path) -> set[str]:
    """Return what is installed, as `name==version` lines."""
    command = [str(python), "-m", "pip", "freeze", "--disable-pip-version-check"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return {line for line in done.stdout.splitlines() if "==" in line}


def write(name: str, before: str, lines: set[str], known: dict[str, str]) -> None:
    """Write one file: the file it builds on, then its pins in order of name."""
    text = HEADER + (f"-r {before}.txt\n" if before else "")
    for line in sorted(lines, key=str.lower):
        marker = known.get(line.partition("==")[0].lower())
        text += f"{line}; {marker}\n" if marker else f"{line}\n"
    (ROOT / "requirements" / f"{name}.txt").write_text(text, encoding="utf-8")


def main() -> None:
    """Install the layers one after the other and write a file after each."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = Path(folder) / "bin" / "python"
        pinned: set[str] = set()
        before = ""
        for name, requirements in layers().items():
            pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, *requirements], check=True)
            write(name, before, freeze(python) - pinned, markers(requirements))
            pinned, before = freeze(python), name


if __name__ == "__main__":
    main()
