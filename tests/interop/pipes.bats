#!/usr/bin/env bats
# Our programs with the tutorial's C programs at the other end, both with default arguments.
# Run by `make interop`, which compiles the C programs into $TUTORIAL_C.
load ../harness

# the LANGUAGE PROGRAM: how `start` finds it.
the() { [[ $1 == rust ]] && echo "$2" || echo "$TUTORIAL_C/$2"; }

# prints NAME: what the program of that name prints, in whichever language it is.
prints() { same_output "$1" "$ROOT/tests/expected/$1.txt"; }

@test "single programs print in Rust what they print in C" {
  touch a.txt b.txt c.rs
  for program in fork-isolation pipe pipeline pipe-bidirectional; do
    for language in c rust; do
      echo "$program: $language"
      start $program "$(the $language $program)"
      finish $program
      prints $program
    done
  done
}

@test "fifo: every pair, the writer first" {
  for writer in c rust; do
    for reader in c rust; do
      echo "writer: $writer, reader: $reader"
      # A C program's output to a file is empty until it exits.
      UNDER=(stdbuf -oL)
      start_typing fifo-writer "$(the $writer fifo-writer)"
      wait_for fifo-writer "Opening FIFO"
      start fifo-reader "$(the $reader fifo-reader)"
      for line in hello world three; do
        type_in fifo-writer $line
        wait_for fifo-reader "Received: $line"
      done
      end_of_input fifo-writer
      finish fifo-writer
      finish fifo-reader
      prints fifo-writer
      prints fifo-reader
      [[ ! -e /tmp/example_fifo ]]
      rm "$LOGS/fifo-writer.keys"
    done
  done
}

@test "logger: every pair with a Rust program in it" {
  for pair in "rust rust" "rust c" "c rust"; do
    read -r service app <<< "$pair"
    echo "service: $service, app: $app"
    rm -f system.log
    start logger-service "$(the "$service" logger-service)"
    wait_until test -p /tmp/logpipe
    start logger-app "$(the "$app" logger-app)"
    finish logger-app
    wait_until grep -qs "Processing complete" system.log
    grep -q "Application started" system.log
    stop logger-service
    finish logger-service "$([[ $service == rust ]] && echo 0 || echo 143)"
    rm -f /tmp/logpipe # the C service leaves it
  done
}
