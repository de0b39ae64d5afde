"""How much is right in a folder: count_entries.py FOLDER. Answers entries, oldest (last written, in seconds), now."""

from __future__ import annotations

import json
import os
import sys
import time


def main(folder: str) -> dict[str, object]:
    if not os.path.isabs(folder):
        sys.exit("the folder's path is not absolute")
    count, oldest = 0, None
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    written = entry.stat(follow_symlinks=False).st_mtime
                except FileNotFoundError:  # it went meanwhile
                    continue
                count += 1
                oldest = written if oldest is None else min(oldest, written)
    except (FileNotFoundError, NotADirectoryError):
        pass
    return {"entries": count, "oldest": oldest, "now": time.time()}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
