#!/usr/bin/env bats
load ../exercise

WRITER=fix-fifo-open-writer READER=fix-fifo-open-reader

# waits NAME: it waits for its partner, in whatever call, and leaves the processor alone meanwhile. Who
# sleeps for a time of its own choice, and then looks again, does not wait. (Not every kernel tells that.)
waits() {
  local pid comm
  pid=$(program_pid "$1")
  { read -r comm < "/proc/$pid/comm"; } && [[ $comm == fix-fifo-open-* ]] || return
  rests "$1" && ! grep -qs nanosleep "/proc/$pid"/task/*/wchan
} 2> /dev/null

# they_met: both end, and every line of the input has arrived.
they_met() {
  finish writer
  finish reader
  prints writer <(echo "Written: $(wc -l < input) lines")
  prints reader <(sed 's/^/Received: /' input; echo "Read: $(wc -l < input) lines")
}

# shown: what stands in the test's folder, and a digest of what is in there.
shown() {
  (cd "$DIR" && find . -mindepth 1 -printf '%p %M %u %s %T@ %l\n' | sort && find . -type f -exec sha256sum {} +) |
    head -n 200
}

# left_as_it_is: neither program wants what stands at the path, or changes it.
left_as_it_is() {
  local program
  shown > before
  for program in "$READER" "$WRITER"; do
    start "$program" "$program" fifo < input
    finish "$program" 1
    one_error "$program" ""
    prints "$program" /dev/null
    shown | diff -u --label before --label after before -
  done
}

fifo_is_gone() { [[ ! -e $DIR/fifo && ! -L $DIR/fifo ]] || { echo "left behind: $(ls -l "$DIR/fifo")"; return 1; }; }

@test "[2] the reader may start first" {
  hint "The reader has made the FIFO before: for the writer EEXIST (File exists) is no failure then."
  random_lines $((RANDOM % 50 + 50)) > input
  start reader "$READER" fifo
  wait_until waits reader
  start writer "$WRITER" fifo < input
  they_met
  fifo_is_gone
}

@test "[2] the writer may start first" {
  hint "The writer waits in its open until somebody opens the same FIFO: who removes it and makes another one leaves the writer alone for ever."
  random_lines $((RANDOM % 50 + 50)) > input
  start writer "$WRITER" fifo < input
  wait_until waits writer
  start reader "$READER" fifo
  they_met
  fifo_is_gone
}

@test "[2] the FIFO of a killed run is used again, and gone at the end" {
  hint "What a killed run has left must neither stop the next one nor stay: at the end the FIFO is removed, whoever has made it."
  random_lines $((RANDOM % 50 + 50)) > input
  start killed "$READER" fifo
  wait_until waits killed
  stop killed KILL
  finish killed 137
  start reader "$READER" fifo
  wait_until waits reader
  start writer "$WRITER" fifo < input
  they_met
  fifo_is_gone
}

@test "[1] a file at that path is left as it is" {
  hint "EEXIST says that something has that name, not that it is a FIFO: look (lstat) before you open it, and never remove what is none."
  random_lines 5 > theirs
  random_lines 5 > input
  # Made by the program's own user, who may remove it.
  give fifo < theirs
  left_as_it_is
  inside mv fifo theirs
  inside ln -s theirs fifo
  left_as_it_is
  inside rm fifo
  # Through a link even to a FIFO something else would be used, and the wrong name removed.
  inside mkfifo elsewhere
  inside ln -s elsewhere fifo
  left_as_it_is
  inside rm fifo elsewhere
  inside mkdir fifo
  inside mv theirs fifo
  left_as_it_is
}

@test "[1] Ctrl-C while it waits: the FIFO is gone" {
  hint "SIGINT and SIGTERM end a program also in its open, and nobody removes what it has made: see lesson graceful-shutdown."
  for program in "$READER" "$WRITER"; do
    for signal in INT TERM; do
      start "$program" "$program" fifo < /dev/null
      wait_until waits "$program"
      stop "$program" "$signal"
      finish "$program" "$(ended_by "$signal")"
      fifo_is_gone
    done
  done
  hint "On Ctrl-C a program removes the FIFO that it has made itself: for one that was there before, its maker may come back."
  for program in "$READER" "$WRITER"; do
    inside mkfifo fifo
    inside ln fifo theirs
    start "$program" "$program" fifo < /dev/null
    wait_until waits "$program"
    # Who has put another one in its place, which is for another test, has made that.
    [[ $DIR/fifo -ef $DIR/theirs ]] || made=$program
    stop "$program" INT
    finish "$program" 130
    [[ -p $DIR/fifo || ${made:-} == "$program" ]] || { echo "the FIFO that was there before $program is gone"; return 1; }
    inside rm -f fifo theirs
  done
}

@test "[2] the lines went through the FIFO" {
  hint "The writer must write the lines into the FIFO, and the reader read them from there: no file is needed beside it."
  random_lines 20 > input
  start_traced reader "$READER" fifo
  wait_until waits reader
  start_traced writer "$WRITER" fifo < input
  they_met
  through fifo writer reader input
}
