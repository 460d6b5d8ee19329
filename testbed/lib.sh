# shellcheck shell=bash
# What the scripts of the test bed share. Sourced, never run:
#
#   set -euo pipefail
#   . "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
#
# The parts: messages and times, the cache, run folders, ports, processes, owners. Every wait has a limit.

TESTBED=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
CACHE=${GRACEKEY_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/gracekey}
PROGRAM=testbed/$(basename "$0")
# Two runs may want the same part at once: the second waits this long for the first to build it.
BUILD_LIMIT=${GRACEKEY_BUILD_LIMIT:-2400}
# The status of a build that found its source without what the part is made from; the last line of its log says so.
NOT_TO_BE_HAD=3

# ---------------------------------------------------------------- messages and times

say() { printf '%s: %s\n' "$PROGRAM" "$*" >&2; }

# die MESSAGE [LOG] [WHAT TO DO]: shows the end of the log, so that nobody has to look for it.
die() {
  say "$1"
  if [ -s "${2:-}" ]; then
    printf -- '--- the end of %s\n' "$2" >&2
    tail -n 15 "$2" | cut -c1-400 >&2
    printf -- '---\n' >&2
  fi
  [ -z "${3:-}" ] || say "what to do: $3"
  exit 1
}

now_ms() { local t=${EPOCHREALTIME/[.,]/}; echo $((t / 1000)); }

# duration MILLISECONDS: "380 ms", "4.2 s", "6 min 15 s"
duration() {
  local ms=$1 s=$(($1 / 1000))
  if [ "$ms" -lt 1000 ]; then echo "$ms ms"
  elif [ "$s" -lt 60 ]; then echo "$s.$((ms % 1000 / 100)) s"
  else echo "$((s / 60)) min $((s % 60)) s"; fi
}

# step WHAT LOG COMMAND...: run the command with its output in LOG; say what is going on, each half minute that it
# still is, and how long it took. Returns the command's status. COMMAND is a program: in a shell function `set -e`
# would not hold here.
step() {
  local what=$1 log=$2 begin status=0 ticker me=$BASHPID # in the background it would be the ticker's own
  shift 2
  begin=$(now_ms)
  say "$what ..."
  tick "$what" "$begin" "$me" &
  ticker=$!
  "$@" >"$log" 2>&1 </dev/null || status=$?
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  [ $status -ne 0 ] || say "$what: done in $(duration $(($(now_ms) - begin)))"
  return $status
}

# tick WHAT BEGIN PID: as long as that process lives. It must hold nothing that others wait for: not the locks, and no child
# `sleep` that outlives it with stderr open.
tick() {
  local seconds=0
  exec 7>&- 8>&- 9>&-
  while ! read -rt 1 <> <(:) && [ -d "/proc/$3" ]; do
    seconds=$((seconds + 1))
    [ $((seconds % 30)) -ne 0 ] || say "$1: still at it after $(duration $(($(now_ms) - $2)))"
  done
}

# ---------------------------------------------------------------- the cache

key_of() { sha256sum | cut -c1-16; }

# cached NAME KEY COMMAND...: print the folder $CACHE/NAME-KEY. Where it is missing, `COMMAND... FOLDER` fills a new
# folder beside it, which is renamed when it is whole: what has the final name is complete. The lock makes one of
# several runs build while the others wait; it also tells that unfinished folders found under it are of dead runs.
cached() {
  local name=$1 key=$2 dir log new status=0
  shift 2
  dir=$CACHE/$name-$key log=$CACHE/log/$name-$key.log new=$CACHE/.new-$name-$key.$$
  if [ ! -d "$dir" ]; then
    mkdir -p "$CACHE/lock" "$CACHE/log"
    # The build inherits the lock: if this run is killed, others wait for what is left of it instead of racing it.
    exec 8>"$CACHE/lock/$name-$key"
    if ! flock -n 8; then
      say "$name is being built by another run, waiting for it ..."
      flock -w "$BUILD_LIMIT" 8 || die "$name: another run has been building it for $(duration $((BUILD_LIMIT * 1000)))" \
        "$log" "end that run, or wait for it and try again"
    fi
    if [ ! -d "$dir" ]; then
      rm -rf -- "$CACHE/.new-$name-$key".*
      mkdir "$new"
      step "making $name" "$log" "$@" "$new" || status=$?
      if [ $status -ne 0 ]; then
        rm -rf -- "$new"
        if [ $status = "$NOT_TO_BE_HAD" ]; then
          say "$name is not to be had: $(tail -n 1 "$log")"
          exit "$NOT_TO_BE_HAD"
        fi
        die "$name could not be made; the whole log is $log" "$log" "see testbed/README.md, then try again"
      fi
      mv -T -- "$new" "$dir"
    fi
    exec 8>&-
  fi
  echo "$dir"
}

# ---------------------------------------------------------------- run folders

# usage: print the comment at the head of the script.
usage() {
  awk 'NR == 1 { next } !/^#/ { exit } { sub(/^# ?/, ""); print }' "$0" >&2
  exit 2
}

