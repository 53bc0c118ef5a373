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

# The harness's teardown, the hint if anything has failed, and in the grader the verdict.
eval "harness_$(declare -f teardown)" # evaluates: the text of our own function
teardown() {
  local n_status=0
  harness_teardown || n_status=$?
  if ((n_status)) && [[ -n ${BATS_TEST_COMPLETED:-} ]]; then
    HINT="What a program makes it must remove, also when it fails: see 'left behind' above."
  fi
  if ((n_status)) || [[ -z ${BATS_TEST_COMPLETED:-} ]]; then
    [[ -z $HINT ]] || echo "hint: $HINT"
    tell_verdict failed "$HINT"
  elif [[ -n ${BATS_TEST_SKIPPED:-} ]]; then
    tell_verdict not-run "$BATS_TEST_SKIPPED"
  else
    tell_verdict passed ''
  fi
  return "$n_status"
}

# tell_verdict WORD TEXT: to the grader, in a file that no program of the student's can reach, beside a
# number that none can know. With bats' exit status it is the verdict; what bats prints is none.
tell_verdict() {
  [[ -n ${IPC_LAB_VERDICT:-} ]] || return 0
  printf '%s\n' "$IPC_LAB_NONCE" "$1" > "$IPC_LAB_VERDICT"
  forbidden >> "$IPC_LAB_VERDICT" || true
  printf '%s\n' "$2" >> "$IPC_LAB_VERDICT"
}

