#!/usr/bin/env bats
load harness

# shellcheck source=scripts/lessons.bash
source "$ROOT/scripts/lessons.bash"

PATH=$BIN:$PATH

setup_file() { strace -o /dev/null true 2> /dev/null || export SKIP_ALL="strace may not trace here"; }

# traced NAME OPTION...: ipc-trace, without colours and as wide as it likes.
traced() {
  start "$1" ipc-trace --width 200 "${@:2}"
  finish "$1"
}

# shown NAME TEXT...: the picture has these, in this order.
shown() {
  local name=$1 text from=1 line
  shift
  for text in "$@"; do
    line=$(tail -n "+$from" "$LOGS/$name.out" | grep -nF -m 1 -- "$text" | cut -d: -f1)
    [[ -n $line ]] || { echo "not shown, or not in this order: $text"; show "$name"; return 1; }
    from=$((from + line))
  done
}

@test "a picture of every lesson, without manual help (LONG=1: of each, else of one a mechanism)" {
  local DEADLINE=90 # shm-race makes 100,000 system calls, and strace stops at each
  for lesson in "${LESSONS[@]}"; do
    # The short form draws one lesson of each mechanism.
    [[ -n ${LONG:-} || $lesson == @(pipeline|fifo|sysv-msgq|posix-msgq|sysv-sem|posix-shm|unix-echo|udp-echo) ]] || continue
    start "$lesson" "$ROOT/scripts/trace" "$lesson"
    finish "$lesson" || return
    grep -qF '┬' "$LOGS/$lesson.out" || { show "$lesson"; return 1; }
    grep -qE '┴ (exits with 0|is killed by)' "$LOGS/$lesson.out" || { show "$lesson"; return 1; }
  done
}

@test "fork, a pipe, waitpid: who woke whom" {
  traced pipe -- pipe
  shown pipe "┬ pipe " "pipe() = 3, 4" "fork() = " "Hello from parent!" \
    'prints "Child received: Hello from parent!' "exits with 0" "exits with 0"
  grep -qE '═+▶. read(\(3 pipe\))? = 18 "Hello from parent!"' "$LOGS/pipe.out"
  grep -qE 'waitpid.* ◀═+╡' "$LOGS/pipe.out"
}

@test "two programs: the open that sleeps, the open that wakes it, the bytes" {
  traced fifo -- sh -c 'printf "hello\n" | exec fifo-writer fifo' --and fifo-reader fifo
  shown fifo "mkfifo(fifo)" "┏ open(fifo, O_WRONLY)" "open(fifo, O_RDONLY)" "┗ open = 3 after" \
    'write(3 FIFO fifo, "hello\n")' 'prints "Received: hello\n"'
}

@test "an arrow for each message of a queue" {
  traced queue -- sysv-msgq-sender --and sysv-msgq-receiver
  # The receiver starts once the queue is there: the first message may be there then, or wake it.
  local level
  for level in High Medium Low; do
    grep -qE "═▶(├ msgrcv\(queue [0-9]+, type [123]\)|┗ msgrcv) = [0-9]+ \"$level priority message\"" "$LOGS/queue.out" ||
      { echo "no arrow for the message: $level"; show queue; return 1; }
  done
}

@test "as SVG and as Mermaid" {
  traced svg --svg fifo.svg --stage "w: printf 'a\n' | fifo-writer fifo" --stage "r: fifo-reader fifo"
  says svg "fifo.svg: open it in a browser"
  grep -qF "<svg xmlns=" fifo.svg
  grep -qF "prefers-color-scheme: dark" fifo.svg
  # Every element that is opened is closed.
  [[ $(grep -o '<text' fifo.svg | wc -l) == "$(grep -o '</text>' fifo.svg | wc -l)" ]]
  [[ $(grep -c 'class="arrow' fifo.svg) -ge 2 ]]

  traced mermaid --mermaid --stage "w: printf 'a\n' | fifo-writer fifo" --stage "r: fifo-reader fifo"
  shown mermaid "sequenceDiagram" "participant P0 as fifo-writer" 'P0->>P1: write, read: "a\n"'
}

@test "a picture ends where it is told to" {
  traced cut --mermaid --until "Child received" -- pipe
  shown cut "participant P1 as pipe 2" 'P0->>P1: write, read: "Hello from parent!"'
  run ! grep -F "prints" "$LOGS/cut.out"
  run_to_end ipc-trace 1 --until "no such text" -- pipe
  one_error ipc-trace 'says "no such text" (--until)'
}

