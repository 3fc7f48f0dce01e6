"""What a test run left out, in one line; and, where SPANMETER_TEST_REQUIRE asks for it, a skip is a failure.

SPANMETER_TEST_REQUIRE=all for every test, or words such as `postgres,redis,browser`: a test skipped for a reason
that holds one of them fails. Loaded with `-p tests.plugin_require` (`make test` does).
"""

import os
from collections import Counter
from collections.abc import Generator

import pytest

__all__ = ["must_run", "pytest_runtest_makereport", "pytest_terminal_summary", "skip_line"]


def must_run(reason: str, required: str) -> bool:
    """Whether a test that was skipped for this reason had to run."""
    words = [word.strip().lower() for word in required.split(",") if word.strip()]
    return "all" in words or any(word in reason.lower() for word in words)


def skip_line(reasons: Counter[str]) -> str:
    """Say in one line what was left out and why."""
    if not reasons:
        return "left out: nothing"
    told = "; ".join(f"{count} x {reason}" for reason, count in reasons.most_common())
    return f"left out: {sum(reasons.values())} ({told})"


def skip_reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return why a report was skipped, without file and line."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr or "no reason given")
    return text.removeprefix("Skipped: ").strip().splitlines()[0]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip that was not allowed into a failure that says why it was skipped."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = skip_reason(report)
        if must_run(reason, os.environ.get("SPANMETER_TEST_REQUIRE", "")):
            report.outcome = "failed"
            report.longrepr = f"skipped, but SPANMETER_TEST_REQUIRE says that it must run: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Treat a module that skips itself as a whole in the same way."""
    report = yield
    if report.skipped and must_run(skip_reason(report), os.environ.get("SPANMETER_TEST_REQUIRE", "")):
        report.outcome = "failed"
        report.longrepr = f"skipped, but SPANMETER_TEST_REQUIRE says that it must run: {skip_reason(report)}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the line."""
    terminalreporter.write_line(skip_line(Counter(map(skip_reason, terminalreporter.stats.get("skipped", [])))))
