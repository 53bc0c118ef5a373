#!/usr/bin/env bats
# bats file_tags=slow
load harness

# A class: each submission by a grader of its own. Here most hold nothing that compiles, since a
# build takes its time; LONG=1 (make soak) grades real ones, kills, and goes on.
submissions=$ROOT/tests/submissions

setup_file() {
  "$BIN/ipc-grade" canary 2> /dev/null | grep -qE 'level [12]' || {
    export SKIP_ALL="no isolation here: make doctor"
    return
  }
  "$BIN/ipc-grade" prepare # no part of any test's time
}

long_form() { [[ -n ${LONG:-} ]] || skip "long form: make soak"; }

# Three students: one has handed in nothing, one an empty folder, one a link instead of a source.
small_class() {
  mkdir -p class/ada/fix-pipe-eof/src class/bob class/eve/fix-pipe-eof/src
  ln -s /etc/passwd class/eve/fix-pipe-eof/src/main.rs
}

# class NAME [OPTION...]: grades the folder class into the folder grades.
class() {
  local DEADLINE=500
  start "$1" "$BIN/ipc-grade" class class --out grades "${@:2}"
  finish "$1"
}

# csv: every row of grades.csv, without the reasons.
csv() { cut -d, -f1-5 grades/grades.csv; }

@test "every submission has a verdict, in grades.csv and in a table" {
  small_class
  touch class/notes.txt
  class first --jobs 2 --tests 1
  diff -u - <(csv) << 'EOF'
submission,score,out of,open,verdict
ada,0,3,0,refused
bob,,,,nothing to grade
eve,0,3,0,refused
EOF
  grep -qF 'refused,fix-pipe-eof: refused: fix-pipe-eof/src holds no .rs file' grades/grades.csv
  grep -qF 'refused,fix-pipe-eof: refused: src/main.rs is a symbolic link: ' grades/grades.csv
  says first "not graded, and not in grades.csv: class/notes.txt is no folder"
  grep -qx '  "complete": true,' grades/bob/results.json
  grep -qF 'Hint: A submission is a folder with EXERCISE/src in it' grades/eve/feedback.md
  grep -qE '^ada +0/3 +refused +fix-pipe-eof: refused: ' "$LOGS/first.out"
  grep -qE '^bob +nothing to grade +no EXERCISE/src of this project$' "$LOGS/first.out"
  # Not a terminal: a line for each, and no bar.
  [[ $(grep -cE '^[123]/3 (ada|bob|eve): ' "$LOGS/first.err") == 3 ]] || { show first; return 1; }
  [[ ! -e grades/.scratch ]]
}

# not_graded RUN LINE...: these, and no others, are named as not graded.
not_graded() {
  diff -u <(printf '%s\n' "${@:2}") <(sed -n 's/^.*not graded, and not in grades.csv: //p' "$LOGS/$1.err")
}

@test "what is no student's folder is named with the reason, and a link is never followed" {
  small_class
  mkdir -p class/.git class/.hidden/fix-pipe-eof/src class/grades.csv/fix-pipe-eof/src class/results.json secret
  cp -r class/ada secret/
  ln -s ada class/thief
  ln -s "$DIR/secret/ada" class/outside
  ln -s / class/root
  ln -s nowhere class/gone
  class first --tests 1
  not_graded first \
    "class/.git has a name that begins with a dot" \
    "class/.hidden has a name that begins with a dot" \
    "class/gone is a symbolic link" \
    "class/grades.csv has the name of a file of ours: rename it" \
    "class/outside is a symbolic link" \
    "class/results.json has the name of a file of ours: rename it" \
    "class/root is a symbolic link" \
    "class/thief is a symbolic link"
  diff -u - <(csv | cut -d, -f1) <<< $'submission\nada\nbob\neve'
  [[ -f grades/grades.csv && $(ls grades) == $'ada\nbob\neve\ngrades.csv' ]]
  # The same as one command each, as in the README: what a student has made is not followed.
  run_to_end ipc-grade 1 grade class/thief --out alone --tests 1
  one_error ipc-grade "class/thief is a symbolic link, and a submission must be a folder"
  [[ ! -e alone ]]
  # An instructor says so.
  start followed "$BIN/ipc-grade" grade class/thief/. --out alone --tests 1
  finish followed
  grep -qx '  "submission": "ada",' alone/results.json
}

