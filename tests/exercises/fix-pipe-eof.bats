#!/usr/bin/env bats
load ../exercise

# What the program should print for that input.
expected() {
  sed 's/^/Child received: /' "$1"
  echo "Child: end-of-file after $(wc -c < "$1") bytes"
}

# saw_the_end: the logs of all who have seen the end of a pipe that others made: read returned 0, or
# poll told that nobody can write any more.
saw_the_end() {
  local end=' (read|readv|splice)\([0-9]+<pipe:\[[0-9]+\]>.* = 0 <| p?poll\(.*<pipe:\[[0-9]+\]>, events=POLLIN.*POLLHUP'
  grep -lE "$end" "$LOGS/parent.trace".* | xargs -r grep -LE ' pipe2?\(' || true
}

# no_threads LOG...: of these logs those that are of no thread of the process that made the pipe.
no_threads() {
  local makers
  mapfile -t makers < <(grep -lE ' pipe2?\(' "$LOGS/parent.trace".*)
  if grep -qF CLONE_THREAD "${makers[@]}"; then
    # A process ends itself in one of its threads.
    ! grep -qF ' exit_group(' "${makers[@]}" || grep -lF ' exit_group(' "$@" || true
  else
    printf '%s\n' "$@"
  fi
}

@test "[3] a line arrives, and then end-of-file" {
  hint "The child waits as long as anybody has a write end open: the parent while it waits for the child, and the child itself, which inherited one."
  random_lines 1 > input
  start parent fix-pipe-eof < input
  finish parent
  prints parent <(expected input)
}

@test "[2] a mebibyte of lines arrives" {
  hint "More than a pipe holds must pass through it: the child has to read while the parent writes."
  random_lines 17000 > input
  start parent fix-pipe-eof < input
  finish parent
  prints parent <(expected input)
}

@test "[2] nothing arrives: end-of-file after 0 bytes" {
  hint "Closing the write end is all that the child needs, also if nothing was ever written."
  start parent fix-pipe-eof < /dev/null
  finish parent
  prints parent <(expected /dev/null)
}

@test "[2] the data went through a pipe" {
  hint "The child must read the data from the pipe: it is not enough to print the same text."
  random_lines 20 > input
  start_traced parent fix-pipe-eof < input
  finish parent
  # What the shell may have piped into the parent was read by the parent itself.
  through pipe parent parent input
  hint "The end of the data is when read returns 0: the child must wait for that, neither for a number of bytes nor for a pause, and it comes once all write ends are closed."
  mapfile -t readers < <(saw_the_end)
  ((${#readers[@]})) || { echo "no child has seen the end of the pipe"; return 1; }
  hint "The child must read the data from the pipe, a process of its own: the one that made the pipe only writes."
  mapfile -t children < <(no_threads "${readers[@]}")
  ((${#children[@]})) || { echo "a thread has read the pipe, and no child"; return 1; }
  for log in "${children[@]}"; do mv "$log" "$LOGS/child.trace.${log##*.}"; done
  through pipe parent child input
}

@test "[1] the child is waited for" {
  hint "The parent must wait for its child (waitpid), or the child's output may come after the prompt, and the child stays a zombie."
  random_lines 20 > input
  start_traced parent fix-pipe-eof < input
  finish parent
  # Some child is not enough: the one that has received something.
  grep -qF -- "$(head -n 1 input)" "$LOGS/parent.out" || { echo "no child has received anything"; return 1; }
  calls parent '^wait4\(.*\) = [1-9]|^waitid\(.*CLD_(EXITED|KILLED|DUMPED).*\) = 0' "nobody has waited for a child"
}
