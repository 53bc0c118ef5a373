#!/usr/bin/env bats
load harness

# ends STATUS COMMANDS...: the pipeline of these commands exits so.
ends() { run_to_end pipeline "$1" -- "${@:2}"; }

@test "ls | grep txt" {
  touch a.txt b.txt c.rs
  run_to_end pipeline 0
  same_output pipeline
  silent pipeline
}

@test "README: the transcript is what happens" {
  touch notes.txt data.txt code.rs
  start_as_in_readme pipeline pipeline
  finish pipeline
  same_as_in_readme pipeline
}

@test "other commands, with their arguments" {
  touch a.txt b.txt c.rs
  ends 0 ls -l '|' wc -l
  [[ $(< "$LOGS/pipeline.out") == 4 ]]
  ends 0 printf '%s\n' 'two words' '|' tr a-z A-Z
  [[ $(< "$LOGS/pipeline.out") == "TWO WORDS" ]]
}

@test "the exit status is that of the last command, as in a shell" {
  ends 1 ls '|' grep txt
  ends 0 false '|' true
  ends 7 true '|' sh -c 'exit 7'
  ends 137 true '|' sh -c 'kill -KILL $$'
}

@test "a command that is not there, and one that is no program" {
  ends 127 ls '|' no-such-command
  one_error pipeline "execvp no-such-command: ENOENT"
  ends 0 no-such-command '|' cat
  one_error pipeline "execvp no-such-command: ENOENT"
  ends 126 ls '|' "$DIR"
  one_error pipeline "execvp $DIR: EACCES"
}

@test "SIGPIPE is at its default in both commands: yes | head -1 ends" {
  ends 0 yes '|' head -n 1
  [[ $(< "$LOGS/pipeline.out") == y ]]
  silent pipeline
  ends 0 cat /dev/zero '|' true
  # Bit 12 (0x1000) of the mask of ignored signals is SIGPIPE, number 13.
  ends 0 cat /proc/self/status '|' cat - /proc/self/status
  [[ $(grep -c '^SigIgn:' "$LOGS/pipeline.out") == 2 ]]
  while read -r _ ignored; do
    ((!(0x$ignored & 0x1000)))
  done < <(grep '^SigIgn:' "$LOGS/pipeline.out")
}

@test "100 MiB go through" {
  ends 0 head -c 100M /dev/zero '|' wc -c
  [[ $(< "$LOGS/pipeline.out") == 104857600 ]]
}

@test "no descriptor of the pipe leaks into a command" {
  # Each has its standard streams, and one for the folder that ls reads.
  ends 0 ls /proc/self/fd '|' cat
  cp "$LOGS/pipeline.out" first
  ends 0 true '|' ls /proc/self/fd
  start alone ls /proc/self/fd
  finish alone
  cp "$LOGS/alone.out" alone
  diff alone first
  diff alone "$LOGS/pipeline.out"
  run_to_end pipeline 0 --capture -- ls /proc/self/fd
  diff alone <(tail -n +2 "$LOGS/pipeline.out")
}

@test "--capture reads the output back" {
  touch a.txt b.txt c.rs
  run_to_end pipeline 0 --capture
  printf 'Captured 12 bytes in 2 lines:\na.txt\nb.txt\n' | diff - "$LOGS/pipeline.out"
  run_to_end pipeline 0 --capture -- printf 'one\ntwo'
  printf 'Captured 7 bytes in 1 line:\none\ntwo' | cmp - "$LOGS/pipeline.out"
  run_to_end pipeline 3 --capture -- sh -c 'echo out; exit 3'
  grep -qx out "$LOGS/pipeline.out"
  run_to_end pipeline 1 --capture -- ls '|' grep nothing
  [[ $(< "$LOGS/pipeline.out") == "Captured 0 bytes in 0 lines:" ]]
}

