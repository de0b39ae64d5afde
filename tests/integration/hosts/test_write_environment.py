"""The program that writes an environment file, on a machine reached in each way: no value comes back, none is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.outcome import Failed
from bot.systems.hosts.command import Machine
from bot.systems.hosts.local import LocalMachine
from bot.systems.hosts.programs import read_answer, read_program, write_environment
from bot.systems.secrets import fingerprint_text

AWKWARD = 'it\'s $HOME `id` \\ "x" # no;comment  '
VALUES = {"SESSION_SECRET": "geheim-42", "SENDGRID_API_KEY": AWKWARD}
OLD = "# mine\nOTHER='a b'\nSESSION_SECRET=old\nLONG=\"one\ntwo\"\n"


def spec(path: Path, values: dict[str, str], **more: Any) -> str:
    """What the bot says; here the host's command prints what lies in a file that is named like the secret."""
    secrets = []
    for variable, value in values.items():
        held = path.with_name(f"held-{variable}")
        held.write_text(f"{value}\n", encoding="utf-8", newline="")
        secrets.append({"variable": variable, "fingerprint": fingerprint_text(value), "command": ["cat", str(held)]})
    return json.dumps(
        {"path": str(path), "mark": "run1-a", "fixed": {"ENVIRONMENT": "production"}, "secrets": secrets} | more
    )


def run(machine: Machine, verb: str, words: str) -> Any:
    command = [sys.executable, "-I", "-c", read_program("write_environment"), verb, words]
    output = machine.run(command, 20)
    assert not any(value in output.said for value in VALUES.values())
    return read_answer(output, machine.title)


def source(path: Path) -> dict[str, str]:
    """What a shell makes of the file, which for what we write is what systemd makes of it."""
    done = subprocess.run(
        ["sh", "-c", 'set -a; . "$1"; exec env -0', "sh", str(path)], env={}, capture_output=True, check=True
    )
    return dict(one.split("=", 1) for one in done.stdout.decode().rstrip("\0").split("\0"))


def test_what_a_killed_run_has_begun_is_cleared_away_with_it(tmp_path: Path) -> None:
    """Killed after the copy was made, before the note on it: nothing was changed, and the copy holds secrets."""
    path = tmp_path / ".env"
    path.write_text(OLD)
    for name in (".env.before-run1-a", ".env.before-run1-a.json.new", ".env.new"):
        (tmp_path / name).write_text("SESSION_SECRET=old\n")
    (tmp_path / ".env.before-run2-b").write_text("another's")
    assert run(LOCAL, "take_back", spec(path, {}))["changed"] is False
    assert sorted(one.name for one in tmp_path.glob(".env*")) == [".env", ".env.before-run2-b"]
    assert path.read_text() == OLD


