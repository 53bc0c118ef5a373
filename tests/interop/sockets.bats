#!/usr/bin/env bats
# Sockets, with the tutorial's C programs: on port 8080 and at /tmp/my_socket.
load ../harness
load languages

talk() { # SERVER CLIENT: their names are those of the expected outputs
  start "$1" "$3"
  wait_for "$1" "Server listening"
  start_typing "$2" "$4"
  for line in hello world three; do
    type_in "$2" $line
    wait_for "$2" "cho: $line"
  done
  end_of_input "$2"
  finish "$2"
  finish "$1"
  prints "$1"
  prints "$2"
  rm "$LOGS/$2.keys"
}

unix() { talk unix-echo-server unix-echo-client "$1" "$2"; }
tcp() { talk tcp-echo-server tcp-echo-client "$1" "$2"; }

@test "unix-echo: every pair" {
  each_pair unix-echo-server unix-echo-client unix
}

@test "tcp-echo: every pair" {
  ! grep -qi ':1F90 [0-9A-F:]* 0A ' /proc/net/tcp || skip "port 8080 is taken"
  each_pair tcp-echo-server tcp-echo-client tcp
}
