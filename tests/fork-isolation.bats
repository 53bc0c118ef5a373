#!/usr/bin/env bats
load harness

@test "it prints what the tutorial's program prints" {
  run_to_end fork-isolation 0
  same_output fork-isolation
  silent fork-isolation
}

@test "README: the transcript is what happens" {
  start_as_in_readme fork-isolation fork-isolation
  finish fork-isolation
  same_as_in_readme fork-isolation
}

@test "100 runs print the same, in the same order" {
  for ((i = 0; i < $(rounds 100); i++)); do
    "$BIN/fork-isolation" >> printed
    cat "$ROOT/tests/expected/fork-isolation.txt" >> expected
  done
  cmp printed expected
}

@test "stopped and continued (Ctrl-Z, fg) it prints the same" {
  for ((i = 0; i < $(rounds 20); i++)); do
    start fork-isolation fork-isolation
    stop fork-isolation STOP || true
    stop fork-isolation CONT || true
    finish fork-isolation
    same_output fork-isolation
  done
}

@test "output that nobody reads: no panic" {
  start_unread fork-isolation fork-isolation
  finish fork-isolation 141
  wait_until gone
  silent fork-isolation
}

@test "output to a full disk is an error" {
  FULL=1 start fork-isolation fork-isolation
  finish fork-isolation 1
  says fork-isolation "write to standard output: No space left on device"
}
