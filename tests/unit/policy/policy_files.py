"""Variations of the shipped policy, written as files."""

from pathlib import Path

from bot.policy import PolicyError, default_policy_path, load_policy


def write_variation(folder: Path, *replacements: tuple[str, str]) -> Path:
    """Write the shipped policy with texts replaced, the first occurrence of each."""
    text = default_policy_path().read_text(encoding="utf-8")
    for old, new in replacements:
        assert old in text, f"{old!r} is not in the shipped policy"
        text = text.replace(old, new, 1)
    path = folder / "policy.yml"
    path.write_text(text, encoding="utf-8")
    return path


def list_problems(path: Path) -> list[str]:
    """What loading a file complains about, without the file's name."""
    try:
        load_policy(path)
    except PolicyError as error:
        return [str(problem).removeprefix(str(path)) for problem in error.problems]
    return []


def find_line(path: Path, text: str) -> int:
    """The number of the first line that holds a text, counted from 1."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)
