#!/usr/bin/env bats
load ../exercise

# serve [start_traced]: on $PORT.
serve() {
  "${1:-start}" server fix-cannot-connect-server "127.0.0.1:$PORT"
  wait_for server "Server listening on port $PORT"
}

# call NAME FILE: a client that says what is in FILE.
call() { start "$1" fix-cannot-connect-client --wait 60 "127.0.0.1:$PORT" < "$2"; }

# ticks_of NAME: the processor time that it has used, in hundredths of a second: utime and stime of proc(5).
ticks_of() {
  local fields n_user n_system
  read -r fields < "/proc/$(program_pid "$1")/stat"
  read -ra fields <<< "${fields##*) }"
  number n_user "${fields[11]}" && number n_system "${fields[12]}" || return
  echo $((n_user + n_system))
}

# close_down [SIGNAL]: the server ends with status 0, if it has not done so already.
close_down() {
  stop server "${1:-TERM}" 2> /dev/null || true
  finish server
}

# What a client prints that says what is in FILE.
conversation() {
  echo "Connected to 127.0.0.1:$PORT"
  sed 's/^/Echo: /' "$1"
}

@test "[3] the server first: the client finds it" {
  hint "The server must listen on the port that it prints: 'ss -ltn' shows where it does. nix puts the port into network byte order; done twice, it is undone."
  PORT=$(free_port)
  random_lines 5 > input
  serve
  call client input
  finish client
  prints client <(conversation input)
  hint "SIGINT ends the server as SIGTERM does, with status 0, and it prints what it is told: see lesson::exit_on_signal."
  close_down INT
  prints server <(echo "Server listening on port $PORT"; echo "Client 1 connected"; sed 's/^/Received: /' input)
}

@test "[3] the client first: it waits for the server" {
  hint "Connection refused means that nobody listens yet: the client must try again until somebody does (or --wait seconds have passed)."
  PORT=$(free_port)
  random_lines 5 > input
  call client input
  wait_for client "Waiting for 127.0.0.1:$PORT"
  hint "Between two attempts the client pauses: to ask without a rest takes a whole processor for nothing."
  local n_before n_ticks
  number n_before "$(ticks_of client)"
  for _ in {1..40}; do pause; done
  number n_ticks "$(ticks_of client)"
  n_ticks=$((n_ticks - n_before))
  ((n_ticks < 15)) || { echo "of these 0.4 s the client has computed for $n_ticks hundredths"; return 1; }
  serve
  finish client
  prints client <(echo "Waiting for 127.0.0.1:$PORT"; conversation input)
  close_down
}

@test "[2] nobody listens: the client gives up in time and says where it looked" {
  hint "The client must end when --wait seconds have passed, not before and not much later, with exit status 1."
  PORT=$(free_port)
  # Two at the same time: only one limit can be built in.
  local n_long=$((RANDOM % 2 + 3)) n_before DEADLINE=10
  number n_before "${EPOCHREALTIME/./}"
  start client fix-cannot-connect-client --wait 1 "127.0.0.1:$PORT" < /dev/null
  start patient fix-cannot-connect-client --wait "$n_long" "127.0.0.1:$PORT" < /dev/null
  gives_up_in_time client 1
  gives_up_in_time patient "$n_long"
  hint "The error must name the address: whoever reads it wants to know where nobody listens."
  prints client <(echo "Waiting for 127.0.0.1:$PORT")
  one_error client "127.0.0.1:$PORT"
}

@test "[1] clients that come while another is served have their turn" {
  hint "After one client the server goes back to accept. Those that come meanwhile wait in the queue that listen makes: its second argument, the backlog, says for how many there is room."
  PORT=$(free_port)
  serve
  start_typing first fix-cannot-connect-client --wait 60 "127.0.0.1:$PORT"
  random_lines 1 > first
  type_in first "$(< first)"
  wait_for first "Echo: $(< first)"
  local i
  for i in {1..16}; do
    random_lines 2 > "input$i"
    call "client$i" "input$i"
  done
  for i in {1..16}; do wait_for "client$i" "Connected to 127.0.0.1:$PORT"; done
  end_of_input first
  finish first
  prints first <(conversation first)
  for i in {1..16}; do
    finish "client$i"
    prints "client$i" <(conversation "input$i")
  done
  close_down
}

@test "[1] the lines went over TCP, there and back" {
  hint "The client must send what it reads to the server, and print what the server sends back."
  PORT=$(free_port)
  random_lines 20 > input
  serve start_traced
  start_traced client fix-cannot-connect-client --wait 60 "127.0.0.1:$PORT" < input
  finish client
  close_down
  through tcp client server input
  through tcp server client input
}
