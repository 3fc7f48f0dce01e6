"""One way to print money, counts, durations, shares and times.

Pure: values and `now` in, text out. Unknown is a dash, never zero.
"""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

__all__ = [
    "DASH",
    "ago_text",
    "bytes_text",
    "count_text",
    "duration_text",
    "exact_money",
    "money_text",
    "number_text",
    "percent_text",
    "short_money",
]

DASH = "\N{EN DASH}"
_SIGNS = {"USD": "$", "INR": "₹", "EUR": "€", "GBP": "£", "JPY": "¥"}
Number = int | float | Decimal


def money_text(amount: Decimal | None, currency: str = "USD") -> str:
    """Two decimals from one unit up; below that four significant digits, so that a cheap call does not read as free."""
    if amount is None:
        return DASH
    sign = "-" if amount < 0 else ""
    size = abs(amount)
    mark = _SIGNS.get(currency, f"{currency} " if currency else "")
    if size == 0:
        return f"{mark}0"
    if size >= 1:
        return f"{sign}{mark}{size.quantize(Decimal('0.01'), ROUND_HALF_UP):,}"
    digits = max(2, 2 - size.adjusted()) if size >= Decimal("0.0001") else 1 - size.adjusted()
    rounded = size.quantize(Decimal(1).scaleb(-min(digits, 12)), ROUND_HALF_UP)
    text = f"{rounded:f}".rstrip("0")
    whole, _, fraction = text.partition(".")
    return f"{sign}{mark}{whole}.{fraction.ljust(2, '0')}"


def short_money(amount: Decimal | None, currency: str = "USD") -> str:
    """For narrow columns: what is below a hundredth of a cent is said to be below it."""
    least = Decimal("0.0001")
    if amount is None or not 0 < abs(amount) < least:
        return money_text(amount, currency)
    return f"<{money_text(least, currency)}" if amount > 0 else f">-{money_text(least, currency)}"


def exact_money(amount: Decimal | None, currency: str = "USD") -> str:
    """All digits that are known, for a title and for copying."""
    if amount is None:
        return "unknown"
    text = f"{amount:f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} {currency}".strip()


def count_text(number: Number | None) -> str:
    """Digits up to 9,999, then three significant digits with k, M, B."""
    if number is None:
        return DASH
    if -10_000 < number < 10_000:
        return f"{number:,.0f}" if float(number).is_integer() else f"{float(number):,.1f}"
    value, unit = float(number), ""
    for unit in ("k", "M", "B", "T"):  # noqa: B007  (the last unit tried is the one that fits)
        value /= 1000
        if abs(value) < 999.5:
            break
    digits = 0 if abs(value) >= 99.95 else 1 if abs(value) >= 9.995 else 2
    return f"{value:,.{digits}f}{unit}"


def number_text(number: Number | None) -> str:
    """A measured number, such as a score: three significant digits, and from a thousand on as a count."""
    if number is None:
        return DASH
    return count_text(number) if abs(float(number)) >= 1000 else f"{float(number):.3g}"


def duration_text(seconds: Number | None) -> str:
    """Three significant digits in the unit that fits: 850 µs, 12.3 ms, 1.24 s, 2m 03s, 1h 02m."""
    if seconds is None:
        return DASH
    value = float(seconds)
    sign, value = ("-", -value) if value < 0 else ("", value)
    if value == 0:
        return "0 ms"
    if value < 0.0009995:
        return f"{sign}{value * 1e6:.0f} µs"
    if value < 0.9995:
        return f"{sign}{_three(value * 1e3)} ms"
    if value < 59.95:
        return f"{sign}{_three(value)} s"
    whole = round(value)
    if whole < 3600:
        return f"{sign}{whole // 60}m {whole % 60:02d}s"
    if whole < 86_400:
        return f"{sign}{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{sign}{whole // 86_400}d {whole % 86_400 // 3600:02d}h"


def _three(value: float) -> str:
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def percent_text(share: Number | None) -> str:
    """0.0123 → 1.23%; a share that is not zero never reads 0%."""
    if share is None:
        return DASH
    value = float(share) * 100
    if 0 < abs(value) < 0.01:
        return f"{'-' if value < 0 else ''}<0.01%"
    if abs(value) >= 99.95:
        return f"{value:.0f}%" if not 99.95 <= abs(value) < 100 else f"{'-' if value < 0 else ''}>99.9%"
    return "0%" if value == 0 else f"{value:.2f}%" if abs(value) < 1 else f"{value:.1f}%"


def bytes_text(size: int) -> str:
    """Sizes of texts and bodies."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{size} B"


def ago_text(moment: datetime, *, now: datetime) -> str:
    """How long ago, or in how long; beyond a week the date."""
    gap = now - moment
    future = gap < timedelta(0)
    seconds = abs(gap.total_seconds())
    if seconds < 1.5:
        return "now"
    if seconds < 60:
        text = f"{seconds:.0f}s"
    elif seconds < 3600:
        text = f"{seconds // 60:.0f}m"
    elif seconds < 86_400:
        text = f"{seconds // 3600:.0f}h"
    elif seconds < 7 * 86_400:
        text = f"{seconds // 86_400:.0f}d"
    else:
        local = moment.astimezone(UTC)
        return f"{local:%b} {local.day}" + (f", {local.year}" if local.year != now.year else "")
    return f"in {text}" if future else f"{text} ago"
