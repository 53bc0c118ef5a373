#!/usr/bin/env bats
load ../exercise

# As long as a client may ask with.
lines() { random_lines "$1" | cut -c 1-80; }

# answers FILE: what a client should print that has asked with these lines.
answers() { sed 's/^/Answer: /' <(tr a-z A-Z < "$1"); }

serve() {
  "${1:-start}" server fix-msg-type-server
  wait_for server "Server: waiting for requests (ID: "
}

# close_down FILE...: the server ends, removes the queue, and has been asked with these lines.
close_down() {
  stop server
  finish server
  diff -u --label expected --label actual <(sed 's/^/Request: /' "$@") <(grep -v '^Server: ' "$LOGS/server.out")
}

# waiting N: so many messages are in the queue (see sysvipc(7)).
waiting() { [[ $(inside cat /proc/sysvipc/msg | awk 'NR > 1 { n += $5 } END { print n + 0 }') == "$1" ]]; }

@test "[2] the server first: each request is answered" {
  hint "msgrcv takes a message of the type that it asks for: the client waits for another one than the server sends."
  lines $((RANDOM % 20 + 5)) > input
  serve
  start client fix-msg-type-client < input
  finish client
  prints client <(answers input)
  close_down input
}

@test "[2] the client first: its request waits in the queue" {
  hint "Whoever comes first makes the queue, and what is sent waits there until somebody asks for its type: the client need not look for a server."
  lines 3 > input
  start client fix-msg-type-client < input
  wait_until waiting 1
  serve
  finish client
  prints client <(answers input)
  close_down input
}

@test "[3] an answer goes to no other client" {
  hint "All clients receive from one queue: if all answers have one type, whoever comes first takes another one's. The type can tell whom an answer is for."
  lines 1 > one
  lines 1 > two
  lines 1 > three
  # The first one asks, and dies before it is answered.
  start_typing one fix-msg-type-client
  type_in one "$(< one)"
  wait_until waiting 1
  stop one KILL
  finish one 137
  start_typing two fix-msg-type-client
  type_in two "$(< two)"
  wait_until waiting 2
  serve
  wait_for two "Answer: "
  start three fix-msg-type-client < three
  finish three
  end_of_input two
  finish two
  prints two <(answers two)
  prints three <(answers three)
  close_down one two three
}

@test "[1] Ctrl-C while it waits for a server: the queue is gone" {
  hint "SIGINT and SIGTERM end a program also in msgrcv, and nobody removes the queue that it has made: see lesson graceful-shutdown."
  for signal in INT TERM; do
    lines 1 > input
    start client fix-msg-type-client < input
    wait_until waiting 1
    stop client "$signal"
    finish client $((128 + $(kill -l "$signal")))
    nothing_left
  done
}

@test "[2] the answers went through the queue" {
  hint "The server must send each answer, and nothing else, as a message into the queue in which the client waits."
  lines 20 > input
  serve start_traced
  start_traced client fix-msg-type-client < input
  finish client
  close_down input
  # With a NUL behind each text, as C expects it.
  through sysv-msgq server client <(tr 'a-z\n' 'A-Z\0' < input)
}
