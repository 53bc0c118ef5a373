# shellcheck shell=bash
# What the test file of an exercise loads. On top of harness.bash it gives tests points ("[3] name"),
# hints for whoever fails them, random input, and the proof that the right mechanism carried it.

load ../harness

DEADLINE=5
HINT=

# The test's own files, such as the input that it compares the output with, are out of the program's
# reach: that runs in $DIR, and may do there whatever it likes.
eval "harness_$(declare -f setup)" # evaluates: the text of our own function
setup() {
  harness_setup || return
  RUN_IN=$DIR
  # shellcheck disable=SC2153  # LOGS is the harness's
  mkdir "$LOGS/own"
  cd "$LOGS/own" || return
}

# The harness's teardown, and the hint if anything has failed.
eval "harness_$(declare -f teardown)" # evaluates: the text of our own function
teardown() {
  local n_status=0
  harness_teardown || n_status=$?
  if ((n_status)) && [[ -n ${BATS_TEST_COMPLETED:-} ]]; then
    HINT="What a program makes it must remove, also when it fails: see 'left behind' above."
  fi
  if ((n_status)) || [[ -z ${BATS_TEST_COMPLETED:-} ]]; then
    [[ -z $HINT ]] || echo "hint: $HINT"
  fi
  return "$n_status"
}

