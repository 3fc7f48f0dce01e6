"""The registry of detectors: the conditions that a rule may have. One more is one file here and one line below."""

from apps.alerts.detectors.anomaly import Anomaly
from apps.alerts.detectors.base import Detector, Needs, Verdict
from apps.alerts.detectors.burn_rate import BurnRate
from apps.alerts.detectors.change import Change
from apps.alerts.detectors.no_data import NoData
from apps.alerts.detectors.threshold import Threshold

__all__ = ["DETECTORS", "Detector", "Needs", "Verdict"]

DETECTORS: dict[str, type[Detector]] = {
    detector.kind: detector for detector in (Threshold, Change, Anomaly, BurnRate, NoData)
}
