#!/usr/bin/env bats
load ../exercise

# What the program should print for that input.
expected() {
  sed 's/^/Child received: /' "$1"
  echo "Child: end-of-file after $(wc -c < "$1") bytes"
}

# saw_the_end: for each thread that has seen the end of a pipe, where read returned 0 or poll told that nobody
# can write any more: its process, and whether that process, or that very thread, has made a pipe.
saw_the_end() {
  evidence parent '
    (name == "pipe" || name == "pipe2") && outcome == "returned" { makes[tid] = makes[pid] = 1 }
    kind != "pipe" || outcome != "returned" { next }
    (name == "read" || name == "readv" || name == "splice") && result == "0" { saw[tid] = pid }
    (name == "poll" || name == "ppoll") && has("POLLIN") && has("POLLHUP") { saw[tid] = pid }
    END {
      for (tid in saw)
        if (!(tid in makes)) print saw[tid], (saw[tid] in makes) ? "thread" : "child"
    }'
}

# went_through: a student's own machine does not trace each test; the grader does.
went_through() {
  graded_here || return 0
  hint "The child must read the data from the pipe: it is not enough to print the same text."
  through pipe parent parent input
}

# processes_but PID...: all that the log knows, but these.
processes_but() { evidence parent '!seen[pid]++ { print pid }' | grep -vxF -f <(printf '%s\n' "$@"); }

@test "[3] a line arrives, and then end-of-file" {
  hint "The child waits as long as anybody has a write end open: the parent while it waits for the child, and the child itself, which inherited one."
  random_lines 1 > input
  start parent fix-pipe-eof < input
  finish parent
  prints parent <(expected input)
  went_through
}

@test "[2] a mebibyte of lines arrives" {
  hint "More than a pipe holds must pass through it: the child has to read while the parent writes."
  random_lines 17000 > input
  start parent fix-pipe-eof < input
  finish parent
  prints parent <(expected input)
  went_through
}

@test "[2] nothing arrives: end-of-file after 0 bytes" {
  hint "Closing the write end is all that the child needs, also if nothing was ever written."
  start parent fix-pipe-eof < /dev/null
  finish parent
  prints parent <(expected /dev/null)
  graded_here || return 0
  hint "The end of the data is when read returns 0: the child must wait for that, neither for a number of bytes nor for a pause, and it comes once all write ends are closed."
  query parent
  saw_the_end > saw
  [[ -s saw ]] || { echo "no child has seen the end of the pipe"; return 1; }
}

@test "[2] the data went through a pipe" {
  hint "The child must read the data from the pipe: it is not enough to print the same text."
  random_lines 20 > input
  start_traced parent fix-pipe-eof < input
  finish parent
  # What the shell may have piped into the parent was read by the parent itself.
  through pipe parent parent input
  hint "The end of the data is when read returns 0: the child must wait for that, neither for a number of bytes nor for a pause, and it comes once all write ends are closed."
  query parent
  saw_the_end > saw
  [[ -s saw ]] || { echo "no child has seen the end of the pipe"; return 1; }
  hint "The child must read the data from the pipe, a process of its own: the one that made the pipe only writes."
  mapfile -t children < <(awk '$2 == "child" && !seen[$1]++ { print $1 }' saw)
  ((${#children[@]})) || { echo "a thread has read the pipe, and no child"; return 1; }
  mapfile -t others < <(processes_but "${children[@]}")
  through pipe parent parent input "${children[@]/#/--to-process=}" "${others[@]/#/--from-process=}"
}

@test "[1] the child is waited for" {
  hint "The parent must wait for its child (waitpid), or the child's output may come after the prompt, and the child stays a zombie."
  random_lines 20 > input
  start_traced parent fix-pipe-eof < input
  finish parent
  # Some child is not enough: the one that has received something.
  grep -qF -- "$(head -n 1 input)" "$LOGS/parent.out" || { echo "no child has received anything"; return 1; }
  went_through
  hint "The parent must wait for its child (waitpid), or the child's output may come after the prompt, and the child stays a zombie."
  query parent
  # The child that prints is the one to be waited for, by whichever thread. (Where the parent itself prints,
  # another test fails.)
  evidence parent '
    NR == 1 { parent = pid }
    name == "write" || name == "writev" { if ($10 == "1") prints[pid] = 1 }
    kind == "process" && outcome == "returned" && (name == "wait4" && !has("WNOWAIT") ||
      has("CLD_EXITED") || has("CLD_KILLED") || has("CLD_DUMPED")) { waited[id] = 1 }
    END { for (child in waited) if (child in prints || parent in prints) found = 1; exit !found }' ||
    { echo "nobody has waited for the child that prints"; return 1; }
}
