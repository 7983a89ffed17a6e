#!/bin/bash
# enter.sh RECIPE WORK DISTRO COMMAND...: runs a command in a distro's root, made of the base and the distro's layer.
# Called in a mount namespace of its own. Inside, the recipe is at /mnt and the distro's repository at /srv/repo.
set -euo pipefail
recipe=$1 work=$2 distro=$3
shift 3
root=$work/tmp/$distro/root

mount -t overlay overlay -o "lowerdir=$work/base,upperdir=$work/layers/$distro,workdir=$work/tmp/$distro/work" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs tmpfs "$root/var/cache/apt"
mkdir -p "$root/srv/repo" "$root/var/cache/apt/archives/partial"
mount --bind "$work/repo/$distro" "$root/srv/repo"
mount --bind "$recipe" "$root/mnt"
mount --bind "$work/lists" "$root/var/lib/apt/lists" # shared, so that the mirror is asked once
mount --bind /etc/resolv.conf "$root/etc/resolv.conf"
mount --bind /etc/hosts "$root/etc/hosts"
exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/root \
  DEBIAN_FRONTEND=noninteractive ${http_proxy:+http_proxy="$http_proxy"} "$@"
