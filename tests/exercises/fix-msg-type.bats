#!/usr/bin/env bats
load ../exercise

PROCESSES=512 # a crowd of clients, each with a few threads

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
waiting() { [[ $(kernel sysvipc/msg | awk 'NR > 1 { n += $5 } END { print n + 0 }') == "$1" ]]; }

# ask_and_stop CLIENT LINE...: in the box, starts a client with each line, one after the other, and
# stops them when all have asked. When a line comes they go on: the last one first, until it ends.
ask_and_stop() {
  local client=$1 line n_i pid pids=()
  shift
  for line; do
    "$client" <<< "$line" & # evaluates: the path of the program, which this test gives
    pids+=("$!")
    until in_queue "${#pids[@]}"; do :; done
  done
  kill -s STOP "${pids[@]}"
  for pid in "${pids[@]}"; do until stopped "$pid"; do :; done; done
  echo "All have asked" >&2
  read -r _
  for ((n_i = ${#pids[@]} - 1; n_i >= 0; n_i--)); do
    kill -s CONT "${pids[n_i]}"
    wait "${pids[n_i]}" || return
  done
}
# Without a process for each look: there are many, and here nobody pauses between two.
in_queue() {
  local n_all=0 n_count n_expected count
  number n_expected "$1" || return
  while read -r _ _ _ _ count _; do
    number n_count "${count/qnum/0}" || return
    n_all=$((n_all + n_count))
  done < /proc/sysvipc/msg
  ((n_all == n_expected))
}
stopped() {
  local stat
  # No thread of it waits in msgrcv any more, where an answer would find it.
  for stat in /proc/"$1"/task/*/stat; do
    read -r stat < "$stat" && [[ ${stat##*) } == [Tt]* ]] || return
  done
}

# answered N: the server has taken so many requests, and nobody has taken its answers.
answered() { [[ $(grep -c '^Request: ' "$LOGS/server.out") == "$1" ]] && waiting "$1"; }

# queue_stays: there is one still.
queue_stays() {
  local n_lines
  number n_lines "$(kernel sysvipc/msg | wc -l)" || return
  ((n_lines > 1)) || { echo "the queue is gone"; return 1; }
}

# one_queue NAME...: all messages that these sent and received went through the same one.
one_queue() {
  local name
  for name in "$@"; do query "$name"; done
  for name in "$@"; do evidence "$name" 'name == "msgsnd" || name == "msgrcv" { print $10 }'; done | sort -u > "$LOGS/ids"
  [[ $(wc -l < "$LOGS/ids") == 1 ]] || { echo "messages went through the queues $(xargs < "$LOGS/ids")"; return 1; }
}

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
  hint "Two clients had the same type. Is the type of an answer the whole of what the request tells, or only a part of it, such as a remainder?"
  local DEADLINE=20 lines
  lines 105 > input
  mapfile -t lines < input
  WHERE=inside start_typing crowd bash -c "$(declare -f number ask_and_stop in_queue stopped); ask_and_stop \"\$@\"" \
    bash "$PROGRAMS/fix-msg-type-client" "${lines[@]}"
  wait_for crowd "All have asked"
  serve
  wait_until answered 105
  type_in crowd go
  finish crowd
  prints crowd <(answers <(tac input))
  close_down input
  far_apart
}

# far_apart: clients whose pids are apart by multiples of what somebody may divide them by: 100, 255, 256, 1,000,
# 1,024, 9,999, 10,000, 16,384 and others.
far_apart() {
  local pid n_at names=()
  for pid in 500 10500 16884 20499 26000; do
    next_pid "$pid" || return 0 # the crowd is all there is where pids cannot be chosen
    lines 1 > "far$pid"
    start "far$pid" fix-msg-type-client < "far$pid"
    names+=("far$pid")
    wait_until waiting "${#names[@]}"
  done
  for pid in "${names[@]}"; do freeze "$pid"; done
  serve
  wait_until answered "${#names[@]}"
  # The last one first: what it finds may be another one's.
  for ((n_at = ${#names[@]} - 1; n_at >= 0; n_at--)); do
    pid=${names[n_at]}
    stop "$pid" CONT 2> /dev/null || true # or it has ended by now
    finish "$pid"
    prints "$pid" <(answers "$pid")
  done
  close_down "${names[@]}"
}

@test "[1] Ctrl-C removes the queue, unless a server has it" {
  hint "SIGINT and SIGTERM end a program also in msgrcv, and nobody removes the queue that it has made: see lesson graceful-shutdown."
  for signal in INT TERM; do
    lines 1 > input
    start client fix-msg-type-client < input
    wait_until waiting 1
    stop client "$signal"
    finish client "$(ended_by "$signal")"
    nothing_left
  done
  hint "A client removes the queue only if it has made it and no server has answered yet: after that it is the server's, and others ask there."
  lines 4 > input
  # The first one makes the queue, the second one finds it.
  for name in first second; do
    start_typing "$name" fix-msg-type-client
    type_in "$name" "$(sed -n 1p input)"
    [[ $name == second ]] || { wait_until waiting 1; serve; }
    wait_for "$name" "$(answers <(sed -n 1p input))"
    # With its second answer it knows for sure that it had a first one.
    type_in "$name" "$(sed -n 2p input)"
    wait_for "$name" "$(answers <(sed -n 2p input))"
    sed -i 1,2d input
    stop "$name" INT
    finish "$name" 130
    queue_stays
  done
  hint "The server ends on Ctrl-C as it does on SIGTERM: it removes the queue, and its exit status is 0."
  stop server INT
  finish server
  nothing_left
}

@test "[2] the answers went through the queue" {
  hint "The server must send each answer, and nothing else, as a message into the queue in which the client waits."
  lines 20 > input
  serve start_traced
  start_traced client fix-msg-type-client < input
  finish client
  close_down input
  texts_through sysv-msgq server client <(tr a-z A-Z < input)
  hint "Requests and answers pass each other in one queue, the one whose id the server prints: a second one is not needed."
  one_queue server client
}
