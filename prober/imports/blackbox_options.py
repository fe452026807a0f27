"""What the keys of an exporter's module become: options of the kinds, and notes on what means something else here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from checks.core.http_request import is_private
from checks.core.values import Secret
from prober.blackbox.modules import (
    ClientConfig,
    DnsProbe,
    HttpProbe,
    Module,
    QueryResponse,
    RecordRules,
    TlsConfig,
)
from prober.config.sources import Item

from .draft import Draft, Raw
from .prometheus import Scrape

_REFERENCE = re.compile(r"\$\{?(\d+)\}?")
_VERSIONS = {"HTTP/1.0": "1.0", "HTTP/1.1": "1.1", "HTTP/2.0": "2", "HTTP/3.0": "3"}
_NOT_CARRIED = {
    "http": (
        "no_proxy",
        "skip_resolve_phase_with_proxy",
        "proxy_connect_header",
        "http_headers",
        "body_file",
    ),
    "websocket": ("http_config",),
}
_IP = {("ip6", True): "prefer_ip6", ("ip4", True): "prefer_ip4", ("ip6", False): "ip6", ("ip4", False): "ip4"}


class _Job:
    """One module on its way to options: whoever reads it may note, once for all of its targets."""

    def __init__(self, scrape: Scrape, item: Item, draft: Draft, *, notes: bool) -> None:
        self.scrape = scrape
        self.draft = draft
        self._item = item
        self._notes = notes

    def note(self, key: str, words: str) -> None:
        """Say what a key does not become; at its own line where it stands."""
        if self._notes:
            below = next(
                (value for _, value in self._item.items() if value.is_mapping and value.get(key)), None
            )
            at = below.get(key) if below is not None else None
            self.draft.note(at or self._item, f"module {self.scrape.module}: {key}: {words}")

    def text(self, text: str) -> str:
        """Return a text for the new file."""
        return self.draft.plain(text)

    def secret(self, value: Secret | None, file: str, what: str) -> Raw:
        """Return the entry for a secret: `what`, or `what_file` where it is read from a file."""
        if file:
            return {f"{what}_file": self.text(file)}
        if value is None:
            return {}
        if self.draft.copies_secrets:
            return {what: self.text(value.reveal())}
        return {what: self.reference(what)}

    def reference(self, what: str) -> str:
        """Return a reference to a secret of the module, the same for all of its targets."""
        return self.draft.reference(self._item.line, self.scrape.module, what, shared=True)


def options_of(scrape: Scrape, module: Module, item: Item, draft: Draft, *, notes: bool) -> tuple[str, Raw]:
    """Return the kind and its options; an empty kind where the target cannot be used."""
    job = _Job(scrape, item, draft, notes=notes)
    for key in _NOT_CARRIED.get(module.prober, ()):
        if key in getattr(module, module.prober).model_fields_set:
            job.note(key, "has no counterpart, or another one: write it by hand")
    if module.prober == "http":
        return "http", _http(job, module.http)
    if module.prober == "tcp":
        tcp = module.tcp
        options: Raw = {"address": scrape.target, "ip": _ip(tcp), "source_address": tcp.source_ip_address}
        options["tls"] = _tls(job, tcp.tls_config, scrape.hostname) or tcp.tls
        options["tls"] = options["tls"] if tcp.tls or _starts_tls(tcp.query_response) else None
        return "tcp", {**options, "dialogue": _dialogue(job, tcp.query_response)}
    if module.prober == "unix":
        tls = _tls(job, module.unix.tls_config, "") if module.unix.tls else {}
        return "unix", {
            "path": scrape.target,
            "tls": tls,
            "dialogue": _dialogue(job, module.unix.query_response),
        }
    if module.prober == "dns":
        return "dns", _dns(job, module.dns)
    if module.prober == "icmp":
        icmp = module.icmp
        return "icmp", {"host": scrape.target, "ip": _ip(icmp), "packets": 1, "ttl": icmp.ttl or None,
                        "payload": max(icmp.payload_size or 28, 8), "dont_fragment": icmp.dont_fragment or None,
                        "source_address": icmp.source_ip_address}  # fmt: skip
    if module.prober == "grpc":
        return "grpc", _grpc(job, module)
    return "websocket", {"url": scrape.target, "ip": _ip(module.websocket),
                         "dialogue": _messages(job, module.websocket.query_response)}  # fmt: skip


def _http(job: _Job, http: HttpProbe) -> Raw:
    target = job.scrape.target
    options: Raw = {
        "url": job.text(target if "://" in target else f"http://{target}"),
        "method": http.method.upper(),
        "headers": _headers(job, http.headers),
        "body": job.text(http.body),
        "body_file": job.text(http.body_file),
        "redirects": None if http.follow_redirects else False,
        "ip": _ip(http),
        "tls": _tls(job, http.tls_config, job.scrape.hostname),
        "auth": _auth(job, http),
        "compression": http.compression,
        "version": "3" if http.enable_http3 else None if http.enable_http2 else "1.1",
        "body_limit": f"{http.body_size_limit}B" if http.body_size_limit else None,
        "expect": _expect(job, http),
    }
    if http.proxy_url:
        job.note("proxy_url", "credentials in it are not copied; the name is resolved by the proxy here")
        parts = urlsplit(http.proxy_url)
        options["proxy"] = {
            "url": f"{parts.scheme}://{parts.hostname}:{parts.port or 3128}",
            "resolve": "local",
        }
    if http.proxy_from_environment:
        options["proxy"] = {"from_environment": True}
    return options


def _headers(job: _Job, headers: dict[str, str]) -> Raw:
    texts: Raw = {}
    for name, value in headers.items():
        if is_private(name) and not job.draft.copies_secrets:
            texts[name] = job.reference(name)
        else:
            texts[name] = job.text(value)
    if job.scrape.hostname:
        texts["Host"] = job.text(job.scrape.hostname)
    return texts


def _expect(job: _Job, http: HttpProbe) -> Raw:
    versions = [_VERSIONS[version] for version in http.valid_http_versions if version in _VERSIONS]
    if len(versions) < len(http.valid_http_versions):
        job.note("valid_http_versions", "a version that no response ever has is left out")
    body: Raw = {
        "regex": [job.text(pattern) for pattern in http.fail_if_body_not_matches_regexp],
        "absent": [job.text(f"/{pattern}/") for pattern in http.fail_if_body_matches_regexp],
    }
    if (http.fail_if_body_matches_regexp or http.fail_if_body_not_matches_regexp) and not http.compression:
        job.note(
            "fail_if_body_matches_regexp", "bodies are decoded before they are matched, there they are not"
        )
    return {
        "status": list(http.valid_status_codes),
        "version": versions,
        "tls": "forbidden" if http.fail_if_ssl else "required" if http.fail_if_not_ssl else None,
        "headers": _header_rules(job, http),
        "body": body,
        "cel": _expressions(job, http),
    }


def _header_rules(job: _Job, http: HttpProbe) -> Raw:
    rules: Raw = {}
    for key, every in (
        ("not_regex", http.fail_if_header_matches),
        ("regex", http.fail_if_header_not_matches),
    ):
        for each in every:
            rule = rules.setdefault(each.header, {})
            if key in rule:
                job.note("fail_if_header_matches", f"of several rules for {each.header} the first is kept")
                continue
            rule[key] = job.text(each.regexp)
            if each.allow_missing:
                rule["allow_missing"] = True
    return rules


def _expressions(job: _Job, http: HttpProbe) -> list[str]:
    found = []
    if http.fail_if_body_json_matches_cel:
        found.append(job.text(f"!({http.fail_if_body_json_matches_cel})"))
    if http.fail_if_body_json_not_matches_cel:
        found.append(job.text(http.fail_if_body_json_not_matches_cel))
    return found


def _auth(job: _Job, http: ClientConfig) -> Raw:
    if http.basic_auth is not None:
        basic = http.basic_auth
        if basic.username_file:
            job.note("basic_auth", "a user name cannot be read from a file: write it as username")
        secret = job.secret(basic.password, basic.password_file, "password")
        return {"basic": {"username": job.text(basic.username), **secret}}
    if http.authorization is not None:
        if http.authorization.type.lower() != "bearer":
            job.note(
                "authorization", f"the scheme {http.authorization.type} becomes a header: write it by hand"
            )
            return {}
        return job.secret(http.authorization.credentials, http.authorization.credentials_file, "bearer")
    if http.oauth2 is not None:
        oauth2 = http.oauth2
        if oauth2.model_fields_set & {"tls_config", "proxy_url", "no_proxy", "proxy_from_environment"}:
            job.note("oauth2", "the way to the token server (TLS, proxy) is not carried over")
        secret = job.secret(oauth2.client_secret, oauth2.client_secret_file, "client_secret")
        return {"oauth2": {"token_url": oauth2.token_url, "client_id": job.text(oauth2.client_id), **secret,
                           "scopes": list(oauth2.scopes), "parameters": dict(oauth2.endpoint_params)}}  # fmt: skip
    return {}


def _tls(job: _Job, tls: TlsConfig, server_name: str) -> Raw:
    for key, inline in (("ca", tls.ca), ("cert", tls.cert), ("key", tls.key)):
        if inline:
            job.note("tls_config", f"{key} is written in the file itself: put it into a file of its own")
    if tls.insecure_skip_verify and (tls.ca_file or tls.server_name):
        job.note("tls_config", "nothing is verified, so the authorities do not matter")
    version = {"": None, "TLS10": "1.0", "TLS11": "1.1", "TLS12": "1.2", "TLS13": "1.3"}
    return {
        "verify": False if tls.insecure_skip_verify else None,
        "ca_file": job.text(tls.ca_file),
        "certificate": job.text(tls.cert_file),
        "key": job.text(tls.key_file),
        "server_name": job.text(tls.server_name or server_name),
        "min_version": version[tls.min_version],
        "max_version": version[tls.max_version],
    }


def _starts_tls(steps: Iterable[QueryResponse]) -> bool:
    return any(step.starttls for step in steps)


def _dialogue(job: _Job, steps: Sequence[QueryResponse]) -> list[Raw]:
    """One step there is up to four here. What is sent gets the line end that the exporter adds by itself."""
    found: list[Raw] = []
    for step in steps:
        if step.expect:
            labels = {label.name: job.text(_references(label.value)) for label in step.labels}
            found.append({"expect": job.text(f"(?:{step.expect})"), **({"labels": labels} if labels else {})})
        if step.expect_bytes:
            found.append({"expect_bytes": step.expect_bytes.encode().hex()})
        if step.send:
            found.append({"send": job.text(_references(step.send) + "\n")})
        if step.starttls:
            found.append({"starttls": True})
    return found


def _messages(job: _Job, steps: Sequence[QueryResponse]) -> list[Raw]:
    found: list[Raw] = []
    for step in steps:
        if step.expect:
            found.append({"expect": job.text(step.expect)})
        if step.send:
            found.append({"send": job.text(_references(step.send))})
    return found


def _references(text: str) -> str:
    """Turn `${1}` into `{1}`."""
    return _REFERENCE.sub(r"{\1}", text)


def _dns(job: _Job, dns: DnsProbe) -> Raw:
    sections = {
        name: _records(job, rules)
        for name, rules in (("answer", dns.validate_answer_rrs), ("authority", dns.validate_authority_rrs),
                            ("additional", dns.validate_additional_rrs))
    }  # fmt: skip
    return {
        "server": job.scrape.target,
        "name": dns.query_name,
        "type": dns.query_type,
        "class": dns.query_class if dns.query_class != "IN" else None,
        "transport": "tls" if dns.dns_over_tls else dns.transport_protocol,
        "recursion": None if dns.recursion_desired else False,
        "source_address": dns.source_ip_address,
        "ip": _ip(dns),
        "tls": _tls(job, dns.tls_config, "") if dns.dns_over_tls else None,
        "expect": {"rcodes": list(dns.valid_rcodes), "min_answers": 0, **sections},
    }


def _records(job: _Job, rules: RecordRules) -> Raw:
    return {
        "none": [job.text(pattern) for pattern in rules.fail_if_matches_regexp],
        "every": [job.text(pattern) for pattern in
                  (*rules.fail_if_not_matches_regexp, *rules.fail_if_all_match_regexp)],
        "any": [job.text(pattern) for pattern in rules.fail_if_none_matches_regexp],
    }  # fmt: skip


def _grpc(job: _Job, module: Module) -> Raw:
    grpc = module.grpc
    metadata = {key: job.text(values[0]) for key, values in grpc.metadata.items() if values}
    if any(len(values) > 1 for values in grpc.metadata.values()):
        job.note("metadata", "of several values of one key the first is kept")
    return {
        "address": job.scrape.target,
        "service": job.text(grpc.service),
        "metadata": metadata,
        "tls": (_tls(job, grpc.tls_config, "") or True) if grpc.tls else None,
        "ip": _ip(grpc),
    }


def _ip(block: object) -> str:
    family, fallback = getattr(block, "preferred_ip_protocol"), getattr(block, "ip_protocol_fallback")  # noqa: B009
    return _IP[family or "ip6", bool(fallback)]
