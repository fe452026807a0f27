"""The pinned files agree with pyproject.toml and say nothing about where packages come from."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WANTED = {
    "run": PROJECT["project"]["dependencies"],
    "dev": PROJECT["dependency-groups"]["dev"],
    "e2e": PROJECT["dependency-groups"]["e2e"],
}


def pins(name: str) -> dict[str, Requirement]:
    """Return what one file pins itself, by canonical name."""
    lines = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if not line.startswith(("#", "-r "))]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


@pytest.mark.parametrize("name", ["run", "dev", "e2e"])
def test_every_wanted_package_is_pinned_within_its_bounds(name: str) -> None:
    found = pins(name)
    for wanted in map(Requirement, WANTED[name]):
        pin = found[canonicalize_name(wanted.name)]
        (exact,) = pin.specifier
        assert exact.operator == "=="
        assert wanted.specifier.contains(exact.version), pin
        assert str(pin.marker) == str(wanted.marker), pin


@pytest.mark.parametrize("name", ["run", "dev", "e2e"])
def test_every_line_is_one_exact_pin(name: str) -> None:
    line_of_a_pin = re.compile(r"[A-Za-z0-9_.-]+==[0-9][A-Za-z0-9.]*(; .+)?")
    lines = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("#") and line not in {"-r run.txt", "-r dev.txt"}]
    assert [line for line in kept if not line_of_a_pin.fullmatch(line)] == []


def test_no_package_is_pinned_twice() -> None:
    names = [name for file in WANTED for name in pins(file)]
    assert sorted(names) == sorted(set(names))
