# shellcheck shell=bash
# Pastes what a lesson's page says into terminals, and compares what these show. A test says which part of the page:
#
#   @test "page: two writers, and one of them ends" { paste fifo "Predict, then try" 2; }
#
# An experiment is a numbered list item. Its ```console blocks are played in their order, also those in a folded
# answer. In a block whose first line begins with a number and a blank, each line does: the number of its terminal.
# Its lines:
#
#   $ COMMAND          typed at the prompt, once the command before it in this terminal has ended
#   TEXT   ← you type  typed into the program that runs there
#   ^C     ← Ctrl-C    also ^D ← Ctrl-D
#   anything else      the next line of this terminal; … stands for any text
#
# After each typed line the test waits until the terminal's program is blocked or has ended. At the end each command
# must have ended, and nothing may be left.

# blocks LESSON SECTION [NUMBER]: the lines of its console blocks, each after its terminal and a tab.
blocks() {
  awk -v section="## $2" -v number="${3:-}" '
    /^## / { here = ($0 == section); item = 0 }
    !here { next }
    /^[0-9]+\. / && !inside { item = $1 + 0 }
    /^ *```console$/ { inside = 1; numbered = ""; match($0, /^ */); margin = RLENGTH; next }
    /^ *```$/ { inside = 0 }
    inside && (number == "" || item == number) {
      line = substr($0, margin + 1)
      if (numbered == "") numbered = (line ~ /^[1-9] /)
      if (numbered) print substr(line, 1, 1) "\t" substr(line, 3); else print "1\t" line
    }
  ' "$ROOT"/crates/*/"$1"/README.md
}

# paste LESSON SECTION [NUMBER]
paste() {
  local terminal line n_lines=0 what="$1: $2 ${3:-}"
  declare -gA TERMINAL_LINES=() PROGRAM PID
  if [[ -z ${IPC_LAB_NAMESPACE:-} ]]; then skip "no mount namespace: the page's paths below /tmp are the machine's"; fi
  blocks "$@" > "$LOGS/blocks"
  while IFS=$'\t' read -r -u 9 terminal line; do
    n_lines=$((n_lines + 1))
    case $line in
      '$ '*) command_in "$terminal" "${line#??}" ;;
      *'← you type') type_in "terminal$terminal" "$(sed -E 's/ *← you type$//' <<< "$line")" && settled "$terminal" ;;
      '^D'*'← Ctrl-D') end_of_input "terminal$terminal" && settled "$terminal" ;;
      '^C'*'← Ctrl-C') kill -INT -- "-${PID[terminal$terminal]}" && settled "$terminal" ;;
      *) shows "$terminal" "$line" ;;
    esac || { echo "$what, terminal $terminal: $line"; return 1; }
  done 9< "$LOGS/blocks"
  ((n_lines > 0)) || { echo "$what: nothing to paste"; return 1; }
  for terminal in "${!TERMINAL_LINES[@]}"; do all_shown "$terminal" || { echo "$what, terminal $terminal"; return 1; }; done
}

# all_shown TERMINAL: its command has ended, and the page has all that it printed.
all_shown() {
  local n_lines n_shown
  wait_until ended "terminal$1" || return
  number n_lines "$(wc -l < "$LOGS/terminal$1.out")" && number n_shown "${TERMINAL_LINES[$1]}" || return
  ((n_lines <= n_shown)) || { echo "more than on the page:"; show "terminal$1"; return 1; }
}

# command_in TERMINAL COMMAND: once the command before it has ended. `cargo run` becomes the program itself.
command_in() {
  local name=terminal$1 words UNDER=("$ROOT/tests/private-tmp" "$DIR" "$BIN" setsid)
  [[ -z ${PID[$name]:-} ]] || all_shown "$1" || return
  words=$(sed -E 's/cargo run -q --(bin|example) ([a-z0-9-]+)( --( |$))?/\2\4/g' <<< "$2")
  TERMINAL_LINES[$1]=0
  PROGRAM[$name]=$words
  MERGED=1 RUST_BACKTRACE=0 start_typing "$name" bash -c "$words" # evaluates: the page's own commands
  rm -f "$LOGS/$name.keys"
  settled "$1"
}

