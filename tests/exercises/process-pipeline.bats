#!/usr/bin/env bats
load ../exercise

# pipeline NAME [OPTION...] -- COMMAND...: the program, with its standard input from `input`.
pipeline() { start "$1" process-pipeline "${@:2}" < "${INPUT:-/dev/null}"; }

# all_end: every command does, which takes a moment if the program has not waited for it: another test
# has the points for that.
all_end() { wait_until none_runs; }
none_runs() { [[ -z $(processes) ]]; }

@test "[2] stage 1: a command runs, and its exit status is the program's" {
  hint "The child execs, the parent waits: an exit status is passed on as it is, an end by signal number N is 128 + N."
  random_lines 9 > input
  local n_status=$((RANDOM % 100 + 2))
  INPUT=input pipeline exits -- sh -c "cat; exit $n_status"
  finish exits "$n_status"
  prints exits input
  pipeline fine -- true
  finish fine
  # shellcheck disable=SC2016  # the inner shell's variable
  pipeline killed -- sh -c 'kill -s KILL $$'
  finish killed 137
  silent exits
  silent killed
}

@test "[2] stage 1: a command that cannot be started" {
  hint "If exec fails, the child still lives: it says why and exits with 127 if the command was not found (ENOENT), else with 126, and never runs the parent's code."
  local missing=missing-$RANDOM
  pipeline missing -- "$missing" some arguments
  finish missing 127
  one_error missing "Error: $missing: "
  give no-program < /dev/null
  pipeline not-executable -- ./no-program
  finish not-executable 126
  one_error not-executable "Error: ./no-program: "
  # The others run all the same.
  pipeline middle -- true "|" "$missing" "|" wc -c
  ends middle
  prints middle <(echo 0)
  one_error middle "Error: $missing: "
  all_end
}

@test "[2] stage 2: each command reads what the one before it writes" {
  hint "N commands need N - 1 pipes. The exit status is that of the last command, whichever ends first or last, and whatever the others' is."
  random_lines 50 > input
  INPUT=input pipeline three -- sort "|" tr '[:lower:]' '[:upper:]' "|" sh -c 'cat; exit 7'
  finish three 7
  prints three <(sort input | tr '[:lower:]' '[:upper:]')
  # The first one ends after the last.
  inside mkfifo gate
  pipeline late -- sh -c 'exec >&-; read -r line < gate; exit 5' "|" sh -c 'cat; echo last; exit 9'
  wait_for late last
  start_inside open sh -c 'echo > gate'
  finish open
  finish late 9
  all_end
  inside rm gate
}

# executed NAME: what its children have become: the process, and a list of arguments, for each successful exec.
executed() {
  evidence "$1" '
    outcome != "returned" { next }
    name == "execve" { print pid, $11 }
    name == "execveat" { print pid, $12 }'
}

@test "[2] stage 2: the data go through a pipe between two children" {
  hint "fork, dup2 and exec, with a pipe between the two children: no file, no shell, and no std::process::Command."
  random_lines 100 > input
  start_traced run process-pipeline -- tr a-m A-M "|" tr n-z N-Z < input
  finish run
  prints run <(tr '[:lower:]' '[:upper:]' < input)
  query run
  executed run > execs
  diff -u --label "expected to be executed" --label "actually executed" \
    <(printf '%s\n' '["tr","a-m","A-M"]' '["tr","n-z","N-Z"]') <(cut -d ' ' -f 2 execs | sort)
  # What Command does and nobody would do by hand: vfork; or fork, with a socketpair of this kind on which
  # the child says that exec has failed.
  if calls run 'name == "vfork" || has("CLONE_VFORK") || name == "socketpair" && has("AF_UNIX") && has("SOCK_SEQPACKET")' \
    > /dev/null; then
    echo "a process was started by vfork (std::process::Command, posix_spawn), and not by fork"
    return 1
  fi
  # What the program sends to itself, such as the number of a signal, is its own affair.
  local first second
  first=$(awk '$2 == "[\"tr\",\"a-m\",\"A-M\"]" { print $1 }' execs)
  second=$(awk '$2 == "[\"tr\",\"n-z\",\"N-Z\"]" { print $1 }' execs)
  tr a-m A-M < input > between
  through pipe run run between "--from-process=$first" "--to-process=$second"
}

