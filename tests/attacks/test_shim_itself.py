# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shim sees every call and hurts the one it is told to, and the judges notice what is broken on purpose.

Without that, a test that finds nothing says nothing.
"""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attacks.shim.calls import Call, Order, calls_in
from attacks.shim.judge import Wrong, check_with_openssl
from attacks.shim.power import PowerCuts
from attacks.shim.runner import Runner
from attacks.shim.scenes import SCENES, another_group
from attacks.shim.stage import Stage
from attacks.shim.stages import Stages

ENOUGH = 500  # more calls than any change makes


@pytest.fixture(scope="module")
def stages() -> Iterator[Stages]:
    with Stages() as stages:
        yield stages


class Sandbox:
    """Runs a program with the shim in a directory that holds a file, ``one``."""

    def __init__(self, library: Path, directory: Path) -> None:
        self._library = library
        self.directory = directory
        directory.mkdir()
        (directory / "one").write_text("content")

    def run(self, order: Order, *argv: str) -> tuple[int, list[Call]]:
        """Run a program in the directory; how it ended, and what the shim logged."""
        log = self.directory.with_name("log")
        with log.open("w") as stream:
            environment = {**os.environ, **order.environment(stream.fileno()), "LD_PRELOAD": str(self._library)}
            descriptors = [stream.fileno()]
            process = subprocess.run(argv, cwd=self.directory, env=environment, pass_fds=descriptors, check=False)
        return process.returncode, calls_in(log.read_text())


@pytest.fixture
def sandbox(stages: Stages, tmp_path: Path) -> Sandbox:
    return Sandbox(stages.library, tmp_path / "sandbox")


# The shim.


@pytest.mark.parametrize(
    "argv",
    [("mv", "one", "two"), (sys.executable, "-c", "import os; os.rename('one', 'two')")],
    ids=["mv", "os.rename"],
)
def test_a_program_is_killed_before_and_after_it_renames(sandbox: Sandbox, argv: tuple[str, ...]) -> None:
    order = Order((sandbox.directory,))
    code, calls = sandbox.run(order.hurting("before", 1), *argv)
    assert (code, [call.operation for call in calls]) == (-signal.SIGKILL, ["rename"])
    assert os.listdir(sandbox.directory) == ["one"]
    code, calls = sandbox.run(order.hurting("after", 1), *argv)
    assert (code, [call.operation for call in calls]) == (-signal.SIGKILL, ["rename"])
    assert os.listdir(sandbox.directory) == ["two"]


@pytest.mark.parametrize(("mode", "made"), [("fail", ["b", "one"]), ("lasting", ["one"])])
def test_a_call_is_refused_once_or_for_good(sandbox: Sandbox, mode: str, made: list[str]) -> None:
    order = Order((sandbox.directory,)).hurting(mode, 1, errno.EROFS)
    code, calls = sandbox.run(order, "mkdir", "a", "b")
    assert code == 1
    assert sorted(os.listdir(sandbox.directory)) == made
    assert [call.error for call in calls] == [errno.EROFS, 0 if "b" in made else errno.EROFS]


def test_a_write_is_cut_short(sandbox: Sandbox) -> None:
    script = "import os; os.write(os.open('one', os.O_WRONLY), b'CONTENT!')"
    code, _calls = sandbox.run(Order((sandbox.directory,)).hurting("short", 1), sys.executable, "-c", script)
    assert code == -signal.SIGKILL
    assert (sandbox.directory / "one").read_text() == "CONTent"


# Each form of each call that Python has, and what the log calls it; ``one`` is open on a file, ``here`` on its place.
FORMS = {
    "open('x', 'w').close()": ["open"],
    "os.close(os.open('x', os.O_RDWR | os.O_CREAT, 0o600, dir_fd=here))": ["open"],
    "os.close(os.open('.', os.O_RDWR | os.O_TMPFILE))": ["open"],
    "os.write(one, b'1')": ["write"],
    "os.pwrite(one, b'1', 0)": ["pwrite"],
    "os.writev(one, [b'1'])": ["writev"],
    "os.sendfile(one, own, 0, 1)": ["sendfile"],
    "os.ftruncate(one, 1)": ["truncate"],
    "os.truncate('one', 1)": ["truncate"],
    "os.fsync(one)": ["fsync"],
    "os.fdatasync(one)": ["fsync"],
    "os.fsync(here)": ["fsync"],
    "os.rename('one', 'two')": ["rename"],
    "os.replace('one', 'two', src_dir_fd=here, dst_dir_fd=here)": ["rename"],
    "os.rename('one', f'/proc/self/fd/{here}/two')": ["rename"],
    "ctypes.CDLL(None).renameat2(here, b'one', here, b'two', 1)": ["rename"],
    "os.link('one', 'two')": ["link"],
    "os.link('one', 'two', src_dir_fd=here, dst_dir_fd=here)": ["link"],
    "os.symlink('one', 'two')": ["symlink"],
    "os.symlink('one', 'two', dir_fd=here)": ["symlink"],
    "os.unlink('one')": ["unlink"],
    "os.unlink('one', dir_fd=here)": ["unlink"],
    "os.mkdir('two'); os.rmdir('two')": ["mkdir", "rmdir"],
    "os.mkdir('two', dir_fd=here); os.rmdir('two', dir_fd=here)": ["mkdir", "rmdir"],
    "os.mkfifo('two')": ["mknod"],
    "os.mknod('two', dir_fd=here)": ["mknod"],
    "os.chmod('one', 0o600)": ["chmod"],
    "os.chmod('one', 0o600, dir_fd=here)": ["chmod"],
    "os.fchmod(one, 0o600)": ["chmod"],
    "os.chmod(f'/proc/self/fd/{one}', 0o600)": ["chmod"],
    "os.chown('one', -1, -1)": ["chown"],
    "os.chown('one', -1, -1, dir_fd=here)": ["chown"],
    "os.lchown('one', -1, -1)": ["chown"],
    "os.fchown(one, -1, -1)": ["chown"],
    "open('one').read()": [],
    "open('../outside', 'w').write('1'); os.rename('../outside', '../out'); os.unlink('../out')": [],
}
EACH_FORM = """
import ctypes, json, os, sys
for number, form in enumerate(json.loads(sys.argv[1])):
    os.chdir(f"{sys.argv[2]}/{number}/below")
    here, one, own = os.open(".", os.O_RDONLY), os.open("one", os.O_RDWR), os.open(sys.executable, os.O_RDONLY)
    exec(form)
