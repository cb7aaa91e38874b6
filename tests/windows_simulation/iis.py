# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Models of website, website_info and the appcmd commands the role uses, with the faults of the versions pinned."""

from __future__ import annotations

import fnmatch
import re
from typing import Any

from windows_simulation.certificates import find, store_named
from windows_simulation.errors import ModuleFailed, NotModelled
from windows_simulation.state import http_sys_key, site

_NO_SESSION = (
    "A specified logon session does not exist. It may already have been terminated. "
    "(Exception from HRESULT: 0x80070520)"
)
_APPCMD = r"c:\windows\system32\inetsrv\appcmd.exe"


def website(state: dict[str, Any], values: dict[str, Any], call: Any) -> dict[str, Any]:
    changed = False
    found = _site(state, values["name"])
    if values["state"] in ("absent", "restarted") or values["bindings"].get("set") is not None:
        raise NotModelled("website state absent or restarted, or bindings.set")
    if found is None:
        if not values["physical_path"]:
            raise ModuleFailed("missing required arguments: physical_path")
        if call.check_mode:
            return {"changed": True}
        state["sites"].append(site(values["name"], []))
        found, changed = state["sites"][-1], True
    for wanted in values["bindings"].get("add") or []:
        info = f"{_text(wanted['ip'])}:{_text(wanted['port'])}:{_text(wanted['hostname'])}"
        there = [one for one in found["bindings"] if one["info"].lower() == info.lower()]
        changed |= _edit(state, found, there[0], wanted, call) if there else _add(state, found, wanted, call)
    for unwanted in values["bindings"].get("remove") or []:
        for one in _get_web_binding(found, unwanted):
            changed = True
            if not call.check_mode:
                found["bindings"].remove(one)
    running = found["state"] == "Started"
    if (values["state"] == "stopped") == running:
        changed = True
        if not call.check_mode:
            found["state"] = "Stopped" if running else "Started"
    return {"changed": changed}


def _add(state: dict[str, Any], found: dict[str, Any], wanted: dict[str, Any], call: Any) -> bool:
    flags = _flags(state, wanted)
    if not call.check_mode:
        found["bindings"].append(
            {
                "protocol": wanted["protocol"],
                "info": f"{_text(wanted['ip'])}:{_text(wanted['port'])}:{_text(wanted['hostname'])}",
                "flags": flags,
            }
        )
        if wanted["certificate_hash"]:
            _add_ssl_certificates(state, found, wanted)
    return True


