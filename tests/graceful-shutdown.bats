#!/usr/bin/env bats
load harness

# shellcheck disable=SC2016  # the inner shell's arguments
# write_into FIFO TEXT: fails, and does not wait for ever, if nobody reads.
write_into() { timeout "$DEADLINE" sh -c 'printf "%s\n" "$2" > "$1"' sh "$@"; }

# status_of SIGNAL: what the shell reports when a program has died of it.
status_of() { echo $((128 + $(kill -l "$1"))); }

# blocked_in NAME CALL: its main thread is in that system call.
blocked_in() {
  local number
  case $(uname -m).$2 in
    x86_64.open) number=257 ;;
    x86_64.read) number=0 ;;
    aarch64.open) number=56 ;;
    aarch64.read) number=63 ;;
  esac
  [[ $(cut -d' ' -f1 "/proc/${PID[$1]}/syscall") == "$number" ]]
}

# handled NAME: no signal is pending any more.
handled() { grep -q '^ShdPnd:[[:space:]]*0*$' "/proc/${PID[$1]}/status"; }

@test "lines are printed, then it ends and the FIFO is gone" {
  start waiting graceful-shutdown graceful_fifo
  wait_for waiting "Blocked in open"
  write_into graceful_fifo $'hello\nworld'
  finish waiting
  same_output waiting
  silent waiting
  [[ ! -e graceful_fifo ]]
}

@test "README: the transcript is what happens" {
  start_as_in_readme graceful-shutdown graceful-shutdown graceful_fifo
  wait_for graceful-shutdown "Blocked in open"
  stop graceful-shutdown INT
  finish graceful-shutdown 130
  # The test's FIFO is not in /tmp; the ^C is the terminal's echo.
  sed -i 's#/tmp/##' "$LOGS/graceful-shutdown.shown"
  same_as_in_readme graceful-shutdown
}

@test "a signal while blocked in open: the FIFO is removed, the shell sees the signal" {
  for signal in INT TERM HUP INT; do # each run also shows that the one before left nothing
    start waiting graceful-shutdown fifo
    wait_until test -p fifo
    wait_until blocked_in waiting open
    [[ $(stat -c %a fifo) == 600 ]]
    stop waiting $signal
    finish waiting "$(status_of $signal)"
    says waiting "SIG$signal: the FIFO is removed"
    [[ ! -e fifo ]]
  done
}

@test "a signal while blocked in read" {
  for signal in INT TERM; do
    start waiting graceful-shutdown fifo
    wait_for waiting "Blocked in open"
    start_typing writer$signal sh -c 'exec cat > fifo'
    type_in writer$signal "one"
    wait_for waiting "Received: one"
    wait_until blocked_in waiting read
    stop waiting $signal
    finish waiting "$(status_of $signal)"
    [[ ! -e fifo ]]
    end_of_input writer$signal
    finish writer$signal
  done
}

@test "a signal at a random moment leaves nothing: 100 starts" {
  for ((i = 0; i < $(rounds 100); i++)); do
    ((i % 2)) && signal=INT || signal=TERM
    start waiting graceful-shutdown fifo
    # TERM at any moment from the start on; INT is ignored by a background job of bash until
    # the program has been started.
    if [[ $signal == INT ]]; then wait_for waiting "Blocked in open"; fi
    seq $((RANDOM * 10)) > pause # 0 to 5 ms
    stop waiting "$signal"
    finish waiting "$(status_of "$signal")"
    [[ ! -e fifo ]]
  done
}

@test "a signal that comes before the program reads its arguments" {
  # Pending and blocked from the very start: taken as soon as sigwait is called.
  # shellcheck disable=SC2016  # the inner shell's arguments
  start waiting env --block-signal=TERM sh -c 'kill -s TERM $$ && exec "$@"' \
    sh "$BIN/graceful-shutdown" fifo
  finish waiting 143
  says waiting "SIGTERM: the FIFO is removed"
  [[ ! -e fifo ]]
}

@test "SIGINT ends it even if its parent had it ignored" {
  start waiting env --ignore-signal=INT "$BIN/graceful-shutdown" fifo
  wait_for waiting "Blocked in open"
  stop waiting INT
  finish waiting 130
  [[ ! -e fifo ]]
}