@test "[1] stage 2: with --pipefail the last command that failed counts" {
  hint "Keep the status of each command: with --pipefail it is that of the last in the row that is not 0, and 0 if there is none."
  pipeline fails --pipefail -- sh -c 'exit 3' "|" sh -c 'exit 4' "|" true
  finish fails 4
  pipeline none --pipefail -- true "|" true
  finish none
}

@test "[2] stage 3: the files of --in, --out and --append" {
  hint "--in is the first command's standard input, --out the last one's standard output: emptied (O_TRUNC), or with --append written to at its end (O_APPEND). If one cannot be opened no command starts."
  random_lines 20 | inside tee in > input
  random_lines 30 | inside tee out > old
  pipeline replaces --in in --out out -- cat "|" tr '[:lower:]' '[:upper:]'
  finish replaces
  prints replaces /dev/null
  diff -u --label "expected in out" --label "actual in out" <(tr '[:lower:]' '[:upper:]' < input) <(taken out)
  pipeline appends --in in --out out --append -- cat
  finish appends
  diff -u --label "expected in out" --label "actual in out" <(tr '[:lower:]' '[:upper:]' < input; cat input) <(taken out)
  pipeline new --in in --out new --append -- cat
  finish new
  diff -u --label "expected in new" --label "actual in new" input <(taken new)
  pipeline missing --in missing -- echo started
  finish missing 1
  one_error missing missing
  prints missing /dev/null
  inside mkfifo gate
  # shellcheck disable=SC2016  # the inner shell's variable
  pipeline shared --out new --append -- sh -c 'echo ready >&2; read -r line < gate; echo mine'
  wait_for shared ready
  echo theirs | inside tee -a new > /dev/null
  start_inside open sh -c 'echo > gate'
  finish open
  finish shared
  diff -u --label "expected in new" --label "actual in new" <(cat input; echo theirs; echo mine) <(taken new)
  inside rm gate
  hint "Open both files before the first command is started: if one cannot be opened, no command starts."
  # None can be ended by the program before it has said a word.
  UNDER=(env --ignore-signal=TERM) IGNORE=TERM
  pipeline refused --out missing/out -- sh -c 'echo started >&2' "|" cat
  UNDER=() IGNORE=
  finish refused 1
  all_end
  one_error refused missing/out
  ! says refused started > /dev/null || { echo "a command was started:"; show refused; return 1; }
}

# is_up ARGUMENT: into the file `pid`, the process that is sleep with that argument. (It is that once the kernel
# says so: before, its parent has forked it, and the program itself has all arguments.)
is_up() {
  local pid comm
  running "$1" > pids
  while IFS= read -r pid; do
    if { read -r comm < "/proc/$pid/comm"; } 2> /dev/null && [[ $comm == sleep ]]; then
      echo "$pid" > pid
      return
    fi
  done < pids
  return 1
}

@test "[2] stage 4: each command has descriptors 0, 1 and 2 alone" {
  hint "What is open without O_CLOEXEC stays open over exec: all pipe ends and both files must be closed in each command, but for the copies that dup2 has made of them."
  echo | inside tee in > input
  local time
  # Nobody but the kernel says what is open there.
  pipeline run --in in --out out -- sleep 1001 "|" sleep 1002 "|" sleep 1003
  for time in 1001 1002 1003; do
    wait_until is_up "$time"
    ls "/proc/$(< pid)/fd" > "open-$time"
  done
  for time in 1003 1002 1001; do
    wait_until is_up "$time"
    kill -s KILL "$(< pid)"
  done
  finish run 137
  for time in 1001 1002 1003; do
    diff -u --label "expected in sleep $time" --label "actual in sleep $time" <(seq 0 2) <(sort -n "open-$time")
  done
}

@test "[2] stage 4: a command whose reader has gone ends of SIGPIPE" {
  hint "SIGPIPE comes once nobody has the read end open, the parent included; and in a command it must be at its default, as Rust ignores it and exec passes that on."
  pipeline first -- yes "|" head -n 1
  ends first
  prints first <(echo y)
  silent first
  pipeline middle -- yes "|" "missing-$RANDOM" "|" wc -c
  ends middle
  prints middle <(echo 0)
  pipeline all -- yes "|" cat "|" head -n 1
  ends all
  silent all
  all_end
}

