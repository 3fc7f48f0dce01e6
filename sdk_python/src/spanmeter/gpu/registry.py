"""Every source the agent knows: one file and one line here. docs/gpu.md lists them; a test compares."""

from spanmeter.gpu.dcgm import DCGM
from spanmeter.gpu.llama_cpp import LLAMA_CPP
from spanmeter.gpu.serving import Server
from spanmeter.gpu.sglang import SGLANG
from spanmeter.gpu.tgi import TGI
from spanmeter.gpu.triton import TRITON
from spanmeter.gpu.vllm import VLLM

__all__ = ["SERVERS", "server_named"]

SERVERS: tuple[Server, ...] = (VLLM, SGLANG, TGI, TRITON, LLAMA_CPP, DCGM)


def server_named(name: str) -> Server:
    """Return a kind of server. Raises ValueError, which names those there are."""
    for server in SERVERS:
        if server.name == name:
            return server
    known = ", ".join(server.name for server in SERVERS)
    raise ValueError(f"{name!r} is no source that is known; known are nvml, {known}")
