#!/usr/bin/env bats
load harness

# A copy of the project, whose exercise may be changed; the programs are those that are built.
copy() {
  mkdir -p copy/scripts copy/crates/exercises/fix-pipe-eof/src
  cp "$ROOT/scripts/watch" copy/scripts/
  echo "one" > copy/crates/exercises/fix-pipe-eof/src/main.rs
  # In the grader's place: says what it was asked, and what the source is.
  mkdir -p built/debug
  # shellcheck disable=SC2016  # the inner shell's argument
  printf '#!/bin/sh\necho "asked: $*, $(cat crates/exercises/fix-pipe-eof/src/main.rs)"\n' > built/debug/ipc-grade
  chmod +x built/debug/ipc-grade
}

@test "it tests at once, and again at every save, until Ctrl-C" {
  copy
  start watch env CARGO_TARGET_DIR="$DIR/built" copy/scripts/watch fix-pipe-eof
  wait_for watch "asked: exercise fix-pipe-eof, one"
  wait_for watch "Waiting for a save"
  echo two > copy/crates/exercises/fix-pipe-eof/src/main.rs
  wait_for watch "asked: exercise fix-pipe-eof, two"
  echo "mod new;" > copy/crates/exercises/fix-pipe-eof/src/new.rs
  again() { [[ $(grep -c '^asked: .* two$' "$LOGS/watch.out") == 2 ]]; }
  wait_until again
  stop watch INT
  finish watch 130
}

@test "an unknown exercise is an error that lists them" {
  start watch "$ROOT/scripts/watch" missing
  finish watch 2
  says watch "There is no exercise 'missing'. The exercises: "
  run_to_end ipc-grade 1 exercise missing
  one_error ipc-grade 'there is no exercise "missing"'
}

@test "hints come one by one, the last one again and again, and from the beginning when asked" {
  for expected in "Hint 1 of 3" "Hint 2 of 3" "Hint 3 of 3" "Hint 3 of 3"; do
    option=()
    [[ $expected != "Hint 1"* ]] || option=(--again)
    start hint ipc-grade hint fix-pipe-eof "${option[@]}"
    finish hint
    grep -qF "$expected for fix-pipe-eof" "$LOGS/hint.out"
  done
  grep -q "drop .writer. before .reap." "$LOGS/hint.out"
}