# forbidden: the system calls for which the filter has killed a program, a line each.
forbidden() {
  local name logs=()
  grep -qsF '+++ killed by SIGSYS' "$LOGS"/*.trace.* || return 0 # then it is worth looking
  # shellcheck disable=SC2153  # the harness's
  for name in "${!PROGRAM[@]}"; do
    ! compgen -G "$LOGS/$name.trace.*" > /dev/null || logs+=(--log "$LOGS/$name.trace")
  done
  (ulimit -v 4000000 && exec timeout 20 "$TOOLS/ipc-trace" query "${logs[@]}" --forbidden --partial) | sort -u | sed 's/^/finding /'
}

# unverified REASON: what this test proves cannot be shown here. It is neither passed nor failed.
unverified() { skip "mechanism not verified: $*"; }

# In the grader each test has a box, in which all its programs run: $IPC_LAB_BOX (a word a line) makes one,
# and ends it with all that is in it when its standard input is closed. It says how a program ENTERs it,
# how one of ours OBSERVEs it from outside, and how to INSPECT it. PROCESSES=256 in a test file:
# room for a server with two threads for each of a hundred clients.
ENTER=() OBSERVE=() INSPECT=()
PROGRAMS=$BIN # where the student's programs are, as they see it
before_test() {
  [[ -n ${IPC_LAB_BOX:-} ]] || return 0
  # shellcheck disable=SC2153  # LOGS is the harness's
  mkfifo "$LOGS/box.in" "$LOGS/box.out"
  local make key value
  mapfile -t make <<< "$IPC_LAB_BOX"
  [[ -z ${PROCESSES:-} ]] || make+=(--processes "$PROCESSES")
  "${make[@]}" --dir "$DIR" --bin "$BIN" < "$LOGS/box.in" > "$LOGS/box.out" 2> "$LOGS/box.err" 3>&- 4>&- & # evaluates: the words of the grader
  BOX_PID=$!
  exec {BOX}> "$LOGS/box.in"
  HOST_DIR=$DIR
  declare -gA ENTERED=()
  while IFS=' ' read -r key value && [[ -n $key ]]; do
    case $key in
      dir) DIR=$value ;;
      programs) PROGRAMS=$value ;;
      enter) ENTER+=("$value") ;;
      observe) OBSERVE+=("$value") ;;
      look) INSPECT+=("$value") ;;
    esac
  done < "$LOGS/box.out"
  ((${#INSPECT[@]})) || { box_failure "no box: $(< "$LOGS/box.err")"; return 1; }
  in_the_grader
}

# inspect WHAT: sees what is in the box, from outside.
inspect() { "${INSPECT[@]}" "$@"; } # evaluates: the words of the grader

# box_failure TEXT: that is the grader's failure, so it is told where no program can write.
box_failure() { echo "$1" | tee -a "$IPC_LAB_BOX_FAILURE"; }

# Waits until everything in the box has gone.
after_test() {
  [[ -n ${IPC_LAB_BOX:-} ]] || { rm -rf "$DIR"; return; }
  exec {BOX}>&-
  wait "$BOX_PID" || box_failure "the box was lost: $(< "$LOGS/box.err")"
  rm -rf "$HOST_DIR"
}

# Without a process of its own for each look, but of a large output.
has_printed() {
  local file text
  for file in "$LOGS/$1.out" "$LOGS/$1.err"; do
    IFS= read -rd '' -n 200000 text < "$file" || [[ $text != *"$2"* ]] || return 0 # `read` calls the file's end a failure
    [[ $text != *"$2"* ]] || return 0
    ((${#text} < 200000)) || ! grep -qaF -- "$2" "$file" || return 0
  done
  return 1
}

# in_the_grader: what is otherwise there, where programs are not trusted.
# shellcheck disable=SC2317  # they take the place of the harness's functions
in_the_grader() {
  # Processes are found by where they live, and not by what they say of themselves.
  processes() { inspect processes; }
  left_in_dir() { find "$DIR" \( -type p -o -type s \) -printf 'left behind: %P\n' | head -n 20; }
  inventory() { inspect objects || box_failure "the box was lost: its objects cannot be listed"; }

  # Each program of the student's is traced, in every test and by the same command.
  words_for() {
    WORDS=(env -i "--default-signal=INT,QUIT" "PATH=$PATH")
    ENTERED[$1]=''
    if [[ ${WHERE:-} == observe ]]; then
      WORDS+=("${OBSERVE[@]}" -- "${@:2}")
      return
    fi
    rm -f "$LOGS/$1.trace".*
    if can_trace; then
      WORDS+=("${TRACE[@]}" -o "$LOGS/$1.trace" "${INJECT[@]}")
      [[ -z ${SHORT:-} ]] || WORDS+=(-s 64)
    fi
    WORDS+=("${ENTER[@]}")
    [[ -z ${IGNORE:-} ]] || WORDS+=("--ignore=SIG$IGNORE")
    WORDS+=(--)
    ENTERED[$1]=1
    if [[ ${WHERE:-} == inside ]]; then WORDS+=("${@:2}"); else WORDS+=("$PROGRAMS/$2" "${@:3}"); fi
  }

  # program_pid NAME: the child of what has put it into the box. (What traces it is no parent of it.)
  program_pid() {
    local pid=${PID[$1]} child=''
    # This file ends in no newline, which `read` calls a failure.
    [[ -z ${ENTERED[$1]} ]] || { read -r child _ < "/proc/$pid/task/$pid/children"; } 2> /dev/null || true
    echo "${child:-$pid}"
  }

  asleep() { state_of "$(program_pid "$1")" && [[ $STATE == S ]]; }
}

# frozen NAME: a traced program stops at each call. That a signal has stopped it stands in the log.
frozen() {
  local last pid
  ended "$1" && return
  pid=$(program_pid "$1")
  if last=$(tail -n 1 "$LOGS/$1.trace.$pid" 2> /dev/null); then
    [[ $last =~ ^[0-9.]+' --- stopped by SIGSTOP ---'$ ]]
  else
    state_of "$pid" && [[ $STATE == T ]]
  fi
}

# The command that traces a program, but for its log and what is injected. SHORT=1 for a start by which
# more goes through than a log should hold: it then has the beginning of each piece.
# With -D strace is not its parent: its status comes when it ends, and not when all of its children have.
TRACE=(strace -D -ff -ttt -T -yy -s 65536)
INJECT=()

# start_inside NAME COMMAND [ARG...]: one of the machine's programs, where the student's run, with no more
# rights than they have. What it says is no evidence.
start_inside() { WHERE=inside start "$@"; }

# start_partner NAME COMMAND [ARG...]: one of the machine's programs at the other end of a socket or of a
# System V object: it is out of reach of the student's. It opens no file that these may have made.
start_partner() { WHERE=observe start "$@"; }

# show NAME: the first lines of what it printed are enough.
show() {
  sed -n "1,8s/^/$1: /p" "$LOGS/$1.out" | cut -c 1-120
  sed -n "1,8s/^/$1 (stderr): /p" "$LOGS/$1.err" | cut -c 1-300
}

# inside COMMAND...: makes or changes something where the student's programs run, with no more rights than
# they have: a link that they have made leads to nothing that they could not reach. They may stop it, so
# it has a deadline. What it prints is no evidence.
inside() (
  local n_deadline
  number n_deadline "$DEADLINE" || exit
  cd "$RUN_IN" || exit
  ((${#ENTER[@]} == 0)) || set -- "${ENTER[@]}" -- "$@"
  exec timeout --foreground --kill-after=1 "$((2 * n_deadline))" "$@"
)

# beside COMMAND...: runs one of our own programs at the other end, from the outside: see start_partner. It sees
# the files of the box alone, so that no link leads it elsewhere.
beside() {
  if ((${#OBSERVE[@]})); then "${OBSERVE[@]}" --mounts -- "$@"; else (cd "$RUN_IN" && "$@"); fi # evaluates: the words of the grader, and a test's own
}

# taken FILE: what a regular file in $DIR holds; no symbolic link is followed.
taken() { if ((${#INSPECT[@]})); then inspect read "$1"; else cat "$DIR/$1"; fi; }

# give FILE: a file in $DIR that the student's programs own, with the standard input in it.
give() { inside tee "$1" > /dev/null; }

# after_end NAME: its log is complete when its last line is there. strace tells nobody, so this polls; not for
# long: what a test needs of the log it asks ipc-trace, which says whether it is whole.
after_end() {
  local n_looks
  [[ -f $LOGS/$1.trace.${PID[$1]} ]] || return 0
  for ((n_looks = 0; n_looks < 50; n_looks++)); do
    ! log_complete "$1" || return 0
    pause
  done
}
log_complete() {
  local last
  last=$(tail -n 1 "$LOGS/$1.trace.${PID[$1]}")
  [[ $last =~ ^[0-9.]+' +++ ' ]]
}

# running WORD: the pids of this test's processes whose command line has that word.
running() {
  if ((${#INSPECT[@]})); then inspect running "$1"; return; fi
  local pid
  while IFS= read -r pid; do ! grep -qsxzF -- "$1" "/proc/$pid/cmdline" || echo "$pid"; done < <(processes)
}

# segment ACTION DIR…: a program of ours that looks at the segment of ftok(DIR, 'S').
segment() { beside "$TOOLS/examples/segment" "$@"; }

# queue_file /NAME: what the kernel tells of a POSIX queue, see mq_overview(7). shared_memory PATH: what a
# POSIX segment below /dev/shm holds.
queue_file() {
  if ((${#INSPECT[@]})); then inspect read --in /dev/mqueue "${1#/}"; else cat "${IPC_LAB_MQUEUE:-/dev/mqueue}$1"; fi
} 2> /dev/null
shared_memory() {
  if ((${#INSPECT[@]})); then inspect read --in /dev/shm "${1#/dev/shm/}"; else cat "$1"; fi
}

# kernel FILE: a file below /proc, such as net/tcp, as the student's programs find it.
kernel() { if ((${#INSPECT[@]})); then inspect kernel "$1"; else cat "/proc/$1"; fi; }

# next_pid N: the next process in the box gets this pid, see pid_namespaces(7). Fails where there is no box
# with pids of its own, and where we may not say that: it takes the rights of who made the box's namespaces.
next_pid() { ((${#INSPECT[@]})) && inspect next-pid "$1" 2> /dev/null; }

# ends NAME: in time, whatever its exit status, for which another test has the points.
ends() {
  finish "$1" > "$LOGS/$1.end" || [[ ! -f $LOGS/$1.late ]] || { cat "$LOGS/$1.end"; return 1; }
}

# in_time WAITED LIMIT SLACK, in milliseconds: what has ended after WAITED had the time limit LIMIT, and ended neither
# before it nor more than SLACK after it. If it seems late, a yardstick says how late this machine is at the moment:
# one of our own programs that only sleeps for LIMIT, started and waited for in the same way.
in_time() {
  local n_waited n_limit n_slack n_start n_now
  number n_waited "$1" && number n_limit "$2" && number n_slack "$3" || return
  ((n_waited >= n_limit)) || return
  ((n_waited > n_limit + n_slack)) || return 0
  number n_start "${EPOCHREALTIME/./}"
  start_partner yardstick sleep "$(printf '%d.%03d' "$((n_limit / 1000))" "$((n_limit % 1000))")"
  finish yardstick || return
  number n_now "${EPOCHREALTIME/./}"
  echo "a program that sleeps for $n_limit ms ended after $(((n_now - n_start) / 1000)) ms"
  ((n_waited <= n_slack + (n_now - n_start) / 1000))
}

# gives_up_in_time NAME SECONDS: with status 1, so long after the time in `n_before`, or a little later.
# shellcheck disable=SC2153,SC2154  # of the harness, and of the test
gives_up_in_time() {
  local n_waited n_now n_limit
  number n_limit "$2" || return
  finish "$1" 1
  number n_now "${EPOCHREALTIME/./}" || return
  n_waited=$(((n_now - n_before) / 1000))
  in_time "$n_waited" "$((n_limit * 1000))" 2500 ||
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
    kernel net/tcp | grep -qi "$(printf ':%04X ' "$n_port")" || break
  done
  echo "$n_port"
}

# diff …: what a program has printed may be very long, and then that it differs is all that anybody reads.
diff() {
  local n_status=0
  timeout 20 diff --speed-large-files "$@" > "$LOGS/diff.out" || n_status=$? # or bats ends here, and shows nothing
  head -n 200 "$LOGS/diff.out" | cut -c 1-400
  return "$n_status"
}

# prints NAME FILE: its standard output is exactly what FILE holds.
prints() {
  cat "$2" > "$LOGS/$1.expected" # it may be a pipe, to be read once
  cmp -s "$LOGS/$1.expected" "$LOGS/$1.out" || { differ "$LOGS/$1.expected" "$LOGS/$1.out"; return 1; }
}

# differ EXPECTED ACTUAL: shows how. Of what is too large for a terminal it shows the lines at the first
# difference, and of each line the beginning.
differ() {
  local n_line=1 n_size file
  number n_size "$(cat "$1" "$2" | wc -c)" || return
  if ((n_size > 100000)); then
    number n_line "$(LC_ALL=C cmp "$1" "$2" 2>&1 | sed -nE 's/.*, line ([0-9]{1,9})$/\1/p')" > /dev/null || n_line=1
    echo "they differ from line $n_line on:"
  fi
  for file in "$1" "$2"; do tail -n "+$n_line" "$file" | head -c 100000 | head -n 400 | cut -c 1-400 > "$file.shown"; done
  diff -u --label expected --label actual "$1.shown" "$2.shown" || true
}

# start_traced NAME PROGRAM [ARG...]: start, and write down its system calls (which in the grader every
# start does). The test is not run where that is not possible: what it would prove is then not verified.
start_traced() {
  needs_trace
  local UNDER=("${TRACE[@]}" -o "$LOGS/$1.trace" "${INJECT[@]}")
  "${HOW:-start}" "$@" # HOW=start_typing: with a keyboard
}

# start_watched NAME PROGRAM [ARG...]: the same, but where that is not possible the test goes on, to needs_trace.
start_watched() { if can_trace; then start_traced "$@"; else start "$@"; fi; }

# graded_here: this is the grader, which traces every program. On a student's own machine only those tests do
# that which cannot do without.
graded_here() { ((${#ENTER[@]})) && can_trace; }

# needs_trace: what a test proves from here on stands in a trace.
needs_trace() { can_trace || unverified "$CANNOT_TRACE"; }

can_trace() {
  if [[ -z ${CAN_TRACE:-} ]]; then
    CAN_TRACE=no
    CANNOT_TRACE="strace is not installed"
    if command -v strace > /dev/null; then
      CANNOT_TRACE="tracing is not allowed here (ptrace)"
      ! strace -o /dev/null true 2> /dev/null || CAN_TRACE=yes
    fi
  fi
  [[ $CAN_TRACE == yes ]]
}

# from_trace FILE ARGUMENT...: what ipc-trace says of the logs, in FILE. If a part of a log is missing or
# cannot be read, or ipc-trace fails, the test is not verified.
from_trace() {
  # A log can be made so that it takes a lot of memory.
  (ulimit -v 4000000 && exec "$TOOLS/ipc-trace" "${@:2}" > "$1" 2> "$LOGS/from-trace.err") ||
    unverified "$(head -n 1 "$LOGS/from-trace.err")"
}

# query NAME [OPTION...]: what NAME, and all processes that it started, did, as the table of `ipc-trace query`
# with these options. `evidence NAME` reads it.
query() { from_trace "$LOGS/$1.table" query --log "$LOGS/$1.trace" "${@:2}"; }

# evidence NAME PROGRAM [VARIABLE=VALUE...]: this awk program, for each row of that table. Compare whole
# columns: $10 is the first argument, and a program chose only what stands between quotation marks.
# has(SYMBOL): an argument, or a member of one, is SYMBOL or has it among its flags.
evidence() {
  local set=() variable
  for variable in "${@:3}"; do set+=(-v "$variable"); done
  awk -F '\t' "${set[@]}" "$ROWS $2" "$LOGS/$1.table"
}
# shellcheck disable=SC2016  # awk's variables
ROWS='
  function has(symbol, column, text, parts, i) {
    for (column = 10; column <= NF; column++) {
      text = $column
      gsub(/"[^"]*"/, "", text)
      for (i = split(text, parts, /[][{}(),|=]/); i > 0; i--) if (parts[i] == symbol) return 1
    }
    return 0
  }
  { tid = $1; pid = $2; start = $3; took = $4; name = $5; kind = $6; id = $7; outcome = $8; result = $9 }
'

# through KIND FROM TO FILE [OPTION...]: the bytes of FILE went through that mechanism (ipc-trace --carried
# lists their names) from what was started as FROM to what was started as TO.
through() {
  local kind=$1 from=$2 to=$3 file=$LOGS/to-be-carried logs=(--log "$LOGS/$2.trace") at
  cat "$4" > "$file" # it may be a pipe, to be read once
  [[ $from == "$to" ]] || logs+=(--log "$LOGS/$3.trace")
  from_trace "$LOGS/carried" --whole "${logs[@]}" --carried "$kind" --raw \
    --from "$from.trace" --to "$to.trace" "${@:5}" || return
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
  from_trace "$LOGS/common" --whole "${logs[@]}" --common || return
  grep -qE "^$kind( |$)" "$LOGS/common" && return
  echo "$* have no $kind in common, but:"
  cat "$LOGS/common"
  return 1
}

# calls NAME CONDITION ELSE: it, or a process that it started, has made a call of which that is true (in awk,
# see `evidence`), like `name == "wait4" && outcome == "returned"`. Otherwise says what has not happened.
calls() {
  query "$1" || return
  evidence "$1" "$2 { found = 1; exit } END { exit !found }" || { echo "$3"; return 1; }
}

# texts_through KIND FROM TO FILE: the lines of FILE went through it as messages, each with a NUL behind it, as
# C expects it, or each without.
texts_through() {
  cat "$4" > "$LOGS/texts" # it may be a pipe, to be read once
  tr '\n' '\0' < "$LOGS/texts" > "$LOGS/with-nul"
  tr -d '\n' < "$LOGS/texts" > "$LOGS/without-nul"
  through "$1" "$2" "$3" "$LOGS/without-nul" > /dev/null || through "$1" "$2" "$3" "$LOGS/with-nul"
}
