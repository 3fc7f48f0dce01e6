"""How often a caller may ask: SPANMETER_API_RATE for each key, each person, and each address of nobody."""

from typing import TYPE_CHECKING

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

if TYPE_CHECKING:  # views import their throttles
    from rest_framework.views import APIView

__all__ = ["CallerThrottle"]


class CallerThrottle(SimpleRateThrottle):
    """Counts per caller, not per address: one proxy may stand before many."""

    scope = "caller"

    def get_cache_key(self, request: Request, view: "APIView") -> str:
        """Name the caller."""
        ident = request.user.pk if request.user else f"address-{self.get_ident(request)}"
        return f"throttle-caller-{ident}"
