"""The program that removes what deploys and repairs leave, on real folders."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.outcome import Failed
from bot.systems.hosts.local import LocalMachine
from bot.systems.hosts.programs import prune_host, read_answer, read_program
from bot.systems.hosts.ssm import OUTPUT_LIMIT

DAY_S = 86_400
RELEASES = ["r1", "r2", "r3", "r4", "r5"]
ORDINARY: dict[str, Any] = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
"""Who is not root."""
ORDINARY_PYTHON = "/usr/bin/python3" if ORDINARY else sys.executable
"""Of its own: that of root may be in its home, where others may not look."""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A host that has had five releases, one a day; `r5` is current, and a process works in it."""
    folder = tmp_path / "opt" / "traitortrack"
    for name in RELEASES:
        make_release(folder, name, "shared" if name in ("r2", "r5") else f"of-{name}")
    (folder / "current").symlink_to("releases/r5")
    note(folder, *((name, 20 - number) for number, name in enumerate(RELEASES)))
    with subprocess.Popen(["sleep", "60"], cwd=folder / "releases" / "r5") as process:
        yield folder
        process.kill()


@contextmanager
def sleeping(where: Path, **more: Any) -> Iterator[None]:
    """A process works there."""
    with subprocess.Popen(["sleep", "60"], cwd=where, **more) as process:
        try:
            yield
        finally:
            process.kill()


def make_release(folder: Path, name: str, environment: str, **facts: str) -> Path:
    """As finish_release.py leaves it, long ago."""
    release, needed = folder / "releases" / name, folder / "environments" / environment
    release.mkdir(parents=True)
    (release / "main.py").write_text("x" * 10_000)
    (release / ".release.json").write_text(json.dumps({"name": name, **facts}))
    needed.mkdir(parents=True, exist_ok=True)
    (needed / ".whole").touch()
    (release / "venv").symlink_to(os.path.relpath(needed, release))
    grow_old(release, 20)
    grow_old(needed, 20)
    return release


def note(folder: Path, *switches: tuple[str, float]) -> None:
    """deploys.jsonl: what was switched to how many days ago."""
    lines = [
        json.dumps({"at": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time.time() - days * DAY_S)),
                    "release": name, "before": None})
        for name, days in switches
    ]  # fmt: skip
    (folder / "deploys.jsonl").write_text("\n".join([*lines, '{"at": "20']))


def grow_old(path: Path, days: float) -> None:
    moment = time.time() - days * DAY_S
    os.utime(path, (moment, moment), follow_symlinks=False)


def run(verb: str, folder: Path, *doomed: tuple[str, str], **more: Any) -> dict[str, Any]:
    spec = {
        "folder": str(folder), "environment_file": str(folder / ".env"), "keep_releases": 2, "releases_for_s": DAY_S,
        "secrets_for_s": 7 * DAY_S, "unfinished_for_s": DAY_S, "only_secrets": False, "measure": True,
        "one_user": True, "doomed": doomed, **more,
    }  # fmt: skip
    words = [sys.executable, "-I", "-c", read_program("prune_host"), verb, json.dumps(spec)]
    return read_answer(LocalMachine("app 1").run(words, 60), "app 1")


def found(folder: Path, **more: Any) -> list[tuple[str, str]]:
    return sorted((one["kind"], one["name"]) for one in run("look", folder, **more)["found"])


def test_old_releases_go_with_the_environments_that_none_needs_any_more(folder: Path) -> None:
    doomed = found(folder)
    assert doomed == [
        ("environment", "of-r1"), ("environment", "of-r3"), ("release", "r1"), ("release", "r2"), ("release", "r3"),
    ]  # fmt: skip
    assert run("left", folder, *doomed)["left"] == [list(one) for one in doomed]
    assert run("remove", folder, *doomed) == {"left": []}
    assert run("remove", folder, *doomed) == {"left": []}
    assert sorted(os.listdir(folder / "releases")) == ["r4", "r5"]
    assert sorted(os.listdir(folder / "environments")) == ["of-r4", "shared"]
    assert os.listdir(folder / "incoming") == []
    assert found(folder) == []


def test_what_it_says_it_frees_is_measured(folder: Path) -> None:
    sizes = {one["name"]: one["size_bytes"] for one in run("look", folder)["found"]}
    assert 10_000 < sizes["r1"] < 100_000
    os.link(folder / "releases" / "r1" / "main.py", folder / "elsewhere")
    assert {one["name"]: one["size_bytes"] for one in run("look", folder)["found"]}["r1"] < sizes["r1"] - 10_000


