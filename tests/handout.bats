#!/usr/bin/env bats
load harness

# What is packed for others: the students' tarball, and the autograder for Gradescope.

setup_file() { git -C "${BATS_TEST_DIRNAME%/tests}" rev-parse 2> /dev/null || export SKIP_ALL="no git clone"; }

long_form() { [[ -n ${LONG:-} ]] || skip "long form: make soak"; }

# cloned: a clone of the project in ./clone, with this directory's scripts. What a test edits, it edits there.
cloned() {
  # Some machines give the files of the clone's source to another user, and git then refuses.
  git -c safe.directory='*' clone --quiet --no-hardlinks --depth 1 "file://$ROOT" clone || return
  cp "$ROOT"/scripts/{handout,gradescope} clone/scripts/
  cp "$ROOT/Makefile" clone/
  git -C clone add --all
  git -C clone -c user.name=nobody -c user.email=nobody@localhost commit --quiet --allow-empty --message test
}

packed() {
  cloned || return
  start handout clone/scripts/handout "$DIR/handout.tar.gz"
  finish handout
}

exercise=crates/exercises/fix-pipe-eof/src/main.rs
solution() { cp "$ROOT/tests/submissions/reference/fix-pipe-eof/src/main.rs" "$1"; }

@test "the handout has the exercises and no solution" {
  packed
  tar -tzf handout.tar.gz > names
  grep -qx ipc-lab/Makefile names
  grep -qx ipc-lab/crates/exercises/fix-pipe-eof/src/main.rs names
  grep -qx ipc-lab/tests/exercises/fix-pipe-eof.bats names
  run ! grep -E 'submissions|mutants|hostile|class.bats|target/|\.git/' names
  # A sentence of a reference solution that the exercise as handed out has not.
  tar -xzf handout.tar.gz
  run ! grep -rqF "The last write end there is" ipc-lab
}

@test "a modified exercise is refused by its name, and nothing is written" {
  cloned
  solution "clone/$exercise"
  for how in changed staged; do
    [[ $how == changed ]] || git -C clone add "$exercise"
    start "$how" clone/scripts/handout "$DIR/handout.tar.gz"
    finish "$how" 1
    says "$how" "$exercise"
    says "$how" "make handout COMMITTED=1"
    [[ ! -e handout.tar.gz ]]
  done
  # The directory holds the committed text again, and the index still the solution.
  git -C clone show "HEAD:$exercise" > "clone/$exercise"
  start index clone/scripts/handout "$DIR/handout.tar.gz"
  finish index 1
  says index "$exercise"
  start gradescope clone/scripts/handout --to "$DIR"
  finish gradescope 1
  [[ ! -e handout.tar.gz && ! -e crates ]]
}

@test "a new file, a removed one and another name of one are told too" {
  cloned
  touch "clone/crates/exercises/fix-pipe-eof/src/mine.rs" "clone/notes.txt"
  rm "clone/crates/exercises/chat/src/lib.rs"
  git -C clone mv README.md READ.md
  start handout clone/scripts/handout "$DIR/handout.tar.gz"
  finish handout 1
  for name in crates/exercises/fix-pipe-eof/src/mine.rs crates/exercises/chat/src/lib.rs README.md READ.md; do
    says handout "$name"
  done
  # No file of an exercise, and nothing that git knows.
  run ! grep notes.txt "$LOGS/handout.err"
  # What is not packed may differ.
  git -C clone reset --quiet --hard
  rm -r "clone/crates/exercises/fix-pipe-eof/src/mine.rs"
  echo >> clone/tests/handout.bats
  start again clone/scripts/handout "$DIR/handout.tar.gz"
  finish again
}

@test "COMMITTED=1 packs the last commit: never the solution in the directory" {
  cloned
  solution "clone/$exercise"
  git -C clone add "$exercise"
  solution "clone/crates/exercises/fix-sigpipe/src/main.rs"
  solution "clone/crates/exercises/fix-pipe-eof/src/mine.rs"
  start handout make -C clone handout COMMITTED=1 "OUT=$DIR/handout.tar.gz"
  finish handout
  tar -xzf handout.tar.gz
  git -C clone show "HEAD:$exercise" | cmp - "ipc-lab/$exercise"
  [[ ! -e ipc-lab/crates/exercises/fix-pipe-eof/src/mine.rs ]]
  run ! grep -rqF "The last write end there is" ipc-lab
}

@test "in the handout make demo, make exercise-NAME and make test work" {
  long_form
  packed
  tar -xzf handout.tar.gz
  local DEADLINE=2400
  # bats and make of this run must not reach into that one.
  local clean=(env -u IPC_LAB_BIN -u IPC_LAB_TOOLS -u MAKEFLAGS -u LONG "CARGO_TARGET_DIR=$DIR/target")
  for target in demo-fifo exercise-fix-pipe-eof test; do
    start "$target" "${clean[@]}" make -C ipc-lab "$target"
    finish "$target" || return
  done
  grep -qE '^Score: [0-9]+/10$' "$LOGS/exercise-fix-pipe-eof.out"
  grep -qE '^[0-9]+ passed, 0 failed' "$LOGS/test.out"
}

@test "the autograder for Gradescope: unpacked as there, it grades" {
  long_form
  "$BIN/ipc-grade" canary 2> /dev/null | grep -qE 'level [12]' || skip "no isolation here: make doctor"
  command -v zip unzip > /dev/null || skip "zip or unzip is not installed"
  # Where submissions are graded under another uid, that one has to reach the project.
  chmod 711 .
  mkdir hidden
  # bats would take a line that begins with @test for one of this file.
  printf 'load ../exercise\n%stest "[4] hidden" { false; }\n' @ > hidden/fix-pipe-eof.bats
  local DEADLINE=300
  cloned
  CARGO_TARGET_DIR=$(dirname "$BIN") start pack clone/scripts/gradescope "$DIR/g.zip" "$DIR/hidden" fix-pipe-eof
  finish pack
  mkdir -p autograder/source autograder/submission/fix-pipe-eof/src
  unzip -q g.zip -d autograder/source
  # Both stand at the root of the archive, and can be run.
  [[ -x autograder/source/setup.sh && -x autograder/source/run_autograder ]]
  bash -n autograder/source/setup.sh
  run ! grep -rqF "The last write end there is" autograder/source
  cp "$ROOT/tests/submissions/reference/fix-pipe-eof/src/main.rs" autograder/submission/fix-pipe-eof/src/
  local UNDER=(env "AUTOGRADER=$DIR/autograder" "CARGO_TARGET_DIR=$(dirname "$BIN")"
    "CARGO_HOME=${CARGO_HOME:-$HOME/.cargo}" "RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}")
  start run autograder/source/run_autograder
  finish run
  grep -qx '  "score": 10,' autograder/results/results.json
  [[ $(grep -c '"max_score"' autograder/results/results.json) == 6 ]]
  [[ $(grep -c '"after_published"' autograder/results/results.json) == 1 ]]
}

@test "bad arguments: one error that says what to do" {
  start gradescope "$ROOT/scripts/gradescope" g.zip ""
  finish gradescope 1
  says gradescope "which exercises?"
}
