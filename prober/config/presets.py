"""Presets: how well-known providers word their promises, as the keys of a contract.

Here: the table, and filling a contract from it. Each preset names the text that it follows and its date; where a text
leaves something open, the choice that was made is written down. A preset is a start, not the contract itself.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from .faults import did_you_mean
from .terms import text_as, wrong

Terms = dict[str, Any]  # Any: what a contract in YAML may hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One provider's wording."""

    name: str
    title: str
    source: str
    dated: str
    """The date of the text, as far as it is known."""
    terms: Mapping[str, Any]  # Any: as above
    choices: tuple[str, ...] = ()
    """What the text leaves open, and how it is read here."""
    unsaid: tuple[str, ...] = ()
    """What the text says and no key can."""


def _tiers(*rows: tuple[str, str]) -> list[Terms]:
    return [{"below": below, "credit": credit} for below, credit in rows]


def _days(*rows: tuple[str, int]) -> list[Terms]:
    return [{"below": below, "days": days} for below, days in rows]


_FIVE_PERCENT: Terms = {"minutes": {"threshold": "5%"}}
_WHOLE_MINUTE: Terms = {"minutes": {"threshold": "all"}}
_BY_FIVE_MINUTES: Terms = {"slices": {"length": "5m", "empty": "zero"}}
_SECOND_CYCLE = "a claim must come before the end of the second billing cycle after the month"
_OVER_A_DOLLAR = (
    "a credit of one dollar or less is not paid: write `credit_terms.minimum` in the currency of your fee"
)
_OF_REQUESTS = "the provider counts the customer's own requests, we count checks"
_DEPLOYED = "minutes are summed over the customer's resources"

