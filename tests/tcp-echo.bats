#!/usr/bin/env bats
load harness

input=$BATS_FILE_TMPDIR/input
setup_file() { printf 'hello\nworld\nthree\n' > "$BATS_FILE_TMPDIR/input"; }

# serve [ADDR]: on a free port, whose number is $PORT then.
serve() {
  start server tcp-echo-server "${1:-127.0.0.1:0}"
  PORT=$(port_of server)
}

@test "the server, then the client" {
  serve
  start client tcp-echo-client "127.0.0.1:$PORT" < "$input"
  finish client
  finish server
  same_output server
  same_output client
  silent server
  silent client
}

@test "README: the transcript is what happens" {
  start_as_in_readme tcp-echo tcp-echo-server 127.0.0.1:0
  start_as_in_readme tcp-echo tcp-echo-client "127.0.0.1:$(port_of tcp-echo-server)"
  finish tcp-echo-client
  finish tcp-echo-server
  same_as_in_readme tcp-echo-server
  same_as_in_readme tcp-echo-client
}

@test "IPv6" {
  needs_ipv6
  serve '[::1]:0'
  start client tcp-echo-client "[::1]:$PORT" < "$input"
  finish client
  finish server
  same_output client
  grep -q '^Client connected from \[::1\]:' "$LOGS/server.out"
}

@test "the client alone names the server" {
  serve
  stop server
  finish server
  run_to_end tcp-echo-client 1 "127.0.0.1:$PORT"
  one_error tcp-echo-client "connect 127.0.0.1:$PORT: nobody listens: start tcp-echo-server first"
  says tcp-echo-client "cargo run -q --bin tcp-echo-server 127.0.0.1:$PORT)"
}

@test "the address is taken: an error that says what to do" {
  serve
  run_to_end tcp-echo-server 1 "127.0.0.1:$PORT"
  one_error tcp-echo-server "bind 127.0.0.1:$PORT: EADDRINUSE"
  says tcp-echo-server "ss -ltnp"
  stop server
  finish server
}

@test "the same port again at once, 10 times (SO_REUSEADDR)" {
  serve
  local port=$PORT
  for ((i = 0; i < 10; i++)); do
    # The server closes first when it is killed: its side then stays in TIME_WAIT.
    start_typing client tcp-echo-client "127.0.0.1:$port"
    type_in client one
    wait_for client "Echo: one"
    stop server
    finish server
    finish client 1
    end_of_input client
    rm "$LOGS/client.keys"
    serve "127.0.0.1:$port"
  done
  stop server
  finish server
}

@test "only this machine is let in" {
  serve
  grep -qi " 0100007F:$(printf %04X "$PORT") 00000000:0000 0A " /proc/net/tcp
  stop server
  finish server
}

@test "each line is echoed as it is typed, a last one without a newline too" {
  serve
  start_typing client tcp-echo-client "127.0.0.1:$PORT"
  type_in client one
  wait_for client "Echo: one"
  printf 'last' >&"${KEYBOARD[client]}"
  end_of_input client
  finish client
  finish server
  [[ $(tail -n 1 "$LOGS/client.out") == "Echo: last" ]]
}

@test "a line of 10 MiB comes back and nobody waits for ever" {
  serve
  head -c 10M /dev/zero | tr '\0' a > long
  start client tcp-echo-client "127.0.0.1:$PORT" < long
  finish client
  finish server
  # Each line has its label once, however many reads brought it.
  tail -n +2 "$LOGS/client.out" | sed 's/^Echo: //' | cmp - long
  tail -n +3 "$LOGS/server.out" | sed 's/^Received: //' | cmp - long
}

