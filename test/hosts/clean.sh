#!/bin/bash
# Removes what killed runs have left. A run is alive for as long as somebody holds the lock on its slot.
set -euo pipefail
source "$(dirname "$0")/common.sh"
for ((slot = 0; slot < slots; slot++)); do
  [ -e $runs/$slot.lock ] || continue
  exec {lock}> $runs/$slot.lock
  if [ -e $runs/$slot ] && flock --nonblock $lock; then take_down $slot; fi
  exec {lock}>&-
done
