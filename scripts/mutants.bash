# shellcheck shell=bash
# For scripts and tests that make submissions of known quality. A mutant is a patch of the reference:
# one mistake, and above it the test that it fails and the hint that it gets. In the project's folder:

# make_reference EXERCISE FOLDER: a submission in a new folder.
make_reference() {
  mkdir -p "$2"
  cp -r "tests/submissions/reference/$1" "$2/"
}

# make_mutant EXERCISE FOLDER PATCH: the same with the mistake; fails if the patch does not fit.
make_mutant() {
  make_reference "$1" "$2"
  git -C "$2/$1" apply "$(realpath "$3")"
}

# fails_at PATCH, hint_of PATCH: the test that it fails, and the hint.
fails_at() { sed -n 's/^Fails: //p' "$1"; }
hint_of() { sed -n 's/^Hint: //p' "$1"; }
