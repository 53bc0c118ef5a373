#!/usr/bin/env bats
# What ipc-choose says is what the tutorial says: its text is $TUTORIAL.
load ../harness

# said PAGE...: by the tool; a row, an item, a branch a line, without footnotes and spacing.
said() { "$BIN/ipc-choose" "$@" | sed -E 's/ \[[0-9]+\]//g' | plain; }

# below HEADING [N]: what the tutorial says below the N-th heading of that name.
below() {
  awk -v heading="$1" -v n="${2:-1}" '/^###? / { here = $0 == heading && ++seen == n; next } here' "$TUTORIAL" |
    sed -e 's/\*\*//g' -e 's/❌/no/g' -e 's/✅/yes/g' | plain
}

plain() { sed -E -e 's/ +/ /g' -e 's/^ //; s/ $//' -e '/^(\|-.*|-*)$/d'; }

# same FILE: as standard input, and there is some.
same() {
  cat > tutorial
  [[ -s tutorial ]]
  diff -u tutorial "$1"
}

@test "both tables, cell by cell" {
  said --compare | grep '^|' > ours
  below "### Quick Comparison" | grep '^|' | same ours
  said --table | grep '^|' > ours
  below "### Feature Comparison" | grep '^|' | same ours
}

@test "both lists of Choosing the Right Mechanism" {
  said --compare | grep '^Use ' > ours
  below "### Choosing the Right Mechanism" | sed -n 's/^- //p' | same ours
  said --compare | grep '^[1-9]\.' > ours
  below "### Choosing the Right Mechanism" 2 | grep '^[1-9]\.' | same ours
}

@test "the decision tree, branch by branch" {
  said --tree > ours
  below "### Use Case Decision Tree" | grep -v '^```' |
    sed -E -e 's/Yes → Use /yes: /' -e 's/No → (Use )?/no: /' | same ours
}

# uses MECHANISM: one item a line, + or - in front.
uses() { said "$1" | grep '^[+-] '; }
when_to_use() {
  below "### When to Use $1" | awk '/^yes Good/ { sign = "+" } /^no Not/ { sign = "-" } sub(/^- /, "") && sign { print sign, $0 } /^See/ { exit }'
}

@test "each When to Use" {
  for of in "pipe Pipes" "fifo Named Pipes" "message-queue Message Queues" "shared-memory Shared Memory"; do
    uses "${of%% *}" > ours
    when_to_use "${of#* }" | same ours
  done
  # One for all sockets: a Unix socket takes "Network communication" from the one side to the other.
  uses network-socket > ours
  when_to_use Sockets | same ours
  uses unix-socket | grep -v '^- Network communication' > ours
  when_to_use Sockets | grep -v '^+ Network communication' | same ours
}
