#!/usr/bin/env bats
load ../exercise

QUEUE=/ipc-lab-exercise-$$

# in_queue BYTES: so much is in it, see mq_overview(7).
in_queue() {
  local folder=/dev/mqueue
  ((${#ENTER[@]})) || folder=${IPC_LAB_MQUEUE:-$folder}
  inside grep -qs "^QSIZE:$1 " "$folder$QUEUE"
}

# full: the first ten lines of the input are in the queue, a NUL behind each.
full() { in_queue "$(head -n 10 input | wc -c)"; }

# waits_for_room: the sender sleeps in the call that sends, or in one that waits until it may.
waits_for_room() {
  "$TOOLS/ipc-trace" --explain "$(program_pid sender)" 2> /dev/null |
    grep -qE 'blocked in (mq_send|poll)'
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
  start sender fix-queue-full-sender $QUEUE < input
  wait_until full
  start receiver fix-queue-full-receiver $QUEUE
  all_arrived
}

@test "[2] the receiver first: 2,000 messages arrive" {
  hint "Which of them get lost depends on who is faster: the result of every mq_send must be looked at, that of the last, empty message, too."
  random_lines 2000 > input
  start receiver fix-queue-full-receiver $QUEUE
  wait_for receiver "Receiver: waiting"
  start sender fix-queue-full-sender $QUEUE < input
  all_arrived
}

@test "[2] nobody receives: the sender gives up in time" {
  hint "The sender must end when --timeout seconds have passed, not before and not much later, with one error and exit status 1: mq_timedsend fails with ETIMEDOUT."
  random_lines 30 > input
  local before=${EPOCHREALTIME/./} waited
  start sender fix-queue-full-sender --timeout 1 $QUEUE < input
  finish sender 1
  waited=$((${EPOCHREALTIME/./} - before))
  ((waited >= 1000000)) || { echo "it gave up after $((waited / 1000)) ms"; show sender; return 1; }
  prints sender <(echo "Sent: 10 messages")
  one_error sender "$QUEUE"
  nothing_left
}

@test "[1] while the queue is full the sender sleeps" {
  hint "To send again and again until there is room takes a whole processor for nothing: without O_NONBLOCK the kernel wakes the sender when there is."
  random_lines 15 > input
  start sender fix-queue-full-sender $QUEUE < input
  wait_until full
  wait_until waits_for_room
  local look
  for look in {1..10}; do
    waits_for_room || { "$TOOLS/ipc-trace" --explain "$(program_pid sender)"; return 1; }
  done
  start receiver fix-queue-full-receiver $QUEUE
  all_arrived
}

@test "[1] Ctrl-C while the queue is full: it is gone" {
  hint "SIGINT and SIGTERM end a program also in mq_send, and nobody removes the queue that it has made: see lesson graceful-shutdown."
  for signal in INT TERM; do
    random_lines 15 > input
    start sender fix-queue-full-sender $QUEUE < input
    wait_until full
    stop sender "$signal"
    finish sender $((128 + $(kill -l "$signal")))
    nothing_left
  done
}

@test "[1] the messages went through the queue" {
  hint "The sender must send each line, with a NUL behind it and nothing else, into the queue from which the receiver takes it."
  random_lines 8 > input
  start_traced sender fix-queue-full-sender $QUEUE < input
  ends sender
  start_traced receiver fix-queue-full-receiver $QUEUE
  all_arrived
  through posix-msgq sender receiver <(tr '\n' '\0' < input)
}