@test "half a line is echoed: the client may wait for that before it sends the rest" {
  serve
  exec {client}<> "/dev/tcp/127.0.0.1/$PORT"
  for half in 'hel' $'lo\n'; do
    printf %s "$half" >&"$client"
    IFS= read -r -t "$DEADLINE" -N ${#half} -u "$client" echoed
    [[ $echoed == "$half" ]]
  done
  exec {client}>&-
  finish server
  [[ $(tail -n 1 "$LOGS/server.out") == "Received: hello" ]]
}

@test "standard input that is closed, empty or unreadable" {
  for input in closed empty; do
    serve
    if [[ $input == closed ]]; then
      start client tcp-echo-client "127.0.0.1:$PORT" <&-
    else
      start client tcp-echo-client "127.0.0.1:$PORT" < /dev/null
    fi
    finish client
    finish server
    silent client
  done
  serve
  start client tcp-echo-client "127.0.0.1:$PORT" < "$DIR"
  finish client 1
  one_error client "read stdin: EISDIR"
  finish server
}

@test "bytes that are no UTF-8 come back as they are" {
  serve
  printf 'a\xff\xfe\0b\n\xc3\n' > bytes
  start client tcp-echo-client "127.0.0.1:$PORT" < bytes
  finish client
  finish server
  { echo "Connected to server. Type messages:"; sed 's/^/Echo: /' bytes; } | cmp - "$LOGS/client.out"
  tail -n 2 "$LOGS/server.out" | cmp - <(sed 's/^/Received: /' bytes)
}


@test "Ctrl-C ends the server with status 0, waiting or talking" {
  for signal in INT TERM; do
    serve
    stop server $signal
    finish server 0
    serve
    start_typing client tcp-echo-client "127.0.0.1:$PORT"
    wait_for server "Client connected"
    stop server $signal
    finish server 0
    finish client 1
    one_error client "the server has closed the connection"
    end_of_input client
    rm "$LOGS/client.keys"
  done
}

@test "the server killed half-way: the client says so at once" {
  serve
  start_typing client tcp-echo-client "127.0.0.1:$PORT"
  type_in client one
  wait_for client "Echo: one"
  stop server KILL
  finish server 137
  finish client 1
  one_error client "the server has closed the connection: start it again"
  end_of_input client
}

# Whether the server's connection holds bytes that it has not read: see proc(5), /proc/net/tcp.
unread() {
  awk -v port=":$(printf %04X "$PORT")" \
    'substr($2, 9) == port && $4 == "01" && $5 !~ /:00000000$/ { found = 1 } END { exit !found }' /proc/net/tcp
}

@test "the server killed before it has read all (ECONNRESET, EPIPE): the client says so once" {
  for lines in 1 200000; do
    serve
    start_typing client tcp-echo-client "127.0.0.1:$PORT"
    wait_for server "Client connected"
    freeze server
    # In the background: the client stops reading once the connection is full.
    { yes "$(printf %0100d 1)" | head -n $lines >&"${KEYBOARD[client]}"; } 2> /dev/null 3>&- 4>&- &
    wait_until unread
    stop server KILL
    finish server 137
    finish client 1
    one_error client "the server has closed the connection: start it again"
    end_of_input client
    rm "$LOGS/client.keys"
  done
}

@test "the client killed half-way: the server ends" {
  serve
  start_typing client tcp-echo-client "127.0.0.1:$PORT"
  type_in client one
  wait_for client "Echo: one"
  stop client KILL
  finish client 137
  finish server
}

@test "stopped and continued while they talk" {
  serve
  seq 2000 > lines
  start client tcp-echo-client "127.0.0.1:$PORT" < lines
  shake server client
  finish client
  finish server
  sed -nE 's/^Echo: //p' "$LOGS/client.out" | cmp - lines
}

@test "bad arguments, and --help" {
  run_to_end tcp-echo-server 1 192.0.2.1:0
  one_error tcp-echo-server "bind 192.0.2.1:0: EADDRNOTAVAIL"
  says tcp-echo-server "lists the addresses of this machine: use one of them"
  run_to_end tcp-echo-client 2 127.0.0.1:0
  says tcp-echo-client "a port above 0: the one that the server printed"
  run_to_end tcp-echo-server 2 '[fe80::1]:8080'
  says tcp-echo-server "a link-local address needs the number of its interface"
  start_unprivileged low tcp-echo-server 127.0.0.1:80
  finish low 1
  one_error low "bind 127.0.0.1:80: EACCES: only root may use a port below 1024: use one above"
  for program in tcp-echo-server tcp-echo-client; do
    run_to_end $program 2 nonsense
    says $program "invalid value 'nonsense'"
    says $program "an IP address and a port up to 65535, such as 127.0.0.1:8080"
    run_to_end $program 2 127.0.0.1:65536
    run_to_end $program 2 --wrong
    run_to_end $program 0 --help
    grep -qF "127.0.0.1:8080" "$LOGS/$program.out"
  done
}

@test "output that nobody reads: no panic" {
  start_unread server tcp-echo-server 127.0.0.1:0
  finish server 141
  serve
  start_unread client tcp-echo-client "127.0.0.1:$PORT" < "$input"
  finish client 141
  silent client
  finish server
}
