#!/usr/bin/env bats
load harness

# In the middle of the deadlock: A and B both sleep in a P, for as long as nobody ends it.
start_deadlock() {
  # A session of its own, so that a signal can go to all of its processes, as from a terminal.
  local UNDER=(setsid)
  start deadlock deadlock --timeout-ms 3600000
  wait_for deadlock "each wants the other one too"
  wait_until picture "0 1 $(child A)" "0 1 $(child B)"
}
# The keeper of the set, A, B.
children() { cat "/proc/${PID[deadlock]}/task/${PID[deadlock]}/children"; }
child() {
  local pids
  read -ra pids <<< "$(children)"
  case $1 in keeper) echo "${pids[0]}" ;; A) echo "${pids[1]}" ;; B) echo "${pids[2]}" ;; esac
}
# The id of the one set that was not there before.
set_id() { diff "$LOGS/inventory.before" <(inventory) | sed -n 's/^> .*sem key 0 id //p'; }
# picture LOCK1 LOCK2: value, ncount and pid of both locks, as ipcs shows them.
picture() {
  [[ $(ipcs -s -i "$(set_id)" | awk '$1 == "0" || $1 == "1" { print $2, $3, $5 }') == "$1"$'\n'"$2" ]]
}
unchanged() { inventory | cmp -s - "$LOGS/inventory.before"; }
nothing_left() { [[ -z $(processes) ]] && unchanged; }

@test "a deadlock, its picture, its end, and two ways without one" {
  run_to_end deadlock 0
  same_output deadlock
  silent deadlock
}

@test "README: the transcript is what happens" {
  start_as_in_readme deadlock deadlock
  finish deadlock
  same_as_in_readme deadlock
}

@test "15 runs with the shortest time limit: a deadlock each time, with the same picture" {
  sed 's/200 ms/1 ms/; s/10000 times/1 times/; s/20000/2/g' "$ROOT/tests/expected/deadlock.txt" > expected
  for ((i = 0; i < $(rounds 15); i++)); do
    start deadlock deadlock --timeout-ms 1 --rounds 1
    finish deadlock
    same_output deadlock expected
  done
}

@test "the deadlock is a real one: the kernel shows it to others, and it lasts" {
  start_deadlock
  # Nothing but the time limit ends it.
  sleep 0.3 # not for an event: for the absence of one
  picture "0 1 $(child A)" "0 1 $(child B)"
  stop deadlock
  finish deadlock 143
  wait_until nothing_left
}

@test "the picture is looked at, not recited: the calls are in the trace" {
  needs_strace
  start traced strace -f -e trace=semctl -o trace "$BIN/deadlock" --rounds 1
  finish traced
  local a b
  a=$(sed -nE 's/^([0-9]+) .*, 0, GETPID, .*= ([0-9]+)$/\1 \2/p' trace | tail -n 1)
  [[ ${a% *} == "${a#* }" ]] # the process that looks holds lock 1
  b=$(sed -nE 's/^[0-9]+ .*, 1, GETPID, .*= ([0-9]+)$/\1/p' trace | tail -n 1)
  [[ -n $b && $b != "${a% *}" ]] # and another one lock 2
  [[ $(sed -nE 's/.*, 0, GETNCNT, .*= ([0-9]+)$/\1/p' trace | tail -n 1) == 1 ]]
}

@test "many rounds, in two ways: every turn is counted" {
  run_to_end deadlock 0 --rounds "$(rounds 30000)" --timeout-ms 1
  local turns=$(($(rounds 30000) * 2))
  [[ $(grep -c "$turns of $turns turns counted" "$LOGS/deadlock.out") == 2 ]]
  silent deadlock
}

@test "A, B or the keeper is killed in the deadlock: the program says so, and nothing is left" {
  for who in A B keeper; do
    start_deadlock
    kill -s KILL "$(child $who)"
    finish deadlock 1
    says deadlock "a child failed: "
    wait_until nothing_left
  done
}

@test "Ctrl-C, Ctrl-\\ and the end of the terminal reach all processes: nothing is left" {
  ulimit -c 0
  for signal in INT TERM HUP QUIT; do
    start_deadlock
    kill -s $signal -- "-${PID[deadlock]}"
    finish deadlock $((128 + $(kill -l $signal)))
    wait_until nothing_left
  done
}

@test "the parent alone is ended: A and B end too, and nothing is left" {
  for signal in INT TERM KILL; do
    start_deadlock
    stop deadlock $signal
    finish deadlock $((128 + $(kill -l $signal)))
    wait_until nothing_left
    silent deadlock
  done
}

