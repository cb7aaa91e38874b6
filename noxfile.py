# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every check and test; the Makefile says in which order, and which run side by side."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import nox


class Generation(NamedTuple):
    """What one ansible-core is tested with; its version, and that of all it brings, is in tests/requirements.

    Attributes:
        python: the version of Python.
        ansible: the version of PyPI's ``ansible``, which is taken for its collections alone (amazon.aws 9, 10 and 11),
            so its own requirement of a certain ansible-core does not count: amazon.aws 9 is what users of 2.16 and
            2.18 have.
    """

    python: str
    ansible: str


# Of PyPI's ``ansible``: what galaxy.yml asks for; a JSON callback, which a test searches for secrets; what the role
# awx_jobs needs, which the newest package has no more; what iis_certificate needs.
COLLECTIONS = ("amazon", "ansible/posix", "awx", "ansible/windows", "microsoft/iis")
OLDEST, PLATFORM, MAIN, NEWEST = "2.16", "2.18", "2.19", "2.21"
GENERATIONS = {
    OLDEST: Generation("3.11", "11"),
    # What Ansible Automation Platform brings.
    PLATFORM: Generation("3.11", "11"),
    MAIN: Generation("3.11", "12"),
    NEWEST: Generation("3.13", "14"),
}

# Run by every Python of an environment. Short-lived processes that fork for each task, as ansible-playbook, spend a
# fifth of their time on looking for garbage that they have none of.
COLLECT_SELDOM = "import gc, os; gc.set_threshold(100_000, 50, 50); os.register_at_fork(before=gc.freeze)\n"

# Seconds that what was interrupted with Ctrl-C has to remove its hosts.
PATIENCE: dict[str, Any] = {"interrupt_timeout": 60, "terminate_timeout": 10}

# Only what a lock of tests/requirements lists is installed, and nothing is built: a build brings packages of its own.
LOCKED = ("--require-hashes", "--only-binary", ":all:")

ROOT = Path(__file__).parent
CACHE = ROOT / ".cache"
REPORTS = CACHE / "reports"
USER_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "certops-acm"

nox.needs_version = ">=2026.10"
nox.options.stop_on_first_error = True

