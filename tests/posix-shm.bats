#!/usr/bin/env bats
load harness

# Where there are no namespaces /dev/shm is the machine's: names of our own.
shm=/ipc-lab-test-$$
memory=/dev/shm$shm

write() { run_to_end posix-shm-writer "$1" "$shm" "${@:2}"; }
read_() { run_to_end posix-shm-reader "$1" "$shm" "${@:2}"; }

# random BYTES: so many letters and digits.
random() { base64 -w0 < /dev/urandom | tr -d '+/' | head -c "$1"; }

@test "the writer starts first, ends, and the text stays" {
  write 0
  [[ $(stat -c '%a %s' "$memory") == "600 4096" ]]
  read_ 0
  same_output posix-shm-writer
  same_output posix-shm-reader
  silent posix-shm-writer
  silent posix-shm-reader
  [[ ! -e $memory ]]
}

@test "the reader starts first and waits" {
  start reader posix-shm-reader $shm
  wait_until asleep reader
  write 0
  finish reader
  same_output reader
}

@test "README: the transcript is what happens" {
  start_as_in_readme posix-shm posix-shm-writer $shm
  finish posix-shm-writer
  start_as_in_readme posix-shm posix-shm-reader $shm
  finish posix-shm-reader
  same_as_in_readme posix-shm-writer
  same_as_in_readme posix-shm-reader
}

@test "no text within 5 s: the reader names the writer, and prints no part of a text" {
  start nothing posix-shm-reader $shm
  : > "$memory-0" # a writer killed before ftruncate,
  start empty posix-shm-reader $shm-0
  truncate -s 4096 "$memory-4096" # before the first byte,
  start zero posix-shm-reader $shm-4096
  printf '\0ello' > "$memory-ello" # and before the last one, which is the first of the text
  truncate -s 4096 "$memory-ello"
  start ello posix-shm-reader $shm-ello
  for reader in nothing empty zero ello; do
    finish $reader 1
    one_error $reader "start posix-shm-writer first"
    [[ ! -s $LOGS/$reader.out ]]
  done
  # The next pair works all the same.
  for name in $shm-0 $shm-4096 $shm-ello; do
    run_to_end posix-shm-writer 0 "$name"
    says posix-shm-writer "$name was there already, from an earlier run: replaced"
    run_to_end posix-shm-reader 0 "$name"
    same_output posix-shm-reader
  done
}

@test "a segment that comes into being step by step under the reader" {
  start reader posix-shm-reader $shm
  wait_until asleep reader
  : > "$memory"
  truncate -s 4096 "$memory"
  printf 'ello' | dd of="$memory" bs=1 seek=1 conv=notrunc status=none
  [[ ! -s $LOGS/reader.out ]]
  printf 'H' | dd of="$memory" bs=1 conv=notrunc status=none
  finish reader
  [[ $(cat "$LOGS/reader.out") == "Read: Hello" ]]
}

@test "30 pairs started at the same instant: the whole of a long text" {
  local text
  for ((i = 0; i < $(rounds 30); i++)); do
    text=$(random 4095)
    start reader posix-shm-reader $shm
    start writer posix-shm-writer $shm --text "$text"
    finish writer
    finish reader
    [[ $(cat "$LOGS/reader.out") == "Read: $text" ]]
  done
}

@test "two writers at the same instant: one of the two texts, whole" {
  local a b
  a=$(random 4095) b=$(random 4095)
  for ((i = 0; i < $(rounds 20); i++)); do
    start one posix-shm-writer $shm --text "$a"
    start two posix-shm-writer $shm --text "$b"
    finish one
    finish two
    read_ 0
    [[ $(cat "$LOGS/posix-shm-reader.out") == "Read: $a" || $(cat "$LOGS/posix-shm-reader.out") == "Read: $b" ]]
  done
}

@test "a text that nobody has read is replaced" {
  write 0 --text "the first text, the longer one"
  silent posix-shm-writer
  write 0 --text second
  says posix-shm-writer "$shm was there already"
  read_ 0
  [[ $(cat "$LOGS/posix-shm-reader.out") == "Read: second" ]]
}

@test "with a slash or without: the same segment" {
  write 0
  run_to_end posix-shm-reader 0 "${shm#/}"
  same_output posix-shm-reader
  [[ ! -e $memory ]]
}

# The writer has made the segment and is stuck in its printf: nobody empties the pipe.
start_stuck() {
  local pipe
  rm -f pipe
  mkfifo pipe
  exec {pipe}<> pipe
  dd if=/dev/zero of=pipe oflag=nonblock bs=4096 status=none 2> /dev/null || true
  UNREAD=$pipe start writer posix-shm-writer $shm
  wait_until test -e "$memory"
  exec {pipe}>&-
}

@test "Ctrl-C in the writer removes the segment" {
  for signal in INT TERM; do
    start_stuck
    stop writer $signal
    finish writer $((128 + $(kill -l $signal)))
    [[ ! -e $memory ]]
  done
  rm pipe
}