# In the grader each test has a box, in which all its programs run: $IPC_LAB_BOX (a word a line) makes one,
# says how to enter it, and ends it with all that is in it when its standard input is closed. PROCESSES=256 in
# a test file: room for a server with two threads for each of a hundred clients.
enter_box() {
  # shellcheck disable=SC2153  # LOGS is the harness's
  mkfifo "$LOGS/box.in" "$LOGS/box.out"
  local make
  mapfile -t make <<< "$IPC_LAB_BOX"
  [[ -z ${PROCESSES:-} ]] || make+=(--processes "$PROCESSES")
  "${make[@]}" --dir "$DIR" --bin "$BIN" < "$LOGS/box.in" > "$LOGS/box.out" 2> "$LOGS/box.err" 3>&- 4>&- & # evaluates: the words of the grader
  BOX_PID=$!
  exec {BOX}> "$LOGS/box.in"
  local word
  while IFS= read -r word && [[ -n $word ]]; do ENTER+=("$word"); done < "$LOGS/box.out"
  ((${#ENTER[@]})) || { box_failure "no box: $(< "$LOGS/box.err")"; return 1; }
}

# box_failure TEXT: that is the grader's failure, so it is told where no program can write.
box_failure() { echo "$1" | tee -a "$IPC_LAB_BOX_FAILURE"; }

# Waits until everything in the box has gone.
leave_box() {
  ENTER=()
  exec {BOX}>&-
  wait "$BOX_PID" || box_failure "the box was lost: $(< "$LOGS/box.err")"
}

# show NAME: the first lines of what it printed are enough.
show() {
  sed -n "1,8s/^/$1: /p" "$LOGS/$1.out" | cut -c 1-120
  sed -n "1,8s/^/$1 (stderr): /p" "$LOGS/$1.err" | cut -c 1-300
}

# inside COMMAND...: where the student's programs run, and with no more rights than they have.
inside() (
  cd "$RUN_IN" && "${ENTER[@]}" "$@"
)

# in_box PROGRAM [ARG...]: one of our own programs, where the student's run. By descriptor, because
# no path leads there from inside the box.
in_box() {
  local program status=0
  exec {program}< "$TOOLS/$1"
  IPC_LAB_TEST=$DIR inside "/proc/self/fd/$program" "${@:2}" || status=$?
  exec {program}<&-
  return "$status"
}

# next_pid N: the next process in the box gets this pid, see pid_namespaces(7). Fails where there is no box
# with pids of its own, and where we may not say that: it takes the rights of who made the box's namespaces.
next_pid() {
  local word target='' rights=() n_pid
  number n_pid "$1" || return
  for word in "${ENTER[@]}"; do [[ $word != --target=* ]] || target=$word; done
  [[ -n $target ]] || return
  ((EUID == 0)) || rights=(--user --preserve-credentials --keep-caps)
  # shellcheck disable=SC2016  # the inner shell's argument
  nsenter "$target" "${rights[@]}" --pid sh -c 'echo "$1" > /proc/sys/kernel/ns_last_pid' _ $((n_pid - 1)) 2> /dev/null
}

# ends NAME: in time, whatever its exit status, for which another test has the points.
ends() {
  finish "$1" > "$LOGS/$1.end" || [[ ! -f $LOGS/$1.late ]] || { cat "$LOGS/$1.end"; return 1; }
}

# gives_up_in_time NAME SECONDS: with status 1, so long after the time in `n_before`, or a little later.
# shellcheck disable=SC2153,SC2154  # of the harness, and of the test
gives_up_in_time() {
  local n_waited n_now n_limit
  number n_limit "$2" || return
  finish "$1" 1
  number n_now "${EPOCHREALTIME/./}" || return
  n_waited=$(((n_now - n_before) / 1000))
  ((n_waited >= n_limit * 1000 && n_waited <= n_limit * 1000 + 2500)) ||
    { echo "${PROGRAM[$1]} gave up after $n_waited ms, and not after $2 s"; show "$1"; return 1; }
}

# rests NAME: all its threads sleep, and none has run since the look before this one.
LOOK=
rests() {
  local pid before=$LOOK
  pid=$(program_pid "$1")
  LOOK=$(grep -hE '^(State|Pid|.*_switches):' "/proc/$pid"/task/*/status) || return
  ! grep -q '^State:[[:blank:]]*[^S[:blank:]]' <<< "$LOOK" && [[ $LOOK == "$before" ]]
} 2> /dev/null

# nothing_left: of queues, segments and semaphores now, and not only at the end of the test.
nothing_left() {
  left_behind > "$LOGS/left.now"
  [[ ! -s $LOGS/left.now ]] || { cat "$LOGS/left.now"; return 1; }
}

# hint TEXT: what to tell a student whose program fails from here on.
hint() { HINT=$*; }

# random_lines N: lines of 20 to 99 letters and digits that nobody can know beforehand.
random_lines() {
  local LC_ALL=C n_lines
  number n_lines "$1" || return
  tr -dc 'a-zA-Z0-9' < /dev/urandom | head -c $((n_lines * 100)) |
    awk -v n="$1" -v seed="$RANDOM$RANDOM" 'BEGIN { srand(seed) }
      { while (n-- > 0) { w = 20 + int(rand() * 80); print substr($0, 1, w); $0 = substr($0, w + 1) } }'
}

# free_port: a port that nobody uses now, below those that the kernel gives to clients: a client that
# tries again and again to connect to one of those may once get that very port and meet itself.
free_port() {
  local n_port
  while n_port=$((20000 + RANDOM % 12000)); do
    # With two bytes that are the same, a mistake with their order would be none.
    ((n_port >> 8 != (n_port & 255))) || continue
    "${ENTER[@]}" grep -qi "$(printf ':%04X ' "$n_port")" /proc/net/tcp || break
  done
  echo "$n_port"
}

# prints NAME FILE: its standard output is exactly what FILE holds.
prints() {
  diff -u --label expected --label actual "$2" "$LOGS/$1.out" || return
}

# start_traced NAME PROGRAM [ARG...]: start, and write down its system calls. The test is not run
# where that is not possible: what it would prove is then not verified.
start_traced() {
  needs_trace
  local UNDER=(strace -ff -ttt -T -yy -s 65536 -o "$LOGS/$1.trace")
  "${HOW:-start}" "$@" # HOW=start_typing: with a keyboard
}

# start_watched NAME PROGRAM [ARG...]: the same, but where that is not possible the test goes on, to needs_trace.
start_watched() { if can_trace; then start_traced "$@"; else start "$@"; fi; }

# needs_trace: what a test proves from here on stands in a trace.
needs_trace() { can_trace || skip "mechanism not verified: $CANNOT_TRACE"; }

can_trace() {
  CANNOT_TRACE="strace is not installed"
  command -v strace > /dev/null || return
  CANNOT_TRACE="tracing is not allowed here (ptrace)"
  strace -o /dev/null true 2> /dev/null
}

# through KIND FROM TO FILE: the bytes of FILE went through that mechanism (ipc-trace --carried
# lists their names) from what was started as FROM to what was started as TO.
through() {
  local kind=$1 from=$2 to=$3 file=$LOGS/to-be-carried logs=(--log "$LOGS/$2.trace") at
  cat "$4" > "$file" # it may be a pipe, to be read once
  [[ $from == "$to" ]] || logs+=(--log "$LOGS/$3.trace")
  "$TOOLS/ipc-trace" "${logs[@]}" --carried "$kind" --raw \
    --from "$from.trace" --to "$to.trace" > "$LOGS/carried"
  cmp -s "$LOGS/carried" "$file" && return
  echo "$(wc -c < "$LOGS/carried") bytes went through a $kind from $from to $to, expected are these $(wc -c < "$file"):"
  if ! read -rd '' < <(cat "$file" "$LOGS/carried"); then
    diff "$file" "$LOGS/carried" | head -n 10
    return 1
  fi
  # A NUL is in it, so it is no text: of that diff says only that it differs.
  at=$(cmp -l "$file" "$LOGS/carried" 2> /dev/null | awk '{ print $1 - 1; exit }')
  at=${at:-$(stat -c %s "$file" "$LOGS/carried" | sort -n | head -n 1)} # one begins with the other
  echo "they differ from byte $at on (the first is byte 0): expected (<) and actual (>)"
  diff <(od -A d -t x1z -j "$at" -N 48 "$file") <(od -A d -t x1z -j "$at" -N 48 "$LOGS/carried") | grep '^[<>]'
  return 1
}

# share KIND NAME NAME...: all of them have used one and the same object of that kind.
share() {
  local kind=$1 name logs=()
  shift
  for name in "$@"; do logs+=(--log "$LOGS/$name.trace"); done
  "$TOOLS/ipc-trace" "${logs[@]}" --common > "$LOGS/common"
  grep -qE "^$kind( |$)" "$LOGS/common" && return
  echo "$* have no $kind in common, but:"
  cat "$LOGS/common"
  return 1
}

# calls NAME REGEX ELSE: it, or a process that it started, has made such a system call, like
# `wait4(12, …) = 12` (strace's notation). Otherwise says what has not happened.
calls() {
  "$TOOLS/ipc-trace" --log "$LOGS/$1.trace" --calls > "$LOGS/calls"
  grep -qE -- "$2" "$LOGS/calls" || { echo "$3"; return 1; }
}

# texts_through KIND FROM TO FILE: the lines of FILE went through it as messages, each with a NUL behind it, as
# C expects it, or each without.
texts_through() {
  cat "$4" > "$LOGS/texts" # it may be a pipe, to be read once
  tr '\n' '\0' < "$LOGS/texts" > "$LOGS/with-nul"
  tr -d '\n' < "$LOGS/texts" > "$LOGS/without-nul"
  through "$1" "$2" "$3" "$LOGS/without-nul" > /dev/null || through "$1" "$2" "$3" "$LOGS/with-nul"
}
