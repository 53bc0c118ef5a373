#!/usr/bin/env bats
# ipc-bench: that it measures what it says, not how fast this machine is.
load harness

# quick NAME [ARG...]: one short measurement of each row.
quick() { start "$1" ipc-bench --repetitions 1 --time-ms 1 "${@:2}"; }

needs_two() { (($(nproc) > 1)) || skip "one processor"; }

@test "every mechanism has a row with figures, or one that says why not" {
  quick bench --sizes 64 --csv csv --json json
  finish bench
  run_to_end ipc-bench 0 --list
  local mechanism
  while read -r mechanism; do
    grep -q "^$mechanism,same,round-trip,64," csv || { echo "no row: $mechanism"; cat csv; return 1; }
  done < "$LOGS/ipc-bench.out"
  # Only those that spin have none, and only on one processor. No figure is zero.
  awk -F, 'NR > 1 && $5 != "" && !($5 ~ /spins/ && $2 == "same") { print; bad = 1 } END { exit bad }' csv
  awk -F, 'NR > 1 && $5 == "" && !($6 > 0 && $14 > 0) { print; bad = 1 } END { exit bad }' csv
  awk -F, 'NR > 1 && $5 == "" && $3 == "round-trip" && !($9 > 0 && $9 <= $11 && $11 <= $13) { print; bad = 1 } END { exit bad }' csv
  # On one processor a round trip takes two switches: one a message.
  awk -F, '$1 == "pipe" && $2 == "same" && $3 == "round-trip" && ($15 < 0.9 || $15 > 1.5) { print; bad = 1 } END { exit bad }' csv
  # Whether it was calm is known on one processor alone.
  awk -F, 'NR > 1 && $5 == "" && ($2 == "same") != ($19 ~ /^[0-9]+$/) { print; bad = 1 } END { exit bad }' csv
  grep -qE '^On one processor [0-9]+ of [0-9]+ slices were calm' "$LOGS/bench.out"
  grep -q '"cache_line_ns"' json
  grep -q "The tutorial's stars" "$LOGS/bench.out"
}

@test "a message that is too long is a row that says the limit" {
  quick bench --only posix-mq,mailbox,udp --sizes 100000
  finish bench
  grep -q "posix-mq  *— at most $(< /proc/sys/fs/mqueue/msgsize_max) B" "$LOGS/bench.out"
  grep -q 'mailbox  *— ' "$LOGS/bench.out"
  # Three kinds are missing: no stars.
  run ! grep -q '★' "$LOGS/bench.out"
  grep -q 'udp  *— at most 65507 B' "$LOGS/bench.out"
}

@test "long messages and short ones arrive through every mechanism" {
  quick bench --sizes 1,4096,65536 --placement same --csv csv
  finish bench
  awk -F, 'NR > 1 && $5 != "" && $5 !~ /at most|spins/ { print; bad = 1 } END { exit bad }' csv
}

@test "open loop: timed from when it should have begun" {
  start bench ipc-bench --repetitions 1 --time-ms 20 --only pipe --sizes 64 --placement same --rate 100000000 --csv csv
  finish bench
  # At a rate that nothing reaches each is later than the one before; the last, by most of the 20 ms.
  awk -F, 'NR == 2 && $13 < 10000000 { print; bad = 1 } END { exit bad }' csv
  run ! grep -q stream csv
}

@test "open loop: waiting for the time of the next one is no processor time of a message" {
  start bench ipc-bench --repetitions 1 --time-ms 40 --only pipe --sizes 64 --placement same --rate 500 --csv csv
  finish bench
  # 2 ms from one to the next, of which a message takes some microseconds.
  awk -F, 'NR == 2 && ($14 <= 0 || $14 > 200000) { print; bad = 1 } END { exit bad || NR < 2 }' csv
}

@test "--explain: the calls of one message, traced" {
  needs_strace
  start bench ipc-bench --explain pipe --sizes 10
  finish bench
  # Each sends and receives once; a call that sleeps is shown when it begins and when it returns.
  local who call
  for who in sender receiver; do
    for call in read write; do
      [[ $(grep -c "^  $who  *$call(" "$LOGS/bench.out") == 1 ]] || { cat "$LOGS/bench.out"; return 1; }
    done
  done
  grep -q '^4 calls, for two messages' "$LOGS/bench.out"
  run ! grep -q access "$LOGS/bench.out"
}