"""


def test_every_form_of_every_call_is_seen(sandbox: Sandbox) -> None:
    roots = [sandbox.directory / str(number) / "below" for number in range(len(FORMS))]
    for root in roots:
        root.mkdir(parents=True)
        (root / "one").write_text("content")
    argv = [sys.executable, "-c", EACH_FORM, json.dumps(list(FORMS)), str(sandbox.directory)]
    code, calls = sandbox.run(Order(tuple(roots)), *argv)
    assert code == 0
    seen = {
        form: [call.operation for call in calls if call.path.startswith(f"{root}")] for form, root in zip(FORMS, roots)
    }
    assert seen == FORMS


# What strace calls the calls that the shim sees.
TRACED = {
    "open": ("open", "openat", "creat"),
    "write": ("write",),
    "pwrite": ("pwrite64",),
    "writev": ("writev", "pwritev", "pwritev2"),
    "sendfile": ("sendfile", "copy_file_range", "splice"),
    "truncate": ("truncate", "ftruncate", "fallocate"),
    "fsync": ("fsync", "fdatasync"),
    "rename": ("rename", "renameat", "renameat2"),
    "link": ("link", "linkat"),
    "symlink": ("symlink", "symlinkat"),
    "unlink": ("unlink", "unlinkat"),
    "rmdir": ("rmdir",),
    "mkdir": ("mkdir", "mkdirat"),
    "mknod": ("mknod", "mknodat"),
    "chmod": ("chmod", "fchmod", "fchmodat", "fchmodat2"),
    "chown": ("chown", "fchown", "fchownat", "lchown"),
    "setxattr": ("setxattr", "lsetxattr", "fsetxattr"),
}
OTHERS = ("sync_file_range", "utimensat", "removexattr", "fremovexattr", "lremovexattr", "openat2", "io_uring_setup")


@pytest.mark.parametrize("scene", SCENES)
def test_the_kernel_sees_no_call_that_the_shim_does_not_see(stages: Stages, scene: str, tmp_path: Path) -> None:
    stage, output = stages[scene], tmp_path / "strace"
    names = ",".join(f"?{name}" for name in [*(name for names in TRACED.values() for name in names), *OTHERS])
    tracer = ("strace", "-f", "-y", "-s", "0", "-o", str(output), "-e", f"trace={names}", "-e", "signal=none")
    with Runner(stages.library, tracer) as runner:
        answer = runner.run(stage.options(stage.scene.state, stage.scene.bundle), stage.order())
    traced = [operation for line in output.read_text().splitlines() for operation in _traced(line, stage.directory)]
    assert traced == [call.operation for call in answer.calls]
    assert len(traced) == len(stage.calls)


def _traced(line: str, root: Path) -> Iterator[str]:
    """Yield what a line of strace is about, if it is a call that changes something below a directory."""
    match = re.match(r"\d+ +(\w+)\((.*)", line)
    if match is None or (f"{root}/" not in line and f"{root}>" not in line):
        return
    name, arguments = match.groups()
    operation = next((key for key, names in TRACED.items() if name in names), f"unseen {name}")
    if operation == "open" and not re.search(r"O_CREAT|O_TRUNC|O_TMPFILE", arguments):
        return
    yield "rmdir" if "AT_REMOVEDIR" in arguments else operation


# The judge, on a host that is spoiled by hand before a renewal.


def _versions(stage: Stage) -> list[str]:
    """Return the names of the versions that are not live."""
    live = os.path.basename(os.readlink(stage.live))
    return [name for name in sorted(os.listdir(stage.root / "www" / "versions")) if name != live]


def _point_elsewhere(stage: Stage) -> None:
    (first,) = [name for name in _versions(stage) if not name.startswith("adopted")]
    stage.live.unlink()
    stage.live.symlink_to(f"versions/{first}")


def _mix_a_pair(stage: Stage) -> None:
    """The link to the key leads to another version than the one to the certificate."""
    key = stage.etc / "own" / "key.pem"
    key.unlink()
    key.symlink_to(stage.root / "www" / "versions" / _versions(stage)[0] / "privkey.pem")


SPOILS: list[tuple[Callable[[Stage], object], str]] = [
    (lambda stage: (stage.live / "privkey.pem").write_text("no key"), "names no whole bundle"),
    (lambda stage: (stage.live / "chain.pem").write_bytes(b""), "holds no whole bundle"),
    (lambda stage: (stage.live / "chain.pem").unlink(), "holds no whole bundle"),
    (_mix_a_pair, "names no whole bundle"),
    (_point_elsewhere, "serves first"),
    (lambda stage: stage.live.unlink(), "serves nothing"),
    (lambda stage: (stage.etc / "web.conf").write_text(""), "serves nothing"),
    (lambda stage: (stage.etc / "web.conf").unlink(), "serves nothing"),
    (lambda stage: (stage.etc / "web.conf").chmod(0o600), "neither the old one nor the new one"),
    (lambda stage: (stage.live / "haproxy.pem").chmod(0o644), "holds a key and is 0644"),
    (lambda stage: _strange_copy(stage, 0), "strange holds a key and is 0666"),
    (lambda stage: _strange_copy(stage, 100), "strange holds a key and is 0666"),
]
if another_group().gr_gid != os.getgid():  # root, or a user of several groups
    SPOILS.append((lambda stage: os.chown(stage.live / "privkey.pem", -1, os.getgid()), "holds a key and is 0640"))


def _strange_copy(stage: Stage, skipped: int) -> None:
    """A copy of a key, or of a part of it, of a name that nobody knows."""
    copy = stage.root / "www" / "strange"
    copy.write_bytes((stage.live / "privkey.pem").read_bytes()[skipped:])
    copy.chmod(0o666)


@pytest.mark.parametrize("number", range(len(SPOILS)))
def test_the_judge_notices_what_is_spoiled_by_hand(stages: Stages, number: int) -> None:
    spoil, said = SPOILS[number]
    stage = stages["renewal"]
    stage.check_alive("before it is spoiled", openssl=True)
    spoil(stage)
    with pytest.raises(Wrong, match=said):
        stage.check_alive("spoiled")


def test_openssl_notices_a_pair_that_does_not_belong_together(stages: Stages) -> None:
    stage = stages["renewal"]
    own, other = stage.etc / "own", stage.root / "www" / "versions" / _versions(stage)[0]
    check_with_openssl(own / "cert.pem", own / "key.pem")
    with pytest.raises(Wrong, match="do not belong together"):
        check_with_openssl(own / "cert.pem", other / "privkey.pem")


# The judges, on runs with primitives that are broken on purpose (shim/sabotage.py).


@pytest.mark.parametrize(
    ("sabotage", "said"),
    [
        ("in_place", "web.conf serves nothing"),
        ("remove_first", "web.conf serves nothing"),
        ("open_to_all", "holds a key and is 0644"),
    ],
)
def test_a_kill_shows_what_is_broken(stages: Stages, sabotage: str, said: str) -> None:
    stage, noticed = stages["renewal"], []
    for number in range(1, ENOUGH):
        stage.reset()
        if stage.run(stage.order("before", number), sabotage).killed is None:
            break
        try:
            stage.check_alive(f"killed before call {number}")
        except Wrong as wrong:
            noticed.append(str(wrong))
            if said in noticed[-1]:
                return
    pytest.fail(f"not noticed, but only {noticed}")


@pytest.mark.parametrize(
    ("sabotage", "said"),
    [
        ("in_place", "changes in place what a server may read"),
        ("never_sync", "the content is not on the disk yet"),
        ("never_sync_directories", "is not on the disk yet"),
    ],
)
def test_the_log_shows_what_is_broken(stages: Stages, sabotage: str, said: str) -> None:
    stage = stages["renewal"]
    answer = stage.run(stage.order(), sabotage)
    assert answer.status == "verified"
    assert any(said in fault for fault in PowerCuts().follow(answer.calls).faults)


def test_what_a_run_leaves_is_noticed(stages: Stages) -> None:
    stage = stages["renewal"]
    assert stage.run(None, "untidy").status == "verified"
    with pytest.raises(Wrong, match=r"journal\.json: nothing and file"):
        stage.check_after("untidy")


def test_a_run_that_says_it_went_back_and_did_not_is_noticed(stages: Stages) -> None:
    stage = stages["renewal"]
    stage.check_before("as it was made")
    (stage.etc / "web.conf").chmod(0o640)
    with pytest.raises(Wrong, match="before and now differ"):
        stage.check_before("changed by hand")