# settled TERMINAL: its command has ended; or each of its processes is blocked, and none has run since the last look.
# The programs of private-tmp run before the command: while they are there, the command has not begun.
settled() { LOOK='' && wait_until resting "terminal$1"; }
resting() {
  local stat state session comm pid before=$LOOK
  ! ended "$1" || return 0
  LOOK=''
  while IFS= read -r pid; do
    { read -r stat < "/proc/$pid/stat" && read -r comm < "/proc/$pid/comm"; } 2> /dev/null || return
    read -r state _ _ session _ <<< "${stat##*) }"
    [[ $session == "${PID[$1]}" || $pid == "${PID[$1]}" ]] || continue
    [[ $state == [SZ] && $comm != @(private-tmp|unshare|sh|mount|setsid|env) ]] || { LOOK=''; return 1; }
    LOOK+=" $pid $(grep ctxt_switches "/proc/$pid/status" 2> /dev/null)"
  done < <(processes)
  [[ -n $LOOK && $LOOK == "$before" ]]
}

# shows TERMINAL TEXT: the next line of it, and in that order.
shows() {
  TEXT=$2 WHICH=$1
  wait_until next_line || { echo "expected: $2"; show "terminal$1"; return 1; }
}
next_line() {
  local n_lines n_next line
  number n_lines "$(wc -l < "$LOGS/terminal$WHICH.out")" && number n_next "${TERMINAL_LINES[$WHICH]}" || return
  n_next=$((n_next + 1))
  ((n_lines >= n_next)) || return
  line=$(sed -n "${n_next}p" "$LOGS/terminal$WHICH.out")
  matches "$line" "$TEXT" || return
  TERMINAL_LINES[$WHICH]=$n_next
}

# matches LINE TEXT: … in TEXT stands for any text.
matches() {
  local line=$1 part rest=$2 first=1
  while [[ $rest == *…* ]]; do
    part=${rest%%…*}
    rest=${rest#*…}
    if [[ -n $first ]]; then [[ $line == "$part"* ]] || return; else [[ $line == *"$part"* ]] || return; fi
    line=${line#*"$part"}
    first=
  done
  if [[ -n $first ]]; then [[ $line == "$rest" ]]; else [[ $line == *"$rest" ]]; fi
}

# code_blocks LESSON: each ```rust block of the page stands in a file of the lesson, and each first layer on the page.
code_blocks() {
  local page=$ROOT/crates/examples/$1/README.md file block n_block=0
  mkdir -p "$LOGS/code"
  awk -v to="$LOGS/code/" '
    /^ *```rust$/ { inside = 1; match($0, /^ */); margin = RLENGTH; count++; file = to count; next }
    /^ *```$/ { inside = 0 }
    inside { print substr($0, margin + 1) > file }' "$page"
  for block in "$LOGS"/code/*; do
    [[ -f $block ]] || break
    n_block=$((n_block + 1))
    for file in "$ROOT/crates/examples/$1"/{examples,src,src/bin}/*.rs; do
      [[ ! -f $file || $(< "$file") != *"$(< "$block")"* ]] || continue 2
    done
    echo "this block of the page stands in no file:"
    cat "$block"
    return 1
  done
  ((n_block > 0)) || { echo "no code on the page"; return 1; }
  for file in "$ROOT/crates/examples/$1"/examples/first-*.rs; do
    [[ -f $file ]] || continue
    for block in "$LOGS"/code/*; do ! cmp -s "$file" "$block" || continue 2; done
    echo "this first layer does not stand on the page: ${file##*/}"
    return 1
  done
}
