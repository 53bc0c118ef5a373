#!/usr/bin/env bats
load harness

# shellcheck source=scripts/lessons.bash
source "$ROOT/scripts/lessons.bash"

setup_file() { strace -o /dev/null true 2> /dev/null || export SKIP_ALL="strace may not trace here"; }

# What is the same in every run: the lanes, who has forked and waited for whom, and what went from
# whom to whom, whether it arrived in one piece or in several. A picture of the whole run also has
# all that was printed and how each process ended. When a call slept, and which of two independent
# processes was first, is chance.
same_in_every_run() {
  awk -v whole="$1" '
    / participant / { print; next }
    /-->>.*: (fork|waitpid)/ { sub(/: waitpid.*/, ": waitpid"); print; next }
    / Note over P[0-9]+: prints / && !whole { next }
    /[0-9]->>/ || / Note over P[0-9]+: prints / {
      quote = index($0, "\"")
      between = substr($0, 1, quote - 1)
      said[between] = said[between] substr($0, quote + 1, length($0) - quote - 1)
      next
    }
    whole && /: (exits with |is killed by )/
    END { for (it in said) print it said[it] }
  ' | sort -u
}

# The programs, and which of them talked to which.
without_numbers() {
  awk '
    / participant / { program[$2] = $4; print $4 }
    match($1, /->>/) && $1 !~ /-->>/ {
      split($1, ends, /->>|:/)
      print program[ends[1]], $2, $3, program[ends[2]]
    }
  ' | sort -u
}

# The picture on a lesson's page.
on_page() { awk '/^```$/ { here = 0 } here; /^```mermaid$/ { here = 1 }' "$1"; }

@test "every lesson's page has one picture, with the command that draws it" {
  local lesson page
  for lesson in "${LESSONS[@]}"; do
    page=$ROOT/crates/examples/$lesson/README.md
    [[ $(grep -c '^```mermaid$' "$page") == 1 ]] || { echo "$page: not one picture"; return 1; }
    [[ $(on_page "$page" | head -n 1) == sequenceDiagram ]] || { echo "$page: no picture"; return 1; }
    # What GitHub would not draw, or draw as something else.
    ! on_page "$page" | sed -E 's/#(35|59|lt|gt);//g; s/-?->>//' | grep -nE '[#;<>]|^$|.{110}' || { echo "in $page"; return 1; }
  done
}

@test "the pictures are what ipc-trace draws now (LONG=1: every lesson's, else two)" {
  local lesson page whole
  for lesson in "${LESSONS[@]}"; do
    [[ -n ${LONG:-} || $lesson == @(pipe|sysv-msgq) ]] || continue
    page=$ROOT/crates/examples/$lesson/README.md
    whole=
    # Its threads and clients come in any order, and so their numbers are chance.
    if [[ $lesson == threaded-server ]]; then
      diff -u <(on_page "$page" | without_numbers) <("$ROOT/scripts/pictures" --print "$lesson" | without_numbers) ||
        { echo "draw it again: scripts/pictures $lesson"; return 1; }
      continue
    fi
    ! grep -qxF "\$ make trace-$lesson" "$page" || whole=1
    "$ROOT/scripts/pictures" --print "$lesson" > "$LOGS/now"
    diff -u --label "$lesson, on its page" <(on_page "$page" | same_in_every_run "$whole") \
      --label "$lesson, drawn now" <(same_in_every_run "$whole" < "$LOGS/now") ||
      { echo "draw it again: scripts/pictures $lesson"; return 1; }
  done
}

@test "scripts/pictures changes nothing but the picture" {
  mkdir -p copy/crates/examples/pipe copy/scripts
  cp "$ROOT"/scripts/{pictures,trace,lessons.bash} copy/scripts/
  # shellcheck disable=SC2016  # backquotes of Markdown
  sed '/^sequenceDiagram/,/^```$/ { /^```$/!d }' "$ROOT/crates/examples/pipe/README.md" > copy/crates/examples/pipe/README.md
  CARGO_TARGET_DIR=$(dirname "$BIN") copy/scripts/pictures pipe
  on_page copy/crates/examples/pipe/README.md | grep -qF 'P0->>P1: write, read: "Hello from parent!"'
  # shellcheck disable=SC2016
  outside() { sed '/^```mermaid/,/^```$/d' "$1"; }
  diff <(outside "$ROOT/crates/examples/pipe/README.md") <(outside copy/crates/examples/pipe/README.md)
  run copy/scripts/pictures nonsense
  [[ $status == 2 && $output == *"There is no lesson 'nonsense'"* ]]
}
