#!/usr/bin/env bats
# The server with threads, with the tutorial's C programs, on port 8080.
load ../harness
load languages

crowd_of_two() { # SERVER CLIENT
  start threaded-server "$1"
  wait_for threaded-server "listening on port 8080"
  start_typing one "$2"
  wait_for threaded-server "New client connected: 4"
  start_typing two "$2"
  wait_for threaded-server "New client connected: 5"
  type_in two "from two"
  wait_for two "Echo: from two"
  type_in one "from one"
  wait_for one "Echo: from one"
  end_of_input one
  finish one
  wait_for threaded-server "Client 4 disconnected"
  type_in two "two again"
  wait_for two "Echo: two again"
  end_of_input two
  finish two
  wait_for threaded-server "Client 5 disconnected"
  # C's accept loop never ends.
  stop threaded-server
  finish threaded-server "$([[ $1 == threaded-server ]] && echo 0 || echo 143)"
  prints threaded-server
  rm "$LOGS/one.keys" "$LOGS/two.keys"
}

@test "threaded-server with tcp-echo-client: every pair" {
  needs_port_8080
  each_pair threaded-server tcp-echo-client crowd_of_two
}
