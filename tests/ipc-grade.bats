#!/usr/bin/env bats
# bats file_tags=slow
load harness

# Grading takes a build and a box for each test. `make test` does the short forms; `make soak`
# (LONG=1) does more of them; with SUBMISSIONS=all it grades every submission there is, for hours.
submissions=$ROOT/tests/submissions

long_form() { [[ -n ${LONG:-} ]] || skip "long form: make soak"; }

setup_file() {
  "$BIN/ipc-grade" canary 2> /dev/null | grep -qE 'level [12]' || {
    export SKIP_ALL="no isolation here: make doctor"
    return
  }
  "$BIN/ipc-grade" prepare # no part of any test's time
}

# graded NAME SUBMISSION [OPTION...]: the grader works, whatever the marks, and says so in time.
graded() {
  local DEADLINE=170
  start "$1" "$BIN/ipc-grade" grade "$2" --out "$DIR/$1" "${@:3}"
  finish "$1" || return
  grep -qx '  "complete": true,' "$DIR/$1/results.json"
}

# strangers NAME: processes of the uid that the grader has given to that submission.
strangers() {
  local uid
  uid=$(sed -nE 's/.*"isolation": ".*, uid ([0-9]+)".*/\1/p' "$DIR/$1/results.json")
  [[ -z $uid ]] || find /proc -maxdepth 1 -regex '/proc/[0-9]+' -uid "$uid" 2> /dev/null
}

# hanging: a further test of fix-pipe-eof, whose input does not end until the time is up.
hanging() {
  mkdir -m 700 hidden
  # bats would take a line that begins with @test for one of this file.
  sed 's/^%//' > hidden/fix-pipe-eof.bats << 'EOF'
load ../exercise
%@test "[1] input that never ends" {
  DEADLINE=1
  start_typing parent fix-pipe-eof
  finish parent
}
EOF
}

# picture PAGE: what the image in it holds.
picture() { sed -nE 's#.*<img [^>]* src="data:image/svg\+xml;base64,([^"]*)">.*#\1#p' "$1" | base64 -d; }

@test "a reference solution has full marks, a hang its picture (SUBMISSIONS=all: every one, handouts and mutants too)" {
  if [[ ${SUBMISSIONS:-} == all ]]; then
    local DEADLINE=3000
    start submissions "$ROOT/scripts/submissions"
    finish submissions
  else
    hanging
    graded reference "$submissions/reference" --exercise fix-pipe-eof --tests-dir hidden
    grep -qx 'Score: 10/11' "$LOGS/reference.out"
    # What a hidden test saw is not for the student, and so its picture is not either.
    "$BIN/ipc-grade" export html reference/results.json > page.html
    grep -qF 'what it saw is not shown' page.html
    run ! grep -F '<img' page.html
    sed -i 's/"hidden": true/"hidden": false/' reference/results.json
    "$BIN/ipc-grade" export html reference/results.json > page.html
    grep -qE '<img alt="[^"]*fix-pipe-eof \(process [0-9]+\) waits in read\(3 pipe:\[' page.html
    picture page.html > hang.svg
    grep -qF '>waits: read(3 pipe:[' hang.svg
    grep -qE '>holds: open for writing, descriptor [0-9]+<' hang.svg
  fi
}

@test "hostile submissions: no mark that is not earned, nothing read, written or left (SUBMISSIONS=all: every one)" {
  long_form
  local DEADLINE=900 names=(takes-descriptors kills-keeper rewrites-input io-uring clone-untraced leaves-ipc)
  if [[ ${SUBMISSIONS:-} == all ]]; then DEADLINE=9000 names=(); fi
  # It compares what stands outside before and after each of them.
  start hostile "$ROOT/scripts/hostile" 1 "${names[@]}"
  finish hostile
}

@test "a build script is not taken, and a file outside src not found" {
  long_form
  graded hostile "$submissions/hostile/build-script" --tests 1
  grep -q "does not compile" "$DIR/hostile/results.json"
  grep -q "stolen.txt" "$DIR/hostile/results.json"
  [[ ! -e /tmp/built-by-a-student ]]
}

