# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Renewals of a site that is deployed: tried, made, taken back, found missing; judged from outside by openssl."""

from __future__ import annotations

from e2e.site import WEB, changed_on, ended_well, must_serve, served
from lab import Lab


def test_check_mode_tells_the_truth_and_changes_nothing(site: Lab) -> None:
    arn = site.arn
    old = site.fingerprint(arn)
    site.aws.renew(arn)
    tree = site.fleet.exec("web1", ["find", "/etc/ssl/acm", "/etc/nginx", "-printf", "%p %T@ %l\n"]).stdout
    checked = ended_well(site.playbook("certops.acm.renew", {}, "--check", "--diff"))
    assert "acm:ExportCertificate" not in checked.calls
    assert not [call for call in checked.calls if call.split(":")[1].startswith(("Put", "Batch", "Update", "Create"))]
    assert "would change" in checked.output
    assert old in checked.output and site.fingerprint(arn) in checked.output, "the diff names both fingerprints"
    assert site.fleet.exec("web1", ["find", "/etc/ssl/acm", "/etc/nginx", "-printf", "%p %T@ %l\n"]).stdout == tree
    assert served(site) == dict.fromkeys(WEB, old)
    done = ended_well(site.playbook("certops.acm.renew"))
    assert done.changed >= checked.changed > 0


def test_a_certificate_is_taken_back_and_stays_back(site: Lab) -> None:
    arn = site.arn
    first = site.fingerprint(arn)
    site.aws.renew(arn)
    ended_well(site.playbook("certops.acm.renew"))
    second = site.fingerprint(arn)

    back = ended_well(site.playbook("certops.acm.rollback", {"certificate_arn": arn, "certops_limit": "web1_*"}))
    assert served(site) == {"web1": first, "web2": second}
    assert {host: back.sessions[host] for host in WEB} == {"web1": 1, "web2": 0}
    assert not [call for call in back.calls if call.startswith(("acm:", "secretsmanager:"))]
    again = ended_well(site.playbook("certops.acm.rollback", {"certificate_arn": arn, "certops_limit": "web1_*"}))
    assert (again.changed, set(again.sessions.values())) == (0, {0})

    # The schedule leaves it so, and says it; the report shows it.
    scheduled = ended_well(site.playbook("certops.acm.renew"))
    assert set(scheduled.sessions.values()) == {0}
    assert "web1 was rolled back from serial" in scheduled.output
    assert "verified (held)" in site.playbook("certops.acm.report").output

    site.aws.renew(arn)
    ended_well(site.playbook("certops.acm.renew"))
    must_serve(site, arn)
    assert "held" not in site.playbook("certops.acm.report").output


def test_a_host_that_serves_something_else_is_found_when_it_is_asked(site: Lab) -> None:
    now = site.fingerprint(site.arn)
    versions = site.fleet.exec("web1", ["ls", "/etc/ssl/acm/shop/versions"]).stdout.split()
    old = next(version for version in versions if version != now)
    behind_our_back = f"cd /etc/ssl/acm/shop && ln -sfn versions/{old} live && systemctl restart nginx"
    site.fleet.exec("web1", ["sh", "-c", behind_our_back])
    assert served(site) == {"web1": old, "web2": now}

    believed = ended_well(site.playbook("certops.acm.renew"))
    assert set(believed.sessions.values()) == {0}
    asked = ended_well(site.playbook("certops.acm.renew", {"certops_redeploy": True}))
    must_serve(site, site.arn)
    assert [changed_on(asked, host) for host in WEB] == [1, 0]


def test_two_certificates_side_by_side(site: Lab) -> None:
    arn, other = site.arn, site.aws.request("api.example.com", key_algorithm="EC_secp384r1")
    ended_well(site.deploy(other, "api"))
    site.aws.renew(arn)
    site.aws.renew(other)
    # A controller whose default is another strategy: waves are waves all the same.
    both = ended_well(site.playbook("certops.acm.renew", environment={"ANSIBLE_STRATEGY": "ansible.builtin.free"}))
    assert both.calls["acm:ExportCertificate"] == 2
    must_serve(site, arn)
    must_serve(site, other, "api.example.com")
