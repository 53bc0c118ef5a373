#!/usr/bin/env bats
load ../exercise

# serve NAME ADDR: tells its clients $LINE; its port is $PORT then.
serve() {
  start "$1" fix-address-in-use "$2" "$LINE"
  PORT=$(port_of "$1") || { show "$1"; return 1; }
}

# visit NAME: a client that is told its line, and leaves after the server.
visit() {
  # shellcheck disable=SC2016  # the inner shell's argument
  start_partner "$1" bash -c 'exec cat < "/dev/tcp/127.0.0.1/$1"' client "$PORT"
}

# told NAME: that client has got its line and has gone, in time.
told() {
  wait_for "$1" "$LINE" && ends "$1"
}

# What the server prints after so many clients.
expected() {
  local n_i n_clients
  number n_clients "$1" || return
  echo "Server listening on port $PORT"
  for ((n_i = 1; n_i <= n_clients; n_i++)); do echo "Client $n_i: told $LINE"; done
}

# Whether a connection of the server's is in TIME_WAIT (06): see proc(5), /proc/net/tcp.
time_wait() {
  # shellcheck disable=SC2016  # awk's variables
  kernel net/tcp | awk -v port=":$(printf %04X "$PORT")" \
    'substr($2, 9) == port && $4 == "06" { found = 1 } END { exit !found }'
}

@test "[2] each client gets the whole line, and the server hangs up first" {
  hint "The server sends the line and closes; SO_LINGER with 0 seconds would tear the connection down (ECONNRESET) instead of closing it, and what has not been sent is lost."
  LINE=$(random_lines 1)
  serve server 127.0.0.1:0
  for client in one two three; do
    visit "$client"
    finish "$client"
    prints "$client" <(echo "$LINE")
  done
  wait_until time_wait
  hint "SIGINT ends the server as SIGTERM does, with status 0: see lesson::exit_on_signal."
  stop server INT
  finish server
  prints server <(expected 3)
}

@test "[4] ended and started again, it listens on the same port" {
  hint "Connections that the server has closed stay in TIME_WAIT and keep the port for a minute: SO_REUSEADDR lets the next server have it, and must be set before bind."
  LINE=$(random_lines 1)
  serve first 127.0.0.1:0
  local before=first server
  for server in second third; do
    visit "client-of-$before"
    told "client-of-$before"
    stop "$before"
    finish "$before"
    LINE=$(random_lines 1)
    serve "$server" "127.0.0.1:$PORT"
    before=$server
  done
  # The last one is given no time to say good-bye.
  visit client-of-third
  told client-of-third
  stop third KILL
  finish third 137
  serve fourth "127.0.0.1:$PORT"
  stop fourth
  finish fourth
  prints third <(expected 1)
}

@test "[2] while another server listens, it is refused" {
  hint "Only a port that nobody listens on may be taken again. SO_REUSEPORT lets both listen at once, and on another port no client will look: say what is wrong, and exit with 1."
  LINE=$(random_lines 1)
  serve server 127.0.0.1:0
  start_watched second fix-address-in-use "127.0.0.1:$PORT" "$(random_lines 1)"
  finish second 1
  prints second /dev/null
  one_error second "127.0.0.1:$PORT"
  # The first one is none the worse for it, and nobody has looked for it by connecting.
  hint "bind itself tells that another server listens (EADDRINUSE), if only SO_REUSEADDR is set. Neither connect to find out, which that server takes for a client, nor set SO_REUSEPORT."
  visit client
  told client
  wait_for server "Client 1: told $LINE"
  stop server
  finish server
  prints server <(expected 1)
  needs_trace
  if calls second 'name == "setsockopt" && $12 == "SO_REUSEPORT" && $13 != "[0]"' > /dev/null; then
    echo "the second server has set SO_REUSEPORT"
    return 1
  fi
}

@test "[2] the server asks for SO_REUSEADDR" {
  hint "There is an option for this: setsockopt with SO_REUSEADDR; see socket(7)."
  LINE=$(random_lines 1)
  start_traced server fix-address-in-use 127.0.0.1:0 "$LINE"
  PORT=$(port_of server)
  stop server
  finish server
  calls server 'name == "setsockopt" && $12 == "SO_REUSEADDR" && $13 == "[1]" && outcome == "returned"' \
    "the server has not set SO_REUSEADDR"
}
