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

@test "with both cores busy it sees the same, many times" {
  here
  start one nice sh -c 'while :; do :; done'
  start two nice sh -c 'while :; do :; done'
  for ((i = 0; i < $(rounds 50); i++)); do
    run_to_end fifo-open-modes 0
    same_output fifo-open-modes
  done
  for busy in one two; do
    stop $busy
    finish $busy 143
  done
}

@test "a row says what was seen: here every probing open fails" {
  here
  strace -o trace true 2> /dev/null || skip "strace may not trace here"
  # Counted in each thread; the loader does without the file that fails to open first.
  start fifo-open-modes strace -f -qq -o trace -e trace=openat -e inject=openat:error=EPERM:when=1 \
    "$BIN/fifo-open-modes"
  finish fifo-open-modes
  [[ $(grep -c "alone: fails with EPERM; with a reader: fails with EPERM" "$LOGS/fifo-open-modes.out") == 5 ]]
  rm trace
  [[ -z $(ls) ]]
}

@test "the folder and the FIFO are this user's alone, whatever the umask" {
  here
  strace -o trace true 2> /dev/null || skip "strace may not trace here"
  umask 0
  start fifo-open-modes strace -f -qq -o trace -e trace=mkdir,mkdirat,mknod,mknodat "$BIN/fifo-open-modes"
  finish fifo-open-modes
  grep -qE 'mkdir(at)?\(.*fifo-open-modes-.*, 0700\) += 0' trace
  [[ $(grep -cE 'mknod(at)?\(.*fifo-open-modes-.*, S_IFIFO\|0600\) += 0' trace) == 5 ]]
}

@test "stopped and continued (Ctrl-Z, fg) it sees the same" {
  here
  for ((i = 0; i < 10; i++)); do
    start fifo-open-modes fifo-open-modes
    while stop fifo-open-modes STOP 2> /dev/null && stop fifo-open-modes CONT 2> /dev/null; do
      grep -qsF "with ENXIO if no reader" "$LOGS/fifo-open-modes.out" && break
    done
    finish fifo-open-modes
    same_output fifo-open-modes
    silent fifo-open-modes
  done
}

@test "two at once do not meet" {
  here
  start one fifo-open-modes
  start two fifo-open-modes
  for name in one two; do
    finish $name
    same_output $name
  done
}

@test "a signal at any moment leaves nothing" {
  here
  for ((i = 0; i < $(rounds 200); i++)); do
    ((i % 2)) && signal=INT || signal=TERM
    start fifo-open-modes fifo-open-modes
    # Half of them before anything is made, or while it is.
    ((i % 4 < 2)) || wait_for fifo-open-modes "Mode"
    stop fifo-open-modes "$signal" || true
    status=0
    wait "${PID[fifo-open-modes]}" || status=$?
    ((status == 0 || status == 128 + $(kill -l "$signal")))
    [[ -z $(ls) ]]
  done
}

@test "no permission in the folder for temporary files" {
  mkdir closed
  chmod 0 closed
  export TMPDIR=$DIR/closed
  start_unprivileged fifo-open-modes fifo-open-modes
  finish fifo-open-modes 1
  one_error fifo-open-modes "mkdtemp $DIR/closed/fifo-open-modes-"
}

@test "output that nobody reads: no panic, nothing left" {
  here
  start_unread fifo-open-modes fifo-open-modes
  finish fifo-open-modes 141
  silent fifo-open-modes
  [[ -z $(ls) ]]
}
