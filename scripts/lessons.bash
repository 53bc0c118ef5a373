# shellcheck shell=bash
# The lessons in the tutorial's order: what `make list`, `make demo` and `make run-NAME` know of
# them. Sourced by those scripts.
#
#   lesson NAME "SECTION" "PROGRAM..." "WHAT TO LOOK FOR" "LABEL: COMMAND"...
#
# NAME is the package, PROGRAM... its binaries in the order in which to start them. The commands
# are the demo: each runs in the same empty folder and starts once the one before has printed
# something. A label that ends in `&` is a service: it gets SIGTERM when the others have ended.

# shellcheck disable=SC2034  # used by the scripts that source this
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

lesson pipe-bidirectional "Bidirectional Communication with Two Pipes" "pipe-bidirectional" \
  "one pipe for each direction: the message comes first, then the answer" \
  "pipe-bidirectional: pipe-bidirectional"

lesson fifo "Named pipes: writer, reader" "fifo-writer fifo-reader" \
  "the writer waits in open until the reader comes; then the lines cross over" \
  "writer: printf 'hello\nworld\n' | fifo-writer fifo" \
  "reader: fifo-reader fifo"
