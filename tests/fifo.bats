#!/usr/bin/env bats
load harness
load page

input=$BATS_FILE_TMPDIR/input
setup_file() { printf 'hello\nworld\nthree\n' > "$BATS_FILE_TMPDIR/input"; }

@test "the writer starts first" {
  start writer fifo-writer fifo < "$input"
  wait_for writer "Writer: Opening FIFO..."
  start reader fifo-reader fifo
  finish writer
  finish reader
  same_output writer
  same_output reader
}

@test "the reader starts first" {
  start reader fifo-reader fifo
  wait_for reader "Reader: Opening FIFO..."
  start writer fifo-writer fifo < "$input"
  finish writer
  finish reader
  same_output writer
  same_output reader
}

# at_example_fifo NAME PROGRAM: first layers take no argument, and have this path written in.
at_example_fifo() { if [[ $2 == first-* ]]; then start "$1" "$2"; else start "$1" "$2" example_fifo; fi; }

@test "first layers: they pair with each other and with the programs" {
  local writer reader
  [[ -n ${IPC_LAB_NAMESPACE:-} ]] || skip "no mount namespace: their path is below the machine's /tmp"
  for pair in first-fifo-writer:first-fifo-reader first-fifo-writer:fifo-reader fifo-writer:first-fifo-reader; do
    writer=${pair%:*} reader=${pair#*:}
    at_example_fifo writer "$writer" < "$input"
    wait_until test -p example_fifo
    at_example_fifo reader "$reader"
    finish writer
    finish reader
    same_output writer
    same_output reader
    silent writer
    silent reader
    [[ ! -e example_fifo ]]
  done
}

@test "page: by hand" { paste fifo "By hand"; }
@test "page: the mechanism" { paste fifo "The mechanism"; }
@test "page: the reader starts first" { paste fifo "Predict, then try" 1; }
@test "page: two writers, and the first writer ends" { paste fifo "Predict, then try" 2; }
@test "page: the reader is killed, then the writer writes" { paste fifo "Predict, then try" 3; }
@test "page: Ctrl-C in the writer while it blocks in open" { paste fifo "Predict, then try" 4; }
@test "page: a regular file has the name" { paste fifo "Predict, then try" 5; }
@test "page: its code stands in the files" { code_blocks fifo; }

@test "README: the transcript is what happens" {
  start_as_in_readme fifo fifo-writer fifo
  start_as_in_readme fifo fifo-reader fifo
  finish fifo-writer
  finish fifo-reader
  same_as_in_readme fifo-writer
  same_as_in_readme fifo-reader
}

@test "each line arrives as it is typed" {
  start reader fifo-reader fifo
  start_typing writer fifo-writer fifo
  type_in writer "one"
  wait_for reader "Received: one"
  type_in writer "two"
  wait_for reader "Received: two"
  end_of_input writer
  finish writer
  finish reader
}

@test "a last line without a newline arrives too" {
  start writer fifo-writer fifo < <(printf 'first\nlast')
  start reader fifo-reader fifo
  finish writer
  finish reader
  grep -qx 'Received: last' "$LOGS/reader.out"
  # On a terminal Ctrl-D twice: the second ends the program.
  command -v script > /dev/null || skip "script is not installed"
  start reader fifo-reader fifo
  start_typing terminal script -qec "$BIN/fifo-writer fifo" /dev/null
  wait_for terminal "Enter messages"
  type_in terminal $'last\x04\x04' # the newline is never read
  wait_for terminal "Writer: Done."
  end_of_input terminal
  finish terminal
  finish reader
  grep -qx 'Received: last' "$LOGS/reader.out"
}

@test "64 MiB arrive byte for byte" {
  head -c 48M /dev/urandom | base64 > data
  start writer fifo-writer fifo < data
  start reader fifo-reader fifo
  finish writer
  finish reader
  [[ $(grep '^Received: ' "$LOGS/reader.out" | cut -c11- | sha256sum) == $(sha256sum < data) ]]
}

@test "the reader killed half-way: the writer says so, exits 1 and removes the FIFO" {
  start reader fifo-reader fifo
  start writer fifo-writer fifo < <(yes)
  wait_for reader "Received: y"
  stop reader KILL
  finish reader 137
  finish writer 1
  one_error writer "write fifo: the reader has terminated (EPIPE)"
  [[ ! -e fifo ]]
}

@test "the writer killed half-way: the reader sees end-of-file and cleans up" {
  start reader fifo-reader fifo
  start_typing writer fifo-writer fifo
  type_in writer "one"
  wait_for reader "Received: one"
  stop writer KILL
  finish writer 137
  finish reader
  [[ ! -e fifo ]]
}

@test "Ctrl-C while waiting for the partner removes the FIFO" {
  for program in fifo-writer fifo-reader; do
    for signal in INT TERM HUP; do
      start waiting "$program" fifo
      wait_for waiting "Opening FIFO"
      stop waiting "$signal"
      finish waiting $((128 + $(kill -l $signal)))
      [[ ! -e fifo ]]
    done
  done
  # nohup has it ignore the end of the terminal: then only the others end it.
  start waiting nohup "$BIN/fifo-reader" fifo
  wait_for waiting "Opening FIFO"
  stop waiting HUP
  wait_until asleep waiting
  [[ -p fifo ]]
  stop waiting TERM
  finish waiting 143
  [[ ! -e fifo ]]
}

@test "Ctrl-C in the writer is the reader's end-of-file" {
  start reader fifo-reader fifo
  start_typing writer fifo-writer fifo
  wait_for writer "Enter messages"
  stop writer INT
  finish writer 130
  finish reader
}

@test "a FIFO of ours from a crashed run is used again" {
  mkfifo fifo
  start writer fifo-writer fifo < "$input"
  start reader fifo-reader fifo
  finish writer
  finish reader
  same_output reader
  [[ ! -e fifo ]]
}

@test "two writers: no line is torn" {
  yes aaaaaaaaaaaaaaaa | head -2000 > a
  yes bbbbbbbbbbbbbbbb | head -2000 > b
  start reader fifo-reader fifo
  start_typing silent fifo-writer fifo # holds the FIFO open, so that nothing ends too early
  wait_for silent "Enter messages"
  start one fifo-writer fifo < a
  start two fifo-writer fifo < b
  finish one
  finish two
  end_of_input silent
  finish silent
  finish reader
  [[ $(grep -cxE 'Received: (a{16}|b{16})' "$LOGS/reader.out") == 4000 ]]
}

@test "bad paths: one error that names the call and the path; nothing is touched" {
  echo precious > file
  mkdir folder
  ln -s file link
  for program in fifo-writer fifo-reader; do
    run_to_end $program 1 missing/fifo
    one_error $program "mkfifo missing/fifo: ENOENT"
    run_to_end $program 1 file
    one_error $program "file is a regular file, left as it is"
    run_to_end $program 1 folder
    one_error $program "folder is a directory"
    run_to_end $program 1 link
    one_error $program "link is a symbolic link"
    run_to_end $program 1 file/fifo
    one_error $program "mkfifo file/fifo: ENOTDIR"
  done
  [[ $(cat file) == precious && -d folder && -L link ]]
}

@test "no permission" {
  mkdir closed
  chmod 0 closed
  for program in fifo-writer fifo-reader; do
    start_unprivileged denied $program closed/fifo
    finish denied 1
    one_error denied "mkfifo closed/fifo: EACCES"
  done
}

@test "another user's FIFO is refused" {
  mkfifo fifo
  chmod 666 fifo
  foreign fifo
  for program in fifo-writer fifo-reader; do
    run_to_end $program 1 fifo
    one_error $program "fifo is a FIFO of another user"
  done
  rm fifo
}

@test "bad arguments, and --help" {
  for program in fifo-writer fifo-reader; do
    run_to_end $program 2 --wrong
    says $program "unexpected argument '--wrong'"
    run_to_end $program 2 one two
    run_to_end $program 0 --help
    grep -qF "/tmp/example_fifo" "$LOGS/$program.out"
  done
}

@test "output that nobody reads: no panic, and the FIFO is removed" {
  start_unread writer fifo-writer fifo
  finish writer 141
  silent writer
  [[ ! -e fifo ]]
  start writer fifo-writer fifo < "$input"
  # A reader that comes first makes the FIFO, and takes it along.
  wait_for writer "Writer: Opening FIFO..."
  start_unread reader fifo-reader fifo
  finish reader 141
  stop writer
  finish writer 143
  [[ ! -e fifo ]]
}
