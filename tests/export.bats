#!/usr/bin/env bats
load harness

# What `ipc-grade export` prints, read by programs that know nothing of it. The unit tests hold it
# against the published forms that come without such a program: Gradescope, Classroom 50.

# A verdict of each kind, with what a hostile submission would like to be markup.
verdicts() {
  cat > whole.json << 'END'
{ "submission": "a \" skipped=\"1\"></testsuites><script>", "isolation": "level 1", "digest": "0",
  "grader_error": null, "complete": true, "score": 3, "out_of": 9, "tests": [
    { "exercise": "fix-pipe-eof", "test": "a line # arrives \\", "points": 3, "status": "passed",
      "rationale": "", "help": "", "expected": "", "actual": "" },
    { "exercise": "fix-pipe-eof", "test": "it ends", "points": 3, "status": "failed",
      "rationale": "\u001b[2J ]]> </failure>\nok 7\n  ...\nBail out!\n\u202e\u0000", "help": "Close <it>: \"#\"", "expected": "a", "actual": "b" },
    { "exercise": "fix-sigpipe", "test": "by a pipe", "points": 3, "status": "not-run",
      "rationale": "no strace # TODO", "help": "", "expected": "", "actual": "" } ] }
END
  sed 's/"failed"/"passed"/; s/"score": 3/"score": 6/' whole.json > good.json
  sed 's/"complete": true/"complete": false/; s/"grader_error": null/"grader_error": "the build <was> killed\\nok 3"/' whole.json > failure.json
  echo '{ "submission": "", "isolation": "", "digest": "", "grader_error": null, "complete": true, "score": 0, "out_of": 0, "tests": [] }' > empty.json
}

# export_as FORMAT NAME: of the verdict NAME.json into NAME.FORMAT.
export_as() {
  start "$2" "$BIN/ipc-grade" export "$1" "$2.json"
  finish "$2" && cp "$LOGS/$2.out" "$2.$1"
}

@test "JUnit XML is what the schema of Jenkins allows" {
  command -v xmllint > /dev/null || skip "xmllint is not installed (libxml2-utils)"
  verdicts
  valid() { xmllint --noout --schema "$ROOT/tests/formats/junit-10.xsd" "$1"; }
  local name
  for name in whole good failure empty; do
    export_as junit $name
    valid $name.junit
  done
  # What would be wrong is refused: a number where none belongs, a case without a name, no such tag.
  local wrong
  for wrong in 's/<testsuites /&skipped="1" /' 's/<testcase name="[^"]*"/<testcase/' 's/failure>/failed>/; s/<failure /<failed /'; do
    sed "$wrong" whole.junit > wrong.junit
    run valid wrong.junit
    [[ $status == 3 && $output == *"Schemas validity error"* ]] || { echo "$wrong: $output"; return 1; }
  done
}

@test "TAP is what prove(1) reads" {
  perl -MTAP::Parser -e 1 2> /dev/null || skip "Perl's TAP::Parser is not installed"
  verdicts
  local name
  for name in whole good failure empty; do export_as tap $name; done
  # Each line as the parser takes it; then how many it has planned and seen, and what is wrong.
  read_tap() {
    perl -MTAP::Parser -e '
      my $tap = TAP::Parser->new({ tap => do { local $/; <> } });
      while (my $it = $tap->next) {
        print $it->type, $it->is_test ? (" ", $it->number, $it->is_ok ? " ok " : " not ok ", $it->directive) : "", "\n";
      }
      print $tap->tests_planned // "no plan", " ", $tap->tests_run, "\n", map { "$_\n" } $tap->parse_errors;
    ' "$1"
  }
  diff -u - <(read_tap whole.tap) <<< $'version\nplan\ntest 1 ok \ntest 2 not ok \nyaml\ntest 3 ok SKIP\n3 3'
  diff -u - <(read_tap good.tap) <<< $'version\nplan\ntest 1 ok \ntest 2 ok \ntest 3 ok SKIP\n3 3'
  diff -u - <(read_tap failure.tap) <<< $'version\nplan\ntest 1 ok \ntest 2 not ok \nyaml\nbailout\n3 2\nBad plan.  You planned 3 tests but ran 2.'
  diff -u - <(read_tap empty.tap) <<< $'version\nplan\n0 0'
}
