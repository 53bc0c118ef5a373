#!/usr/bin/env bats
load ../exercise

WRITER=fix-fifo-open-writer READER=fix-fifo-open-reader

# in_open NAME: asleep in opening a FIFO (0: this kernel does not tell in which call).
in_open() {
  local pid
  pid=$(program_pid "$1")
  [[ $(cat "/proc/$pid/comm") == fix-fifo-open-* && $(cut -d' ' -f3 "/proc/$pid/stat") == S ]] &&
    [[ $(cat "/proc/$pid/wchan") =~ partner|fifo_open|^0$ ]]
} 2> /dev/null

# they_met: both end, and every line of the input has arrived.
they_met() {
  finish writer
  finish reader
  prints writer <(echo "Written: $(wc -l < input) lines")
  prints reader <(sed 's/^/Received: /' input; echo "Read: $(wc -l < input) lines")
}

fifo_is_gone() { [[ ! -e $DIR/fifo ]] || { echo "left behind: $(ls -l "$DIR/fifo")"; return 1; }; }

@test "[2] the reader may start first" {
  hint "The reader has made the FIFO before: for the writer EEXIST (File exists) is no failure then."
  random_lines $((RANDOM % 50 + 50)) > input
  start reader $READER fifo
  wait_until in_open reader
  start writer $WRITER fifo < input
  they_met
  fifo_is_gone
}

@test "[2] the writer may start first" {
  hint "The writer waits in its open until somebody opens the same FIFO: who removes it and makes another one leaves the writer alone for ever."
  random_lines $((RANDOM % 50 + 50)) > input
  start writer $WRITER fifo < input
  wait_until in_open writer
  start reader $READER fifo
  they_met
  fifo_is_gone
}

@test "[2] the FIFO of a killed run is used again, and gone at the end" {
  hint "What a killed run has left must neither stop the next one nor stay: at the end the FIFO is removed, whoever has made it."
  random_lines $((RANDOM % 50 + 50)) > input
  start killed $READER fifo
  wait_until in_open killed
  stop killed KILL
  finish killed 137
  start reader $READER fifo
  wait_until in_open reader
  start writer $WRITER fifo < input
  they_met
  fifo_is_gone
}

@test "[1] a file at that path is left as it is" {
  hint "EEXIST says that something has that name, not that it is a FIFO: look (lstat) before you open it, and never remove what is none."
  random_lines 5 > theirs
  random_lines 5 > input
  cp theirs "$DIR/fifo"
  chmod 666 "$DIR/fifo" # in the grader the program is another user
  for program in $READER $WRITER; do
    start "$program" "$program" fifo < input
    finish "$program" 1
    one_error "$program" ""
    prints "$program" /dev/null
    inside test -f fifo || { echo "the file is gone"; return 1; }
    inside cat fifo | diff -u --label before --label after theirs -
  done
}

@test "[1] Ctrl-C while it waits: the FIFO is gone" {
  hint "SIGINT and SIGTERM end a program also in its open, and nobody removes what it has made: see lesson graceful-shutdown."
  for program in $READER $WRITER; do
    for signal in INT TERM; do
      start "$program" "$program" fifo < /dev/null
      wait_until in_open "$program"
      stop "$program" "$signal"
      finish "$program" $((128 + $(kill -l "$signal")))
      fifo_is_gone
    done
  done
}

@test "[2] the lines went through the FIFO" {
  hint "The writer must write the lines into the FIFO, and the reader read them from there: no file is needed beside it."
  random_lines 20 > input
  start_traced reader $READER fifo
  wait_until in_open reader
  start_traced writer $WRITER fifo < input
  they_met
  through fifo writer reader input
}
