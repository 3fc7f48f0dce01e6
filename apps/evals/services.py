"""What can be done to evaluation rules. Keyword-only; the caller has asked access.py first. Wrong values raise
RuleError, which names the field.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from apps.accounts.models import ApiKey, Project, User
from apps.accounts.services import key_issue, key_revoke
from apps.accounts.vault import SecretsUnreadable
from apps.api.rule_error import RuleError
from apps.evals.asking import vault
from apps.evals.asking_settings import SECRET
from apps.evals.evaluators import EVALUATORS
from apps.evals.models import EvaluationRule
from apps.evals.reading import Position
from apps.evals.rules import spec_of, spec_put, spec_written
from apps.evals.spec import RuleSpec, spec_from

__all__ = ["rule_create", "rule_delete", "rule_update", "secrets_of", "secrets_split"]

_MOST_RULES = 200


def rule_create(
    *, project: Project, value: Mapping[str, Any], created_by: User | None, now: datetime
) -> EvaluationRule:
    """Make a rule from its JSON; it judges what arrives from now on."""
    if EvaluationRule.objects.filter(project=project).count() >= _MOST_RULES:
        raise RuleError("name", f"the project has {_MOST_RULES} evaluation rules", "fewer: delete one that is not used")
    plain, secrets = secrets_split(value)
    rule = EvaluationRule(project=project, created_by=created_by, cursor=Position(now).written())
    return _kept(rule, spec_from(plain), secrets, by=created_by)


def rule_update(*, rule: EvaluationRule, value: Mapping[str, Any], by: User | None, now: datetime) -> EvaluationRule:
    """Change what is given. What changes verdicts raises the version; a rule switched on begins now."""
    plain, secrets = secrets_split(value)
    try:
        before = spec_of(rule)
    except RuleError:
        before = None
    spec = spec_from({**spec_written(rule), **plain})
    if before is None or spec.meaning != before.meaning:
        rule.version += 1
    rule.error, rule.error_since = "", None
    switched_on = spec.enabled and not rule.enabled
    with transaction.atomic():
        if switched_on:
            EvaluationRule.objects.filter(pk=rule.pk).update(cursor=Position(now).written())
        return _kept(rule, spec, secrets, by=by)


def rule_delete(*, rule: EvaluationRule, now: datetime) -> None:
    """Remove a rule and its back-fills, and take back its key. The scores that it gave stay."""
    with transaction.atomic():
        for key in ApiKey.objects.filter(project_id=rule.project_id, public_key=secrets_of(rule).get("public_key", "")):
            key_revoke(key=key, now=now)
        rule.delete()


def secrets_split(value: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Take the secret settings out of a rule's JSON. One that is empty or absent is not in the answer."""
    settings = value.get("settings")
    if not isinstance(settings, Mapping):
        return dict(value), {}
    secrets = {name: settings[name] for name in SECRET if settings.get(name)}
    for name, secret in secrets.items():
        if not isinstance(secret, str) or len(secret) > 2000 or any(ord(letter) < 32 for letter in secret):
            raise RuleError(f"settings.{name}", f"settings.{name} is not accepted", "one line of text")
    plain = {name: content for name, content in settings.items() if name not in SECRET}
    return {**value, "settings": plain}, secrets


def _kept(rule: EvaluationRule, spec: RuleSpec, secrets: Mapping[str, str], *, by: User | None) -> EvaluationRule:
    spec_put(rule, spec)
    kept = {**secrets_of(rule), **secrets}
    try:
        with transaction.atomic():
            if EVALUATORS[spec.evaluator].asks and "gateway_key" not in kept:
                # The questions are calls of this project: they need a key of it.
                issued = key_issue(project=rule.project, name=f"Evaluation: {spec.name}"[:80], created_by=by)
                kept |= {"gateway_key": issued.secret, "public_key": issued.key.public_key}
            rule.secrets = vault().lock(kept)
            if rule._state.adding:
                rule.save(force_insert=True)
            else:
                # The cursor and the claim are the worker's.
                rule.save(update_fields=_OURS)
    except IntegrityError as error:
        raise RuleError("name", f"there is a rule called {rule.name!r:.80} already", "another name") from error
    return rule


_OURS = [
    "name", "score_name", "evaluator", "settings", "secrets", "version", "filters", "share", "target", "enabled",
    "error", "error_since", "updated_at",
]  # fmt: skip


def secrets_of(rule: EvaluationRule) -> dict[str, str]:
    """What is kept encrypted; nothing when it was kept with another secret key."""
    try:
        return vault().open(rule.secrets)
    except SecretsUnreadable:
        return {}  # to be entered again, and a new key to be made