@test "bytes that are no UTF-8 go through, in arguments and in what is captured" {
  run_to_end pipeline 0 --capture -- printf '%s\n' $'\xff' '|' cat
  printf 'Captured 2 bytes in 1 line:\n\xff\n' | cmp - "$LOGS/pipeline.out"
}

@test "--capture of more than a pipe holds does not deadlock" {
  run_to_end pipeline 0 --capture -- head -c 8M /dev/urandom '|' base64
  read -r _ bytes _ < "$LOGS/pipeline.out"
  [[ $(tail -n +2 "$LOGS/pipeline.out" | wc -c) == "$bytes" ]]
  ((bytes > 8 * 1024 * 1024))
}

@test "what is no pipeline of two commands is a usage error" {
  for words in "ls" "| ls" "ls |" "ls | wc | cat" "|"; do
    # shellcheck disable=SC2086  # words on purpose
    ends 2 $words
    says pipeline "for example: pipeline -- ls -l '|' wc -l"
    [[ ! -s $LOGS/pipeline.out ]]
  done
  run_to_end pipeline 2 --capture -- ls '|' wc '|' cat
  run_to_end pipeline 2 --capture -- ls '|'
  run_to_end pipeline 2 --wrong
  run_to_end pipeline 0 --help
  grep -qF "Example: pipeline -- ls -l '|' wc -l" "$LOGS/pipeline.out"
}

@test "killed half-way: when one of the commands ends, so does the other" {
  # If the last one ends, SIGPIPE ends the first; if the first one ends, the last one sees
  # end-of-file: nobody else holds an end of the pipe.
  for command in cat yes; do
    start pipeline pipeline -- yes '|' sh -c 'head -n 1; exec cat > /dev/null'
    wait_for pipeline y
    wait_until pid_of cat
    stop pipeline KILL
    finish pipeline 137
    kill -TERM "$(pid_of $command)"
    wait_until no_processes
  done
}

no_processes() { [[ -z $(processes) ]]; }

# The pid of this test's process that runs COMMAND.
pid_of() {
  local pid
  for pid in $(processes); do
    if [[ $(cat "/proc/$pid/comm" 2> /dev/null) == "$1" ]]; then echo "$pid"; return; fi
  done
  return 1
}

@test "Ctrl-C reaches all three, as in a terminal, and nothing is left" {
  # shellcheck disable=SC2034  # the harness uses it
  UNDER=(setsid) # a process group of its own
  for signal in INT TERM; do
    for options in "" --capture; do
      # shellcheck disable=SC2086  # no word if there is no option
      start pipeline pipeline $options -- yes '|' sh -c 'echo ready >&2; exec cat > /dev/null'
      wait_for pipeline ready
      kill -s $signal -- "-${PID[pipeline]}"
      finish pipeline $((128 + $(kill -l $signal)))
      wait_until no_processes
    done
  done
}

@test "output that nobody reads: the last command dies of SIGPIPE" {
  start_unread pipeline pipeline -- yes '|' cat
  finish pipeline 141
  silent pipeline
  start_unread pipeline pipeline --capture -- echo hello
  finish pipeline 141
  silent pipeline
}

@test "a command that goes on after closing its output is waited for, whoever reads" {
  mkfifo gate
  start_unread pipeline pipeline --capture -- sh -c 'echo hello; exec >&-; echo closed >&2; read -r _ < gate'
  wait_for pipeline closed
  # End-of-file has come and the command lives: all there is to sleep in is waitpid.
  wait_until asleep pipeline
  echo go > gate
  finish pipeline 141
  no_processes
  rm gate
}

@test "output to a full disk is an error" {
  FULL=1 start pipeline pipeline --capture -- echo hello
  finish pipeline 1
  one_error pipeline "write to standard output: No space left on device"
}

@test "stopped and continued (Ctrl-Z, fg) it prints the same" {
  touch a.txt b.txt c.rs
  for ((i = 0; i < $(rounds 20); i++)); do
    start pipeline pipeline
    stop pipeline STOP || true
    stop pipeline CONT || true
    finish pipeline
    same_output pipeline
  done
}
