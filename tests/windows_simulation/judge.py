# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must be true of a simulated host after any scenario, beside what the scenario itself checks."""

from __future__ import annotations

from collections import Counter
from typing import Any

from cryptography import x509

from windows_simulation.fleet import Played

READING = ("win_certificate_info", "win_reg_stat", "website_info", "win_ping")
AES_BUILD = 17763


def complaints(played: Played, host: str, scenario: str) -> list[str]:
    """Return what is wrong with a host, nothing if all is well."""
    failed = played.failed(host)
    if failed:
        return [f"{failed.task}: {failed.msg or failed.result}"]
    state = played.state(host)
    leaves = {bundle["thumbprint"] for bundle in played.variables["bundles"].values()}
    return [
        *_stores(state, leaves),
        *_keys(state),
        *[f"{path} is left" for path in state["files"] if "\\temp\\" in path or path.endswith(".new")],
        *_check_mode(played, host, scenario),
        *_of(scenario, state, played),
    ]


def _stores(state: dict[str, Any], leaves: set[str]) -> list[str]:
    found = ["a root was imported"] if state["stores"]["Root"] else []
    strange = [one for name in ("My", "WebHosting") for one in state["stores"][name] if one["thumbprint"] not in leaves]
    found += ["a certificate authority is among the certificates of sites"] if strange else []
    authorities = [_read(one) for one in state["stores"]["CA"]]
    held = [_read(one) for name in ("My", "WebHosting") for one in state["stores"][name]]
    alone = {one.issuer for one in held} - {one.subject for one in authorities}
    found += [f"the intermediate {name.rfc4514_string()} is not in CA" for name in alone]
    return found + ["a root is in CA" for one in authorities if one.subject == one.issuer]


def _read(entry: dict[str, Any]) -> x509.Certificate:
    return x509.load_pem_x509_certificate(entry["pem"].encode())


def _keys(state: dict[str, Any]) -> list[str]:
    cipher = "aes" if state["build"] >= AES_BUILD else "3des"
    found = [
        f"the key of {key['thumbprint']} is {key}"
        for key in ({**key, "pem": ""} for key in state["keys"])
        if not key["machine"] or key["exportable"] or key["user"] != "SYSTEM" or key["cipher"] != cipher
    ]
    often = Counter(key["thumbprint"] for key in state["keys"])
    return found + [f"{thumbprint} was imported {times} times" for thumbprint, times in often.items() if times > 1]


def _check_mode(played: Played, host: str, scenario: str) -> list[str]:
    dry = [call["module"] for call in played.calls(host) if call.get("check_mode")]
    found = [f"{module} ran in check mode" for module in dry if module.rpartition(".")[2] not in READING]
    return found + (["nothing ran in check mode"] if scenario == "check_mode" and not dry else [])


def _of(scenario: str, state: dict[str, Any], played: Played) -> list[str]:
    if scenario in ("more_flags", "flags_unseen") and [one["flags"] for one in state["sites"][-1]["bindings"]] != [9]:
        return ["the flags are gone"]
    if scenario == "web_hosting":
        rules = [entry["rule"] for entry in state["acl"]]
        wanted = [["IIS AppPool\\DefaultAppPool", "Read", "allow"]]
        return [] if rules == wanted else [f"the rules of the key are {rules}"]
    if scenario == "central_store" and not state["stores"]["CA"]:
        return ["the intermediate is not in CA"]
    if scenario == "removed" and state["registry"].get("hklm:\\software\\certops.acm"):
        return ["the record is left"]
    return []
