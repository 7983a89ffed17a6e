#!/bin/bash
# Prepares, once for each version of the recipe, what hosts boot from:
#   base/            a Debian root file system with systemd
#   layers/DISTRO/   what a distro adds to it: its package manager, os-release, repository configuration
#   repo/DISTRO/     an offline package repository, as it was when hello-fleet 1.0 was out, and later 2.0
# It builds in a directory beside and renames that when all is done, so a crash leaves nothing half-made.
# Callers at the same time wait for the first one.
set -euo pipefail
source "$(dirname "$0")/common.sh"
suite=bookworm
distros=(debian fedora opensuse arch)
work=$prepared.building

# The Debian mirror of this machine's own apt configuration. Where apt was never updated it is, into lists of our own.
find_mirror() {
  local lists=$work/mirror-lists
  mirror=${SYSTEMS_MANAGER_DEBIAN_MIRROR:-$(first_debian_source)}
  if [ -z "$mirror" ]; then
    mkdir -p "$lists/partial"
    apt-get -o "Dir::State::lists=$lists" -qq update >&2 || true
    mirror=$(first_debian_source -o "Dir::State::lists=$lists")
    rm -rf "$lists"
  fi
  case $mirror in
    mirror+file:*) # a file with a mirror on each line, as cloud images have it
      mirror=${mirror#mirror+file:}
      mirror=$(sed -n 's/^\([a-z]*:[^[:space:]]*\).*/\1/p;T;q' "${mirror%/}") ;;
  esac
  [ -n "$mirror" ] || fail 1 "apt has no Debian mirror configured: set SYSTEMS_MANAGER_DEBIAN_MIRROR to the address of one"
}

first_debian_source() { # APT-OPTION...
  apt-get "$@" indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' 'Label: Debian' | sed -n 1p
}

# debootstrap does not know a proxy that is configured for apt only.
use_apt_proxy() {
  local proxy=
  eval "$(apt-config shell proxy Acquire::http::Proxy)"
  [ -z "$proxy" ] || export http_proxy=$proxy
}

build_base() {
  local base=$work/base unit
  mkdir -p "$base"/etc/{dpkg/dpkg.cfg.d,systemd/system}
  # No fsync for each file, and no files that only people read: the cache is disposable.
  printf '%s\n' force-unsafe-io path-exclude=/usr/share/{doc,man,locale}/'*' > "$base/etc/dpkg/dpkg.cfg.d/hosts"
  debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,libpam-systemd,cron,iproute2,procps,kmod \
    $suite "$base" "$mirror"
  for unit in {apt-daily,apt-daily-upgrade,dpkg-db-backup,e2scrub_all,fstrim,dnf-makecache}.timer \
    e2scrub_reap.service getty@.service console-getty.service systemd-timesyncd.service; do
    ln -sfn /dev/null "$base/etc/systemd/system/$unit"
  done
  rm -rf "$base"/var/{cache/apt,lib/apt/lists}/* "$base"/etc/machine-id "$base"/var/lib/dbus/machine-id
  touch "$base"/etc/hosts
}

# Runs a command in a distro's root. Its mount namespace ends with it, so nothing can stay mounted.
in_distro() { # DISTRO COMMAND...
  mkdir -p "$work"/{layers,repo}/"$1" "$work/tmp/$1"/{root,work}
  unshare --mount --propagation private bash "$here/recipe/enter.sh" "$here/recipe" "$work" "$@"
}

# Runs a step with its output in a log; shows the end of the log if the step fails.
step() { # NAME COMMAND...
  local name=$1 log=$work/logs/$1 start=$SECONDS
  shift
  (set -e && "$@") > "$log" 2>&1 < /dev/null & # in the background, because a condition would switch off its set -e
  wait $! || fail 1 "preparing hosts: the step '$name' failed. The end of its output:
$(tail -n 20 "$log")"
  echo "hosts: prepared $name in $((SECONDS - start)) s" >&2
}

build_all() {
  local distro job jobs=()
  step base build_base
  echo "deb $mirror $suite main" > "$work/base/etc/apt/sources.list"
  mkdir -p "$work/lists"
  step lists in_distro lists apt-get update -q
  for distro in "${distros[@]}"; do
    step "$distro" in_distro "$distro" bash "/mnt/$distro.sh" &
    jobs+=($!)
  done
  for job in "${jobs[@]}"; do wait "$job" || return 1; done
}

mkdir -p "$cache"
if [ ! -d "$prepared" ]; then
  exec {lock}> "$cache/lock"
  flock $lock
  if [ ! -d "$prepared" ]; then
    rm -rf "$work"
    mkdir -p "$work"/{logs,tmp}
    find_mirror
    use_apt_proxy
    build_all || exit 1
    rm -rf "$work"/{tmp,lists} "$work"/{layers,repo}/lists
    mv "$work" "$prepared"
    # Other recipes' results go when nobody has used them for two weeks.
    find "$cache" -mindepth 1 -maxdepth 1 -type d -mtime +14 -exec rm -rf {} +
  fi
fi
touch "$prepared"
echo "$prepared"
