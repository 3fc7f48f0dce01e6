"""Scores: what one is, how it travels as an OTLP log record, and how a web process hands one in.

`rules` says what a score may be, `event` writes it as the event `gen_ai.evaluation.result`, `body` and `reading` read
such events back. Pure but for `inbox`, which appends to the spool.
"""

from ingestion.scores.body import UnreadableLogs, parse
from ingestion.scores.event import encode_scores
from ingestion.scores.reading import Lost, Reading, read
from ingestion.scores.rules import WrongScore, check

__all__ = ["Lost", "Reading", "UnreadableLogs", "WrongScore", "check", "encode_scores", "parse", "read"]
