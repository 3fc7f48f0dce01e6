"""Results → plotly figures. No colour here: each trace names its ink, and the browser takes it from the CSS tokens."""

from apps.ui.charts.figure import Chart, Series, Unit, timeseries

__all__ = ["Chart", "Series", "Unit", "timeseries"]
