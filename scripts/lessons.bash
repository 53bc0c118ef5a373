# shellcheck shell=bash
# The lessons in the tutorial's order: what `make list`, `make demo` and `make run-NAME` know of
# them. Sourced by those scripts.
#
#   lesson NAME "SECTION" "PROGRAM..." "WHAT TO LOOK FOR" "LABEL: COMMAND"...
#
# NAME is the package, PROGRAM... its binaries in the order in which to start them. The commands
# are the demo: each runs in the same empty folder and starts once the one before has printed
# something. A label that ends in `&` is a service: it gets SIGTERM when the others have ended.

# shellcheck disable=SC2016,SC2034  # commands for another shell; used by the scripts that source this
LESSONS=()
declare -A SECTION PROGRAMS LOOK DEMO

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

lesson graceful-shutdown "Signal Handling" "graceful-shutdown" \
  "it is blocked in open, gets SIGTERM all the same, and its FIFO is gone afterwards" \
  'blocked: graceful-shutdown graceful_fifo & echo $! > pid; wait $!; echo "exit status $?; left: $(ls -I pid)"' \
  'kill: ls -l graceful_fifo; kill -s TERM "$(cat pid)"'