@test "the writer killed half-way: the segment stays, and the next pair works" {
  start_stuck
  stop writer KILL
  finish writer 137
  [[ -e $memory ]]
  rm pipe
  write 0
  says posix-shm-writer "$shm was there already"
  read_ 0
  same_output posix-shm-reader
}

@test "Ctrl-C in the waiting reader" {
  for signal in INT TERM KILL; do
    start reader posix-shm-reader $shm
    wait_until asleep reader
    stop reader $signal
    finish reader $((128 + $(kill -l $signal)))
  done
}

@test "stopped and continued while it waits" {
  start reader posix-shm-reader $shm
  for ((i = 0; i < $(rounds 50); i++)); do
    stop reader STOP
    stop reader CONT
  done
  start writer posix-shm-writer $shm
  for ((i = 0; i < $(rounds 20); i++)); do
    stop writer STOP 2> /dev/null || true
    stop writer CONT 2> /dev/null || true
  done
  finish writer
  finish reader
  same_output reader
}

@test "a segment of another size is refused by both, and left" {
  for size in 1 100 4095 4097 8192; do
    head -c $size /dev/zero | tr '\0' x > "$memory"
    for program in posix-shm-writer posix-shm-reader; do
      run_to_end $program 1 $shm
      one_error $program "$shm has $size bytes and not 4096, so posix-shm-writer has not made it; left as it is"
    done
    [[ $(stat -c %s "$memory") == "$size" ]]
  done
  rm "$memory"
}

@test "/dev/shm is full: an error, not SIGBUS" {
  [[ -n ${IPC_LAB_NAMESPACE:-} ]] || skip "no /dev/shm of our own: namespaces are refused"
  mount -t tmpfs -o size=4k none /dev/shm
  head -c 4096 /dev/zero > /dev/shm/full
  truncate -s 4096 "$memory" # by ftruncate alone, as in C
  start writer posix-shm-writer $shm-new
  start reader posix-shm-reader $shm
  local status=0
  finish writer 1 && one_error writer "posix_fallocate $shm-new: ENOSPC" && [[ ! -e $memory-new ]] || status=1
  # It sleeps only after it has looked.
  wait_until asleep reader || status=1
  stop reader INT && finish reader 130 || status=1
  umount /dev/shm
  ((status == 0))
}

@test "what is no shared memory is refused and left" {
  mkdir "$memory-d"
  ln -s "$DIR/target" "$memory-l"
  mkfifo "$memory-p"
  for kind in d l p; do
    for program in posix-shm-writer posix-shm-reader; do
      run_to_end $program 1 "$shm-$kind"
      one_error $program "$memory-$kind is no shared memory, left as it is"
    done
  done
  [[ -d $memory-d && -L $memory-l && -p $memory-p && ! -e target ]]
  rm -r "$memory"-[dlp]
}

@test "another user's segment is refused and left" {
  head -c 4096 /dev/zero | tr '\0' x > "$memory"
  chmod 666 "$memory"
  foreign "$memory"
  for program in posix-shm-writer posix-shm-reader; do
    run_to_end $program 1 $shm
    one_error $program "$shm is a segment of another user (uid 65534), left as it is"
    chmod 600 "$memory"
  done
  [[ $(head -c 3 "$memory") == xxx ]]
  rm "$memory"
}

@test "a segment of ours that must not be read" {
  head -c 4096 /dev/zero | tr '\0' x > "$memory"
  chmod 0 "$memory"
  start_unprivileged reader posix-shm-reader $shm
  finish reader 1
  one_error reader "open $shm: EACCES"
  [[ -e $memory ]]
  start_unprivileged writer posix-shm-writer $shm
  finish writer
  read_ 0
}

@test "a text without a NUL at its end" {
  head -c 4096 /dev/zero | tr '\0' x > "$memory"
  read_ 0
  [[ $(wc -c < "$LOGS/posix-shm-reader.out") == 4103 ]] # "Read: ", and the newline
}

@test "bad arguments, and --help" {
  for program in posix-shm-writer posix-shm-reader; do
    for name in / /a/b //a . /.. "/$(printf '%0256d' 1)"; do
      run_to_end $program 2 "$name"
      says $program "a segment's name is a slash and 1 to 255 other characters"
    done
    run_to_end $program 2 --wrong
    run_to_end $program 2 one two
    run_to_end $program 0 --help
    grep -qF "/myshm" "$LOGS/$program.out"
  done
  for text in "" "$(printf '%04096d' 1)"; do
    write 2 --text "$text"
    says posix-shm-writer "1 to 4095 bytes fit into the segment"
  done
}

@test "output that nobody reads: no panic, nothing left" {
  start_unread writer posix-shm-writer $shm
  finish writer 141
  silent writer
  [[ ! -e $memory ]]
  write 0
  start_unread reader posix-shm-reader $shm
  finish reader 141
  silent reader
  [[ ! -e $memory ]]
}
