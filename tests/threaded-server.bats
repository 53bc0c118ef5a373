#!/usr/bin/env bats
# shellcheck disable=SC2034  # UNDER and KEYBOARD are the harness's
load harness

# serve: starts the server on a free port, which is in $PORT from then on.
serve() {
  start server threaded-server 127.0.0.1:0
  PORT=$(port_of server)
}

# joins NAME: a client with a keyboard.
joins() {
  start_typing "$1" tcp-echo-client "127.0.0.1:$PORT"
  wait_for "$1" "Connected to server"
}

# crowd NAME WHAT [NUMBER...]: many clients, or bad ones: examples/crowd.rs.
crowd() { start "$1" "$BIN/examples/crowd" "127.0.0.1:$PORT" "${@:2}"; }

# crowd_holds NAME WHAT [NUMBER...]: goes on until end_of_input NAME.
crowd_holds() { start_typing "$1" "$BIN/examples/crowd" "127.0.0.1:$PORT" "${@:2}"; }

# count TEXT NUMBER: the server has printed that many lines with TEXT in them.
count() { (($(grep -c "$1" "$LOGS/server.out") == $2)); }

# closes [SIGNAL]: the server ends with all its threads, and without a complaint.
closes() {
  stop server "${1:-TERM}"
  finish server
  silent server
}

# with_limit HARD_OR_SOFT NUMBER: what stands before a program that may open so many files.
# shellcheck disable=SC2016  # the inner shell's arguments
with_limit() { UNDER=(bash -c 'ulimit "$1" "$2" && exec "${@:3}"' limit "$1" "$2"); }

