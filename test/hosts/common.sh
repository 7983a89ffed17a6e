# Sourced by the other scripts: where things are, and which cgroup hierarchies a host gets. It changes nothing.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Everything a host boots from. A changed recipe has another key and so is prepared anew.
cache=${SYSTEMS_MANAGER_CACHE:-$HOME/.cache/systems-manager}/hosts
prepared=$cache/$(cat "$here"/prepare.sh "$here"/recipe/* | sha256sum | cut -c1-12)

# Running fleets. Each holds a slot: a number which gives it its own subnet, cgroup names and link name.
runs=/dev/shm/systems-manager-hosts
subnets=${SYSTEMS_MANAGER_HOSTS_NET:-10.77}
slots=16
max_hosts=12 # of all fleets together; a host takes about 8 of the 128 inotify instances that a user has by default

# A pure cgroup2 machine has one hierarchy; a hybrid one has a directory for each. cpuset is left out: a new v1
# cpuset is empty, and nothing can enter it.
cgroups=/sys/fs/cgroup
if [ "$(stat -fc %T $cgroups 2>/dev/null)" = cgroup2fs ]; then
  hierarchies=(.)
else
  hierarchies=()
  for hierarchy in unified systemd memory pids cpu cpuacct blkio devices freezer; do
    [ -d "$cgroups/$hierarchy" ] && hierarchies+=("$hierarchy")
  done
fi

fail() { # EXIT-CODE MESSAGE
  echo "$2" >&2
  exit "$1"
}

# Every directory of the cgroups of a fleet's hosts, the deepest first.
fleet_cgroups() { # SLOT
  find $cgroups -maxdepth 2 -type d -name "sm-hosts-$1-*" -exec find {} -depth -type d \; 2>/dev/null
}

# Removes all that belongs to a slot: processes, cgroups, link and directory. Whoever calls it holds the slot's lock.
# Mounts and network namespaces need no care: they end with the last process in them.
take_down() { # SLOT
  local directories attempt
  for attempt in {1..250}; do
    mapfile -t directories < <(fleet_cgroups "$1")
    [ ${#directories[@]} -gt 0 ] || break
    cat "${directories[@]/%//cgroup.procs}" 2>/dev/null | xargs -r kill -KILL 2>/dev/null || true
    rmdir "${directories[@]}" 2>/dev/null || sleep 0.02
  done
  ip link delete "sm-hosts-$1" 2>/dev/null || true
  rm -rf "${runs:?}/$1"
}