_ALL = (
    Preset(
        name="aws-s3-2023",
        title="Amazon S3, Standard class",
        source="aws.amazon.com/s3/sla/historical",
        dated="November 2023",
        terms={
            "claim": "99.9%",
            "window": "month",
            "timezone": "UTC",
            "method": _BY_FIVE_MINUTES,
            "credits": _tiers(("99.9%", "10%"), ("99.0%", "25%"), ("95.0%", "100%")),
            "credit_terms": {"must_be_claimed": True},
        },
        choices=("the billing month is taken as the calendar month in UTC",),
        unsaid=(
            "only internal errors count: let the check expect what is not one",
            "classes with infrequent access begin at 99.0%",
            _SECOND_CYCLE,
            _OVER_A_DOLLAR,
        ),
    ),
    Preset(
        name="aws-compute-2022",
        title="Amazon Compute, region level",
        source="aws.amazon.com/compute/sla/historical; the two lower tiers from third parties",
        dated="2022",
        terms={
            "claim": "99.99%",
            "window": "month",
            "timezone": "UTC",
            "method": _WHOLE_MINUTE,
            "credits": _tiers(("99.99%", "10%"), ("99.0%", "30%"), ("95.0%", "100%")),
            "credit_terms": {"must_be_claimed": True},
        },
        choices=("a minute is unavailable if every attempt in it failed",),
        unsaid=("the other promise, 99.5% for a single instance", _SECOND_CYCLE, _OVER_A_DOLLAR),
    ),
    Preset(
        name="google-compute-2020",
        title="Google Compute Engine, several zones",
        source="cloud.google.com/compute/sla-20200113",
        dated="13 January 2020",
        terms={
            "claim": "99.99%",
            "window": "month",
            "method": {"periods": {"minutes": 1, "threshold": "all"}},
        },
        choices=("a minute in which every attempt failed is a whole minute of down time",),
        unsaid=("the table of credits was not read: add `credits` from your contract",),
    ),
    Preset(
        name="google-functions-2018",
        title="Google Cloud Functions",
        source="cloud.google.com/functions/sla-20180406",
        dated="6 April 2018",
        terms={
            "claim": "99.5%",
            "window": "month",
            "method": {"minutes": {"threshold": "10%", "min_attempts": 1}},
            "credits": _tiers(("99.5%", "10%"), ("99.0%", "25%"), ("95.0%", "50%")),
        },
        choices=(
            "the text wants 100 attempts in a minute; checks make a few, and every minute would be unknown, "
            "so one is enough here",
        ),
        unsaid=(_OF_REQUESTS,),
    ),
    Preset(
        name="google-workspace",
        title="Google Workspace",
        source="workspace.google.com/terms/sla.html; days of service from cloud.google.com/terms/identity/sla",
        dated="undated copies, read in November 2026",
        terms={
            "claim": "99.9%",
            "window": "month",
            "method": _FIVE_PERCENT,
            "credits": _days(("99.9%", 3), ("99.0%", 7), ("95.0%", 15)),
            "credit_terms": {"must_be_claimed": True},
        },
        choices=("the days of service are those of the sister text for Cloud Identity",),
        unsaid=("the error rate is that of users, seen by the server",),
    ),
    Preset(
        name="gmail-isp",
        title="Gmail for internet providers",
        source="workspace.google.com/terms/partner_sla.html",
        dated="undated copy, read in November 2026",
        terms={
            "claim": "99.9%",
            "window": "month",
            "method": {"periods": {"minutes": 10, "threshold": "5%"}},
            "maintenance": {"rule": "keep", "notice": "120h", "max_per_year": "12h"},
        },
        choices=(
            "five days of notice are 120 hours",
            "announced time stays in the whole, as the formula has it",
        ),
        unsaid=(
            "credits: 10% between 99.0% and 99.9%, 25% between 95.0% and 99.0%; the text does not say to which the "
            "edges belong, and its lowest tier was not read: add `credits` from your contract",
            "the error rate is that of users, seen by the server",
        ),
    ),
    Preset(
        name="azure-network",
        title="Azure network services",
        source="Microsoft, Service Level Agreement for Online Services; Azure Private Link",
        dated="September 2026",
        terms={"window": "month", "method": _WHOLE_MINUTE},
        choices=("a minute is down if all attempts in it failed",),
        unsaid=("the claim and the credits differ by service: write `claim` and `credits`", _DEPLOYED),
    ),
    Preset(
        name="azure-dns-2026",
        title="Azure DNS",
        source="Microsoft, Service Level Agreement for Online Services",
        dated="September 2026",
        terms={
            "claim": "100%",
            "window": "month",
            "method": _WHOLE_MINUTE,
            "credits": _tiers(("100%", "10%"), ("99.99%", "25%"), ("99.5%", "100%")),
        },
        choices=(
            "a minute in which every attempt failed stands for retries over 60 seconds without an answer",
        ),
        unsaid=("an answer has 2 seconds: write `within: 2s` or a timeout of 2s at the check", _DEPLOYED),
    ),
    Preset(
        name="atlassian-2024",
        title="Atlassian Cloud, Premium",
        source="atlassian.com/legal/sla/service-credits",
        dated="7 October 2024",
        terms={
            "claim": "99.90%",
            "window": "month",
            "timezone": "UTC",
            "method": _FIVE_PERCENT,
        },
        unsaid=(
            "Enterprise promises 99.95%: write `claim`",
            "the table of credits was read only as far as 10% at 99.86%: add `credits` and "
            "`credit_terms: {claim_within: 15d, must_be_claimed: true}`",
            _OF_REQUESTS,
            "the provider's own monitoring is the sole truth there",
        ),
    ),
    Preset(
        name="github-2021",
        title="GitHub Online Services",
        source="docs.github.com, GitHub Online Services SLA",
        dated="2021",
        terms={
            "claim": "99.9%",
            "window": "quarter",
            "method": _FIVE_PERCENT,
            "credits": _tiers(("99.9%", "10%"), ("99.0%", "25%")),
        },
        choices=(
            "the published table pays 10% at 99.9% or less but above 99.0%, and 25% below 99.0%: exactly 99.0% has no "
            "tier there, and belongs to the 10% here",
            "exactly 99.9% both keeps the promise of at least 99.9% and is paid for there; it keeps the promise here, "
            "and nothing is due",
        ),
        unsaid=("Actions are counted by requests", "a minute is also down by the provider's own monitors"),
    ),
    Preset(
        name="slack-2024",
        title="Slack",
        source="slack.com/policy-archives/service-level-agreement/2024-06-14",
        dated="14 June 2024",
        terms={
            "claim": "99.99%",
            "window": "quarter",
            "method": _WHOLE_MINUTE,
            "maintenance": {"rule": "keep", "notice": "48h", "max_per_year": "10h"},
            "credit_terms": {"multiple": 10},
        },
        choices=("a minute is down if every attempt in it failed", "announced time stays in the whole"),
        unsaid=("down time is found by several means of the provider's own",),
    ),
    Preset(
        name="auth0",
        title="Okta Auth0",
        source="Auth0, Service Levels (a copy)",
        dated="undated copy, read in November 2026",
        terms={
            "claim": "99.99%",
            "window": "month",
            "method": _WHOLE_MINUTE,
            "credits": _tiers(("99.99%", "5%"), ("99.9%", "10%"), ("99.0%", "20%"), ("95.0%", "50%")),
        },
        choices=("a minute is successful if any attempt in it was",),
        unsaid=("emergency maintenance is excluded: write it as an exclusion with who approved it",),
    ),
    Preset(
        name="mulesoft",
        title="MuleSoft Cloud Offerings",
        source="mulesoft.com/legal/cloud-offerings-SLA-for-Salesforce-uMSA",
        dated="undated copy, read in November 2026",
        terms={"claim": "99.99%", "window": "month", "method": _WHOLE_MINUTE},
        choices=("a minute is unavailable if every attempt in it failed",),
        unsaid=(
            "credits begin below 99.95%, not below the claim, and their table was not read: add `credits` and "
            "`credit_terms: {claim_within: 10d, must_be_claimed: true}`",
            "a credit is a share of a twelfth of the yearly fee, by the share of cores that were hit",
        ),
    ),
    Preset(
        name="cloudflare-business",
        title="Cloudflare Business",
        source="cloudflare.com/business-sla",
        dated="undated copy, read in November 2026",
        terms={
            "claim": "100%",
            "window": "month",
            "method": "time",
            "denominator": "eligible",
            "maintenance": {"rule": "shrink"},
            "credit_terms": {"multiple": 1},
        },
        choices=("all customers are taken as affected",),
        unsaid=(
            "down time is weighted by the share of customers it hit",
            "only downtime that the customer planned is taken out of the whole",
            "Enterprise contracts pay 10 or 25 times: write `credit_terms.multiple`",
        ),
    ),
    Preset(
        name="telecom-eline",
        title="Ethernet line of a telecom carrier",
        source="Verizon E-Line, service level clauses",
        dated="undated copy, read in November 2026",
        terms={"window": "month", "method": "time", "denominator": "43200m"},
        choices=("every month has 43,200 minutes there, whatever its length",),
        unsaid=(
            "down time runs from the trouble ticket on; here it runs from what was measured",
            "the claim and the credits are those of the line: write `claim` and `credits`",
            "the right to leave after three bad months",
        ),
    ),
    Preset(
        name="wasabi",
        title="Wasabi object storage",
        source="wasabi.com, service level agreement (a copy)",
        dated="undated copy, read in November 2026",
        terms={"window": "month", "method": _BY_FIVE_MINUTES},
        unsaid=("the claim and the credits were not read: write `claim` and `credits`",),
    ),
    Preset(
        name="cloudflare-r2-2025",
        title="Cloudflare R2",
        source="cloudflare.com/r2-service-level-agreement",
        dated="8 July 2025",
        terms={"claim": "99.9%", "window": "rolling 30d", "method": _BY_FIVE_MINUTES},
        choices=("an interval without a request has no errors, as with S3",),
        unsaid=(
            "only the statuses 500, 502, 503 and 504 count, throttled requests do not: let the check expect the rest",
            "the table of credits was not read: add `credits` from your contract",
        ),
    ),
)

PRESETS: Mapping[str, Preset] = {preset.name: preset for preset in _ALL}
"""Every preset by its name."""


def fill(document: Mapping[str, Any]) -> None:  # Any: whatever the file holds
    """Add the keys of its preset to each contract that names one; keys that it has itself stay as they are."""
    contracts = document.get("contracts")
    for contract in contracts if isinstance(contracts, list) else ():
        name = contract.get("preset") if isinstance(contract, dict) else None
        preset = PRESETS.get(name) if isinstance(name, str) else None
        if preset is not None:
            for key, value in preset.terms.items():
                contract.setdefault(key, copy.deepcopy(value))


def _preset(text: str) -> str:
    if text not in PRESETS:
        raise wrong("no such preset", did_you_mean(text, list(PRESETS)) or "they are in docs/presets.md")
    return text


PresetName = Annotated[
    str,
    PlainValidator(lambda value: text_as(value, _preset, "expected the name of a preset")),
    WithJsonSchema({"type": "string", "examples": ["github-2021"]}),
]
