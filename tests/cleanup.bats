#!/usr/bin/env bats
load harness

# Where the program makes its folder.
here() { export TMPDIR=$DIR; }

# same_but_for_the_name: what was printed, but for the letters that mkdtemp chose.
same_but_for_the_name() {
  sed -i -E 's/cleanup-[A-Za-z0-9]{6}\b/cleanup-XXXXXX/g' "$LOGS/cleanup.out"
  same_output cleanup
}

# nothing_left: neither here nor in /dev/shm.
nothing_left() {
  [[ -z $(ls) ]] || { ls; return 1; }
  inventory | diff "$LOGS/inventory.before" -
}

@test "an error on each step in turn, an end of each kind, and nothing is left" {
  here
  run_to_end cleanup 0
  same_but_for_the_name
  # All that goes to standard error is the error that a drop met.
  [[ $(wc -l < "$LOGS/cleanup.err") == 1 ]]
  says cleanup "/fifo: ENOENT: No such file or directory"
  nothing_left
}

@test "README: the transcript is what happens" {
  here
  start_as_in_readme cleanup cleanup
  finish cleanup
  # The test's folder is not in /tmp, and its letters are others.
  sed -i -E -e "s#$DIR/##g; s#/tmp/##g" -e 's/cleanup-[A-Za-z0-9]{6}\b/cleanup-XXXXXX/g' \
    "$LOGS/cleanup.shown" "$LOGS/cleanup.out"
  same_as_in_readme cleanup
}

@test "the failures are the kernel's, and each thing is made and removed by a call" {
  here
  needs_strace
  start cleanup strace -f -qq -o "$LOGS/trace" \
    -s 200 -e trace=execve,mknod,mknodat,openat,bind,unlink,unlinkat "$BIN/cleanup"
  finish cleanup
  grep -qE 'mknod(at)?\(.*/fifo", S_IFIFO\|0600\) = -1 EEXIST' "$LOGS/trace"
  grep -qE 'openat\(.*/fifo", O_RDONLY\|O_NONBLOCK\|O_CLOEXEC\) = -1 EMFILE' "$LOGS/trace"
  grep -qE 'bind\(.*/socket"\}, [0-9]+\) = -1 EADDRINUSE' "$LOGS/trace"
  grep -qE 'openat\(.*"/dev/shm/cleanup-.*O_EXCL.*\) = -1 EEXIST' "$LOGS/trace"
  grep -qE 'unlink\(.*/fifo"\) += -1 ENOENT' "$LOGS/trace"
  # The seven ends are those of seven programs.
  (($(grep -cE 'execve\(.*"--end"' "$LOGS/trace") == 7))
  for signal in SIGABRT SIGTERM SIGKILL; do grep -qF "+++ killed by $signal" "$LOGS/trace"; done
  nothing_left
}

@test "it looks, and does not claim: an unlink that only seems to succeed is seen" {
  here
  needs_strace
  # strace answers 0 in the kernel's place. Three unlinks clear the first obstacle away, the fourth
  # is a guard's.
  start cleanup strace -qq -o "$LOGS/trace" -e trace=unlink -e inject=unlink:retval=0:when=4 "$BIN/cleanup"
  finish cleanup
  [[ $(grep -c "there before: nothing; there now: fifo" "$LOGS/cleanup.out") == 1 ]]
  nothing_left
}

@test "each end by hand: its status, and what is left" {
  local how status left
  while read -r how status left; do
    echo "$how"
    run_to_end cleanup "$status" --end "$how" fifo
    silent cleanup
    [[ $(ls) == "$left" ]]
    [[ -z $left ]] || { [[ -p fifo && $(stat -c %a fifo) == 600 ]]; rm fifo; }
  done << EOF
return 0
exit 0 fifo
panic 101
abort 134 fifo
sigterm 143 fifo
sigterm-thread 143
sigkill-thread 137 fifo
EOF
}

@test "SIGABRT leaves no core file" {
  ulimit -c unlimited || skip "core files are forbidden here"
  run_to_end cleanup 134 --end abort fifo
  [[ $(ls) == fifo ]]
  rm fifo
}

@test "started with SIGTERM blocked or ignored" {
  here
  local UNDER=(env --block-signal=TERM)
  run_to_end cleanup 0
  same_but_for_the_name
  UNDER=(env --ignore-signal=TERM)
  run_to_end cleanup 0
  # Who ignores SIGTERM is not killed by it, but a thread can still wait for it.
  says cleanup "SIGTERM has not ended this program: its parent had it ignored"
  grep -qE '^sigterm +exit status: 1 +nothing$' "$LOGS/cleanup.out"
  grep -qE '^sigterm-thread +signal: 15 \(SIGTERM\) +nothing$' "$LOGS/cleanup.out"
  nothing_left
}