@test "--explain: who spins calls nothing" {
  needs_strace
  needs_two
  start bench ipc-bench --explain ring-spin
  finish bench
  grep -q '^0 calls, for two messages' "$LOGS/bench.out"
}

@test "--svg draws, light and dark" {
  quick bench --only pipe,ring-futex --sizes 64,4096 --placement same --svg drawings
  finish bench
  for name in latency throughput cpu; do
    for theme in light dark; do
      grep -q '</svg>' "drawings/$name-same-$theme.svg"
      grep -q 'ring-futex' "drawings/$name-same-$theme.svg"
      grep -q 'median and range' "drawings/$name-same-$theme.svg"
    done
  done
}

@test "--peaks: beside the row that each is to be compared with, and what it gives up" {
  quick bench --peaks --sizes 64,65536
  finish bench
  grep -q '^  pipe-1MiB, same processor, 65536 B: [0-9.]* times pipe; gives up: 1 MiB' "$LOGS/bench.out"
  grep -q '^  pipe-batch, same processor, 64 B: [0-9.]* times pipe; gives up: a message waits' "$LOGS/bench.out"
  run ! grep -q 'Round trips' "$LOGS/bench.out"
}

@test "--peaks: pages, huge pages, and what the kernel says of MSG_ZEROCOPY" {
  quick bench --peaks --sizes 65536
  finish bench
  grep -q '^  pipe-pages, same processor, 65536 B: [0-9.]* times pipe; gives up: the sender may not touch' "$LOGS/bench.out"
  grep -qE '^  tcp-zerocopy: ([1-9][0-9]*) of \1 completions say that the kernel has copied$' "$LOGS/bench.out"
  # There are such pages, or it says how to get some.
  if (($(nproc) > 1)); then
    grep -qE '^  ring-huge(, two processors, 65536 B: [0-9.]* times|: — [0-9]+ huge pages \(as root)' "$LOGS/bench.out"
    grep -q '^  ring-in-place, two processors, 65536 B: [0-9.]* times ring-4MiB; gives up: a message is made in' "$LOGS/bench.out"
  fi
}

@test "system calls are counted where the kernel lets us, and else it says what to do" {
  [[ -n ${IPC_LAB_NAMESPACE:-} ]] || skip "the machine's own mounts are left alone"
  mountpoint -q /sys/kernel/tracing || mount -t tracefs none /sys/kernel/tracing || skip "tracefs is for root"
  start bench ipc-bench --only pipe,eventfd,ring-spin --sizes 64 --repetitions 1 --time-ms 20 --csv csv
  finish bench
  grep -q 'calls/msg' "$LOGS/bench.out"
  # A write and a read; nothing where both spin. (Field 16.)
  awk -F, '$1 ~ /pipe|eventfd/ && $3 == "round-trip" && ($16 < 1.9 || $16 > 2.2) { print; bad = 1 } END { exit bad }' csv
  awk -F, '$1 == "ring-spin" && $5 == "" && $16 != "0.00" { print; bad = 1 } END { exit bad }' csv
  umount /sys/kernel/tracing
  mountpoint -q /sys/kernel/tracing && skip "tracefs is mounted twice"
  quick bench --only pipe --sizes 64 --placement same --csv csv
  finish bench
  run ! grep -q 'calls/msg' "$LOGS/bench.out"
  grep -q 'as root: mount -t tracefs' "$LOGS/bench.out"
  awk -F, 'NR > 1 && $16 != "" { print; bad = 1 } END { exit bad }' csv
}

@test "how much of a round trip is this program's own is said" {
  quick bench --only pipe --sizes 64
  finish bench
  grep -qE '^This program itself adds [0-9.]+ ns to a round trip, [0-9.]+ % of the shortest on same processor' "$LOGS/bench.out"
}

