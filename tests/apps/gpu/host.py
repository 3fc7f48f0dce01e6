"""Samples of one GPU host, put into a store by a test."""

import secrets
from datetime import datetime
from typing import Any

from ingestion.records import GpuSample
from ingestion.store.client import Store
from ingestion.store.writer import BatchWriter
from tests.rows import nanoseconds

__all__ = ["GPU", "SERVER", "Host"]

GPU = {"hw.model": "NVIDIA H100 80GB HBM3", "spanmeter.label.pool": "spot"}
SERVER = {"spanmeter.serving.server": "vllm"}


class Host:
    """Samples of one host, put into the store."""

    def __init__(self, store: Store, project_id: int) -> None:
        self._writer = BatchWriter(store.writer)
        self._project_id = project_id
        self._samples: list[GpuSample] = []

    def add(self, at: datetime, metric: str, value: float, *, host: str = "node-1", **more: Any) -> None:
        fields = {"device": "GPU-1", "labels": GPU, **more}
        moment = nanoseconds(at)
        self._samples.append(
            GpuSample(
                project_id=self._project_id,
                metric=metric,
                host=host,
                time_ns=moment,
                value=value,
                received_ns=moment,
                **fields,
            )
        )

    def serve(self, at: datetime, metric: str, value: float, **labels: str) -> None:
        self.add(at, metric, value, device="10.0.0.1:8000", model="llama", labels={**SERVER, **labels})

    def flush(self) -> None:
        self._writer.insert_gpu_samples(self._samples, batch_id=secrets.randbits(63), token=secrets.token_hex(8))
        self._samples = []
