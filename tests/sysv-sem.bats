#!/usr/bin/env bats
load harness

@test "P, V and SEM_UNDO" {
  run_to_end sysv-sem 0
  same_output sysv-sem
  silent sysv-sem
}

@test "README: the transcript is what happens" {
  start_as_in_readme sysv-sem sysv-sem
  finish sysv-sem
  same_as_in_readme sysv-sem
}

@test "100 runs print the same, in the same order" {
  for ((i = 0; i < $(rounds 100); i++)); do
    "$BIN/sysv-sem" >> printed
    cat "$ROOT/tests/expected/sysv-sem.txt" >> expected
  done
  cmp printed expected
}

@test "stopped and continued (Ctrl-Z, fg) it prints the same" {
  for ((i = 0; i < $(rounds 20); i++)); do
    start sysv-sem sysv-sem
    for ((j = 0; j < 5; j++)); do
      stop sysv-sem STOP 2> /dev/null || true
      stop sysv-sem CONT 2> /dev/null || true
    done
    finish sysv-sem
    same_output sysv-sem
  done
}

@test "a signal at any moment leaves no set and no process" {
  for ((i = 0; i < $(rounds 40); i++)); do
    ((i % 2)) && signal=INT || signal=TERM
    start sysv-sem sysv-sem
    wait_for sysv-sem "mutex ="
    stop sysv-sem "$signal" 2> /dev/null || true
    status=0
    wait "${PID[sysv-sem]}" || status=$?
    ((status == 0 || status == 128 + $(kill -l "$signal")))
    wait_until no_processes # a child may still be about to find the set removed
    [[ $(wc -l < /proc/sysvipc/sem) == 1 ]]
  done
}
no_processes() { [[ -z $(processes) ]]; }

@test "output that nobody reads: no panic, nothing left" {
  start_unread sysv-sem sysv-sem
  finish sysv-sem 141
  wait_until gone
  silent sysv-sem
}
