#!/usr/bin/env bats
load harness

# A page is the least that a pipe holds, and on most machines 4,096 bytes.
needs_small_pages() { [[ $(getconf PAGESIZE) == 4096 ]] || skip "pages of $(getconf PAGESIZE) bytes"; }

@test "one call moves a part, the loop moves all" {
  needs_small_pages
  run_to_end partial-io 0
  same_output partial-io
  silent partial-io
}

@test "README: the transcript is what happens" {
  needs_small_pages
  start_as_in_readme partial-io partial-io
  finish partial-io
  same_as_in_readme partial-io
}

@test "30 runs print the same: nothing depends on who is faster" {
  needs_small_pages
  for ((i = 0; i < $(rounds 30); i++)); do
    "$BIN/partial-io" >> printed
    cat "$ROOT/tests/expected/partial-io.txt" >> expected
  done
  cmp printed expected
}

@test "EINTR really happens, in our calls and in those of std" {
  needs_strace
  # The program alone, without its peers.
  start partial-io strace -qq -e trace=read,write -o "$LOGS/trace" "$BIN/partial-io"
  finish partial-io
  diff "$ROOT/tests/expected/partial-io.txt" "$LOGS/partial-io.out"
  # Twice five reads, and of twice three writes those that had moved nothing.
  (($(grep -cE '^read\(.*= \? ERESTARTSYS' "$LOGS/trace") == 10))
  (($(grep -cE '^write\(.*, 6144\) += \? ERESTARTSYS' "$LOGS/trace") == 4))
  (($(grep -cE '^write\(.*, 10240\) += 4096$' "$LOGS/trace") == 4))
  (($(grep -cE '^--- SIGUSR1 ' "$LOGS/trace") == 16))
}

@test "it looks, and does not recite: with SIGUSR1 blocked one write is enough" {
  needs_small_pages
  local UNDER=(env --block-signal=USR1)
  run_to_end partial-io 0
  grep -qx '  one write of 10240 bytes: 10240 bytes' "$LOGS/partial-io.out"
  run ! grep EINTR "$LOGS/partial-io.out"
  (($(grep -c 'taken 10240 bytes, as they were sent' "$LOGS/partial-io.out") == 2))
}

@test "a write that returns 0 is an error and no endless loop; any other error is told too" {
  needs_small_pages
  needs_strace
  # No file does it on request: strace answers in the kernel's place, once write_all writes.
  while IFS='|' read -r injected why; do
    start partial-io strace -qq -o "$LOGS/trace" -e trace=write \
      -e "inject=write:$injected:when=9" "$BIN/partial-io"
    finish partial-io 1
    one_error partial-io "write to the pipe: stopped after 0 bytes: $why"
    grep -qE '^write\(.*, 6144\) += .*\(INJECTED\)' "$LOGS/trace"
    wait_until gone
  done << EOF
retval=0|write returned 0
error=EIO|EIO: I/O error
EOF
}

@test "the peer killed half-way: an error, and no process is left" {
  needs_strace
  for when in 1 3 5; do
    # The peer is killed when it calls kill for the first, third or fifth time.
    start partial-io strace -f -qq -o "$LOGS/trace" -e trace=kill \
      -e inject=kill:signal=KILL:when=$when "$BIN/partial-io"
    finish partial-io 1
    one_error partial-io "the child failed: process "
    says partial-io "was killed by SIG"
    wait_until gone
  done
}

@test "Ctrl-C, kill and kill -9, at whatever moment, leave no process behind" {
  for signal in INT TERM KILL; do
    for ((i = 0; i < 5; i++)); do
      start partial-io partial-io
      ((i == 0)) || wait_for partial-io "5 bytes to read"
      # It may have ended before the signal comes.
      stop partial-io "$signal" || true
      wait "${PID[partial-io]}" || true
      wait_until gone
      silent partial-io
    done
  done
}

@test "stopped and continued (Ctrl-Z, fg) all the time, child and parent, it prints the same" {
  needs_small_pages
  local pid child end=$((SECONDS + DEADLINE))
  for ((i = 0; i < 5; i++)); do
    start partial-io partial-io
    pid=${PID[partial-io]}
    while kill -0 "$pid" 2> /dev/null && ((SECONDS <= end)); do
      child=
      read -r child < "/proc/$pid/task/$pid/children" || true
      # shellcheck disable=SC2086  # no word if there is no child
      kill -STOP $child "$pid" || true
      # shellcheck disable=SC2086
      kill -CONT $child "$pid" || true
    done 2> /dev/null
    finish partial-io
    same_output partial-io
    silent partial-io
  done
}

@test "output that nobody reads: no panic" {
  start_unread partial-io partial-io
  finish partial-io 141
  silent partial-io
  wait_until gone
}

@test "output to a full disk is an error" {
  FULL=1 start partial-io partial-io
  finish partial-io 1
  says partial-io "write to standard output: No space left on device"
}