# Environment makes the environments, as several stages share one.
stage = nox.session(venv_backend="none")
on_each = nox.parametrize("core", list(GENERATIONS), ids=list(GENERATIONS))


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
def alone(installer: str) -> Iterator[None]:
    """Keep sessions that run side by side from installing with the same installer at once."""
    USER_CACHE.mkdir(parents=True, exist_ok=True)
    with (USER_CACHE / f"{installer}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def debian_packages(session: nox.Session, directories: Iterable[str]) -> None:
    """Install the Debian packages that directories of tests name, those that are missing."""
    files = [ROOT / "tests" / directory / "apt-packages.txt" for directory in directories]
    lines = [line for path in files for line in path.read_text().splitlines()]
    names = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    with alone("apt"):
        session.run("tests/tools/apt_install.sh", *names, external=True, log=False)


class Environment:
    """One generation of Ansible with the tools that its stages need, and a collections directory.

    Attributes:
        collections: holds ours, those that galaxy.yml asks for, and those that tests need.
    """

    def __init__(self, session: nox.Session, core: str = MAIN, *, packages: Iterable[str] = ()) -> None:
        """Make it, or bring it up to date; the session is skipped where there is no Python for it.

        Args:
            packages: directories of tests whose Debian packages are needed. The first checks need none, so that on
                a new machine they run while the others are installed.
        """
        self.session = session
        debian_packages(session, packages)
        self.collections = CACHE / f"collections-{core}"
        generation = GENERATIONS[core]
        home = ROOT / ".nox" / f"ansible-{core}"
        self._bin = home / "bin"
        with alone("uv"):
            if not (self._bin / "python").exists():
                self._create(home, generation.python)
            names = ["test", f"core-{core}", *(["bootstrap", "tools"] if core == MAIN else [])]
            files = [argument for name in names for argument in ("-r", f"tests/requirements/{name}.txt")]
            # What is imported is compiled then: most of what is installed never is.
            self._uv("pip", "install", "--python", str(home), *LOCKED, *files)
            self._collect(generation, home)
        session.env.update(
            ANSIBLE_COLLECTIONS_PATH=str(self.collections),
            PATH=os.pathsep.join([str(self._bin), os.environ["PATH"]]),
            PYTHONPATH=f"{self.collections}{os.pathsep}{ROOT / 'tests'}",
        )

    def run(self, program: str, *arguments: str, **options: Any) -> None:
        """Run one of its programs."""
        self.session.run(str(self._bin / program), *arguments, **PATIENCE, **options)

    def pytest(self, *arguments: str, most: int = 4) -> None:
        """Run pytest, leave its report for tests/tools/summary.py; file by file on at ``most`` so many processors."""
        workers = ["--numprocesses=auto", f"--maxprocesses={most}", "--dist=loadfile"] if most > 1 else []
        report = f"--junit-xml={REPORTS / self.session.name}.xml"
        self.run("pytest", *workers, report, *arguments, *self.session.posargs)

    def _uv(self, *arguments: str, **options: Any) -> Any:
        return self.session.run(str(Path(sys.executable).with_name("uv")), *arguments, **options)

    def _create(self, home: Path, python: str) -> None:
        self._uv(
            "venv", "--quiet", "--clear", "--no-python-downloads", "--python", python, str(home), success_codes=[0, 2]
        )
        if (home / "bin" / "python").exists():
            for packages in home.glob("lib/python*/site-packages"):
                (packages / "certops_tests.pth").write_text(COLLECT_SELDOM)
            return
        if python == GENERATIONS[MAIN].python:
            self.session.error(f"no Python {python}")
        self.session.skip(f"no Python {python}")

    def _collect(self, generation: Generation, home: Path) -> None:
        # Outside of this repository: antsibull-docs copies of a repository only what git knows.
        lock = ROOT / "tests" / "requirements" / f"collections-{generation.ansible}.txt"
        (version,) = re.findall(r"^ansible==(\S+)", lock.read_text(), re.MULTILINE)
        bundle = USER_CACHE / f"ansible-{version}"
        place = ("--python", str(home), "--no-deps", "--target", str(bundle))
        self._uv("pip", "install", *place, *LOCKED, "-r", str(lock))
        for collection in COLLECTIONS:
            shipped = bundle / "ansible_collections" / collection
            if shipped.is_dir():
                link(self.collections / "ansible_collections" / collection, shipped)
        link(self.collections / "ansible_collections" / "certops" / "acm", ROOT)


def files_of_git(session: nox.Session) -> list[str]:
    """Return the files that a commit of everything would hold, relative to the repository."""
    listed = session.run(
        "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", external=True, silent=True, log=False
    )
    return sorted({name for name in str(listed).split("\0") if name and (ROOT / name).is_file()})


@stage
def lint(session: nox.Session) -> None:
    """Check style, types, secrets, templates, roles and documentation."""
    environment = Environment(session)
    tree = files_of_git(session)
    environment.run("python", "tests/tools/check_tree.py", *tree, log=False)
    environment.run("python", "tests/tools/find_secrets.py", *tree, log=False)
    environment.run("python", "tests/tools/lock.py", "check")
    environment.run("zizmor", "--offline", "--no-progress", "--persona=auditor", ".github")
    # What these checks are there for is shown to them.
    environment.pytest("tests/tools", most=1)
    environment.run("ruff", "check")
    environment.run("ruff", "format", "--check")
    types = {"MYPYPATH": str(environment.collections)}
    environment.run("mypy", "--package", "ansible_collections.certops.acm.plugins", env=types)
    environment.run("mypy", "noxfile.py", "tests", env=types)
    environment.run("python", "tests/tools/lint_stacks.py")
    environment.run("ansible-lint")
    environment.run("antsibull-docs", "lint-collection-docs", "--plugin-docs", ".")


@stage
def sanity(session: nox.Session) -> None:
    """Build the collection, and run ansible-test sanity on what users install.

    All of its tests run, none needs a container. Where a Python between 3.9 and 3.13 is missing, ``compile``
    and ``import`` leave that version out; ``pslint`` has nothing to check as long as there is no PowerShell here.
    """
    environment = Environment(session)
    place = CACHE / "sanity"
    shutil.rmtree(place, ignore_errors=True)
    link(place / "ansible_collections" / "amazon", environment.collections / "ansible_collections" / "amazon")
    environment.run("ansible-galaxy", "collection", "build", "--output-path", str(place))
    (built,) = place.glob("*.tar.gz")
    environment.run("ansible-galaxy", "collection", "install", "--force", "--no-deps", "-p", str(place), str(built))
    ours = place / "ansible_collections" / "certops" / "acm"
    shipped = {str(path.relative_to(ours)) for path in ours.rglob("*") if path.is_file()}
    if strays := shipped - set(files_of_git(session)) - {"FILES.json", "MANIFEST.json"}:
        session.error(f"files that git does not know would be shipped, add them to build_ignore: {sorted(strays)}")
    # Which Pythons we support; it is not shipped, as nothing of tests is.
    (ours / "tests").mkdir()
    shutil.copy(ROOT / "tests/config.yml", ours / "tests")
    # A repository of its own: in ours, everything below .cache is ignored.
    session.run("git", "init", "--quiet", str(ours), external=True)
    # ansible-test keeps its environments below HOME, and fetches get-pip.py unless it is there.
    home = USER_CACHE / "ansible-test"
    pip = home / ".ansible" / "test" / "cache" / "get_pip_24_2.py"
    pip.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "tests/tools/get_pip.py", pip)
    session.chdir(ours)
    environment.run("ansible-test", "sanity", "--python", "default", *session.posargs, env={"HOME": str(home)})


