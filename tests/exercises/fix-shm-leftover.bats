#!/usr/bin/env bats
load ../exercise

MARK='board 1'
n_size=8192

# numbered: the lines as the program should print them.
numbered() { awk '{ print "Line " NR ": " $0 }' "$1"; }

# type_all NAME FILE: each line, and the program has printed it.
type_all() {
  local n_number=0 line
  while IFS= read -r line; do
    type_in "$1" "$line"
    wait_for "$1" "Line $((++n_number)): $line"
  done < "$2"
}

# board_holds FILE: one of ours finds these lines in the segment, and nothing else.
board_holds() {
  # Up to the NUL: what may stand behind it belongs to nobody.
  segment read . | head -z -n 1 | tr -d '\0' > content
  diff -u --label expected --label actual <(echo "$MARK"; cat "$1") content
}

# left_alone SIZE: the program finds the segment of that size, which holds what the file `theirs` does.
left_alone() {
  segment make . "$1" < theirs
  local id
  id=$(segment id .)
  random_lines 2 > input
  start run fix-shm-leftover < input
  finish run 1
  one_error run "ipcrm -m $id"
  prints run /dev/null
  segment read . > after || return
  cmp -n "$(wc -c < theirs)" theirs after || return
  [[ $(wc -c < after) == "$1" && $(segment id .) == "$id" ]] ||
    { echo "there is another segment in its place"; return 1; }
  segment remove .
}

@test "[2] the lines stand in the segment, which is gone at the end" {
  hint "The lines go into the segment behind the mark; at end-of-file the program must remove the segment (shmctl IPC_RMID): nobody else does."
  random_lines 5 > input
  start_typing run fix-shm-leftover
  type_all run input
  board_holds input
  end_of_input run
  finish run
  prints run <(numbered input)
  nothing_left
  hint "The segment goes also if the program ends because of an error, such as a board that is full: what removes it must run on every way out."
  { random_lines 1; head -c $((n_size * 2)) /dev/zero | tr '\0' "$((RANDOM % 10))"; echo; } > input
  start full fix-shm-leftover < input
  finish full 1
  one_error full ""
  nothing_left
}

@test "[2] after kill -9 the next run begins with an empty board" {
  hint "A board that nobody has attached was left by a killed run: take it over, but remove the lines that stand in it."
  random_lines 4 > before
  start_typing killed fix-shm-leftover
  type_all killed before
  stop killed KILL
  finish killed 137
  random_lines 3 > input
  start_typing run fix-shm-leftover
  type_all run input
  board_holds input
  end_of_input run
  finish run
}

@test "[2] Ctrl-C removes the segment" {
  hint "SIGINT and SIGTERM end a program at once, and nobody removes what it has made: see lesson graceful-shutdown."
  for signal in INT TERM; do
    random_lines 2 > input
    start_typing "$signal" fix-shm-leftover
    type_all "$signal" input
    stop "$signal" "$signal"
    finish "$signal" "$(ended_by "$signal")"
    nothing_left
  done
}

@test "[2] a segment of another size is left as it is" {
  hint "Only a segment of exactly SIZE bytes is a board: look at its size (shmctl IPC_STAT) before you attach it, or who reads beyond its end is killed."
  { echo "$MARK"; head -c 40 /dev/urandom; } > theirs
  for size in 64 $((n_size * 2)) 1024; do left_alone "$size"; done
}

@test "[1] a segment without the mark is left as it is" {
  hint "A segment of the same size may still be somebody else's: only what begins with the mark is yours to use or to remove."
  { random_lines 1; head -c 100 /dev/urandom; } > theirs
  left_alone "$n_size"
  hint "All bytes of the mark count: 'board 2' may be another version's, and that is not yours."
  # The mark, but for one of its bytes.
  local n_place
  for n_place in 0 $((RANDOM % ${#MARK})) ${#MARK}; do
    { echo "$MARK" | sed -z "s/./#/$((n_place + 1))"; random_lines 3; } > theirs
    left_alone "$n_size"
  done
}

@test "[1] a board that is in use is left to the other run" {
  hint "Before you take a board over, ask the kernel how many processes have it attached (shm_nattch): somebody may be using it."
  random_lines 3 > input
  start_typing first fix-shm-leftover
  type_all first input
  random_lines 1 > other
  start second fix-shm-leftover < other
  finish second 1
  one_error second ""
  prints second /dev/null
  board_holds input
  end_of_input first
  finish first
}
