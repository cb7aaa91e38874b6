# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which bindings of IIS get a certificate, what is refused, and what leads back."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from unit.certificates import authority, pem

from ansible_collections.certops.acm.plugins.module_utils.errors import PlanError
from ansible_collections.certops.acm.plugins.module_utils.iis_binding import (
    Binding,
    clean_thumbprint,
    fingerprint_of,
    read_sites,
    read_stores,
    thumbprint_of,
)
from ansible_collections.certops.acm.plugins.module_utils.iis_central import decide_central
from ansible_collections.certops.acm.plugins.module_utils.iis_decision import Wish, decide, undo
from ansible_collections.certops.acm.plugins.module_utils.iis_difference import differences
from ansible_collections.certops.acm.plugins.module_utils.iis_record import Record, superfluous

NAMES = ("shop.example.com", "www.shop.example.com", "*.apps.example.com")
NEW, OLD, OTHER = (
    authority().leaf(names, age=age) for names, age in ((NAMES, 1), (NAMES, 9), (("blog.example.com",), 5))
)
A, B, C = (thumbprint_of(leaf.certificate) for leaf in (NEW, OLD, OTHER))
BUNDLE = {"certificate": NEW.certificate, "names": list(NAMES), "serial": "1f", "not_after": "2027-06-06T00:00:00Z"}


def site(name: str, *bindings: dict[str, Any], state: str = "Started") -> dict[str, Any]:
    return {"name": name, "state": state, "bindings": list(bindings)}


def https(hostname: str = "", thumbprint: str | None = B, **more: Any) -> dict[str, Any]:
    return {
        "ip": "*",
        "port": 443,
        "hostname": hostname,
        "protocol": "https",
        "use_sni": bool(hostname),
        "use_ccs": False,
        "certificate_hash": thumbprint and thumbprint.lower(),
        "certificate_store_name": "My" if thumbprint else None,
        **more,
    }


HTTP = {"ip": "*", "port": 80, "hostname": "", "protocol": "http", "use_sni": False, "use_ccs": False}


