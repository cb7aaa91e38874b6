#!/usr/bin/env bash
# Installs the Debian packages named as arguments, those that are missing; needs root only if one is.
set -euo pipefail

if ! command -v dpkg-query >/dev/null; then
    echo "This is neither Debian nor Ubuntu: install what stands for the Debian packages $* yourself." >&2
    exit 0
fi

missing=()
for package in "$@"; do
    dpkg-query --show --showformat='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed \
        || missing+=("$package")
done
[ "${#missing[@]}" -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "Debian packages are missing: run 'sudo apt-get install --no-install-recommends ${missing[*]}' and start again." >&2
    exit 1
fi

export DEBIAN_FRONTEND=noninteractive
install=(apt-get install --quiet --quiet --yes --no-install-recommends "${missing[@]}")
echo "Installing Debian packages: ${missing[*]}"
# Package lists may be absent or older than the archive: fetch them only then.
"${install[@]}" >/dev/null 2>&1 || { apt-get update --quiet --quiet && "${install[@]}" >/dev/null; }
