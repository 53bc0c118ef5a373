#!/usr/bin/env bats
# The tool under `make demo`: every line labelled, in the order in which it was written.
load harness

@test "a thousand lines of two programs come in the order in which they were written" {
  # The two programs pass a token to and fro, so the right order is known.
  mkfifo ping pong
  # shellcheck disable=SC2016  # the inner shell's variables
  run_to_end duet 0 \
    'a: exec 3<> ping 4<> pong; for ((i = 0; i < 500; i++)); do echo $i; echo >&4; read -u 3; done' \
    'b: exec 3<> ping 4<> pong; for ((i = 0; i < 500; i++)); do read -u 4; echo $i; echo >&3; done'
  rm ping pong
  for ((i = 0; i < 500; i++)); do printf 'a | %d\nb | %d\n' $i $i; done > expected
  diff expected <(grep -v '[$]' "$LOGS/duet.out")
}

@test "both streams, and a last line without a newline" {
  run_to_end duet 0 'x: echo one; echo two >&2; printf three'
  printf 'x | %s\n' one two three > expected
  diff expected <(grep -v '[$]' "$LOGS/duet.out")
}

@test "a program starts once the one before it has spoken" {
  run_to_end duet 0 'first: echo speaks; until [ -e second ]; do :; done' 'second: touch second'
  [[ $(sed -n 2p "$LOGS/duet.out") == " first | speaks" ]]
  [[ $(sed -n 3p "$LOGS/duet.out") == "second | $ touch second" ]]
}

@test "a service gets SIGTERM when the others have ended" {
  run_to_end duet 0 --service s 's: trap "echo bye; exit" TERM; echo up; while :; do read -t 1 <> <(:); done' 'c: echo hello'
  tail -n 1 "$LOGS/duet.out" | grep -qxF 's | bye'
}

@test "a program that fails makes duet fail and is named" {
  run_to_end duet 1 'good: echo fine' 'bad: exit 3'
  one_error duet "bad failed with exit status 3"
}

@test "a program that hangs is named and ended" {
  run_to_end duet 1 --silence 1 'quick: echo fine' 'stuck: exec sleep 1000'
  one_error duet "nothing more comes, and still running: stuck"
}

@test "a command without a label, and no command" {
  run_to_end duet 1 'no label'
  one_error duet 'is not of the form "LABEL: COMMAND"'
  run_to_end duet 2
}
