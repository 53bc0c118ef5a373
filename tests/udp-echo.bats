#!/usr/bin/env bats
load harness

input=$BATS_FILE_TMPDIR/input
setup_file() { printf 'hello\nworld\nthree\n' > "$BATS_FILE_TMPDIR/input"; }

serve() {
  start server udp-echo-server "${1:-127.0.0.1:0}"
  PORT=$(port_of server)
}

end_server() {
  stop server
  finish server
}

@test "the server, then the client" {
  serve
  start client udp-echo-client "127.0.0.1:$PORT" < "$input"
  finish client
  end_server
  same_output server
  same_output client
  silent server
}

@test "README: the transcript is what happens" {
  start_as_in_readme udp-echo udp-echo-server 127.0.0.1:0
  start_as_in_readme udp-echo udp-echo-client "127.0.0.1:$(port_of udp-echo-server)"
  finish udp-echo-client
  stop udp-echo-server INT
  finish udp-echo-server
  same_as_in_readme udp-echo-server
  same_as_in_readme udp-echo-client
}

@test "IPv6" {
  needs_ipv6
  serve '[::1]:0'
  start client udp-echo-client "[::1]:$PORT" < "$input"
  finish client
  end_server
  same_output server
}

@test "datagrams keep their boundaries: empty ones, and long ones up to the limit" {
  serve
  { echo; head -c 60000 /dev/zero | tr '\0' a; echo; echo b; } > lines
  start client udp-echo-client "127.0.0.1:$PORT" < lines
  finish client
  end_server
  tail -n +2 "$LOGS/client.out" | sed 's/^Echo: //' | cmp - lines
  tail -n +2 "$LOGS/server.out" | sed 's/^Received: //' | cmp - lines
}

@test "two sends are two receives, even if both wait to be read" {
  serve
  freeze server
  exec {client}> "/dev/udp/127.0.0.1/$PORT"
  printf one >&"$client"
  printf two >&"$client"
  stop server CONT
  wait_for server "Received: two"
  exec {client}>&-
  end_server
  grep -qx 'Received: one' "$LOGS/server.out"
  grep -qx 'Received: two' "$LOGS/server.out"
}

@test "bytes that are no UTF-8 come back as they are" {
  serve
  printf 'a\xff\xfe\0b\n\xc3\n' > bytes
  start client udp-echo-client "127.0.0.1:$PORT" < bytes
  finish client
  end_server
  tail -n 2 "$LOGS/client.out" | cmp - <(sed 's/^/Echo: /' bytes)
  tail -n 2 "$LOGS/server.out" | cmp - <(sed 's/^/Received: /' bytes)
}

@test "standard input that is empty or unreadable" {
  serve
  start client udp-echo-client "127.0.0.1:$PORT" < /dev/null
  finish client
  start client udp-echo-client "127.0.0.1:$PORT" < "$DIR"
  finish client 1
  one_error client "read stdin: EISDIR"
  end_server
}

@test "a datagram that is too long is an error that says so" {
  serve
  head -c 70000 /dev/zero | tr '\0' a > line
  start client udp-echo-client "127.0.0.1:$PORT" < line
  finish client 1
  one_error client "send 70000 bytes: EMSGSIZE"
  end_server
}

@test "the client alone names the server" {
  serve
  end_server
  start client udp-echo-client "127.0.0.1:$PORT" < "$input"
  finish client 1
  one_error client "nobody receives on 127.0.0.1:$PORT: start udp-echo-server first"
}

@test "no echo comes: the client gives up and names the server" {
  # A server that is stopped receives, but does not answer.
  serve
  freeze server
  start client udp-echo-client "127.0.0.1:$PORT" < "$input"
  finish client 1
  one_error client "no echo from 127.0.0.1:$PORT within 2s: start udp-echo-server first"
  # Ctrl-Z and fg, again and again, do not make it wait longer.
  start client udp-echo-client "127.0.0.1:$PORT" < "$input"
  local end=$((SECONDS + DEADLINE))
  while stop client STOP 2> /dev/null; do
    wait_until frozen client
    stop client CONT 2> /dev/null || break
    ((SECONDS <= end)) || { echo "still waiting after $DEADLINE s"; return 1; }
  done
  finish client 1
  one_error client "no echo from 127.0.0.1:$PORT within 2s"
  stop server CONT
  end_server
}

@test "several clients at once, and one that is killed, do not disturb the server" {
  serve
  start_typing killed udp-echo-client "127.0.0.1:$PORT"
  type_in killed one
  wait_for killed "Echo: one"
  stop killed KILL
  finish killed 137
  for client in a b c; do start $client udp-echo-client "127.0.0.1:$PORT" < "$input"; done
  for client in a b c; do
    finish $client
    same_output $client
  done
  stop server INT
  finish server 0
}

@test "the server killed half-way: the client says so, and the next server takes the same port" {
  serve
  start_typing client udp-echo-client "127.0.0.1:$PORT"
  type_in client one
  wait_for client "Echo: one"
  stop server KILL
  finish server 137
  type_in client two
  finish client 1
  one_error client "start udp-echo-server first"
  end_of_input client
  serve "127.0.0.1:$PORT"
  end_server
}

@test "stopped and continued while they talk" {
  serve
  seq 500 > lines
  start client udp-echo-client "127.0.0.1:$PORT" < lines
  shake server client
  finish client
  end_server
  sed -nE 's/^Echo: //p' "$LOGS/client.out" | cmp - lines
}

@test "bad arguments, and --help" {
  serve
  run_to_end udp-echo-server 1 "127.0.0.1:$PORT"
  one_error udp-echo-server "bind 127.0.0.1:$PORT: EADDRINUSE"
  says udp-echo-server "ss -lunp"
  end_server
  for program in udp-echo-server udp-echo-client; do
    run_to_end $program 2 nonsense
    run_to_end $program 2 --wrong
    run_to_end $program 0 --help
    grep -qF "127.0.0.1:8080" "$LOGS/$program.out"
  done
}

@test "output that nobody reads: no panic" {
  start_unread server udp-echo-server 127.0.0.1:0
  finish server 141
  serve
  start_unread client udp-echo-client "127.0.0.1:$PORT" < "$input"
  finish client 141
  silent client
  end_server
}
