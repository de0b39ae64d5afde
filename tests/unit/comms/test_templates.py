"""Templates: each is rendered with samples at start, and an operator's mistake is named with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.comms.prose import Prose
from bot.comms.templates_check import TemplateRefused, check_templates, list_samples, list_templates
from bot.settings import Settings, SettingsError, templates_dir

SUBJECT = "email/bulletin/subject.txt"


def own_file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", list_templates())
def test_every_template_has_samples(name: str) -> None:
    assert list_samples(name)


def test_ours_are_good() -> None:
    check_templates(Prose(templates_dir()))


def test_the_operators_file_comes_first_and_the_others_stay(tmp_path: Path) -> None:
    own_file(tmp_path, SUBJECT, "Oh no: {{ said.title }}\n")
    prose = Prose(templates_dir(), tmp_path)
    check_templates(prose, tmp_path)
    (values, *_) = list_samples(SUBJECT)
    assert prose.line(SUBJECT, **values) == f"Oh no: {values['said']['title']}"
    assert "INCIDENT DETAILS:" in prose.plain("email/bulletin/body.txt", **values)


def test_an_own_frame_is_used_by_our_bodies(tmp_path: Path) -> None:
    own_file(tmp_path, "email/frame.html", "<p>{% block title %}{% endblock %}</p>")
    (values, *_) = list_samples("email/bulletin/body.html")
    prose = Prose(templates_dir(), tmp_path)
    assert prose.html("email/bulletin/body.html", **values).startswith("<p>Database connection failure</p>")


@pytest.mark.parametrize(("text", "line", "words"), [
    ("fine\n{{ said.titel }}\n", 2, "titel"),
    ("fine\n\n{% if drill %}\n", 3, "endif"),
    ("{{ said.severity | nosuch }}", 1, "nosuch"),
    ("fine\n{{ 1 / 0 }}", 2, "division"),
    ("fine\n{% for %}", 2, ""),
])  # fmt: skip
def test_a_mistake_refuses_the_start_and_is_named(text: str, line: int, words: str, tmp_path: Path) -> None:
    path = own_file(tmp_path, SUBJECT, text)
    with pytest.raises(TemplateRefused) as caught:
        check_templates(Prose(templates_dir(), tmp_path), tmp_path)
    assert f"{path}, line {line}: " in str(caught.value)
    assert words in str(caught.value)
    assert isinstance(caught.value, SettingsError), "what the terminal and the start already turn away"


def test_a_mistake_in_a_case_that_is_rare_is_found(tmp_path: Path) -> None:
    own_file(tmp_path, SUBJECT, "{% if resolved %}{{ nosuch }}{% endif %}")
    with pytest.raises(TemplateRefused):
        check_templates(Prose(templates_dir(), tmp_path), tmp_path)


def test_a_file_that_would_never_be_used_is_refused(tmp_path: Path) -> None:
    own_file(tmp_path, "email/buletin/subject.txt", "x")
    with pytest.raises(TemplateRefused, match=r"buletin/subject\.txt takes the place of no template"):
        check_templates(Prose(templates_dir(), tmp_path), tmp_path)


def test_the_folder_is_named_in_the_environment(tmp_path: Path) -> None:
    home = {"HOME": "/h"}
    assert Settings.from_environment(home).templates_path is None
    assert Settings.from_environment({**home, "HOLDFAST_TEMPLATES": str(tmp_path)}).templates_path == tmp_path
    with pytest.raises(SettingsError, match=r"HOLDFAST_TEMPLATES names .* which is not a folder"):
        Settings.from_environment({**home, "HOLDFAST_TEMPLATES": str(tmp_path / "nosuch")})
