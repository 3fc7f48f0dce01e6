"""The demo's programs, in the order they run. Each is what somebody would write; nothing in them knows of Spanmeter's
insides.
"""

from collections.abc import Callable

from apps.config.demo.desk import Desk
from apps.config.demo.programs import agent, chat, failures, people, support

__all__ = ["PROGRAMS"]

PROGRAMS: tuple[tuple[str, Callable[[Desk], None]], ...] = (
    ("a chat, streamed", chat.run),
    ("an agent: ask, call a tool, answer", agent.run),
    ("three people with questions", people.run),
    ("a support desk with the Python client", support.run),
    ("calls that fail", failures.run),
)
