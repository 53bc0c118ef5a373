#!/usr/bin/env bats
load harness

# The id of the one queue there is.
queue() { awk 'FNR > 1 { print $2 }' /proc/sysvipc/msg; }
full() { asleep sender && (($(messages) > 600)); }
messages() { awk 'FNR > 1 { print $5 }' /proc/sysvipc/msg; }

@test "the sender starts first" {
  run_to_end sysv-msgq-sender 0
  run_to_end sysv-msgq-receiver 0
  same_output sysv-msgq-sender
  same_output sysv-msgq-receiver
  silent sysv-msgq-sender
}

@test "the receiver starts first and waits" {
  start receiver sysv-msgq-receiver
  wait_for receiver "Receiving messages"
  start sender sysv-msgq-sender
  finish sender
  finish receiver
  same_output sender
  same_output receiver
}

@test "README: the transcript is what happens" {
  start_as_in_readme sysv-msgq sysv-msgq-sender
  finish sysv-msgq-sender
  start_as_in_readme sysv-msgq sysv-msgq-receiver
  finish sysv-msgq-receiver
  same_as_in_readme sysv-msgq-sender
  same_as_in_readme sysv-msgq-receiver
}

@test "the queue is ours alone, mode 0600, and DIR makes the key" {
  mkdir one two
  run_to_end sysv-msgq-sender 0 one
  run_to_end sysv-msgq-sender 0 two
  [[ $(awk 'FNR > 1 { print $3 }' /proc/sysvipc/msg | sort -u) == 600 ]]
  [[ $(awk 'FNR > 1 { print $1 }' /proc/sysvipc/msg | sort -u | wc -l) == 2 ]]
  run_to_end sysv-msgq-receiver 0 two
  run_to_end sysv-msgq-receiver 0 one
}

@test "a queue with messages is used again, and their number told" {
  run_to_end sysv-msgq-sender 0
  run_to_end sysv-msgq-sender 0
  says sysv-msgq-sender "holds 3 messages already"
  same_output sysv-msgq-sender
  run_to_end sysv-msgq-receiver 0
  same_output sysv-msgq-receiver
}

@test "a full queue makes the sender wait until somebody receives" {
  start sender sysv-msgq-sender --times 1000
  wait_until full
  for ((i = 0; i < 10; i++)); do # Ctrl-Z, fg: msgsnd goes on sleeping
    stop sender STOP
    stop sender CONT
  done
  wait_until asleep sender
  stop sender INT
  finish sender 130
  [[ -z $(queue) ]]
}

@test "a queue that is not empty is removed, and what goes with it is told" {
  run_to_end sysv-msgq-sender 0 --times 2
  run_to_end sysv-msgq-receiver 0
  says sysv-msgq-receiver "is removed with messages in it: 3 (--times receives more)"
  [[ -z $(queue) ]]
  run_to_end sysv-msgq-sender 2 --times 0
  [[ -z $(queue) ]]
}

@test "a receiver of as many empties a full queue" {
  start sender sysv-msgq-sender --times 1000
  wait_until full
  start receiver sysv-msgq-receiver --times 1000
  finish sender
  finish receiver
  [[ $(grep -c '^Priority' "$LOGS/receiver.out") == 3000 && -z $(queue) ]]
}

@test "an empty queue: the receiver gives up at its deadline and names the sender" {
  run_to_end sysv-msgq-receiver 1 --timeout 1
  one_error sysv-msgq-receiver "no message of type 3 within 1 s: start sysv-msgq-sender"
  [[ -z $(queue) ]]
  # With time to spare the messages come.
  start receiver sysv-msgq-receiver --timeout 60
  wait_for receiver "Receiving"
  run_to_end sysv-msgq-sender 0
  finish receiver
  same_output receiver
}

@test "a queue removed under the waiting receiver" {
  start receiver sysv-msgq-receiver
  wait_for receiver "Receiving"
  wait_until asleep receiver
  ipcrm -q "$(queue)"
  finish receiver 1
  one_error receiver "EIDRM: the queue has been removed"
}