def test_a_release_stays_for_its_time_after_it_ran_last_and_not_after_it_was_made(folder: Path) -> None:
    """r2 was left 3 days ago for the last time, when r5 came after it."""
    note(folder, ("r2", 20), ("r1", 19), ("r3", 18), ("r2", 17), ("r5", 3))
    assert ("release", "r2") not in found(folder, keep_releases=0, releases_for_s=4 * DAY_S)
    assert {("release", "r1"), ("release", "r3")} <= set(found(folder, keep_releases=0, releases_for_s=4 * DAY_S))


def test_what_runs_what_ran_before_and_what_is_worked_in_never_goes(folder: Path) -> None:
    """Also when the number and the age would have it, and when it was named to the program."""
    with subprocess.Popen(["sleep", "60"], cwd=folder / "releases" / "r1") as astray:
        try:
            answer = run("look", folder, keep_releases=0, releases_for_s=0)
            assert answer["used"] == ["r1", "r4", "r5"]
            names = {one["name"] for one in answer["found"]}
            assert names.isdisjoint({"r1", "r4", "r5", "shared", "of-r1", "of-r4"})
            everything = [("release", name) for name in RELEASES] + [
                ("environment", "shared"),
                ("environment", "of-r1"),
            ]
            left = {name for _, name in run("remove", folder, *everything)["left"]}
            assert left == {"r1", "r4", "r5", "shared", "of-r1"}
            assert (folder / "current" / "main.py").exists()
        finally:
            astray.kill()


@pytest.fixture
def open_folder(folder: Path) -> Iterator[Path]:
    """The same where everybody may read it, as on a host."""
    with tempfile.TemporaryDirectory() as top:
        os.chmod(top, 0o755)
        place = Path(top) / "traitortrack"
        shutil.copytree(folder, place, symlinks=True)
        for release in (*(place / "releases").iterdir(), *(place / "environments").iterdir()):
            grow_old(release, 20)
        yield place


@pytest.mark.parametrize("one_user", [False, True])
def test_where_an_ordinary_user_cannot_see_what_is_worked_in_no_release_goes(open_folder: Path, one_user: bool) -> None:
    """A service of another user works in the oldest; our own, in the newest, is in sight. Unless the policy says that
    there is no such service.
    """
    spec: dict[str, Any] = {
        "folder": str(open_folder), "environment_file": None, "keep_releases": 0, "releases_for_s": 0,
        "secrets_for_s": 0, "unfinished_for_s": DAY_S, "only_secrets": False, "measure": False, "doomed": [],
        "one_user": one_user,
    }  # fmt: skip
    with sleeping(open_folder / "releases" / "r1"), sleeping(open_folder / "releases" / "r5", **ORDINARY):
        words = [ORDINARY_PYTHON, "-I", "-c", read_program("prune_host"), "look", json.dumps(spec)]
        done = subprocess.run(words, capture_output=True, text=True, check=True, cwd="/", **ORDINARY)
    seen = json.loads(done.stdout)
    if one_user:
        assert (seen["blind"], seen["hidden"]) == (False, [])
        assert "release" in {one["kind"] for one in seen["found"]}
        return
    assert (seen["blind"], seen["used"]) == (True, ["r4", "r5"])
    assert "release" not in {one["kind"] for one in seen["found"]}
    assert 1 <= len(seen["hidden"]) <= prune_host.HIDDEN_SHOWN


def test_without_a_view_of_others_nothing_that_was_named_goes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prune_host, "find_running", lambda *_: (set(), ["nginx (7)"]))
    prune_host.remove_code({"one_user": False}, str(folder), [("release", "r1"), ("environment", "of-r1")])
    assert sorted(os.listdir(folder / "releases")) == RELEASES
    assert (folder / "environments" / "of-r1").is_dir()


def test_what_the_host_had_before_there_were_releases_never_goes(folder: Path) -> None:
    make_release(folder, "as-found", "of-found", source="as found")
    names = {name for _, name in found(folder, keep_releases=0, releases_for_s=0)}
    assert names.isdisjoint({"as-found", "of-found"})


def test_what_a_killed_removal_left_is_removed_by_the_next(folder: Path) -> None:
    """Half of a release is never among the releases, where it would be taken for the whole."""
    (folder / "incoming").mkdir()
    os.rename(folder / "releases" / "r1", folder / "incoming" / "r1.part")
    assert run("left", folder, ("release", "r1"))["left"] == [["release", "r1"]]
    os.rename(folder / "incoming" / "r1.part", folder / "releases" / "r1")
    (folder / "incoming" / "r1.part").mkdir()
    (folder / "incoming" / "r1.part" / "half").touch()
    assert run("remove", folder, ("release", "r1")) == {"left": []}
    assert os.listdir(folder / "incoming") == []