def test_written_kept_and_put_back(machine: Machine, tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(OLD)
    found = run(machine, "write", spec(path, VALUES))
    assert (found["changed"], found["kept"], found["mode"]) == (True, "file", "600")
    assert found["others"] == ["LONG", "OTHER"]
    assert found["variables"] == {
        "ENVIRONMENT": fingerprint_text("production"), **{name: fingerprint_text(one) for name, one in VALUES.items()}
    }  # fmt: skip
    assert source(path).items() >= {**VALUES, "ENVIRONMENT": "production", "OTHER": "a b", "LONG": "one\ntwo"}.items()
    assert "# mine\n" in path.read_text()
    kept = tmp_path / ".env.before-run1-a"
    assert (kept.read_text(), kept.stat().st_mode & 0o777) == (OLD, 0o600)
    assert run(machine, "write", spec(path, VALUES))["changed"] is False, "done once"
    assert run(machine, "put_back", spec(path, VALUES, mark="run2-b", put_back="run1-a"))["changed"]
    assert path.read_text() == OLD
    assert source(tmp_path / ".env.before-run2-b")["SESSION_SECRET"] == VALUES["SESSION_SECRET"]


LOCAL = LocalMachine("app 1")


def test_taken_back_by_the_run_itself(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(OLD)
    assert run(LOCAL, "take_back", spec(path, VALUES))["changed"] is False
    run(LOCAL, "write", spec(path, VALUES))
    assert run(LOCAL, "take_back", spec(path, VALUES))["changed"]
    assert path.read_text() == OLD
    assert not list(tmp_path.glob(".env.*"))


@pytest.mark.parametrize("died_before", ["the file came back", "the copy went", "the note went"])
@pytest.mark.parametrize("old", [OLD, None])
def test_taken_back_also_by_the_next_when_one_was_killed_at_it(
    tmp_path: Path, old: str | None, died_before: str
) -> None:
    path, kept = tmp_path / ".env", tmp_path / ".env.before-run1-a"
    if old is not None:
        path.write_text(old)
    run(LOCAL, "write", spec(path, VALUES))
    if died_before != "the file came back":
        if old is None:
            path.unlink()
        else:
            path.write_text(old)
            path.chmod(0o644)
    if died_before == "the note went":
        kept.unlink(missing_ok=True)
    assert run(LOCAL, "take_back", spec(path, VALUES))["changed"]
    assert (path.read_text() if path.exists() else None) == old
    assert not list(tmp_path.glob(".env.*"))


def test_what_somebody_else_wrote_is_not_overwritten_by_the_way_back(tmp_path: Path) -> None:
    path, kept = tmp_path / ".env", tmp_path / ".env.before-run1-a"
    path.write_text(OLD)
    run(LOCAL, "write", spec(path, VALUES))
    ours = path.read_text()
    path.write_text("THEIRS=1\n")
    assert run(LOCAL, "look", spec(path, VALUES))["touched"]
    for verb, more in (("take_back", {}), ("put_back", {"mark": "run2-b", "put_back": "run1-a"})):
        with pytest.raises(Failed, match="changed by somebody else"):
            run(LOCAL, verb, spec(path, VALUES, **more))
    assert path.read_text() == "THEIRS=1\n"
    path.write_text(ours)
    kept.write_text("spoilt")
    with pytest.raises(Failed, match="is not what was kept there any more"):
        run(LOCAL, "put_back", spec(path, VALUES, mark="run2-b", put_back="run1-a"))
    assert path.read_text() == ours


def test_what_somebody_else_wrote_between_two_attempts_is_what_comes_back(tmp_path: Path) -> None:
    """Lines of others stay in what is written, so that writing once more harms nothing; the run must not be stuck."""
    path = tmp_path / ".env"
    path.write_text(OLD)
    run(LOCAL, "write", spec(path, VALUES))
    path.write_text("THEIRS=1\n")
    assert run(LOCAL, "write", spec(path, VALUES))["others"] == ["THEIRS"]
    assert run(LOCAL, "take_back", spec(path, VALUES))["changed"]
    assert path.read_text() == "THEIRS=1\n"
    assert not list(tmp_path.glob(".env.*"))


def test_a_first_file_has_nothing_to_be_kept(tmp_path: Path) -> None:
    found = run(LOCAL, "write", spec(tmp_path / ".env", VALUES))
    assert (found["changed"], found["kept"]) == (True, "none")
    assert run(LOCAL, "look", spec(tmp_path / ".env", VALUES))["variables"] == found["variables"]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda one: one | {"fingerprint": "0" * 12}, "another value for this host than for the bot"),
        (lambda one: one | {"command": ["false"]}, "SESSION_SECRET was not read: false ended with 1"),
        (lambda one: one | {"command": ["/no/such"]}, "cannot be started"),
        (lambda one: one | {"command": ["printf", "a\nb"], "fingerprint": fingerprint_text("a\nb")}, "line break"),
        (lambda one: one | {"command": ["printf", "\\377"]}, "not UTF-8"),
    ],
)
def test_what_is_not_as_it_should_be_leaves_the_file_alone(tmp_path: Path, spoil: Any, said: str) -> None:
    path = tmp_path / ".env"
    path.write_text(OLD)
    words = json.loads(spec(path, VALUES))
    words["secrets"][0] = spoil(words["secrets"][0])
    with pytest.raises(Failed, match=said):
        run(LOCAL, "write", json.dumps(words))
    assert path.read_text() == OLD
    assert not list(tmp_path.glob(".env.*"))


