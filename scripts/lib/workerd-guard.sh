#!/bin/sh
# Runs workerd, and ends it when the process that asked for it is gone: workerd itself would serve on and hold its port.
#
# File descriptor 3 is one end of a socket pair whose other end only the parent holds, and to which it never writes.
# Reading it ends when the parent is gone, even by SIGKILL. `$$` is workerd's process id, since `exec` keeps it.
{
  cat <&3
  case $(ps -o comm= -p $$) in *workerd*) kill -9 $$ ;; esac
} >/dev/null 2>&1 &
exec "$DURABLE_RAFT_WORKERD" "$@"
