"""A file whose being there says something: flag_file.py read PATH | put PATH CONTENT | remove PATH.

`put` writes it at once as a whole, unless it is there. `remove` keeps what was in it as PATH.off. Each answers since
when it is there, null where it is not.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import sys
from datetime import datetime, timezone


def main(verb: str, path: str, content: str = "") -> dict[str, object]:
    if not os.path.isabs(path) or os.path.normpath(path) != path or path.count("/") < 2:
        sys.exit(f"{path} is no plain path below a folder")
    found = read(path)
    if verb == "put" and found is None:
        put(path, content)
    elif verb == "remove" and found is not None:
        with contextlib.suppress(FileNotFoundError):  # somebody else removed it
            os.replace(path, path + ".off")
    return {"since": read(path), "changed": (found is None) != (read(path) is None)}


def read(path: str) -> str | None:
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(found.st_mode):
        sys.exit(f"{path} is there and is no file; it is left alone")
    return datetime.fromtimestamp(found.st_mtime, timezone.utc).isoformat()


def put(path: str, content: str) -> None:
    new = f"{path}.{os.getpid()}.new"
    try:
        with open(new, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(new, 0o644)
        os.replace(new, path)
    except OSError as error:
        sys.exit(f"{path} cannot be written: {error.strerror}")


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
