#!/usr/bin/env bats
# bats file_tags=slow
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

# save TEXT FILE: in one step, as editors do. One that is seen half-way is tested, rightly, once more.
save() {
  echo "$1" > saved
  mv saved "$2"
}

@test "it tests at once, and again at every save, until Ctrl-C" {
  copy
  start watch env CARGO_TARGET_DIR="$DIR/built" copy/scripts/watch fix-pipe-eof
  wait_for watch "asked: exercise fix-pipe-eof, one"
  wait_for watch "Waiting for a save"
  save two copy/crates/exercises/fix-pipe-eof/src/main.rs
  wait_for watch "asked: exercise fix-pipe-eof, two"
  save "mod new;" copy/crates/exercises/fix-pipe-eof/src/new.rs
  again() { [[ $(grep -c '^asked: .* two$' "$LOGS/watch.out") == 2 ]]; }
  wait_until again
  stop watch INT
  finish watch 130
}

# A project of this test's own, so that the hints that you have seen stay as they are.
project() {
  mkdir -p crates/exercises tests/exercises
  cp -r "$ROOT/crates/exercises/fix-pipe-eof" crates/exercises/
  cp "$ROOT/tests/exercises/fix-pipe-eof.bats" tests/exercises/
}

@test "an unknown exercise is an error that lists them" {
  start watch "$ROOT/scripts/watch" missing
  finish watch 2
  says watch "There is no exercise 'missing'. The exercises: "
  project
  run_to_end ipc-grade 1 exercise missing
  one_error ipc-grade 'there is no exercise "missing"'
}

@test "a stage of which nothing works is the last one that is tested" {
  mkdir -p crates/exercises/staged tests/exercises scripts fake
  touch crates/exercises/staged/{Cargo.toml,README.md}
  cp "$ROOT/scripts/tools" scripts/
  # There is nothing to build.
  printf '#!/bin/sh\n' > fake/cargo
  chmod +x fake/cargo
  ln -s "$BATS_ROOT/bin/bats" fake/ # the one in PATH here is bats' own inner one
  printf '@test "%s" { %s; }\n' > tests/exercises/staged.bats \
    "[1] stage 1: one works" true \
    "[2] stage 1: the other does not" false \
    "[4] stage 2: nothing" false \
    "[8] stage 2: nothing either" false \
    "[16] stage 3: that would work" true
  PATH=$DIR/fake:$PATH run_to_end ipc-grade 0 exercise staged
  grep -E '^(passed|FAILED|not yet|Score)' "$LOGS/ipc-grade.out" > shown || show ipc-grade
  diff - shown <<- 'END'
	passed   [1] stage 1: one works
	FAILED   [2] stage 1: the other does not
	FAILED   [4] stage 2: nothing
	FAILED   [8] stage 2: nothing either
	not yet  [16] stage 3: that would work: first stage 2
	Score: 1/31
	END
}

@test "a signal at the start: what begins while it ends is not left behind" {
  needs_strace
  project
  mkdir fake
  mkfifo never
  printf '#!/bin/sh\nread -r _ < never\n' > fake/cargo
  chmod +x fake/cargo
  # The signal is pending when the program begins, and strace draws out the moment between the end of
  # all that it has started and its own.
  # shellcheck disable=SC2016  # the inner shell's pid
  PATH=$DIR/fake:$PATH start grader strace -fqq -o trace -e trace=tgkill \
    -e inject=tgkill:delay_enter=500000 env --block-signal=TERM \
    sh -c 'kill -s TERM $$; exec "$@"' sh "$BIN/ipc-grade" exercise fix-pipe-eof
  finish grader 143
  grep -q '(DELAYED)' trace
  [[ -z $(processes) ]]
  rm never
}

@test "nothing waits for what a program that has ended did not print" {
  start ended true
  DEADLINE=60 SECONDS=0
  run ! wait_for ended "something"
  [[ $output == "ended has ended and did not print: something"* ]]
  ((SECONDS < 30))
  # What others that it has started print still counts.
  start_typing parent bash -c 'head -n 1 <&0 &'
  wait_until ended parent
  (exec 3>&- 4>&-; pause; type_in parent later) &
  wait_for parent later
}

# next_hint N [OPTION]: it is that one of three.
next_hint() {
  run_to_end ipc-grade 0 hint fix-pipe-eof "${@:2}"
  grep -qxF "Hint $1 of 3 for fix-pipe-eof:" "$LOGS/ipc-grade.out" || { show ipc-grade; return 1; }
}

@test "hints come one by one, the last one again and again, and from the beginning when asked" {
  project
  next_hint 1
  next_hint 2
  next_hint 3
  grep -q "drop .writer. before .reap." "$LOGS/ipc-grade.out"
  grep -qF "cargo run -q --bin ipc-grade -- hint fix-pipe-eof --again" "$LOGS/ipc-grade.out"
  next_hint 3
  next_hint 1 --again
  next_hint 2
}

@test "hints for an unknown exercise: an error that says where they are listed" {
  project
  run_to_end ipc-grade 1 hint missing
  one_error ipc-grade 'there is no exercise "missing": '
  [[ ! -e target/hints/missing ]]
}