def stores(*leaves: Any, keyless: tuple[Any, ...] = ()) -> list[dict[str, Any]]:
    infos = [
        {
            "thumbprint": thumbprint_of(leaf.certificate),
            "raw": base64.b64encode(_der(leaf)).decode(),
            "has_private_key": leaf not in keyless,
            "friendly_name": "certops.acm shop",
            "serial_number": "00AB",
            "valid_from": leaf.x509.not_valid_before_utc.timestamp(),
            "valid_to_iso8601": leaf.x509.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        for leaf in leaves
    ]
    return [{"item": "My", "certificates": infos}, {"item": "WebHosting"}]


def _der(leaf: Any) -> bytes:
    body = "".join(line for line in leaf.certificate.splitlines() if "-----" not in line)
    return base64.b64decode(body)


def plan(sites: list[dict[str, Any]], *, record: str = "", held: Any = (OLD, OTHER), **wish: Any) -> dict[str, Any]:
    given = {"bundle": BUNDLE, "address": "192.0.2.1", "server_names": list(NAMES), **wish}
    return decide(sites, stores(*held), record, Wish(**given))


def moved(made: dict[str, Any]) -> list[str]:
    return [f"{move['site']} {move['hostname']}".strip() for move in made["moves"]]


REFUSED = {
    "nothing is known": ([site("shop", https("shop.example.com"))], {}, "give bindings"),
    "not covered": ([], {"bindings": [{"site": "shop", "hostname": "blog.example.com"}]}, "does not cover blog"),
    "none covered": ([site("blog", https("blog.example.com"))], {"replaces": [B]}, "covers none of the bindings"),
    "an http binding there": (
        [site("shop", {**https("shop.example.com"), "protocol": "http"})],
        {"bindings": [{"site": "shop", "hostname": "shop.example.com"}]},
        "is a binding of http",
    ),
    "another sni": (
        [site("shop", https("shop.example.com"))],
        {"bindings": [{"site": "shop", "hostname": "shop.example.com", "sni": False}]},
        "has sni: True, not False",
    ),
    "sni without a name": ([], {"bindings": [{"site": "shop", "sni": True}]}, "cannot use SNI without a host name"),
    "an option nobody knows": ([], {"bindings": [{"site": "shop", "host": "x"}]}, "host is not one of them"),
    "no site": ([], {"bindings": [{"port": 443}]}, "site is missing"),
    "no thumbprint": ([site("shop", https())], {"replaces": ["1234"]}, "not the thumbprint"),
    "a catch-all beside others": (
        [site("shop", https(), https("blog.example.com", C))], {"replaces": [B]}, "would rebind all of them"),
    "two addresses": (
        [site("shop", https("shop.example.com"), https("shop.example.com", C, ip="192.0.2.7"))],
        {"replaces": [B]}, "would rebind all of them"),
    "a wildcard beside what it fits": (
        [site("shop", https("*.apps.example.com"), https("a.apps.example.com", C))],
        {"replaces": [B]}, "would rebind all of them"),
    "flags above 3": ([site("shop", https("shop.example.com", use_ccs=True))], {"replaces": [B]}, "sslFlags above 3"),
    "the central store": (
        [site("shop", https("shop.example.com", None, use_ccs=True))],
        {"bindings": [{"site": "shop", "hostname": "shop.example.com"}]}, "Central Certificate Store"),
    "a shared port": (
        [site("shop", https("shop.example.com", use_sni=False)),
         site("blog", https("blog.example.com", use_sni=False))],
        {"replaces": [B]}, "shares its certificate with blog"),
    "a created one on a shared port": (
        [site("blog", https("blog.example.com", C, use_sni=False)), site("shop", HTTP)],
        {"bindings": [{"site": "shop", "hostname": "shop.example.com", "sni": False}]}, "shares its certificate"),
    "a site that is starting": (
        [site("shop", https("shop.example.com"), state="Starting")], {"replaces": [B]}, "starting"),
    "a pattern for a name": ([site("shop[1]", https("shop.example.com"))], {"replaces": [B]}, "rename the site"),
    "IPv6": ([site("shop", https("shop.example.com", ip="["))], {"replaces": [B]}, "IPv6"),
    "appcmd would take others": (
        [site("shop", https("shop.example.com")), site("blog", https("blog.example.com"))],
        {"replaces": [B], "backend": "appcmd"}, "appcmd would move every binding"),
    "appcmd could not go back": (
        [site("shop", https("shop.example.com")), site("blog", https("blog.example.com", A))],
        {"replaces": [B], "backend": "appcmd"}, "appcmd could not lead back"),
    "appcmd and another store": (
        [site("shop", https("shop.example.com"))],
        {"replaces": [B], "backend": "appcmd", "store": "WebHosting"}, "set store: My"),
    "a damaged record": ([site("shop", https())], {"record": "{"}, "is damaged"),
    "nothing to go back to": ([site("shop", https())], {"state": "rolled_back"}, "nothing is known to go back to"),
}  # fmt: skip


@pytest.mark.parametrize(("sites", "wish", "reason"), REFUSED.values(), ids=list(REFUSED))
def test_refused(sites: list[dict[str, Any]], wish: dict[str, Any], reason: str) -> None:
    made = plan(sites, **wish)
    assert reason in "; ".join(made["problems"])
    assert made["changed"] is False


def test_only_what_used_the_certificate_moves() -> None:
    sites = [
        site("shop", HTTP, https("shop.example.com"), https("www.shop.example.com")),
        site("blog", https("blog.example.com", C)),
    ]
    made = plan(sites, replaces=[B])
    assert (moved(made), made["problems"]) == (["shop shop.example.com", "shop www.shop.example.com"], [])
    assert made["previous_fingerprint"] == OLD.fingerprint
    assert [shake["server_name"] for shake in made["handshakes"]] == ["shop.example.com", "www.shop.example.com"]
    assert {shake["fingerprint"] for shake in made["handshakes"]} == {NEW.fingerprint}
    assert len(made["expected"]) == len(made["before"]) == 4


def test_what_the_new_one_does_not_cover_is_left() -> None:
    made = plan([site("shop", https("shop.example.com"), https("old.example.com"))], replaces=[B])
    assert (moved(made), made["left"], made["problems"]) == (
        ["shop shop.example.com"],
        ["shop *:443:old.example.com"],
        [],
    )


def test_a_binding_that_is_not_there_is_created() -> None:
    made = plan([site("shop", HTTP)], bindings=[{"site": "shop", "hostname": "a.apps.example.com"}])
    assert [(move["kind"], move["sni"], move["port"]) for move in made["moves"]] == [("create", True, 443)]
    assert len(made["expected"]) == 2


def test_a_renewal_follows_the_record_and_remembers_what_was() -> None:
    first = plan([site("shop", https("shop.example.com"))], replaces=[B])
    bound = [site("shop", https("shop.example.com", A))]
    again = plan(bound, record=first["record"], held=(NEW, OLD))
    assert (again["changed"], again["moves"], again["record"]) == (False, [], first["record"])
    newest = authority().leaf(NAMES)
    renewed = plan(bound, record=first["record"], bundle={**BUNDLE, "certificate": newest.certificate})
    record = Record.from_text(renewed["record"])
    assert moved(renewed) == ["shop shop.example.com"]
    assert record and [one.thumbprint for one in record.former] == [A]
    assert [one.thumbprint for one in record.original] == [B]


def test_a_run_that_was_killed_is_finished_and_leads_back_to_what_was_before_it() -> None:
    both = [site("shop", https("shop.example.com"), https("www.shop.example.com"))]
    first = plan(both, replaces=[B])
    half = [site("shop", https("shop.example.com", A), https("www.shop.example.com"))]
    rest = plan(half, record=first["record"])
    assert moved(rest) == ["shop www.shop.example.com"]
    record = Record.from_text(rest["record"])
    assert record and {one.thumbprint for one in record.former} == {B}
    done = [site("shop", https("shop.example.com", A), https("www.shop.example.com", A))]
    back = plan(done, record=rest["record"], state="rolled_back", held=(NEW, OLD))
    assert [move["to_thumbprint"] for move in back["moves"]] == [B, B]
    assert back["certificate"]["fingerprint"] == OLD.fingerprint
    returned = plan(both, record=back["record"], state="rolled_back", held=(NEW, OLD))
    assert (returned["changed"], returned["problems"]) == (False, [])
    onward = plan(both, record=back["record"], held=(NEW, OLD))
    assert len(onward["moves"]) == 2


@pytest.mark.parametrize(
    ("held", "reason"),
    [((NEW,), "is not in the store My any more"), ((NEW, authority().leaf(NAMES, days=2, age=3)), "")],
    ids=["gone", "unrelated"],
)
def test_what_is_gone_cannot_come_back(held: Any, reason: str) -> None:
    first = plan([site("shop", https("shop.example.com"))], replaces=[B])
    back = plan([site("shop", https("shop.example.com", A))], record=first["record"], state="rolled_back", held=held)
    assert (reason or "cannot go back") in "; ".join(back["problems"])


def test_what_expired_comes_back_only_by_force() -> None:
    expired = authority().leaf(NAMES, days=2, age=3)
    sites = [site("shop", https("shop.example.com", thumbprint_of(expired.certificate)))]
    first = plan(sites, replaces=[thumbprint_of(expired.certificate)], held=(expired,))
    bound, held = [site("shop", https("shop.example.com", A))], (NEW, expired)
    back = plan(bound, record=first["record"], state="rolled_back", held=held)
    assert "expired at" in back["problems"][0]
    forced = plan(bound, record=first["record"], state="rolled_back", held=held, force=True)
    assert (forced["problems"], len(forced["moves"])) == ([], 1)


def test_absent_brings_back_the_first_and_removes_what_was_created() -> None:
    wish: dict[str, Any] = {"bindings": [{"site": "shop", "hostname": "www.shop.example.com"}], "replaces": [B]}
    first = plan([site("shop", https("shop.example.com"))], **wish)
    bound = [site("shop", https("shop.example.com", A), https("www.shop.example.com", A))]
    gone = plan(bound, record=first["record"], state="absent", held=(NEW, OLD))
    assert [(move["kind"], move["to_thumbprint"]) for move in gone["moves"]] == [("bind", B), ("remove", "")]
    assert gone["record"] == ""
    command = gone["commands"][0]
    assert command[3] == "/-bindings.[protocol='https',bindingInformation='*:443:www.shop.example.com']"
    nothing = plan(bound, state="absent")
    assert (nothing["changed"], nothing["problems"], nothing["moves"]) == (False, [], [])


def test_the_way_back_puts_all_bindings_right_also_those_nobody_meant() -> None:
    before = [
        site("shop", https("shop.example.com"), https("www.shop.example.com")),
        site("blog", https("blog.example.com", C)),
    ]
    made = plan(before, replaces=[B], bindings=[{"site": "shop", "hostname": "a.apps.example.com"}])
    now = [
        site("shop", https("shop.example.com", A), https("www.shop.example.com"), https("a.apps.example.com", A)),
        site("blog", https("blog.example.com", A)),
    ]
    back = undo(now, made["before"], stores(OLD, OTHER), Wish(address="192.0.2.1"))
    assert [(move["site"], move["kind"], move["to_thumbprint"]) for move in back["moves"]] == [
        ("shop", "bind", B), ("blog", "bind", C), ("shop", "remove", "")]  # fmt: skip
    assert [shake["fingerprint"] for shake in back["handshakes"]] == [OLD.fingerprint, OTHER.fingerprint]


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ([site("shop", https("shop.example.com", A))], []),
        ([site("shop", https("shop.example.com"))], [f"has {B} (My) instead of {A} (My)"]),
        ([site("shop", https("shop.example.com", None))], ["has no certificate instead"]),
        ([site("shop")], ["is gone"]),
        ([site("shop", https("shop.example.com", A, use_sni=False))], ["lost its protocol or flags"]),
        ([site("shop", https("shop.example.com", A), state="Stopped")], ["was started and is stopped"]),
        ([site("shop", https("shop.example.com", A), https("x.example.com"))], ["appeared"]),
    ],
)
def test_differences(now: list[dict[str, Any]], told: list[str]) -> None:
    expected = [Binding("shop", "*", 443, "shop.example.com", sni=True, thumbprint=A, store="My")]
    found = differences(expected, read_sites(now))
    assert len(found) == len(told)
    assert all(text in line for text, line in zip(told, found))