# options [OPTION...]: set ADDRESS, OWNER and PURGE, what every up and down takes.
# shellcheck disable=SC2034  # read by the scripts
options() {
  ADDRESS=127.0.0.1 OWNER='' PURGE=''
  while [ $# -gt 0 ]; do
    case $1 in
      --address) ADDRESS=${2:?} && shift 2 ;;
      --owner) OWNER=${2:?} && shift 2 ;;
      --purge) PURGE=1 && shift ;;
      *) usage ;;
    esac
  done
}

# enter DIR: make the run folder and work in it as $DIR. Everything a run writes is there: data, log/, run/*.pid, env.
enter() {
  umask 077
  mkdir -p "$1/log" "$1/run"
  DIR=$(cd "$1" && pwd -P)
  # Its name goes unquoted into configuration files and KEY=VALUE lines.
  [[ $DIR =~ ^[A-Za-z0-9._/+@-]+$ ]] || die "the name of the run folder has a character that the servers' files cannot carry: $DIR"
  cd "$DIR" || die "cannot enter $DIR"
}

# lock_run: only one up or down at a time works in $DIR.
lock_run() {
  exec 9>"$DIR/lock"
  flock -w 180 9 || die "another up or down has been at work in $DIR for three minutes"
}

# leave: if --purge asks for it, remove the run folder and give back its ports.
leave() {
  [ -n "$PURGE" ] || return 0
  release_ports
  cd /
  rm -rf -- "$DIR"
}

# write_env FILE: stdin becomes FILE in one step, readable by its owner alone (it may hold keys). Its lines are
# KEY=VALUE with neither quotes nor blanks, so that a shell can source it and anything else can split it at the "=".
write_env() {
  umask 077
  cat >"$1.new"
  mv -- "$1.new" "$1"
}

# ---------------------------------------------------------------- ports

