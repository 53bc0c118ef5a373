#!/usr/bin/env bats
load harness

segment() { awk 'FNR > 1 { print $2 }' /proc/sysvipc/shm; }

@test "the writer, then the reader" {
  run_to_end sysv-shm-writer 0
  [[ $(awk 'FNR > 1 { print $3, $4 }' /proc/sysvipc/shm) == "600 1024" ]]
  run_to_end sysv-shm-reader 0
  same_output sysv-shm-writer
  same_output sysv-shm-reader
  silent sysv-shm-writer
  [[ -z $(segment) ]]
}

@test "the reader alone names the writer within 5 s" {
  local DEADLINE=5
  run_to_end sysv-shm-reader 1
  one_error sysv-shm-reader "no shared memory here: start sysv-shm-writer first"
}

@test "the reader just before the writer" {
  start reader sysv-shm-reader
  run_to_end sysv-shm-writer 0
  finish reader
  same_output reader
}

@test "README: the transcript is what happens" {
  start_as_in_readme sysv-shm sysv-shm-writer
  finish sysv-shm-writer
  start_as_in_readme sysv-shm sysv-shm-reader
  finish sysv-shm-reader
  same_as_in_readme sysv-shm-writer
  same_as_in_readme sysv-shm-reader
}

@test "started at the same instant: the whole text or nothing" {
  for ((i = 0; i < ${RACES:-$(rounds 50)}; i++)); do
    start reader sysv-shm-reader
    start writer sysv-shm-writer
    finish writer
    finish reader
    same_output reader
  done
}

@test "an empty segment: the writer was killed before it wrote" {
  ipcmk_here 1024
  run_to_end sysv-shm-reader 1
  one_error sysv-shm-reader "is empty: start sysv-shm-writer first"
  run_to_end sysv-shm-writer 0
  run_to_end sysv-shm-reader 0
  same_output sysv-shm-reader
}

# ipcmk_here SIZE: a segment under this folder's key, made by somebody else's program.
ipcmk_here() { "$BIN/examples/make-segment" . "$1"; }

@test "a text that nobody has read is written over" {
  run_to_end sysv-shm-writer 0
  run_to_end sysv-shm-writer 0
  run_to_end sysv-shm-reader 0
  same_output sysv-shm-reader
}

@test "a segment of another size is never taken over, and its maker is named" {
  for size in 48 4096; do
    ipcmk_here $size
    for program in sysv-shm-writer sysv-shm-reader; do
      run_to_end $program 1
      one_error $program "has $size bytes and not 1024"
      says $program "ipcrm -m $(segment)"
    done
    ((size != 48)) ||
      says sysv-shm-reader "the lesson producer-consumer made it. Left as it is: remove it (ipcrm -m $(segment), or make clean-ipc)"
    [[ $(awk 'FNR > 1 { print $4 }' /proc/sysvipc/shm) == "$size" ]]
    ipcrm -m "$(segment)"
  done
}

@test "another user's segment is refused and left" {
  touch probe
  foreign probe
  chmod 755 .
  cp "$BIN/sysv-shm-writer" .
  local UNDER=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  start theirs ./sysv-shm-writer
  finish theirs
  UNDER=()
  for program in sysv-shm-writer sysv-shm-reader; do
    run_to_end $program 1
    one_error $program "belongs to another user (uid 65534), left as it is"
    start_unprivileged denied $program
    finish denied 1
  done
  [[ -n $(segment) ]]
  ipcrm -m "$(segment)"
}

@test "the segment removed under the reader" {
  ipcmk_here 1024
  start reader sysv-shm-reader
  wait_until attached
  ipcrm -m "$(segment)"
  finish reader 1
  one_error reader "start sysv-shm-writer first"
}
attached() { [[ $(awk 'FNR > 1 { print $7 }' /proc/sysvipc/shm) == 1 ]]; }

@test "stopped and continued while the reader waits" {
  start reader sysv-shm-reader
  for ((i = 0; i < $(rounds 30); i++)); do
    stop reader STOP
    stop reader CONT
  done
  run_to_end sysv-shm-writer 0
  finish reader
  same_output reader
}

@test "a signal while the reader waits; the writer's segment stays" {
  ipcmk_here 1024
  for signal in INT TERM KILL; do
    start reader sysv-shm-reader
    wait_until attached
    stop reader $signal
    finish reader $((128 + $(kill -l $signal)))
  done
  run_to_end sysv-shm-writer 0
  run_to_end sysv-shm-reader 0
  same_output sysv-shm-reader
}

@test "bad arguments, and --help" {
  for program in sysv-shm-writer sysv-shm-reader; do
    run_to_end $program 1 missing
    one_error $program "ftok(missing, 'S'): ENOENT"
    run_to_end $program 2 --wrong
    run_to_end $program 0 --help
    grep -qF "ftok(DIR, 'S')" "$LOGS/$program.out"
  done
}

@test "output that nobody reads: no panic, and the writer leaves nothing" {
  start_unread writer sysv-shm-writer
  finish writer 141
  silent writer
  [[ -z $(segment) ]]
  run_to_end sysv-shm-writer 0
  # Now the segment is there already, and not this writer's to remove.
  start_unread writer sysv-shm-writer
  finish writer 141
  silent writer
  start_unread reader sysv-shm-reader
  finish reader 141
  run_to_end sysv-shm-reader 0
}
