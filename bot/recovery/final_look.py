"""The last look after the application went over to another database. (Document: Step 6, Verification.)"""

from __future__ import annotations

from bot.outcome import Failed, Refused
from bot.policy import Application, Database
from bot.store.documents import Verdict
from bot.systems.postgres import connect
from bot.systems.rds_database import count_clients, count_rows
from bot.systems.web_application import ask_figures, ask_health, try_wrong_login

LOOK_TIMEOUT_S = 30


def look_finally(application: Application, settings: Database, url: str) -> list[Verdict]:
    """What users would find, and whether it is the database at `url` that they find it in."""
    return [*ask_application(application), *_ask_database(settings, url)]


def ask_application(application: Application) -> list[Verdict]:
    """Health, figures and login, by the addresses that users have."""
    base = str(application.url).rstrip("/")
    health = ask_health(f"{base}{application.health_path}", application.health_expect)
    figures = ask_figures(f"{base}{application.stats_path}")
    login = try_wrong_login(f"{base}{application.login_path}")
    return [
        Verdict(name="Health", expected="healthy", found=health.words, good=health.good),
        Verdict(name="Figures", expected="JSON with figures", found=figures.words, good=figures.good),
        Verdict(name="Login", expected="looks users up", found=login.words, good=login.good),
    ]


def _ask_database(settings: Database, url: str) -> list[Verdict]:
    try:
        with connect(url, purpose="final look", connect_timeout_s=5, statement_timeout_s=LOOK_TIMEOUT_S) as connection:
            rows, clients = count_rows(connection, settings.loss_tables), count_clients(connection)
    except (Refused, Failed) as error:
        return [Verdict(name="Rows", expected="can be counted", found=error.words, good=False)]
    tables = ", ".join(settings.loss_tables)
    newest = f", the newest of {rows.newest:%d %b %H:%M:%S} UTC" if rows and rows.newest else ""
    return [
        Verdict(
            name="Rows",
            expected=f"{tables} can be counted",
            found=f"{rows.count:,}{newest}" if rows else "a table is missing",
            good=rows is not None,
        ),
        Verdict(
            name="Application's connections",
            expected="on the new database",
            found=f"{clients} there" if clients else "none there: it must be restarted to read the secret",
            good=clients > 0,
        ),
    ]
