# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A secret that a person gives: from a file it is shown nowhere; on the command line it is refused."""

from __future__ import annotations

import json

import pytest
from attacks.site import Site

pytestmark = pytest.mark.every_core

PASSWORD = "not-to-be-shown-4f1c9a"


def formats(site: Site) -> dict[str, object]:
    return {"root": str(site.directory / "acm"), "formats": ["pkcs12"]}


def test_a_password_from_a_file_is_never_printed(site: Site) -> None:
    given = site.write("secret.yml", {"certificate_pkcs12_password": PASSWORD})
    run = site.deploy("-vvvvvv", "-e", f"@{given}", certificate_options=formats(site))
    assert run.returncode == 0, run.output
    assert (site.directory / "acm/shop/live/bundle.p12").is_file()
    assert PASSWORD not in run.output


@pytest.mark.parametrize("written", ["certificate_pkcs12_password={}", '{{"certificate_pkcs12_password": "{}"}}'])
def test_a_password_on_the_command_line_is_refused(site: Site, written: str) -> None:
    run = site.deploy("-e", written.format(PASSWORD), certificate_options=formats(site))
    assert run.returncode != 0
    assert "certificate_pkcs12_password was given on the command line" in json.dumps(run.output)
    assert site.served() == ""