def test_unfinished_deployments_go_after_their_time(folder: Path) -> None:
    incoming = folder / "incoming"
    for name in ("old.part", "new.part", "whole"):
        (incoming / name).mkdir(parents=True)
        (incoming / name / "main.py").touch()
    (incoming / "old.tar.gz").write_text("half")
    (incoming / "whole" / "venv").symlink_to("../../environments/of-r1")
    for name in ("old.part", "old.tar.gz"):
        grow_old(incoming / name, 2)
    assert found(folder, keep_releases=5) == [("unfinished", "old.part"), ("unfinished", "old.tar.gz")]
    grow_old(incoming / "whole", 2)
    assert ("environment", "of-r1") not in found(folder), "what is to become a release needs it"
    doomed = [one for one in found(folder) if one[0] == "unfinished"]
    assert run("remove", folder, *doomed) == {"left": []}
    assert os.listdir(incoming) == ["new.part"]


def test_copies_of_old_secrets_go_by_age_or_all_of_them(folder: Path) -> None:
    old, new, odd = folder / ".env.before-run7-65a1b2c3", folder / ".env.before-run8-65a1b2c4", folder / ".env.mine"
    for path in (old, new, odd, folder / ".env", folder / ".env.new"):
        path.write_text("SESSION_SECRET=hunter2\n")
        path.chmod(0o600)
    half = folder / f"{new.name}.json.new"
    for path in (folder / f"{old.name}.json", folder / f"{new.name}.json", half):
        path.write_text("{}")
    grow_old(old, 8)
    grow_old(odd, 8)
    answer = run("look", folder)
    assert (answer["secrets"], "hunter2" in json.dumps(answer)) == (4, False)
    assert ("secrets", old.name) == found(folder, keep_releases=9)[0]
    every = found(folder, only_secrets=True, secrets_for_s=0)
    assert every == [("secrets", name) for name in (old.name, new.name, half.name, ".env.new")]
    assert run("remove", folder, *every) == {"left": []}, "with the notes on them"
    assert {path.name for path in folder.glob(".env*")} == {".env", ".env.mine"}


def test_no_link_is_followed(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "r9").mkdir(parents=True)
    (outside / "r9" / "mine").touch()
    (folder / "releases" / "r1" / "there").symlink_to(outside)
    (folder / "releases" / "r0").symlink_to(outside)
    (folder / ".env.before-run9-a").symlink_to(outside / "r9" / "mine")
    grow_old(folder / "releases" / "r0", 20)
    grow_old(folder / ".env.before-run9-a", 20)
    names = {name for _, name in found(folder, keep_releases=0)}
    assert names.isdisjoint({"r0", ".env.before-run9-a"})
    run("remove", folder, ("release", "r1"), ("secrets", ".env.before-run9-a"))
    assert (outside / "r9" / "mine").exists()
    assert not (folder / "releases" / "r1").exists()
    os.rename(folder / "environments", folder / "kept")
    (folder / "environments").symlink_to(outside)
    assert run("look", folder)["links"] == ["environments"]
    assert run("remove", folder, ("environment", "r9"))["left"] == [["environment", "r9"]]
    assert (outside / "r9" / "mine").exists()


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".", "..", ".env", "x\n", "x" * 200, "-rf"])
@pytest.mark.parametrize("kind", ["release", "secrets"])
def test_what_is_no_leftovers_name_is_refused(tmp_path: Path, kind: str, name: str) -> None:
    with pytest.raises(Failed, match="is nothing that is removed here; nothing was removed"):
        run("remove", tmp_path, (kind, name))


def test_where_nothing_is_there_is_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "nowhere" / "app"
    assert run("look", folder)["found"] == []
    assert run("remove", folder, ("release", "r1"), ("secrets", ".env.before-run1-a")) == {"left": []}
    assert not folder.exists()
    for near in ("/", "/etc", "relative/x/y"):
        with pytest.raises(Failed, match="too near the root"):
            run("look", Path(near))


def test_so_many_that_ssm_would_cut_the_answer_are_told_in_parts(folder: Path) -> None:
    for number in range(300):
        path = folder / f".env.before-run{number:012}-{number:012x}"
        path.touch()
        grow_old(path, 30)
    answer = run("look", folder)
    assert len(json.dumps(answer)) < OUTPUT_LIMIT
    assert (len(answer["found"]), answer["more"]) == (100, 205)
