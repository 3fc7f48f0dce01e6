"""A gateway that serves OTLP over gRPC, and clients of it."""

import pytest

from tests.proxy.grpc.client import GrpcClient


@pytest.fixture
def gateway(make_gateway):
    return make_gateway(grpc=True)


@pytest.fixture
def dial():
    made = []

    def build(gateway, **options):
        port = gateway if isinstance(gateway, int) else gateway.grpc_port
        made.append(GrpcClient(port, **options))
        return made[-1]

    yield build
    for one in made:
        one.close()
