"""The outbox emptied against a real receiver: at least once, one id, when to try again and when to give up."""

import itertools
import random
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from standardwebhooks import Webhook as Oracle

from apps.accounts.vault import SecretsUnreadable, Vault
from apps.alerts.calling import Answer, Caller
from apps.alerts.channel_services import channel_create, channel_test, channel_update, delivery_replay
from apps.alerts.channels.webhook import signature_of
from apps.alerts.deliver import claim, deliver_one
from apps.alerts.models import Attempt, Channel, Delivery
from apps.alerts.outbox import test_note as note_of_test
from apps.alerts.retry import SCHEDULE, next_wait
from apps.analytics.run import Reads
from tests.apps.alerts.receiver import Receiver, Said, receiver
from tests.apps.alerts.watching import Watching
from tests.conftest import People
from tests.rows import NOW


@pytest.fixture
def post() -> Iterator[Receiver]:
    """Somebody who listens."""
    with receiver() as started:
        yield started


@pytest.fixture
def watching(people: People) -> Watching:
    """Alice's project, at noon, without a store."""
    return Watching(people.project, Reads(None))  # type: ignore[arg-type]


@pytest.fixture
def delivery(watching: Watching, post: Receiver) -> Delivery:
    """One message that is due; of a kind that is tried again."""
    made = note_of_test(watching.channel(post.url), now=NOW)
    Delivery.objects.update(type="alert.firing")
    return Delivery.objects.get(pk=made.pk)


def again(delivery: Delivery) -> Delivery:
    return Delivery.objects.get(pk=delivery.pk)


def test_a_message_arrives_once_and_is_done(watching: Watching, delivery: Delivery, post: Receiver) -> None:
    assert watching.deliver() == 1
    assert watching.deliver() == 0
    assert post.ids() == [delivery.message_id]
    done = again(delivery)
    assert (done.status, done.attempts, done.finished_at) == ("sent", 1, NOW)
    assert Attempt.objects.get().status_code == 200


def test_a_refusal_is_tried_again_later_with_the_same_id(
    watching: Watching, delivery: Delivery, post: Receiver
) -> None:
    answers = iter([500, 503, 200])
    post.answer = lambda _: Said(next(answers), b"<p>why</p>")
    for _ in range(3):
        watching.deliver()
        assert watching.deliver() == 0, "tried again at once"
        watching.now += timedelta(minutes=2)
    assert len(post.got) == 3
    assert set(post.ids()) == {delivery.message_id}
    assert [one.status_code for one in Attempt.objects.all()] == [500, 503, 200]
    assert Attempt.objects.first().answer == "<p>why</p>"  # type: ignore[union-attr]
    assert again(delivery).status == "sent"


def test_a_receiver_that_asks_for_time_gets_it(watching: Watching, delivery: Delivery, post: Receiver) -> None:
    post.answer = lambda _: Said(429, headers=(("retry-after", "3600"),))
    watching.deliver()
    assert again(delivery).due_at >= NOW + timedelta(hours=1)


def test_410_disables_the_channel_and_nothing_more_is_sent(
    watching: Watching, delivery: Delivery, post: Receiver
) -> None:
    post.answer = lambda _: Said(410)
    watching.deliver()
    channel = Channel.objects.get()
    assert "410" in channel.disabled_reason
    assert again(delivery).status == "failed"
    delivery_replay(delivery=again(delivery), now=watching.now)
    watching.deliver()
    assert len(post.got) == 1
    assert "disabled" in again(delivery).problem


def test_after_three_days_it_is_given_up(watching: Watching, delivery: Delivery, post: Receiver) -> None:
    post.answer = lambda _: Said(500)
    for _ in range(40):
        watching.deliver()
        if again(delivery).status == "failed":
            break
        watching.now = again(delivery).due_at
    assert again(delivery).status == "failed"
    assert len(post.got) == len(SCHEDULE) + 1
    assert timedelta(days=2) < watching.now - NOW < timedelta(days=6)


def test_a_private_address_is_given_up_at_once_and_says_what_to_set(watching: Watching, delivery: Delivery) -> None:
    deliver_one(delivery.pk, clock=lambda: watching.now, caller=Caller())
    done = again(delivery)
    assert done.status == "failed"
    assert "SPANMETER_ALLOWED_WEBHOOK_HOSTS" in done.problem


