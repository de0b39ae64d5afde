"""Maintenance mode and the session cache, with the sandbox's warehouse as the web server that looks for the page."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import requests

from bot.clock import utc_now
from bot.diagnostics.check import Surroundings
from bot.diagnostics.checks.application_maintenance import CHECK
from bot.outcome import Cancelled, Failed, Refused
from bot.recovery.registry import find_action
from bot.recovery.verification import verify_as_user
from bot.sandbox.stage import DATABASE
from bot.sandbox.warehouse.seed import TEST_PASSWORD, TEST_USERNAME
from bot.store.documents import Finding
from tests.integration.hosts.code_desk import Desk, bad, take
from tests.integration.hosts.test_release_programs import run
from tests.releases import clear_code
from tests.stage_fixtures import SharedStage


@pytest.fixture
def desk(fresh_stage: SharedStage, tmp_path: Path) -> Iterator[Desk]:
    yield Desk(fresh_stage.stage, tmp_path)
    clear_code(fresh_stage.stage)


def diagnose(desk: Desk) -> Finding:
    return CHECK.run(Surroundings(desk.world.policy, desk.world.environment, utc_now, DATABASE))


def test_users_get_the_page_and_health_goes_on(desk: Desk) -> None:
    url = desk.stage.warehouse_url
    assert diagnose(desk).state == "ok"
    context = desk.plan("maintenance_on")
    assert bad(desk.carry_out("maintenance_on", context)) == set()
    for path in ("/", "/api/stats", "/login"):
        answer = requests.get(url + path, timeout=5)
        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
        assert "TraitorTrack is under maintenance" in answer.text
    assert requests.get(f"{url}/health", timeout=5).json() == {"status": "ok"}
    found = diagnose(desk)
    assert (found.state, [one.action for one in found.suggests]) == ("warning", ["maintenance_off"])
    with pytest.raises(Refused, match=r"on already, since 20\d\d-\d\d-\d\d \d\d:\d\d UTC\."):
        desk.plan("maintenance_on")
    back = find_action("maintenance_on").undo(context.parameters, context.plan, context.outputs)
    assert back is not None
    assert back.action == "maintenance_off"


def test_what_users_do_is_not_judged_while_they_are_kept_out(desk: Desk) -> None:
    """What is repaired meanwhile is not broken because nobody may in."""
    desk.run("maintenance_on")
    (verdict,) = verify_as_user(desk.world, "traitortrack")
    assert (verdict.unknown, verdict.bad) == (True, False)
    assert "maintenance mode keeps users out" in verdict.found


def test_users_come_in_again(desk: Desk) -> None:
    with pytest.raises(Refused, match="is not on"):
        desk.plan("maintenance_off")
    desk.run("maintenance_on")
    context = desk.plan("maintenance_off")
    assert bad(desk.carry_out("maintenance_off", context)) == set()
    assert requests.get(f"{desk.stage.warehouse_url}/api/stats", timeout=5).ok
    back = find_action("maintenance_off").undo(context.parameters, context.plan, context.outputs)
    assert back is not None
    assert back.action == "maintenance_on"


def test_a_host_that_is_down_keeps_users_out_of_no_other(desk: Desk) -> None:
    def add_dead(text: dict[str, Any]) -> None:
        text["hosts"]["app_2"] = {**deepcopy(text["hosts"]["app_1"]), "title": "app 2"}
        text["hosts"]["app_2"]["commands"]["python"] = ["/nowhere/python"]

    before = desk.plan("maintenance_on")
    desk.change(add_dead)
    assert bad(desk.run("maintenance_on")) == {"Page"}
    before.world = desk.world
    with pytest.raises(Refused, match="cannot be started on app 2"):
        desk.carry_out("maintenance_on", before)  # which had not planned without it
    context = desk.plan("maintenance_off")
    assert any("app 2 does not answer" in note for note in context.plan.notes)
    assert "app 2: not known" in find_action("maintenance_off").clean_up(context)
    assert bad(desk.carry_out("maintenance_off", context)) == {"Page"}
    assert "NOT on app 2" in str(context.outputs["open"]["words"])
    assert requests.get(f"{desk.stage.warehouse_url}/api/stats", timeout=5).ok


def test_a_page_that_the_web_server_does_not_look_for_is_told(desk: Desk, tmp_path: Path) -> None:
    desk.change(lambda text: text["applications"]["traitortrack"].update(maintenance_file=str(tmp_path / "page.html")))
    assert bad(desk.run("maintenance_on")) == {"Users"}
    assert "on since" in find_action("maintenance_on").clean_up(desk.plan("maintenance_off"))


def test_without_a_page_in_the_policy_there_is_no_such_mode(desk: Desk) -> None:
    desk.change(lambda text: text["applications"]["traitortrack"].pop("maintenance_file"))
    with pytest.raises(Refused, match="names no maintenance page"):
        desk.plan("maintenance_on")
    assert diagnose(desk).state == "ok"


def test_sessions_from_before_are_gone_and_users_log_in_again(desk: Desk) -> None:
    url, place = desk.stage.warehouse_url, desk.stage.disk
    login = {"username": TEST_USERNAME, "password": TEST_PASSWORD}
    with requests.Session() as browser:
        browser.post(f"{url}/login", data=login, timeout=5)
        assert browser.post(f"{url}/api/bags", json={"tag": "S-1"}, timeout=5).status_code == 201
        context = desk.plan("clear_session_cache")
        assert any(f"1 entries in {place.session_folder}" in note for note in context.plan.notes)
        assert bad(desk.carry_out("clear_session_cache", context)) == set()
        assert browser.post(f"{url}/api/bags", json={"tag": "S-2"}, timeout=5).status_code == 401
        browser.post(f"{url}/login", data=login, timeout=5)
        assert browser.post(f"{url}/api/bags", json={"tag": "S-3"}, timeout=5).status_code == 201
        assert bad(find_action("clear_session_cache").verify(context)) == set(), "new sessions are none from before"


def test_a_session_folder_that_leads_elsewhere_is_left_alone(desk: Desk, tmp_path: Path) -> None:
    elsewhere, folder = tmp_path / "elsewhere", desk.stage.disk.session_folder
    elsewhere.mkdir()
    (elsewhere / "mine").touch()
    folder.rmdir()
    folder.symlink_to(elsewhere)
    try:
        with pytest.raises(Failed, match="no plain folder"):
            desk.run("clear_session_cache")
        assert (elsewhere / "mine").exists()
    finally:
        folder.unlink()


@pytest.mark.parametrize("name", ["maintenance_on", "clear_session_cache"])
def test_cancelled_before_a_host_it_is_left_as_it_is(desk: Desk, name: str) -> None:
    context = desk.plan(name)
    context.cancelled = lambda: True
    with pytest.raises(Cancelled, match="Stopped before This machine"):
        take(find_action(name).steps()[0], context)
    assert find_action(name).clean_up(context)
    assert not desk.stage.disk.maintenance_file.exists()


def test_a_flag_is_put_and_removed_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    assert run("flag_file", "read", str(path)) == {"since": None, "changed": False}
    first = run("flag_file", "put", str(path), "<p>$(x) 'y'\n")
    assert first["changed"] is True
    assert run("flag_file", "put", str(path), "other") == {"since": first["since"], "changed": False}
    assert path.read_text() == "<p>$(x) 'y'\n"
    assert run("flag_file", "remove", str(path)) == {"since": None, "changed": True}
    assert run("flag_file", "remove", str(path)) == {"since": None, "changed": False}
    assert (tmp_path / "page.html.off").read_text() == "<p>$(x) 'y'\n"
    assert [one.name for one in tmp_path.iterdir()] == ["page.html.off"]


@pytest.mark.parametrize("path", ["page.html", "/page.html", "/tmp/../etc/x", "/", ""])
def test_a_flag_has_a_plain_path(path: str) -> None:
    with pytest.raises(Failed, match="no plain path"):
        run("flag_file", "put", path, "x")


def test_what_is_no_file_is_no_flag(tmp_path: Path) -> None:
    (tmp_path / "page.html").symlink_to("/etc/passwd")
    for verb in ("read", "put", "remove"):
        with pytest.raises(Failed, match="is no file; it is left alone"):
            run("flag_file", verb, str(tmp_path / "page.html"), "x")
    with pytest.raises(Failed, match="cannot be written"):
        run("flag_file", "put", str(tmp_path / "none" / "page.html"), "x")
