# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of a target: what the roles take, and what is refused before it is recorded."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.certops.acm.plugins.filter.target_problems import target_problems
from ansible_collections.certops.acm.plugins.module_utils.plan import SERVICES
from ansible_collections.certops.acm.plugins.modules import cert_deploy
from ansible_collections.certops.acm.plugins.plugin_utils.target_options import PRESETS, SECRETS, options_of

ROLES = Path(__file__).resolve().parents[2] / "roles"
TARGET = {
    "certificate_arn": "arn:aws:acm:eu-west-1:111122223333:certificate/7f0a2c1e-5b1d-4c53-9f3e-2d8a4b6c9e10",
    "certificate_name": "shop",
    "account": "111122223333",
    "tag_key": "Role",
    "tag_value": "web",
}


def problems(service: str, options: Any, **fields: str) -> list[str]:
    return target_problems({**TARGET, "service": service, "options": options, **fields})


@pytest.mark.parametrize("service", SERVICES)
def test_a_target_may_have_the_options_that_its_role_reads(service: str) -> None:
    """The roles read them in their defaults; preset is given by the service."""
    role = SERVICES[service]
    roles = (role, "file_certificate") if role in PRESETS else (role,)
    texts = [(ROLES / name / "defaults" / "main.yml").read_text(encoding="utf-8") for name in roles]
    assert set(options_of(service)) == set(re.findall(r"options\.(\w+)", "".join(texts))) - {"preset"}


def test_each_secret_of_a_role_is_given_as_a_variable() -> None:
    for role in {"file_certificate", *SERVICES.values()}:
        spec = yaml.safe_load((ROLES / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
        options = spec["argument_specs"]["main"]["options"]
        secret = {name.removeprefix(f"{role}_") for name, option in options.items() if option.get("no_log")}
        assert secret <= SECRETS.keys() | {"bundle", "passphrase"}, "those two are the run's own"


@pytest.mark.parametrize("option", ["config_files", "links", "listeners"])
def test_what_a_list_holds_is_what_the_module_takes(option: str) -> None:
    written = yaml.safe_load(cert_deploy.DOCUMENTATION)["options"][option]["suboptions"]
    checked = options_of("file")[option]["options"]
    assert {name: without_text(spec) for name, spec in checked.items()} == {
        name: without_text(spec) for name, spec in written.items()
    }


def without_text(spec: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in spec.items() if name != "description"}


@pytest.mark.parametrize(
    ("service", "options"),
    [
        ("nginx", {}),
        (
            "nginx",
            {"config": "snippet", "site_path": "/etc/nginx/shop.conf", "server_names": ["shop.example.com"]},
        ),
        ("nginx", {"handshake_timeout": "60", "force": "yes", "server_names": "shop.example.com", "key_mode": 640}),
        ("apache", {"config": "none", "layout": "redhat"}),
        ("haproxy", {"links": [{"path": "/etc/haproxy/certs/shop.pem", "part": "haproxy"}]}),
        ("file", {"unit": "registry@one.service", "owner": "registry", "group": "ssl-cert", "root": "/srv/tls/acm"}),
        ("postfix", {"listeners": [{"address": "::1", "port": 465}, {"address": "mail.example.com", "port": "25"}]}),
        ("iis", {"bindings": [{"site": "Default Web Site (2)", "ip": "10.0.0.1", "hostname": "*.example.com"}]}),
        (
            "iis",
            {"delivery": "central", "central_path": r"\\files.example.com\certs$\iis", "key_readers": ["Shop Pool"]},
        ),
        ("file", {"formats": ["pkcs12", "haproxy"], "listeners": [{"port": 8443}], "owner": "registry"}),
        ("iis", {"bindings": [{"site": "shop", "sni": True}], "replaces": ["00" * 20], "store": "WebHosting"}),
        ("gopher", {"any": "option"}),  # the plan tells which services there are
    ],
)
def test_options_that_are_right(service: str, options: dict[str, Any]) -> None:
    assert problems(service, options) == []


@pytest.mark.parametrize(
    ("service", "options", "says"),
    [
        ("nginx", '{"config": "snippet"}', """-e '{"certificate_options": {"config": "snippet"}}'"""),
        ("nginx", ["config", "snippet"], "certificate_options is no dictionary but ['config', 'snippet']"),
        ("nginx", {"confg": "snippet"}, "has confg, which service nginx does not know: it takes config, config_files"),
        ("nginx", {1: "snippet"}, "has 1, which service nginx does not know"),
        ("nginx", {"nginx_certificate_config": "snippet"}, "has nginx_certificate_config, which service nginx"),
        ("nginx", {"bindings": []}, "has bindings, which service nginx does not know"),
        ("nginx", {"name": "other"}, "has name, which service nginx does not know"),
        ("file", {"config": "snippet"}, "has config, which service file does not know"),
        ("file", {"preset": "postfix"}, "has preset, which service file does not know"),
        ("file", {"pkcs12_password": "not-to-be-kept"}, "give the variable certificate_pkcs12_password to each run"),
        ("iis", {"central_password": "not-to-be-kept"}, "has central_password, a secret, which no target keeps"),
        ("nginx", {"config": "siet"}, "value of config must be one of: site, snippet, none, got: siet"),
        ("nginx", {"config": None}, "value of config must be one of: site, snippet, none"),
        ("nginx", {"handshake_timeout": "soon"}, "'handshake_timeout'"),
        ("nginx", {"listeners": "443"}, "'listeners'"),
        ("nginx", {"listeners": [{"prot": 8443}]}, "listeners.prot"),
        ("nginx", {"listeners": [{"starttls": "ldap"}]}, "starttls must be one of: smtp, imap, pop3, got: ldap"),
        ("haproxy", {"links": [{"path": "/etc/haproxy/shop.pem"}]}, "missing required arguments: part found in links"),
        ("file", {"config_files": [{"path": "/a", "contents": "b"}]}, "config_files.contents"),
        ("nginx", {"listeners": ['{"port": 443}']}, "'listeners' must be a list of dictionaries"),
        ("nginx", {"links": "path=/etc/a.pem part=fullchain"}, "'links' must be a list of dictionaries"),
        ("haproxy", {"formats": ["haproxi"]}, "Got no match for: haproxi"),
        ("iis", {"bindings": [{"port": 443}]}, "missing required arguments: site found in bindings"),
        ("iis", {"bindings": [{"site": "shop", "prot": 443}]}, "bindings.prot"),
        ("iis", {"store": "my"}, "value of store must be one of: My, WebHosting"),
    ],
)
def test_options_that_no_role_can_use(service: str, options: Any, says: str) -> None:
    (problem,) = problems(service, options)
    assert problem.startswith("certificate_options")
    assert says in problem
    assert "not-to-be-kept" not in problem


def test_the_other_fields_come_first() -> None:
    (problem,) = problems("nginx", {"confg": 1}, certificate_arn="shop", account="")
    assert problem.startswith("'shop' is not the ARN of an ACM certificate")
