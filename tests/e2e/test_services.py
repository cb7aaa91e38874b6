# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every service, as Debian's packages leave it: deployed, renewed, repeated, taken back; openssl is the judge."""

from __future__ import annotations

from typing import Any

from lab import Lab, Run

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


def ended_well(run: Run) -> Run:
    assert run.returncode == 0, run.output
    return run


def shell(lab: Lab, host: str, script: str) -> None:
    lab.fleet.exec(host, ["sh", "-c", script])


def must_serve(lab: Lab, arn: str, *services: str) -> None:
    for service in services:
        port, starttls = PORTS[service]
        served = lab.served(HOST, NAME, port, starttls)
        assert served.verified, f"{service}: {served.text}"
        assert served.fingerprint == lab.fingerprint(arn), service


def deploy(lab: Lab, arn: str, service: str, **options: Any) -> Run:
    return lab.deploy(arn, service, target_tag_value="mail", service=service, certificate_options=options)


def play(lab: Lab, host: str, role: str, **variables: Any) -> Run:
    """Play one role in a play of its own."""
    roles = [{"role": f"certops.acm.{role}", "vars": variables}]
    return ended_well(lab.playbook(lab.write("play.yml", [{"hosts": host, "gather_facts": False, "roles": roles}])))


def test_services_side_by_side(lab: Lab, arn: str) -> None:
    shell(lab, HOST, PREPARE)
    before = lab.served(HOST, NAME, 8443).fingerprint
    refused = deploy(lab, arn, "apache")
    assert refused.returncode != 0
    assert "mod_ssl is not loaded: run 'a2enmod ssl' and 'systemctl restart apache2'" in refused.output
    assert lab.fleet.exec(HOST, ["find", "/etc/apache2", "-name", "acm-*"]).stdout == "", "everything was put back"
    shell(lab, HOST, "a2enmod --quiet ssl && systemctl restart apache2")
    for service in PORTS:
        run = ended_well(deploy(lab, arn, service, **(HAPROXY if service == "haproxy" else {})))
        assert run.sessions[HOST] == 1
        must_serve(lab, arn, service)

    lab.aws.renew(arn)
    renewal = ended_well(lab.playbook("certops.acm.renew"))
    must_serve(lab, arn, *PORTS)
    assert lab.served(HOST, NAME, 993).fingerprint == lab.fingerprint(arn)
    assert renewal.calls["acm:ExportCertificate"] == 1
    assert renewal.sessions[HOST] == len(PORTS)

    again = ended_well(lab.playbook("certops.acm.renew"))
    assert (again.changed, again.sessions[HOST]) == (0, 0)

    # Taken away, each as it was; and Apache once more, under other names.
    play(lab, HOST, "file_certificate", file_certificate_preset="haproxy", certificate_name="haproxy",
         certificate_state="absent", certificate_options={"listeners": HAPROXY["listeners"]})  # fmt: skip
    assert lab.served(HOST, NAME, 8443).fingerprint == before
    play(lab, HOST, "apache_certificate", certificate_name="apache", certificate_state="absent")
    shell(lab, HOST, RED_HAT)
    play(lab, HOST, "apache_certificate", certificate_arn=arn, certificate_options={"layout": "redhat"})
    must_serve(lab, arn, "apache")
    name = arn.rpartition("/")[2]
    shell(lab, HOST, f"test -e /etc/httpd/conf.d/acm-{name}.conf && test -e /etc/pki/tls/acm/{name}/live/privkey.pem")


def test_nginx_rolled_back_and_absent(lab: Lab, arn: str) -> None:
    """For that nothing is exported, and the host completes what the role leaves open."""
    snippet = {"certificate_arn": arn, "certificate_name": "shop", "nginx_certificate_config": "snippet"}
    server = f"server {{ listen 443 ssl; server_name {NAME}; include /etc/nginx/acm-shop.conf; }}"
    lab.fleet.exec("web1", ["tee", "/etc/nginx/conf.d/shop.conf"], stdin=server)
    play(lab, "web1", "nginx_certificate", **snippet)
    old = lab.fingerprint(arn)
    lab.aws.renew(arn)
    play(lab, "web1", "nginx_certificate", **snippet)
    assert lab.served("web1", NAME).fingerprint == lab.fingerprint(arn) != old

    back = play(lab, "web1", "nginx_certificate", certificate_name="shop", certificate_state="rolled_back")
    assert lab.served("web1", NAME).fingerprint == old
    assert back.calls.keys() == {"ec2:DescribeInstances"}
    assert back.sessions["web1"] == 1

    lab.fleet.exec("web1", ["rm", "/etc/nginx/conf.d/shop.conf"])
    play(lab, "web1", "nginx_certificate", certificate_name="shop", certificate_state="absent")
    assert lab.fleet.exec("web1", ["find", "/etc/ssl/acm", "/etc/nginx", "-name", "*shop*"]).stdout == ""
