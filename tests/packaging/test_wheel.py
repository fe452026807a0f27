"""The wheel as a user gets it: built, installed into an empty environment, used from another folder.

No index is asked. The product's own packages come from the wheel alone; its dependencies are those of the
running environment, put behind the wheel on the path of the new one.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

from support.ports import listening

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("checks", "reports", "prober")
DEADLINE_S = 120

_FOLDER = tempfile.TemporaryDirectory(prefix="prober-wheel-")


def kept() -> dict[str, str]:
    """Return the environment without what it says of Python."""
    return {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PROBER_", "PIP_"))
    }


def run(*command: str | Path, folder: Path) -> str:
    """Run a command in a folder, without what the environment says of Python; return what it printed."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env=kept(),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@functools.cache
def wheel() -> Path:
    """Build the wheel once for this module."""
    target = Path(_FOLDER.name) / "dist"
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", target, folder=ROOT)
    (built,) = target.glob("uptime_prober-*.whl")
    return built


@functools.cache
def environment() -> Path:
    """Install the wheel into a new environment; return the folder of its commands."""
    home = Path(_FOLDER.name) / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", home, folder=Path(_FOLDER.name))
    site = home / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    pip = (sys.executable, "-m", "pip", "--python", home / "bin" / "python")
    run(*pip, "install", "-q", "--no-index", "--no-deps", wheel(), folder=Path(_FOLDER.name))
    # A folder named in a .pth file is searched after site-packages, and .pth files in it (an editable install
    # of this very tree, perhaps) are not read: what the wheel lacks is not found elsewhere.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return home / "bin"


@functools.cache
def elsewhere() -> Path:
    """Return an empty folder to start from: nothing of this tree is found through the current folder."""
    folder = Path(_FOLDER.name) / "elsewhere"
    folder.mkdir()
    return folder


def test_all_packages_come_from_the_wheel() -> None:
    code = "import checks, reports, prober; print(checks.__file__, reports.__file__, prober.__file__)"
    places = run(environment() / "python", "-c", code, folder=elsewhere()).split()
    assert all(place.startswith(str(environment().parent)) for place in places), places


def test_the_command_answers() -> None:
    assert "usage" in run(environment() / "prober", "--help", folder=elsewhere()).lower()
    assert "usage" in run(environment() / "python", "-m", "prober", "--help", folder=elsewhere()).lower()


def test_the_schema_can_be_printed() -> None:
    """The schema is made from the models that ship, so it needs every check kind to be found in the wheel."""
    assert '"probes"' in run(environment() / "prober", "schema", folder=elsewhere())


def test_a_service_can_be_checked() -> None:
    with listening() as port:
        shown = run(environment() / "prober", "check", f"tcp://127.0.0.1:{port}", folder=elsewhere())
    assert "connect" in shown


def test_the_demo_serves_its_page_from_another_folder() -> None:
    """Templates, style sheet, script and stand-ins are all found in what was installed."""
    with demo() as said:
        page = _fetched(said, r"status page +(\S+)")
        metrics = _fetched(said, r"metrics +(\S+)")
    assert "Web shop" in page
    assert "<style" in page
    assert "prober_build_info" in metrics
    assert list(elsewhere().iterdir()) == []


@contextlib.contextmanager
def demo() -> Iterator[Path]:
    """Run the demo on free ports until Ctrl-C; yields the file of what it says."""
    said = Path(_FOLDER.name) / "demo"
    environ = kept() | {"PROBER_LISTEN__PUBLIC": "127.0.0.1:0", "PROBER_LISTEN__INTERNAL": "127.0.0.1:0"}
    with (
        said.open("wb") as log,
        subprocess.Popen(
            [environment() / "prober", "demo"], cwd=elsewhere(), env=environ, stdout=log, stderr=log
        ) as process,
    ):
        try:
            yield said
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(DEADLINE_S) == 0


def _fetched(said: Path, place: str) -> str:
    """Return what is served at the address that the demo names, once it does."""
    deadline = time.monotonic() + DEADLINE_S
    while (found := re.search(place, said.read_text())) is None:
        assert time.monotonic() < deadline, said.read_text()
        time.sleep(0.05)  # a process that only prints tells nobody
    with urlopen(found[1], timeout=DEADLINE_S) as answer:
        page: str = answer.read().decode()
        return page


def test_everything_in_the_packages_ships() -> None:
    """Templates, static files and type markers are as much a part of the product as its modules."""
    shipped = set(zipfile.ZipFile(wheel()).namelist())
    wanted = {
        path.relative_to(ROOT).as_posix()
        for name in PACKAGES
        for path in (ROOT / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert sorted(wanted - shipped) == []
    assert {f"{name}/py.typed" for name in PACKAGES} <= shipped


def test_nothing_but_the_packages_ships() -> None:
    names = {name.partition("/")[0] for name in zipfile.ZipFile(wheel()).namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == set(PACKAGES)
