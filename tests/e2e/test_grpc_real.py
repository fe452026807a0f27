"""The grpc check against the real grpcio server and its health service, in the clear and over TLS."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from typing import Any

import pytest
from support.certs import certificates
from support.looks import codes, look
from support.ports import LOOPBACK

from checks.core.grpc_message import PREFIX_BYTES, decode_answer, encode_request
from checks.core.result import Outcome
from checks.grpc import GrpcCheck, GrpcOptions

grpc = pytest.importorskip("grpc")
health = pytest.importorskip("grpc_health.v1.health")
STATES = {"": "SERVING", "shop": "SERVING", "cellar": "NOT_SERVING"}


@contextmanager
def server(*, secure: bool = False, with_health: bool = True) -> Iterator[int]:
    """Run a server; yields its port."""
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    made = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
    if with_health:
        servicer = health.HealthServicer()
        for service, state in STATES.items():
            servicer.set(service, health_pb2.HealthCheckResponse.ServingStatus.Value(state))
        health_pb2_grpc.add_HealthServicer_to_server(servicer, made)
    if secure:
        leaf = certificates().valid
        pair = (leaf.key_file.read_bytes(), leaf.chain_file.read_bytes())
        port = made.add_secure_port(f"{LOOPBACK}:0", grpc.ssl_server_credentials([pair]))
    else:
        port = made.add_insecure_port(f"{LOOPBACK}:0")
    made.start()
    try:
        yield port
    finally:
        made.stop(None).wait()


def check(port: int, **options: Any) -> GrpcCheck:  # Any: options as a configuration file has them
    return GrpcCheck(GrpcOptions.model_validate({"address": f"{LOOPBACK}:{port}", **options}))


def tls(secure: bool) -> dict[str, Any]:
    return {"tls": {"ca_file": str(certificates().ca_file)}} if secure else {}


@pytest.mark.parametrize("secure", [False, True])
async def test_health_is_read(secure: bool) -> None:
    with server(secure=secure) as port:
        up = await look(check(port, **tls(secure)))
        shop = await look(check(port, service="shop", metadata={"x-tenant": "acme"}, **tls(secure)))
        cellar = await look(check(port, service="cellar", **tls(secure)))
        attic = await look(check(port, service="attic", **tls(secure)))
    assert (up.outcome, up.failures) == (Outcome.PASS, ())
    assert (shop.outcome, shop.facts["serving_status"]) == (Outcome.PASS, "SERVING")
    assert codes(cellar) == ["grpc_not_serving"]
    assert (codes(attic), attic.facts["grpc_status"]) == (["grpc_status"], 5)


@pytest.mark.parametrize("service", ["", "shop", "x" * 127, "x" * 128, "l\u00e4den" * 60])
def test_a_request_is_what_the_library_writes(service: str) -> None:
    from grpc_health.v1 import health_pb2

    theirs = health_pb2.HealthCheckRequest(service=service).SerializeToString()
    assert encode_request(service)[PREFIX_BYTES:] == theirs


@pytest.mark.parametrize("state", [0, 1, 2, 3, 200])
def test_an_answer_of_the_library_is_read(state: int) -> None:
    from grpc_health.v1 import health_pb2

    theirs = health_pb2.HealthCheckResponse(status=state).SerializeToString()
    assert decode_answer(b"\0" + len(theirs).to_bytes(4, "big") + theirs) == state


async def test_a_server_without_the_health_service_is_told() -> None:
    with server(with_health=False) as port:
        result = await look(check(port))
    assert (codes(result), result.facts["grpc_status"]) == (["grpc_status"], 12)


async def test_speaking_plain_to_a_tls_port_fails() -> None:
    with server(secure=True) as port:
        assert (await look(check(port))).outcome is Outcome.FAIL