@test "[2] stage 5: 100 MiB through ten commands" {
  hint "A pipe holds 64 KiB: whoever writes more sleeps until somebody reads. All commands run at the same time, and the program waits for none before it has started the last."
  local cats=() number size=$((100 * 1024 * 1024 + RANDOM))
  for number in {1..8}; do cats+=("|" cat); done
  local DEADLINE=30 # each piece passes through nine commands, and each of them is traced
  SHORT=1 pipeline much -- head -c "$size" /dev/zero "${cats[@]}" "|" wc -c
  finish much
  prints much <(echo "$size")
}

# others_ended PID: of its children at most one still runs; the others may wait to be waited for.
others_ended() {
  local child children n_alive=0
  read -r -a children < "/proc/$1/task/$1/children" || true
  for child in "${children[@]}"; do
    if state_of "$child" && [[ $STATE != Z ]]; then n_alive=$((n_alive + 1)); fi
  done
  ((n_alive <= 1))
} 2> /dev/null

sleeps_or_gone() { ! state_of "$1" || [[ $STATE == [SZ] ]]; }

@test "[1] stage 6: it ends after the last of its commands has ended" {
  hint "Wait for all children, and not for the last one only: what still runs then has no parent any more."
  inside mkfifo gate
  local pid
  pipeline run -- sh -c 'exec >&-; echo first >&2; read -r line < gate' "|" sh -c 'cat; echo last'
  wait_for run first
  wait_for run last
  pid=$(program_pid run)
  wait_until others_ended "$pid"
  pause
  wait_until sleeps_or_gone "$pid"
  if ! state_of "$pid" || [[ $STATE == Z ]]; then
    echo "the program has ended, and its first command still runs"
    return 1
  fi
  start_inside open sh -c 'echo > gate'
  finish open
  finish run
  inside rm gate
}

# bystander_lives: a process with the pid that the first command had, where we may choose that; and one of the
# same process group.
bystander_lives() {
  local n_first
  pipeline run -- sh -c 'echo $$ >&2' "|" sh -c 'echo last; exec sleep 1000'
  wait_for run last
  wait_until alone "$(program_pid run)"
  number n_first "$(head -n 1 "$LOGS/run.err")" || return
  next_pid "$n_first" || true # where that may be chosen
  start_inside bystander sleep 1000
  wait_until asleep bystander
  stop run
  finish run 143
  ! ended bystander || { echo "the signal has ended a process that is no command of this program"; return 1; }
  stop bystander KILL
  finish bystander 137
  all_end
  # shellcheck disable=SC2016  # the inner shell's arguments
  start_inside group sh -c '(sleep 1234 &); exec "$0" "$@"' "$PROGRAMS/process-pipeline" -- sh -c 'echo ready; exec sleep 1000' # evaluates: $0 is the path of the program
  wait_for group ready
  stop group
  finish group 143
  running 1234 > others
  xargs kill -s KILL < others 2> "$LOGS/kill.err" ||
    { echo "the signal has ended another process of the same process group"; return 1; }
  all_end
}
# alone PID: it has one child, or waits for the others as zombies.
alone() {
  local children
  read -ra children < "/proc/$1/task/$1/children" || true
  ((${#children[@]} == 1)) || others_ended "$1"
} 2> /dev/null

@test "[2] stage 6: SIGINT and SIGTERM end all commands" {
  hint "A signal to the program alone is passed on to each command, which must have it neither blocked nor ignored; then all are waited for, and the status is the last command's, as always."
  local signal
  for signal in INT TERM; do
    # shellcheck disable=SC2016  # the inner shells' variables
    pipeline "$signal" -- sh -c 'echo first >&2; exec sleep 1000' "|" sleep 1000 "|" sh -c 'echo last; exec sleep 1000'
    wait_for "$signal" first
    wait_for "$signal" last
    stop "$signal" "$signal"
    finish "$signal" "$(ended_by "$signal")"
    all_end
  done
  hint "A signal is passed on to the commands, each by its pid, as long as it has not been waited for: not to the process group, in which others may be, nor to a pid that may be another process's by now."
  bystander_lives
  hint "A command that catches the signal ends as it likes, and has its own status. It must not end of itself when the first one does."
  # One that catches the signal may end as it likes. It must not end of itself when the first one does.
  # shellcheck disable=SC2016
  pipeline catches -- sleep 1000 "|" sh -c 'sleep 1000 & trap "kill $!; echo caught; exit 6" TERM; echo ready; wait'
  wait_for catches ready
  stop catches TERM
  finish catches 6
  prints catches <(echo ready; echo caught)
  all_end
}
