#!/usr/bin/env bats
# crates/README.md: what runs each section of the tutorial. (That no section is missing is tested
# where there is the tutorial's text: tests/interop/table.bats.)
load harness

TABLE=$ROOT/crates/README.md

@test "no row is empty, and each names a lesson, a tool, a target or a program" {
  local count
  count=$(grep -c '^| ' "$TABLE")
  ((count > 100))
  awk -F ' \\| ' '
    !/^\|/ || /^\| section of the tutorial/ || /^\|---/ { next }
    { sub(/ \|$/, "", $2) }
    NF != 2 || $2 !~ /[a-z]/ { print "empty: " $0; bad = 1 }
    $2 !~ /\]\(|`make |`cargo run|rows?$|^for reading$|"Read the code"/ { print "nothing to run: " $0; bad = 1 }
    END { exit bad }
  ' "$TABLE"
}

@test "every link leads to a page or to a part of one" {
  local link links
  mapfile -t links < <(grep -hoE '\]\([^)]+\)' "$TABLE" "$ROOT/README.md" | sed -E 's/^\]\(|\)$//g' | sort -u)
  for link in "${links[@]}"; do
    local path=${link%%#*}
    [[ $path == https://* ]] || [[ -e $ROOT/crates/$path || -e $ROOT/$path ]] || { echo "leads nowhere: $link"; return 1; }
    [[ $link != *'#'* ]] || sed -nE 's/^##+ //p' "$ROOT/crates/${path#crates/}" | tr '[:upper:] ' '[:lower:]-' |
      tr -cd 'a-z0-9\n-' | grep -qx -- "${link#*#}" || { echo "no such part: $link"; return 1; }
  done
}

@test "every target is in the Makefile, every program is built" {
  source "$ROOT/scripts/lessons.bash"
  local target targets program programs
  # shellcheck disable=SC2016  # back quotes of the page
  mapfile -t targets < <(grep -oE '`make [a-z-]+(-NAME)?`' "$TABLE" | sed -E 's/`make |`//g' | sort -u)
  for target in "${targets[@]}"; do
    case $target in
      run-*) [[ -n ${PROGRAMS[${target#run-}]} ]] || { echo "no lesson: $target"; return 1; } ;;
      *) grep -q "^${target/NAME/%}:" "$ROOT/Makefile" || { echo "no target: $target"; return 1; } ;;
    esac
  done
  mapfile -t programs < <(grep -oE -- '--bin [a-z-]+' "$TABLE" | cut -d' ' -f2 | sort -u)
  for program in "${programs[@]}"; do
    [[ -x $BIN/$program ]] || { echo "no program: $program"; return 1; }
  done
}

@test "every lesson and every page is in the table, and README.md leads to it" {
  source "$ROOT/scripts/lessons.bash"
  local lesson
  for lesson in "${LESSONS[@]}"; do
    grep -qF "[$lesson](examples/$lesson)" "$TABLE" || { echo "not in the table: $lesson"; return 1; }
  done
  grep -qF '(crates/README.md)' "$ROOT/README.md"
  grep -qF '(crates/TROUBLESHOOTING.md)' "$ROOT/README.md"
  for target in doctor clean-ipc; do grep -qF "make $target" "$ROOT/README.md"; done
}

@test "every exercise is in README.md, and where its problem is explained; its page lists its tests" {
  local exercise page
  for page in "$ROOT"/crates/exercises/*/README.md; do
    exercise=$(basename "$(dirname "$page")")
    grep -qF "[$exercise](crates/exercises/$exercise)" "$ROOT/README.md" || { echo "not in README.md: $exercise"; return 1; }
    # The points and names are those of the test file.
    diff <(sed -nE 's/^\| ([0-9]+) \| (.*) \|$/\1 \2/p' "$page") \
      <(sed -nE 's/^@test "\[([0-9]+)\] (.*)" \{$/\1 \2/p' "$ROOT/tests/exercises/$exercise.bats") || { echo "$page"; return 1; }
    # Exercises are no default members: their commands need the package.
    ! grep -oE "cargo run -q --bin ${exercise}[a-z-]*" "$page" || { echo "-p is missing in $page"; return 1; }
    ! grep -rE "\"$exercise-[a-z]+\"" "$ROOT/crates/exercises/$exercise/src" \
      "$ROOT/tests/submissions/reference/$exercise" 2> /dev/null || { echo "start_first: $exercise/ is missing"; return 1; }
    [[ $exercise != fix-* ]] || grep -qF "[$exercise](exercises/$exercise)" "$ROOT/crates/TROUBLESHOOTING.md" ||
      { echo "not in TROUBLESHOOTING.md: $exercise"; return 1; }
  done
}
