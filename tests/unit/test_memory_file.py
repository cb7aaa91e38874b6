# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bytes under a path that another process can read, and that are gone afterwards."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from ansible import constants

from ansible_collections.certops.acm.plugins.plugin_utils.memory_file import memory_file


def test_in_memory_for_this_process_and_for_programs_it_starts() -> None:
    with memory_file(b"content") as path:
        assert Path(path).read_bytes() == b"content"
        assert os.path.getsize(path) == 7
        assert subprocess.run(["cat", path], capture_output=True, check=True).stdout == b"content"
        assert "memfd" in os.readlink(path), "on no disk"
    assert not os.path.exists(path)


def test_in_a_file_of_ours_where_the_system_has_no_such_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create")
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    with pytest.raises(KeyError), memory_file(b"content") as path:
        assert Path(path).parent == tmp_path
        assert Path(path).read_bytes() == b"content"
        assert Path(path).stat().st_mode & 0o777 == 0o600
        raise KeyError
    assert list(tmp_path.iterdir()) == []
