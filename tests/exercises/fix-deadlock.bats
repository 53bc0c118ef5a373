#!/usr/bin/env bats
load ../exercise

# some_amounts: what goes to the right and to the left at a time; nobody can know it beforehand.
some_amounts() { RIGHT=$((RANDOM + 1)) LEFT=$((RANDOM + 1)); }

# balance ROUNDS: what the program should print about money.
balance() {
  echo "Left: $((1000000 - $1 * RIGHT + $1 * LEFT))"
  echo "Right: $((1000000 + $1 * RIGHT - $1 * LEFT))"
  echo "Transfers: $((2 * $1))"
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

# ps_on LOCK: the processes that have done P on it at least 30 times.
ps_on() {
  grep -cE "sem(timed)?op\(.*sem_num=$1, sem_op=-1" "$LOGS/run.trace".* | awk -F: '$NF >= 30 { print $1 }'
}

@test "[4] 1,000 rounds come to an end" {
  hint "Each process has one lock and waits for the other's: all of them must lock the two in the same order, in every round."
  for i in 1 2; do
    some_amounts
    start run fix-deadlock --rounds 1000 "$RIGHT" "$LEFT"
    in_time
  done
}

@test "[3] no transfer is left out" {
  hint "Who gives up waiting for a lock must try again: a transfer that was not made is missing in the end."
  some_amounts
  start run fix-deadlock --rounds 40 --micros 2000 "$RIGHT" "$LEFT"
  in_time
  grep -v Torn "$LOGS/run.out" > money
  diff -u --label expected --label actual <(balance 40) money
}

@test "[2] nobody sees a torn pair" {
  hint "Both locks must be held from before the money leaves one account until it is in the other: let go of none of them earlier."
  some_amounts
  start run fix-deadlock --rounds 40 --micros 2000 "$RIGHT" "$LEFT"
  in_time
  grep Torn "$LOGS/run.out" > torn || true
  diff -u --label expected --label actual <(echo "Torn pairs: 0") torn
}

@test "[1] each transfer locks both accounts" {
  hint "Every transfer must do P on both semaphores: with one lock for both accounts nobody could use one alone."
  some_amounts
  start_traced run fix-deadlock --rounds 30 "$RIGHT" "$LEFT"
  in_time
  # Two that transfer, and one that looks.
  comm -12 <(ps_on 0 | sort) <(ps_on 1 | sort) > both
  (($(wc -l < both) >= 3)) || { echo "$(wc -l < both) of 3 processes have locked both accounts in each round"; return 1; }
}