@test "a log is kept and drawn again" {
  traced first --save log -- pipe
  compgen -G 'log.*' > /dev/null
  traced again --log log
  diff <(grep -A 99 ' ms$' "$LOGS/first.out") "$LOGS/again.out"
  run_to_end ipc-trace 1 --log missing
  one_error ipc-trace "missing: no log of strace is there"
}

@test "what carried the data: the mechanism, and no other" {
  for name in sender receiver; do
    start $name strace -ff -ttt -T -yy -s 256 -o $name.log "$BIN/sysv-msgq-$name"
    finish $name
  done
  start carried ipc-trace --log sender.log --log receiver.log --carried sysv-msgq --from sender.log --to receiver.log
  finish carried
  [[ $(grep -c "bytes: .* priority message" "$LOGS/carried.out") == 3 ]]
  start other ipc-trace --log sender.log --log receiver.log --carried fifo
  finish other
  [[ ! -s $LOGS/other.out ]]
  start common ipc-trace --log sender.log --log receiver.log --common
  finish common
  grep -q '^queue [0-9]' "$LOGS/common.out"
}

@test "a hang: process, call, object, who holds the other end, since when; the programs clean up" {
  traced hang --limit 1 -- fifo-writer fifo
  grep -qE '^fifo-writer \(process [0-9]+\) is blocked in open\(fifo, O_WRONLY\) for [0-9.]+ s: nobody has it open for reading$' "$LOGS/hang.out"
  [[ ! -e fifo ]]
  traced hang --limit 1 -- sysv-msgq-receiver
  grep -qE 'is blocked in msgrcv\(queue [0-9]+\) for [0-9.]+ s: the queue holds no message of type 3; no other process has used it$' "$LOGS/hang.out"
}

@test "a process that hangs already is explained by /proc, and traced for a moment" {
  start writer fifo-writer fifo
  wait_for writer "Opening FIFO"
  wait_until asleep writer
  traced attached --attach "${PID[writer]}" --limit 1
  grep -qF "fifo-writer (process ${PID[writer]}) is blocked in open(fifo, O_WRONLY): nobody has it open for reading" "$LOGS/attached.out"
  stop writer
  finish writer 143
  run_to_end ipc-trace 1 --attach 4194304
  one_error ipc-trace "there is no process 4194304"
}

@test "who waits at a POSIX queue is told which, and why" {
  local queue=/ipc-lab-trace-$$
  start receiver posix-msgq-receiver $queue
  wait_until asleep receiver
  run_to_end ipc-trace 1 --explain 4194305 # more than a pid may be: proc(5), pid_max
  one_error ipc-trace "there is no process 4194305"
  start computes sh -c 'while :; do :; done'
  run_to_end ipc-trace 0 --explain "${PID[computes]}"
  says ipc-trace "process ${PID[computes]} is not blocked in a call"
  stop computes KILL
  finish computes 137
  run_to_end ipc-trace 0 --explain "${PID[receiver]}"
  grep -qE "posix-msgq-rece \(process ${PID[receiver]}\) is blocked in mq_receive\($queue\): the queue is empty; nobody has it open for writing$" "$LOGS/ipc-trace.out"
  stop receiver
  finish receiver 143
}

# explained NAME TEXT: what that program is blocked in, asked now, says that.
explained() {
  ipc-trace --explain "${PID[$1]}" > "$LOGS/explained.out" 2>&1
  grep -qF -- "$2" "$LOGS/explained.out" || { cat "$LOGS/explained.out"; return 1; }
}

@test "who holds the lock is named, also when another process took it for him" {
  # flock(1) has ended: the lock is that of the open file, which the program after it has.
  start holder bash -c 'exec 9> lock && flock 9 && exec sleep infinity'
  wait_until grep -qx sleep "/proc/${PID[holder]}/comm"
  start waiter flock lock true
  wait_until explained waiter "is blocked in flock(3 $PWD/lock): it is locked by sleep (process ${PID[holder]}), descriptor 9"
  ipc-trace --explain "${PID[waiter]}" --svg hang.svg
  grep -qF ">sleep (${PID[holder]})<" hang.svg
  grep -qF '>holds: the lock, descriptor 9<' hang.svg
  stop holder
  finish holder 143
  finish waiter
}

