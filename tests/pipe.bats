#!/usr/bin/env bats
load harness

@test "it prints what the tutorial's program prints" {
  run_to_end pipe 0
  same_output pipe
  silent pipe
}

@test "README: the transcript is what happens" {
  start_as_in_readme pipe pipe
  finish pipe
  same_as_in_readme pipe
}

@test "100 runs print the same, in the same order" {
  for ((i = 0; i < $(rounds 100); i++)); do
    "$BIN/pipe" >> printed
    cat "$ROOT/tests/expected/pipe.txt" >> expected
  done
  cmp printed expected
}

@test "stopped and continued (Ctrl-Z, fg) it prints the same" {
  for ((i = 0; i < $(rounds 20); i++)); do
    start pipe pipe
    stop pipe STOP || true
    stop pipe CONT || true
    finish pipe
    same_output pipe
  done
}

@test "output that nobody reads: no panic" {
  start_unread pipe pipe
  finish pipe 141
  wait_until gone
  silent pipe
}

@test "output to a full disk is an error" {
  FULL=1 start pipe pipe
  finish pipe 1
  says pipe "write to standard output: No space left on device"
}
