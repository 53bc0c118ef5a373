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
  local UNDER=(env PATH=/nowhere)
  run_to_end sigpipe 1
  says sigpipe "execvp grep: ENOENT"
}

@test "stopped and continued (Ctrl-Z, fg) it prints the same" {
  for ((i = 0; i < 10; i++)); do
    start sigpipe sigpipe
    stop sigpipe STOP || true
    stop sigpipe CONT || true
    finish sigpipe
    same_output sigpipe
  done
}

@test "output that nobody reads: no panic" {
  start_unread sigpipe sigpipe
  finish sigpipe 141
  silent sigpipe
}