@stage
@on_each
def unit(session: nox.Session, core: str) -> None:
    """Run the unit tests on each ansible-core."""
    environment = Environment(session, core, packages=["unit"])
    # Neither the transaction nor the reader of events knows Ansible: once on each Python, and at length once.
    lengthy = ["test_transaction_killed.py", "test_event_generated.py"]
    host_only = [*lengthy, "test_transaction*.py", "test_bundle_files.py"]
    left_out = {OLDEST: host_only, PLATFORM: host_only, NEWEST: lengthy}
    globs = [f"--ignore-glob=tests/unit/{name}" for name in left_out.get(core, [])]
    environment.pytest("tests/unit", "--timeout=900", *globs)


@stage
def integration(session: nox.Session) -> None:
    """Run the modules against the stand-ins for AWS and AWX, over HTTP, and a simulated year."""
    # Where Node.js brings its own npm, Debian's cannot be installed beside it.
    environment = Environment(session, packages=["unit"] if shutil.which("npm") else ["unit", "policies"])
    environment.pytest("tests/integration", "tests/awx", "tests/simulation", "tests/policies", "--timeout=900")


@stage
@nox.parametrize("core", [MAIN, NEWEST], ids=[MAIN, NEWEST])
def windows(session: nox.Session, core: str) -> None:
    """Run the role for IIS on simulated Windows hosts: everything on the main ansible-core, scenarios on the newest."""
    environment = Environment(session, core)
    tests = [] if core == MAIN else ["tests/windows_simulation/test_scenarios.py"]
    environment.pytest(*(tests or ["tests/windows_simulation"]), "--timeout=1200", most=2)


@stage
@on_each
def attacks(session: nox.Session, core: str) -> None:
    """Attack the collection: everything on the main ansible-core, what needs Ansible on the others."""
    environment = Environment(session, core, packages=["attacks"])
    chosen = [] if core == MAIN else ["-m", "every_core"]
    # Test by test, as one file is longer than all others.
    environment.pytest("tests/attacks", "--timeout=900", "--dist=worksteal", *chosen)


@stage
def hosts(session: nox.Session) -> None:
    """Run the demo, and the roles on real hosts."""
    environment = Environment(session, packages=["hosts"])
    environment.pytest("tests/hosts", "tests/demo", most=1)
    # An interrupted run leaves its hosts, and the next one would take them for its own.
    environment.run("molecule", "destroy", "--all", silent=True)
    try:
        environment.run("molecule", "test", "--all")
    finally:
        environment.run("molecule", "destroy", "--all", silent=True)


@stage
def faults(session: nox.Session) -> None:
    """Hurt renewals on real hosts in every way we know, and hold docs/faults.md to what came of it.

    With ``FAULTS_PAGE=write`` in the environment the page is written.
    """
    environment = Environment(session, packages=["hosts"])
    environment.pytest("tests/faults", "--verbose", "--timeout=900", most=1)


@stage
def path(session: nox.Session) -> None:
    """Let ACM renew, through each door and every fault of the path, and hold docs/path.md to what came of it.

    With ``PATH_PAGE=write`` in the environment the page is written.
    """
    environment = Environment(session, packages=["hosts", "eda"])
    environment.pytest("tests/path", "--verbose", "--timeout=900", most=1)


@stage
@on_each
def e2e(session: nox.Session, core: str) -> None:
    """Run the playbooks end to end: everything on the main ansible-core, one deploy on the others."""
    environment = Environment(session, core, packages=["hosts", "eda"])
    if core == MAIN:
        # The longest file first, so that no processor waits for it in the end.
        order = ("--no-loadscope-reorder", "tests/eda", "tests/e2e")
        environment.pytest(*order, "--verbose", "--timeout=900", most=2)
    else:
        environment.pytest("tests/e2e", "--verbose", "--timeout=900", "-m", "every_core", most=1)


@nox.session(venv_backend="none", default=False)
def demo(session: nox.Session) -> None:
    """Show the whole flow; it fails when a step does not show what it should. Stage hosts tests it."""
    environment = Environment(session, packages=["hosts"])
    environment.run("python", "-m", "demo", *session.posargs)


@nox.session(venv_backend="none", default=False)
def lock(session: nox.Session) -> None:
    """Write the locks of tests/requirements anew; ``-- --upgrade`` takes the newest of what is not pinned by hand."""
    Environment(session).run("python", "tests/tools/lock.py", "write", *session.posargs)