def test_a_catch_all_is_asked_for_by_a_name_nobody_else_claims() -> None:
    sites = [site("shop", https(), state="Started"), site("www", https("shop.example.com", C))]
    shakes = plan(sites, replaces=[B])["handshakes"]
    assert [shake["server_name"] for shake in shakes] == ["www.shop.example.com"]
    claimed = plan(sites, replaces=[B], server_names=["shop.example.com"])["handshakes"]
    assert [shake["server_name"] for shake in claimed] == [""]


def test_a_stopped_site_shows_nothing() -> None:
    assert plan([site("shop", https("shop.example.com"), state="Stopped")], replaces=[B])["handshakes"] == []


def test_cleaning_keeps_the_newest_what_is_bound_and_what_leads_back() -> None:
    leaves = [authority().leaf(NAMES, age=age) for age in (1, 2, 3, 4, 5)]
    held = read_stores(stores(*leaves))
    prints = [thumbprint_of(leaf.certificate) for leaf in leaves]
    bound = read_sites([site("shop", https("shop.example.com", prints[2]))])
    record = Record(thumbprint=prints[0], former=(Binding("shop", "*", 443, "x", thumbprint=prints[3]),))
    chosen = superfluous(held, bound, record, name="certops.acm shop", keep=1)
    assert [one.thumbprint for one in chosen] == [prints[4], prints[1]]
    assert superfluous(held, bound, record, name="certops.acm other", keep=0) == []