@test "a message longer than the receiver's buffer stays in the queue" {
  run_to_end sysv-msgq-sender 0 --high "$(printf '%0100d' 1)"
  run_to_end sysv-msgq-receiver 1
  one_error sysv-msgq-receiver "E2BIG: the message is longer than the buffer of 100 bytes"
  [[ $(messages) == 3 ]]
  ipcrm -q "$(queue)"
}

@test "99 bytes and the NUL fit; more than the kernel takes is refused" {
  run_to_end sysv-msgq-sender 0 --high "$(printf '%099d' 1)"
  run_to_end sysv-msgq-receiver 0
  grep -qx "Priority 3: $(printf '%099d' 1)" "$LOGS/sysv-msgq-receiver.out"
  run_to_end sysv-msgq-sender 1 --high "$(printf '%08192d' 1)"
  one_error sysv-msgq-sender "8193 bytes are more than the kernel takes"
  [[ -z $(queue) ]]
}

@test "Ctrl-C while waiting removes what this program made" {
  for signal in INT TERM; do
    start receiver sysv-msgq-receiver
    wait_for receiver "Receiving"
    stop receiver $signal
    finish receiver $((128 + $(kill -l $signal)))
    [[ -z $(queue) ]]
  done
}

@test "the receiver killed half-way: the next pair works" {
  start receiver sysv-msgq-receiver
  wait_for receiver "Receiving"
  stop receiver KILL
  finish receiver 137
  run_to_end sysv-msgq-sender 0
  run_to_end sysv-msgq-receiver 0
  same_output sysv-msgq-receiver
}

@test "the sender killed half-way: what it has sent is received, and the next pair works" {
  start sender sysv-msgq-sender --times 100000 # more than the queue takes
  wait_for sender "created"
  wait_until asleep sender
  stop sender KILL
  finish sender 137
  [[ $(messages) -gt 3 ]]
  run_to_end sysv-msgq-receiver 0
  same_output sysv-msgq-receiver
  [[ -z $(queue) ]]
  run_to_end sysv-msgq-sender 0
  run_to_end sysv-msgq-receiver 0
  same_output sysv-msgq-receiver
}

@test "stopped and continued while they work" {
  start receiver sysv-msgq-receiver
  wait_for receiver "Receiving"
  for ((i = 0; i < $(rounds 50); i++)); do
    stop receiver STOP
    stop receiver CONT
  done
  run_to_end sysv-msgq-sender 0
  finish receiver
  same_output receiver
}

@test "50 pairs started at the same instant" {
  for ((i = 0; i < $(rounds 50); i++)); do
    start receiver sysv-msgq-receiver
    start sender sysv-msgq-sender
    finish sender
    finish receiver
    same_output receiver
  done
}

@test "another user's queue is refused and left" {
  touch probe
  foreign probe
  # The same key for both: the folder is readable to all.
  chmod 755 .
  local UNDER=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  cp "$BIN/sysv-msgq-sender" .
  start theirs ./sysv-msgq-sender
  finish theirs
  UNDER=()
  for program in sysv-msgq-sender sysv-msgq-receiver; do
    run_to_end $program 1
    one_error $program "belongs to another user (uid 65534), left as it is"
  done
  [[ $(messages) == 3 ]]
  ipcrm -q "$(queue)"
  # And from somebody who is not root: not even its owner may be seen then.
  run_to_end sysv-msgq-sender 0
  UNDER=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  for program in sysv-msgq-sender sysv-msgq-receiver; do
    cp "$BIN/$program" .
    start other ./$program
    finish other 1
    one_error other "belongs to another user, left as it is: give another DIR"
  done
  UNDER=()
  ipcrm -q "$(queue)"
}

@test "bad arguments, and --help" {
  for program in sysv-msgq-sender sysv-msgq-receiver; do
    run_to_end $program 1 missing
    one_error $program "ftok(missing, 'M'): ENOENT"
    run_to_end $program 2 --wrong
    run_to_end $program 0 --help
    grep -qF "ftok(DIR, 'M')" "$LOGS/$program.out"
  done
}

@test "output that nobody reads: no panic, nothing left" {
  for program in sysv-msgq-sender sysv-msgq-receiver; do
    start_unread unread $program
    finish unread 141
    silent unread
    [[ -z $(queue) ]]
  done
}
