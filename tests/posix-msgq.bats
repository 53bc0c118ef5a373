#!/usr/bin/env bats
load harness

mqueue=${IPC_LAB_MQUEUE:-/dev/mqueue}
# Where no mqueue file system is mounted, only mq_open itself can tell; then the name is the test's.
queue=/ipc-lab-test-$$

needs_mount() { [[ -n ${IPC_LAB_MQUEUE:-} || -d /dev/mqueue ]] || skip "no mqueue file system is mounted"; }

send() { run_to_end posix-msgq-sender "$1" "$queue" "${@:2}"; }
receive() { run_to_end posix-msgq-receiver "$1" "$queue" "${@:2}"; }

# make_queue CAPACITY SIZE MODE: a queue as another program might have made it.
make_queue() { "$BIN/examples/make-queue" "$queue" "$@"; }

@test "the sender starts first" {
  send 0
  receive 0
  same_output posix-msgq-sender
  same_output posix-msgq-receiver
  silent posix-msgq-sender
}

@test "the receiver starts first and waits" {
  start receiver posix-msgq-receiver $queue
  wait_until asleep receiver
  send 0
  finish receiver
  same_output receiver
}

@test "README: the transcript is what happens" {
  start_as_in_readme posix-msgq posix-msgq-sender $queue
  finish posix-msgq-sender
  start_as_in_readme posix-msgq posix-msgq-receiver $queue
  finish posix-msgq-receiver
  same_as_in_readme posix-msgq-sender
  same_as_in_readme posix-msgq-receiver
}

@test "the highest priority comes first, and the oldest within one" {
  send 0 -m 1:low -m 9:high -m 5:middle -m 9:later
  receive 0 --count 4
  printf 'Received (priority %s\n' '9): high' '9): later' '5): middle' '1): low' |
    diff - "$LOGS/posix-msgq-receiver.out"
}

@test "mode 0600 and the attributes of the tutorial" {
  needs_mount
  send 0
  [[ $(stat -c %a "$mqueue/${queue#/}") == 600 ]]
  send 0 -m 0:2 -m 0:3 -m 0:4 -m 0:5 -m 0:6 -m 0:7 -m 0:8 -m 0:9 -m 0:10
  send 1 --timeout 0
  one_error posix-msgq-sender "mq_send $queue: ETIMEDOUT: the queue stays full: start posix-msgq-receiver"
  receive 0 --count 10
}

@test "a full queue makes the sender wait until somebody receives" {
  local messages=()
  for ((i = 0; i < 12; i++)); do messages+=(-m "0:$i"); done
  start sender posix-msgq-sender $queue "${messages[@]}"
  wait_until ten_sent
  for ((i = 0; i < 10; i++)); do # Ctrl-Z, fg: the sleeping call goes on
    stop sender STOP
    stop sender CONT
  done
  receive 0 --count 2
  finish sender
  [[ $(wc -l < "$LOGS/sender.out") == 12 ]]
}
ten_sent() { [[ $(wc -l < "$LOGS/sender.out") == 10 ]] && asleep sender; }

@test "a queue that is not empty is removed, and what goes with it is told" {
  run_to_end posix-msgq-sender 0 $queue -m 0:one -m 0:two
  silent posix-msgq-sender
  run_to_end posix-msgq-sender 0 $queue -m 0:three
  says posix-msgq-sender "messages in $queue already: 2"
  receive 0
  says posix-msgq-receiver "$queue is removed with messages in it: 2 (--count receives more)"
  run_to_end posix-msgq-receiver 2 -c 0
}

@test "an empty queue: the receiver gives up at its deadline and names the sender" {
  receive 1 --timeout 1
  one_error posix-msgq-receiver "mq_receive $queue: ETIMEDOUT: the queue stays empty: start posix-msgq-sender"
}

@test "a message longer than the queue takes" {
  send 1 -m "0:$(printf '%0100d' 1)"
  one_error posix-msgq-sender "mq_send $queue: EMSGSIZE: the message is longer"
  send 0 -m "0:$(printf '%099d' 1)" # and the NUL
  receive 0
}

@test "a queue with other attributes keeps them, and both programs say so" {
  make_queue 3 2000 600
  send 0 -m "0:$(printf '%01000d' 1)"
  says posix-msgq-sender "$queue was there already, for 3 messages of 2000 bytes, and stays so"
  receive 0
  grep -qx "Received (priority 0): $(printf '%01000d' 1)" "$LOGS/posix-msgq-receiver.out"
  make_queue 3 10 600
  send 1
  one_error posix-msgq-sender "EMSGSIZE"
  "$BIN/examples/make-queue" "$queue" remove
}

@test "another user's queue is refused and left" {
  touch probe
  foreign probe
  cp "$BIN/examples/make-queue" .
  chmod 755 .
  setpriv --reuid=65534 --regid=65534 --clear-groups ./make-queue "$queue" 3 100 666
  for program in posix-msgq-sender posix-msgq-receiver; do
    run_to_end $program 1 "$queue"
    one_error $program "is a queue of another user (uid 65534), left as it is"
    start_unprivileged denied $program "$queue"
    finish denied 1
  done
  "$BIN/examples/make-queue" "$queue" remove
}

@test "Ctrl-C while waiting removes what this program made" {
  for signal in INT TERM; do
    start receiver posix-msgq-receiver $queue
    wait_until asleep receiver
    wait_until made
    stop receiver $signal
    finish receiver $((128 + $(kill -l $signal)))
  done
}
made() { [[ -e $mqueue/${queue#/} ]]; }

@test "the receiver killed half-way: the next pair works" {
  start receiver posix-msgq-receiver $queue
  wait_until made
  stop receiver KILL
  finish receiver 137
  send 0
  receive 0
  same_output posix-msgq-receiver
}

@test "stopped and continued while it waits" {
  start receiver posix-msgq-receiver $queue
  wait_until made
  for ((i = 0; i < $(rounds 50); i++)); do
    stop receiver STOP
    stop receiver CONT
  done
  send 0
  finish receiver
  same_output receiver
}

@test "50 pairs started at the same instant" {
  for ((i = 0; i < $(rounds 50); i++)); do
    start receiver posix-msgq-receiver $queue
    start sender posix-msgq-sender $queue
    finish sender
    finish receiver
    same_output receiver
  done
}

@test "too many queues for this user" {
  local UNDER=(prlimit --msgqueue=1000)
  start poor posix-msgq-sender $queue
  finish poor 1
  one_error poor "mq_open $queue: EMFILE"
}

@test "bad arguments, and --help" {
  for program in posix-msgq-sender posix-msgq-receiver; do
    for name in noslash / /a/b "/$(printf '%0256d' 1)"; do
      run_to_end $program 2 "$name"
      says $program "a queue's name is a slash and 1 to 255 other characters"
    done
    run_to_end $program 2 --wrong
    run_to_end $program 0 --help
    grep -qF "/myqueue" "$LOGS/$program.out"
  done
  send 2 -m nonsense
  says posix-msgq-sender "not of the form PRIORITY:TEXT"
  send 2 -m 32768:too-high
  says posix-msgq-sender "the highest priority is 32767"
}

@test "output that nobody reads: no panic" {
  start_unread sender posix-msgq-sender $queue
  finish sender 141
  silent sender
  send 0
  start_unread receiver posix-msgq-receiver $queue
  finish receiver 141
  silent receiver
  "$BIN/examples/make-queue" "$queue" remove
}
