"""Who may send alerts, one a file with `NAME`, `verify(call, access)` and `parse(payload, now)`.

`verify` raises `Unverified`; `parse` gives the alerts, and raises `BadPayload`. `confirm(payload)`, where there is
one, answers a question of the source beforehand and raises `Failed`.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import ModuleType


@cache
def source_modules() -> dict[str, ModuleType]:
    """Every source by its name."""
    found = [importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__)]
    return {module.NAME: module for module in found}
