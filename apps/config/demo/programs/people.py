"""Three people of different plans ask short questions: users, properties and tags to filter by."""

from apps.config.demo.desk import Desk

__all__ = ["run"]

PEOPLE = (
    ("mei", "team", "translate", "Say 'good morning' in French."),
    ("tomás", "free", "summary", "Sum up in five words: the ship left the harbour before the storm came."),
    ("fatima", "business", "names", "Suggest a name for a bakery."),
)


def run(desk: Desk) -> None:
    """One answer each, not streamed."""
    client = desk.client()
    for user, plan, feature, question in PEOPLE:
        client.chat.completions.create(
            model=desk.model,
            messages=[{"role": "user", "content": question}],
            max_tokens=40,
            user=user,
            extra_headers={
                "Spanmeter-Trace-Id": desk.show(f"a question of {user}"),
                "Spanmeter-Property-Plan": plan,
                "Spanmeter-Property-Feature": feature,
                "Spanmeter-Environment": "demo",
                "Spanmeter-Tags": f"demo,{feature}",
            },
        )
