#!/bin/bash
# Says whether this machine can boot hosts: exit 0, or the reason on stderr and exit 77.
set -euo pipefail
source "$(dirname "$0")/common.sh"

unable() { fail 77 "$1"; }

[ "$(uname -s)" = Linux ] || unable "hosts need Linux"
[ "$(id -u)" = 0 ] || unable "hosts need root: run the tests as root"

for tool in unshare nsenter setpriv pivot_root mount ip flock sha256sum; do
  command -v $tool >/dev/null || unable "hosts need the command $tool: install util-linux, iproute2 and coreutils"
done

unshare --mount --pid --uts --ipc --net --cgroup --fork --propagation private true 2>/dev/null ||
  unable "hosts need namespaces: unshare is refused here"

unshare --net bash -ec 'ip link add bridge0 type bridge; ip link add veth0 type veth peer name veth1' 2>/dev/null ||
  unable "hosts need bridge and veth links: the kernel refuses one of them"

[ "$(stat -fc %T /dev/shm 2>/dev/null)" = tmpfs ] || unable "hosts need a tmpfs at /dev/shm"
unshare --mount --propagation private bash -ec 'mount -t tmpfs t /mnt; cd /mnt; mkdir l u w m
  mount -t overlay o -o lowerdir=l,upperdir=u,workdir=w m' 2>/dev/null || unable "hosts need overlayfs: its mount is refused"

for hierarchy in "${hierarchies[@]}"; do
  trial=$cgroups/$hierarchy/sm-hosts-probe-$$
  mkdir "$trial" 2>/dev/null && rmdir "$trial" || unable "hosts need a writable cgroup tree: $cgroups/$hierarchy is not"
done
[ ${#hierarchies[@]} -gt 0 ] || unable "hosts need cgroups at $cgroups"

[ -d "$prepared" ] || command -v debootstrap >/dev/null ||
  unable "hosts are not prepared yet and debootstrap is missing: apt-get install debootstrap"
