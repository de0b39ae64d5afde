"""A user's way through an application: requests in order, what came back, and what was made taken away again."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

import requests
from pydantic import JsonValue

from bot.policy import Verification, VerificationStep
from bot.policy.verification import BRACES
from bot.systems.web_application import tell_no_answer
from bot.words import cut

TIMEOUT_S = 10
ANSWER_BYTES = 1024 * 1024
SHOWN = 160


@dataclass(frozen=True)
class Stage:
    """How one step went; `expected` and `found` in words."""

    title: str
    expected: str
    found: str
    good: bool
    skipped: bool = False


def walk(
    url: str, verification: Verification, user: str, password: str, *,
    left: Mapping[str, str] | None = None, keep: Callable[[dict[str, str]], None] = lambda made: None,
) -> Iterator[Stage]:  # fmt: skip
    """Go through all steps. After one that failed only those that clean up are done.

    `keep` is told at once what was made, by the names that the policy remembers it under, and that nothing is left.
    `left` is what it was told last by somebody who did not come to the end: that is taken away too.
    """
    known = {"user": user, "password": password, "mark": secrets.token_hex(6)}
    given, failed = set(known), False
    with requests.Session() as session:
        for step in verification.steps:
            if failed and not (step.clean_up and _needed(step) <= set(known)):
                yield Stage(step.title, _describe(step), "not tried", good=False, skipped=True)
                continue
            stage = _take(session, url, step, known)
            if step.remember:
                keep({**(left or {}), **{name: value for name, value in known.items() if name not in given}})
            failed = failed or not stage.good
            yield stage
        for step in verification.steps if left else ():
            if step.clean_up and _needed(step) & set(left or {}):
                _take(session, url, step, {**known, **(left or {})})
    keep({})


def _take(session: requests.Session, url: str, step: VerificationStep, known: dict[str, str]) -> Stage:
    try:
        answer = session.request(
            step.method,
            url.rstrip("/") + _fill(step.path, known, is_path=True),
            params={name: _fill(value, known) for name, value in step.query.items()} or None,
            data={name: _fill(value, known) for name, value in step.form.items()} or None,
            json=_fill_body(step, known) or None,
            timeout=TIMEOUT_S,
            allow_redirects=False,
            stream=True,
        )
        with answer:
            text = answer.raw.read(ANSWER_BYTES, decode_content=True).decode("utf-8", "replace")
    except (requests.RequestException, OSError) as error:
        return Stage(step.title, _describe(step), f"no answer: {tell_no_answer(error)}", good=False)
    wrong = next(_list_wrong(step, answer, text, known), "")
    found = wrong or f"{answer.status_code} in {answer.elapsed.total_seconds() * 1000:.0f} ms"
    return Stage(step.title, _describe(step), found, good=not wrong)


def _list_wrong(step: VerificationStep, answer: requests.Response, text: str, known: dict[str, str]) -> Iterator[str]:
    """What is not as it should be, in words; remembers what later steps need, and what is to be taken away."""
    body = _parse(text)
    for name, source in step.remember.items():
        if body is not None and isinstance(body.get(source), str | int):
            known[name] = str(body[source])
    if answer.status_code != step.status:
        yield f"{answer.status_code}"
    if step.cookie and step.cookie not in answer.cookies:
        yield f"no cookie {step.cookie}"
    if step.contains and _fill(step.contains, known) not in text:
        yield "an answer without it"
    if body is not None:
        yield from _list_wrong_fields(step, body, known)
    elif step.fields or step.figures or step.remember:
        yield "no JSON object"


def _list_wrong_fields(step: VerificationStep, body: dict[str, JsonValue], known: dict[str, str]) -> Iterator[str]:
    for name, value in step.fields.items():
        if body.get(name) != value:
            yield f"{name}: {cut(str(body.get(name)), SHOWN)}"
    for name in step.figures:
        if not isinstance(body.get(name), int | float):
            yield f"{name} is no number"
    yield from (f"no {source}" for name, source in step.remember.items() if name not in known)


def _parse(text: str) -> dict[str, JsonValue] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _needed(step: VerificationStep) -> set[str]:
    texts = (step.path, *step.query.values(), *step.form.values(), *map(str, step.body.values()))
    return {name for text in texts for name in BRACES.findall(text)}


def _fill(text: str, known: dict[str, str], *, is_path: bool = False) -> str:
    """Each name in braces replaced once; in a path what comes from the far side stays one segment."""
    return BRACES.sub(lambda found: quote(known[found[1]], safe="") if is_path else known[found[1]], text)


def _fill_body(step: VerificationStep, known: dict[str, str]) -> dict[str, JsonValue]:
    return {name: _fill(value, known) if isinstance(value, str) else value for name, value in step.body.items()}


def _describe(step: VerificationStep) -> str:
    wanted = [f"{name}: {value}" for name, value in step.fields.items()]
    wanted += [f"a number in {name}" for name in step.figures]
    wanted += [f"a cookie {step.cookie}"] if step.cookie else []
    wanted += ["what was made"] if step.contains else []
    return ", ".join([str(step.status), *wanted])
