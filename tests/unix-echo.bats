#!/usr/bin/env bats
load harness

input=$BATS_FILE_TMPDIR/input
setup_file() { printf 'hello\nworld\nthree\n' > "$BATS_FILE_TMPDIR/input"; }

serve() { start server unix-echo-server socket && wait_for server "Server listening on socket"; }

# The expected output has the default path in it.
# shellcheck disable=SC2153  # PROGRAM is the harness's
as_by_default() { same_output "$1" <(sed 's#/tmp/my_socket#socket#' "$ROOT/tests/expected/${PROGRAM[$1]}.txt"); }

@test "the server, then the client" {
  serve
  [[ $(stat -c %a socket) == 600 ]]
  start client unix-echo-client socket < "$input"
  finish client
  finish server
  as_by_default server
  same_output client
  silent server
  silent client
  [[ ! -e socket ]]
}

@test "README: the transcript is what happens" {
  start_as_in_readme unix-echo unix-echo-server "$DIR/my_socket"
  wait_for unix-echo-server "listening"
  start_as_in_readme unix-echo unix-echo-client "$DIR/my_socket"
  finish unix-echo-client
  finish unix-echo-server
  sed -i 's#/tmp/my_socket#my_socket#' "$LOGS/unix-echo-server.shown"
  same_as_in_readme unix-echo-server
  same_as_in_readme unix-echo-client
}

@test "the client alone names the server" {
  run_to_end unix-echo-client 1 socket
  one_error unix-echo-client "connect socket: there is no such socket: start unix-echo-server first"
  # In the command to paste, one -- is for cargo and one for the program.
  run_to_end unix-echo-client 1 -- "-a socket"
  one_error unix-echo-client "cargo run -q --bin unix-echo-server -- -- '-a socket')"
}

@test "each line is echoed as it is typed, a last one without a newline too" {
  serve
  start_typing client unix-echo-client socket
  type_in client one
  wait_for client "Server echo: one"
  printf 'last' >&"${KEYBOARD[client]}"
  end_of_input client
  finish client
  finish server
  [[ $(tail -n 1 "$LOGS/client.out") == "Server echo: last" ]]
}

@test "a line of 10 MiB comes back and nobody waits for ever" {
  serve
  head -c 10M /dev/zero | tr '\0' a > long
  start client unix-echo-client socket < long
  finish client
  finish server
  # Each line has its label once, however many reads brought it.
  tail -n +2 "$LOGS/client.out" | sed 's/^Server echo: //' | cmp - long
  tail -n +3 "$LOGS/server.out" | sed 's/^Received: //' | cmp - long
}

@test "standard input that is closed, empty or unreadable" {
  for input in closed empty; do
    serve
    if [[ $input == closed ]]; then
      start client unix-echo-client socket <&-
    else
      start client unix-echo-client socket < /dev/null
    fi
    finish client
    finish server
    silent client
  done
  serve
  start client unix-echo-client socket < "$DIR"
  finish client 1
  one_error client "read stdin: EISDIR"
  finish server
}

@test "bytes that are no UTF-8 come back as they are" {
  serve
  printf 'a\xff\xfe\0b\n\xc3\n' > bytes
  start client unix-echo-client socket < bytes
  finish client
  finish server
  { echo "Connected to server. Type messages (Ctrl+D to quit):"; sed 's/^/Server echo: /' bytes; } | cmp - "$LOGS/client.out"
  tail -n 2 "$LOGS/server.out" | cmp - <(sed 's/^/Received: /' bytes)
}


@test "the socket of a killed server is taken over" {
  serve
  stop server KILL
  finish server 137
  [[ -S socket ]]
  run_to_end unix-echo-client 1 socket
  one_error unix-echo-client "connect socket: nobody listens: start unix-echo-server first"
  serve
  start client unix-echo-client socket < "$input"
  finish client
  finish server
}

@test "the client: what is no socket is no server that has died, and a path is named as a shell needs it" {
  echo text > file
  run_to_end unix-echo-client 1 file
  one_error unix-echo-client "connect file: that is no socket: give another path"
  run_to_end unix-echo-client 1 "a 'b"
  one_error unix-echo-client "cargo run -q --bin unix-echo-server 'a '\\''b')"
}

@test "a server that listens is not robbed of its socket" {
  serve
  run_to_end unix-echo-server 1 socket
  one_error unix-echo-server "bind socket: EADDRINUSE: a server listens there"
  start client unix-echo-client socket < "$input"
  finish client
  finish server
  as_by_default server
}