@test "a signal at any moment leaves no set and no process" {
  for ((i = 0; i < ${KILLS:-$(rounds 12)}; i++)); do
    case $((i % 3)) in 0) signal=TERM ;; 1) signal=KILL ;; 2) signal=INT ;; esac
    start deadlock deadlock --timeout-ms 1 --rounds 300
    # INT is ignored by a background job of bash until the program has been started.
    if [[ $signal == INT ]]; then wait_for deadlock "Different orders"; fi
    seq $((RANDOM * 10)) > pause # 0 to 5 ms
    stop deadlock "$signal" 2> /dev/null || true
    status=0
    wait "${PID[deadlock]}" || status=$?
    ((status == 0 || status == 128 + $(kill -l "$signal")))
    wait_until nothing_left
  done
}

@test "kill -9 of the parent, at each of the calls between which the set is made and removed" {
  needs_strace
  local call when status kills=0
  for call in semget clone read semctl kill wait4; do
    for ((when = 1; ; when++)); do
      start killed strace -qq -o trace -e trace="$call" -e inject="$call:signal=KILL:when=$when" \
        "$BIN/deadlock" --timeout-ms 1 --rounds 1
      status=0
      wait "${PID[killed]}" || status=$?
      wait_until nothing_left
      ((status == 137)) || break
      kills=$((kills + 1))
    done
    ((status == 0)) # so many of them it does not make: it was through
  done 2> /dev/null # where bash reports each kill
  ((kills > 10))
}

@test "stopped and continued (Ctrl-Z, fg) all the time, it prints the same" {
  # shellcheck disable=SC2034  # start uses it
  local UNDER=(setsid)
  start deadlock deadlock
  for ((i = 0; i < $(rounds 50); i++)); do
    stop_and_continue deadlock
    sleep 0.005 # the pace, not a wait: in between they are to get on with their work
  done
  finish deadlock
  same_output deadlock
}

@test "the time limit is one for the whole wait, however often it is interrupted" {
  # shellcheck disable=SC2034  # start uses it
  local UNDER=(setsid)
  start deadlock deadlock --timeout-ms 300 --rounds 1
  wait_for deadlock "each wants the other one too"
  # Every wait is interrupted before it has lasted 300 ms, until it is over.
  local end=$((SECONDS + DEADLINE))
  until grep -q EAGAIN "$LOGS/deadlock.out"; do
    ((SECONDS <= end)) # else it starts afresh each time
    stop_and_continue deadlock
    sleep 0.02 # the pace, far below the limit
  done
  finish deadlock
}

@test "the set is removed while they sleep in it: an error that says so" {
  start_deadlock
  ipcrm -s "$(set_id)"
  finish deadlock 1
  says deadlock "EIDRM: it has been removed"
  wait_until nothing_left
}

@test "no semaphore set to be had: one error that names the call" {
  local limits=/proc/sys/kernel/sem before
  # Those of this file's own namespace, where it has one.
  [[ -n ${IPC_LAB_NAMESPACE:-} ]] || skip "the limits are the machine's"
  before=$(cat $limits)
  { echo "32000 1024000000 500 0" > $limits; } 2> /dev/null || skip "only root can set the limits"
  start deadlock deadlock
  finish deadlock 1 || { echo "$before" > $limits; return 1; }
  echo "$before" > $limits
  one_error deadlock "semget key 0x0: ENOSPC"
  [[ ! -s $LOGS/deadlock.out ]]
}

@test "bad arguments, and --help" {
  for wrong in --wrong extra --rounds=0 --rounds=x --rounds=4294967296 --timeout-ms=0 --timeout-ms=-1; do
    run_to_end deadlock 2 $wrong
  done
  run_to_end deadlock 0 --help
  grep -qF -- "--rounds" "$LOGS/deadlock.out"
  grep -qF -- "--timeout-ms" "$LOGS/deadlock.out"
}

@test "output that nobody reads: no panic, nothing left" {
  start_unread deadlock deadlock
  finish deadlock 141
  silent deadlock
  wait_until nothing_left
}

@test "the reader goes in the middle (| head -1): A dies of SIGPIPE, and the program as quietly" {
  local both out page
  page=$(getconf PAGESIZE)
  mkfifo out
  # shellcheck disable=SC2094  # a FIFO is there to be read and written
  exec {both}<> out {out}> out
  # Full, but for the last 100 bytes of a page: room for one line, and not for a second one.
  dd if=/dev/zero of=out oflag=nonblock bs=1 status=none 2> /dev/null || true
  dd if=out of=/dev/null bs="$page" count=1 status=none
  dd if=/dev/zero of=out bs=$((page - 100)) count=1 status=none
  # shellcheck disable=SC2034  # the harness's: `start` keeps it from the program
  KEYBOARD[deadlock]=$both
  UNREAD=$out start deadlock deadlock --rounds 1
  exec {out}>&-
  wait_until three_children # so the first line, which the parent prints, has been printed
  end_of_input deadlock
  finish deadlock 141
  silent deadlock
  rm out
  wait_until nothing_left
}
three_children() { [[ $(children | wc -w) == 3 ]]; }
