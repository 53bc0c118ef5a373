# shellcheck shell=bash
# Our programs with the tutorial's C programs at the other end, both with default arguments:
# run by `make interop`, which compiles the C programs into $TUTORIAL_C.

# the LANGUAGE PROGRAM: how `start` finds it; `first` is the first layer in Rust.
the() {
  case $1 in
    rust) echo "$2" ;;
    first) echo "$BIN/examples/first-$2" ;;
    c) echo "$TUTORIAL_C/$2" ;;
  esac
}

# prints NAME: what the program of that name prints, in whichever language it is.
prints() { same_output "$1" "$ROOT/tests/expected/$1.txt"; }

# each_pair FIRST SECOND FUNCTION: calls FUNCTION with the two programs in every combination of
# languages, C with C too, for that shows that the expected output is the tutorial's.
each_pair() {
  local first second
  for first in c rust; do
    for second in c rust; do
      echo "$1: $first, $2: $second"
      # A C program's output to a file is empty until it exits.
      UNDER=(stdbuf -oL)
      "$3" "$(the $first "$1")" "$(the $second "$2")"
    done
  done
}

# needs_port_8080: the C programs know no other port, and test files run side by side: the port
# is this test's alone until the test ends.
needs_port_8080() {
  exec {PORT_8080}> "$RESULTS/port-8080.lock"
  flock "$PORT_8080"
  ! grep -qi ':1F90 [0-9A-F:]* 0A ' /proc/net/tcp || skip "port 8080 is taken"
}
