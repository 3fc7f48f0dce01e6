"""Every page x light and dark x wide and narrow x four sizes of answers, as pictures for the eye:

    python -m tests.browser.screenshots FOLDER [PART OF A NAME]

Prints what the console of the browser says and where a page spills over its edge; ends with 1 when there was any.
"""

import os
import sys
import tempfile
import threading
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PAGES = {
    "overview": "",
    "overview-compare": "?compare=1",
    "traces": "traces/?tag=beta&model=gpt-4o-mini",
    "trace": "traces/x/?span=c2",
    "trace-cost": "traces/x/?span=c2&view=cost",
    "trace-raw": "traces/x/?view=raw",
    "trace-attributes": "traces/x/?view=attributes",
    "trace-long": "traces/long/",
    "sessions": "sessions/",
    "users": "users/",
    "scores": "scores/",
    "score": "scores/trend/?name=groundedness&model=gpt-4o-mini",
    "score-categories": "scores/trend/?name=tone",
    "ledger": "ledger/",
    "gpu": "gpu/?grid=DEU&pue=1.2",
    "gpu-alone": "gpu/?gpu=gpu-node-1/GPU-3c1e0002-77aa&server=gpu-node-1/10.4.0.11:30000/Qwen/Qwen2.5-7B-Instruct",
}
OTHERS = {
    "patterns": "/-/patterns",
    "keys": "/settings/projects/support-bot/keys/",
    "projects": "/settings/projects/",
    "members": "/settings/organisations/northwind/members/",
    "two-factor": "/accounts/2fa/",
    "not-found": "/p/nowhere/",
}
SIZES = ("none", "little", "much", "broken")
SHAPES = {
    f"{theme}-{width}": (theme, width, height)
    for theme in ("light", "dark")
    for width, height in ((1440, 900), (390, 844))
}


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
        return


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


def main(folder: Path, only: str) -> int:
    """Write the pictures."""
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {
            "SPANMETER_HOME": home,
            "SPANMETER_DEBUG": "1",
            "SPANMETER_SECRET_KEY": "x" * 50,
            "DJANGO_SETTINGS_MODULE": "apps.config.settings",
            "DJANGO_ALLOW_ASYNC_UNSAFE": "1",
        }
        import django

        django.setup()
        from tests.browser.chromium import chromium
        from tests.browser.sample_alerts import ALERT_PAGES, id_of
        from tests.browser.sample_evals import EVAL_PAGES, eval_id
        from tests.browser.stage import played

        folder.mkdir(parents=True, exist_ok=True)
        cookie = _people()
        address = _serve()
        size = ["much"]
        problems: list[str] = []
        with played(lambda: size[0]), chromium() as browser:
            for name, path in [*PAGES.items(), *OTHERS.items()]:
                for chosen in SIZES if name in PAGES else ("much",):
                    if only not in f"{name}-{chosen}" or (chosen == "none" and name.startswith("trace-")):
                        continue
                    size[0] = chosen
                    url = path if name in OTHERS else f"/p/support-bot/{path}"
                    _shoot(browser, address + url, cookie, folder, f"{name}-{chosen}", problems)
            for name, path in ALERT_PAGES.items():
                for chosen in SIZES:
                    if only not in f"{name}-{chosen}" or (chosen == "none" and "{" in path):
                        continue
                    size[0] = chosen
                    rest = path.format(incident=id_of("incident", chosen), rule=id_of("rule", chosen))
                    url = f"{address}/p/alerts-{chosen}/alerts/{rest}"
                    _shoot(browser, url, cookie, folder, f"{name}-{chosen}", problems)
            for name, path in EVAL_PAGES.items():
                for chosen in SIZES:
                    if only not in f"{name}-{chosen}" or (chosen == "none" and "{" in path):
                        continue
                    size[0] = chosen
                    rest = path.format(rule=eval_id("rule", chosen), backfill=eval_id("backfill", chosen))
                    url = f"{address}/p/evals-{chosen}/evaluations/{rest}"
                    _shoot(browser, url, cookie, folder, f"{name}-{chosen}", problems)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


def _people() -> str:
    """A person, an organisation, two projects; returns the session's key."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.core.management import call_command

    from apps.accounts import services
    from apps.accounts.models import User
    from tests.browser.sample_alerts import fill_alerts
    from tests.browser.sample_evals import fill_evals

    call_command("migrate", verbosity=0)
    ana = User.objects.create_user(email="ana@example.com", password=None)
    northwind = services.organisation_create(name="Northwind", owner=ana)
    bot = services.project_create(organisation=northwind, name="Support bot")
    services.project_create(organisation=northwind, name="Video studio")
    services.key_issue(project=bot, name="production", created_by=ana)
    for size in SIZES:
        fill_evals(services.project_create(organisation=northwind, name=f"Evals {size}"), size, ana)
        fill_alerts(services.project_create(organisation=northwind, name=f"Alerts {size}"), size, ana)
    session = SessionStore()
    session[SESSION_KEY] = str(ana.pk)
    session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
    session[HASH_SESSION_KEY] = ana.get_session_auth_hash()
    session.save()
    return session.session_key or ""


def _serve() -> str:
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.core.wsgi import get_wsgi_application

    server = make_server("127.0.0.1", 0, StaticFilesHandler(get_wsgi_application()), _Server, _Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def _shoot(browser: "Browser", url: str, cookie: str, folder: Path, name: str, problems: list[str]) -> None:
    from tests.browser.chromium import listen

    for shape, (theme, width, height) in SHAPES.items():
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)  # type: ignore[arg-type]
        context.add_cookies([{"name": "sessionid", "value": cookie, "url": url}])
        page = context.new_page()
        said: list[str] = []
        listen(page, said)
        page.goto(url, wait_until="networkidle")
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        expected = "the server responded with a status of 404"
        problems += [f"{name}-{shape}: {line}" for line in said if expected not in line]
        problems += [f"{name}-{shape}: {over} pixels over the edge"] if over > 0 else []
        page.screenshot(path=folder / f"{name}-{shape}.png", full_page="long" not in name)
        context.close()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""))