@test "who has the other end of a connection is named" {
  start server tcp-echo-server 127.0.0.1:0
  start_typing client tcp-echo-client "127.0.0.1:$(port_of server)"
  wait_until explained server "the other end is that of tcp-echo-client (process ${PID[client]}), descriptor "
  end_of_input client
  finish client
  finish server

  start listener unix-echo-server socket
  wait_for listener "Server listening on socket"
  wait_until explained listener "nobody has connected"
  start_typing talker unix-echo-client socket
  wait_until explained listener "the other end is that of unix-echo-clien (process ${PID[talker]})"
  end_of_input talker
  finish talker
  finish listener
}

@test "the reader that holds its own write end is named" {
  mkfifo fifo
  # shellcheck disable=SC2016  # the inner shell's argument
  start reader bash -c 'exec 3<> fifo && echo ready && exec cat <&3'
  wait_for reader ready
  wait_until asleep reader
  traced attached --attach "${PID[reader]}" --limit 1
  grep -qE "cat \(process ${PID[reader]}\) is blocked in read\(0 .*fifo\): it is open for writing in cat \(process ${PID[reader]}\) itself, descriptor" "$LOGS/attached.out"
  stop reader
  finish reader 143
  rm fifo
}

@test "the picture of a hang: who waits, who holds, and no name in it is markup" {
  local program='<a>&"' # and the path of a FIFO
  cp "$(type -P cat)" "$program"
  mkfifo '<script>'
  # shellcheck disable=SC2016  # the inner shell's argument
  start reader bash -c 'exec 3<> "<script>" && echo ready && exec "$1" <&3' - "$DIR/$program"
  wait_for reader ready
  wait_until asleep reader
  run_to_end ipc-trace 0 --explain "${PID[reader]}" --svg hang.svg
  grep -qF "$program (process ${PID[reader]}) is blocked in read(0 " "$LOGS/ipc-trace.out"
  grep -qF ">&lt;a&gt;&amp;\" (${PID[reader]})<" hang.svg
  grep -qE '>waits: read\(0 .*/&lt;script&gt;\)<' hang.svg
  grep -qE '>holds: open for writing, descriptor [03]<' hang.svg
  run ! grep -E '<(script|a)>' hang.svg
  ! command -v xmllint > /dev/null || xmllint --noout hang.svg
  stop reader
  finish reader 143
  # Nobody waits: nothing to draw.
  run_to_end ipc-trace 1 --explain 4194304 --svg nothing.svg
  [[ ! -e nothing.svg ]]
  rm '<script>'
}

@test "Ctrl-C ends the programs and draws what happened until then" {
  start drawn ipc-trace --width 100 -- fifo-writer fifo
  wait_for drawn "Opening FIFO"
  wait_until test -p fifo
  kill -s INT "$(pgrep_test fifo-writer)" "${PID[drawn]}"
  finish drawn
  shown drawn "mkfifo(fifo)" "open(fifo, O_WRONLY)"
  [[ ! -e fifo ]]
}
# The pids of this test's processes that run that program.
pgrep_test() {
  local pid
  for pid in $(processes); do
    [[ $(cat "/proc/$pid/comm" 2> /dev/null) != "$1" ]] || echo "$pid"
  done
}

@test "the lessons' programs need not be in PATH" {
  start traced env PATH=/usr/bin:/bin "$BIN/ipc-trace" -- pipe
  finish traced
  # Not "waitpid = ": the child may have ended before its parent waits.
  grep -q 'fork() = ' "$LOGS/traced.out"
  grep -qF '├ prints "Child received: Hello from parent!\n"' "$LOGS/traced.out"
}

@test "without strace, and with bad arguments" {
  start missing env PATH=/nowhere "$BIN/ipc-trace" -- pipe
  finish missing 1
  one_error missing "strace is not installed: sudo apt-get install strace"
  run_to_end ipc-trace 1
  one_error ipc-trace "nothing to trace"
  run_to_end ipc-trace 2 --wrong
  run_to_end ipc-trace 2 --limit 0 -- pipe
  run_to_end ipc-trace 1 -- pipe --and
  one_error ipc-trace "--and stands between two commands"
  run_to_end ipc-trace 0 --help
}

@test "output that nobody reads: no panic" {
  TMPDIR=$DIR start_unread unread ipc-trace -- pipe
  finish unread 141
  silent unread
  [[ -z $(ls -A "$DIR") ]]
}