def test_thumbprints_are_taken_as_people_copy_them() -> None:
    spaced = "\u200e" + " ".join(A[at : at + 2].lower() for at in range(0, 40, 2))
    assert clean_thumbprint(spaced) == A
    with pytest.raises(PlanError, match="40 hexadecimal digits"):
        clean_thumbprint(A[:-1])


def test_fingerprints_are_those_of_the_leaf() -> None:
    assert fingerprint_of(pem(NEW.x509)) == NEW.fingerprint
    with pytest.raises(PlanError, match="not readable"):
        thumbprint_of("nothing")


def test_a_record_is_json_behind_a_word() -> None:
    text = plan([site("shop", https("shop.example.com"))], replaces=[B])["record"]
    assert json.loads(text.removeprefix("certops.acm 1 "))["fingerprint"] == NEW.fingerprint
    again = Record.from_text(text)
    assert again and again.to_text() == text


def central(record: str, serial: str = "1", **wish: Any) -> dict[str, Any]:
    bundle = {**BUNDLE, "fingerprint": serial * 64, "serial": serial}
    sites = [
        site("shop", https("shop.example.com", None, use_ccs=True), https("www.shop.example.com")),
        site("blog", https("blog.example.com", None, use_ccs=True)),
    ]
    given = {"bundle": bundle, "address": "192.0.2.1", **wish}
    return decide_central(sites, record, Wish(**given), place="D:\\certificates", password_given=True)


def test_the_central_store_remembers_what_it_had() -> None:
    first = central("")
    assert (first["changed"], first["problems"]) == (True, [])
    assert [shake["label"] for shake in first["handshakes"]] == ["shop *:443:shop.example.com"]
    assert central(first["record"])["changed"] is False
    assert "nothing to go back to" in central(first["record"], state="rolled_back", bundle={})["problems"][0]
    second = central(first["record"], "2")
    back = central(second["record"], state="rolled_back", bundle={})
    assert (back["changed"], back["certificate"]["fingerprint"]) == (True, "1" * 64)
    assert back["names"] == list(NAMES)
    assert central(back["record"], state="rolled_back", bundle={})["changed"] is False
    assert central(back["record"], "2")["changed"] is True


def test_the_central_store_is_asked_for_completely() -> None:
    given = Wish(bundle=BUNDLE)
    told = decide_central([], "", given, place="", password_given=False)["problems"]
    assert "central_path is missing" in told[0] and "certificate_pkcs12_password is missing" in told[1]
    assert "remove its files yourself" in central("", state="absent")["problems"][0]
