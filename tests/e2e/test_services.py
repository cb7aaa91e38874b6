# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every service, as Debian's packages leave it: deployed, renewed, repeated, taken back; openssl is the judge."""

from __future__ import annotations

from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from e2e.site import ended_well
from lab import TABLE, Lab, Run

from ansible_collections.certops.acm.plugins.module_utils.target import Target

pytestmark = pytest.mark.hosts("mail")

HOST, NAME = "mail", "shop.example.com"
PORTS = {"apache": (443, None), "haproxy": (8443, None), "postfix": (25, "smtp"), "dovecot": (143, "imap")}
# HAProxy only runs with a certificate: it has one already, and that is taken over.
HAPROXY = {"links": [{"path": "/etc/haproxy/site.pem", "part": "haproxy"}], "listeners": [{"port": 8443}]}
PREPARE = """
set -e
cat /etc/ssl/certs/ssl-cert-snakeoil.pem /etc/ssl/private/ssl-cert-snakeoil.key > /etc/haproxy/site.pem
cat >> /etc/haproxy/haproxy.cfg <<END
frontend site
    bind :8443 ssl crt /etc/haproxy/site.pem
    http-request return status 200
END
postconf -e smtpd_tls_cert_file=/etc/ssl/acm/postfix/live/fullchain.pem
postconf -e smtpd_tls_key_file=/etc/ssl/acm/postfix/live/privkey.pem
systemctl start apache2 haproxy postfix dovecot
"""
# The names that Apache has in Red Hat's packages. Only the names: the programs are Debian's.
RED_HAT = """
set -e
mkdir -p /etc/pki/tls /etc/httpd
ln -s /etc/apache2/sites-enabled /etc/httpd/conf.d
ln -s /lib/systemd/system/apache2.service /etc/systemd/system/httpd.service
systemctl daemon-reload
"""


def shell(lab: Lab, host: str, script: str) -> str:
    return lab.fleet.exec(host, ["sh", "-c", script]).stdout


def must_serve(lab: Lab, arn: str, *services: str) -> None:
    for service in services:
        port, starttls = PORTS[service]
        served = lab.served(HOST, NAME, port, starttls)
        assert served.verified, f"{service}: {served.text}"
        assert served.fingerprint == lab.fingerprint(arn), service


def remember(lab: Lab, arn: str, service: str, **options: Any) -> None:
    """Record a target, which the next run for its certificate takes along."""
    item = Target(arn, service, arn.split(":")[4], "Role", "mail", service, options).to_item()
    lab.aws.client("dynamodb").put_item(TableName=TABLE, Item=TypeSerializer().serialize(item)["M"])


def play(lab: Lab, host: str, *roles: dict[str, Any]) -> Run:
    """Play roles in a play of their own: the name of each, and its variables."""
    host = lab.names[host]
    named = [{"role": f"certops.acm.{role.pop('role')}", "vars": role} for role in roles]
    return ended_well(lab.playbook(lab.write("play.yml", [{"hosts": host, "gather_facts": False, "roles": named}])))


def test_services_side_by_side(lab: Lab, arn: str) -> None:
    shell(lab, HOST, PREPARE)
    before = lab.served(HOST, NAME, 8443).fingerprint
    remember(lab, arn, "haproxy", **HAPROXY)
    remember(lab, arn, "postfix")
    remember(lab, arn, "dovecot")
    # What is given for one target is not taken for the others.
    options = {"server_names": [NAME]}
    first = lab.deploy(arn, "apache", target_tag_value="mail", service="apache", certificate_options=options)
    assert first.returncode != 0
    assert "mail (apache): rolled_back" in first.output
    assert "mod_ssl is not loaded: run 'a2enmod ssl' and 'systemctl restart apache2'" in first.output
    assert shell(lab, HOST, "find /etc/apache2 -name 'acm-*'; apachectl configtest 2>/dev/null") == ""
    must_serve(lab, arn, "haproxy", "postfix", "dovecot")

    shell(lab, HOST, "a2enmod --quiet ssl && systemctl restart apache2")
    second = ended_well(lab.playbook("certops.acm.renew"))
    must_serve(lab, arn, *PORTS)
    assert second.sessions[HOST] == 1, "the others were up to date"

    lab.aws.renew(arn)
    renewal = ended_well(lab.playbook("certops.acm.renew"))
    must_serve(lab, arn, *PORTS)
    assert lab.served(HOST, NAME, 993).fingerprint == lab.fingerprint(arn)
    assert renewal.calls["acm:ExportCertificate"] == 1
    assert renewal.sessions[HOST] == len(PORTS), "one round trip for each"

    again = ended_well(lab.playbook("certops.acm.renew"))
    assert (again.changed, again.sessions[HOST]) == (0, 0)

    # Taken away, each as it was; and Apache once more, under other names.
    shell(lab, HOST, RED_HAT)
    away = {"certificate_state": "absent"}
    play(
        lab,
        HOST,
        {"role": "file_certificate", "certificate_name": "haproxy", "file_certificate_preset": "haproxy", **away},
        {"role": "apache_certificate", "certificate_name": "apache", **away},
        {
            "role": "apache_certificate",
            "certificate_name": "red",
            "certificate_arn": arn,
            "file_certificate_layout": "redhat",
        },
    )
    assert lab.served(HOST, NAME, 8443).fingerprint == before
    must_serve(lab, arn, "apache", "postfix", "dovecot")
    assert shell(lab, HOST, "ls /etc/apache2/sites-enabled") == "000-default.conf\nacm-red.conf\n"
    assert (
        shell(lab, HOST, "ls /etc/pki/tls/acm /etc/ssl/acm | sort | xargs")
        == "/etc/pki/tls/acm: /etc/ssl/acm: dovecot postfix red\n"
    )


