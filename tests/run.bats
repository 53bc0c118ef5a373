#!/usr/bin/env bats
# make demo, make run-NAME and make list: what they share is scripts/lessons.bash.
load harness

# A tmux server of our own: the one of the person at this terminal is left alone. It and all that it
# starts are this test's processes, and do not keep what bats reads from open.
tmux_here() { IPC_LAB_TEST=$DIR tmux -S "$LOGS/tmux" "$@" 3>&- 4>&-; }

# What make run-fifo makes has a name that anyone may use: after a failure it goes only if it is ours.
teardown_file() { [[ ! -e $BATS_FILE_TMPDIR/ours ]] || rm -f /tmp/example_fifo; }

screen() { tmux_here capture-pane -p -t seat; }

shows() { [[ $(screen) == *"$1"* ]]; }

@test "the lesson table, the packages and the test files are the same lessons" {
  source "$ROOT/scripts/lessons.bash"
  printf '%s\n' "${LESSONS[@]}" | sort > table
  (cd "$ROOT/crates/examples" && printf '%s\n' *) > packages
  diff table packages
  for lesson in "${LESSONS[@]}"; do
    [[ -f $ROOT/tests/$lesson.bats ]]
    [[ -f $ROOT/crates/examples/$lesson/README.md ]]
    grep -qF "crates/examples/$lesson)" "$ROOT/README.md"
    for program in ${PROGRAMS[$lesson]}; do [[ -x $BIN/$program ]]; done
  done
}

@test "every page has its parts" {
  for page in "$ROOT"/crates/examples/*/README.md; do
    echo "$page"
    if grep -qx '## Predict, then try' "$page"; then # in two layers
      printf '## %s\n' "By hand" "Rules" "The mechanism" "Predict, then try" "From mechanism to program" \
        "Run it" "You should see" "What the kernel saw" "From C to Rust" "Break it" "Check yourself" > parts
    else
      printf '## %s\n' "Run it" "You should see" "What the kernel saw" "Read the code" "From C to Rust" "Break it" "Clean up" > parts
    fi
    diff parts <(grep '^## ' "$page")
  done
}

@test "make demo-fifo labels both ends" {
  NO_COLOR=1 start demo "$ROOT/scripts/demo" fifo
  finish demo
  grep -qxF 'writer | Writer: Done.' "$LOGS/demo.out"
  grep -qxF 'reader | Received: world' "$LOGS/demo.out"
}

@test "an unknown lesson is named" {
  for script in demo run; do
    start unknown "$ROOT/scripts/$script" no-such-lesson
    finish unknown 2
    says unknown "There is no lesson 'no-such-lesson'"
  done
}

@test "make run-fifo without a terminal says what to paste where" {
  start run "$ROOT/scripts/run" fifo
  finish run
  grep -qF 'cargo run -q --bin fifo-writer' "$LOGS/run.out"
  grep -qF 'cargo run -q --bin fifo-reader' "$LOGS/run.out"
}

@test "make run-fifo: two panes, typed in, Ctrl-C in one of them" {
  command -v tmux || skip "tmux is not installed"
  [[ ! -e /tmp/example_fifo ]] || skip "/tmp/example_fifo is in use"
  touch "$BATS_FILE_TMPDIR/ours"
  # A terminal with the panes in it: tmux in tmux. Its shells read nobody's ~/.bashrc.
  tmux_here new-session -d -s seat -x 150 -y 24 \
    "env -u TMUX SHELL=/bin/sh TMUX_TMPDIR='$DIR' '$ROOT/scripts/run' fifo"
  wait_until shows "Writer: FIFO opened"
  wait_until shows "Reader: FIFO opened"
  tmux_here send-keys -t seat "hello there" Enter
  wait_until shows "Received: hello there"
  tmux_here send-keys -t seat C-c
  wait_until shows "Reader: Done."
  [[ ! -e /tmp/example_fifo ]]
  TMUX_TMPDIR=$DIR tmux kill-server
  tmux_here kill-server || true # it may have ended with the last pane
  wait_until gone
  rm -rf "$DIR"/tmux-*
}

@test "every lesson's program answers --help, and refuses what it does not take" {
  source "$ROOT/scripts/lessons.bash"
  local program programs
  mapfile -t programs < <(tr ' ' '\n' <<< "${PROGRAMS[*]}" | sort -u)
  ((${#programs[@]} > 35))
  for program in "${programs[@]}"; do
    run_to_end "$program" 0 --help
    grep -q "^Usage: $program" "$LOGS/$program.out"
    silent "$program"
    run_to_end "$program" 2 --wrong
    says "$program" "unexpected argument '--wrong'"
  done
}
