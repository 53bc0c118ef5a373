#!/usr/bin/env bats
# bats file_tags=slow
load harness

# check NAME EXPECTED: the race has lost updates, the other two have not, and the bars say the same.
check() {
  awk -v expected="$2" '
    NR == 1 { if ($NF != "all" || $(NF - 2) != expected) wrong("not " expected " in all") ; next }
    {
      bar = substr($0, 18, 40); counted = $(NF - 2) + 0; lost = $NF
      if (counted + lost != expected) wrong("counted and lost do not add up")
      if (gsub("#", "#", bar) != int(counted * 40 / expected) || bar !~ /^#*\.*$/) wrong("the bar is another one")
      if (NR == 2 ? lost <= 0 : lost != 0) wrong("lost")
    }
    END { if (NR != 4) wrong("not 4 lines"); exit failed }
    function wrong(what) { print what ": " $0; failed = 1 }
  ' "$LOGS/$1.out"
}

# In the middle of the part with the semaphore.
start_long() {
  # A session of its own, so that a signal can go to all of its processes, as from a terminal.
  local UNDER=(setsid)
  start race shm-race --rounds 500000
  wait_until set_made
  wait_until five_children
}
set_made() { ! unchanged; }
# The children of the program, the oldest first.
children() { cat "/proc/${PID[race]}/task/${PID[race]}/children"; }
five_children() { [[ $(children | wc -w) == 5 ]]; } # the keeper and four workers
unchanged() { inventory | cmp -s - "$LOGS/inventory.before"; }
nothing_left() { [[ -z $(processes) ]] && unchanged; }

@test "the race loses updates; the semaphore and the atomic addition lose none" {
  for ((i = $(rounds 20); i > 0; i--)); do
    run_to_end shm-race 0
    check shm-race 100000
    silent shm-race
  done
  run_to_end shm-race 0 --rounds 1234
  check shm-race 4936
}

@test "README: the transcript is what happens, but for the numbers of the race" {
  start_as_in_readme shm-race shm-race
  finish shm-race
  local numbers='s/^(load, then store) .*/\1/'
  diff -u <(sed -E "$numbers" "$LOGS/shm-race.shown") <(sed -E "$numbers" "$LOGS/shm-race.out")
  cp "$LOGS/shm-race.shown" "$LOGS/readme.out"
  check readme 100000
}

@test "one round each: lost in the end, or said that it was not" {
  run_to_end shm-race 0 --rounds 1
  check shm-race 4 || says shm-race "Not one update lost in 1000 runs"
}

@test "Ctrl-C, Ctrl-\\ and the end of the terminal reach all processes: nothing is left" {
  ulimit -c 0
  for signal in INT TERM HUP QUIT; do
    start_long
    kill -s $signal -- "-${PID[race]}"
    finish race $((128 + $(kill -l $signal)))
    wait_until nothing_left
  done
}

@test "the parent alone is ended: the children end too, and nothing is left" {
  for signal in INT TERM KILL; do
    start_long
    stop race $signal
    finish race $((128 + $(kill -l $signal)))
    wait_until nothing_left
  done
}

@test "the parent alone is ended in the middle of the race" {
  for signal in INT TERM KILL; do
    start race shm-race --rounds 4000000000
    wait_until four_children
    stop race $signal
    finish race $((128 + $(kill -l $signal)))
    wait_until nothing_left
  done
}
four_children() { [[ $(children | wc -w) == 4 ]]; }

@test "a child is killed: the program says so, ends, and nothing is left" {
  for which in first last; do # the keeper, the last worker
    start_long
    read -ra child <<< "$(children)"
    if [[ $which == first ]]; then kill -s KILL "${child[0]}"; else kill -s KILL "${child[-1]}"; fi
    finish race 1
    one_error race "a child failed: process "
    says race "was killed by SIGKILL"
    nothing_left
  done
}

@test "stopped and continued while it counts" {
  # shellcheck disable=SC2034  # start uses it
  local UNDER=(setsid)
  start race shm-race
  wait_for race "4 processes"
  for ((i = 0; i < $(rounds 50); i++)); do
    stop_and_continue race
  done
  finish race
  check race 100000
}

@test "bad arguments, and --help" {
  for wrong in --wrong extra --rounds=0 --rounds=-1 --rounds=x --rounds=4294967296; do
    run_to_end shm-race 2 $wrong
  done
  run_to_end shm-race 0 --help
  grep -qF -- "--rounds" "$LOGS/shm-race.out"
}

@test "output that nobody reads: no panic, nothing left" {
  start_unread race shm-race
  finish race 141
  wait_until gone
  silent race
  nothing_left
}
