#!/bin/sh
# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What is done inside the new root file system, before it is packed. Argument: its directory.
set -eu
root=$1

cat >"$root/etc/ssh/sshd_config.d/acm-test-host.conf" <<'END'
# VERBOSE logs one "Starting session" line per remote command: the tests count round trips with it.
LogLevel VERBOSE
UseDNS no
UsePAM no
MaxStartups 200
MaxSessions 200
PasswordAuthentication no
PermitRootLogin prohibit-password
AuthorizedKeysFile /etc/ssh/acm_authorized_keys
END
rm -f "$root"/etc/ssh/ssh_host_*
chroot "$root" ssh-keygen -A

chroot "$root" useradd --create-home --shell /bin/bash deploy
# Without PAM sshd refuses accounts with a locked password ("!"); "*" only means that no password fits.
chroot "$root" usermod --password '*' root
chroot "$root" usermod --password '*' deploy
echo 'deploy ALL=(ALL:ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/deploy"
chmod 0440 "$root/etc/sudoers.d/deploy"

chroot "$root" systemctl disable nginx.service apache2.service haproxy.service postfix.service dovecot.service
chroot "$root" systemctl enable ssh.service
chroot "$root" systemctl set-default multi-user.target
chroot "$root" systemctl mask \
    systemd-logind.service getty.target console-getty.service getty@.service serial-getty@.service \
    systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-udev-trigger.service \
    systemd-resolved.service systemd-networkd-wait-online.service systemd-timesyncd.service \
    systemd-modules-load.service systemd-sysctl.service systemd-remount-fs.service \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
    sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount dev-hugepages.mount

# In a directory of the machine, which counts sessions there and asks no host.
echo 'SSHD_OPTS="-E /var/log/sshd/sshd.log"' >"$root/etc/default/ssh"

# A container may not mount, and this one is only for the log.
mkdir "$root/etc/systemd/system/haproxy.service.d"
printf '[Service]\nBindReadOnlyPaths=\n' >"$root/etc/systemd/system/haproxy.service.d/acm-test-host.conf"

sed -i 's/^worker_processes .*/worker_processes 1;/' "$root/etc/nginx/nginx.conf"
# The machine that built the root must not show in it; the hosts install nothing.
chroot "$root" postconf -X myhostname
: >"$root/etc/apt/sources.list"
: >"$root/etc/machine-id"
rm -f "$root/etc/resolv.conf" "$root/etc/hostname"
