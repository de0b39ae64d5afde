"""python archive_reader.py BUCKET KEY VERSION FILE: puts an object of S3 into a file, as `aws s3api get-object` does.

For hosts of the sandbox, for the reasons of `secret_reader.py`.
"""

from __future__ import annotations

import os
import shutil
import sys
import urllib.error
import urllib.request
from urllib.parse import quote, urlencode


def main(bucket: str, key: str, version: str, path: str) -> None:
    wanted = {} if version == "null" else {"versionId": version}
    url = f"{os.environ['AWS_ENDPOINT_URL']}/{bucket}/{quote(key)}?{urlencode(wanted)}"
    scope = "sandbox/20260101/us-east-1/s3/aws4_request"
    signed = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}
    request = urllib.request.Request(url, headers=signed)  # noqa: S310 (the sandbox's own cloud)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=20) as answer, open(path, "wb") as file:
            shutil.copyfileobj(answer, file)
    except urllib.error.HTTPError as error:
        sys.exit(f"An error occurred: status {error.code}")


if __name__ == "__main__":
    main(*sys.argv[1:])
