"""Contracts over the own API: how they stand, reports in every format, closed ones byte for byte, and refusals."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path

import pytest
from support.asking import Asker, internal
from support.json_schema import faults
from support.months import CONTRACTS, Months, months
from support.report_samples import SAMPLES
from support.served import sample

from prober.accounts.live import Shown
from prober.store.base import ClosedRow, WriteSet
from reports.render.json_format import canonical

GONE = CONTRACTS.replace("    public: true\n", "    public: true\n    effective: {to: 2026-02-01}\n")
HALVES = """\
contracts:
  - {name: shop, service: shop, claim: "99%", customers: [acme], effective: {to: 2026-03-10}}
  - {name: shop, service: shop, claim: "99.99%", customers: [zeta], effective: {from: 2026-03-10}}
"""
MEDIA = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "application/zip",
    "md": "text/markdown; charset=utf-8",
    "json": "application/json",
}
FORMAT = "/api/v1/contracts/shop-gold/report"


async def problem(api: Asker, path: str) -> tuple[int, str, str]:
    """Return status, error and hint of an answer that is none."""
    heard = await api.ask(path)
    return heard.status, heard.json["error"], heard.json["hint"]


async def closed_row(made: Months, month: str = "2026-02") -> ClosedRow:
    """Put a made-up closed report on record."""
    report = SAMPLES["backed"]()
    row = ClosedRow(
        contract="shop-gold",
        customer="acme",
        from_us=1_769_900_400_000_000,  # 2026-02-01 in Berlin
        to_us=1_772_319_600_000_000,
        revision=1,
        made_us=made.now_us(),
        digest=month.replace("-", "a") * 8,
        supersedes="",
        reason="watermark",
        body=canonical(report),
    )
    await made.store.write(WriteSet(closed=[row]))
    return row


async def test_the_list_says_how_every_contract_stands(tmp_path: Path) -> None:
    async with months(tmp_path) as made, internal(made, made.now_us) as api:
        got = (await api.ask("/api/v1/contracts")).json
        report = made.office.shown.newest("shop-gold")
    assert report is not None
    assert (got["at_us"], got["now_us"], got["problem"]) == (made.now_us(), made.now_us(), None)
    shop, mail = got["contracts"]
    assert (shop["name"], shop["title"], shop["service"], shop["customers"], shop["window"], shop["public"]) == (
        "shop-gold", "Availability of the shop", "shop", ["acme"], "month", True,
    )  # fmt: skip
    assert shop["claim"] == {"num": 999, "den": 1000, "text": "99.9"}
    current = shop["current"]
    assert (current["period"]["label"], current["finding"], current["lost"]) == (
        "2026-03",
        "not_proven",
        False,
    )
    assert current["availability"]["lowest"]["num"] == report.availability.lowest.num
    assert current["as_of"] == report.period.as_of
    assert current["budget"]["left"]["measured"]["num"] == report.budget.left.measured.num
    assert shop["earlier_parts"] == []
    assert (mail["customers"], mail["method"], mail["current"]["lost"]) == (
        ["zeta", "acme"],
        "requests",
        True,
    )


async def test_before_figures_are_worked_out_there_are_none(tmp_path: Path) -> None:
    async with months(tmp_path) as made:
        made.office.shown.reports, made.office.shown.at_us = {}, 0
        made.office.shown.problem = "the disk is gone"
        async with internal(made, made.now_us) as api:
            got = (await api.ask("/api/v1/contracts")).json
    assert (got["at_us"], got["problem"]) == (None, "the disk is gone")
    assert [one["current"] for one in got["contracts"]] == [None, None]


async def test_a_contract_that_changed_within_the_period_shows_both_parts(tmp_path: Path) -> None:
    async with months(tmp_path, contracts=HALVES) as made, internal(made, made.now_us) as api:
        (shop,) = (await api.ask("/api/v1/contracts")).json["contracts"]
        whole = (await api.ask("/api/v1/contracts/shop")).json
        only = (await api.ask("/api/v1/contracts/shop?customer=zeta")).json
    assert [part["claim"]["text"] for part in (*shop["earlier_parts"], shop["current"])] == ["99", "99.99"]
    assert [report["period"]["part"] for report in whole] == [1, 2]
    assert only["claim"]["text"] == "99.99"


async def test_a_contract_that_is_no_longer_in_force_stands_nowhere(tmp_path: Path) -> None:
    async with months(tmp_path, contracts=GONE) as made, internal(made, made.now_us) as api:
        shop, _mail = (await api.ask("/api/v1/contracts")).json["contracts"]
        told = await problem(api, "/api/v1/contracts/shop-gold")
        past = (await api.ask("/api/v1/contracts/shop-gold?month=2026-01")).json
    assert shop["current"] is None
    assert told == (400, "the contract 'shop-gold' was not in force in 2026-03", "see `effective` in it")
    assert past["period"]["label"] == "2026-01"


async def test_parameters_choose_the_period(tmp_path: Path) -> None:
    path = "/api/v1/contracts/shop-gold"
    async with months(tmp_path) as made, internal(made, made.now_us) as api:
        by_month = (await api.ask(f"{path}?month=2026-02&past=1")).json
        last_only = (await api.ask(f"{path}?past=1")).json
        by_period = (await api.ask(f"{path}?period=2026-Q1&past=0")).json
        by_dates = (
            await api.ask(f"{path}?from=2026-02-01T00:00:00Z&to=2026-02-03T00:00:00Z&fresh=true")
        ).json
    assert (by_month["period"]["from"], len(by_month["past"])) == ("2026-02-01T00:00:00+01:00", 1)
    assert [each["label"] for each in last_only["past"]] == ["2026-02"]
    assert (by_period["period"]["label"], by_period["past"]) == ("2026-Q1", [])
    assert by_dates["period"]["seconds"] == 2 * 86_400


@pytest.mark.parametrize("name", MEDIA)
async def test_a_report_comes_as_a_file_in_every_format(tmp_path: Path, name: str) -> None:
    async with months(tmp_path) as made, internal(made, made.now_us) as api:
        heard = await api.ask(f"{FORMAT}.{name}?month=2026-02&language=de&audience=customer")
    assert heard.status == 200
    assert heard.headers["Content-Type"] == MEDIA[name]
    ending = "-csv.zip" if name == "csv" else f".{name}"
    assert heard.headers["Content-Disposition"].endswith(f'filename="shop-gold-acme-2026-02{ending}"')
    if name == "csv":
        assert set(zipfile.ZipFile(io.BytesIO(heard.body)).namelist()) == {
            f"shop-gold-acme-2026-02-{table}.csv" for table in ("summary", "outages", "days")
        }
    if name == "html":
        assert 'lang="de"' in heard.text
        assert "frame-ancestors 'none'" in heard.headers["Content-Security-Policy"]


async def test_a_customers_file_holds_all_of_its_contracts_and_nothing_of_others(tmp_path: Path) -> None:
    async with months(tmp_path) as made, internal(made, made.now_us) as api:
        acme = await api.ask("/api/v1/customers/acme/report.json?month=2026-02")
        zeta = await api.ask("/api/v1/customers/zeta/report.json?month=2026-02")
        told = await problem(api, "/api/v1/customers/acmee/report.json")
    assert [report["contract"] for report in acme.json] == ["shop-gold", "mail-internal"]
    assert {report["customer"] for report in acme.json} == {"acme"}
    assert (zeta.json["contract"], zeta.json["customer_title"]) == ("mail-internal", "Zeta Hidden Ltd")
    for other in ("acme", "Acme", "shop-gold", "1234", "Confidential"):
        assert other not in zeta.text
    assert told == (404, "no customer named 'acmee'", "did you mean 'acme'?")


async def test_what_is_closed_is_listed_and_given_as_it_was_stored(tmp_path: Path) -> None:
    async with months(tmp_path) as made, internal(made, made.now_us) as api:
        row = await closed_row(made)
        listed = (await api.ask("/api/v1/closed?contract=shop-gold&customer=acme")).json
        others = (await api.ask("/api/v1/closed?customer=zeta")).json
        stored = await api.ask(f"/api/v1/closed/{row.digest}")
        missing = await problem(api, "/api/v1/closed/feed")
    (one,) = listed["reports"]
    assert (one["period"], one["revision"], one["why"], one["digest"]) == (
        "2026-02",
        1,
        "watermark",
        row.digest,
    )
    assert (listed["total"], others["total"]) == (1, 0)
    assert stored.body == row.body
    assert stored.headers["ETag"] == f'"{row.digest}"'
    assert missing == (404, "no closed report has this digest", "see /api/v1/closed")


REFUSED = {
    "/api/v1/contracts/shop-golt": (404, "no contract named 'shop-golt'", "did you mean 'shop-gold'?"),
    "/api/v1/contracts/shop-gold?customer=acm": (404, "no customer named 'acm'", "did you mean 'acme'?"),
    "/api/v1/contracts/shop-gold?customer=zeta": (
        400, "the customer 'zeta' has no contract named 'shop-gold'", "",
    ),
    "/api/v1/contracts/shop-gold?month=2026-02&period=2026-03": (
        400, "more than one period", "give one of period, month, or from and to",
    ),
    "/api/v1/contracts/shop-gold?from=2026-02-01T00:00:00Z": (
        400, "from and to belong together", "give both, or period",
    ),
    "/api/v1/contracts/shop-gold?month=2031-01": (400, "2031-01 has not begun", "name a period that has"),
    "/api/v1/contracts/shop-gold?month=2026-02&revision=3": (
        400, "there is no revision 3 of this report", "leave revision out",
    ),
    "/api/v1/contracts/shop-gold?past=99": (400, "past: '99' cannot be used", "expected a whole number up to 36"),
    f"{FORMAT}.pfd": (404, "no format is named 'pfd'", "did you mean 'pdf'?"),
    f"{FORMAT}.terminal": (404, "no format is named 'terminal'", "known: json, html, pdf, csv, xlsx, md"),
    f"{FORMAT}.md?language=xx": (
        400, "there is no catalogue for the language 'xx'", "there are: de, en, zh",
    ),
    f"{FORMAT}.md?audience=all": (
        400, "audience: 'all' cannot be used", "expected one of customer, provider",
    ),
}  # fmt: skip


async def test_what_cannot_be_meant_is_refused_with_a_hint(tmp_path: Path) -> None:
    async with months(tmp_path) as made, internal(made, made.now_us) as api:
        told = {path: await problem(api, path) for path in REFUSED}
    assert told == REFUSED


async def test_a_format_whose_package_is_missing_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)  # as if it were not there
    async with months(tmp_path) as made, internal(made, made.now_us) as api:
        status, error, hint = await problem(api, f"{FORMAT}.pdf?month=2026-02")
    assert (status, hint) == (501, "pip install 'uptime-prober[pdf]'")
    assert error == "the format pdf needs a package that is not installed"


async def test_without_an_office_contracts_are_not_kept_here() -> None:
    async with internal(sample()) as api:
        assert await problem(api, "/api/v1/contracts") == (503, "contracts are not kept here", "")


async def test_answers_fit_the_document(tmp_path: Path) -> None:
    paths = {
        "/api/v1/contracts": "/api/v1/contracts",
        "/api/v1/contracts/{name}": "/api/v1/contracts/shop-gold",
        "/api/v1/closed": "/api/v1/closed",
        "/api/v1/closed/{digest}": "",
    }
    async with months(tmp_path) as made, internal(made, made.now_us) as api:
        row = await closed_row(made)
        paths["/api/v1/closed/{digest}"] = f"/api/v1/closed/{row.digest}"
        document = (await api.ask("/api/v1/openapi.json")).json
        answers = {path: (await api.ask(asked)).json for path, asked in paths.items()}
    for path, answer in answers.items():
        content = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
        assert list(faults(answer, content["schema"], document["components"]["schemas"])) == []


async def test_an_older_figure_stays_with_its_problem(tmp_path: Path) -> None:
    """What readers share is one value: whatever it says of its age, they all say."""
    async with months(tmp_path) as made, internal(made, made.now_us) as api:
        shown: Shown = made.office.shown
        shown.problem = "the store cannot be read"
        heard = await api.ask("/api/v1/contracts")
    assert json.loads(heard.body)["problem"] == "the store cannot be read"
    assert heard.json["contracts"][0]["current"] is not None
