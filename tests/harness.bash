# shellcheck shell=bash
# What every test file loads. A test reads like the lesson:
#
#   @test "the reader may start first" {
#     start reader fifo-reader fifo
#     start writer fifo-writer fifo < "$LINES_FILE"
#     finish writer; finish reader
#     same_output reader
#   }
#
# Each test has a folder of its own ($DIR, its working directory), and fails if it leaves
# anything behind: a process, a FIFO, a socket, an object of System V or POSIX IPC.
# scripts/test gives each file an IPC namespace of its own where the machine allows that.

bats_require_minimum_version 1.5.0

# What the machine's own tools say must not depend on where it stands; programs here speak UTF-8.
export LC_ALL=C.UTF-8

ROOT=$(cd "${BATS_TEST_DIRNAME%/tests*}" && pwd)
TOOLS=${IPC_LAB_TOOLS:-${CARGO_TARGET_DIR:-$ROOT/target}/debug}
BIN=${IPC_LAB_BIN:-$TOOLS} # the programs under test
DEADLINE=${DEADLINE:-20} # seconds after which a program that should have ended is killed

# number [--hex] NAME TEXT: assigns TEXT to the variable NAME, which begins with n_, if TEXT is a number: 1 to
# 18 decimal digits, or 1 to 16 hexadecimal ones. Otherwise it fails, with one line that shows TEXT. Bash runs
# the commands that stand in a text such as a[$(command)] when it looks for a number there. So arithmetic
# must hold only literals and variables n_..., and scripts/check-evaluation reports everything else.
number() {
  local LC_ALL=C base=10 digits='18 decimal digits' rest shown
  if [[ $1 == --hex ]]; then
    base=16 digits='16 hexadecimal digits'
    shift
    rest=${2//[0-9a-fA-F]/}
    ((${#2} <= 16)) || rest=$2
  else
    rest=${2//[0-9]/}
    ((${#2} <= 18)) || rest=$2
  fi
  if [[ $1 != n_[a-z0-9]* || $1 == *[^a-z0-9_]* ]]; then
    printf 'number: a name begins with n_: %q\n' "${1:0:40}"
    return 1
  fi
  if [[ -z $2 || -n $rest ]]; then
    printf -v shown %q "${2:0:60}"
    echo "$1: expected 1 to $digits, not ${shown:0:80}"
    return 1
  fi
  printf -v "$1" %s "$(($base#$2))" # evaluates: the name and the digits were checked above
}

setup() {
  # bats notes where it is before each command, which is a third of the time that tests take; for a
  # report the test file's own lines are enough.
  # shellcheck disable=SC2154  # a variable of bats
  trap '[[ "${BASH_SOURCE[0]}" != "$BATS_TEST_SOURCE" ]] || bats_debug_trap "$BASH_SOURCE"' DEBUG
  DIR=$(mktemp -d "${IPC_LAB_TMP:-/tmp}/ipc-lab.XXXXXX")
  LOGS=$BATS_TEST_TMPDIR
  declare -gA PID=() PROGRAM=() KEYBOARD=()
  UNDER=()
  before_test || return
  inventory > "$LOGS/inventory.before"
  cd "$DIR" || return
  # Not in setup_file itself: a `skip` there is a failure of all tests to older versions of bats.
  [[ -z ${SKIP_ALL:-} ]] || skip "$SKIP_ALL"
}

# What a grader's test does before anything else, and when all is done: see exercise.bash.
before_test() { :; }
after_test() { rm -rf "$DIR"; }

teardown() {
  local n_left=0 pid running command
  cd /
  # What is killed below is no job any more, of whose end bash would tell in ten lines.
  for pid in "${PID[@]}"; do disown "$pid" 2> /dev/null || true; done
  mapfile -t running < <(processes)
  if ((${#running[@]})); then
    kill -STOP "${running[@]}" 2> /dev/null || true # they leave time to say which
    for pid in "${running[@]:0:8}"; do
      command=$(tr '\0' ' ' 2> /dev/null < "/proc/$pid/cmdline") || true
      # What traces a program ends with it.
      [[ $command =~ ^([^ ]*/)?strace' ' ]] && ((${#running[@]} > 1)) ||
        printf 'left running: pid %s: %s\n' "$pid" "$command"
    done
    kill -KILL "${running[@]}" 2> /dev/null || true
    n_left=1
  fi
  left_behind > "$LOGS/left"
  left_in_dir >> "$LOGS/left"
  if [[ -s $LOGS/left ]]; then
    cat "$LOGS/left"
    n_left=1
  fi
  # One failure is enough: the next test finds nothing of it. (Only where nothing is the machine's.)
  if ((n_left)) && [[ -n ${IPC_LAB_NAMESPACE:-} ]]; then ipcrm --all; fi
  after_test
  return "$n_left"
}

# The pids of this test's programs that still run, and of all that they started: each carries
# the test's name in its environment (that of a zombie is empty).
processes() {
  local pid
  while IFS=/ read -r _ _ pid _; do echo "$pid"; done < <(
    exec grep -lsz -- "^IPC_LAB_TEST=$DIR\$" /proc/[0-9]*/environ
  )
}

# The IPC objects that outlive a process, one a line.
inventory() { objects "${IPC_LAB_MQUEUE:-/dev/mqueue}"; }
objects() (
  shopt -s nullglob dotglob
  for kind in msg shm sem; do
    while read -r key id _; do
      [[ $key == key ]] || echo "$kind key $key id $id"
    done < "/proc/sysvipc/$kind"
  done
  for object in "$1"/* /dev/shm/*; do echo "$object"; done
)

# left_in_dir: FIFOs and sockets. As long as the directory is empty nobody has to look.
left_in_dir() {
  [[ -z $(shopt -s nullglob dotglob; echo "$DIR"/*) ]] ||
    find "$DIR" \( -type p -o -type s \) -printf 'left behind: %p\n'
}

# left_behind: those that were not there before the test.
left_behind() {
  local -A before=()
  local object
  while IFS= read -r object; do before[$object]=1; done < "$LOGS/inventory.before"
  while IFS= read -r object; do
    [[ -n ${before[$object]:-} ]] || echo "left behind: $object"
  done < <(inventory)
}

# start NAME PROGRAM [ARG...]: runs it in the background; give it standard input with `< file`.
start() {
  local name=$1 program=$2
  shift 2
  PROGRAM[$name]=$program
  # Now, so that nothing is found there that an earlier program of this name has printed.
  : > "$LOGS/$name.out"
  : > "$LOGS/$name.err"
  words_for "$name" "$program" "$@"
  # A background job of bash ignores SIGINT unless that is undone, and whatever bats reads
  # from (descriptors 3, 4) would be held open by a program that outlives the test.
  (
    for keyboard in "${KEYBOARD[@]}" "${BOX:-}" "${NEVER:-}"; do [[ -z $keyboard ]] || exec {keyboard}>&-; done
    exec 2> "$LOGS/$name.err" > "$LOGS/$name.out" 3>&- 4>&-
    cd "${RUN_IN:-.}" || exit
    [[ -n ${MERGED:-} ]] && exec 2>&1
    if [[ -n ${UNREAD:-} ]]; then
      local n_unread
      number n_unread "$UNREAD" || exit
      exec >&"$n_unread"
    fi
    [[ -n ${FULL:-} ]] && exec > /dev/full
    exec "${WORDS[@]}" # evaluates: the words of words_for
  ) <&0 &
  PID[$name]=$!
}

# words_for NAME PROGRAM [ARG...]: into WORDS, what runs it.
words_for() {
  local program=$2
  if [[ $program == first-* && -n ${IPC_LAB_NAMESPACE:-} ]]; then # its paths are written in
    local UNDER=("${UNDER[@]}" "$ROOT/tests/private-tmp" "$DIR" "$BIN")
  elif [[ -x $BIN/$program ]]; then
    program=$BIN/$program
  fi
  WORDS=(env "--default-signal=INT,QUIT" IPC_LAB_TEST="$DIR" "${UNDER[@]}" "$program" "${@:3}")
}

# start_unread NAME PROGRAM [ARG...]: its standard output is a pipe that nobody reads, as after
# `| head -1`. Programs end as C programs do, of SIGPIPE: `finish NAME 141`.
start_unread() {
  local both unread
  # Not `exec {unread}> >(:)` and `wait $!`: bash 5.2 can miss that end, and then waits for ever.
  mkfifo "$LOGS/unread"
  # shellcheck disable=SC2094  # a FIFO is there to be read and written
  exec {both}<> "$LOGS/unread" {unread}> "$LOGS/unread" {both}>&-
  rm "$LOGS/unread"
  UNREAD=$unread start "$@"
  exec {unread}>&-
}

# start_unprivileged NAME PROGRAM [ARG...]: without the capabilities by which root may read
# and write everything, so that file modes count.
start_unprivileged() {
  local UNDER=(setpriv --bounding-set=-all --inh-caps=-all --no-new-privs)
  start "$@"
}

# foreign PATH: gives it to another user; only root can.
foreign() {
  chown 65534 "$1" 2> /dev/null || { rm -f "$1"; skip "only root can make another user's file"; }
}

# start_typing NAME PROGRAM [ARG...]: with a keyboard: see `type_in` and `end_of_input`.
start_typing() {
  local both keyboard keys=$LOGS/$1.keys
  mkfifo "$keys"
  # shellcheck disable=SC2094  # a FIFO is there to be read and written
  exec {both}<> "$keys" {keyboard}> "$keys" {both}>&- # so that neither open waits
  KEYBOARD[$1]=$keyboard
  start "$@" < "$keys"
}

# type_in NAME TEXT: a line for the program's standard input.
type_in() {
  local n_keys
  number n_keys "${KEYBOARD[$1]}" || return
  # Nobody reads that any more: a failed test, and not the death of it (SIGPIPE).
  (trap '' PIPE; printf '%s\n' "$2" >&"$n_keys") 2> /dev/null ||
    { echo "$1 does not read what is typed:"; show "$1"; return 1; }
}

# end_of_input NAME: Ctrl-D.
end_of_input() {
  local keyboard=${KEYBOARD[$1]}
  exec {keyboard}>&-
  KEYBOARD[$1]=
}

# wait_for NAME TEXT: until the program has printed it. A file has no event that the shell
# could wait for, so this polls, with a deadline; no longer than there is somebody who could print it.
wait_for() {
  local vain=""
  clock_start
  until has_printed "$1" "$2"; do
    if [[ -n $vain ]]; then
      echo "$1 $vain: $2"
      show "$1"
      explain_hang
      return 1
    elif ended "$1" && [[ -z $(processes) ]]; then
      vain="has ended and did not print" # but one more look: it may have been the last thing it did
    elif clock_over; then
      vain="did not print within $DEADLINE s"
    else
      pause
    fi
  done
}

# Without a process of its own for each look: those were a good part of what tests cost.
has_printed() {
  local file text
  for file in "$LOGS/$1.out" "$LOGS/$1.err"; do
    read -rd '' text < "$file" || [[ $text != *"$2"* ]] || return 0 # `read` calls the file's end a failure
  done
  return 1
}

# wait_until COMMAND...: until it succeeds; for what has no event, with a deadline.
wait_until() {
  clock_start
  until "$@"; do
    ! clock_over || { echo "not within $DEADLINE s: $*"; explain_hang; return 1; }
    pause
  done
}

# clock_start, clock_over: whether DEADLINE seconds have passed since. Where more tasks want to run than there
# are CPUs, each of them gets a part of one: then a second counts for as much less. How many there are is what
# proc_loadavg(5) says of this moment, or of the last minute if that is more: tasks that wait for a disk count there.
n_cpus=1
number n_cpus "$(nproc)"
clock_start() {
  n_clock_spent=0
  number n_clock_last "${EPOCHREALTIME/[.,]/}"
}
clock_over() {
  local n_now n_passed n_running n_minute n_deadline minute running
  read -r minute _ _ running _ < /proc/loadavg
  number n_now "${EPOCHREALTIME/[.,]/}" && number n_deadline "$DEADLINE"
  number n_running "${running%%/*}" && number n_minute "${minute%%.*}"
  ((n_minute <= n_running)) || n_running=$((n_minute))
  n_passed=$((n_now - n_clock_last))
  ((n_running <= n_cpus)) || n_passed=$((n_passed * n_cpus / n_running))
  n_clock_spent=$((n_clock_spent + n_passed)) n_clock_last=$((n_now))
  ((n_clock_spent > n_deadline * 1000000))
}

# gone: no process of this test is alive. A child ends after its parent: `wait_until gone`.
gone() { [[ -z $(processes) ]]; }

# pause: what lies between two looks; by a pipe into which nobody writes, as bash itself cannot sleep.
pause() {
  [[ -n ${NEVER:-} ]] || exec {NEVER}<> <(:)
  read -rt 0.01 -u "$NEVER" || true
}

# asleep NAME: whether the program is blocked in a system call.
asleep() { state_of "${PID[$1]}" && [[ $STATE == S ]]; }

# ended NAME: whether the program is no more.
ended() { ! state_of "${PID[$1]}" || [[ $STATE == Z ]]; }

# state_of PID: into STATE, as in proc(5). Fails when there is no such process.
state_of() {
  { read -r STATE < "/proc/$1/stat"; } 2> /dev/null || return
  STATE=${STATE##*) } # behind the name, which may be anything
  STATE=${STATE%% *}
}

# stop NAME [SIGNAL]: TERM unless another is named.
stop() { kill -s "${2:-TERM}" "$(program_pid "$1")"; }

# stop_and_continue NAME: all processes of its group, as Ctrl-Z and fg do. A shell waits for the stop
# before it continues: the child of a fork(2) that is under way would get the SIGSTOP, but not the
# SIGCONT, which Linux drops when the parent has not stopped yet; and it would sleep for ever.
stop_and_continue() {
  kill -s STOP -- "-${PID[$1]}" 2> /dev/null || return 0 # it has ended
  wait_until stopped_or_ended "$1"
  kill -s CONT -- "-${PID[$1]}" 2> /dev/null || true
}
stopped_or_ended() { ended "$1" || [[ $STATE == T ]]; }

# program_pid NAME: the pid of the program itself, below what traces it.
program_pid() {
  local pid=${PID[$1]} child comm
  while { read -r comm < "/proc/$pid/comm"; } 2> /dev/null && [[ $comm == strace ]]; do
    # This file ends in no newline, which `read` calls a failure.
    read -r child _ < "/proc/$pid/task/$pid/children" || [[ -n $child ]] || break
    pid=$child
  done
  echo "$pid"
}

# freeze NAME: SIGSTOP, until it has taken effect; before it is scheduled the program may go on.
freeze() { stop "$1" STOP && wait_until frozen "$1"; }
frozen() { ended "$1" || [[ $STATE == T ]]; } # or ended

# shake NAME...: stops and continues them (Ctrl-Z and fg) some 100 times a second, until the last
# one ends, but no longer than a second or two.
shake() {
  local name n_round
  for ((n_round = 0; n_round < 150; n_round++)); do
    kill -0 "${PID[${!#}]}" 2> /dev/null || break
    for name in "$@"; do stop "$name" STOP 2> /dev/null || true; done
    for name in "$@"; do stop "$name" CONT 2> /dev/null || true; done
    sleep 0.005 # the pace, not a wait: in between they are to get on with their work
  done
}

# finish NAME [STATUS]: the program ends in time, with that exit status (0).
finish() {
  local name=$1 n_expected n_status=0 pid=${PID[$1]} watchdog
  number n_expected "${2:-0}" || return
  [[ -n ${NEVER:-} ]] || exec {NEVER}<> <(:)
  # The watchdog kills a program that runs too long. A signal ends the watchdog. A word for it to read can get lost,
  # because `read -t` can take the word and fail nevertheless if the time is up at that moment.
  (
    exec > "$LOGS/$name.watchdog" 2>&1 3>&- 4>&-
    clock_start
    until clock_over; do read -rt 0.1 -u "$NEVER" || true; done
    echo "still running after $DEADLINE s" > "$LOGS/$name.late"
    explain_hang >> "$LOGS/$name.late"
    kill -KILL "$(program_pid "$name")" "$pid" 2> /dev/null
  ) &
  watchdog=$!
  { wait "$pid"; } 2> /dev/null || n_status=$? # bash would tell of a kill in ten lines
  after_end "$name"
  { kill -KILL "$watchdog"; wait "$watchdog"; } 2> /dev/null || true # KILL: no trap of bats in a child just forked
  [[ ! -f $LOGS/$name.late ]] || cat "$LOGS/$name.late"
  if ((n_status != n_expected)); then
    echo "$name (${PROGRAM[$name]}): exit status $n_status, expected $n_expected"
    show "$name"
    return 1
  fi
}

# after_end NAME: what there is to do when a program has ended: see exercise.bash.
after_end() { :; }

# explain_hang: who is blocked in which call now, and why. For the grader also a picture, of the first
# hang of a test: what is blocked later is blocked because of that, or of who was killed for it.
explain_hang() {
  local picture=()
  [[ -z ${IPC_LAB_PICTURE:-} || -s $IPC_LAB_PICTURE ]] || picture=(--svg "$IPC_LAB_PICTURE")
  local running
  mapfile -t running < <(processes)
  ((${#running[@]} == 0)) || "$TOOLS/ipc-trace" --explain "${running[@]}" "${picture[@]}" 2> /dev/null || true
}

# show NAME: what it printed, for a failed test's report.
show() {
  sed "s/^/$1: /" "$LOGS/$1.out"
  sed "s/^/$1 (stderr): /" "$LOGS/$1.err"
}

# rounds N: how often to try what must never go wrong: N times in the long form (LONG=1, make soak),
# a tenth of that in make test.
rounds() {
  local n_rounds
  number n_rounds "$1" || return
  if [[ -n ${LONG:-} ]]; then echo "$n_rounds"; else echo $(((n_rounds + 9) / 10)); fi
}

# ended_by SIGNAL: prints the exit status that a program has when this signal terminates it.
ended_by() {
  local n_signal
  number n_signal "$(kill -l "$1")" && echo $((128 + n_signal))
}

# run_to_end PROGRAM STATUS [ARG...]: start and finish, under the program's own name.
run_to_end() {
  start "$1" "$1" "${@:3}"
  finish "$1" "$2"
}

# same_output NAME [FILE]: standard output is that of tests/expected/<program>.txt, but for
# what differs by nature: ids, addresses, descriptors and ports.
same_output() {
  diff -u "${2:-$ROOT/tests/expected/${PROGRAM[$1]}.txt}" <(normalise < "$LOGS/$1.out")
}

normalise() {
  # The folder first: its name may look like one of the others (/tmp/ipc-lab.y0x7hv).
  sed -E -e "s#$DIR/##g" -e 's/\(ID: [0-9]+\)/(ID: N)/' -e 's/0x[0-9a-f]+/0xN/' \
    -e 's/on port [0-9]+/on port N/' -e 's/(127\.0\.0\.1|\[::1\]):[0-9]+/\1:N/'
}

# needs_strace: skips a test where there is none, or where it is not allowed.
needs_strace() { strace -o /dev/null true 2> /dev/null || skip "strace may not trace here"; }

# needs_ipv6: skips a test where the machine has none.
needs_ipv6() { grep -qs ' lo$' /proc/net/if_inet6 || skip "no IPv6 here"; }

# port_of NAME: the port that a server started with port 0 has got.
port_of() {
  wait_for "$1" "on port " > /dev/null || return
  sed -nE 's/.*on port ([0-9]+)$/\1/p' "$LOGS/$1.out"
}

# says NAME TEXT: standard error contains it.
says() {
  grep -qF -- "$2" "$LOGS/$1.err" || { echo "expected on stderr: $2"; show "$1"; return 1; }
}

# silent NAME: nothing on standard error.
silent() { [[ ! -s $LOGS/$1.err ]] || { show "$1"; return 1; }; }

# one_error NAME TEXT: one clear error that contains TEXT, and no panic.
one_error() {
  says "$1" "$2" || return
  [[ $(grep -c '^Error: ' "$LOGS/$1.err") == 1 ]] || { show "$1"; return 1; }
  ! grep -F panicked "$LOGS/$1.err"
}

# The transcript of PROGRAM in the lesson's README, below "You should see": the lines marked
# "← you type" go into NAME.typed, all others into NAME.shown.
transcript() {
  local lesson=$1 program=$2
  awk -v program="$program" -v logs="$LOGS" '
    /^## / { here = ($0 == "## You should see") }
    /^```/ { inside = 0 }
    here && /^\$ / { inside = ($0 ~ "--bin " program "( |$)"); next }
    !inside { next }
    /← Ctrl-/ { next }
    sub(/ *← you type$/, "") { print > (logs "/" program ".typed"); next }
    { print > (logs "/" program ".shown") }
  ' "$ROOT"/crates/*/"$lesson"/README.md
  touch "$LOGS/$program.typed"
  [[ -s $LOGS/$program.shown ]] || { echo "no transcript of $program in the README of $lesson"; return 1; }
}

# start_as_in_readme LESSON PROGRAM [ARG...]: with what the transcript says is typed.
start_as_in_readme() {
  transcript "$1" "$2" || return
  # Both streams in one file, in the order in which they were written.
  MERGED=1 start "$2" "$2" "${@:3}" < "$LOGS/$2.typed"
}

# same_as_in_readme PROGRAM: what it printed, in both streams, is the README's transcript.
same_as_in_readme() {
  diff -u <(normalise < "$LOGS/$1.shown") <(normalise < "$LOGS/$1.out")
}
