#!/usr/bin/env bats
load ../exercise

# some_amounts N: that many that nobody can know beforehand.
some_amounts() {
  local n_i n_count
  number n_count "$1" || return
  AMOUNTS=()
  for ((n_i = 0; n_i < n_count; n_i++)); do AMOUNTS+=($((RANDOM * 32768 + RANDOM + 1))); done
}

# total ROUNDS: what the program should print.
total() {
  local n_sum=0 n_amount n_rounds amount
  number n_rounds "$1" || return
  for amount in "${AMOUNTS[@]}"; do
    number n_amount "$amount" || return
    ((n_sum += n_amount))
  done
  echo "Total: $((n_sum * n_rounds))"
}

# worker_seen: WORKER is a child of the program, and PROGRAM_PID the program; or the program is over.
worker_seen() {
  WORKER='' PROGRAM_PID=$(program_pid run)
  ! over || return 0
  # Not yet what only starts it up.
  local comm
  { read -r comm < "/proc/$PROGRAM_PID/comm"; } 2> /dev/null && [[ $comm == fix-shm-race ]] || return
  children
  WORKER=${CHILDREN[0]:-}
  [[ -n $WORKER ]]
}
over() { ended run || has_printed run "Total: "; }
# Without a process of its own for each look: what it looks for may be short.
children() {
  local list some
  CHILDREN=()
  for list in "/proc/$PROGRAM_PID/task/"*/children; do
    # This file ends in no newline, which `read` calls a failure.
    { read -ra some < "$list"; } 2> /dev/null || true
    CHILDREN+=("${some[@]}")
    some=()
  done
}

# has_children N: also such as have ended and not been waited for.
has_children() {
  local n_least
  number n_least "$1" && children && ((${#CHILDREN[@]} >= n_least))
}

# hold_worker: stops it, until it has taken effect; fails if it has ended before.
hold_worker() {
  [[ -n $WORKER ]] && kill -s STOP "$WORKER" 2> /dev/null && wait_until stopped "$WORKER" && [[ $STATE == [Tt] ]]
}
stopped() { ! state_of "$1" || [[ $STATE == [TtZ] ]]; }

# added ROUNDS: the total stands in the segment, or what else stood there (NUMBER) when the workers ended.
added() {
  local pid ended=1
  children
  for pid in "${CHILDREN[@]}"; do
    ! state_of "$pid" || [[ $STATE == Z ]] || ended=''
  done
  NUMBER=$(segment read . 2> /dev/null | od -An -N8 -tu8 | tr -d ' ') || return
  [[ "Total: $NUMBER" == "$(total "$1")" || -n $ended && $NUMBER != 0 ]]
}

# worked NAME N: so many workers were started, and a segment was attached. (The grader alone traces each test.)
worked() {
  graded_here || return 0
  query "$1"
  evidence "$1" '
    !seen[pid]++ { processes++ }
    name == "shmat" && outcome == "returned" { attached = 1 }
    END { exit !(attached && processes > workers) }' workers="$2" ||
    { echo "no shared memory was attached, or there were fewer than $2 workers"; return 1; }
}

@test "[6] no update is lost" {
  hint "The load and the store must be one step that no two workers do at the same time: P comes before the load, V after the store."
  for workers in 3 7 2; do
    some_amounts "$workers"
    start run fix-shm-race --rounds 1000 "${AMOUNTS[@]}" < /dev/null
    ends run
    prints run <(total 1000)
    worked run "$workers"
  done
  hint "All workers must be at work at the same time: fork them all before you wait for one (reap)."
  some_amounts 3
  # A worker that has ended before it is seen proves nothing: then with more rounds.
  for rounds in 2000 10000 10000 20000; do
    start run fix-shm-race --rounds "$rounds" "${AMOUNTS[@]}" < /dev/null
    wait_until worker_seen
    local held='' alone=''
    if hold_worker; then
      held=1
      # The others do not wait until this one has ended.
      wait_until has_children 3 || alone=1
      kill -s CONT "$WORKER"
    fi
    ends run
    [[ -z $alone ]] || { echo "while one worker was stopped, no others were started"; return 1; }
    [[ -z $held ]] || break
  done
  worked run 3
}

@test "[1] the total stands in the segment" {
  hint "What the program prints must be what stands in the first 8 bytes of the segment with the key ftok(\".\", 'S')."
  some_amounts 3
  start_typing run fix-shm-race --rounds 100 "${AMOUNTS[@]}"
  wait_for run "Total: "
  # One of ours reads the segment, as any program that has the key could.
  segment read . > content
  end_of_input run
  ends run
  prints run <(echo "Total: $(od -An -N8 -tu8 content | tr -d ' ')")
  hint "The workers, and not their parent, must add to the number in the segment: when the last one ends the total must stand there already."
  some_amounts 3
  # If the program has been faster than this: with more rounds.
  for rounds in 2000 10000 10000 20000; do
    start run fix-shm-race --rounds "$rounds" "${AMOUNTS[@]}" < /dev/null
    wait_until worker_seen
    # Stopped, the parent adds nothing.
    over || freeze run || true
    local vain=''
    if over; then WORKER=''; else wait_until added "$rounds" || vain=1; fi
    stop run CONT 2> /dev/null || true
    ends run
    [[ -z $vain ]] || { echo "while the parent was stopped, the workers did not add to the number in the segment"; return 1; }
    [[ -z $WORKER ]] || break
  done
  [[ -n $WORKER ]] || { echo "the total was printed before any worker was seen at work"; return 1; }
  # (When not all of them were started before the parent was stopped, others have added later.)
  ((${#CHILDREN[@]} < 3)) || prints run <(echo "Total: $NUMBER")
}

@test "[1] every worker attaches the segment" {
  hint "Each worker must be a process of its own that attaches the segment (shmat) and adds to the number there."
  some_amounts 5
  HOW=start_typing start_traced run fix-shm-race --rounds 20 "${AMOUNTS[@]}"
  wait_for run "Total: "
  id=$(segment id .)
  end_of_input run
  ends run
  query run
  # The process with which it begins prints the total, and is no worker.
  evidence run '
    NR == 1 { parent = pid }
    name == "shmat" && $10 == segment && outcome == "returned" && pid != parent && !seen[pid]++ { print pid }
  ' segment="$id" > attached
  local n_attached
  number n_attached "$(wc -l < attached)"
  ((n_attached >= 5)) || { echo "$n_attached of 5 workers have attached segment $id"; return 1; }
}

@test "[1] Ctrl-C leaves nothing behind" {
  hint "A signal ends the program while it waits: whatever you have made must be removed then, too (see lesson::making in the handout)."
  for signal in INT TERM; do
    some_amounts 2
    start_typing "$signal" fix-shm-race --rounds 10 "${AMOUNTS[@]}"
    wait_for "$signal" "Total: "
    stop "$signal" "$signal"
    finish "$signal" "$(ended_by "$signal")"
    nothing_left
    worked "$signal" 2
  done
}

@test "[1] it exits with 0, without an error" {
  hint "The answer alone is not all: a script looks at the exit status, and an error at the end says that something is wrong."
  some_amounts 3
  start run fix-shm-race --rounds 10 "${AMOUNTS[@]}" < /dev/null
  finish run
  run -1 grep -E '^Error|panicked' "$LOGS/run.err"
  worked run 3
}
