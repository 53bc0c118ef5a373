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

# half_lines SERVER CLIENT: a C client sends a long line in pieces and waits for each one's echo.
half_lines() {
  local server
  { printf '%03000d\n' 1; printf last; } > lines
  for server in c rust; do
    echo "server: $server"
    UNDER=(stdbuf -oL)
    start server "$(the $server "$1")"
    wait_for server "Server listening"
    start client "$(the c "$2")" < lines
    finish client
    finish server
    tail -n +2 "$LOGS/client.out" | sed -E 's/(Server echo|Echo): //g' | cmp - lines
  done
  # Ours says so once for each line; C once for each recv.
  tail -n 2 "$LOGS/server.out" | cmp - <(sed 's/^/Received: /' lines)
}

@test "the C clients wait for the echo of half a line" {
  half_lines unix-echo-server unix-echo-client
  needs_port_8080
  half_lines tcp-echo-server tcp-echo-client
}

@test "unix-echo: every pair" {
  each_pair unix-echo-server unix-echo-client unix
}

@test "tcp-echo: every pair" {
  needs_port_8080
  each_pair tcp-echo-server tcp-echo-client tcp
}
