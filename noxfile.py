# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every check and test; the Makefile says in which order, and which run side by side."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import nox


class Generation(NamedTuple):
    """What one ansible-core is tested with: versions of Python, ansible-core, and PyPI's ``ansible``.

    ``ansible`` is taken for its collections alone (amazon.aws 9, 10 and 11), so its own requirement
    of a certain ansible-core does not count: amazon.aws 9 is what 2.16 users have.
    """

    python: str
    core: str
    ansible: str


OLDEST, MAIN, NEWEST = "2.16", "2.19", "2.21"
GENERATIONS = {
    OLDEST: Generation("3.11", "2.16.19", "11.13.0"),
    MAIN: Generation("3.11", "2.19.14", "12.3.0"),
    NEWEST: Generation("3.13", "2.21.5", "14.5.0"),
}

ROOT = Path(__file__).parent
CACHE = ROOT / ".cache"
REPORTS = CACHE / "reports"
USER_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "certops-acm"

nox.needs_version = ">=2026.10"
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.stop_on_first_error = True
# Without a Python 3.13 the newest ansible-core is left out, and nox says so.
nox.options.error_on_missing_interpreters = False
nox.options.download_python = "never"

on_main = nox.session(python=GENERATIONS[MAIN].python)
on_each = nox.parametrize("python,core", [(g.python, core) for core, g in GENERATIONS.items()], ids=list(GENERATIONS))