@test "two servers at once over a stale socket: one listens, the other is refused" {
  needs_strace
  serve
  stop server KILL
  finish server 137
  # The first one is held up after it has found the socket stale, and before it removes it.
  start first strace -f -o trace -e trace=unlink,unlinkat -e inject=unlink,unlinkat:delay_enter=300000 \
    "$BIN/unix-echo-server" socket
  wait_until grep -qs unlink trace
  run_to_end unix-echo-server 1 socket
  one_error unix-echo-server "bind socket: EADDRINUSE: a server listens there"
  start client unix-echo-client socket < "$input"
  finish client
  finish first
  as_by_default client
  [[ ! -e socket ]]
}

@test "somebody else keeps the folder locked: the server says so and does not wait for ever" {
  serve
  stop server KILL
  finish server 137
  start holder bash -c 'exec 9< .; flock 9; echo locked; exec sleep 1000'
  wait_for holder locked
  run_to_end unix-echo-server 1 socket
  one_error unix-echo-server "flock .: another server is starting: try again"
  [[ -S socket ]]
  stop holder
  finish holder 143
  rm socket
}

@test "a server leaves the socket of another one, made after its own was removed" {
  serve
  rm socket
  start second unix-echo-server socket
  wait_for second "Server listening"
  stop server
  finish server
  start client unix-echo-client socket < "$input"
  finish client
  finish second
  [[ ! -e socket ]]
}

@test "what is no socket of ours is refused and left" {
  echo precious > file
  mkdir folder
  ln -s /nowhere link
  for path in file folder link; do
    run_to_end unix-echo-server 1 $path
    one_error unix-echo-server "bind $path: $path is no socket, left as it is"
  done
  [[ $(cat file) == precious && -d folder && -L link ]]
  serve
  stop server KILL
  finish server 137
  foreign socket
  run_to_end unix-echo-server 1 socket
  one_error unix-echo-server "socket is a socket of another user"
  [[ -S socket ]]
  rm socket
}

@test "Ctrl-C ends the server with status 0 and removes the socket" {
  for signal in INT TERM HUP; do
    serve
    stop server $signal
    finish server 0
    [[ ! -e socket ]]
    serve
    start_typing client unix-echo-client socket
    wait_for server "Client connected"
    stop server $signal
    finish server 0
    [[ ! -e socket ]]
    finish client 1
    one_error client "the server has closed the connection"
    end_of_input client
    rm "$LOGS/client.keys"
  done
}

@test "the server killed half-way: the client says so at once" {
  serve
  start_typing client unix-echo-client socket
  type_in client one
  wait_for client "Server echo: one"
  stop server KILL
  finish server 137
  finish client 1
  one_error client "the server has closed the connection: start it again"
  rm socket
}

@test "the client killed half-way: the server ends and cleans up" {
  serve
  start_typing client unix-echo-client socket
  type_in client one
  wait_for client "Server echo: one"
  stop client KILL
  finish client 137
  finish server
  [[ ! -e socket ]]
}

@test "stopped and continued while they talk" {
  serve
  seq 2000 > lines
  start client unix-echo-client socket < lines
  shake server client
  finish client
  finish server
  sed -nE 's/^Server echo: //p' "$LOGS/client.out" | cmp - lines
}

@test "bad paths and arguments, and --help" {
  run_to_end unix-echo-server 1 missing/socket
  one_error unix-echo-server "bind missing/socket: ENOENT"
  for program in unix-echo-server unix-echo-client; do
    run_to_end $program 1 "$(printf '%0108d' 1)"
    one_error $program "at most 107 bytes"
  done
  start server unix-echo-server "$(printf '%0107d' 1)"
  wait_for server "Server listening"
  start client unix-echo-client "$(printf '%0107d' 1)" < "$input"
  finish client
  finish server
  mkdir closed
  chmod 0 closed
  for program in unix-echo-server unix-echo-client; do
    start_unprivileged denied $program closed/socket
    finish denied 1
    one_error denied "closed/socket: EACCES"
    run_to_end $program 2 --wrong
    run_to_end $program 0 --help
    grep -qF "/tmp/my_socket" "$LOGS/$program.out"
  done
}

@test "output that nobody reads: no panic, and the socket is removed" {
  start_unread server unix-echo-server socket
  finish server 141
  [[ ! -e socket ]]
  serve
  start_unread client unix-echo-client socket < "$input"
  finish client 141
  silent client
  finish server
}