def test_nginx_rolled_back_and_absent(lab: Lab, arn: str) -> None:
    """For that nothing is exported, and the host completes what the role leaves open."""
    nginx = {"role": "nginx_certificate", "certificate_name": "shop"}
    snippet = {**nginx, "certificate_arn": arn, "nginx_certificate_config": "snippet"}
    server = f"server {{ listen 443 ssl; server_name {NAME}; include /etc/nginx/acm-shop.conf; }}"
    lab.fleet.exec("web1", ["tee", "/etc/nginx/conf.d/shop.conf"], stdin=server)
    play(lab, "web1", {**snippet})
    old = lab.fingerprint(arn)
    lab.aws.renew(arn)
    play(lab, "web1", {**snippet})
    assert lab.served("web1", NAME).fingerprint == lab.fingerprint(arn) != old

    back = play(lab, "web1", {**nginx, "certificate_state": "rolled_back"})
    assert lab.served("web1", NAME).fingerprint == old
    assert back.calls.keys() == {"ec2:DescribeInstances"}
    assert back.sessions["web1"] == 1

    shell(lab, "web1", "rm /etc/nginx/conf.d/shop.conf")
    # An option that nothing could be installed with keeps nothing from being taken away.
    mistyped = {"certificate_options": {"links": [{"path": "/etc/ssl/shop.pem", "prt": "fullchain"}]}}
    play(lab, "web1", {**nginx, **mistyped, "certificate_state": "absent"})
    assert shell(lab, "web1", "find /etc/ssl/acm /etc/nginx -name '*shop*'") == ""


def test_rsa_and_ec_side_by_side_for_one_name(lab: Lab, arn: str) -> None:
    """Both are served by one server block. Each is renewed, proven and taken back without the other."""
    arns = {"rsa": arn, "ecdsa": lab.aws.request(NAME, key_algorithm="EC_prime256v1")}
    roles = {
        kind: {
            "role": "nginx_certificate",
            "certificate_name": f"shop-{kind}",
            "certificate_arn": arns[kind],
            "nginx_certificate_config": "none",
        }
        for kind in arns
    }
    play(lab, "web1", *({**role, "file_certificate_listeners": []} for role in roles.values()))
    pairs = "".join(
        f"ssl_certificate /etc/ssl/acm/shop-{kind}/live/fullchain.pem;"
        f"ssl_certificate_key /etc/ssl/acm/shop-{kind}/live/privkey.pem;"
        for kind in arns
    )
    server = f"server {{ listen 443 ssl; server_name {NAME}; {pairs} }}"
    lab.fleet.exec("web1", ["tee", "/etc/nginx/conf.d/both.conf"], stdin=server)
    # Not a reload: old workers would answer for a while, and they have no certificate of the second kind.
    shell(lab, "web1", "systemctl restart nginx")

    def both() -> dict[str, str]:
        of_kind = {kind: ("-tls1_2", "-cipher", f"a{kind.upper()}") for kind in arns}
        return {kind: lab.served("web1", NAME, 443, None, *of_kind[kind]).fingerprint for kind in arns}

    for kind in arns:
        before = both()
        lab.aws.renew(arns[kind], force=True)
        play(lab, "web1", {**roles[kind]})
        assert both() == {**before, kind: lab.fingerprint(arns[kind])} != before
        play(lab, "web1", {**roles[kind], "certificate_state": "rolled_back"})
        assert both() == before
