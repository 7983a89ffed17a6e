#!/bin/bash
# boot.sh SLOT SWITCH NAME NUMBER DISTRO VIEW: keeps one host powered on until it goes off or is killed.
set -euo pipefail
source "$(dirname "$0")/common.sh"
host=$runs/$1/$3
mkdir -p "$host"/{upper,work,root}
[ -e "$host/machine-id" ] || tr -d - < /proc/sys/kernel/random/uuid > "$host/machine-id"
for hierarchy in "${hierarchies[@]}"; do mkdir -p "$cgroups/$hierarchy/sm-hosts-$1-$3"; done

# The kernel ends a namespace's first process with SIGHUP for "reboot", with SIGINT for "power off".
status=129
while [ $status = 129 ]; do
  status=0
  setpriv --pdeathsig KILL unshare --pid --fork --kill-child bash "$here/init.sh" "$@" || status=$?
  rm -f "$host/leader"
done
echo "$status" > "$host/ended"
