#!/usr/bin/env bats
load harness

@test "0, 5 and -5 take what the tutorial says" {
  run_to_end sysv-msgq-types 0
  same_output sysv-msgq-types
  silent sysv-msgq-types
}

@test "README: the transcript is what happens" {
  start_as_in_readme sysv-msgq-types sysv-msgq-types
  finish sysv-msgq-types
  same_as_in_readme sysv-msgq-types
}

@test "a signal at any moment leaves no queue" {
  for ((i = 0; i < $(rounds 40); i++)); do
    start types sysv-msgq-types
    wait_for types "Sent"
    stop types TERM || true
    status=0
    wait "${PID[types]}" || status=$?
    ((status == 0 || status == 143))
    [[ $(wc -l < /proc/sysvipc/msg) == 1 ]]
  done
}

@test "stopped and continued (Ctrl-Z, fg) it prints the same" {
  for ((i = 0; i < $(rounds 20); i++)); do
    start types sysv-msgq-types
    shake types
    finish types
    same_output types
  done
}

@test "output that nobody reads: no panic, nothing left" {
  start_unread types sysv-msgq-types
  finish types 141
  silent types
}
