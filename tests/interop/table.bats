#!/usr/bin/env bats
# The table of the tutorial's sections, with the tutorial's text.
load ../harness

# Its headings, as they stand in the table: without numbers, bold type and code.
headings() {
  awk '/^ *```/ { inside = !inside } !inside && /^##+ /' "$TUTORIAL" |
    sed -E -e 's/^#+ //' -e 's/^[0-9]+\. //' -e 's/[*`]//g' | grep -vx 'Table of Contents'
}

rows() { grep '^| ' "$ROOT/crates/README.md" | grep -v '^| section of the tutorial' | sed -E 's/^\| (.*[^ ]) \| .*/\1/'; }

@test "each section of the tutorial is a row, in its order" {
  diff <(headings) <(rows | sed 's/ (table)$//')
}

@test "each table of the tutorial is marked as one" {
  # A table begins with a line of bars that no other such line precedes; its section is above it.
  diff <(awk '
      /^ *```/ { inside = !inside }
      /^##+ / && !inside { heading = $0 }
      /^\|/ && !inside && !before { print heading }
      { before = /^\|/ }
    ' "$TUTORIAL" | sed -E 's/^#+ //') <(rows | sed -n 's/ (table)$//p')
}
