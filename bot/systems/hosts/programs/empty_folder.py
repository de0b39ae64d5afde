"""Remove what is in a folder, not the folder itself: empty_folder.py FOLDER. Links are removed, never followed."""

from __future__ import annotations

import json
import os
import shutil
import sys


def main(folder: str) -> dict[str, int]:
    if not os.path.isabs(folder) or folder != os.path.realpath(folder) or folder.count("/") < 2:
        sys.exit(f"{folder} is no plain folder below another: it is a link, leads elsewhere, or is too near the root")
    if not os.path.isdir(folder):
        return {"removed": 0, "left": 0}
    removed = 0
    for entry in list(os.scandir(folder)):
        try:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)
        except FileNotFoundError:  # somebody else removed it
            continue
        removed += 1
    return {"removed": removed, "left": len(os.listdir(folder))}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
