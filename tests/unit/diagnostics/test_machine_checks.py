"""What is made of what hosts, clocks, servers and pools say, where breaking a real one would break the machine."""

from __future__ import annotations

from dataclasses import replace

import pytest
from psycopg import OperationalError

from bot.diagnostics.checks.application_pool import CHECK as POOL
from bot.diagnostics.checks.database_newest_rows import judge_age
from bot.diagnostics.checks.system_processes import judge_files, judge_inodes, judge_processes, read_processes
from bot.diagnostics.refusals import explain_refusal
from bot.diagnostics.reports import Report
from bot.diagnostics.series import Usual
from bot.store.documents import Finding
from bot.systems.postgres import DatabaseMissing, DatabaseUnreachable
from tests.unit.diagnostics.test_asking import PLACE

ZOMBIES = "\n".join(f"{100 + n} 9 Z 0 defunct" for n in range(25))


def test_a_process_that_is_at_it_all_the_time_is_named() -> None:
    before = read_processes("7 1 R 100 report\n8 1 S 5 web\n")
    after = read_processes("7 1 R 104 report\n8 1 S 6 web\n9 1 R 4 new\n")
    (point,) = judge_processes("app 1", before, after, 4.0)
    assert "report (pid 7) keeps 1.0 processors busy" in point.words
    assert list(judge_processes("app 1", before, after, 40.0)) == []


def test_zombies_are_told_with_whoever_lets_them_lie() -> None:
    processes = read_processes(f"9 1 S 0 gunicorn\n{ZOMBIES}\nnonsense\n")
    (point,) = judge_processes("app 1", processes, processes, 4.0)
    assert "25 ended processes wait for gunicorn (pid 9)" in point.words


def test_open_files_and_inodes() -> None:
    assert [one.state for one in judge_files("app 1", "950 0 1000\n")] == ["warning"]
    assert list(judge_files("app 1", "95 0 1000\n")) == list(judge_files("app 1", "nonsense")) == []
    rows = ("Filesystem Inodes IUsed IFree IUse% Mounted on", "/dev/a 100 99 1 99% /var", "x 0 0 0 - /x")
    table = "\n".join(rows)
    (point,) = judge_inodes("app 1", table)
    assert (point.state, "/var has used 99%" in point.words) == ("critical", True)


def read_pool(monkeypatch: pytest.MonkeyPatch, report: Report) -> Finding:
    monkeypatch.setattr("bot.diagnostics.checks.application_pool.read_report", lambda url: report)
    return POOL.run(PLACE)


def test_a_pool_that_is_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    full = read_pool(monkeypatch, Report("ok", "Fine.", [], {"pool.size": 5, "pool.in_use": 5}))
    assert (full.state, full.signs, "5 of 5 connections" in full.summary) == ("warning", ["pool used up"], True)
    assert read_pool(monkeypatch, Report("ok", "Fine.", [], {"pool.size": 5, "pool.in_use": 4})).state == "ok"
    assert read_pool(monkeypatch, Report("ok", "Fine.", [], {"in_use": 4})).summary == "Fine."


@pytest.mark.parametrize(
    ("said", "sign"),
    [
        ("FATAL:  sorry, too many clients already", "connections used up"),
        ("FATAL:  remaining connection slots are reserved for roles", "connections used up"),
        ('FATAL:  password authentication failed for user "a"', "password refused"),
        ('FATAL:  role "a" is not permitted to log in', "role locked out"),
        ('FATAL:  database "a" is not currently accepting connections', "database closed"),
        ("FATAL:  the database system is starting up", "database starting"),
        ("FATAL:  the database system is in recovery mode", "database starting"),
        ("FATAL:  the database system is shutting down", "database down"),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1"', "role locked out"),
        ('could not translate host name "db" to address', "name lost"),
        ("connection refused: Connection refused\n\tIs the server running on that host?", "database down"),
        ("connection timeout expired", "database hangs"),
        ("SSL error: certificate verify failed", "certificate bad"),
        ("server closed the connection unexpectedly", "database down"),
        ("something never heard of", "database down"),
    ],
)
def test_why_a_server_lets_nobody_in(said: str, sign: str) -> None:
    error = DatabaseUnreachable("postgresql://a@db/x cannot be reached: …")
    error.__cause__ = OperationalError(said)
    refusal = explain_refusal(error)
    assert refusal.sign == sign
    assert refusal.words


def test_a_database_that_is_gone() -> None:
    assert explain_refusal(DatabaseMissing("traitortrack")).sign == "database gone"


@pytest.mark.parametrize(("age_s", "state"), [(1.0, "ok"), (31.0, "ok"), (40.0, "warning")])
def test_rows_that_no_longer_arrive(age_s: float, state: str) -> None:
    usual = Usual(median=0.4, low=0.1, high=1.0, samples=500)
    asked: list[tuple[str, str]] = []

    def look_up(metric: str, subject: str) -> Usual:
        asked.append((metric, subject))
        return usual

    point = judge_age(replace(PLACE, usual=look_up), "bag", age_s)
    assert (point.state, asked) == (state, [("newest_row_age", "traitortrack.bag")])
    assert ("writes stopped" in point.signs) == (state == "warning")


def test_without_a_series_no_age_is_too_old() -> None:
    assert judge_age(PLACE, "bag", 1e6).state == "ok"
