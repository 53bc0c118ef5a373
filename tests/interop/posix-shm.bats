#!/usr/bin/env bats
# POSIX shared memory.
load ../harness
load languages

# writes_and_reads WRITER READER: both to their end.
writes_and_reads() {
  start posix-shm-writer "$1"
  finish posix-shm-writer
  prints posix-shm-writer
  start posix-shm-reader "$2"
  finish posix-shm-reader
  prints posix-shm-reader
  [[ ! -e /dev/shm/myshm ]]
}

@test "posix-shm: every pair" {
  [[ ! -e /dev/shm/myshm ]] || skip "/dev/shm/myshm is in use"
  each_pair posix-shm-writer posix-shm-reader writes_and_reads
}

# The same over a segment that the other language has left.
takes_over() {
  start left "$2"
  finish left
  writes_and_reads "$1" "$(the rust posix-shm-reader)"
}

@test "posix-shm: the segment that one language left, the other one takes over" {
  [[ ! -e /dev/shm/myshm ]] || skip "/dev/shm/myshm is in use"
  each_pair posix-shm-writer posix-shm-writer takes_over
}
