#!/usr/bin/env bats
load harness

# The size of a pipe is the machine's: a user who has many pipes gets smaller ones.
same_but_for_the_size() {
  sed -E 's/holds [0-9]+ bytes \(F_GETPIPE_SZ: [0-9]+\)/holds N bytes (F_GETPIPE_SZ: N)/' \
    "$LOGS/pipe-behavior.out" > "$LOGS/sized.out"
  diff -u "${1:-$ROOT/tests/expected/pipe-behavior.txt}" "$LOGS/sized.out"
}

@test "each of the tutorial's statements holds on this kernel" {
  run_to_end pipe-behavior 0
  same_but_for_the_size
  silent pipe-behavior
}

@test "the pipe holds what F_GETPIPE_SZ says" {
  run_to_end pipe-behavior 0
  read -r held size < <(sed -nE 's/.*holds ([0-9]+) bytes .F_GETPIPE_SZ: ([0-9]+).*/\1 \2/p' "$LOGS/pipe-behavior.out")
  ((held == size && held >= 4096))
}

@test "README: the transcript is what happens" {
  start_as_in_readme pipe-behavior pipe-behavior
  finish pipe-behavior
  sed -i 's/65536/N/g' "$LOGS/pipe-behavior.shown"
  same_but_for_the_size "$LOGS/pipe-behavior.shown"
}

@test "stopped and continued (Ctrl-Z, fg) all the time, child and parent, it prints the same" {
  local pid child end=$((SECONDS + DEADLINE))
  start pipe-behavior pipe-behavior
  pid=${PID[pipe-behavior]}
  # Nothing but builtins, so that each sleep of the child's is interrupted many times.
  while kill -0 "$pid" 2> /dev/null && ((SECONDS <= end)); do
    child=
    read -r child < "/proc/$pid/task/$pid/children" || true
    # shellcheck disable=SC2086  # no word if there is no child
    kill -STOP $child "$pid" || true
    # shellcheck disable=SC2086
    kill -CONT $child "$pid" || true
  done 2> /dev/null
  finish pipe-behavior
  same_but_for_the_size
}

# start_stuck: standard output is a full pipe, so the program sleeps in its first line, and
# whatever comes next finds it there. Its child sleeps in read by then.
start_stuck() {
  local both
  mkfifo stuck
  # shellcheck disable=SC2094  # a FIFO is there to be read and written
  exec {both}<> stuck {STUCK}> stuck
  dd if=/dev/zero of=stuck oflag=nonblock bs=1 status=none 2> /dev/null || true
  # shellcheck disable=SC2034,SC2154  # the harness's: `start` keeps it from the program
  KEYBOARD[stuck]=$both
  UNREAD=$STUCK start pipe-behavior pipe-behavior
  wait_until has_child
}

has_child() {
  local pid=${PID[pipe-behavior]}
  [[ -n $(cat "/proc/$pid/task/$pid/children") ]]
}

@test "Ctrl-C, kill and kill -9 in the parent: the child ends too, and says nothing" {
  for signal in INT TERM KILL; do
    start_stuck
    stop pipe-behavior "$signal"
    finish pipe-behavior $((128 + $(kill -l "$signal")))
    wait_until gone # although nobody has read the output
    silent pipe-behavior
    end_of_input stuck
    exec {STUCK}>&-
    rm stuck
  done
}

@test "the parent killed from the full pipe on: its child ends too, and says nothing" {
  for signal in INT TERM KILL; do
    start pipe-behavior pipe-behavior
    wait_for pipe-behavior "2. Full pipe"
    # When the signal comes the program may be further on, or through.
    stop pipe-behavior "$signal" || true
    wait_until gone
    wait "${PID[pipe-behavior]}" || true
    silent pipe-behavior
  done
}

@test "output that nobody reads: no panic" {
  start_unread pipe-behavior pipe-behavior
  finish pipe-behavior 141
  wait_until gone
  silent pipe-behavior
}
