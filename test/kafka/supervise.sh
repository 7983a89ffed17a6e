#!/usr/bin/env bash
# Runs a program for as long as standard input is open: whoever started it may be killed without a word, and then the program
# and its directory go too. Prints the program's process id first.
#   supervise.sh DIRECTORY PROGRAM ARGUMENT...
directory=$1
shift
"$@" </dev/null &
program=$!
echo "$program"
{
  cat >/dev/null
  kill -KILL "$program" 2>/dev/null && rm -rf -- "$directory"
} <&0 >/dev/null 2>&1 &
wait "$program"
