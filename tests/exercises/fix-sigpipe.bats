#!/usr/bin/env bats
load ../exercise

# reports NAME COMMAND: the one line that says it, and nothing else.
reports() {
  diff -u --label "expected on stderr" --label "actual on stderr" \
    <(echo "Error: $2 has stopped reading") "$LOGS/$1.err"
}

# A command that closes its standard input says so; what is typed then finds no reader.
CLOSES=(sh -c 'exec <&-; echo closed')

@test "[2] a command that stops reading is reported in one line" {
  hint "As handed out, SIGPIPE kills the program. Ignored, as Rust leaves it, the write fails with EPIPE, and that is what to report."
  # More than a pipe and head's buffer hold.
  random_lines 17000 > input
  local few=$((RANDOM % 20 + 1))
  start parent fix-sigpipe head -n "$few" < input
  ends parent
  prints parent <(head -n "$few" input)
  reports parent head
}

@test "[1] also if only the last line finds no reader" {
  hint "The last write counts like any other: what waits in a buffer must be flushed, and the result of that be looked at."
  random_lines 1 > input
  start_typing parent fix-sigpipe "${CLOSES[@]}"
  wait_for parent closed
  type_in parent "$(< input)"
  end_of_input parent
  ends parent
  prints parent <(echo closed)
  reports parent sh
  hint "A line goes to the command as soon as it has been read, whether or not another one comes."
  random_lines 1 > first
  start_typing echoes fix-sigpipe cat
  type_in echoes "$(< first)"
  wait_for echoes "$(< first)"
  end_of_input echoes
  finish echoes
}

@test "[2] the exit status is then 1" {
  hint "Input that was not read is a failure: exit status 1, neither 0 nor 141 nor what the command ended with."
  random_lines 17000 > input
  local n_status
  for n_status in 0 7; do
    start "after-$n_status" fix-sigpipe sh -c "read -r line; exit $n_status" < input
    finish "after-$n_status" 1
  done
}

@test "[2] the command has SIGPIPE at its default action" {
  hint "Rust ignores SIGPIPE and exec passes that on: in the child, before exec, the default action (SIG_DFL) must be back."
  # Every command, also one whose name nobody can know.
  local name kind mask n_mask n_seen
  name=$(random_lines 1 | cut -c 1-8)
  inside ln -s "$(type -P grep)" "$name"
  for command in grep "./$name"; do
    start parent fix-sigpipe "$command" -E '^Sig(Blk|Ign):' /proc/self/status < /dev/null
    ends parent
    n_seen=0
    while read -r kind mask; do
      [[ $kind == Sig* ]] || continue
      n_seen=$((n_seen + 1))
      number --hex n_mask "$mask" || { echo "that is no mask of signals"; show parent; return 1; }
      # Signal number n is bit n - 1.
      (((n_mask >> 12 & 1) == 0)) || { echo "SIGPIPE is ignored or blocked in the command: $kind $mask"; return 1; }
    done < "$LOGS/parent.out"
    ((n_seen == 2)) || { echo "the command has not printed its two masks:"; show parent; return 1; }
  done
}

@test "[2] the lines go through a pipe, and the failed write tells" {
  hint "It must be a write into the pipe that fails with EPIPE: asking before it whether the command still lives is a race."
  random_lines 20 > input
  start_traced parent fix-sigpipe cat < input
  ends parent
  through pipe parent parent input
  local line
  line=$(random_lines 1)
  HOW=start_typing start_traced gone fix-sigpipe "${CLOSES[@]}"
  wait_for gone closed
  type_in gone "$line"
  end_of_input gone
  ends gone
  printf '%s' "$line" > line
  query gone --contains line
  evidence gone '(name == "write" || name == "writev") && kind == "pipe" && result == "EPIPE" { found = 1; exit }
    END { exit !found }' || { echo "no write of a line into the pipe has failed with EPIPE"; return 1; }
  # What it then prints is for other tests.
  query gone
  evidence gone 'name == "+killed" && result == "SIGPIPE" { print "process " pid " was killed by SIGPIPE"; found = 1 }
    END { exit found }'
}

@test "[1] a command that reads everything gets everything" {
  hint "At the end of the input the command must see end-of-file, and the program waits for it before it prints the last line."
  random_lines 17000 > input
  start parent fix-sigpipe cat < input
  finish parent
  prints parent <(cat input; echo "Lines: 17000")
  silent parent
  hint "A command that has read everything may still have failed: the program looks at its status, as before, and then does not say that all went well."
  start failed fix-sigpipe sh -c "cat; exit $((RANDOM % 9 + 1))" < input
  finish failed 1
  prints failed input
  one_error failed ""
}