def clean_environment() -> None:
    """Keep the user's AWS account and settings out, and put real interpreters on PATH."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "ANSIBLE_", "MOLECULE_", "PYTEST_"))]:
        del os.environ[name]
    nowhere = {name: os.devnull for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")}
    os.environ.update(nowhere, AWS_EC2_METADATA_DISABLED="true")
    # uv trusts what the machine trusts, a company's proxy for instance, as apt and Debian's pip do.
    os.environ.setdefault("UV_SYSTEM_CERTS", "1")
    # Every task of a playbook starts a Python: compiled libraries make the tests twice as fast.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if not sys.stdout.isatty():
        os.environ["NO_COLOR"] = "1"
    # pyenv's shims are no interpreters: ansible-test and uv take them for broken ones.
    path = [entry for entry in os.environ["PATH"].split(os.pathsep) if not entry.endswith("/shims")]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    os.environ["PATH"] = os.pathsep.join([*path, *map(str, sorted(pyenv.glob("versions/3.*/bin")))])


clean_environment()


def link(path: Path, target: Path) -> None:
    """Make ``path`` a symbolic link to ``target``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_symlink() or path.readlink() != target:
        path.unlink(missing_ok=True)
        path.symlink_to(target)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Keep sessions that run side by side from installing to the same place at once."""
    USER_CACHE.mkdir(parents=True, exist_ok=True)
    with (USER_CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def prepare(session: nox.Session, core: str, *requirements: str) -> Path:
    """Install one generation and return a collections directory with ours and those galaxy.yml asks for."""
    generation = GENERATIONS[core]
    files = [argument for name in requirements for argument in ("-r", f"tests/requirements/{name}.txt")]
    session.install("--compile-bytecode", f"ansible-core=={generation.core}", *files)
    # Outside of this repository: antsibull-docs copies of a repository only what git knows.
    bundle = USER_CACHE / f"ansible-{generation.ansible}"
    tree = CACHE / f"collections-{core}"
    with alone():
        session.install("--no-deps", "--target", str(bundle), f"ansible=={generation.ansible}")
        link(tree / "ansible_collections" / "amazon", bundle / "ansible_collections" / "amazon")
        # ansible.posix for its JSON callback, which a test searches for secrets; the others for iis_certificate.
        for name in ("ansible/posix", "ansible/windows", "community/crypto", "microsoft/iis"):
            if (bundle / "ansible_collections" / name).is_dir():
                link(tree / "ansible_collections" / name, bundle / "ansible_collections" / name)
        # For the role awx_jobs alone; the newest PyPI package has it no more.
        if (bundle / "ansible_collections" / "awx").is_dir():
            link(tree / "ansible_collections" / "awx", bundle / "ansible_collections" / "awx")
        link(tree / "ansible_collections" / "certops" / "acm", ROOT)
    session.env.update(ANSIBLE_COLLECTIONS_PATH=str(tree), PYTHONPATH=f"{tree}{os.pathsep}{ROOT / 'tests'}")
    return tree


def pytest(session: nox.Session, *arguments: str, most: int = 4) -> None:
    """Run pytest, leave its report for tests/tools/summary.py; file by file on at ``most`` so many processors."""
    workers = ["--numprocesses=auto", f"--maxprocesses={most}", "--dist=loadfile"] if most > 1 else []
    session.run("pytest", *workers, f"--junit-xml={REPORTS / session.name}.xml", *arguments, *session.posargs)


def files_of_git(session: nox.Session) -> list[str]:
    """Return the files that a commit of everything would hold, relative to the repository."""
    listed = session.run(
        "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", external=True, silent=True, log=False
    )
    return sorted({name for name in str(listed).split("\0") if name and (ROOT / name).is_file()})


@nox.session(venv_backend="none")
def packages(session: nox.Session) -> None:
    """Install the Debian packages that the tests need, those that are missing."""
    lines = [line for path in sorted(ROOT.glob("tests/*/apt-packages.txt")) for line in path.read_text().splitlines()]
    names = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    session.run("tests/tools/apt_install.sh", "ca-certificates", *names, external=True)


@on_main
def lint(session: nox.Session) -> None:
    """Check style, types, secrets, templates, roles and documentation."""
    tree = prepare(session, MAIN, "bootstrap", "test", "lint")
    session.run("python", "tests/tools/check_tree.py", *files_of_git(session), log=False)
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    types = {"MYPYPATH": str(tree)}
    session.run("mypy", "--package", "ansible_collections.certops.acm.plugins", env=types)
    session.run("mypy", "noxfile.py", "tests", env=types)
    session.run("python", "tests/tools/lint_stacks.py")
    session.run("ansible-lint")
    session.run("antsibull-docs", "lint-collection-docs", "--plugin-docs", ".")


@on_main
def sanity(session: nox.Session) -> None:
    """Run ansible-test sanity on a copy of the repository.

    All of its tests run, none needs a container. Where a Python between 3.9 and 3.13 is missing, ``compile``
    and ``import`` leave that version out; ``pslint`` has nothing to check as long as there is no PowerShell here.
    """
    tree = prepare(session, MAIN, "sanity")
    copy = CACHE / "sanity"
    shutil.rmtree(copy, ignore_errors=True)
    link(copy / "ansible_collections" / "amazon", tree / "ansible_collections" / "amazon")
    ours = copy / "ansible_collections" / "certops" / "acm"
    for name in files_of_git(session):
        (ours / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, ours / name)
    # A repository of its own: in ours, everything below .cache is ignored.
    session.run("git", "init", "--quiet", str(ours), external=True)
    # ansible-test keeps its environments below HOME, and fetches get-pip.py unless it is there.
    home = USER_CACHE / "ansible-test"
    pip = home / ".ansible" / "test" / "cache" / "get_pip_24_2.py"
    pip.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "tests/tools/get_pip.py", pip)
    session.chdir(ours)
    session.run("ansible-test", "sanity", "--python", "default", *session.posargs, env={"HOME": str(home)})


@nox.session
@on_each
def unit(session: nox.Session, core: str) -> None:
    """Run the unit tests on each ansible-core."""
    prepare(session, core, "test")
    # The transaction knows no Ansible: once is enough to kill it at each of its steps.
    once = [] if core == MAIN else ["--ignore=tests/unit/test_transaction_killed.py"]
    pytest(session, "tests/unit", "--timeout=900", *once)


@on_main
def integration(session: nox.Session) -> None:
    """Run the modules against the stand-ins for AWS and AWX, over HTTP, and a simulated year."""
    prepare(session, MAIN, "test")
    pytest(session, "tests/integration", "tests/awx", "tests/simulation", "--timeout=900")


@nox.session
@nox.parametrize("python,core", [(GENERATIONS[core].python, core) for core in (MAIN, NEWEST)], ids=[MAIN, NEWEST])
def windows(session: nox.Session, core: str) -> None:
    """Run the role for IIS on simulated Windows hosts: everything on the main ansible-core, scenarios on the newest."""
    prepare(session, core, "test")
    tests = [] if core == MAIN else ["tests/windows_simulation/test_scenarios.py"]
    pytest(session, *(tests or ["tests/windows_simulation"]), "--timeout=1200", most=2)


@on_main
def hosts(session: nox.Session) -> None:
    """Run the roles and the transaction on real hosts."""
    prepare(session, MAIN, "test", "molecule")
    pytest(session, "tests/hosts", most=1)
    # An interrupted run leaves its hosts, and the next one would take them for its own.
    session.run("molecule", "destroy", "--all", silent=True)
    try:
        session.run("molecule", "test", "--all")
    finally:
        session.run("molecule", "destroy", "--all", silent=True)


@on_main
def faults(session: nox.Session) -> None:
    """Hurt renewals on real hosts in every way we know, and hold docs/faults.md to what came of it.

    With ``FAULTS_PAGE=write`` in the environment the page is written.
    """
    prepare(session, MAIN, "test")
    pytest(session, "tests/faults", "--verbose", "--timeout=900", most=1)


@nox.session
@on_each
def e2e(session: nox.Session, core: str) -> None:
    """Run the playbooks end to end: everything on the main ansible-core, one deploy on the others."""
    if core == MAIN:
        prepare(session, core, "test", "eda")
        pytest(session, "tests/e2e", "tests/eda", "--verbose", "--timeout=900", most=2)
    else:
        prepare(session, core, "test")
        pytest(session, "tests/e2e", "--verbose", "--timeout=900", "-m", "every_core", most=1)


@nox.session(python=GENERATIONS[MAIN].python, default=False)
def demo(session: nox.Session) -> None:
    """Show the whole flow."""
    prepare(session, MAIN, "test")
    session.run("python", "-m", "demo", *session.posargs)
