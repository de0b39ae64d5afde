"""The stand-in refuses what Cloudflare refuses."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.integration.dns.conftest import NAME, TOKEN, Dns


def patch(dns: Dns, place: str, token: str = TOKEN, **body: Any) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {token}"}
    answer = requests.patch(f"{dns.api.url}/{place}", json=body, headers=headers, timeout=5)
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"ttl": 30}, 9021),
        ({"ttl": 90_000}, 9021),
        ({"content": "no.address"}, 9005),
        ({"color": "red"}, 1002),
    ],
)
def test_records(dns: Dns, body: dict[str, Any], code: int) -> None:
    before = dict(dns.record())
    status, answer = patch(dns, f"zones/{dns.account.zone_id}/dns_records/{before['id']}", **body)
    assert (status, answer["success"], answer["errors"][0]["code"]) == (400, False, code)
    assert dns.record() == before


def test_automatic_ttl_is_taken(dns: Dns) -> None:
    status, answer = patch(dns, f"zones/{dns.account.zone_id}/dns_records/{dns.record()['id']}", ttl=1)
    assert (status, answer["result"]["ttl"]) == (200, 1)


def test_load_balancers_pools_and_monitors(dns: Dns) -> None:
    balancer = dns.balance()
    place = f"zones/{dns.account.zone_id}/load_balancers/{balancer['id']}"
    assert patch(dns, place, default_pools=["nowhere"])[0] == 400
    assert patch(dns, place, unheard_of=1)[0] == 400
    monitor = next(iter(dns.account.monitors))
    assert patch(dns, f"accounts/{dns.account.id}/load_balancers/monitors/{monitor}", interval=5)[0] == 400


def test_a_wrong_token_and_a_wrong_place(dns: Dns) -> None:
    status, answer = patch(dns, "zones", token="wrong")
    assert (status, answer["errors"][0]["code"]) == (403, 10000)
    assert patch(dns, f"zones/{dns.account.zone_id}/nothing")[0] == 404


def test_the_name_server_says_what_the_account_has(dns: Dns) -> None:
    assert dns.names.find(NAME) == ["127.0.0.1"]
    dns.record()["proxied"] = True
    assert dns.names.find(NAME) == ["127.0.0.1"], "an address of Cloudflare's"
    dns.record().update(proxied=False, content="127.0.0.5")
    assert dns.names.find(NAME) == ["127.0.0.5"]
