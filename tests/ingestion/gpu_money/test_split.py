"""requests + idle + cold start = bill, to the last digit, on any load; and each pays what is fair."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.gpu_money import Interval, Request, Split, split

S = 1_000_000_000
HOUR = Interval(0, 3600 * S)

_TIMES = st.integers(-600 * S, 4200 * S)
_LOADS = st.lists(
    st.tuples(_TIMES, st.integers(-10, 900 * S), st.one_of(st.none(), st.integers(-1, 200_000))), max_size=40
)
_COLD = st.lists(st.tuples(_TIMES, st.integers(0, 300 * S)), max_size=4)
_BILLS = st.decimals(0, 10_000_000, places=12, allow_nan=False, allow_infinity=False)


def parts(found: Split) -> Decimal:
    return found.busy + found.idle + found.cold_start


@given(_BILLS, _LOADS, _COLD)
def test_the_parts_are_the_bill(
    bill: Decimal, load: list[tuple[int, int, int | None]], cold: list[tuple[int, int]]
) -> None:
    """Exactly, whatever overlaps, ends before it begins, lies outside, or is not known."""
    requests = [Request(str(n), start, start + length, tokens) for n, (start, length, tokens) in enumerate(load)]
    found = split(bill, HOUR, requests, [Interval(start, start + length) for start, length in cold])
    assert parts(found) == bill
    assert found.busy_ns + found.idle_ns + found.cold_ns == 3600 * S
    assert all(share.cost >= 0 for share in found.requests)
    assert found.idle >= 0
    assert found.cold_start >= 0


@given(_BILLS, _LOADS)
def test_the_order_in_which_requests_are_told_changes_nothing(
    bill: Decimal, load: list[tuple[int, int, int | None]]
) -> None:
    """Up to the one step of rounding that somebody has to get."""
    requests = [Request(str(n), start, start + length, tokens) for n, (start, length, tokens) in enumerate(load)]
    one = {share.id: share.cost for share in split(bill, HOUR, requests).requests}
    other = {share.id: share.cost for share in split(bill, HOUR, requests[::-1]).requests}
    assert one.keys() == other.keys()
    assert all(abs(one[key] - other[key]) <= Decimal("0.000000002") for key in one)


def test_by_hand() -> None:
    """3600 for an hour: a dollar a second. Loading 60 s; one alone 100 s; two together 100 s, 300 to 100 tokens."""
    requests = [
        Request("alone", 100 * S, 200 * S, 10),
        Request("big", 200 * S, 300 * S, 300),
        Request("small", 200 * S, 300 * S, 100),
    ]
    found = split(Decimal(3600), HOUR, requests, [Interval(0, 60 * S)])
    assert {share.id: share.cost for share in found.requests} == {"alone": 100, "big": 75, "small": 25}
    assert (found.cold_start, found.idle) == (60, 3340)


def test_a_request_whose_tokens_are_unknown_pays_as_the_mean_of_those_beside_it() -> None:
    """Not nothing: unknown is never zero; and it says by what it pays."""
    requests = [
        Request("a", 0, 100 * S, 300),
        Request("b", 0, 100 * S, 100),
        Request("nobody knows", 0, 100 * S, None),
    ]
    found = split(Decimal(3600), HOUR, requests)
    costs = {share.id: (round(share.cost, 6), share.basis) for share in found.requests}
    assert costs == {
        "a": (Decimal("50.000000"), "tokens"),
        "b": (Decimal("16.666667"), "tokens"),
        "nobody knows": (Decimal("33.333333"), "time"),
    }


def test_a_request_that_waits_for_a_cold_start_pays_after_it() -> None:
    """The loading is nobody's request."""
    found = split(Decimal(3600), HOUR, [Request("a", 0, 100 * S, 5)], [Interval(0, 45 * S)])
    assert (found.requests[0].cost, found.cold_start) == (55, 45)


def test_a_request_over_the_windows_edge_pays_for_its_part() -> None:
    """The rest is on the other window's bill."""
    requests = [Request("a", 3590 * S, 3610 * S, 100), Request("before", -20 * S, -10 * S, 5)]
    found = split(Decimal(3600), HOUR, requests)
    assert [(share.id, share.cost) for share in found.requests] == [("a", 10)]


@pytest.mark.parametrize(("bill", "window"), [("-1", HOUR), ("1", Interval(5, 5)), ("1", Interval(9, 5))])
def test_what_is_no_bill(bill: str, window: Interval) -> None:
    """Said with the value."""
    with pytest.raises(ValueError, match=r"bill of -1|no length"):
        split(Decimal(bill), window, [])
