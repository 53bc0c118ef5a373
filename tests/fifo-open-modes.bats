#!/usr/bin/env bats
load harness

# Where the program makes its folder.
here() { export TMPDIR=$DIR; }

@test "the tutorial's table is what this kernel does" {
  here
  run_to_end fifo-open-modes 0
  same_output fifo-open-modes
  silent fifo-open-modes
  [[ -z $(ls) ]]
}

@test "the behaviour stands in the tutorial's words" {
  here
  run_to_end fifo-open-modes 0
  [[ $(grep -c -e "Blocks until a process opens FIFO for writing" \
    -e "Blocks until a process opens FIFO for reading" \
    -e "Opens immediately (not recommended - can cause issues)" \
    -e "Opens immediately, returns valid fd" \
    -e "Opens immediately if reader exists; fails with ENXIO if no reader" \
    "$LOGS/fifo-open-modes.out") == 5 ]]
}

@test "README: the transcript is what happens" {
  here
  start_as_in_readme fifo-open-modes fifo-open-modes
  finish fifo-open-modes
  same_as_in_readme fifo-open-modes
}

@test "with both cores busy it sees the same, 20 times" {
  here
  sh -c 'while :; do :; done' & one=$!
  sh -c 'while :; do :; done' & two=$!
  for ((i = 0; i < 20; i++)); do
    run_to_end fifo-open-modes 0
    same_output fifo-open-modes
  done
  kill "$one" "$two"
}

@test "a signal at any moment leaves nothing" {
  here
  for ((i = 0; i < 40; i++)); do
    ((i % 2)) && signal=INT || signal=TERM
    start fifo-open-modes fifo-open-modes
    wait_for fifo-open-modes "Mode"
    stop fifo-open-modes $signal || true
    status=0
    wait "${PID[fifo-open-modes]}" || status=$?
    ((status == 0 || status == 128 + $(kill -l $signal)))
    [[ -z $(ls) ]]
  done
}

@test "no permission in the folder for temporary files" {
  mkdir closed
  chmod 0 closed
  export TMPDIR=$DIR/closed
  start_unprivileged fifo-open-modes fifo-open-modes
  finish fifo-open-modes 1
  one_error fifo-open-modes "mkdir $DIR/closed/fifo-open-modes-"
}

@test "output that nobody reads: no panic, nothing left" {
  here
  start_unread fifo-open-modes fifo-open-modes
  finish fifo-open-modes 141
  silent fifo-open-modes
  [[ -z $(ls) ]]
}
