# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pairs of all sites of an Apache, read from its configuration; Apache itself is in tests/faults."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.certificates import authority

from ansible_collections.certops.acm.plugins.module_utils import apache_pairs
from ansible_collections.certops.acm.plugins.module_utils.server import Outcome, Server

EC, OTHER, RSA = authority().leaf(), authority().leaf(), authority("rsa").leaf(kind="rsa")
SITE = """
<VirtualHost *:443>
  ServerName www.example.com
  SSLEngine on
  {lines}
</VirtualHost>
"""


@pytest.fixture
def listing(tmp_path: Path) -> str:
    for name, leaf in (("ec", EC), ("other", OTHER), ("rsa", RSA)):
        (tmp_path / f"{name}.pem").write_text(leaf.fullchain)
        (tmp_path / f"{name}.key").write_text(leaf.private_key)
    (tmp_path / "both.pem").write_text(EC.fullchain + EC.private_key)
    (tmp_path / "locked.key").write_text(EC.encrypted_private_key)
    (tmp_path / "other words").write_text("nonsense")
    return f"Included configuration files:\n  (*) /nowhere.conf\n    (224) {tmp_path}/site.conf\nSyntax OK\n"


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("SSLCertificateFile {d}/ec.pem\n  SSLCertificateKeyFile {d}/ec.key", None),
        ('sslcertificatefile "{d}/ec.pem"\n  SSLCertificateKeyFile "{d}/ec.key"', None),
        ("SSLCertificateFile {d}/both.pem", None),
        (
            "SSLCertificateFile {d}/rsa.pem\n SSLCertificateFile {d}/ec.pem\n"
            "SSLCertificateKeyFile {d}/rsa.key\n SSLCertificateKeyFile {d}/ec.key",
            None,
        ),
        ("SSLCertificateFile {d}/ec.pem\n  SSLCertificateKeyFile {d}/locked.key", None),
        ("SSLCertificateFile ${{WHERE}}/ec.pem\n  SSLCertificateKeyFile {d}/other.key", None),
        ("# SSLCertificateFile {d}/ec.pem\n  # SSLCertificateKeyFile {d}/other.key", None),
        ("SSLCertificateFile {d}/ec.pem\n  SSLCertificateKeyFile {d}/other.key", "other.key is not the key of"),
        ("SSLCertificateFile {d}/ec.pem\n  SSLCertificateKeyFile {d}/rsa.key", "rsa.key is not the key of"),
        ("SSLCertificateFile {d}/ec.pem", "ec.pem with"),
        ('SSLCertificateFile "{d}/other words"\n  SSLCertificateKeyFile {d}/ec.key', "other words with"),
    ],
)
def test_pairs_are_put_together_as_apache_does(tmp_path: Path, listing: str, lines: str, problem: str | None) -> None:
    (tmp_path / "site.conf").write_text(SITE.format(lines=lines.format(d=tmp_path)) * 2)
    found = apache_pairs.mismatched(listing)
    assert (found is None) is (problem is None), found
    if problem is not None:
        assert problem in str(found) and f"{tmp_path}/site.conf" in str(found)


@pytest.mark.parametrize("program", ["apachectl", "/usr/sbin/httpd", "nginx"])
def test_the_configuration_test_of_apache_is_completed(tmp_path: Path, listing: str, program: str) -> None:
    lines = f"SSLCertificateFile {tmp_path}/ec.pem\nSSLCertificateKeyFile {tmp_path}/other.key"
    (tmp_path / "site.conf").write_text(SITE.format(lines=lines))
    asked = []

    def run(argv: tuple[str, ...]) -> Outcome:
        asked.append(argv)
        return Outcome(0, listing if "DUMP_INCLUDES" in argv else "Syntax OK")

    result = Server((program, "-t"), run=run).test()
    assert (result is None) is (program == "nginx")
    assert asked[1:] == ([] if program == "nginx" else [(program, "-t", "-D", "DUMP_INCLUDES")])
