# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a target may ask for: option by option what it can hold, and what only the controller can allow."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.certops.acm.plugins.filter.deployment_plan import deployment_plan
from ansible_collections.certops.acm.plugins.filter.refused_targets import refused_targets
from ansible_collections.certops.acm.plugins.filter.rollback_plan import rollback_plan
from ansible_collections.certops.acm.plugins.filter.target_problems import target_problems
from ansible_collections.certops.acm.plugins.module_utils.plan import SERVICES
from ansible_collections.certops.acm.plugins.module_utils.target import Target
from ansible_collections.certops.acm.plugins.plugin_utils.option_rules import MOST, RULES
from ansible_collections.certops.acm.plugins.plugin_utils.target_options import options_of

ACCOUNT = "111122223333"
ARN = f"arn:aws:acm:eu-west-1:{ACCOUNT}:certificate/7f0a2c1e-5b1d-4c53-9f3e-2d8a4b6c9e10"
HOSTS = {"web1": {"ec2_tags": {"Role": "web"}, "certops_account": ACCOUNT}}
CERTIFICATE = {
    "certificate_arn": ARN, "account": ACCOUNT, "region": "eu-west-1", "domain_name": "shop.example.com",
    "names": ["shop.example.com"], "serial": "0b", "status": "ISSUED", "type": "AMAZON_ISSUED",
     "export_option": "ENABLED",
}  # fmt: skip


def target(service: str = "nginx", name: str = "shop", **options: Any) -> dict[str, Any]:
    return Target(ARN, name, ACCOUNT, "Role", "web", service, options).to_result()


