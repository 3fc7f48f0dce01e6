"""`spanmeter gpu`: what the GPUs of a host and the inference servers on it are doing, as OTLP metrics.

A source answers with points or raises; a value that could not be read is a missing point, never a zero. Runs beside
the work it watches, so it needs the standard library only (and nvidia-ml-py to read NVIDIA's GPUs).
"""

from spanmeter.gpu.point import Instrument, Point
from spanmeter.gpu.source import Source, SourceFailed

__all__ = ["Instrument", "Point", "Source", "SourceFailed"]