def test_links_and_places_that_are_none_are_refused(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / ".env"
    real.write_text(OLD)
    link.symlink_to(real)
    with pytest.raises(Failed, match="is a link"):
        run(LOCAL, "write", spec(link, VALUES))
    with pytest.raises(Failed, match="no folder"):
        run(LOCAL, "look", json.dumps({"path": "no/.env", "mark": "m", "fixed": {}, "secrets": []}))
    assert real.read_text() == OLD


def test_what_a_killed_one_left_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(OLD)
    (tmp_path / ".env.new").write_text("half")
    (tmp_path / ".env.before-run1-a").write_text(OLD)  # it died between the copy and the exchange
    assert run(LOCAL, "write", spec(path, VALUES))["changed"]
    kept = [".env.before-run1-a", ".env.before-run1-a.json"]
    assert sorted(one.name for one in tmp_path.glob(".env*")) == [".env", *kept]
    assert (tmp_path / ".env.before-run1-a").read_text() == OLD


def test_its_owner_stays(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(OLD)
    if os.geteuid() == 0:  # only root gives files away
        os.chown(path, 65534, 65534)
    before = path.stat()
    run(LOCAL, "write", spec(path, VALUES))
    assert {(one.stat().st_uid, one.stat().st_gid) for one in tmp_path.glob(".env*")} == {
        (before.st_uid, before.st_gid)
    }


written = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufeff"), max_size=30)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["A", "B_1", "SESSION_SECRET"]), written, min_size=1))
@example({"A": AWKWARD, "B_1": "", "SESSION_SECRET": "'"})
@example({"A": "\\", "B_1": "x\\", "SESSION_SECRET": "$(id) \t"})
def test_what_is_written_is_read_back(values: dict[str, str]) -> None:
    """By our reader, which knows systemd's rules, and by a shell."""
    text = "".join(f"{name}={write_environment.quote(value)}\n" for name, value in values.items())
    assert {name: value for name, value, _ in write_environment.entries(text)} == values
    done = subprocess.run(
        ["sh", "-c", f"set -a\n{text}exec env -0"], env={}, capture_output=True, check=True
    ).stdout.decode()  # fmt: skip
    assert dict(one.split("=", 1) for one in done.rstrip("\0").split("\0")).items() >= values.items()


@given(st.text("AB=\n'\"\\# ;$x\t", max_size=40))
def test_whatever_is_in_a_file_no_text_of_it_is_lost(text: str) -> None:
    assert "".join(one for _, _, one in write_environment.entries(text)) == text


@pytest.mark.parametrize(
    ("line", "value"),
    [  # systemd.exec(5): EnvironmentFile=
        ("A=word", "word"),
        ("A =  two words  ", "two words"),
        ("A='x y' ", "x y"),
        ("A='x'\"y\"z", "xyz"),
        ('A="a\\"b\\$\\n"', 'a"b$\\n'),
        ("A=a\\ b", "a b"),
        ("A=it's", "it's"),
        ("A=a#b ;c", "a#b ;c"),
        ("A=one\\\ntwo", "onetwo"),
        ("A=", ""),
        ("export A=1", "1"),
    ],
)
def test_reads_as_systemd_does(line: str, value: str) -> None:
    assert [(name, found) for name, found, _ in write_environment.entries(f"# x=y\n\n{line}\n")][-1] == ("A", value)
