"""Contracts as gauges: bounds, findings, budgets, burn rates; nothing where nothing is known."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import msgspec
from support.exposing import config_of, view_of
from support.months import NOW_US, months
from support.report_samples import SAMPLES
from support.samples import samples_of, value

from prober.accounts.live import Shown
from prober.metrics import Exposition
from prober.metrics.text import ratio
from reports.document import Bounds, Burn, ContractReport, Number


def exposing(*reports: ContractReport, at_us: int = NOW_US) -> Exposition:
    """Return what exposes some reports, each as the newest of its contract."""
    view = view_of(config_of({"web": "http"}))
    made = Exposition(view, None)
    made.restructure(view)
    made.show_contracts(Shown(at_us, {report.contract: (report,) for report in reports}))
    return made


def names(made: Exposition) -> set[str]:
    """Return the names of the samples that are about contracts."""
    return {name for name, _ in samples_of(made) if name.startswith("prober_contract")}


async def test_a_contract_shows_its_claim_bounds_coverage_and_finding(tmp_path: Path) -> None:
    async with months(tmp_path) as months_made:
        made, report = months_made.exposition, months_made.office.shown.newest("shop-gold")
    assert report is not None
    of = {"contract": "shop-gold"}
    assert value(made, "prober_contract_claim_ratio", **of) == 0.999
    for bound in ("lowest", "measured", "highest"):
        exact = getattr(report.availability, bound)
        told = value(made, "prober_contract_availability_ratio", **of, bound=bound)
        assert told == float(ratio(Fraction(exact.num, exact.den)))
    assert value(made, "prober_contract_coverage_ratio", **of) == 1
    findings = {
        name: value(made, "prober_contract_finding", **of, finding=name)
        for name in ("backed", "broken", "not_proven")
    }
    assert findings == {"backed": 0, "broken": 0, "not_proven": 1}
    assert value(made, "prober_contract_lost", **of) == 0
    assert value(made, "prober_contract_lost", contract="mail-internal") == 1
    assert value(made, "prober_contract_figures_timestamp_seconds") == NOW_US / 1e6


def test_what_is_left_of_the_budget_is_never_told_larger_than_it_is() -> None:
    report = SAMPLES["broken"]()
    assert report.budget is not None
    budget = msgspec.structs.replace(
        report.budget,
        unit="us",
        left=msgspec.structs.replace(
            report.budget.left, lowest=Number(num=-1, den=3), measured=Number(num=2, den=3)
        ),
    )
    made = exposing(msgspec.structs.replace(report, budget=budget))
    left = {
        bound: value(made, "prober_contract_error_budget_seconds", contract=report.contract, bound=bound)
        for bound in ("lowest", "measured")
    }
    assert left == {"lowest": -0.333334, "measured": 0.666666}


def test_each_window_has_one_burn_rate_and_none_where_nothing_was_measured() -> None:
    report = SAMPLES["broken"]()
    assert report.budget is not None
    burns = [
        Burn(long="6h", short="30m", factor="6.00", long_rate="1.25", short_rate=None, firing=False),
        Burn(long="3d", short="6h", factor="1.00", long_rate="0.50", short_rate="1.25", firing=False),
    ]
    made = exposing(
        msgspec.structs.replace(report, budget=msgspec.structs.replace(report.budget, burns=burns))
    )
    found = {
        dict(labels)["window"]: told
        for (name, labels), told in samples_of(made).items()
        if name == "prober_contract_burn_rate"
    }
    assert found == {"6h": 1.25, "3d": 0.5}


def test_imported_history_is_told() -> None:
    for name, told in (("broken", 0), ("requests", 1)):
        report = SAMPLES[name]()
        assert value(exposing(report), "prober_contract_imported", contract=report.contract) == told


def test_without_data_there_is_neither_a_ratio_nor_a_budget() -> None:
    report = msgspec.structs.replace(
        SAMPLES["broken"](),
        no_data=True,
        finding="not_proven",
        budget=None,
        availability=Bounds(lowest=None, measured=None, highest=None),
    )
    assert names(exposing(report)) == {
        "prober_contract_claim_ratio",
        "prober_contract_coverage_ratio",
        "prober_contract_finding",
        "prober_contract_lost",
        "prober_contract_imported",
        "prober_contract_figures_timestamp_seconds",
    }


def test_before_the_first_round_nothing_is_told_of_contracts() -> None:
    assert names(exposing(at_us=0)) == set()