# serve_into_a_fifo: the server's output is read from $output, or not.
serve_into_a_fifo() {
  local both write line
  mkfifo fifo
  # shellcheck disable=SC2094  # a FIFO is there to be read and written
  exec {both}<> fifo {output}< fifo {write}> fifo {both}>&- # so that neither open waits
  rm fifo
  KEYBOARD[output]=$output # closed in what `start` starts
  UNREAD=$write start server threaded-server 127.0.0.1:0
  exec {write}>&-
  read -r line <&"$output"
  PORT=${line##* }
}

needs_a_thousand() {
  (($(ulimit -Hn) > 1100)) || skip "the hard limit on open files is too low"
  (($(< /proc/sys/net/core/somaxconn) >= 1000)) || skip "net.core.somaxconn is too low"
}

@test "two clients at once: each gets its own lines back" {
  serve
  joins one
  wait_for server "New client connected: 4"
  joins two
  wait_for server "New client connected: 5"
  type_in two "from two"
  wait_for two "Echo: from two"
  type_in one "from one"
  wait_for one "Echo: from one"
  end_of_input one
  finish one
  wait_for server "Client 4 disconnected"
  type_in two "two again"
  wait_for two "Echo: two again"
  end_of_input two
  finish two
  wait_for server "Client 5 disconnected"
  closes
  same_output server
  run ! grep "two" "$LOGS/one.out"
}

@test "README: the transcript is what happens" {
  serve
  transcript threaded-server threaded-server
  transcript threaded-server tcp-echo-client
  # The two clients, in the order of the page.
  mapfile -t typed < "$LOGS/tcp-echo-client.typed"
  joins first
  wait_for server "New client connected: 4"
  joins second
  wait_for server "New client connected: 5"
  type_in first "${typed[0]}"
  wait_for first "Echo: ${typed[0]}"
  type_in second "${typed[1]}"
  wait_for second "Echo: ${typed[1]}"
  end_of_input first
  finish first
  wait_for server "Client 4 disconnected"
  stop server INT
  finish server
  finish second 1
  cat "$LOGS"/{first,second}.out "$LOGS/second.err" > "$LOGS/tcp-echo-client.out"
  cp "$LOGS/server.out" "$LOGS/threaded-server.out"
  same_as_in_readme threaded-server
  same_as_in_readme tcp-echo-client
}

@test "1,000 clients at once, 10 KiB each: no byte wrong, from a soft limit of 64 files" {
  needs_a_thousand
  with_limit -Sn 64
  serve
  UNDER=()
  crowd many full 1000 10240
  finish many
  grep -qx "1000 times 10240 bytes came back" "$LOGS/many.out"
  wait_until count disconnected 1000
  # Each line is whole: 160 of 63 letters from each.
  [[ $(grep -cxE 'Client [0-9]+: [a-z]{63}' "$LOGS/server.out") == 160000 ]]
  closes
}

@test "1,000 connect while the server does not accept: the backlog holds them" {
  needs_a_thousand
  serve
  freeze server
  crowd_holds many silent 1000
  wait_for many "1000 connected"
  stop server CONT
  wait_until count "New client" 1000
  end_of_input many
  finish many
  wait_until count disconnected 1000
  closes
}

@test "100 silent clients: another one is answered" {
  serve
  crowd_holds silent silent 100
  wait_for silent "100 connected"
  joins alive
  type_in alive "hello"
  wait_for alive "Echo: hello"
  end_of_input alive
  finish alive
  end_of_input silent
  finish silent
  wait_until count disconnected 101
  closes
}

@test "each thread has its client's name, and ends with it: nothing piles up" {
  serve
  files=$(find "/proc/${PID[server]}/fd" | wc -l)
  joins one
  wait_for server "New client connected: 4"
  wait_until grep -qx "client 4" "/proc/${PID[server]}"/task/*/comm
  end_of_input one
  finish one
  for ((i = 0; i < $(rounds 20); i++)); do
    crowd many full 20 64
    finish many
  done
  wait_until count disconnected $((1 + 20 * $(rounds 20)))
  # main, and the one that waits for a signal
  alone() { [[ $(find "/proc/${PID[server]}/task" -mindepth 1 -maxdepth 1 | wc -l) == 2 ]]; }
  wait_until alone
  [[ $(find "/proc/${PID[server]}/fd" | wc -l) == "$files" ]]
  closes
}

@test "20 descriptors, 60 clients: it waits without spinning, says so once, and recovers" {
  with_limit -n 20
  serve
  UNDER=()
  crowd_holds many silent 60
  wait_for many "60 connected"
  wait_for server "accept: Too many open files"
  ticks() { cut -d' ' -f14,15 "/proc/${PID[server]}/stat" | tr ' ' +; }
  before=$(($(ticks))) from=${EPOCHREALTIME/./}
  # A second to look at: an accept loop that spins would use most of it.
  a_second_later() { ((${EPOCHREALTIME/./} - from > 1000000)); }
  wait_until a_second_later
  used=$((($(ticks) - before) * 1000000 / $(getconf CLK_TCK)))
  ((used * 20 < ${EPOCHREALTIME/./} - from)) # 5 %
  end_of_input many
  finish many
  wait_until count disconnected 60
  crowd again full 60 1000 # in turn: there is room for 15 at a time
  finish again
  [[ $(grep -c "accept: " "$LOGS/server.err") == 1 ]]
  stop server
  finish server
}

@test "SIGTERM and SIGINT while all descriptors are taken" {
  for signal in TERM INT; do
    with_limit -n 20
    serve
    UNDER=()
    crowd_holds many$signal silent 60
    wait_for many$signal "60 connected"
    wait_for server "accept: Too many open files"
    stop server $signal
    finish server
    end_of_input many$signal
    finish many$signal
  done
}

@test "half-close after 1 MiB: all of it comes back; the line is printed in pieces" {
  serve
  crowd half half-close 1048576
  finish half
  grep -qx "1048576 bytes came back, then end-of-file" "$LOGS/half.out"
  wait_for server "Client 4 disconnected"
  closes
  sed -n 's/^Client 4: //p' "$LOGS/server.out" > "$LOGS/pieces"
  [[ $(tr -d '\n' < "$LOGS/pieces" | wc -c) == 1048576 ]]
  (($(wc -L < "$LOGS/pieces") <= 4000))
}

@test "lines of any length around the limit are printed whole, or in pieces without a blank one" {
  serve
  local clients=0
  for length in 3999 4000 4001 8000; do
    printf '%*s\n' "$length" "" | tr ' ' x > line
    exec {client}<> "/dev/tcp/127.0.0.1/$PORT"
    cat line >&"$client"
    head -n 1 <&"$client" | cmp - line
    exec {client}>&-
    wait_until count disconnected $((++clients)) # their lines stand in this order
  done
  closes
  sed -nE 's/^Client [0-9]+: //p' "$LOGS/server.out" > "$LOGS/lines"
  [[ $(awk '{ print length }' "$LOGS/lines" | tr '\n' ' ') == "3999 4000 4000 1 4000 4000 " ]]
}

@test "a line in three pieces is printed once; a last one without a newline too" {
  serve
  exec {client}<> "/dev/tcp/127.0.0.1/$PORT"
  for piece in one- two- $'three\nlast'; do
    printf %s "$piece" >&"$client"
    IFS= read -r -n "${#piece}" -d '' echo <&"$client" # its echo comes before its line ends
    [[ $echo == "$piece" ]]
  done
  exec {client}>&-
  wait_for server "Client 4 disconnected"
  closes
  grep -qx "Client 4: one-two-three" "$LOGS/server.out"
  grep -qx "Client 4: last" "$LOGS/server.out"
  [[ $(wc -l < "$LOGS/server.out") == 5 ]]
}

@test "resets in the middle of a write harm no other client" {
  serve
  joins alive
  for ((i = 1; i <= 2; i++)); do
    crowd reset reset
    finish reset
    wait_until count disconnected "$i"
    type_in alive "after reset $i"
    wait_for alive "Echo: after reset $i"
  done
  end_of_input alive
  finish alive
  closes
}

@test "a client that never reads blocks its own thread alone; SIGTERM ends that too" {
  serve
  crowd_holds deaf deaf
  wait_for deaf "takes no more"
  joins alive
  type_in alive "hello"
  wait_for alive "Echo: hello"
  end_of_input alive
  finish alive
  closes
  end_of_input deaf
  finish deaf
}

@test "a client killed: the others go on" {
  serve
  joins alive
  joins dies
  type_in dies "last words"
  wait_for dies "Echo: last words"
  stop dies KILL
  finish dies 137
  wait_for server "disconnected"
  type_in alive "hello"
  wait_for alive "Echo: hello"
  end_of_input alive
  finish alive
  closes
}

@test "SIGTERM and SIGINT: every client is let go, every thread joined, exit status 0" {
  for signal in TERM INT; do
    serve
    crowd_holds silent$signal silent 50
    joins alive$signal
    wait_until count "New client" 51
    closes $signal
    count disconnected 51
    finish alive$signal 1
    one_error alive$signal "the server has closed the connection"
    end_of_input silent$signal
    finish silent$signal
  done
}

@test "SIGTERM at a random moment, clients coming and going" {
  for ((i = 0; i < $(rounds 50); i++)); do
    serve
    crowd busy full 50 6400
    seq $((RANDOM * 5)) > pause # 0 to a few ms
    closes
    wait "${PID[busy]}" || true # some were let go in the middle
  done
}

@test "stopped and continued (Ctrl-Z, fg) it loses nothing" {
  serve
  crowd many full 50 102400
  while kill -0 "${PID[many]}" 2> /dev/null; do
    stop server STOP
    stop server CONT
  done
  finish many
  wait_until count disconnected 50
  closes
  [[ $(grep -cxE 'Client [0-9]+: [a-z]{63}' "$LOGS/server.out") == 80000 ]]
}

@test "the port is free again at once, although the server closed the connections" {
  serve
  joins one
  wait_for server "New client connected: 4"
  closes
  finish one 1
  start again threaded-server "127.0.0.1:$PORT"
  wait_for again "listening on port $PORT"
  start second threaded-server "127.0.0.1:$PORT"
  finish second 1
  one_error second "bind 127.0.0.1:$PORT: EADDRINUSE"
  stop again
  finish again
}

@test "IPv6, and an address that is not ours" {
  run_to_end threaded-server 1 192.0.2.1:0
  one_error threaded-server "bind 192.0.2.1:0: EADDRNOTAVAIL"
  needs_ipv6
  start server threaded-server '[::1]:0'
  start client tcp-echo-client "[::1]:$(port_of server)" < <(echo hello)
  finish client
  grep -qx "Echo: hello" "$LOGS/client.out"
  closes
}

@test "bad arguments, and --help" {
  run_to_end threaded-server 2 --wrong
  says threaded-server "unexpected argument '--wrong'"
  run_to_end threaded-server 2 127.0.0.1
  run_to_end threaded-server 2 127.0.0.1:0 two
  run_to_end threaded-server 0 --help
  grep -qF "127.0.0.1:8080" "$LOGS/threaded-server.out"
}

@test "output that nobody reads: no panic, from the first line on or later" {
  start_unread server threaded-server 127.0.0.1:0
  finish server 141
  silent server

  serve_into_a_fifo
  exec {output}>&- # the only end that could be read
  unset "KEYBOARD[output]"
  crowd silent silent 1 < /dev/null
  finish silent
  finish server 141
  silent server
}

@test "a slow reader of its output gets every line whole; a stuck one does not hold up SIGTERM" {
  serve_into_a_fifo
  crowd many full 20 102400
  # 20 clients, 1,600 lines each: 2 MB, and the pipe holds 64 KiB.
  head -n $((20 * (1600 + 2))) <&"$output" > "$LOGS/server.out"
  finish many
  [[ $(grep -cxE 'Client [0-9]+: [a-z]{63}' "$LOGS/server.out") == 32000 ]]
  count "^New client connected" 20
  count "disconnected$" 20

  crowd stuck full 20 102400
  in_write() { grep -qE '^(1|64) 0x1 ' "/proc/${PID[server]}"/task/*/syscall; } # x86-64, others
  wait_until in_write
  stop server
  finish server 143
  silent server
  finish stuck 1
}
