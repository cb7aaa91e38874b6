# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every service but nginx, as Debian's packages leave it: deployed, renewed, repeated, taken away; openssl judges."""

from __future__ import annotations

from lab import Lab, Run

HOST, NAME = "mail", "mail.example.com"


def ended_well(run: Run) -> Run:
    assert run.returncode == 0, run.output
    return run


def test_apache(lab: Lab, arn: str) -> None:
    lab.fleet.exec(HOST, ["systemctl", "start", "apache2"])
    run = lab.deploy(arn, "www", target_tag_value="mail", service="apache")
    assert run.returncode != 0
    assert "mod_ssl is not loaded: run 'a2enmod ssl'" in run.output
    assert lab.fleet.exec(HOST, ["apachectl", "configtest"]).returncode == 0
    lab.fleet.exec(HOST, ["sh", "-c", "a2enmod --quiet ssl && systemctl restart apache2"])
    run = ended_well(lab.deploy(arn, "www", target_tag_value="mail", service="apache"))
    print(run.output)
    served = lab.served(HOST, "shop.example.com")
    assert served.verified and served.fingerprint == lab.fingerprint(arn)


def test_nginx_rolled_back_and_absent(lab: Lab, arn: str) -> None:
    """The state is a variable for all roles: nothing is exported, and the host completes what the role leaves open."""

    def play(**variables: object) -> Run:
        role = {"role": "certops.acm.nginx_certificate", "vars": variables}
        return ended_well(
            lab.playbook(lab.write("play.yml", [{"hosts": "web1", "gather_facts": False, "roles": [role]}]))
        )

    snippet = {"certificate_arn": arn, "certificate_name": "shop", "nginx_certificate_config": "snippet"}
    server = "server { listen 443 ssl; server_name shop.example.com; include /etc/nginx/acm-shop.conf; }"
    lab.fleet.exec("web1", ["tee", "/etc/nginx/conf.d/shop.conf"], stdin=server)
    play(**snippet)
    old = lab.fingerprint(arn)
    lab.aws.renew(arn)
    play(**snippet)
    assert lab.served("web1", "shop.example.com").fingerprint == lab.fingerprint(arn) != old

    back = play(certificate_name="shop", certificate_state="rolled_back")
    assert lab.served("web1", "shop.example.com").fingerprint == old
    assert not back.calls.keys() - {"ec2:DescribeInstances"}
    assert back.sessions["web1"] == 1

    lab.fleet.exec("web1", ["rm", "/etc/nginx/conf.d/shop.conf"])
    play(certificate_name="shop", certificate_state="absent")
    left = lab.fleet.exec("web1", ["find", "/etc/ssl/acm", "/etc/nginx", "-name", "*shop*"]).stdout
    assert left == ""