def installed(*targets: dict[str, Any], **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The plan, and the options that the role gets, by name of the certificate."""
    plan = deployment_plan(HOSTS, targets=list(targets), certificates=[CERTIFICATE], **options)
    items = [item for rollout in plan["rollouts"] for item in rollout["installations"]]
    return plan, {item["certificate_name"]: item["options"] for item in items}


# Signs that mean something to a shell, to systemd, to a template engine, or in the configuration of a server.
SIGNS = [*"\n\r\0\t ;{}\"'\\`$|&<>#*?!%"]
HOSTILE = [
    "{{ lookup('pipe', 'id') }}",
    "{% if 1 %}",
    "a; } server { listen 81;",
    "$(id)",
    "`id`",
    "a\nUser root",
    "\x1b[2J",
]
PATHS = ["relative", "/", "//", "/etc/../acm", "/etc/./acm", "/etc//acm", "/etc/acm/", "~/acm", "$HOME/acm"]
PATHS += ["/" + "a" * 600]
OPTIONS: list[tuple[str, str, list[Any], list[Any]]] = [
    ("nginx", "config", ["site", "snippet", "none"], ["all", ["site"], 1]),
    ("apache", "layout", ["debian", "redhat"], ["suse", {}]),
    ("nginx", "site_path", ["", "/etc/nginx/conf.d/shop.conf"], PATHS),
    ("nginx", "site_template", ["site.conf.j2"], ["/proc/self/environ", "../x", ".hidden", "a/b", "-x", "",
     "a" * 200]),
    ("file", "root", ["/etc/ssl/acm", "/srv/web-1/acm"], PATHS),
    ("nginx", "links.path", ["/etc/nginx/tls/shop.pem", "/etc/letsencrypt/live/x.de/privkey.pem"],
     ["/etc/../a.pem", "/etc//a.pem", "/etc/a.pem/", "~/a.pem", "$HOME/a.pem", "a.pem", "/" + "a" * 600 + ".pem"]),
    ("file", "unit", ["nginx", "a@b.service", "", "postfix@-.service"], ["-x", "../x", "a/b", "nginx ssh",
     "u" * 256]),
    ("file", "owner", ["root", "www-data", "_caddy", "svc.web@corp", "1000"], ["-x", "a/b", "a:b", "", "u" * 65]),
    ("file", "group", ["ssl-cert"], ["-g", "a b", ""]),
    ("file", "key_mode", ["0600", "0640", "640", 400], ["0644", "0666", "0700", "0777", "4755", "rw", 416, ""]),
    ("nginx", "server_names", [["*.example.com", "xn--bcher-kva.example"], "a.example.com", []],
     [["*"], ["a.*.com"], [".com"], ["-"], ["a b"], [""], [None], ["a" * 64 + ".com"], [f"{'a.' * 140}com"],
      ["a.de"] * 201]),
    ("nginx", "listeners.address", ["127.0.0.1", "::1", "fe80::1", "db-1.internal", "localhost"],
     ["", "1.2.3.4; x", "::1%eth0", "[::1]", "http://x", "-x", "a/b"]),
    ("nginx", "listeners.port", [1, 443, "65535"], [0, 65536, -1, "https", True, 1.5, None]),
    ("nginx", "listeners.server_name", ["shop.example.com", None], ["*.example.com", "a b", ""]),
    ("nginx", "listeners.starttls", ["smtp", "imap", "pop3"], ["ldap", 1]),
    ("file", "handshake_timeout", [1, 900, "30"], [0, -1, 901, 10**9, "soon", True]),
    ("file", "keep_versions", [1, 100], [0, 101, "all"]),
    ("file", "force", [True, False, "yes"], ["perhaps", 7]),
    ("file", "formats", [["haproxy", "pkcs12"], []], [["jks"], ["haproxy"] * 3, {"a": 1}]),
    ("nginx", "links.part", ["fullchain", "private_key"], ["passwd", 1, ["chain"]]),
    ("iis", "bindings.site", ["Default Web Site", "shop.example.com", "Bücher (2)"],
     ["..", "a'; iex x", "a\"b", "$(x)", "a*", "-x", " x", "a]", "a\u2018b", ""]),
    ("iis", "bindings.ip", ["*", "10.0.0.1", "::1"], ["all", "a.example.com", "", "10.0.0.1;x"]),
    ("iis", "bindings.port", [443], [0, 70000]),
    ("iis", "bindings.hostname", ["shop.example.com", "*.example.com", ""], ["a b", "a;b", "a'b"]),
    ("iis", "bindings.sni", [True, "no"], ["maybe"]),
    ("iis", "replaces", [["AB" * 20], []], [["AB"], ["x" * 40], ["AB" * 20] * 101]),
    ("iis", "store", ["My", "WebHosting"], ["Root"]),
    ("iis", "delivery", ["store", "central"], ["mail"]),
    ("iis", "backend", ["module", "appcmd"], ["powershell"]),
    ("iis", "central_path", ["C:\\Certs", "D:\\Web sites\\central", "\\\\nas\\c$\\iis", ""],
     ["C:\\..\\Windows", "C:\\a\\..\\b", "certs", "C:/certs", "C:\\a'b", "C:\\", "\\\\?\\C:\\x", "C:\\a\\",
      "C:\\a:b"]),
    ("iis", "address", ["10.0.0.1", "web1.example.com"], ["a b", "", "-x"]),
    ("iis", "server_names", [["*.example.com"]], [["a b"]]),
    ("iis", "handshake_timeout", [360], [100000]),
    ("iis", "reconnect_timeout", [0, 120], [-1, 10**6]),
    ("iis", "key_readers", [["Shop Pool", ".NET v4.5"]], [["a'b"], ["IIS AppPool\\x"], [""]]),
    ("iis", "key_exportable", [False], ["perhaps"]),
    ("iis", "clean", [True], [2]),
    ("iis", "keep_versions", [3], [0]),
    ("iis", "force", [True], ["?"]),
]  # fmt: skip
TEXT = {"site_path", "root", "links.path", "unit", "owner", "group", "key_mode", "server_names", "listeners.address",
        "listeners.server_name", "bindings.site", "bindings.hostname", "bindings.ip", "address", "replaces",
         "key_readers",
        "central_path", "site_template"}  # fmt: skip
# What stands beside an option in a dictionary of a list.
BESIDE = {"links": {"path": "/etc/a.pem", "part": "chain"}, "bindings": {"site": "shop"}, "listeners": {}}
LISTS = {"server_names", "replaces", "key_readers"}
# The only signs that mean nothing harmful where they are allowed.
FINE = {("bindings.site", " "), ("key_readers", " "), ("central_path", " "), ("central_path", "\\")}


def given(option: str, value: Any) -> dict[str, Any]:
    name, _dot, part = option.partition(".")
    return {name: [{**BESIDE[name], part: value}]} if part else {name: value}


@pytest.mark.parametrize(("service", "option", "right", "wrong"), OPTIONS, ids=[f"{c[0]}-{c[1]}" for c in OPTIONS])
def test_each_option_holds_what_it_is_called_and_nothing_else(
    service: str, option: str, right: list[Any], wrong: list[Any]
) -> None:
    for value in right:
        assert target_problems(target(service, **given(option, value))) == [], value
    for value in wrong:
        (problem,) = target_problems(target(service, **given(option, value)))
        assert problem, value


@pytest.mark.parametrize(
    ("service", "option", "value"),
    [(case[0], case[1], next(filter(None, case[2]))) for case in OPTIONS if case[1] in TEXT],
    ids=[f"{case[0]}-{case[1]}" for case in OPTIONS if case[1] in TEXT],
)
def test_no_text_of_an_option_means_anything_to_a_shell_or_a_server(service: str, option: str, value: Any) -> None:
    text = value[0] if isinstance(value, list) else str(value)
    for sign in [*SIGNS, *HOSTILE]:
        if (option, sign) in FINE:
            continue
        for bad in (text[:-1] + sign + text[-1:], sign + text, text + sign):
            (problem,) = target_problems(target(service, **given(option, [bad] if option in LISTS else bad)))
            assert "\n" not in problem and "{{" not in problem and "\x1b" not in problem
    assert refused_targets([target(service, **given(option, [text] if option in LISTS else text))]) == []


@pytest.mark.parametrize("service", SERVICES)
def test_no_option_is_without_a_rule(service: str) -> None:
    """A new option of a role is of a type that says all, or has a rule of its own."""
    for name, spec in options_of(service).items():
        parts = {f"{name}.{part}": one for part, one in spec.get("options", {}).items()} or {name: spec}
        for part, one in parts.items():
            assert "choices" in one or one["type"] == "bool" or part in RULES, part
        assert spec["type"] != "list" or name in MOST, name
        assert spec["type"] != "dict", "nothing is said of its keys"


def test_every_option_is_in_the_table_above() -> None:
    tried = {(case[0] == "iis", case[1].partition(".")[0]) for case in OPTIONS}
    needed = {(service == "iis", name) for service in SERVICES for name in options_of(service)}
    assert needed - tried == {(False, "config_test"), (False, "reload_command"), (False, "config_files")}


NUMBERS = ["9" * 5000, 10**5000, "1e999999999", 1e300, "0x10", [[1]], {"a": 1}, None, ""]


@pytest.mark.parametrize("number", NUMBERS, ids=map(str, range(len(NUMBERS))))
def test_values_that_no_parser_likes(number: Any) -> None:
    (problem,) = target_problems(target("file", handshake_timeout=number))
    assert problem
    (problem,) = target_problems(target("file", listeners=[{"port": number}]))
    assert len(problem) < 300


# --- what only the controller can allow ----------------------------------------------------------------------


CONTENT = {"path": "/etc/cron.d/x", "content": "* * * * * root id\n"}
ALLOWED_ONLY = [
    ("file", {"config_test": ["sh", "-c", "id"]}, "config_test would let"),
    ("nginx", {"config_test": []}, "config_test would let"),
    ("haproxy", {"reload_command": "reboot"}, "reload_command would let"),
    ("postfix", {"config_files": [CONTENT]}, "config_files would let"),
    ("dovecot", {"config_files": []}, "config_files would let"),
    ("apache", {"config_test": ["a"], "reload_command": ["b"]}, "config_test and reload_command would let"),
    *((service, {"site_path": path}, f"site_path {path} must be a file below") for service, path in [
        ("nginx", "/etc/cron.d/shop"), ("nginx", "/etc/cron.d/shop.conf"), ("nginx", "/etc/nginx"), ("nginx",
         "/etc/nginx2/a.conf"),
        ("nginx", "/etc/apache2/sites-enabled/a.conf"), ("nginx", "/etc/nginx/mime.types"), ("apache",
         "/etc/apache2/envvars"),
        ("apache", "/etc/nginx/conf.d/a.conf"), ("apache", "/etc/httpd.conf"), ("apache", "/root/sites-enabled/a"),
    ]),
    *(("file", {"root": path}, f"root {path} must end in /acm") for path in ["/etc", "/root", "/etc/systemd",
     "/srv/acme"]),
    *(("haproxy", {"links": [{"path": path, "part": "haproxy"}]},
     f"links.path {path} must be the path of a certificate")
      for path in ["/etc/passwd", "/etc/shadow", "/root/.ssh/authorized_keys", "/etc/sudoers.d/x", "/bin/pem",
       "/etc/nologin",
                   "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/ca-trust/source/anchors/a.pem",
                    "/usr/share/a/b.crt"]),
]  # fmt: skip


@pytest.mark.parametrize(("service", "options", "says"), ALLOWED_ONLY)
def test_what_could_make_somebody_root_is_for_the_controller_to_allow(
    service: str, options: dict[str, Any], says: str
) -> None:
    refused, healthy = target(service, "evil", **options), target("haproxy")
    (problem,) = target_problems(refused)
    assert says in problem and "certops_allow_commands: true" in problem
    plan, ready = installed(refused, healthy)
    assert list(ready) == ["shop"], "the other target of the same certificate goes out"
    (told,) = plan["problems"]
    assert told.startswith(f"the target of evil ({ARN}) for {service} on hosts tagged Role=web is left alone: ")
    assert told.endswith(problem) and refused_targets([healthy, refused]) == [told]
    assert target_problems(refused, allow_commands=True) == []
    plan, ready = installed(refused, healthy, allow_commands=True)
    assert (plan["problems"], sorted(ready)) == ([], ["evil", "shop"])


@pytest.mark.parametrize(("service", "options", "says"), ALLOWED_ONLY)
def test_nor_on_the_way_back(service: str, options: dict[str, Any], says: str) -> None:
    record = {
        "certificate_arn": ARN, "certificate_name": "evil", "host": "web1", "account": ACCOUNT, "service": service,
        "status": "verified", "serial": "0b",
    }  # fmt: skip
    back = rollback_plan(HOSTS, targets=[target(service, "evil", **options)], deployments=[record])
    assert back["rollouts"] == [] and len(back["problems"]) == 1 and says in back["problems"][0]
    back = rollback_plan(HOSTS, targets=[target(service, "evil", **options)], deployments=[record], allow_commands=True)
    assert back["problems"] == [] and len(back["rollouts"][0]["installations"]) == 1


@pytest.mark.parametrize("name", ["config_test", "reload_command", "config_files"])
def test_what_is_allowed_is_bounded(name: str) -> None:
    too_long = {"config_files": [{"path": "/a", "content": "x" * 70_000}]}.get(name, ["x" * 5000])
    too_many = {"config_files": [{"path": "/a", "content": ""}] * 21}.get(name, ["x"] * 51)
    for value in (too_long, too_many):
        options: dict[str, Any] = {name: value}
        assert target_problems(target("file", **options), allow_commands=True)
    odd: list[Any] = [{"path": "etc", "content": ""}, {"path": "/a", "content": "", "mode": "0666"}]
    for one in odd:
        assert target_problems(target("file", config_files=[one]), allow_commands=True)


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("nginx", "/etc/nginx/conf.d/shop.conf"),
        ("nginx", "/etc/nginx/sites-enabled/shop"),
        ("apache", "/etc/apache2/sites-available/shop"),
        ("apache", "/etc/httpd/conf.d/a/shop.conf"),
    ],
)
def test_sites_are_where_the_service_reads_them(service: str, path: str) -> None:
    assert target_problems(target(service, site_path=path)) == []


# --- templates of the controller -----------------------------------------------------------------------------


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    directory = tmp_path / "templates"
    (directory / "below").mkdir(parents=True)
    (directory / "shop.conf.j2").write_text("server {}")
    (directory / "below" / "deep.j2").write_text("deep")
    (tmp_path / "secret.j2").write_text("secret")
    (directory / "out.j2").symlink_to(tmp_path / "secret.j2")
    (directory / "environ.j2").symlink_to("/proc/self/environ")
    (directory / "itself.j2").symlink_to("itself.j2")
    (directory / "folder.j2").mkdir()
    (directory / "alias.j2").symlink_to("shop.conf.j2")
    return directory


@pytest.mark.parametrize("allow_commands", [False, True])
def test_a_template_is_a_file_of_one_directory(templates: Path, allow_commands: bool) -> None:
    """Nobody allows a target to read another file of the controller."""
    known = {"allow_commands": allow_commands, "template_directory": str(templates)}
    for name in ("shop.conf.j2", "alias.j2"):
        plan, ready = installed(target(site_template=name), **known)
        assert (plan["problems"], ready["shop"]) == ([], {"site_template": str(templates / "shop.conf.j2")})
    assert installed(target(site_template="site.conf.j2"), **known)[1]["shop"] == {"site_template": "site.conf.j2"}
    bad = ["out.j2", "environ.j2", "itself.j2", "folder.j2", "missing.j2", "deep.j2", "/proc/self/environ"]
    bad += [
        "../secret.j2",
        "below/deep.j2",
        str(templates / "shop.conf.j2"),
        "..",
        ".",
        "shop.conf.j2\0",
        "snippet.conf.j2",
    ]
    for name in bad:
        plan, ready = installed(target(site_template=name), **known)
        assert ready == {} and "site_template" in plan["problems"][0], name


def test_without_a_directory_there_is_the_template_of_the_role(templates: Path) -> None:
    assert installed(target(site_template="site.conf.j2"))[1]["shop"] == {"site_template": "site.conf.j2"}
    plan, ready = installed(target(site_template="shop.conf.j2"))
    assert ready == {} and "set certops_template_directory to the directory" in plan["problems"][0]
    (problem,) = target_problems(target(site_template="shop.conf.j2"), template_directory="templates")
    assert "must be an absolute path" in problem


def test_the_directory_may_hold_another_default(templates: Path) -> None:
    (templates / "site.conf.j2").write_text("ours")
    _plan, ready = installed(target(site_template="site.conf.j2"), template_directory=str(templates))
    assert ready["shop"] == {"site_template": str(templates / "site.conf.j2")}


def test_the_way_back_needs_no_template() -> None:
    record = {
        "certificate_arn": ARN, "certificate_name": "shop", "host": "web1", "account": ACCOUNT, "service": "nginx",
        "status": "verified", "serial": "0b",
    }  # fmt: skip
    back = rollback_plan(HOSTS, targets=[target(site_template="gone.j2")], deployments=[record])
    assert back["problems"] == []
    assert back["rollouts"][0]["installations"][0]["options"] == {}


# --- what was judged is what a role gets ---------------------------------------------------------------------


def test_options_reach_the_role_as_they_were_judged() -> None:
    written = target(
        "nginx",
        server_names="a.example.com,b.example.com",
        handshake_timeout="60",
        force="yes",
        listeners=[{"port": "8443"}],
    )
    plan, ready = installed(written)
    assert plan["problems"] == []
    assert ready["shop"] == {
        "server_names": ["a.example.com", "b.example.com"],
        "handshake_timeout": 60,
        "force": True,
        "listeners": [{"address": "127.0.0.1", "port": 8443}],
    }
    digest = Target.from_result(written).options_digest
    assert plan["rollouts"][0]["installations"][0]["options_digest"] == digest, "of what is recorded"


@pytest.mark.parametrize("order", list(itertools.permutations([0, 1])))
def test_targets_of_one_host_get_each_their_own(order: tuple[int, ...]) -> None:
    both = [target("nginx", "one", keep_versions=2), target("nginx", "two", keep_versions="4")]
    _plan, ready = installed(*(both[number] for number in order))
    assert ready == {"one": {"keep_versions": 2}, "two": {"keep_versions": 4}}


@pytest.mark.parametrize("service", ["gopher", "../../evil", "x" * 100, "Nginx"])
def test_no_record_names_a_role(service: str) -> None:
    plan, ready = installed(target(service))
    assert ready == {} and len(plan["problems"]) == 1
    assert {SERVICES[one] for one in SERVICES} == {
        "nginx_certificate", "apache_certificate", "file_certificate", "iis_certificate",
    }  # fmt: skip


def test_who_asks_for_one_target_is_told_of_others_and_gets_it() -> None:
    """certops.acm.deploy replaces a recorded target that is refused, and another one that is keeps nobody from it."""
    asked = target("file", unit="registry")
    recorded = target("file", config_test=["id"])
    other = target("haproxy", "other", config_test=["id"])
    plan, ready = installed(asked, recorded, other, allow_lost=True)
    assert (plan["problems"], ready) == ([], {"shop": {"unit": "registry"}})
    assert len([said for said in plan["warnings"] if "is left alone" in said]) == 1
