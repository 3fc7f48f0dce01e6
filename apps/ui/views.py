"""The pattern page: every component once, in every state, on made-up values.

Reads nothing and needs no sign-in to be reviewed by.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.http import HttpRequest, HttpResponse, QueryDict
from django.views.decorators.http import require_GET

from apps.analytics.query import TimeRange
from apps.ui.htmx import render_page
from apps.ui.onboarding import onboarding
from apps.ui.patterns import PatternsContext, Swatch, pattern_charts
from apps.ui.range_picker import range_picker

__all__ = ["patterns_view"]

_INKS = (*(f"series-{number}" for number in range(1, 9)), "series-rest", "chart-error")


@require_GET
def patterns_view(request: HttpRequest) -> HttpResponse:
    """Show every component."""
    now = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
    context = PatternsContext(
        picker=range_picker(QueryDict("range=24h"), TimeRange(now - timedelta(days=1), now)),
        charts=pattern_charts(now),
        swatches=tuple(Swatch(ink) for ink in _INKS),
        amounts=tuple(Decimal(text) for text in ("0", "0.00000048", "0.0123", "0.25", "12.5", "18204.337")),
        counts=(0, 12, 9_999, 12_345, 1_234_567, 2_500_000_000),
        durations=(0.00085, 0.0123, 1.24, 61.0, 4_000.0, 200_000.0),
        shares=(0.0, 0.00004, 0.0069, 0.514, 1.0),
        moments=tuple(now - timedelta(seconds=seconds) for seconds in (0, 42, 4_000, 90_000, 4_000_000)),
        now=now,
        onboarding=onboarding(gateway="http://127.0.0.1:8100", keys_href="#"),
        json='{"customer": "cus_4821", "paid": true, "lines": [{"amount": 7.74, "note": null}]}',
    )
    return render_page(request, "patterns.html", context)
