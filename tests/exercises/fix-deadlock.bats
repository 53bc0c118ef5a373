#!/usr/bin/env bats
load ../exercise

# some_amounts: what goes to the right and to the left at a time; nobody can know it beforehand.
some_amounts() { n_right=$((RANDOM + 1)) n_left=$((RANDOM + 1)); }

# balance ROUNDS: what the program should print about money.
balance() {
  local n_rounds
  number n_rounds "$1" || return
  echo "Left: $((1000000 - n_rounds * n_right + n_rounds * n_left))"
  echo "Right: $((1000000 + n_rounds * n_right - n_rounds * n_left))"
  echo "Transfers: $((2 * n_rounds))"
}

# in_time: it ends with exit status 0. If it hangs it is asked to end, so that it removes its locks.
in_time() {
  if ! wait_until has_ended run; then
    stop run
    finish run 143
    return 1
  fi
  finish run
}
has_ended() { [[ $(cut -d' ' -f3 "/proc/${PID[$1]}/stat" 2> /dev/null) == @(Z|) ]]; }

# transfer ROUNDS MICROS: under the name of run, traced where that is possible.
transfer() {
  rm -f "$LOGS/run.trace".*
  some_amounts
  start_watched run fix-deadlock --rounds "$1" --micros "$2" "$n_right" "$n_left"
}

# in_trace ROUNDS: a line for each thread that has done P at least that often: the time of its first
# semop(2) and of its last, its seconds outside of semop, how many times it took the second of the two
# locks while it had the first, whether it ever did P on both, and whether it did so 30 times on each.
in_trace() {
  query run || return
  evidence run '
    !(tid in begin) { begin[tid] = start }
    { end[tid] = start }
    name == "semop" || name == "semtimedop" {
      last[tid] = start
      if (!(tid in first)) first[tid] = start
      waits[tid] += took
      rest = $11
      split("", did)
      while (match(rest, /sem_num=[0-9]+,sem_op=-?[0-9]+/)) {
        split(substr(rest, RSTART, RLENGTH), operation, /[=,]/)
        rest = substr(rest, RSTART + RLENGTH)
        number = operation[2]; change = operation[4]
        if (change < 0) { ps[tid, number]++; did[number] = 1 }
        if (outcome == "returned") has_now[tid, $10, number] -= change
      }
      for (number in did) calls[tid, number]++
      # $10 is the number of the set: there may be a third lock, in a set of its own.
      now = has_now[tid, $10, 0] > 0 && has_now[tid, $10, 1] > 0
      both[tid] += now && !had[tid, $10]
      had[tid, $10] = now
    }
    END {
      for (tid in first)
        if (ps[tid, 0] + ps[tid, 1] >= rounds)
          printf "%.6f %.6f %.6f %d %d %d\n", first[tid], last[tid], end[tid] - begin[tid] - waits[tid],
            both[tid], (ps[tid, 0] && ps[tid, 1]), (calls[tid, 0] >= 30 && calls[tid, 1] >= 30)
    }' rounds="$1" > traced
}

# at_once ROUNDS: three processes were at it at the same time.
at_once() {
  in_trace "$1" || return
  awk '
    NR == 1 || $1 > begin { begin = $1 }
    NR == 1 || $2 < end { end = $2 }
    END { exit !(NR >= 3 && begin < end) }' traced
}

@test "[4] 1,000 rounds come to an end" {
  hint "Each process has one lock and waits for the other's: all of them must lock the two in the same order, in every round."
  for i in 1 2; do
    some_amounts
    start run fix-deadlock --rounds 1000 "$n_right" "$n_left"
    in_time
  done
  hint "All three must be at work at the same time: fork them all before you wait for one (reap), and let none of them wait until another one has ended."
  # Not even on a busy machine does one of them end each time before another one begins.
  local together=''
  for i in 1 2 3; do
    transfer 40 5000
    in_time
    needs_trace
    if at_once 40; then together=1; break; fi
  done
  [[ -n $together ]] || { echo "in three runs there were never three processes that used the locks at the same time"; return 1; }
}

@test "[3] no transfer is left out" {
  hint "Who gives up waiting for a lock must try again: a transfer that was not made is missing in the end."
  transfer 40 5000
  in_time
  grep -v Torn "$LOGS/run.out" > money
  diff -u --label expected --label actual <(balance 40) money
  hint "Each transfer must do its work, work(), twice: what it takes can be given (--micros), so do not leave it out."
  needs_trace
  # Two that transfer; 40 * 2 * 5000 microseconds. Who looks does half of that work.
  in_trace 40
  awk '$3 >= 0.4' traced > working
  local n_working
  number n_working "$(wc -l < working)"
  ((n_working >= 2)) || { echo "$n_working of 2 processes have spent the time that 80 times 5 ms of work take"; return 1; }
}

@test "[2] nobody sees a torn pair" {
  hint "Both locks must be held from before the money leaves one account until it is in the other: let go of none of them earlier."
  transfer 40 2000
  in_time
  grep Torn "$LOGS/run.out" > torn || true
  diff -u --label expected --label actual <(echo "Torn pairs: 0") torn
  needs_trace
  # What is printed is no proof. In each transfer that was made, and each time that one looked, both
  # locks were held at once. (Where there is only one lock another test fails.)
  transfers=$(sed -nE 's/^Transfers: ([0-9]{1,9})$/\1/p' "$LOGS/run.out")
  in_trace 40
  awk -v transfers="$transfers" '
    BEGIN { due = transfers + 40 }
    { held += $4; used += $5 }
    END {
      if (NR < 3) { print "fewer than three processes have locked anything in each round"; exit 1 }
      if (used && held < due) { print "both locks were held at once " held " times, expected at least " due; exit 1 }
    }' traced
}

@test "[1] each transfer locks both accounts" {
  hint "Every transfer must do P on both semaphores: with one lock for both accounts nobody could use one alone."
  some_amounts
  start_traced run fix-deadlock --rounds 30 "$n_right" "$n_left"
  in_time
  # Two that transfer, and one that looks.
  in_trace 30
  awk '$6' traced > both
  local n_both
  number n_both "$(wc -l < both)"
  ((n_both >= 3)) || { echo "$n_both of 3 processes have locked both accounts in each round"; return 1; }
}