@test "a link on the way to the sources is refused, and what it leads to is not read" {
  mkdir -p class/bob/fix-pipe-eof/src class/ada class/eve/fix-pipe-eof
  ln -s ../bob/fix-pipe-eof class/ada/fix-pipe-eof
  ln -s ../../bob/fix-pipe-eof/src class/eve/fix-pipe-eof/src
  class first --tests 1
  diff -u - <(csv | sed 1d) <<< $'ada,0,3,0,refused\nbob,0,3,0,refused\neve,0,3,0,refused'
  grep -qF '"fix-pipe-eof is a symbolic link: only folders are taken"' grades/ada/results.json
  grep -qF '"fix-pipe-eof/src is a symbolic link: only folders are taken"' grades/eve/results.json
}

@test "names that are no UTF-8 or cannot be seen stay apart, in every file" {
  local name
  for name in $'a\xff' $'a\xfe' 'a\xff' $'a\n' 'a\n' $'a\u202e' a; do mkdir -p "class/$name"; done
  class first --tests 1
  local shown=(a 'a\\n' 'a\\xff' 'a\x0a' 'a\xe2\x80\xae' 'a\xfe' 'a\xff')
  names() { LC_ALL=C sort | diff -u <(printf '%s\n' "${shown[@]}") -; }
  csv | sed 1d | cut -d, -f1 | names
  sed -n 's/ *nothing to grade.*//p' "$LOGS/first.out" | names
  # A JSON string has each backslash twice.
  sed -n 's/^  "submission": "\(.*\)",$/\1/p' grades/*/results.json | sed 's/\\\\/\\/g' | names
  [[ $(sed -n 's/^# //p' grades/*/feedback.md | sort -u | wc -l) == 7 ]]
  [[ $(sed -n 's/.*<h1>//p' grades/*/feedback.html | sort -u | wc -l) == 7 ]]
}

@test "two gradings into one folder exclude each other" {
  small_class
  local lock
  mkdir -p grades/ada
  exec {lock}> grades/ada/.lock
  flock "$lock"
  run_to_end ipc-grade 1 grade class/ada --out grades/ada --tests 1
  one_error ipc-grade "another ipc-grade writes its results into grades/ada: wait until it ends, or choose another --out"
  [[ ! -e grades/ada/results.json ]]
  # A class waits for that folder alone, as for a grader that a kill has left.
  start class "$BIN/ipc-grade" class class --out grades --jobs 2 --tests 1
  wait_for class "2/3 "
  run ! grep -q '^ada,0,3' grades/grades.csv
  flock --unlock "$lock"
  exec {lock}>&- # the file stays, and is no obstacle
  finish class
  grep -q '^ada,0,3,0,refused,' grades/grades.csv
  [[ $(stat -c %a grades/.lock) == 600 && $(stat -c %a grades/eve/.lock) == 600 ]]
  # A link in its place is not followed.
  ln -sf ../../made grades/ada/.lock
  run_to_end ipc-grade 1 grade class/ada --out grades/ada --tests 1
  one_error ipc-grade "open grades/ada/.lock: "
  [[ ! -e made ]]
}

@test "a grader of a class has none of its caller's environment, and none of its descriptors" {
  small_class
  # The class looks for bats, and each of its graders does.
  mkdir bin
  # shellcheck disable=SC2016  # words of that script
  printf '#!/bin/sh\n{ env; ls -l /proc/self/fd; } > "$0.$$"\necho Bats 1.11.1\n' > bin/bats
  chmod +x bin/bats
  local descriptor
  exec {descriptor}< /etc/passwd
  UNDER=(env SECRET_TOKEN=secret "PATH=$DIR/bin:$PATH")
  class first --tests 1 --jobs 1
  exec {descriptor}<&-
  local of_graders
  mapfile -t of_graders < <(grep -l '^TMPDIR=.*/ipc-grade\.class\.' bin/bats.*)
  [[ ${#of_graders[@]} == 2 ]]
  grep -q SECRET_TOKEN bin/bats.* # of the class itself
  run ! grep -E 'SECRET_TOKEN|/etc/passwd|\.lock' "${of_graders[@]}"
  grep -q '^HOME=' "${of_graders[@]}"
}

@test "a program of ours that has not been built is the grader's failure, before anybody is graded" {
  small_class
  mkdir -p other/examples
  cp "$BIN/ipc-grade" other/
  ln -s "$TOOLS/ipc-trace" "$TOOLS/talk" other/
  local words
  for words in "class $DIR/class" "grade $DIR/class/ada"; do
    # shellcheck disable=SC2086  # words on purpose
    run env -C "$ROOT" "$DIR/other/ipc-grade" $words --out "$DIR/grades" --tests 1
    [[ $status == 1 && $output == *"$DIR/other/examples/segment is missing, and tests need it: make build" ]] ||
      { echo "$status $output"; return 1; }
  done
  [[ ! -e grades ]]
}

@test "a source that does not compile has a word of its own, beside exercises that are graded" {
  long_form
  mkdir -p class/ada/fix-sigpipe/src
  cp -r "$submissions/reference/fix-pipe-eof" class/ada/
  echo 'fn main() { undefined() }' > class/ada/fix-sigpipe/src/main.rs
  cp -r class/ada class/bob
  rm -r class/bob/fix-pipe-eof
  class first --tests 1
  grep -qE '^ada,3,[0-9]+,0,graded,fix-sigpipe: does not compile$' grades/grades.csv || { cat grades/grades.csv; return 1; }
  grep -qE '^bob,0,[0-9]+,0,does not compile,fix-sigpipe: does not compile$' grades/grades.csv
  grep -qF 'Not tested: does not compile.' grades/ada/feedback.md
  rm class/ada/fix-sigpipe/src/main.rs
  ln -s /etc/passwd class/ada/fix-sigpipe/src/main.rs
  class second --tests 1 --exercise fix-pipe-eof --exercise fix-sigpipe --exercise fix-framing
  grep -qE '^ada,3,[0-9]+,0,graded,fix-sigpipe: refused: src/main.rs is a symbolic link: .*; fix-framing: not handed in$' grades/grades.csv ||
    { cat grades/grades.csv; return 1; }
}

@test "every student has a page, in which nothing that a student wrote means anything" {
  small_class
  mkdir -p "class/<i>x/fix-pipe-eof/src/</pre><script>.rs"
  ln -s / "class/<i>x/fix-pipe-eof/src/</pre><script>.rs/b.rs"
  class first --tests 1
  local pages=(grades/*/feedback.{md,html})
  ((${#pages[@]} == 8))
  grep -qx 'failed, 0/3 points' grades/ada/feedback.md
  grep -qF 'There is nothing to grade' grades/bob/feedback.md
  grep -qF 'is a symbolic link' grades/eve/feedback.html
  run ! grep -qE '<(i|script)>' grades/*x/feedback.html
  grep -qF '&lt;i&gt;x' grades/*x/feedback.html
}

@test "the verdict in the formats of others" {
  small_class
  class first --tests 1
  local format
  for format in gradescope junit tap markdown html; do
    start "$format" "$BIN/ipc-grade" export "$format" grades/eve/results.json
    finish "$format" || return
  done
  grep -qx '  "score": 0,' "$LOGS/gradescope.out"
  grep -qx '      "max_score": 3,' "$LOGS/gradescope.out"
  grep -qF '<testsuites name="eve" tests="1" ' "$LOGS/junit.out"
  grep -qx 'not ok 1 - fix-pipe-eof: a line arrives, and then end-of-file' "$LOGS/tap.out"
  cmp "$LOGS/html.out" grades/eve/feedback.html
  cmp "$LOGS/markdown.out" grades/eve/feedback.md
  # prove(1), which comes with Perl, reads it as we mean it.
  if command -v prove > /dev/null; then
    run prove --exec cat "$LOGS/tap.out"
    [[ $output == *"Failed 1/1 subtests"* && $output != *"Parse errors"* ]] || { echo "$output"; return 1; }
  fi
  run_to_end ipc-grade 1 export classroom50 grades/eve/results.json
  one_error ipc-grade "\$CLASSROOM is not set"
  CLASSROOM=c ASSIGNMENT=a SUBMISSION_TAG=t COMMIT_URL=u RELEASE_URL=r run_to_end ipc-grade 0 export classroom50 grades/eve/results.json
  grep -qx '  "schema": "classroom50/result/v1",' "$LOGS/ipc-grade.out"
  grep -qx '  "max-score": 3,' "$LOGS/ipc-grade.out"
  # The grader failed: nobody gets a mark for that.
  sed -i 's/"complete": true/"complete": false/' grades/eve/results.json
  run_to_end ipc-grade 1 export gradescope grades/eve/results.json
  one_error ipc-grade "there is no verdict yet"
  run_to_end ipc-grade 1 export gradescope class/notes
  one_error ipc-grade "read class/notes"
}

@test "an exercise that was asked for and not handed in is the student's zero" {
  small_class
  class all --exercise fix-pipe-eof --tests 1
  grep -qx 'bob,0,3,0,not handed in,nothing that was asked for was handed in' grades/grades.csv
  grep -qF 'there is no folder fix-pipe-eof/src' grades/bob/results.json
}

@test "the page of a program that hangs has the picture of who waits for what" {
  long_form
  local exercise
  for exercise in fix-pipe-eof fix-fifo-open fix-deadlock; do
    mkdir -p "class/$exercise"
    cp -r "$ROOT/crates/exercises/$exercise" "class/$exercise/"
  done
  class first --tests 2
  # pictures NAME: all of that page.
  pictures() { grep -oE 'data:image/svg\+xml;base64,[^"]*' "grades/$1/feedback.html" | cut -d, -f2 | while read -r it; do base64 -d <<< "$it"; done; }
  pictures fix-pipe-eof | grep -E '>waits: read\(3 pipe:\[[0-9]+\]\)<'
  pictures fix-pipe-eof | grep -F '>holds: open for writing, descriptor '
  pictures fix-fifo-open | grep -F '>waits: open(fifo, O_WRONLY)<'
  # Each has one of the two locks, and waits for the other's.
  local lock
  for lock in 0 1; do pictures fix-deadlock | grep -E ">set [0-9]+, semaphore $lock<"; done
  grep -qF 'is blocked in read(3 pipe:[' grades/fix-pipe-eof/feedback.md
}

@test "the same command again grades only what has changed" {
  long_form
  small_class
  class first --tests 1
  local inode
  inode=$(stat -c %i grades/eve/results.json)
  head -c 1100000 /dev/zero > class/ada/fix-pipe-eof/src/main.rs
  class again --tests 1
  grep -qE '^[123]/3 eve: 0/3, refused, as before$' "$LOGS/again.err"
  grep -qE '^[123]/3 ada: 0/3, refused$' "$LOGS/again.err"
  [[ $(stat -c %i grades/eve/results.json) == "$inode" ]]
  grep -qF 'more than 1048576 bytes' grades/ada/results.json
  # Half a file, as no kill leaves it, is no verdict either.
  head -c 100 grades/eve/results.json > half && mv half grades/eve/results.json
  class third --tests 1
  grep -qE '^[123]/3 eve: 0/3, refused$' "$LOGS/third.err"
}

@test "hidden tests count, and what they saw stays hidden" {
  long_form
  small_class
  mkdir hidden
  # bats would take a line that begins with @test for one of this file.
  sed 's/^%//' > hidden/fix-pipe-eof.bats << 'EOF'
load ../exercise
%@test "[4] the secret input arrives" {
  hint "Think of long lines."
  random_lines 3 > input
  start parent fix-pipe-eof < input
  finish parent
  grep -q "Child received: $(head -n 1 input)" "$LOGS/parent.out"
}
%@test "[2] the secret failure" { echo secret-value; false; }
EOF
  class first --tests-dir hidden --tests 1
  grep -q '^ada,0,9,0,refused,' grades/grades.csv
  class again --tests-dir hidden --tests 1
  grep -q 'ada: 0/9, refused, as before' "$LOGS/again.err"
  sed -i 's/\[4\]/[5]/' hidden/fix-pipe-eof.bats
  class third --tests-dir hidden --tests 1
  grep -q '^ada,0,10,0,refused,' grades/grades.csv
  rm -rf class grades
  mkdir -p class/ada
  cp -r "$submissions/reference/fix-pipe-eof" class/ada/
  class real --tests-dir hidden --tests 1
  grep -qx 'ada,8,10,0,graded,' grades/grades.csv || { cat grades/ada/results.json; return 1; }
  grep -q secret-value grades/ada/results.json
  run ! grep -q secret-value grades/ada/feedback.{md,html}
  grep -q 'what it saw is not shown' grades/ada/feedback.md
  mv hidden/fix-pipe-eof.bats hidden/fix-nothing.bats
  run_to_end ipc-grade 1 class class --out grades --tests-dir hidden
  one_error ipc-grade "hidden/fix-nothing.bats is for no exercise"
}

@test "hidden tests that could not be run as they are: refused before anything is graded" {
  small_class
  mkdir -m 700 hidden
  refused() {
    run_to_end ipc-grade 1 class class --out grades --exercise fix-pipe-eof --tests-dir hidden
    one_error ipc-grade "hidden/fix-pipe-eof.bats: $1"
    run_to_end ipc-grade 1 check-tests hidden fix-pipe-eof
    one_error ipc-grade "hidden/fix-pipe-eof.bats: $1"
  }
  printf '%stest "[1] x" {\n  if true; then\n}\n' @ > hidden/fix-pipe-eof.bats
  refused "line 3: syntax error near unexpected token"
  printf '%stest "x" {\n  true\n}\n' @ > hidden/fix-pipe-eof.bats
  refused "no test has points"
  printf '%stest "[1] x" {\n  true\n}\n' @ > hidden/fix-pipe-eof.bats
  run_to_end ipc-grade 0 check-tests hidden fix-sigpipe fix-pipe-eof
  printf '%stest "[1] x" { false; }\n' @ > hidden/fix-pipe-eof.bats
  run_to_end ipc-grade 0 check-tests hidden fix-sigpipe fix-pipe-eof
  run_to_end ipc-grade 1 check-tests hidden fix-sigpipe
  one_error ipc-grade "hidden/fix-pipe-eof.bats is for none of these exercises: fix-sigpipe"
  [[ ! -e grades ]]
}

@test "a name that a student chose neither calculates nor breaks a line" {
  mkdir -p "class/=1+1,a/fix-pipe-eof/src" class/$'b\nc\e[2J'
  class first --tests 1
  grep -qF "\"'=1+1,a\",0,3,0,refused," grades/grades.csv
  [[ $(wc -l < grades/grades.csv) == 3 ]]
  run ! grep -q $'\e' grades/grades.csv "$LOGS/first.out" "$LOGS/first.err"
}

@test "the grader's failure is no zero, and has another name" {
  small_class
  mkdir grades
  touch grades/eve # where eve's results should go
  local DEADLINE=60
  start class "$BIN/ipc-grade" class class --out grades --tests 1
  finish class 1
  one_error class "the grader failed for 1 of 3 submissions; the same command grades them again"
  grep -q '^eve,,,,the grader failed,mkdir .*/grades/eve: ' grades/grades.csv
  grep -q '^ada,0,3,0,refused,' grades/grades.csv
  rm grades/eve
  class again --tests 1
  grep -q '^eve,0,3,0,refused,' grades/grades.csv
}

@test "bad arguments: one error" {
  run_to_end ipc-grade 1 class missing --out grades
  one_error ipc-grade "missing is no folder"
  mkdir nobody
  run_to_end ipc-grade 1 class nobody --out grades
  one_error ipc-grade "nobody holds no folder, so no submission"
  run_to_end ipc-grade 1 class nobody --out grades --exercise fix-nothing
  one_error ipc-grade 'there is no exercise "fix-nothing"'
  # Two at a time would take each other's scratch away.
  exec {lock}> grades/.lock
  flock "$lock"
  mkdir nobody/ada
  run_to_end ipc-grade 1 class nobody --out grades
  one_error ipc-grade "another ipc-grade writes its results into $DIR/grades: wait until it ends"
  exec {lock}>&-
}

@test "each submission is one command: GNU parallel does the same, and class collects" {
  long_form
  command -v parallel > /dev/null || skip "GNU parallel is not installed"
  small_class
  rmdir class/bob
  # As in the README, but for the tests (and the hosts).
  local DEADLINE=60
  # shellcheck disable=SC2016
  grep -qF "'target/debug/ipc-grade grade {} --out grades/{/}' ::: class/*" "$ROOT/crates/tools/ipc-grade/README.md"
  start parallel parallel --jobs 2 "$BIN/ipc-grade grade {} --out grades/{/} --tests 1" ::: class/*
  finish parallel
  class collect --tests 1
  [[ $(grep -c ', as before$' "$LOGS/collect.err") == 2 ]] || { show collect; return 1; }
  [[ $(csv | grep -c ',refused$') == 2 ]]
}

# real_class NAME...: each of them has handed in the reference solution.
real_class() {
  local name
  for name in "$@"; do
    mkdir -p "class/$name"
    cp -r "$submissions/reference/fix-pipe-eof" "class/$name/"
  done
}

@test "killed at any moment, the files are whole, and the same command does the rest" {
  long_form
  real_class one two three
  local DEADLINE=120
  start grader "$BIN/ipc-grade" class class --out grades --jobs 2
  passed() { grep -qs '"status": "passed"' grades/*/results.json; }
  wait_until passed
  stop grader KILL
  finish grader 137
  [[ $(wc -l < grades/grades.csv) == 4 ]]
  local file
  for file in grades/*/results.json; do [[ $(tail -n 1 "$file") == "}" ]] || return; done
  # Its graders die with it; a test that was running ends by itself.
  quiet() { [[ -z $(processes) ]]; }
  wait_until quiet
  class again --jobs 2
  [[ $(csv | grep -c ',10,10,0,graded$') == 3 ]] || { cat grades/grades.csv; return 1; }
  [[ ! -e grades/.scratch ]]
}

@test "Ctrl-C: it ends at once, its graders and their scratch with it" {
  small_class
  cp -r class/ada class/ada2
  for name in 1 2 3 4 5 6 7 8 9; do cp -r class/ada "class/x$name"; done
  start grader "$BIN/ipc-grade" class class --out grades --jobs 1 --tests 1
  wait_for grader "1/13 "
  local scratch
  scratch=$(readlink grades/.scratch)
  stop grader INT
  finish grader 130
  [[ $(wc -l < grades/grades.csv) == 14 && ! -L grades/.scratch ]]
  # All have gone before it: also the boxes, which have none of this test's environment.
  [[ -z $(processes) ]]
  run ! grep -lsF "$scratch/" /proc/[0-9]*/cmdline
}

@test "a killed grader of one submission, a killed build: the grader failed, and then all is well" {
  long_form
  real_class one two
  # kill_first REGEX: the first process of this test whose command line is like that.
  kill_first() {
    local pid
    for pid in $(processes); do
      tr '\0' ' ' 2> /dev/null < "/proc/$pid/cmdline" | grep -qE "$1" && kill -KILL "$pid" && return
    done
    return 1
  }
  local what DEADLINE=200
  for what in 'ipc-grade grade .*class/one' '^bwrap .*cargo build'; do
    rm -rf grades
    start grader "$BIN/ipc-grade" class class --out grades --jobs 1
    wait_until kill_first "$what"
    finish grader 1
    grep -q '^one,,,,the grader failed,' grades/grades.csv || { cat grades/grades.csv; return 1; }
    grep -qx 'two,10,10,0,graded,' grades/grades.csv
    class again --jobs 1
    grep -qx 'one,10,10,0,graded,' grades/grades.csv
  done
}

# forty: submissions of which it is known what they are worth; in `expected` a line for each, as csv
# prints them: hostile ones have nothing, and a handout less than half.
forty() {
  local project=$ROOT/crates/exercises exercise mutant name test points total
  for exercise in "$submissions"/reference/*; do
    exercise=${exercise##*/}
    total=$(sed -nE 's/^@test "\[([0-9]+)\].*/\1/p' "$ROOT/tests/exercises/$exercise.bats" | paste -sd +)
    total=$((total))
    mkdir -p "class/reference-$exercise" "class/handout-$exercise" "class/mutant-$exercise"
    cp -r "$submissions/reference/$exercise" "class/reference-$exercise"
    cp -r "$submissions/reference/$exercise" "class/mutant-$exercise"
    cp -r "$project/$exercise" "class/handout-$exercise"
    mutant=$(find "$submissions/mutants/$exercise" -name '*.patch' | sort | head -n 1)
    git -C "class/mutant-$exercise/$exercise" apply "$mutant"
    test=$(sed -n 's/^Fails: //p' "$mutant")
    points=$(sed -nE 's/^@test "\[([0-9]+)\] (.*)" \{/\1 \2/p' "$ROOT/tests/exercises/$exercise.bats" |
      grep -F " $test" | cut -d ' ' -f 1)
    echo "reference-$exercise,$total,$total"
    echo "mutant-$exercise,$((total - points)),$total"
    echo "handout-$exercise,less than half,$total"
  done > expected
  for name in "$submissions"/hostile/*/fix-pipe-eof; do
    name=${name%/fix-pipe-eof}
    # Some earn what they do honestly, and some take longer than a class has.
    grep -qE "^${name##*/} \|.*\| 0 \| ([0-9]|[1-8][0-9]) \| - \|" "$submissions/hostile/LIST" || continue
    cp -r "$name" "class/hostile-${name##*/}"
    echo "hostile-${name##*/},0,10"
  done >> expected
  # Ten of each.
  for name in reference mutant handout hostile; do
    for extra in $(cd class && printf '%s\n' "$name"-* | sort -R | tail -n +11); do
      rm -r "class/$extra"
      sed -i "/^$extra,/d" expected
    done
  done
  sort -o expected expected
}

@test "forty submissions: each gets what it is worth, and the same again (SUBMISSIONS=all)" {
  long_form
  [[ ${SUBMISSIONS:-} == all ]] || skip "every submission: SUBMISSIONS=all scripts/soak 1"
  forty
  local DEADLINE=1500
  class first --jobs 2
  csv | sed 1d | awk -F , -v OFS=, '$1 ~ /^handout-/ && 2 * $2 < $3 { $2 = "less than half" } { print $1, $2, $3 }' |
    sort | diff -u --label expected expected --label actual -
  mv grades grades-1
  class second --jobs 2
  diff -u grades-1/grades.csv grades/grades.csv
}
