#!/usr/bin/env bats
load harness

@test "killed, EPIPE, and what exec passes on" {
  run_to_end sigpipe 0
  same_output sigpipe
  silent sigpipe
}

@test "README: the transcript is what happens" {
  start_as_in_readme sigpipe sigpipe
  finish sigpipe
  same_as_in_readme sigpipe
}

@test "it looks at the signal, and does not recite: started with SIGPIPE blocked, nothing kills" {
  # A blocked SIGPIPE stays pending: the write fails with EPIPE under either action.
  local UNDER=(env --block-signal=PIPE)
  run_to_end sigpipe 0
  [[ $(grep -c "failed with EPIPE" "$LOGS/sigpipe.out") == 2 ]]
  run ! grep -q killed "$LOGS/sigpipe.out"
}

@test "grep is not there: an error that names it" {
  # shellcheck disable=SC2034  # `start` uses it
  local UNDER=(env PATH=/nowhere)
  run_to_end sigpipe 1
  says sigpipe "execvp grep: ENOENT"
}

@test "stopped and continued (Ctrl-Z, fg) all the time, child and parent, it prints the same" {
  local pid child end=$((SECONDS + DEADLINE))
  for ((i = 0; i < 10; i++)); do
    start sigpipe sigpipe
    pid=${PID[sigpipe]}
    while kill -0 "$pid" 2> /dev/null && ((SECONDS <= end)); do
      child=
      read -r child < "/proc/$pid/task/$pid/children" || true
      # shellcheck disable=SC2086  # no word if there is no child
      kill -STOP $child "$pid" || true
      # shellcheck disable=SC2086
      kill -CONT $child "$pid" || true
    done 2> /dev/null
    finish sigpipe
    same_output sigpipe
  done
}

@test "Ctrl-C and kill, at whatever moment, leave no process behind" {
  for signal in INT TERM KILL; do
    for ((i = 0; i < 5; i++)); do
      start sigpipe sigpipe
      # It may have ended before the signal comes.
      stop sigpipe "$signal" || true
      wait "${PID[sigpipe]}" || true
      wait_until gone
    done
  done
}

@test "output that nobody reads: no panic" {
  start_unread sigpipe sigpipe
  finish sigpipe 141
  wait_until gone
  silent sigpipe
}
