"""What vendors publish about the operations that we use, written down as JSON schemas; requests are held against it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

FORMATS = Draft202012Validator.FORMAT_CHECKER


def list_problems(vendor: str, operation: str, body: object) -> list[str]:
    """What is wrong with the body of a request; empty where it is as the vendor describes it."""
    return [f"{error.json_path}: {error.message}" for error in _read(vendor, operation).iter_errors(body)]


@cache
def _read(vendor: str, operation: str) -> Draft202012Validator:
    text = (Path(__file__).parent / f"{vendor}.yml").read_text(encoding="utf-8")
    schemas: dict[str, Any] = yaml.safe_load(text)
    Draft202012Validator.check_schema(schemas[operation])
    return Draft202012Validator(schemas[operation], format_checker=FORMATS)
