"""Uptime Kuma: the JSON file of its backup (Settings, Backup, Export; version 1) to probes.

Here: monitors by their type. Groups give their name to the probes in them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from prober.config.sources import Item

from .draft import Draft, Raw, seconds, unread

_ELSEWHERE = {
    "notificationList": "notices are configured on their own, not per probe",
    "maintenanceList": "write it under maintenance:, with the services that it concerns",
    "statusPageList": "services and page: say what the public sees",
}
_CERTIFICATE_DAYS = 21  # when Uptime Kuma begins to tell of a certificate
_INTERVAL = 60  # seconds, where a monitor says nothing
_MAX_RETRIES, _MAX_PAUSE = 5, 60  # what `confirm` allows
_MEANINGLESS = frozenset({
    "id", "weight", "type", "pathName", "childrenIDs", "parent", "active", "forceInactive", "includeSensitiveData",
    "maintenance", "screenshot", "dns_last_result", "notificationIDList", "upsideDown", "httpBodyEncoding",
    "httpBodyFormat", "gamedigGivenPortOnly", "path", "kafkaProducerSaslOptions",
})  # fmt: skip
_BODY_TYPES = {
    "json": "application/json", "xml": "text/xml; charset=utf-8", "form": "application/x-www-form-urlencoded",
}  # fmt: skip
_DEFAULTS: dict[str, tuple[object, ...]] = {  # of options that are written for every type and mean nothing then
    "resendInterval": (0,), "packetSize": (56,), "maxretries": (0,), "expiryNotification": (False,),
    "ignoreTls": (False,), "maxredirects": (10,), "dns_resolve_type": ("A",), "dns_resolve_server": ("1.1.1.1",),
    "method": ("GET",), "url": ("https://", "http://"), "grpcEnableTls": (False,), "invertKeyword": (False,),
    "kafkaProducerSsl": (False,), "kafkaProducerAllowAutoTopicCreation": (False,), "gamedigGivenPortOnly": (True,),
    "oauth_auth_method": ("client_secret_basic",), "cacheBust": (False,),
    "retryOnlyOnStatusCodeFailure": (False,), "snmpVersion": ("2c",), "jsonPathOperator": ("==",),
}  # fmt: skip


def read_uptime_kuma(root: Item, draft: Draft) -> None:
    """Read a whole backup into the draft."""
    listed = root.get("monitorList")
    monitors = listed.each() if listed is not None else []
    groups = {_text(each, "id"): _text(each, "name") for each in monitors if _text(each, "type") == "group"}
    proxies = root.get("proxyList")
    known = {_text(each, "id"): each for each in proxies.each()} if proxies is not None else {}
    for each in monitors:
        _monitor(each, draft, groups, known)
    for key, item in root.items():
        if key in _ELSEWHERE and not (item.each() and item.each()[0] is item):
            for entry in item.each():
                draft.drop(entry, f"{key} {_text(entry, 'name')}: {_ELSEWHERE[key]}")
        if key in ("version", "proxyList"):
            item.drop()
    unread(draft, [item for _, item in root.items()], "not carried over")


def _monitor(item: Item, draft: Draft, groups: dict[str, str], proxies: dict[str, Item]) -> None:
    name, kind = _text(item, "name"), _text(item, "type")
    group = groups.get(_text(item, "parent"), "")
    if kind == "group":
        item.drop()
        return
    make = _KINDS.get(kind)
    if make is None:
        draft.drop(item, f"{name}: the type {kind} is not supported and left out")
        return
    if (active := item.get("active")) is not None and active.typed in (False, 0):
        draft.drop(item, f"{name}: is paused there and left out")
        return
    if _flag(item, "upsideDown") and kind != "port":
        draft.drop(item, f"{name}: upside down (down is good) is left out")
        return
    ours, options = make(item, draft, name)
    if (proxy := proxies.get(_text(item, "proxyId"))) is not None and ours == "http":
        options["proxy"] = _proxy(proxy, draft, name)
    pace = {} if ours == "heartbeat" else _pace(item, draft, name)
    draft.add(item.line, name, ours, options, group=group, labels=_labels(item, draft, name), **pace)
    _leave(item, draft, name)


def _pace(item: Item, draft: Draft, name: str) -> Raw:
    interval = _number(item, "interval") or _INTERVAL
    retries, pause = int(_number(item, "maxretries")), _number(item, "retryInterval") or interval
    pace: Raw = {"interval": seconds(interval)}
    if (timeout := _number(item, "timeout")) > 0:
        pace["timeout"] = seconds(timeout)
    if retries > _MAX_RETRIES or (retries and pause > _MAX_PAUSE):
        draft.note(
            item,
            f"{name}: {retries} retries, {pause:g} s apart, become {_MAX_RETRIES} within a minute each at most",
        )
    pace["confirm"] = {"retries": min(retries, _MAX_RETRIES), "after": seconds(min(pause, _MAX_PAUSE))}
    return pace


def _labels(item: Item, draft: Draft, name: str) -> dict[str, str]:
    tags = item.get("tags")
    labels: dict[str, str] = {}
    for tag in tags.each() if tags is not None and not tags.is_scalar else ():
        key = re.sub("[^a-z0-9_]+", "_", _text(tag, "name").lower()).strip("_")
        if not key or key[0].isdigit():
            draft.drop(tag, f"{name}: the tag {_text(tag, 'name')} makes no name of a label")
            continue
        labels[key] = draft.plain(_text(tag, "value") or "yes")
        for looks in ("color", "id", "tag_id", "monitor_id"):
            if (value := tag.get(looks)) is not None:
                value.drop()
    return labels


def _leave(item: Item, draft: Draft, name: str) -> None:
    """Note what is left of a monitor, except what says nothing."""
    for key, value in item.items():
        if key == "notificationIDList":
            if value.is_mapping and any(True for _ in value.items()):
                draft.drop(value, f"{name}: its notices are configured on their own")
            value.drop()
        elif key == "conditions" and value.each() and value.each()[0].is_mapping:
            draft.drop(value, f"{name}: conditions: write them under expect")
        elif key == "description" and value.glimpse():
            draft.drop(value, f"{name}: description: a probe has a title and labels, no description")
        elif key in _MEANINGLESS or (
            value.is_scalar and value.glimpse() in (None, "", "{}", *_DEFAULTS.get(key, ()))
        ):
            value.drop()
    for left in item.unread():
        draft.note(left, f"{name}: {left.path.rpartition('.')[2]}: not carried over")
        left.drop()


def _http(item: Item, draft: Draft, name: str) -> tuple[str, Raw]:
    options: Raw = {
        "url": draft.plain(_text(item, "url")),
        "method": _text(item, "method"),
        "body": draft.plain(_text(item, "body")),
        "headers": _headers(item, draft, name),
        "auth": _auth(item, draft, name),
    }
    kind = _BODY_TYPES.get(_text(item, "httpBodyEncoding") or "json")
    if options["body"] and kind and not any(key.lower() == "content-type" for key in options["headers"]):
        options["headers"]["Content-Type"] = kind
    if _flag(item, "cacheBust"):
        options["unique_id"] = {"query": "uptime_kuma_cachebuster"}
    if _flag(item, "ignoreTls"):
        options["tls"] = {"verify": False}
    limit = item.get("maxredirects")
    if limit is not None:
        options["redirects"] = False if limit.typed == 0 else {"limit": limit.typed}
    options["expect"] = _expect(item, draft, name)
    return "http", options


def _expect(item: Item, draft: Draft, name: str) -> Raw:
    statuses = item.get("accepted_statuscodes")
    expect: Raw = {"status": [each.text for each in statuses.each()] if statuses is not None else []}
    if _flag(item, "expiryNotification"):
        expect["certificate_days"] = _CERTIFICATE_DAYS
    kind = _text(item, "type")
    if kind == "keyword":
        expect["body"] = {
            "absent" if _flag(item, "invertKeyword") else "contains": draft.plain(_text(item, "keyword"))
        }
    if kind == "json-query":
        expect["json"] = _json_rule(item, draft, name)
    return expect


def _json_rule(item: Item, draft: Draft, name: str) -> Raw:
    path, wanted = item.get("jsonPath"), _text(item, "expectedValue")
    text = path.text.removeprefix("$.").removeprefix("$") if path is not None else ""
    operator = _text(item, "jsonPathOperator") or "=="
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*|\[\d+\])*", text) or operator not in (
        "==",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
    ):
        draft.note(
            path or item,
            f"{name}: the expression {text} is JSONata and no plain path: write it as JSONPath under expect.json",
        )
        return {}
    draft.note(path or item, f"{name}: {text} is compared by type here: {wanted} is taken as JSON has it")
    return {f"$.{text}": {operator: _json_value(wanted, draft)}}


def _json_value(text: str, draft: Draft) -> object:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    return value if isinstance(value, int | float | bool) else draft.plain(text)


def _headers(item: Item, draft: Draft, name: str) -> dict[str, str]:
    found = item.get("headers")
    if found is None or not found.text.strip():
        return {}
    try:
        headers = json.loads(found.text)
    except ValueError:
        headers = None
    if not isinstance(headers, dict) or not all(
        isinstance(value, str | int | float) for value in headers.values()
    ):
        draft.note(found, f"{name}: headers: not an object of texts")
        return {}
    return {
        key: draft.reference(found.line, name, key)
        if _is_private(key) and not draft.copies_secrets
        else draft.plain(str(value))
        for key, value in headers.items()
    }


def _is_private(header: str) -> bool:
    from checks.core.http_request import is_private

    return is_private(header)


def _auth(item: Item, draft: Draft, name: str) -> Raw:
    method = _text(item, "authMethod")
    user, secret = item.get("basic_auth_user"), item.get("basic_auth_pass")
    if method == "basic" and user is not None and secret is not None:
        return {
            "basic": {"username": draft.plain(user.text), "password": draft.secret(secret, name, "password")}
        }
    if method == "oauth2-cc":
        secret = item.get("oauth_client_secret")
        return {"oauth2": {
            "token_url": _text(item, "oauth_token_url"),
            "client_id": _text(item, "oauth_client_id"),
            "client_secret": draft.secret(secret, name, "client_secret") if secret is not None else "",
            "scopes": _text(item, "oauth_scopes").split(),
            "in": "body" if _text(item, "oauth_auth_method") == "client_secret_post" else "",
        }}  # fmt: skip
    if method not in ("", "null"):
        draft.note(item, f"{name}: the authentication {method} is not supported")
    return {}


def _proxy(proxy: Item, draft: Draft, name: str) -> Raw:
    protocol, host, port = _text(proxy, "protocol"), _text(proxy, "host"), _text(proxy, "port")
    if protocol not in ("http", "https"):
        draft.note(proxy, f"{name}: a proxy of the protocol {protocol} is not supported")
        return {}
    if _flag(proxy, "auth"):
        draft.note(proxy, f"{name}: write the credentials of the proxy {host} into proxy.url")
    return {"url": f"http://{host}:{port}"}


def _port(item: Item, _draft: Draft, _name: str) -> tuple[str, Raw]:
    return "tcp", {"address": _address(item), "state": "closed" if _flag(item, "upsideDown") else None}


def _ping(item: Item, _draft: Draft, _name: str) -> tuple[str, Raw]:
    size = int(_number(item, "packetSize"))
    return "icmp", {"host": _text(item, "hostname"), "packets": 1, "payload": max(size, 8) if size else None}


def _dns(item: Item, draft: Draft, name: str) -> tuple[str, Raw]:
    servers = _text(item, "dns_resolve_server").split(",")
    if len(servers) > 1:
        draft.note(item, f"{name}: of several name servers the first is asked; write a probe for each other")
    port = _text(item, "port")
    server = servers[0].strip()
    options = {
        "name": _text(item, "hostname"),
        "type": _text(item, "dns_resolve_type"),
        "server": f"{server}:{port}" if port else server,
    }
    return "dns", options


def _push(item: Item, draft: Draft, name: str) -> tuple[str, Raw]:
    token = item.get("pushToken")
    draft.note(item, f"{name}: the job must call /ping/TOKEN here, in place of /api/push/TOKEN")
    reference = draft.token(token, name) if token is not None else draft.reference(item.line, name, "token")
    interval = _number(item, "interval") or _INTERVAL
    return "heartbeat", {
        "token": reference,
        "period": seconds(interval),
        "grace": seconds(_number(item, "retryInterval") * _number(item, "maxretries")),
    }


def _grpc(item: Item, draft: Draft, name: str) -> tuple[str, Raw]:
    for key in ("grpcProtobuf", "grpcBody", "grpcMethod", "grpcMetadata", "keyword"):
        draft.drop(item.get(key), f"{name}: {key}: the health service is asked here, no call of your own")
    url = _text(item, "grpcUrl")
    return "grpc", {
        "address": url.partition("://")[2] or url,
        "service": _text(item, "grpcServiceName"),
        "tls": _flag(item, "grpcEnableTls"),
    }


def _smtp(item: Item, _draft: Draft, _name: str) -> tuple[str, Raw]:
    return "smtp", {"address": _address(item)}


def _websocket(item: Item, draft: Draft, _name: str) -> tuple[str, Raw]:
    return "websocket", {"url": draft.plain(_text(item, "url"))}


def _address(item: Item) -> str:
    host = _text(item, "hostname")
    return f"[{host}]:{_text(item, 'port')}" if ":" in host else f"{host}:{_text(item, 'port')}"


def _text(item: Item, key: str) -> str:
    found = item.get(key)
    return found.text if found is not None else ""


def _flag(item: Item, key: str) -> bool:
    found = item.get(key)
    return found is not None and found.typed in (True, 1)


def _number(item: Item, key: str) -> float:
    found = item.get(key)
    value = found.typed if found is not None else 0
    return value if isinstance(value, int | float) else 0


_Make = Callable[[Item, Draft, str], tuple[str, Raw]]
_KINDS: dict[str, _Make] = {
    "http": _http, "keyword": _http, "json-query": _http, "port": _port, "ping": _ping, "dns": _dns, "push": _push,
    "grpc-keyword": _grpc, "smtp": _smtp, "websocket-upgrade": _websocket,
}  # fmt: skip