# reserve_ports NAME[*COUNT]...: give each NAME of this run folder a port, or the first of COUNT in a row. They are kept in
# $DIR/ports as NAME=PORT until the folder is removed, and set the shell variables of these names.
# The ports are below the ephemeral range: above its start some outgoing connection may hold the port at the wrong
# moment. They are below the node ports too, and above those that Kubernetes and others have by default.
reserve_ports() {
  local want name port count i used=''
  touch ports
  exec 7>"$(mkdir -p "$CACHE/ports" && echo "$CACHE/ports/lock")"
  flock -w 30 7 || die "the list of ports has been locked for half a minute: $CACHE/ports/lock"
  for want; do
    name=${want%\**}
    count=1
    [ "$want" = "$name" ] || count=${want#*\*}
    grep -q "^$name=" ports && continue
    [ -n "$used" ] || used=" $(ports_in_use)"
    port=$(free_ports "$count")
    for ((i = 0; i < count; i++)); do
      echo "$DIR" >"$CACHE/ports/$((port + i))"
      echo "$name$([ $i -eq 0 ] || echo "_$i")=$((port + i))" >>ports
    done
  done
  exec 7>&-
  # shellcheck disable=SC1091  # made above
  . ./ports
}

# free_ports COUNT: print the first of so many ports in a row that are not among $used. The search starts anywhere, so that users
# with other caches, whose reservations are not seen here, are unlikely to meet; ports in use are skipped in any case.
free_ports() {
  local low=12000 high port i try hex
  read -r high _ </proc/sys/net/ipv4/ip_local_port_range
  high=$((high < 30000 ? high - 1 : 29999))
  [ $((high - low)) -ge 1000 ] || die "the ephemeral ports start at $((high + 1)): no room below them" "" \
    "sysctl net.ipv4.ip_local_port_range='32768 60999'"
  for ((try = 0; try < 2000; try++)); do
    port=$((low + (RANDOM * 32768 + RANDOM) % (high - low - $1 + 2)))
    for ((i = port; i < port + $1; i++)); do
      printf -v hex %04X "$i"
      if [[ $used == *" $hex "* ]] || reserved "$i"; then continue 2; fi
    done
    echo "$port"
    return
  done
  die "no free ports between $low and $high"
}

# ports_in_use: the local ports of all TCP sockets, on one line and in hexadecimal, as the kernel writes them. There may be ten
# thousand, of connections that wind down.
ports_in_use() {
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '{ sub(/.*:/, "", $2); if (!seen[$2]++) printf "%s ", $2 }'
}

# listens PORT: whether somebody does.
listens() {
  local hex
  printf -v hex %04X "$1"
  grep -qsE ": [0-9A-F]+:$hex [0-9A-F]+:0000 0A " /proc/net/tcp /proc/net/tcp6
}

# reserved PORT: does a run folder that still exists claim it?
reserved() {
  local dir
  { dir=$(<"$CACHE/ports/$1"); } 2>/dev/null || return 1
  grep -qs "=$1\$" "$dir/ports"
}

# need_free NAME PORT: somebody who knows nothing of the reservation may listen there. What only winds down is no harm.
need_free() {
  ! listens "$2" || die "$1: port $2 of this run folder is in use by something else" "" "remove $DIR and start anew"
}

# release_ports: forget the reservations of $DIR.
release_ports() {
  local name port
  while IFS='=' read -r name port; do
    [ -z "$name" ] || rm -f -- "$CACHE/ports/$port"
  done < <(cat "$DIR/ports" 2>/dev/null)
  rm -f -- "$DIR/ports"
}

# ---------------------------------------------------------------- processes

# birth PID: when that process started, in ticks since boot; fails if there is none or it has ended (a zombie).
# With the PID it names a process for good: a PID alone is given to another process sooner or later.
birth() { find_birth "$1" && echo "$REPLY"; }

# find_birth PID: the same in REPLY, without a process of its own.
find_birth() {
  local stat=''
  { read -rd '' stat <"/proc/$1/stat" || true; } 2>/dev/null # it ends with no delimiter
  [ -n "$stat" ] || return 1
  read -ra stat <<<"${stat##*) }" # what comes before may hold blanks: the program's name in parentheses
  REPLY=${stat[19]}
  [[ ${stat[0]} != [ZX] ]]
}

# pid_of NAME: the PID of this run's process, if it lives.
pid_of() {
  local pid born
  { read -r pid born <"$DIR/run/$1.pid"; } 2>/dev/null || return 1
  [ "$(birth "$pid")" = "$born" ] && echo "$pid"
}

# start NAME COMMAND...: run the command in the background as this run's NAME, in a session of its own, with its output in
# log/NAME.log. The child itself writes the PID file before it becomes the command: nothing runs that is not on record.
start() {
  local name=$1 i self
  shift
  rm -f -- "$DIR/run/$name.pid"
  (
    exec 9>&- 8>&- 7>&-
    self=$BASHPID # inside $(...) it would be another
    echo "$self $(birth "$self")" >"$DIR/run/$name.new"
    mv -- "$DIR/run/$name.new" "$DIR/run/$name.pid"
    exec setsid "$@"
  ) >>"$DIR/log/$name.log" 2>&1 </dev/null &
  for ((i = 1000; i > 0; i--)); do
    [ ! -e "$DIR/run/$name.pid" ] || return 0
    sleep 0.01
  done
  die "$name was not started within ten seconds" "$DIR/log/$name.log"
}

# await SECONDS NAME WHAT COMMAND...: until the command succeeds, while the process NAME lives.
await() {
  local end=$((SECONDS + $1)) name=$2 what=$3
  shift 3
  until "$@" >/dev/null 2>&1; do
    pid_of "$name" >/dev/null || die "$name stopped by itself before $what" "$DIR/log/$name.log"
    [ $SECONDS -lt $end ] || die "waited in vain until $what" "$DIR/log/$name.log" "a busy machine may need a second try; the logs are in $DIR/log"
    sleep 0.05
  done
}

# stop NAME [SECONDS]: end this run's process, by force after that time. A PID that is not ours any more is left alone.
stop() {
  local pid i
  if pid=$(pid_of "$1") && [ "$pid" != $$ ]; then # the watcher became the one who stops everything
    kill -TERM "$pid" 2>/dev/null || true
    kill -CONT "$pid" 2>/dev/null || true # a test may have paused it
    for ((i = ${2:-10} * 20; i > 0; i--)); do pid_of "$1" >/dev/null || break; sleep 0.05; done
    if pid_of "$1" >/dev/null; then
      kill -KILL "$pid" 2>/dev/null || true
      for ((i = 100; i > 0; i--)); do pid_of "$1" >/dev/null || break; sleep 0.05; done
    fi
  fi
  rm -f -- "$DIR/run/$1.pid"
}

# ---------------------------------------------------------------- owners

# watch_owner PID COMMAND...: when the process PID has ended, however it ended, run the command, which has to stop what
# this run started. Called before anything is started, so that not even a kill -9 of everybody leaves servers behind.
watch_owner() {
  local owner=$1 born
  shift
  born=$(birth "$owner") || die "there is no process $owner to be the owner"
  stop watcher 1
  start watcher bash "$TESTBED/lib.sh" watch "$owner" "$born" "$@"
}

# A dozen of these run beside the tests: they start no process while they wait.
watch() {
  local owner=$1 born=$2
  shift 2
  exec 7<> <(:) # never has anything to read
  while find_birth "$owner" && [ "$REPLY" = "$born" ]; do read -rt 0.3 -u 7 || true; done
  exec 7>&-
  exec "$@"
}

# up_or_nothing COMMAND...: from here on, if this script fails or is interrupted, the command undoes what it did.
up_or_nothing() {
  UNDO=("$@")
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap 'status=$?; [ $status -eq 0 ] || undo $status' EXIT
}

undo() {
  trap - EXIT
  trap '' HUP INT TERM # a second Ctrl-C must not leave half of it
  sleep 0.2            # a child forked just now writes its PID file first
  "${UNDO[@]}"
  exit "$1"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then # the watcher is this file, run
  [ "${1:-}" = watch ] && shift && watch "$@"
  die "this file is sourced, not run"
fi
