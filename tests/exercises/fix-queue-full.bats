#!/usr/bin/env bats
load ../exercise

QUEUE=/ipc-lab-exercise-$$

# in_queue BYTES: so much is in it, see mq_overview(7).
in_queue() {
  queue_file "$QUEUE" | grep -q "^QSIZE:$1 "
}

# full: the first ten lines of the input are in the queue, a NUL behind each.
full() { in_queue "$(head -n 10 input | wc -c)"; }

# waits_for_room: a thread of the sender sleeps in the call that sends, or in one that waits until it
# may. With no descriptor to wait for, the latter would be a mere sleep.
waits_for_room() {
  local pid task call first second machine n_first
  pid=$(program_pid sender)
  machine=$(uname -m)
  [[ $machine == x86_64 ]] || machine=other
  for task in "/proc/$pid/task"/*; do
    { read -r call first second _ < "$task/syscall"; } 2> /dev/null || continue # "running" is none
    case "$machine $call" in
      # mq_timedsend
      "x86_64 242" | "other 182") return ;;
      # poll, ppoll
      "x86_64 7" | "x86_64 271" | "other 73") [[ $second == 0x0 ]] || return 0 ;;
      # select, pselect6
      "x86_64 23" | "x86_64 270" | "other 72") [[ $first == 0x0 ]] || return 0 ;;
      # epoll_wait, epoll_pwait, epoll_pwait2
      "x86_64 232" | "x86_64 281" | "x86_64 441" | "other 22" | "other 441")
        number --hex n_first "${first#0x}" || continue
        ! grep -qs '^tfd:' "/proc/$pid/fdinfo/$n_first" || return 0
        ;;
    esac
  done
  return 1
}

# all_arrived: both end, and every line of the input has arrived in its order.
all_arrived() {
  local count
  count=$(wc -l < input)
  finish sender
  finish receiver
  prints sender <(echo "Sent: $count messages")
  prints receiver <(echo "Receiver: waiting at $QUEUE"; sed 's/^/Message: /' input; echo "Received: $count messages")
}

@test "[3] the sender first: more messages than the queue holds arrive" {
  hint "mq_send fails with EAGAIN when the queue is full and was opened with O_NONBLOCK: what it could not send is lost, unless the sender waits for room."
  random_lines $((RANDOM % 40 + 20)) > input
  start sender fix-queue-full-sender "$QUEUE" < input
  wait_until full
  start receiver fix-queue-full-receiver "$QUEUE"
  all_arrived
}

@test "[2] the receiver first: 2,000 messages arrive" {
  hint "Which of them get lost depends on who is faster: the result of every mq_send must be looked at, that of the last, empty message, too."
  random_lines 2000 > input
  start receiver fix-queue-full-receiver "$QUEUE"
  wait_for receiver "Receiver: waiting"
  start sender fix-queue-full-sender "$QUEUE" < input
  all_arrived
}

@test "[2] nobody receives: the sender gives up in time" {
  hint "The sender must end when --timeout seconds have passed, not before and not much later, with one error and exit status 1: mq_timedsend fails with ETIMEDOUT."
  random_lines 30 > input
  # Two at the same time, each with a queue of its own: only one limit can be built in.
  local n_long=$((RANDOM % 2 + 3)) n_before DEADLINE=10
  number n_before "${EPOCHREALTIME/./}"
  start sender fix-queue-full-sender --timeout 1 "$QUEUE" < input
  start patient fix-queue-full-sender --timeout "$n_long" "$QUEUE-patient" < input
  gives_up_in_time sender 1
  gives_up_in_time patient "$n_long"
  prints sender <(echo "Sent: 10 messages")
  one_error sender "$QUEUE"
  nothing_left
  hint "The last, empty message is sent like any other: without it the receiver would wait for ever."
  random_lines 10 > ten
  number n_before "${EPOCHREALTIME/./}"
  start ten fix-queue-full-sender --timeout 1 "$QUEUE" < ten
  gives_up_in_time ten 1
  prints ten <(echo "Sent: 10 messages")
  one_error ten "$QUEUE"
  nothing_left
}

@test "[1] while the queue is full the sender sleeps" {
  hint "To send again and again until there is room takes a whole processor for nothing: without O_NONBLOCK the kernel wakes the sender when there is."
  random_lines 15 > input
  start sender fix-queue-full-sender "$QUEUE" < input
  wait_until full
  wait_until waits_for_room
  local look
  for look in {1..10}; do
    waits_for_room || { "$TOOLS/ipc-trace" --explain "$(program_pid sender)"; return 1; }
  done
  start receiver fix-queue-full-receiver "$QUEUE"
  all_arrived
}

@test "[1] Ctrl-C while the queue is full: it is gone" {
  hint "SIGINT and SIGTERM end a program also in mq_send, and nobody removes the queue that it has made: see lesson graceful-shutdown."
  for signal in INT TERM; do
    random_lines 15 > input
    start sender fix-queue-full-sender "$QUEUE" < input
    wait_until full
    stop sender "$signal"
    finish sender "$(ended_by "$signal")"
    nothing_left
  done
}

@test "[1] the messages went through the queue" {
  hint "The sender must send each line and nothing else into the queue from which the receiver takes it."
  random_lines 8 > input
  start_traced sender fix-queue-full-sender "$QUEUE" < input
  ends sender
  start_traced receiver fix-queue-full-receiver "$QUEUE"
  all_arrived
  texts_through posix-msgq sender receiver input
}