@test "Ctrl-Z and fg: it goes on waiting" {
  start waiting graceful-shutdown fifo
  wait_until blocked_in waiting open
  stop waiting STOP
  stop waiting CONT
  write_into fifo hello
  finish waiting
  grep -qx "Received: hello" "$LOGS/waiting.out"
}

@test "--flag: a signal has no effect while blocked in open; afterwards the flag is seen" {
  for signal in INT TERM; do
    start waiting graceful-shutdown --flag fifo
    wait_until blocked_in waiting open
    stop waiting $signal
    wait_until handled waiting
    wait_until blocked_in waiting open
    [[ -p fifo ]]
    # shellcheck disable=SC2016  # the inner shell's argument
    timeout "$DEADLINE" sh -c ': > "$1"' sh fifo # opening it is enough
    finish waiting 0
    run ! grep Received "$LOGS/waiting.out"
    [[ ! -e fifo ]]
  done
}

@test "--flag without a signal: lines are printed" {
  start waiting graceful-shutdown --flag graceful_fifo
  wait_for waiting "Blocked in open"
  write_into graceful_fifo $'hello\nworld'
  finish waiting
  same_output waiting
  [[ ! -e graceful_fifo ]]
}

@test "--flag: Ctrl-\\ ends it and leaves the FIFO, which the next run takes over" {
  ulimit -c 0
  start waiting graceful-shutdown --flag fifo
  wait_until blocked_in waiting open
  stop waiting QUIT
  finish waiting 131
  [[ -p fifo ]]
  start waiting graceful-shutdown fifo
  wait_until blocked_in waiting open
  stop waiting INT
  finish waiting 130
  [[ ! -e fifo ]]
}

@test "kill -9 leaves the FIFO, the next run takes it over" {
  start waiting graceful-shutdown fifo
  wait_until blocked_in waiting open
  stop waiting KILL
  finish waiting 137
  [[ -p fifo ]]
  start waiting graceful-shutdown fifo
  wait_for waiting "Blocked in open"
  write_into fifo hello
  finish waiting
  [[ ! -e fifo ]]
}

@test "twice at once: who finds that the other has removed the FIFO says so" {
  start one graceful-shutdown fifo
  wait_for one "Blocked in open"
  start two graceful-shutdown fifo
  wait_for two "Blocked in open"
  stop one
  finish one 143
  says one "SIGTERM: the FIFO is removed"
  stop two
  finish two 143
  says two "SIGTERM: somebody else has removed the FIFO"
}

@test "bad paths: one error that names the call and the path; nothing is touched" {
  echo precious > file
  mkdir folder
  ln -s file link
  for flag in "" --flag; do
    run_to_end graceful-shutdown 1 $flag missing/fifo
    one_error graceful-shutdown "mkfifo missing/fifo: ENOENT"
    run_to_end graceful-shutdown 1 $flag file
    one_error graceful-shutdown "file is a regular file, left as it is"
    run_to_end graceful-shutdown 1 $flag folder
    one_error graceful-shutdown "folder is a directory"
    run_to_end graceful-shutdown 1 $flag link
    one_error graceful-shutdown "link is a symbolic link"
  done
  [[ $(cat file) == precious && -d folder && -L link ]]
}

@test "another user's FIFO is refused" {
  mkfifo fifo
  foreign fifo
  run_to_end graceful-shutdown 1 fifo
  one_error graceful-shutdown "fifo is a FIFO of another user"
  rm fifo
}

@test "bad arguments, and --help" {
  run_to_end graceful-shutdown 2 --wrong
  says graceful-shutdown "unexpected argument '--wrong'"
  run_to_end graceful-shutdown 2 one two
  run_to_end graceful-shutdown 0 --help
  grep -qF "/tmp/graceful_fifo" "$LOGS/graceful-shutdown.out"
}

@test "output that nobody reads: no panic, and the FIFO is removed" {
  for flag in "" --flag; do
    start_unread unread graceful-shutdown $flag fifo
    finish unread 141
    silent unread
    [[ ! -e fifo ]]
  done
}
