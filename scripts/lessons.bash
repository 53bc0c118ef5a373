# shellcheck shell=bash
# The lessons in the tutorial's order: what `make list`, `make demo` and `make run-NAME` know of
# them. Sourced by those scripts.
#
#   lesson NAME "SECTION" "PROGRAM..." "WHAT TO LOOK FOR" "LABEL: COMMAND"...
#
# NAME is the package, PROGRAM... its binaries in the order in which to start them. The commands
# are the demo: each runs in the same empty folder and starts once the one before has printed
# something. A label that ends in `&` is a service: it gets SIGTERM when the others have ended.
# $PORT is a free port.

# shellcheck disable=SC2016,SC2034  # commands for another shell; used by the scripts that source this
LESSONS=()
declare -A SECTION PROGRAMS LOOK DEMO
# Labels of a demo whose commands only look at what came of it: a trace leaves them out.
declare -A ASIDE=([logger]=log)

lesson() {
  LESSONS+=("$1")
  SECTION[$1]=$2
  PROGRAMS[$1]=$3
  LOOK[$1]=$4
  DEMO[$1]=$(printf '%s\n' "${@:5}")
}

# known NAME: says so and fails if there is no such lesson.
known() {
  [[ -n ${PROGRAMS[$1]:-} ]] && return
  echo "There is no lesson '$1'. The lessons: ${LESSONS[*]}" >&2
  return 1
}

# A port that nobody uses now.
free_port() {
  local port
  while port=$((20000 + RANDOM)); do
    grep -qi "$(printf ':%04X ' "$port")" /proc/net/{tcp,tcp6,udp,udp6} || break
  done
  echo "$port"
}

lesson fork-isolation "The Process Isolation Problem" "fork-isolation" \
  "the child changes the variable, the parent's copy stays as it was" \
  "fork-isolation: fork-isolation"

lesson pipe "The Fork-and-Pipe Pattern" "pipe" \
  "the child prints what its parent has written into the pipe" \
  "pipe: pipe"

lesson pipe-behavior "Blocking, closing ends, no boundaries, buffer size" "pipe-behavior" \
  "what a pipe does when it is empty, when it is full, and when an end stays open" \
  "pipe-behavior: pipe-behavior"

lesson sigpipe "SIGPIPE Signal" "sigpipe" \
  "the same write kills one child and only fails in the other" \
  "sigpipe: sigpipe"

lesson pipeline "Command Pipeline" "pipeline" \
  "the output of one command is the input of the next; no shell is involved" \
  "default: touch notes.txt data.txt code.rs; pipeline" \
  "other: pipeline -- ls -l '|' wc -l" \
  "capture: pipeline --capture"

lesson pipe-bidirectional "Bidirectional Communication with Two Pipes" "pipe-bidirectional" \
  "one pipe for each direction: the message comes first, then the answer" \
  "pipe-bidirectional: pipe-bidirectional"

lesson fifo "Named pipes: writer, reader" "fifo-writer fifo-reader" \
  "the writer waits in open until the reader comes; then the lines cross over" \
  "writer: printf 'hello\nworld\n' | fifo-writer fifo" \
  "reader: fifo-reader fifo"

lesson fifo-open-modes "Opening Behavior" "fifo-open-modes" \
  "which open waits, which returns at once, and which fails with ENXIO, as this kernel does it" \
  "fifo-open-modes: fifo-open-modes"

lesson logger "Logger Service" "logger-service logger-app" \
  "the applications print nothing: what they say stands in the log, one timestamp a line" \
  "service&: logger-service --fifo logpipe --log system.log" \
  "app: logger-app --fifo logpipe" \
  'log: until grep -q complete system.log; do :; done; cat system.log'

lesson sysv-msgq "System V queue: Priority Message System" "sysv-msgq-sender sysv-msgq-receiver" \
  "sent low, medium, high; received high, medium, low, because the receiver asks by type" \
  "sender: sysv-msgq-sender" \
  "receiver: sysv-msgq-receiver"

lesson sysv-msgq-types "Message Type Filtering" "sysv-msgq-types" \
  "0 takes the first of all, 5 the first of type 5, -5 the lowest type up to 5" \
  "sysv-msgq-types: sysv-msgq-types"