@test "bad paths: one error that names the call and the path; nothing is touched" {
  echo precious > file
  mkdir folder
  for how in return exit panic abort sigterm; do
    run_to_end cleanup 1 --end $how missing/fifo
    one_error cleanup "mkfifo missing/fifo: ENOENT"
    run_to_end cleanup 1 --end $how file
    one_error cleanup "mkfifo file: EEXIST"
    says cleanup "If an earlier run left it: rm file"
    run_to_end cleanup 1 --end $how folder
    one_error cleanup "mkfifo folder: EEXIST"
  done
  for how in sigterm-thread sigkill-thread; do
    run_to_end cleanup 1 --end $how missing/fifo
    one_error cleanup "mkfifo missing/fifo: ENOENT"
    run_to_end cleanup 1 --end $how file
    one_error cleanup "file is a regular file, left as it is"
  done
  [[ $(cat file) == precious && -d folder ]]
}

@test "no permission in the folder for temporary files" {
  mkdir closed
  chmod 0 closed
  export TMPDIR=$DIR/closed
  start_unprivileged cleanup cleanup
  finish cleanup 1
  one_error cleanup "mkdtemp $DIR/closed/cleanup-XXXXXX: EACCES"
}

@test "few descriptors are free: the error is told where it comes, and nothing is left" {
  here
  local UNDER few said
  while IFS='|' read -r few said; do
    UNDER=(prlimit "--nofile=$few" --)
    run_to_end cleanup 1
    one_error cleanup ": EMFILE: Too many open files"
    grep -q "^Error: $said" "$LOGS/cleanup.err"
    nothing_left
  done << EOF
4|bind $DIR/cleanup-
5|shm_open /cleanup-
EOF
}

@test "bad arguments, and --help" {
  run_to_end cleanup 2 --wrong
  says cleanup "unexpected argument '--wrong'"
  run_to_end cleanup 2 --end never
  says cleanup "[possible values: return, exit, panic, abort, sigterm, sigterm-thread, sigkill-thread]"
  run_to_end cleanup 2 fifo
  says cleanup "--end <HOW>"
  run_to_end cleanup 0 --help
  grep -qF "/tmp/cleanup_fifo" "$LOGS/cleanup.out"
  nothing_left
}

@test "two at once do not meet" {
  here
  start cleanup cleanup
  start other cleanup
  finish other
  finish cleanup
  same_but_for_the_name
  nothing_left
}

@test "stopped and continued (Ctrl-Z, fg) it prints the same" {
  here
  for ((i = 0; i < 5; i++)); do
    start cleanup cleanup
    shake cleanup
    finish cleanup
    same_but_for_the_name
    nothing_left
  done
}

@test "a signal at any moment leaves nothing" {
  here
  for ((i = 0; i < $(rounds 30); i++)); do
    ((i % 2)) && signal=INT || signal=TERM
    start cleanup cleanup
    case $((i % 3)) in # from the start on, among the steps, among the ends
      1) wait_for cleanup "there before" ;;
      2) wait_for cleanup "How a program ends" ;;
    esac
    seq $((RANDOM / 4)) > "$LOGS/pause" # 0 to 1 ms
    stop cleanup "$signal" || true
    status=0
    wait "${PID[cleanup]}" || status=$?
    ((status == 0 || status == 128 + $(kill -l "$signal")))
    nothing_left
  done
}

no_descriptor() {
  read -r "PID[limited]" _ < "/proc/${PID[cleanup]}/task/${PID[cleanup]}/children" || true # no newline
  grep -qs '^Max open files  *0 ' "/proc/${PID[limited]}/limits"
} 2> /dev/null

@test "a signal while no descriptor is free: the clean-up needs none" {
  here
  needs_strace
  local call
  strace -qq -o "$LOGS/calls" -e trace=prlimit64 "$BIN/cleanup" > /dev/null 2>&1
  call=$(awk '/rlim_cur=0,/ { print NR; exit }' "$LOGS/calls")
  # The call that sets the limit takes 3 s to return, and the signal comes in that time.
  start cleanup strace -f -qq -o "$LOGS/trace" -e trace=prlimit64 \
    -e "inject=prlimit64:delay_exit=3000000:when=$call" "$BIN/cleanup"
  wait_until no_descriptor
  stop limited TERM
  finish cleanup 143
  run ! grep -v '^strace: ' "$LOGS/cleanup.err"
  nothing_left
}

@test "kill -9: what the page says removes the rest" {
  here
  for ((i = 0; i < 10; i++)); do
    start cleanup cleanup
    wait_for cleanup "there before"
    stop cleanup KILL || true
    wait "${PID[cleanup]}" || true
    wait_until gone # an end that has been started goes on to its end
    rm -rf cleanup-* /dev/shm/cleanup-*
  done
  nothing_left
}

@test "output that nobody reads: no panic, nothing left" {
  here
  start_unread cleanup cleanup
  finish cleanup 141
  silent cleanup
  nothing_left
}

@test "output to a full disk is an error, and nothing is left" {
  here
  FULL=1 start cleanup cleanup
  finish cleanup 1
  says cleanup "write to standard output: No space left on device"
  nothing_left
}
