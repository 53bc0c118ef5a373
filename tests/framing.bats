#!/usr/bin/env bats
load harness

@test "merged and torn without frames, whole with them" {
  run_to_end framing 0
  same_output framing
  silent framing
}

@test "README: the transcript is what happens" {
  start_as_in_readme framing framing
  finish framing
  same_as_in_readme framing
}

@test "100 runs print the same: no piece depends on who is faster" {
  for ((i = 0; i < $(rounds 100); i++)); do
    "$BIN/framing" >> printed
    cat "$ROOT/tests/expected/framing.txt" >> expected
  done
  cmp printed expected
}

@test "it looks at the socket, and does not recite: the reads of 8 bytes are in the trace" {
  needs_strace
  start traced strace -f -e trace=socketpair,recvfrom,sendto -o trace "$BIN/framing"
  finish traced
  # Four children: each one has a socket pair of its own.
  (($(grep -cF 'socketpair(AF_UNIX, SOCK_STREAM' trace) == 4))
  grep -qF '"HelloWor", 8, ' trace
  # Each frame is one write: the length, then the payload.
  grep -qF '"\0\0\0\5Hello", 9, ' trace
  # A length above the limit: nothing is read after the header.
  grep recvfrom trace | tail -n 1 | grep -qF '"GET ", 4, '
}

@test "stopped and continued (Ctrl-Z, fg) it prints the same" {
  for ((i = 0; i < $(rounds 20); i++)); do
    start framing framing
    stop framing STOP || true
    stop framing CONT || true
    finish framing
    same_output framing
  done
}

@test "output that nobody reads: no panic" {
  start_unread framing framing
  finish framing 141
  wait_until gone
  silent framing
}

@test "output to a full disk is an error" {
  FULL=1 start framing framing
  finish framing 1
  says framing "write to standard output: No space left on device"
}
