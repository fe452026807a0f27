"""Presets: each loads as it is, says where it comes from, and yields to the keys of the contract."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from support.configs import faults_of, loaded

from prober.config.contracts import ContractBlock
from prober.config.presets import PRESETS
from prober.config.presets_document import render

PAGE = Path(__file__).parents[2] / "docs" / "presets.md"
BASE = "probes: [{name: web, tcp: {address: 'x:1'}}]\nservices: [{name: shop, probes: [web]}]\n"


def with_preset(name: str, more: str = "") -> str:
    """Return a file with one contract that begins with a preset."""
    return f"{BASE}contracts: [{{name: c, service: shop, preset: {name}{more}}}]\n"


def contract(name: str, more: str = "") -> ContractBlock:
    """Return the contract of such a file."""
    return loaded(with_preset(name, more)).contracts[0]


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_makes_a_contract_with_no_more_than_a_claim(name: str) -> None:
    claim = "" if "claim" in PRESETS[name].terms else ", claim: '99.9%'"
    found = contract(name, claim)
    assert found.preset == name
    assert found.method.name in str(PRESETS[name].terms["method"])


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_names_its_source_its_date_and_what_it_leaves_out(name: str) -> None:
    preset = PRESETS[name]
    assert preset.source
    assert preset.dated
    assert preset.unsaid


@pytest.mark.parametrize("name", [name for name in PRESETS if "claim" not in PRESETS[name].terms])
def test_a_preset_without_a_claim_leaves_it_to_the_contract(name: str) -> None:
    assert faults_of(with_preset(name)) == ["probes.yaml:3:13: contracts.0.claim: required, but missing"]


def test_a_key_of_the_contract_replaces_that_of_the_preset_as_a_whole() -> None:
    plain, own = contract("slack-2024"), contract("slack-2024", ", maintenance: {notice: 24h}, window: month")
    assert plain.maintenance is not None
    assert (plain.maintenance.max_per_year_us, plain.window.unit) == (36_000_000_000, "quarter")
    assert own.maintenance is not None
    assert (own.maintenance.notice_us, own.maintenance.max_per_year_us) == (86_400_000_000, None)
    assert (own.window.unit, own.claim) == ("month", plain.claim)


def test_a_fault_of_a_presets_key_points_at_the_contract() -> None:
    (found,) = faults_of(with_preset("github-2021", ", claim: '99.8%'"))
    assert found.startswith(
        "probes.yaml:3:13: contracts.0.credits: credit tiers overlap the claim: [99 %, 99.9 %)"
    )


def test_the_edges_that_github_leaves_open_are_chosen_and_said() -> None:
    tiers = contract("github-2021").credits
    assert [(tier.below, tier.credit) for tier in tiers] == [
        (Fraction(999, 1000), Fraction(1, 10)),
        (Fraction(99, 100), Fraction(1, 4)),
    ]
    said = " ".join(PRESETS["github-2021"].choices)
    assert "exactly 99.0% has no tier" in said
    assert "exactly 99.9%" in said


def test_what_a_preset_holds_is_not_shared_between_contracts() -> None:
    rows = "{name: a, service: shop, preset: auth0}, {name: b, service: shop, preset: auth0}"
    first, second = loaded(f"{BASE}contracts: [{rows}]\n").contracts
    assert first.credits == second.credits
    assert PRESETS["auth0"].terms["credits"][0] == {"below": "99.99%", "credit": "5%"}


@pytest.mark.parametrize("preset", ["7", "[auth0]", "~", "{}"])
def test_what_names_no_preset_is_a_fault_and_no_crash(preset: str) -> None:
    text = with_preset(preset, ", claim: '99%'")
    assert (faults_of(text) == []) == (preset == "~")


def test_the_page_is_the_one_the_table_gives() -> None:
    if PAGE.read_text(encoding="utf-8") != render():
        pytest.fail("run: python -m prober.config.presets_document > docs/presets.md")