def _edit(
    state: dict[str, Any], found: dict[str, Any], there: dict[str, Any], wanted: dict[str, Any], call: Any
) -> bool:
    changed = False
    if wanted["use_sni"] is None:
        wanted["use_sni"] = bool(there["flags"] % 2)
    if wanted["use_ccs"] is None:
        # All flags but SNI count as the Central Certificate Store.
        wanted["use_ccs"] = bool(there["flags"] // 2)
    flags = _flags(state, wanted)
    if there["protocol"] != wanted["protocol"] or there["flags"] != flags:
        changed = True
        if not call.check_mode:
            there.update(protocol=wanted["protocol"], flags=flags)
    if wanted["certificate_hash"]:
        served = served_by(state, there)
        same = served and served["thumbprint"] == wanted["certificate_hash"].upper()
        same = bool(same and served and served["store"].lower() == wanted["certificate_store_name"].lower())
        if call.version == "1.1.0" or not same:
            # In check mode, too; and 1.1.0 does not say that it changed anything.
            _add_ssl_certificates(state, found, wanted)
            changed |= call.version != "1.1.0"
    return changed


def _flags(state: dict[str, Any], wanted: dict[str, Any]) -> int:
    flags = 0
    for name, flag in (("use_sni", 1), ("use_ccs", 2)):
        if wanted[name]:
            if wanted["protocol"] != "https":
                raise ModuleFailed(f"{name} can only be set for https protocol")
            if not wanted["hostname"]:
                raise ModuleFailed(f"must specify hostname value when {name} is set.")
            flags += flag
    if wanted["use_ccs"] and wanted["certificate_hash"]:
        raise ModuleFailed("You set use_ccs to 2. This cannot be used in combination with certificate_hash")
    if wanted["protocol"] == "https" and not wanted["use_ccs"] and not wanted["certificate_hash"]:
        raise ModuleFailed("must either specify a certificate_hash or use_ccs.")
    if wanted["certificate_hash"]:
        if wanted["protocol"] != "https":
            raise ModuleFailed("You can only provide a certificate thumbprint when protocol is set to https")
        store = wanted["certificate_store_name"]
        if not find(store_named(state, store, long_names=False), wanted["certificate_hash"]):
            raise ModuleFailed(
                f"Unable to locate certificate at cert:\\LocalMachine\\{store}\\{wanted['certificate_hash']}"
            )
    return flags


def _get_web_binding(found: dict[str, Any], wanted: dict[str, Any]) -> list[dict[str, Any]]:
    """Get-WebBinding: address and host name are patterns, and an empty one fits all."""
    chosen = []
    for one in found["bindings"]:
        ip, port, hostname = one["info"].split(":")
        if (
            (not wanted["ip"] or fnmatch.fnmatchcase(ip, wanted["ip"]))
            and (not wanted["port"] or int(port) == wanted["port"])
            and (not wanted["hostname"] or fnmatch.fnmatchcase(hostname.lower(), wanted["hostname"].lower()))
        ):
            chosen.append(one)
    return chosen


def _add_ssl_certificates(state: dict[str, Any], found: dict[str, Any], wanted: dict[str, Any]) -> None:
    for one in _get_web_binding(found, wanted):
        add_ssl_certificate(state, one, wanted["certificate_hash"], wanted["certificate_store_name"])


def add_ssl_certificate(state: dict[str, Any], one: dict[str, Any], thumbprint: str, store: str) -> None:
    """Put a certificate in http.sys, where all bindings of one address and port without SNI find it."""
    certificate = find(store_named(state, store, long_names=False), thumbprint)
    key = None if certificate is None or certificate["key"] is None else state["keys"][certificate["key"]]
    # A convention of this model: what was not imported as SYSTEM in the machine's key store is no use to http.sys.
    if key is None or not key["machine"] or key["user"] != "SYSTEM":
        raise ModuleFailed(f"System.Collections.Hashtable - {_NO_SESSION}")
    state["http_sys"][http_sys_key(one)] = {"thumbprint": thumbprint.upper(), "store": store}


def served_by(state: dict[str, Any], one: dict[str, Any]) -> dict[str, Any] | None:
    found: dict[str, Any] | None = state["http_sys"].get(http_sys_key(one)) if one["protocol"] == "https" else None
    return None if one["flags"] & 2 else found


def website_info(state: dict[str, Any], values: dict[str, Any], call: Any) -> dict[str, Any]:
    sites = [one for one in state["sites"] if values["name"] in (None, one["name"])]
    hidden = any(fault["kind"] == "hidden_flags" for fault in state["faults"])
    version = "1.3.0" if hidden else call.version
    return {"exists": bool(sites), "site": [_site_info(state, one, version) for one in sites]}


def _site_info(state: dict[str, Any], found: dict[str, Any], version: str) -> dict[str, Any]:
    bindings = []
    for one in found["bindings"]:
        ip, port, hostname = one["info"].split(":")[:3]
        served = served_by(state, one)
        flags = one["flags"]
        bindings.append(
            {
                "ip": ip,
                "port": int(port),
                "hostname": hostname,
                "protocol": one["protocol"],
                "use_sni": bool(flags % 2),
                # Version 1.1.0 takes any higher flag for the Central Certificate Store; 1.3.0 tells of no other flag.
                "use_ccs": bool(flags // 2) if version == "1.1.0" else bool(flags & 2),
                "certificate_hash": served["thumbprint"] if served else None,
                "certificate_store_name": served["store"] if served else None,
            }
        )
    return {"name": found["name"], "site_id": 1, "state": found["state"], "bindings": bindings}


def win_command(state: dict[str, Any], values: dict[str, Any], call: Any) -> dict[str, Any]:
    argv = values["argv"] or []
    if argv[:2] == [r"C:\Windows\System32\cmd.exe", "/c"]:
        return {"changed": True, "rc": 0, "stderr": "", "stdout": _cmd(state["files"], argv[2:])}
    if not argv or argv[0].lower() != _APPCMD or set(values) - {"argv"} - {k for k, v in values.items() if v is None}:
        raise NotModelled(f"win_command {values}")
    line = " ".join(argv[1:])
    renew = re.fullmatch(r"renew binding /oldcert:([0-9A-F]{40}) /newcert:([0-9A-F]{40})", line)
    if renew:
        return _renew(state, renew[1], renew[2])
    change = re.fullmatch(
        r"set site /site\.name:(?P<site>[^/]+) /(?P<remove>-?)bindings\.\[protocol='https',"
        r"bindingInformation='(?P<info>[^']+)'\](?:\.sslFlags:(?P<flags>\d+))?",
        line,
    )
    if not change or bool(change["remove"]) == bool(change["flags"]):
        raise NotModelled(f"appcmd {line}")
    found = _site(state, change["site"])
    there = [one for one in (found or {"bindings": []})["bindings"] if one["info"] == change["info"]]
    if not found or not there:
        raise ModuleFailed("non-zero return code")
    if change["remove"]:
        found["bindings"].remove(there[0])  # http.sys keeps its entry, as it does for Remove-WebBinding
    else:
        served = served_by(state, there[0])
        there[0]["flags"] = int(change["flags"])
        if served:
            state["http_sys"][http_sys_key(there[0])] = served
    return {"changed": True, "rc": 0, "stdout": "", "stderr": ""}


def _cmd(files: dict[str, str], words: list[str]) -> str:
    """copy, move, del and echo of cmd.exe, after "if exist" where that is said."""
    if words[:2] == ["if", "exist"]:
        if words[2].lower() not in files:
            return ""
        words = words[3:]
    paths = [word.lower() for word in words if ":\\" in word]
    command = [word for word in words if ":\\" not in word]
    if command == ["echo", "there"]:
        return "there"
    if not paths or paths[0] not in files:
        raise ModuleFailed("non-zero return code")
    if command == ["copy", "/y", "/b"]:
        files[paths[1]] = files[paths[0]]
    elif command == ["move", "/y"]:
        files[paths[1]] = files.pop(paths[0])
    elif command == ["del", "/q"]:
        del files[paths[0]]
    else:
        raise NotModelled(f"cmd.exe {words}")
    return ""


def _renew(state: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    """Move every binding of the old certificate to the new one; flags are kept (a guess nobody has verified)."""
    store = next((name for name in ("My", "WebHosting") if find(state["stores"][name], new)), None)
    moved = [
        one
        for found in state["sites"]
        for one in found["bindings"]
        if (served_by(state, one) or {}).get("thumbprint") == old
    ]
    if store is None:
        raise ModuleFailed("non-zero return code")
    for one in moved:
        add_ssl_certificate(state, one, new, store)
    return {"changed": True, "rc": 0, "stdout": "", "stderr": ""}


def _site(state: dict[str, Any], name: str) -> dict[str, Any] | None:
    return next((one for one in state["sites"] if one["name"] == name), None)


def _text(value: Any) -> str:
    return "" if value is None else str(value)
