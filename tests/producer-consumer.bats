#!/usr/bin/env bats
# bats file_tags=slow
load harness

# As fast as the semaphores allow.
fast=(--delay-ms 0)

objects() { awk 'FNR > 1 { print FILENAME, $2 }' /proc/sysvipc/{shm,sem}; }
nothing_left() { [[ -z $(objects) ]]; }

@test "the producer, then the consumer, with the tutorial's delays" {
  start producer producer
  wait_for producer "Produced item 1 "
  start consumer consumer
  finish producer
  finish consumer
  same_output producer
  same_output consumer
  silent producer
  nothing_left
}

@test "README: the transcript is what happens" {
  start_as_in_readme producer-consumer producer --items 3
  wait_for producer "Produced item 1 "
  start_as_in_readme producer-consumer consumer --items 3
  finish producer
  finish consumer
  same_as_in_readme producer
  same_as_in_readme consumer
}

@test "started at the same instant" {
  for ((i = 0; i < ${RACES:-$(rounds 25)}; i++)); do
    start consumer consumer "${fast[@]}"
    start producer producer "${fast[@]}"
    finish producer
    finish consumer
    same_output producer
    same_output consumer
  done
}

@test "the consumer alone names the producer within 5 s" {
  local DEADLINE=5
  run_to_end consumer 1
  one_error consumer "no ring in shared memory here: start producer first"
}

@test "the producer alone fills the ring and waits for a consumer to come" {
  start producer producer "${fast[@]}"
  wait_for producer "Produced item 10 at index 9"
  wait_until asleep producer
  start consumer consumer "${fast[@]}"
  finish producer
  finish consumer
  same_output consumer
}

@test "10,000 items, and a consumer that is faster or slower" {
  start producer producer --items 10000 "${fast[@]}"
  start consumer consumer --items 10000 "${fast[@]}"
  finish producer
  finish consumer
  [[ $(grep -c Consumed "$LOGS/consumer.out") == 10000 ]]
  sed -nE 's/.*item ([0-9]+) .*/\1/p' "$LOGS/consumer.out" | diff <(seq 10000) -
}

@test "the producer has ended: what is in the ring is consumed" {
  run_to_end producer 0 --items 10 "${fast[@]}"
  run_to_end consumer 0 --items 10 "${fast[@]}"
  [[ $(grep -c Consumed "$LOGS/consumer.out") == 10 ]]
}

@test "a consumer that wants more than was produced says so" {
  run_to_end producer 0 --items 5 "${fast[@]}"
  local DEADLINE=2
  run_to_end consumer 1 --items 6 "${fast[@]}"
  one_error consumer "the producer has gone"
  [[ $(grep -c Consumed "$LOGS/consumer.out") == 5 ]]
  nothing_left
}

@test "the consumer takes fewer and removes it all: the producer says so" {
  start producer producer "${fast[@]}"
  wait_for producer "Produced item 10"
  run_to_end consumer 0 --items 3 --delay-ms 0
  finish producer 1
  one_error producer "it has been removed"
}

# killed PROGRAM PARTNER: kill -9 at a random moment; the partner ends within a second or so,
# nothing is left but what the next run takes away, and that run is clean.
killed() {
  local items=1000000 DEADLINE=3
  start producer producer --items $items "${fast[@]}"
  wait_for producer "Produced item 1 "
  start consumer consumer --items $items "${fast[@]}"
  wait_for consumer "Consumed item 1 "
  seq $((RANDOM * 3)) > /dev/null
  stop "$1" KILL
  finish "$1" 137
  finish "$2" 1
  one_error "$2" "the $1 has gone"
  nothing_left
}

@test "kill -9 of the producer at random moments: the consumer says so" {
  for ((i = 0; i < ${KILLS:-$(rounds 8)}; i++)); do killed producer consumer; done
}

@test "kill -9 of the consumer at random moments: the producer says so" {
  for ((i = 0; i < ${KILLS:-$(rounds 8)}; i++)); do killed consumer producer; done
}

@test "killed inside the critical section: the kernel gives the mutex back" {
  # The producer prints with the mutex held. Nobody reads the pipe that it prints into, so some
  # 1,600 items later it sleeps there.
  mkfifo pipe
  exec {hold}<> pipe
  # shellcheck disable=SC2016  # the inner shell's argument
  start producer bash -c 'exec "$0" --items 1000000 --delay-ms 0 > pipe' "$BIN/producer"
  wait_until attached 1
  start consumer consumer --items 1000000 "${fast[@]}"
  wait_until both_asleep_with_the_mutex_taken
  stop producer KILL
  finish producer 137
  finish consumer 1
  one_error consumer "the producer has gone"
  exec {hold}>&-
  rm pipe
  nothing_left
}
attached() { [[ $(awk 'FNR > 1 { print $7 }' /proc/sysvipc/shm) == "$1" ]]; }
both_asleep_with_the_mutex_taken() {
  attached 2 && asleep producer && asleep consumer &&
    [[ $("$BIN/examples/mutex-value") == 0 ]] && asleep producer
}

