#!/bin/bash
# run.sh COUNT: holds a fleet of at most COUNT hosts for as long as its standard input is open.
# It prints "DIRECTORY SUBNET BASE" and then obeys lines of "boot NAME NUMBER DISTRO VIEW" from its input. At the end
# of the input, also when that came because the test process was killed, it takes everything down.
# If it is killed itself the hosts die with it (pdeathsig), and the next run or clean.sh removes what is left.
set -euo pipefail
source "$(dirname "$0")/common.sh"
count=$1

# Takes a free slot as soon as there is room for so many more hosts. The lock on it is held until this process ends.
claim_slot() {
  local claim deadline=$((SECONDS + 100))
  mkdir -p $runs
  exec {claim}> $runs/claim.lock
  until flock $claim && bash "$here/clean.sh" && has_room && lock_free_slot; do
    flock --unlock $claim
    [ $SECONDS -lt $deadline ] || fail 1 "no room for $count hosts: others are running, and $max_hosts is the limit"
    sleep 0.2
  done
  directory=$runs/$slot
  mkdir "$directory"
  echo "$count" > "$directory/count"
  exec {claim}>&-
}

has_room() {
  local sum=$count file
  for file in $runs/*/count; do
    [ ! -e "$file" ] || sum=$((sum + $(< "$file")))
  done
  [ $sum -le $max_hosts ]
}

lock_free_slot() {
  for ((slot = 0; slot < slots; slot++)); do
    exec {lock}> $runs/$slot.lock
    ! flock --nonblock $lock || return 0
    exec {lock}>&-
  done
  return 1
}

# A bridge in a network namespace of its own, kept by one process; the outer machine joins it at SUBNET.1.
# Nothing forwards, so a host has no way out.
start_switch() {
  setpriv --pdeathsig KILL unshare --net sleep infinity {lock}>&- < /dev/null &
  switch=/proc/$!/ns/net
  until [ "$(readlink $switch)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.005; done
  nsenter --net=$switch ip link add br0 type bridge
  nsenter --net=$switch ip link set br0 up
  ip link add "sm-hosts-$slot" type veth peer name uplink netns $switch
  ip address add "$subnet.1/24" dev "sm-hosts-$slot"
  ip link set "sm-hosts-$slot" up
  nsenter --net=$switch ip link set uplink master br0 up
}

boot() { # NAME NUMBER DISTRO VIEW
  mkdir -p "$directory/$1"
  setpriv --pdeathsig KILL bash "$here/boot.sh" "$slot" "$switch" "$@" \
    {lock}>&- < /dev/null >> "$directory/$1/console.log" 2>&1 &
  boots+=($!)
}

# Each host's systemd goes first, so that its parents see it end; a process whose parent was killed before it would
# be a zombie until the outer machine's init has looked. A host in the midst of booting gets its leader soon.
stop_hosts() {
  local attempt
  for attempt in {1..500}; do
    cat "$directory"/*/leader 2> /dev/null | xargs -r kill -KILL 2> /dev/null || true
    kill -0 "${boots[@]}" 2> /dev/null || return 0
    sleep 0.01
  done
}

boots=()
claim_slot
subnet=$subnets.$slot
start_switch
echo "$directory $subnet $prepared/base"
exec > "$directory/run.log" 2>&1 # nobody may be there to read the rest
while read -r verb arguments; do
  [ "$verb" != boot ] || boot $arguments
done
stop_hosts
jobs -p | xargs -r kill -KILL || true
take_down "$slot"
