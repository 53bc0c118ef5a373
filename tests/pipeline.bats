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
  env --default-signal=INT,QUIT ls /proc/self/fd > alone 3>&- 4>&-
  diff alone first
  diff alone "$LOGS/pipeline.out"
}

@test "--capture reads the output back" {
  touch a.txt b.txt c.rs
  run_to_end pipeline 0 --capture
  printf 'Captured 12 bytes in 2 lines:\na.txt\nb.txt\n' | diff - "$LOGS/pipeline.out"
  run_to_end pipeline 0 --capture -- printf 'one\ntwo'
  printf 'Captured 7 bytes in 1 lines:\none\ntwo' | cmp - "$LOGS/pipeline.out"
  run_to_end pipeline 3 --capture -- sh -c 'echo out; exit 3'
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
    says pipeline "'|'"
  done
  run_to_end pipeline 2 --wrong
  run_to_end pipeline 0 --help
  grep -qF "Example: pipeline -- ls -l '|' wc -l" "$LOGS/pipeline.out"
}

@test "killed half-way, the commands end too" {
  # When the first command's reader is gone SIGPIPE ends it; the reader sees end-of-file.
  start pipeline pipeline -- yes '|' cat
  wait_for pipeline y
  stop pipeline KILL
  finish pipeline 137
  for pid in $(processes); do kill -TERM "$pid" 2> /dev/null || true; done
  wait_until no_processes
}

no_processes() { [[ -z $(processes) ]]; }

@test "output that nobody reads: the last command dies of SIGPIPE" {
  start_unread pipeline pipeline -- yes '|' cat
  finish pipeline 141
  silent pipeline
  start_unread pipeline pipeline --capture -- echo hello
  finish pipeline 141
}

@test "stopped and continued (Ctrl-Z, fg) it prints the same" {
  touch a.txt b.txt c.rs
  for ((i = 0; i < 20; i++)); do
    start pipeline pipeline
    stop pipeline STOP || true
    stop pipeline CONT || true
    finish pipeline
    same_output pipeline
  done
}
