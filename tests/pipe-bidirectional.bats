#!/usr/bin/env bats
load harness

@test "it prints what the tutorial's program prints" {
  run_to_end pipe-bidirectional 0
  same_output pipe-bidirectional
  silent pipe-bidirectional
}

@test "README: the transcript is what happens" {
  start_as_in_readme pipe-bidirectional pipe-bidirectional
  finish pipe-bidirectional
  same_as_in_readme pipe-bidirectional
}

@test "100 runs print the same, in the same order" {
  for ((i = 0; i < $(rounds 100); i++)); do
    "$BIN/pipe-bidirectional" >> printed
    cat "$ROOT/tests/expected/pipe-bidirectional.txt" >> expected
  done
  cmp printed expected
}

@test "stopped and continued (Ctrl-Z, fg) it prints the same" {
  for ((i = 0; i < $(rounds 20); i++)); do
    start pipe-bidirectional pipe-bidirectional
    stop pipe-bidirectional STOP || true
    stop pipe-bidirectional CONT || true
    finish pipe-bidirectional
    same_output pipe-bidirectional
  done
}

@test "output that nobody reads: no panic" {
  start_unread pipe-bidirectional pipe-bidirectional
  finish pipe-bidirectional 141
  wait_until gone
  silent pipe-bidirectional
}

@test "output to a full disk is an error" {
  FULL=1 start pipe-bidirectional pipe-bidirectional
  finish pipe-bidirectional 1
  says pipe-bidirectional "write to standard output: No space left on device"
}
