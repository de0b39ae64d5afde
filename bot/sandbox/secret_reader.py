"""python secret_reader.py NAME VERSION REGION: prints a version of a secret, as `aws secretsmanager` does on a host.

For hosts of the sandbox, where the AWS CLI may be missing and would take a second to start. Its cloud asks for no
signature, only for where it is asked.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request


def main(name: str, version: str, region: str) -> str:
    scope = f"sandbox/20260101/{region}/secretsmanager/aws4_request"
    request = urllib.request.Request(  # noqa: S310 (the sandbox's own cloud)
        os.environ["AWS_ENDPOINT_URL"],
        json.dumps({"SecretId": name, "VersionId": version}).encode(),
        {
            "X-Amz-Target": "secretsmanager.GetSecretValue",
            "Content-Type": "application/x-amz-json-1.1",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        },
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=20) as answer:
            found: dict[str, str] = json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"An error occurred: {json.load(error).get('message')}")
    return found["SecretString"]


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
