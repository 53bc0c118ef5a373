#!/usr/bin/env bats
# POSIX shared memory: our programs with the tutorial's C programs at the other end, both with
# default arguments. Run by `make interop`, which compiles the C programs into $TUTORIAL_C.
load ../harness

# the LANGUAGE PROGRAM: how `start` finds it.
the() { [[ $1 == rust ]] && echo "$2" || echo "$TUTORIAL_C/$2"; }

# prints NAME: what the program of that name prints, in whichever language it is.
prints() { same_output "$1" "$ROOT/tests/expected/$1.txt"; }

# runs PROGRAM LANGUAGE: to its end.
runs() {
  start "$1" "$(the "$2" "$1")"
  finish "$1"
  prints "$1"
}

@test "posix-shm: every pair" {
  [[ ! -e /dev/shm/myshm ]] || skip "/dev/shm/myshm is in use"
  for writer in c rust; do
    for reader in c rust; do
      echo "writer: $writer, reader: $reader"
      runs posix-shm-writer $writer
      runs posix-shm-reader $reader
      [[ ! -e /dev/shm/myshm ]]
    done
  done
}

@test "posix-shm: the segment that one language left, the other one takes over" {
  [[ ! -e /dev/shm/myshm ]] || skip "/dev/shm/myshm is in use"
  for pair in "rust c" "c rust"; do
    read -r first second <<< "$pair"
    runs posix-shm-writer "$first"
    runs posix-shm-writer "$second"
    runs posix-shm-reader "$first"
    [[ ! -e /dev/shm/myshm ]]
  done
}