@test "--agree: several runs say the same, or which two have changed places" {
  quick bench --only pipe,mailbox --sizes 64 --json one.json
  finish bench
  run_to_end ipc-bench 0 --agree one.json one.json
  grep -q '^one way, same processor, 64 B: medians of 2 runs lie 0.0 % apart' "$LOGS/ipc-bench.out"
  grep -qE '^The same order in every run, where ranges do not overlap: [0-9]+ pairs?\.$' "$LOGS/ipc-bench.out"
  # row NAME NANOSECONDS [DISTURBED]; run_of STEP[,CALL_IN_STEPS] ROW...: what --json writes.
  row() {
    printf '{"mechanism":"%s","placement":"same","pattern":"stream","size":64,"missing":null,' "$1"
    printf '"disturbed":%s,"each":{"median":%s,"least":%s,"greatest":%s}}' "${3:-false}" "$2" "$2" "$2"
  }
  run_of() {
    local step=${1%,*} calls=${1#*,} IFS=,
    echo "{\"calm\":{\"step\":$step,\"call_in_steps\":$calls},\"rows\":[${*:2}]}"
  }
  # A pipe that takes a second for each message, then one that takes a picosecond.
  run_of 1 "$(row pipe 1e9)" "$(row fifo 100)" > slow.json
  run_of 1 "$(row pipe 1e-3)" "$(row fifo 100)" > fast.json
  start agree ipc-bench --agree slow.json fast.json
  finish agree 1
  one_error agree "changed places: 1 pair: one way, same processor, 64 B: fifo and pipe"
  # A clock that is half as fast is no difference, and who was disturbed is not compared.
  run_of 2,1 "$(row pipe 1e-3 true)" "$(row fifo 200)" > disturbed.json
  run_to_end ipc-bench 0 --agree slow.json disturbed.json
  grep -q '^one way, same processor, 64 B: medians of 2 runs lie 0.0 % apart, at most 0.0 % (fifo), without 1 figure,' "$LOGS/ipc-bench.out"
  # Nor one whose calls took longer all the time.
  run_of 1,1.11 "$(row pipe 2e9)" "$(row fifo 200)" > crowded.json
  run_to_end ipc-bench 0 --agree slow.json slow.json crowded.json
  grep -q '^crowded.json: the processor was never all its own (system calls took 11 % longer' "$LOGS/ipc-bench.out"
  grep -q '^one way, same processor, 64 B: medians of 3 runs lie 0.0 % apart, at most 0.0 % .*, without 2 figures,' "$LOGS/ipc-bench.out"
  # Nothing to compare is no agreement.
  run_of 1,1 > empty.json
  start agree ipc-bench --agree slow.json empty.json
  finish agree 1
  one_error agree "no two of these files have a row in common"
  sed 's/^{/{"rate":100,/' slow.json > paced.json
  start agree ipc-bench --agree slow.json paced.json
  finish agree 1
  one_error agree "slow.json and paced.json were not measured at the same --rate"
  start agree ipc-bench --agree slow.json nowhere.json
  finish agree 1
  one_error agree "read nowhere.json"
}

@test "make bench-lessons: a figure for each, checked; a typo is named" {
  local lessons=(fifo posix-msgq)
  [[ -z ${LONG:-} ]] || lessons=()
  LESS=1000 start bench "$ROOT/scripts/bench-lessons" 1 "${lessons[@]}"
  finish bench
  grep -qE '^fifo +lines of .* [0-9.]+ MiB/s ' "$LOGS/bench.out"
  grep -qE '^posix-msgq +5,000 messages.* [0-9.]+( k)? +messages/s ' "$LOGS/bench.out"
  grep -qE '^fifo +fifo-reader +[0-9.]+ ms ' "$LOGS/bench.out"
  run ! grep -q '—' "$LOGS/bench.out"
  for bad in "x" "1 no-such-lesson"; do
    # shellcheck disable=SC2086  # words on purpose
    start bad "$ROOT/scripts/bench-lessons" $bad
    finish bad 2
  done
  says bad "There is no lesson 'no-such-lesson'"
}

@test "--versus: another program beside it, whose failure is told" {
  # shellcheck disable=SC2016  # for the other shell
  printf '#!/bin/sh\n[ "$1" = pipe ] || exit 2; while read -r _; do echo 1000; done\n' > other
  printf '#!/bin/sh\necho broken >&2; exit 1\n' > broken
  printf '#!/bin/sh\nread -r _; echo soon\n' > silly
  chmod +x other broken silly
  quick bench --only pipe,fifo --sizes 64 --placement same --versus ./other
  finish bench
  grep -q '× the other' "$LOGS/bench.out"
  quick bench --only pipe --sizes 64 --placement same --versus ./broken
  finish bench 1
  one_error bench "run ./broken pipe 64 1"
  quick bench --only pipe --sizes 64 --placement same --versus ./silly
  finish bench 1
  one_error bench "it has printed 'soon', which is no time"
  for wrong in 0 -5 nan; do
    printf '#!/bin/sh\nread -r _; echo %s\n' $wrong > silly
    quick bench --only pipe --sizes 64 --placement same --versus ./silly
    finish bench 1
    one_error bench "it has printed '$wrong', which is no time"
  done
  # Asked for what it is not for.
  for wrong in --peaks "--rate 10"; do
    # shellcheck disable=SC2086  # words on purpose
    quick bench $wrong --versus ./other
    finish bench 2
  done
  quick bench --placement two --versus ./other
  finish bench 1
  one_error bench "--versus compares on one processor"
}

@test "the C loops: twelve mechanisms, and nothing is left" {
  cc -O2 "$ROOT/crates/tools/ipc-bench/benches/round-trip.c" -o round-trip -lpthread -lrt
  local code=0 processor
  IFS=$'\t,-' read -r _ processor _ < <(grep Cpus_allowed_list /proc/self/status)
  [[ $(echo | ./round-trip pipe 64 1 "$processor") =~ ^[0-9]+\.[0-9]$ ]]
  ./round-trip smoke-signals 64 1 "$processor" || code=$?
  [[ $code == 2 ]]
  quick bench --sizes 64 --placement same --versus ./round-trip --json json
  finish bench
  [[ $(grep -c '"versus": {' json) == 12 ]]
  [[ $(wc -l < /proc/sysvipc/sem) == 1 && $(wc -l < /proc/sysvipc/msg) == 1 ]]
}

@test "what two processors can do in C: six figures" {
  cc -O2 "$ROOT/crates/tools/ipc-bench/benches/two-processors.c" -o two-processors
  start two ./two-processors 1 3
  finish two
  silent two
  if [[ $(nproc) == 1 ]]; then
    grep -q 'one processor only' "$LOGS/two.out"
  else
    [[ $(grep -cE '^[a-z].* [0-9]+\.[0-9]+ +(GiB/s|µs) +\(' "$LOGS/two.out") == 6 ]]
    grep -qE '^pipe of 1 MiB .* [0-9.]+ times pipe$' "$LOGS/two.out"
  fi
  for wrong in "" "0 1" "1 x"; do
    # shellcheck disable=SC2086  # words on purpose
    start two ./two-processors $wrong
    finish two 2
    says two "usage: "
  done
  start_unread two ./two-processors 1 1
  finish two 141
}

@test "Ctrl-C and kill in the middle leave nothing behind" {
  local signal
  for signal in INT TERM HUP QUIT; do
    start bench ipc-bench --only sysv-mq,sysv-shm+sem,posix-mq,fifo --time-ms 300 --sizes 64
    wait_until has_child
    stop bench "$signal"
    finish bench $((128 + $(kill -l "$signal")))
    wait_until gone
  done
}

@test "Ctrl-C, which the terminal sends to all of its processes: it ends of that, without a word" {
  for ((i = 0; i < $(rounds 30); i++)); do
    # A session of its own: so there is a group to send it to.
    start bench setsid "$BIN/ipc-bench" --only pipe,eventfd --time-ms 300 --sizes 64
    wait_until has_child
    kill -INT -- "-${PID[bench]}"
    finish bench 130
    silent bench
    wait_until gone
  done
}

@test "the terminal is closed: all of its processes are told, and no queue is left" {
  for signal in HUP QUIT TERM; do
    start bench setsid "$BIN/ipc-bench" --only sysv-mq --time-ms 5000 --sizes 64 --placement same
    wait_until has_queue_and_children
    kill -s $signal -- "-${PID[bench]}"
    finish bench $((128 + $(kill -l $signal)))
    silent bench
    wait_until gone
    [[ $(wc -l < /proc/sysvipc/msg) == 1 ]]
  done
}

@test "where SIGINT is ignored it is ignored" {
  start bench bash -c 'trap "" INT; exec "$@"' - "$BIN/ipc-bench" --only pipe --sizes 64 --repetitions 1 --time-ms 40
  wait_until has_child
  kill -INT "${PID[bench]}"
  finish bench
  grep -q '^ pipe ' "$LOGS/bench.out"
}

@test "no process makes a thread: it would be in the figures" {
  needs_strace
  run_to_end strace 0 -f -qq -e trace=clone,clone3,fork,vfork -o calls \
    "$BIN/ipc-bench" --only pipe --repetitions 1 --time-ms 1 --sizes 64
  grep -q clone calls
  run ! grep CLONE_THREAD calls
}

has_child() { grep -q . "/proc/${PID[bench]}/task/${PID[bench]}/children"; }

# What it measures first has two children too, and no queue.
has_queue_and_children() { (($(wc -l < /proc/sysvipc/msg) > 1)) && children && ((${#CHILDREN[@]} == 2)); }

# children: into CHILDREN: the process that answers, that which asks.
children() { read -ra CHILDREN < "/proc/${PID[bench]}/task/${PID[bench]}/children" || ((${#CHILDREN[@]})); }

@test "one of the two processes killed: said, and nothing is left" {
  local which names=(second first)
  for which in 0 1; do
    start bench ipc-bench --only sysv-mq --time-ms 5000 --sizes 64 --placement same
    wait_until has_queue_and_children
    kill -KILL "${CHILDREN[which]}"
    finish bench 1
    one_error bench "the ${names[which]} process was killed: nothing more was measured"
  done
}

@test "both processes fail: the row says why, and the terminal nothing" {
  needs_strace
  # The second receives first; that the first one fails too it may not hear of in time.
  start bench strace -f -qq -o /dev/null -e inject=msgrcv:error=EIDRM:when=1 \
    "$BIN/ipc-bench" --only sysv-mq --sizes 64 --placement same --repetitions 1 --time-ms 1
  finish bench
  grep -qE '^ sysv-mq +— .*receive: Identifier removed' "$LOGS/bench.out"
  silent bench
}

@test "the process that waits for both killed: they remove what is left, and end" {
  local mechanism
  for mechanism in sysv-mq sysv-shm+sem; do
    start bench ipc-bench --only $mechanism --time-ms 5000 --sizes 64 --placement same
    wait_until has_object_and_child
    stop bench KILL
    finish bench 137
    wait_until gone
  done
}
has_object_and_child() { (($(cat /proc/sysvipc/{msg,sem} | wc -l) > 2)) && has_child; }

@test "twice at once" {
  quick one --only posix-mq,posix-shm+futex,sysv-mq,fifo --sizes 64 --csv one
  quick two --only posix-mq,posix-shm+futex,sysv-mq,fifo --sizes 64 --csv two
  finish one
  finish two
  [[ $(wc -l < one) == $(wc -l < two) ]]
  run ! grep -q 'EEXIST\|File exists' one two
}

@test "bad arguments" {
  start bench ipc-bench --only smoke-signals
  finish bench 2
  says bench "there is no such mechanism; there are pipe,"
  start bench ipc-bench --processors 0,100000
  finish bench 1
  one_error bench "processor 100000: this process may use"
  for wrong in 0,0 0,1,2; do
    start bench ipc-bench --processors $wrong
    finish bench 1
    one_error bench "--processors takes one, or two that differ"
  done
  start bench ipc-bench --processors 0 --placement two
  finish bench 1
  one_error bench "there is one processor"
  start bench ipc-bench --sizes 0
  finish bench 2
  start bench ipc-bench --only pipe --sizes 1 --repetitions 1 --time-ms 1 --json no/such/folder
  finish bench 1
  one_error bench "write no/such/folder"
  silent_out bench # before anything is measured
  quick bench --only pipe --sizes 64 --svg drawn
  finish bench 1
  one_error bench "give at least two --sizes"
  start bench ipc-bench --explain pipe --sizes 64,4096
  finish bench 1
  one_error bench "--explain traces one message: give one size"
  start bench ipc-bench --explain udp --sizes 65536
  finish bench 1
  one_error bench "udp: at most 65507 B"
}
silent_out() { [[ ! -s $LOGS/$1.out ]] || { show "$1"; return 1; }; }

@test "a drawing that cannot be written is an error" {
  mkdir drawn
  for placement in same two; do ln -s /dev/full "drawn/throughput-$placement-dark.svg"; done
  quick bench --only pipe --sizes 64,4096 --svg drawn
  finish bench 1
  one_error bench "write drawn/throughput-"
}

@test "output that nobody reads: no panic" {
  start_unread bench ipc-bench --only pipe --sizes 1 --repetitions 1 --time-ms 1
  finish bench 141
  silent bench
}
