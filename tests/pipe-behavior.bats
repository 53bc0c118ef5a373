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

@test "stopped and continued (Ctrl-Z, fg) it prints the same" {
  start pipe-behavior pipe-behavior
  for ((i = 0; i < 20; i++)); do
    stop pipe-behavior STOP || true
    stop pipe-behavior CONT || true
  done
  finish pipe-behavior
  same_but_for_the_size
}

@test "Ctrl-C and kill leave no process behind" {
  for signal in INT TERM; do
    start pipe-behavior pipe-behavior
    wait_for pipe-behavior "3. The writer"
    stop pipe-behavior "$signal"
    finish pipe-behavior $((128 + $(kill -l "$signal")))
  done
}

@test "output that nobody reads: no panic" {
  start_unread pipe-behavior pipe-behavior
  finish pipe-behavior 141
  silent pipe-behavior
}
