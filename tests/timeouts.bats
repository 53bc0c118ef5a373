#!/usr/bin/env bats
load harness

unchanged() { inventory | cmp -s - "$LOGS/inventory.before"; }
nothing_left() { [[ -z $(processes) ]] && unchanged; }
made() { ! unchanged; }

@test "each call is back in time, and says so in its own way" {
  run_to_end timeouts 0
  same_output timeouts
  silent timeouts
}

@test "README: the transcript is what happens" {
  start_as_in_readme timeouts timeouts
  finish timeouts
  same_as_in_readme timeouts
}

@test "10 runs with the shortest deadline: never early, the same each time" {
  sed 's/\<100 ms  /1 ms    /; s/\<100 ms/1 ms/' "$ROOT/tests/expected/timeouts.txt" > expected
  for ((i = 0; i < 10; i++)); do
    start timeouts timeouts --timeout-ms 1
    finish timeouts
    same_output timeouts expected
  done
}

@test "never early, as a clock from outside sees it" {
  local from=$EPOCHREALTIME to
  run_to_end timeouts 0 --timeout-ms 50
  to=$EPOCHREALTIME
  # Six waits, in microseconds; the seventh has no need to wait.
  ((${to/[.,]/} - ${from/[.,]/} >= 6 * 50000))
}

@test "the answers are the kernel's: the calls are in the trace, each with its timeout" {
  needs_strace
  start traced strace -f -o trace "$BIN/timeouts"
  finish traced
  local timespec='\{tv_sec=0, tv_nsec=[0-9]+\}'
  grep -qE "semtimedop\(.*sem_op=-1.*$timespec.* = -1 EAGAIN" trace ||
    { grep -qE "semtimedop\(.*sem_op=-1.*$timespec" trace && grep -qE 'semtimedop resumed.* = -1 EAGAIN' trace; }
  # Each of the two sockets: the pair, and the one that listens.
  sed -n '/socketpair(/,/close(/p' trace | grep -qE 'setsockopt\(.*SO_RCVTIMEO'
  sed -n '/listen(/,/close(/p' trace | grep -qE 'setsockopt\(.*SO_RCVTIMEO'
  grep -qE 'recvfrom\(.* = -1 EAGAIN|recvfrom resumed.* = -1 EAGAIN' trace
  grep -qE 'accept\(.* = -1 EAGAIN|accept resumed.* = -1 EAGAIN' trace
  grep -qE 'poll\(\[.*POLLIN\}\], 1, [0-9]+' trace
  grep -qE 'mq_timedreceive\(.*tv_sec=[0-9]{9,}.*(ETIMEDOUT|unfinished)' trace
  (($(grep -cE 'msgrcv\(.*IPC_NOWAIT\) = -1 ENOMSG' trace) >= 2))
}

@test "a socket's call that is back early is made once more" {
  needs_strace
  # As if the kernel's ticks had leapt: the first one is over at once.
  start timeouts strace -f -o trace -e inject=recvfrom:error=EAGAIN:when=1 -e inject=accept:error=EAGAIN:when=1 "$BIN/timeouts"
  finish timeouts
  same_output timeouts "$ROOT/tests/expected/timeouts.txt"
  (($(grep -c '(INJECTED)' trace) == 2))
}

@test "a signal in the first and in the last row: all is removed" {
  for signal in INT TERM; do
    start first timeouts --timeout-ms 3600000
    wait_until made
    stop first $signal
    finish first $((128 + $(kill -l $signal)))
    nothing_left
    silent first

    start last timeouts
    wait_for last "POSIX queue"
    stop last $signal 2> /dev/null || true
    status=0
    wait "${PID[last]}" || status=$?
    # On a slow machine it may have been through by then.
    ((status == 0 || status == 128 + $(kill -l $signal)))
    nothing_left
    silent last
  done
}

@test "a signal at any moment leaves nothing" {
  for ((i = 0; i < ${KILLS:-$(rounds 12)}; i++)); do
    ((i % 2)) && signal=INT || signal=TERM
    start timeouts timeouts --timeout-ms 2
    # INT is ignored by a background job of bash until the program has been started.
    if [[ $signal == INT ]]; then wait_for timeouts "Nothing comes"; fi
    seq $((RANDOM * 10)) > pause # 0 to 5 ms
    stop timeouts "$signal" 2> /dev/null || true
    status=0
    wait "${PID[timeouts]}" || status=$?
    ((status == 0 || status == 128 + $(kill -l "$signal"))) || { echo "SIG$signal: exit status $status"; show timeouts; return 1; }
    nothing_left
  done
}

@test "stopped and continued (Ctrl-Z, fg) all the time: the deadline stands, nobody starts afresh" {
  local end=$((SECONDS + DEADLINE))
  start timeouts timeouts --timeout-ms 200
  # Each wait is interrupted long before it has lasted 200 ms, until the program ends.
  while kill -0 "${PID[timeouts]}" && ((SECONDS <= end)); do
    stop timeouts STOP || true
    stop timeouts CONT || true
    sleep 0.02 # the pace, not a wait
  done 2> /dev/null
  ((SECONDS <= end)) # else it waits and waits
  finish timeouts
  sed 's/\<100 ms/200 ms/' "$ROOT/tests/expected/timeouts.txt" > expected
  same_output timeouts expected
  says timeouts "EINTR: a signal came; "
}

@test "stopped for longer than the deadline: it is over then, at once" {
  for after in "what came back" "semtimedop"; do # so in the first row, and in the second one
    start timeouts timeouts
    wait_for timeouts "$after"
    stop timeouts STOP
    sleep 0.15 # longer than the deadline
    stop timeouts CONT
    finish timeouts
    same_output timeouts
  done
}

@test "the set is removed while it sleeps in it: an error that names the call" {
  start timeouts timeouts --timeout-ms 3600000
  wait_until made
  wait_until asleep timeouts
  ipcrm -s "$(diff "$LOGS/inventory.before" <(inventory) | sed -n 's/^> .*sem key 0 id //p')"
  finish timeouts 1
  one_error timeouts "semtimedop: EIDRM"
}

@test "no POSIX queue to be had: an error that names the call and the queue" {
  (
    ulimit -q 0
    run_to_end timeouts 1 --timeout-ms 1
  )
  one_error timeouts "mq_open /timeouts-"
  says timeouts EMFILE
}

@test "bad arguments, and --help" {
  for wrong in --wrong extra --timeout-ms=0 --timeout-ms=-1 --timeout-ms=x --timeout-ms=3600001; do
    run_to_end timeouts 2 $wrong
  done
  run_to_end timeouts 0 --help
  grep -qF -- "--timeout-ms" "$LOGS/timeouts.out"
}

@test "output that nobody reads: no panic, nothing left" {
  start_unread timeouts timeouts
  finish timeouts 141
  silent timeouts
  nothing_left
}

@test "output to a full disk is an error, and nothing is left" {
  FULL=1 start timeouts timeouts
  finish timeouts 1
  says timeouts "write to standard output: No space left on device"
  nothing_left
}
