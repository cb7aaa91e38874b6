# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A binding of IIS and a certificate of a Windows store, as the modules that read them tell. No Ansible."""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.certops.acm.plugins.module_utils.errors import PlanError

Key = tuple[str, str, int, str]


@dataclass(frozen=True)
class Binding:
    """One binding of a site.

    Attributes:
        site: name of the site; ``state`` is its state, ``started`` or ``stopped``.
        ip: ``*`` for all addresses.
        hostname: empty for a catch-all.
        sni: whether http.sys chooses its certificate by the name the client asks for.
        central: whether the reading module says that it uses the Central Certificate Store. It says so of every
            binding whose sslFlags are above 1.
        thumbprint: SHA-1 of the certificate, uppercase hex; empty where there is none.
        absent: there was no such binding, when this says how something was.
    """

    site: str
    ip: str
    port: int
    hostname: str
    protocol: str = "https"
    sni: bool = False
    central: bool = False
    thumbprint: str = ""
    store: str = ""
    state: str = "started"
    absent: bool = False

    @property
    def key(self) -> Key:
        """What tells a binding from all others."""
        return (self.site.lower(), self.ip, self.port, self.hostname.lower())

    @property
    def endpoint(self) -> tuple[str, int]:
        return (self.ip, self.port)

    @property
    def more_flags(self) -> bool:
        """The sslFlags are above 3: a binding of the Central Certificate Store has no certificate of its own."""
        return self.central and bool(self.thumbprint)

    def __str__(self) -> str:
        return f"{self.site} {self.ip}:{self.port}:{self.hostname}"

    def shows(self, thumbprint: str, store: str) -> bool:
        return self.thumbprint == thumbprint and self.store.lower() == store.lower()

    def served_by(self, thumbprint: str, store: str) -> Binding:
        return replace(self, thumbprint=thumbprint, store=store)

    def is_named_by(self, other: Binding) -> bool:
        """Tell whether Get-WebBinding, asked for ``other``, also returns this one.

        It takes address and host name for patterns, and an empty host name for any; so a module that rebinds what
        it returns rebinds all of them.
        """
        return (
            self.site.lower() == other.site.lower()
            and self.port == other.port
            and fnmatch.fnmatchcase(self.ip, other.ip)
            and (not other.hostname or fnmatch.fnmatchcase(self.hostname.lower(), other.hostname.lower()))
        )

    def to_result(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_option(cls, option: Mapping[str, Any]) -> Binding:
        """Read what a person gave: site and, where they are not the usual ones, ip, port, hostname and sni."""
        unknown = sorted(set(option) - {"site", "ip", "port", "hostname", "sni"})
        if unknown or not option.get("site"):
            raise PlanError(
                f"a binding takes site, ip, port, hostname and sni, and site is required: "
                f"{', '.join(unknown) or 'site'} {'is not one of them' if unknown else 'is missing'}"
            )
        hostname = str(option.get("hostname") or "")
        sni = option.get("sni")
        return cls(
            site=str(option["site"]),
            ip=str(option.get("ip") or "*"),
            port=int(option.get("port") or 443),
            hostname=hostname,
            sni=bool(hostname) if sni is None else bool(sni),
        )

    @classmethod
    def from_result(cls, result: Mapping[str, Any]) -> Binding:
        """Read what ``to_result`` returned; unknown keys are ignored."""
        return cls(**{name: result[name] for name in cls.__dataclass_fields__ if name in result})


def read_sites(sites: Iterable[Mapping[str, Any]]) -> list[Binding]:
    """Return the bindings of all sites, as ``microsoft.iis.website_info`` returns them."""
    found = []
    for site in sites:
        for binding in site.get("bindings") or []:
            found.append(
                Binding(
                    site=str(site["name"]),
                    ip=str(binding.get("ip") or ""),
                    port=int(binding.get("port") or 0),
                    hostname=str(binding.get("hostname") or ""),
                    protocol=str(binding.get("protocol") or ""),
                    sni=bool(binding.get("use_sni")),
                    central=bool(binding.get("use_ccs")),
                    thumbprint=str(binding.get("certificate_hash") or "").upper(),
                    store=str(binding.get("certificate_store_name") or ""),
                    state=str(site.get("state") or "").lower(),
                )
            )
    return found


@dataclass(frozen=True)
class StoreCertificate:
    """A certificate in a store of the machine, as ``ansible.windows.win_certificate_info`` returns it."""

    store: str
    thumbprint: str
    fingerprint: str
    serial: str
    not_after: str
    has_private_key: bool
    friendly_name: str
    valid_from: float = 0

    def to_result(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_info(cls, store: str, info: Mapping[str, Any]) -> StoreCertificate:
        return cls(
            store=store,
            thumbprint=str(info["thumbprint"]).upper(),
            fingerprint=hashlib.sha256(base64.b64decode(info["raw"])).hexdigest(),
            serial=str(info.get("serial_number") or "").lower().lstrip("0"),
            not_after=str(info.get("valid_to_iso8601") or ""),
            has_private_key=bool(info.get("has_private_key")),
            friendly_name=str(info.get("friendly_name") or ""),
            valid_from=float(info.get("valid_from") or 0),
        )


def read_stores(results: Iterable[Mapping[str, Any]]) -> list[StoreCertificate]:
    """Read the results of a loop of ``ansible.windows.win_certificate_info`` over names of stores."""
    return [
        StoreCertificate.from_info(str(result["item"]), info)
        for result in results
        for info in result.get("certificates") or []
    ]


def thumbprint_of(certificate: str | bytes) -> str:
    """Return the name Windows has for a certificate (PEM, or DER as bytes): its SHA-1, uppercase hex."""
    content = certificate if isinstance(certificate, bytes) else _der(certificate)
    return hashlib.sha1(content, usedforsecurity=False).hexdigest().upper()


def fingerprint_of(certificate: str) -> str:
    """Return the SHA-256 of a certificate (PEM), lowercase hex."""
    return hashlib.sha256(_der(certificate)).hexdigest()


def clean_thumbprint(text: str) -> str:
    """Return a thumbprint as Windows writes it, whatever way a person copied it.

    Raises:
        PlanError: it is not the SHA-1 of anything.
    """
    kept = "".join(sign for sign in str(text).upper() if sign in "0123456789ABCDEF")
    if len(kept) != 40:
        raise PlanError(f"'{text}' is not the thumbprint of a certificate: it has 40 hexadecimal digits")
    return kept


def _der(certificate: str) -> bytes:
    try:
        return ssl.PEM_cert_to_DER_cert(certificate.strip())
    except ValueError as error:
        raise PlanError(f"the certificate is not readable as PEM ({error}): pass it as ACM exported it") from None
