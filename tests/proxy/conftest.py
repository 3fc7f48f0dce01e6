"""A gateway in front of a scripted upstream, each test its own."""

import pytest

from tests.proxy.harness import RawClient, RunningGateway, make_database
from tests.proxy.upstream import Upstream


@pytest.fixture
def home(tmp_path):
    home = tmp_path / "home"
    make_database(home)
    return home


@pytest.fixture
def make_upstream():
    made = []

    def build(script=None, **options):
        made.append(Upstream(script, **options))
        return made[-1]

    yield build
    for one in made:
        one.close()


@pytest.fixture
def upstream(make_upstream):
    return make_upstream()


@pytest.fixture
def make_gateway(home):
    made = []

    def build(upstream=None, *, grpc=False, **environment):
        if upstream is not None:
            environment = {
                "SPANMETER_UPSTREAM_OPENAI": upstream.url,
                "SPANMETER_UPSTREAM_ANTHROPIC": upstream.url,
            } | environment
        made.append(RunningGateway(home, grpc=grpc, **environment))
        return made[-1]

    yield build
    for one in made:
        one.stop()


@pytest.fixture
def gateway(make_gateway, upstream):
    return make_gateway(upstream)


@pytest.fixture
def connect():
    made = []

    def build(gateway):
        made.append(RawClient(gateway.port))
        return made[-1]

    yield build
    for one in made:
        one.close()
