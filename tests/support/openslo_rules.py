"""What OpenSLO v1 asks of a document, written down from its specification; knows nothing of our export."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

NAME = re.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
ANNOTATION = re.compile(
    r"([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*/)?"
    r"[a-zA-Z0-9]([-._a-zA-Z0-9]{0,61}[a-zA-Z0-9])?"
)
DURATION = re.compile("[1-9][0-9]*[mhdwMQY]")
KINDS = {"SLO", "SLI", "AlertPolicy", "AlertCondition", "AlertNotificationTarget", "Service"}
SLICED = {"Timeslices": {"timeSliceTarget", "timeSliceWindow"}, "RatioTimeslices": {"timeSliceWindow"}}


def broken(documents: list[Any]) -> list[str]:
    """Return every rule that the documents of one file break."""
    names = {kind: [each["metadata"]["name"] for each in documents if each["kind"] == kind] for kind in KINDS}
    found = [f"{kind} {name}: twice" for kind, own in names.items() for name in own if own.count(name) > 1]
    for document in documents:
        who = f"{document['kind']} {document['metadata']['name']}"
        found += [f"{who}: {fault}" for fault in _document(document, names)]
    return found


def _document(document: dict[str, Any], names: dict[str, list[str]]) -> Iterator[str]:
    if set(document) != {"apiVersion", "kind", "metadata", "spec"} or document["apiVersion"] != "openslo/v1":
        yield f"keys {sorted(document)}"
    meta = document["metadata"]
    if not set(meta) <= {"name", "displayName", "annotations"}:
        yield f"metadata {sorted(meta)}"
    if not NAME.fullmatch(meta["name"]):
        yield "its name"
    if len(meta.get("displayName", "")) > 63:
        yield "its displayName is too long"
    for key, value in meta.get("annotations", {}).items():
        if not ANNOTATION.fullmatch(key) or not isinstance(value, str):
            yield f"the annotation {key}"
    if len(document["spec"].get("description", "")) > 1050:
        yield "its description is too long"
    yield from {
        "SLO": _slo, "SLI": _sli, "AlertCondition": _condition, "AlertPolicy": _policy, "Service": _nothing,
        "AlertNotificationTarget": _nothing,
    }[document["kind"]](document["spec"], names)  # fmt: skip


def _nothing(spec: dict[str, Any], _: Any) -> Iterator[str]:
    if not set(spec) <= {"description", "target"}:
        yield f"spec {sorted(spec)}"


def _slo(spec: dict[str, Any], names: dict[str, list[str]]) -> Iterator[str]:
    known = {
        "description",
        "service",
        "indicatorRef",
        "timeWindow",
        "budgetingMethod",
        "objectives",
        "alertPolicies",
    }
    if not set(spec) <= known or spec["service"] not in names["Service"]:
        yield f"spec {sorted(spec)}"
    composite = [each for each in spec["objectives"] if "indicatorRef" in each]
    if ("indicatorRef" in spec) == bool(composite) or len(composite) not in (0, len(spec["objectives"])):
        yield "an indicator above, or one in each objective"
    for each in (spec, *composite):
        if each.get("indicatorRef", names["SLI"][0]) not in names["SLI"]:
            yield "an indicator that is not there"
    yield from _window(spec["timeWindow"])
    for objective in spec["objectives"]:
        yield from _objective(objective, spec["budgetingMethod"])
    for policy in spec.get("alertPolicies", ()):
        if policy["alertPolicyRef"] not in names["AlertPolicy"]:
            yield "an alert policy that is not there"


def _objective(objective: dict[str, Any], method: str) -> Iterator[str]:
    wanted = {"target", *SLICED.get(method, ())}
    if set(objective) - {"displayName", "indicatorRef", "compositeWeight"} != wanted:
        yield f"objective {sorted(objective)} of {method}"
    if not 0 <= objective["target"] < 1 or isinstance(objective["target"], str):
        yield f"target {objective['target']}"
    if not 0 < objective.get("timeSliceTarget", 1) <= 1:
        yield "timeSliceTarget"
    if not DURATION.fullmatch(objective.get("timeSliceWindow", "1m")):
        yield "timeSliceWindow"
    if not objective.get("compositeWeight", 1) > 0:
        yield "compositeWeight"


def _window(windows: list[dict[str, Any]]) -> Iterator[str]:
    if len(windows) != 1 or not DURATION.fullmatch(windows[0]["duration"]):
        yield "exactly one time window"
    calendar = windows[0].get("calendar")
    if windows[0]["isRolling"] == (calendar is not None):
        yield "a calendar, or rolling"
    if calendar is not None:
        datetime.strptime(calendar["startTime"], "%Y-%m-%d %H:%M:%S")
        ZoneInfo(calendar["timeZone"])


def _sli(spec: dict[str, Any], _: Any) -> Iterator[str]:
    ratio = spec["ratioMetric"]
    if set(spec) != {"ratioMetric"} or set(ratio) != {"counter", "bad", "total"}:
        yield "a ratio of bad and total"
    for key in ("bad", "total"):
        source = ratio[key]["metricSource"]
        if source["type"] != "Prometheus" or not source["spec"]["query"]:
            yield f"{key}: a source with a query"


def _condition(spec: dict[str, Any], _: Any) -> Iterator[str]:
    condition = spec["condition"]
    if set(spec) != {"severity", "condition"}:
        yield f"spec {sorted(spec)}"
    if set(condition) != {"kind", "op", "threshold", "lookbackWindow", "alertAfter"}:
        yield f"condition {sorted(condition)}"
    if condition["kind"] != "burnrate" or condition["op"] not in ("lte", "gte", "lt", "gt"):
        yield "kind and op"
    if isinstance(condition["threshold"], str):
        yield "threshold"
    if not all(DURATION.fullmatch(condition[key]) for key in ("lookbackWindow", "alertAfter")):
        yield "lengths of time"


def _policy(spec: dict[str, Any], names: dict[str, list[str]]) -> Iterator[str]:
    if [each["conditionRef"] in names["AlertCondition"] for each in spec["conditions"]] != [True]:
        yield "exactly one condition"
    targets = [each["targetRef"] in names["AlertNotificationTarget"] for each in spec["notificationTargets"]]
    if not targets or not all(targets):
        yield "targets"
