#!/bin/bash
# init.sh SLOT SWITCH NAME NUMBER DISTRO VIEW: the first process of a host's pid namespace, which becomes its systemd.
# The steps: enter the host's cgroups, take the other namespaces, build the root, connect, change root, execute systemd.
set -euo pipefail
source "$(dirname "$0")/common.sh"

if [ "${1-}" != inside ]; then
  for hierarchy in "${hierarchies[@]}"; do echo 0 > "$cgroups/$hierarchy/sm-hosts-$1-$3/cgroup.procs"; done
  exec unshare --cgroup --mount --uts --ipc --net --propagation private bash "$0" inside "$@"
fi

shift
slot=$1 switch=$2 name=$3 number=$4 distro=$5 view=$6
fleet=$runs/$slot
host=$fleet/$name
root=$host/root

# This /proc is still the outer machine's and so tells our pid there.
read -r leader _ < /proc/self/stat

mount_root() {
  mount -t overlay overlay "$root" \
    -o "lowerdir=$prepared/layers/$distro:$prepared/base,upperdir=$host/upper,workdir=$host/work"
}

set_identity() {
  hostname "$name"
  echo "$name" > "$root/etc/hostname"
  cp "$host/machine-id" "$root/etc/machine-id"
  printf '127.0.0.1 localhost\n' | cat - "$fleet/hosts" > "$root/etc/hosts"
  : > "$root/etc/resolv.conf" # an unreachable name server would cost dnf 10 s for each command
  mkdir -p "$root/var/log/journal" "$root/etc/systemd/system.conf.d"
  printf '[Manager]\nDefault%sAccounting=yes\n' CPU > "$root/etc/systemd/system.conf.d/hosts.conf"
  printf 'Default%sAccounting=yes\n' Memory Tasks >> "$root/etc/systemd/system.conf.d/hosts.conf"
}

bind_read_only() { # SOURCE TARGET
  mount --bind "$1" "$2"
  mount -o remount,bind,ro "$2"
}

# Most of /proc/sys is the outer machine's, and systemd-sysctl would change it: only the network's part is ours.
mount_proc() {
  local file
  mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
  cp /proc/sys/kernel/random/uuid "$host/boot-id"
  mount --bind "$host/boot-id" "$root/proc/sys/kernel/random/boot_id" # the kernel's is the same for every host
  mount --rbind "$root/proc/sys" "$root/proc/sys"
  mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
  mount -o remount,bind,ro "$root/proc/sys"
  for file in sysrq-trigger irq bus; do
    [ ! -e "$root/proc/$file" ] || bind_read_only "$root/proc/$file" "$root/proc/$file"
  done
}

mount_dev() {
  local device
  mount -t tmpfs -o mode=755,nosuid tmpfs "$root/dev"
  mkdir "$root"/dev/{pts,shm}
  for device in null zero full random urandom tty; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
  done
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
  mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/dev/shm"
  ln -s pts/ptmx "$root/dev/ptmx"
  ln -s /proc/self/fd "$root/dev/fd"
  ln -s /proc/self/fd/0 "$root/dev/stdin"
  ln -s /proc/self/fd/1 "$root/dev/stdout"
  ln -s /proc/self/fd/2 "$root/dev/stderr"
}

# VIEW "unified" shows a host cgroup2 alone, "native" what the outer machine has.
mount_cgroups() {
  local hierarchy target=$root/sys/fs/cgroup
  if [ "$view" = unified ] || [ "${hierarchies[0]}" = . ]; then
    mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$target"
    return
  fi
  mount -t tmpfs -o mode=755 tmpfs "$target"
  for hierarchy in "${hierarchies[@]}"; do
    mkdir "$target/$hierarchy"
    case $hierarchy in
      unified) mount -t cgroup2 cgroup2 "$target/unified" ;;
      systemd) mount -t cgroup -o none,name=systemd cgroup "$target/systemd" ;;
      *) mount -t cgroup -o "$hierarchy" cgroup "$target/$hierarchy" ;;
    esac
  done
}

mount_binds() {
  local source target
  mkdir -p "$root/srv/repo"
  bind_read_only "$prepared/repo/$distro" "$root/srv/repo"
  while IFS=$'\t' read -r source target; do
    target=$root$target
    if [ -d "$source" ]; then
      mkdir -p "$target"
    else
      mkdir -p "$(dirname "$target")"
      [ -e "$target" ] || touch "$target"
    fi
    bind_read_only "$source" "$target"
  done < "$fleet/binds"
}

connect() {
  ip link set lo up
  # After a hard power-off the port of the life before may still be there.
  nsenter --net="$switch" ip link delete "port$number" 2>/dev/null || true
  ip link add eth0 type veth peer name "port$number" netns "$switch"
  ip address add "$(address "$name")/24" dev eth0
  ip link set eth0 up
  nsenter --net="$switch" ip link set "port$number" master br0 up
}

address() { # NAME
  awk -v name="$1" '$2 == name { print $1 }' "$fleet/hosts"
}

mount_root
set_identity
connect
mount_proc
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
mount_dev
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs "$root/run"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/tmp"
mount_cgroups
mount_binds
cd "$root"
mkdir -p .outer
pivot_root . .outer
# The leader is announced when its root is the host's, so that who enters by it can never be in the outer machine's.
# Dropped are the capabilities that reach through namespaces to the outer machine's clock and kernel.
exec chroot . /bin/sh -c 'echo $1 > "/.outer$2/leader" && umount --lazy /.outer && rmdir /.outer && exec setpriv \
  --bounding-set=-sys_time,-sys_module,-sys_rawio,-syslog,-wake_alarm,-mac_admin,-mac_override \
  env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 container=hosts /sbin/init' \
  sh "$leader" "$host"
