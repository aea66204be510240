#!/bin/sh
# Kills the process groups that a chaos run has left behind, and removes its folder, when the run itself is gone and can't:
# a line "+N" on the standard input names a group that was started, "-N" one that has ended, and the end of the input is
# the end of the run.
# Even a group that is stopped is killed: it would otherwise wait for ever. No signal that is meant for the run ends this.
trap '' TERM INT HUP
groups=" "
while read -r line; do
  group=${line#?}
  case $line in
    +*) groups="$groups$group " ;;
    -*) case $groups in *" $group "*) groups="${groups%% "$group" *} ${groups#* "$group" }" ;; esac ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
# What is killed may take a moment to end, and to write no more.
for _ in 1 2 3 4 5; do
  rm -rf "$1" 2>/dev/null && break
  sleep 1
done
exit 0