@test "a submission without what it needs is the student's failure, not the grader's" {
  mkdir -p broken/fix-pipe-eof/src empty/fix-pipe-eof/src link/fix-pipe-eof/src big/fix-pipe-eof/src
  echo 'fn main() { undefined() }' > broken/fix-pipe-eof/src/main.rs
  ln -s /etc/passwd link/fix-pipe-eof/src/main.rs
  head -c 1100000 /dev/zero | tr '\0' ' ' > big/fix-pipe-eof/src/main.rs
  local names=(empty:"holds no .rs file" link:"is a symbolic link" big:"more than 1048576 bytes")
  [[ -z ${LONG:-} ]] || names+=(broken:"cannot find function")
  for name in "${names[@]}"; do
    graded "${name%%:*}-graded" "${name%%:*}" --tests 1 || return
    grep -qF "${name#*:}" "$DIR/${name%%:*}-graded/results.json" || { cat "$DIR/${name%%:*}-graded/results.json"; return 1; }
    grep -q '^Score: 0/3' "$LOGS/${name%%:*}-graded.out"
  done
}

@test "killed in the middle, the results are whole, and nothing goes on" {
  long_form
  start grader "$BIN/ipc-grade" grade "$submissions/reference" --exercise fix-pipe-eof --out "$DIR/out"
  passed() { grep -qs '"status": "passed"' "$DIR/out/results.json"; }
  DEADLINE=60 wait_until passed
  stop grader KILL
  finish grader 137
  grep -qx '  "complete": false,' out/results.json
  [[ $(tail -n 1 out/results.json) == "}" ]]
  # The test that was running ends by itself, and its box with it.
  quiet() { [[ -z $(processes) && -z $(strangers out) ]]; }
  DEADLINE=60 wait_until quiet
}

@test "Ctrl-C in the middle: it ends at once, and what it has started and made before it" {
  long_form
  mkdir tmp
  chmod 711 "$DIR" tmp
  UNDER=(env "TMPDIR=$DIR/tmp")
  start grader "$BIN/ipc-grade" grade "$submissions/reference" --exercise fix-pipe-eof --out "$DIR/out"
  DEADLINE=60 wait_until grep -qs '"status": "passed"' "$DIR/out/results.json"
  stop grader INT
  finish grader 130
  [[ -z $(processes) && -z $(strangers out) && -z $(ls tmp) ]] || { processes; strangers out; ls tmp; return 1; }
}

@test "a box that is killed from outside: its test is run again" {
  long_form
  chmod 711 "$DIR"
  # A program that takes its time, so that there is a moment in which to kill its box.
  mkdir slow
  cp -r "$submissions/reference/fix-pipe-eof" slow/
  sed -i 's/^fn main.*{$/&\n    std::thread::sleep(std::time::Duration::from_secs(1));/' slow/fix-pipe-eof/src/main.rs
  UNDER=(env "TMPDIR=$DIR")
  start grader "$BIN/ipc-grade" grade slow --out "$DIR/out" --tests 1 --level 1
  # kill_box: if the program runs in it now.
  kill_box() {
    local program box running boxes
    mapfile -t running < <(grep -lsx fix-pipe-eof /proc/[0-9]*/comm)
    for program in "${running[@]/%comm/cmdline}"; do
      grep -qsa "^/programs/" "$program" || continue
      mapfile -t boxes < <(grep -lsaF -- --info-fd /proc/[0-9]*/cmdline)
      for box in "${boxes[@]}"; do
        if grep -qsaF "$DIR/" "$box"; then kill -KILL "$(cut -d/ -f3 <<< "$box")" && return; fi
      done
    done
    return 1
  }
  DEADLINE=170 wait_until kill_box
  DEADLINE=120 finish grader
  grep -qx 'Score: 3/3' "$LOGS/grader.out" || { cat out/results.json; return 1; }
}

@test "what is no submission, and what may not be graded here" {
  run_to_end ipc-grade 1 grade missing
  one_error ipc-grade "missing is no folder"
  run_to_end ipc-grade 1 grade "$submissions/reference" --exercise fix-pipe-eof --test "no such test"
  one_error ipc-grade 'fix-pipe-eof has no test ["no such test"]'
  mkdir nothing
  run_to_end ipc-grade 1 grade nothing
}

@test "one test of an exercise, several times" {
  long_form
  local test
  test=$(sed -nE 's/^@test "\[3\] (.*)" \{$/\1/p' "$ROOT/tests/exercises/fix-pipe-eof.bats" | head -n 1)
  graded again "$submissions/reference" --exercise fix-pipe-eof --test "$test" --times 3
  [[ $(grep -cxE "fix-pipe-eof +3/3  passed   $test" "$LOGS/again.out") == 3 ]]
  grep -qx 'Score: 9/9' "$LOGS/again.out"
}