lesson posix-msgq "POSIX Message Queues" "posix-msgq-sender posix-msgq-receiver" \
  "the queue is a name; the highest priority comes first, whatever was sent first" \
  'sender: posix-msgq-sender /demo-$PPID -m 1:low -m 9:high -m 5:middle' \
  'receiver: posix-msgq-receiver /demo-$PPID --count 3'

lesson sysv-shm "System V Shared Memory" "sysv-shm-writer sysv-shm-reader" \
  "the writer has ended when the reader starts: the segment is still there" \
  "writer: sysv-shm-writer" \
  "reader: sysv-shm-reader"

lesson shm-race "The Synchronization Problem" "shm-race" \
  "increments get lost; with a semaphore, and with an atomic, none does" \
  "shm-race: shm-race"

lesson sysv-sem "Synchronization with Semaphores (P, V)" "sysv-sem" \
  "the child waits until the parent's V; a dead process's P is undone" \
  "sysv-sem: sysv-sem"

lesson producer-consumer "Producer-Consumer" "producer consumer" \
  "the faster one waits for the slower one, and the items come out in order" \
  "producer: producer --items 12 --delay-ms 20" \
  "consumer: consumer --items 12 --delay-ms 40"

lesson posix-shm "POSIX Shared Memory" "posix-shm-writer posix-shm-reader" \
  "shared memory with a name, which the reader removes" \
  'writer: posix-shm-writer /demo-$PPID' \
  'reader: posix-shm-reader /demo-$PPID'

lesson unix-echo "Unix Domain Sockets" "unix-echo-server unix-echo-client" \
  "each line comes back over the same descriptor" \
  "server: unix-echo-server my_socket" \
  "client: printf 'hello\nworld\n' | unix-echo-client my_socket"

lesson tcp-echo "TCP Network Sockets" "tcp-echo-server tcp-echo-client" \
  "the same conversation; the address is an IP address and a port" \
  'server: tcp-echo-server 127.0.0.1:$PORT' \
  'client: printf "hello\nworld\n" | tcp-echo-client 127.0.0.1:$PORT'

lesson threaded-server "Multi-Client Server with Threads" "threaded-server tcp-echo-client" \
  "each client gets a thread of its own: two comes and goes while one is connected" \
  'server&: threaded-server 127.0.0.1:$PORT' \
  'one: mkfifo gate; { echo hello; read -r line < gate; echo "$line"; } | tcp-echo-client 127.0.0.1:$PORT' \
  'two: printf "good\nmorning\n" | tcp-echo-client 127.0.0.1:$PORT; echo world > gate'

lesson udp-echo "SOCK_DGRAM, AF_INET6" "udp-echo-server udp-echo-client" \
  "no connection: each line is a message of its own, here over IPv6" \
  'server&: udp-echo-server [::1]:$PORT' \
  'client: printf "hello\nworld\n" | udp-echo-client [::1]:$PORT'

lesson framing "Length prefix against incomplete messages" "framing" \
  "the same messages, torn and merged without a frame, whole with one" \
  "framing: framing"

lesson cleanup "Error Handling, Resource Cleanup" "cleanup" \
  "an error on each step in turn, and nothing is left; then the ends of a program that leave something" \
  "cleanup: cleanup"

lesson partial-io "Partial Reads/Writes" "partial-io" \
  "one read brings a byte, one write a page, a signal breaks into both; the loop moves all" \
  "partial-io: partial-io"

lesson graceful-shutdown "Signal Handling" "graceful-shutdown" \
  "it is blocked in open, gets SIGTERM all the same, and its FIFO is gone afterwards" \
  'blocked: graceful-shutdown graceful_fifo & echo $! > pid; wait $!; echo "exit status $?; left: $(ls -I pid)"' \
  'kill: ls -l graceful_fifo; kill -s TERM "$(cat pid)"'

lesson deadlock "Avoid Deadlocks" "deadlock" \
  "two processes that wait for each other, the kernel's picture of it, and two ways without" \
  "deadlock: deadlock"

lesson timeouts "Use Timeouts (semtimedop, SO_RCVTIMEO)" "timeouts" \
  "each call is back after 100 ms, and each has its own way to say that the time is up" \
  "timeouts: timeouts"
