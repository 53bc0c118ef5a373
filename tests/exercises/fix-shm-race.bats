#!/usr/bin/env bats
load ../exercise

# some_amounts N: that many that nobody can know beforehand.
some_amounts() {
  AMOUNTS=()
  for ((i = 0; i < $1; i++)); do AMOUNTS+=($((RANDOM * 32768 + RANDOM + 1))); done
}

# total ROUNDS: what the program should print.
total() {
  local sum=0 amount
  for amount in "${AMOUNTS[@]}"; do ((sum += amount)); done
  echo "Total: $((sum * $1))"
}

@test "[6] no update is lost" {
  hint "The load and the store must be one step that no two workers do at the same time: P comes before the load, V after the store."
  for workers in 3 7 2; do
    some_amounts "$workers"
    start run fix-shm-race --rounds 1000 "${AMOUNTS[@]}" < /dev/null
    ends run
    prints run <(total 1000)
  done
}

@test "[1] the total stands in the segment" {
  hint "What the program prints must be what stands in the first 8 bytes of the segment with the key ftok(\".\", 'S')."
  some_amounts 3
  start_typing run fix-shm-race --rounds 100 "${AMOUNTS[@]}"
  wait_for run "Total: "
  # One of ours reads the segment, as any program that has the key could.
  in_box examples/segment read . > content
  end_of_input run
  ends run
  prints run <(echo "Total: $(od -An -N8 -tu8 content | tr -d ' ')")
}

@test "[1] every worker attaches the segment" {
  hint "Each worker must be a process of its own that attaches the segment (shmat) and adds to the number there."
  some_amounts 5
  HOW=start_typing start_traced run fix-shm-race --rounds 20 "${AMOUNTS[@]}"
  wait_for run "Total: "
  id=$(in_box examples/segment id .)
  end_of_input run
  ends run
  # Whoever prints the total is no worker. (grep -L fails if it leaves nobody out.)
  grep -lE " shmat\($id, .* = 0x" "$LOGS/run.trace".* | xargs -r grep -LF '"Total: ' > attached || true
  (($(wc -l < attached) >= 5)) || { echo "$(wc -l < attached) of 5 workers have attached segment $id"; return 1; }
}

@test "[1] Ctrl-C leaves nothing behind" {
  hint "A signal ends the program while it waits: whatever you have made must be removed then, too (see lesson::making in the handout)."
  for signal in INT TERM; do
    some_amounts 2
    start_typing "$signal" fix-shm-race --rounds 10 "${AMOUNTS[@]}"
    wait_for "$signal" "Total: "
    stop "$signal" "$signal"
    finish "$signal" $((128 + $(kill -l "$signal")))
    nothing_left
  done
}

@test "[1] it exits with 0, without an error" {
  hint "The answer alone is not all: a script looks at the exit status, and an error at the end says that something is wrong."
  some_amounts 3
  start run fix-shm-race --rounds 10 "${AMOUNTS[@]}" < /dev/null
  finish run
  run -1 grep -E '^Error|panicked' "$LOGS/run.err"
}
