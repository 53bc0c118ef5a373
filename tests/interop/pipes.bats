#!/usr/bin/env bats
# fork, pipes, FIFOs and the logger, with the tutorial's C programs.
load ../harness
load languages

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

@test "fifo: the first layers with the C programs" {
  UNDER=(stdbuf -oL)
  start_typing fifo-writer "$(the c fifo-writer)"
  wait_for fifo-writer "Opening FIFO"
  start first-fifo-reader "$(the first fifo-reader)"
  for line in hello world three; do
    type_in fifo-writer $line
    wait_for first-fifo-reader "Received: $line"
  done
  end_of_input fifo-writer
  finish fifo-writer
  finish first-fifo-reader
  prints fifo-writer
  prints first-fifo-reader

  start_typing first-fifo-writer "$(the first fifo-writer)"
  wait_until test -p /tmp/example_fifo
  start fifo-reader "$(the c fifo-reader)"
  for line in hello world three; do
    type_in first-fifo-writer $line
    wait_for fifo-reader "Received: $line"
  done
  end_of_input first-fifo-writer
  finish first-fifo-writer
  finish fifo-reader
  prints first-fifo-writer
  prints fifo-reader
  [[ ! -e /tmp/example_fifo ]]
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