@test "a stale ring of a crashed run: the producer removes it, the consumer does not trust it" {
  start producer producer "${fast[@]}"
  wait_for producer "Produced item 10"
  stop producer KILL
  finish producer 137
  [[ -n $(objects) ]]
  start producer producer "${fast[@]}"
  says_so() { grep -q "left by an earlier run" "$LOGS/producer.err"; }
  wait_until says_so
  start consumer consumer "${fast[@]}"
  finish producer
  finish consumer
  same_output consumer
}

@test "a set that never got its values: the producer replaces it, the consumer names it" {
  "$BIN/examples/make-segment" . 48
  "$BIN/examples/make-set" 3
  run_to_end consumer 1
  one_error consumer "never got its values: its creator has died"
  run_to_end producer 0 --items 5 "${fast[@]}"
  run_to_end consumer 0 --items 5 "${fast[@]}"
  # So it does without a segment beside it.
  "$BIN/examples/make-set" 3
  run_to_end producer 0 --items 5 "${fast[@]}"
  run_to_end consumer 0 --items 5 "${fast[@]}"
  nothing_left
}

@test "another program's semaphores under the key are refused and left" {
  for count in 2 4; do
    "$BIN/examples/make-set" $count
    run_to_end producer 1
    one_error producer "has $count semaphores and not 3: another program made it"
    [[ $(awk 'FNR > 1 { print $4 }' /proc/sysvipc/sem) == "$count" ]]
    ipcrm -s "$(awk 'FNR > 1 { print $2 }' /proc/sysvipc/sem)"
    nothing_left
  done
}

@test "a producer started while a consumer still uses a crashed run's ring" {
  for ((i = 0; i < 5; i++)); do
    run_to_end producer 0 --items 5 "${fast[@]}"
    start consumer consumer "${fast[@]}"
    wait_for consumer "Consumed item 5 "
    start producer producer "${fast[@]}"
    finish consumer 1
    one_error consumer "the producer has gone"
    run_to_end consumer 0 "${fast[@]}"
    finish producer
    same_output producer
    same_output consumer
  done
}

@test "a second producer is refused while the first one works" {
  start first producer "${fast[@]}"
  wait_for first "Produced item 10"
  run_to_end producer 1
  one_error producer "is in use (process ${PID[first]} created it)"
  stop first INT
  finish first 130
  nothing_left
}

@test "two consumers share the items" {
  start producer producer --delay-ms 1
  wait_for producer "Produced item 1 "
  start one consumer --items 10 --delay-ms 1
  start two consumer --items 10 --delay-ms 1
  # The first consumer to be done removes the objects under the others.
  wait "${PID[producer]}" || true
  wait "${PID[one]}" || true
  wait "${PID[two]}" || true
  # Who has had all of its items had no trouble, even if it comes too late to remove them.
  for name in one two; do
    if has_printed $name "Consumer: Done"; then run ! grep Error "$LOGS/$name.err"; fi
  done
  cat "$LOGS/one.out" "$LOGS/two.out" | sed -nE 's/.*item ([0-9]+) .*/\1/p' | sort -n > items
  [[ -z $(uniq -d items) ]]
  nothing_left
}

@test "a segment of lesson sysv-shm under the same key is left alone" {
  run_to_end sysv-shm-writer 0
  for program in producer consumer; do
    run_to_end $program 1
    one_error $program "has 1024 bytes and not 48: the lesson sysv-shm made it"
  done
  run_to_end sysv-shm-reader 0
}

@test "Ctrl-C in the producer removes all; the consumer says so" {
  for signal in INT TERM; do
    start producer producer --items 1000000 "${fast[@]}"
    wait_for producer "Produced item 1 "
    start consumer consumer --items 1000000 "${fast[@]}"
    wait_for consumer "Consumed item 1 "
    stop producer $signal
    finish producer $((128 + $(kill -l $signal)))
    finish consumer 1
    [[ $(grep -c '^Error' "$LOGS/consumer.err") == 1 ]]
    nothing_left
  done
}

@test "stopped and continued while they work" {
  start producer producer --delay-ms 3
  wait_for producer "Produced item 1 "
  start consumer consumer --delay-ms 3
  shake producer consumer
  finish producer
  finish consumer
  same_output producer
  same_output consumer
}

@test "bad arguments, and --help" {
  for program in producer consumer; do
    run_to_end $program 1 missing
    one_error $program "ftok(missing, 'S'): ENOENT"
    run_to_end $program 2 --wrong
    run_to_end $program 2 --items many
    run_to_end $program 0 --help
    grep -qF "[default: 20]" "$LOGS/$program.out"
  done
}

@test "output that nobody reads: no panic, nothing left" {
  start_unread producer producer
  finish producer 141
  silent producer
  nothing_left
}