def test_only_one_worker_takes_a_delivery_and_a_dead_ones_claim_runs_out(
    watching: Watching, delivery: Delivery, post: Receiver
) -> None:
    assert claim(delivery.pk, now=NOW) is not None
    assert claim(delivery.pk, now=NOW) is None
    assert watching.deliver() == 0
    # The first one was killed while it spoke: nobody knows whether it arrived, so it is said again.
    watching.now += timedelta(minutes=2)
    assert watching.deliver() == 1
    assert post.ids() == [delivery.message_id]


def test_a_late_answer_does_not_undo_what_came_after(watching: Watching, delivery: Delivery) -> None:
    class Late(Caller):
        """Learns of a failure when its claim has run out and another worker has delivered."""

        def post(self, url: str, **more: object) -> Answer:
            Delivery.objects.filter(pk=delivery.pk).update(status="sent", claim=None)
            return Answer(500, {}, "")

    watching.caller = Late()
    assert watching.deliver() == 1
    assert again(delivery).status == "sent"


def test_replay_uses_the_same_id(watching: Watching, delivery: Delivery, post: Receiver) -> None:
    watching.deliver()
    assert not delivery_replay(delivery=claimed_pending(delivery), now=watching.now)
    Delivery.objects.filter(pk=delivery.pk).update(status="sent")
    assert delivery_replay(delivery=again(delivery), now=watching.now)
    watching.deliver()
    assert post.ids() == [delivery.message_id] * 2
    assert post.got[0].body == post.got[1].body


def claimed_pending(delivery: Delivery) -> Delivery:
    Delivery.objects.filter(pk=delivery.pk).update(status="pending")
    return again(delivery)


def test_a_test_is_said_once_and_its_answer_is_told(watching: Watching, post: Receiver) -> None:
    channel = watching.channel(post.url)
    assert channel_test(channel=channel, now=NOW, caller=watching.caller).status == "sent"
    post.answer = lambda _: Said(500)
    failed = channel_test(channel=channel, now=NOW, caller=watching.caller)
    assert (failed.status, failed.problem) == ("failed", "answered 500")


def test_secrets_are_encrypted_kept_on_change_and_never_shown(
    people: People, post: Receiver, watching: Watching
) -> None:
    saved = channel_create(project=people.project, name="h", kind="webhook", values={"url": post.url})
    secret = saved.made["secret"]
    row = Channel.objects.get()
    assert secret not in row.secrets
    assert "secret" not in row.config
    changed = channel_update(channel=row, name="h2", values={"url": post.url + "/new", "secret": ""})
    assert changed.made == {}
    channel_test(channel=changed.channel, now=watching.now, caller=watching.caller)
    assert post.got[0].path == "/hook/new"
    body, headers = post.got[0].body, post.got[0].headers
    fresh = str(int(time.time()))
    signed = signature_of(secret, headers["webhook-id"], headers["webhook-timestamp"], body)
    assert signed == headers["webhook-signature"]
    again_signed = {
        **headers,
        "webhook-timestamp": fresh,
        "webhook-signature": signature_of(secret, headers["webhook-id"], fresh, body),
    }
    Oracle(secret).verify(body, again_signed)


def test_another_installations_key_opens_nothing(watching: Watching, delivery: Delivery, post: Receiver) -> None:
    with pytest.raises(SecretsUnreadable):
        Vault("one", purpose="alert channels").open(Vault("two", purpose="alert channels").lock({"secret": "s"}))
    Channel.objects.update(secrets=Vault("two", purpose="alert channels").lock({"secret": "s"}))
    watching.deliver()
    assert "Enter them again" in again(delivery).problem
    assert post.got == []


def test_waits_grow_and_are_never_shorter_than_asked() -> None:
    chance = random.Random(4)
    waits = [next_wait(attempts, chance=chance) for attempts in range(1, len(SCHEDULE) + 1)]
    assert all(first < second for first, second in itertools.pairwise(waits) if first and second)
    assert next_wait(len(SCHEDULE) + 1, chance=chance) is None
    assert all((next_wait(1, chance=chance, retry_after=90) or timedelta()) >= timedelta(seconds=90) for _ in range(50))
    assert len({next_wait(3, chance=chance) for _ in range(20)}) > 10, "no jitter"
