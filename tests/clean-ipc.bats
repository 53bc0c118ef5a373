#!/usr/bin/env bats
# bats file_tags=slow
# make clean-ipc: it finds what the lessons leave, and removes nothing else.
load harness

# The names in /tmp and /dev/shm are looked for below this test's folder, so that whatever runs
# on this machine is left alone; the keys are those of the folder.
clean_ipc() { start clean env -u TMPDIR "IPC_LAB_ROOT=$DIR" "$@" "$ROOT/scripts/clean-ipc"; }

# look STATUS: shows, and removes nothing. clean STATUS: removes.
look() { clean_ipc; finish clean "$1"; }
clean() { clean_ipc YES=1; finish clean "$1"; }

setup_places() { mkdir -p tmp dev/shm; }

# prints TEXT, or does not.
prints() { grep -qF -- "$1" "$LOGS/clean.out" || { echo "expected: $1"; show clean; return 1; }; }

# about COMMAND...: what is said below that command.
about() { grep -F -A 2 -- "$*" "$LOGS/clean.out" | tail -n 1; }

# id_of NAME: the id that a program has printed.
id_of() { sed -nE 's/.*\(ID: ([0-9]+)\)/\1/p' "$LOGS/$1.out"; }

# in_open NAME: asleep in opening a FIFO (0: this kernel does not tell).
in_open() { asleep "$1" && [[ $(cat "/proc/${PID[$1]}/wchan") =~ partner|fifo_open|^0$ ]]; }

kill_it() { stop "$1" KILL; finish "$1" 137; }

needs_own() { [[ -n ${IPC_LAB_NAMESPACE:-} ]] || skip "without a namespace others' objects are here, too"; }

@test "nothing is left" {
  setup_places
  look 0
  prints "Nothing is left."
  [[ $(grep -c '^  nothing' "$LOGS/clean.out") -ge 8 ]]
  silent clean
}

@test "what kill -9 leaves of each lesson is found, and removed when told to" {
  setup_places
  run_to_end sysv-msgq-sender 0
  start producer producer
  wait_for producer "at index 3"
  kill_it producer
  start fifo fifo-reader tmp/example_fifo
  start shutdown graceful-shutdown tmp/graceful_fifo
  start logger logger-service --fifo tmp/logpipe --log log
  start server unix-echo-server tmp/my_socket
  wait_for fifo "Opening"
  wait_for shutdown "Blocked"
  wait_for logger "reading"
  wait_for server "listening"
  for program in fifo shutdown logger server; do kill_it $program; done
  umask 077
  truncate -s 4096 dev/shm/myshm
  mkdir tmp/fifo-open-modes-aB3xYz tmp/cleanup-aB3xYz
  mkfifo tmp/fifo-open-modes-aB3xYz/fifo tmp/cleanup-aB3xYz/fifo tmp/cleanup_fifo
  mv tmp/my_socket tmp/cleanup-aB3xYz/socket # the other one is made anew
  truncate -s 4096 dev/shm/cleanup-aB3xYz
  start server unix-echo-server tmp/my_socket
  wait_for server "listening"
  kill_it server

  look 1
  prints "Leftovers: 11. What removes them:"
  prints "Nothing is removed"
  [[ $(inventory | grep -c ' key ') -ge 3 && -p tmp/example_fifo && -S tmp/my_socket ]]

  clean 0
  prints "$ rm $DIR/tmp/example_fifo"
  prints "$ rm $DIR/tmp/graceful_fifo"
  prints "$ rm $DIR/tmp/logpipe"
  prints "$ rm $DIR/tmp/my_socket"
  prints "$ rm $DIR/dev/shm/myshm"
  prints "$ rmdir $DIR/tmp/fifo-open-modes-aB3xYz"
  prints "$ rm $DIR/dev/shm/cleanup-aB3xYz"
  grep -qE '^\$ ipcrm -q [0-9]+$' "$LOGS/clean.out"
  grep -qE '^\$ ipcrm -m [0-9]+$' "$LOGS/clean.out"
  grep -qE '^\$ ipcrm -s [0-9]+$' "$LOGS/clean.out"
  [[ -z $(find tmp dev/shm -mindepth 1) ]]
  diff "$LOGS/inventory.before" <(inventory)
  look 0
  prints "Nothing is left."
}

@test "the segment of sysv-shm, 1024 bytes under the key of producer-consumer's 48" {
  run_to_end sysv-shm-writer 0
  look 1
  [[ $(about "ipcs -m") == "  a leftover" ]]
  clean 0
  diff "$LOGS/inventory.before" <(inventory)
}

@test "the segments of the exercises, which have the same key" {
  local size
  for size in 8 8192; do
    "$BIN/examples/make-segment" . $size
    look 1
    [[ $(about "ipcs -m") == "  a leftover" ]]
    clean 0
  done
  # Their sizes are those of the list.
  grep -qF 'SIZE: usize = 8192;' "$ROOT/crates/exercises/fix-shm-leftover/src/lib.rs"
  grep -qF 'Segment::create(key, size_of::<AtomicU64>())' "$ROOT/crates/exercises/fix-shm-race/src/main.rs"
}

@test "what shm-database and task-queue leave, whose letters and sizes students choose" {
  setup_places
  local in_folder database
  run_to_end sysv-msgq-sender 0
  in_folder=$(awk -v id="$(id_of sysv-msgq-sender)" '$2 == id { printf "%06x", $1 % 16777216 }' /proc/sysvipc/msg)
  database=shm-database-53$in_folder
  (umask 077; truncate -s 12288 "dev/shm/$database" "dev/shm/sem.$database" dev/shm/shm-database-53abcdef)
  make_queue() { python3 -c "import ctypes; ctypes.CDLL(None).msgget(0x$1$in_folder, 0o1600)"; }
  command -v python3 > /dev/null || skip "python3 is not installed"
  make_queue 51 # Q
  look 1
  prints "Leftovers: 4. What removes them:"
  [[ $(about "ipcs -q | grep 0x51$in_folder") == "  a leftover" ]]
  clean 0
  prints "$ rm $DIR/dev/shm/$database"
  prints "$ rm $DIR/dev/shm/sem.$database"
  diff "$LOGS/inventory.before" <(inventory)
  # Of another folder.
  [[ $(ls dev/shm) == shm-database-53abcdef ]]
}

@test "a POSIX queue is seen where mqueue is mounted; elsewhere the page says how to mount it" {
  needs_own
  run_to_end posix-msgq-sender 0
  look 1
  prints "-rw------- 1"
  clean 0
  prints "$ rm $IPC_LAB_MQUEUE/myqueue"
  [[ ! -e $IPC_LAB_MQUEUE/myqueue ]]
  clean_ipc IPC_LAB_MQUEUE="$DIR"
  finish clean
  prints "not to be seen: no mqueue is mounted there. sudo mkdir -p $DIR && sudo mount -t mqueue none $DIR"
}

@test "root sees POSIX queues where nothing is mounted" {
  needs_own
  unshare --mount true 2> /dev/null || skip "unshare is refused"
  unshare --mount umount /dev/mqueue 2> /dev/null && skip "/dev/mqueue is mounted"
  run_to_end posix-msgq-sender 0
  start clean env -u IPC_LAB_MQUEUE IPC_LAB_ROOT="$DIR" "$ROOT/scripts/clean-ipc"
  finish clean 1
  prints "  unshare --mount sh -c 'mount -t mqueue none /mnt; rm /mnt/myqueue'" # the mount of before is gone
  start clean env -u IPC_LAB_MQUEUE YES=1 IPC_LAB_ROOT="$DIR" "$ROOT/scripts/clean-ipc"
  finish clean
  prints "/dev/mqueue is not mounted; for a look: unshare --mount"
  grep -qE '^\$ rm /tmp/ipc-lab-mqueue\.\w+/myqueue$' "$LOGS/clean.out"
  [[ ! -e $IPC_LAB_MQUEUE/myqueue && -z $(compgen -G '/tmp/ipc-lab-mqueue.*') ]]
}

@test "what is not a lesson's lives on, right beside what is removed" {
  setup_places
  run_to_end sysv-msgq-sender 0 # the leftover
  mkdir other
  "$BIN/examples/make-segment" . 4096
  run_to_end sysv-msgq-sender 0 other
  local queue segment set
  queue=$(ipcmk -Q -p 0600 | grep -oE '[0-9]+$')
  segment=$(ipcmk -M 1024 -p 0600 | grep -oE '[0-9]+$')
  set=$(ipcmk -S 3 -p 0600 | grep -oE '[0-9]+$')
  echo precious > precious
  echo precious > tmp/my_socket
  chmod 600 precious tmp/my_socket
  ln -s "$DIR/precious" tmp/logpipe
  ln -s "$DIR/fifo" tmp/example_fifo
  mkfifo -m 600 fifo tmp/example_fifo2 tmp/mine
  mkfifo -m 644 tmp/graceful_fifo
  (umask 077; mkdir tmp/fifo-open-modes-abc123 tmp/fifo-open-modes-abc12 tmp/fifo-open-modes-abc.23 tmp/cleanup-abc123)
  truncate -s 4096 dev/shm/cleanup-abc123
  mkfifo tmp/fifo-open-modes-abc123/fifo
  echo precious > tmp/fifo-open-modes-abc123/notes
  truncate -s 100 dev/shm/myshm
  truncate -s 4096 dev/shm/mine
  chmod 600 dev/shm/*
  contents > before
  awk 'FNR > 1 { print FILENAME, $1, $2 }' /proc/sysvipc/{msg,shm,sem} > before.sysv

  clean 0
  prints "Leftovers: 1."
  [[ $(about "ls -ld $DIR/tmp/my_socket") == "  kept: a regular file, and the lesson makes a socket" ]]
  [[ $(about "ls -ld $DIR/tmp/logpipe") == "  kept: a symbolic link, and the lesson makes a fifo" ]]
  prints "kept: its mode is 644 and not 600, so another program made it; to remove it all the same: rm $DIR/tmp/graceful_fifo"
  prints "kept: it holds more than the lesson puts there"
  prints "kept: whose it is cannot be told; to remove it if it is empty: rmdir $DIR/tmp/cleanup-abc123"
  prints "kept: its size is 100, so another program made it"
  prints "kept: its size is 4096, so shm-database or another program made it; to remove it all the same: ipcrm -m "
  cp "$LOGS/clean.out" said
  contents | diff before -
  # One line has gone: the queue of this folder.
  awk 'FNR > 1 { print FILENAME, $1, $2 }' /proc/sysvipc/{msg,shm,sem} > after.sysv
  [[ $(diff before.sysv after.sysv | grep -c '^[<>]') == 1 ]]
  diff before.sysv after.sysv | grep -q '^< /proc/sysvipc/msg'

  # The other folder has a leftover of its own.
  start clean env IPC_LAB_ROOT="$DIR/other" YES=1 "$ROOT/scripts/clean-ipc" other
  finish clean
  prints "Leftovers: 1."
  ipcrm -q "$queue" -m "$segment" -s "$set" -m "$(sed -nE 's/.*all the same: ipcrm -m //p' said)"
  find . -type p -delete
}

contents() {
  find tmp dev fifo precious other -printf '%p %i %M %s %T@ %l\n' | sort
  cat precious tmp/my_socket
}

@test "a TMPDIR with a blank in it: what stands at the first half of its name stays" {
  setup_places
  umask 077
  mkdir -p "tmp/a b/cleanup-abc123"
  mkfifo "tmp/a b/cleanup-abc123/fifo"
  echo precious > tmp/a
  start clean env "TMPDIR=/tmp/a b" "IPC_LAB_ROOT=$DIR" YES=1 "$ROOT/scripts/clean-ipc"
  finish clean
  prints "Leftovers: 1."
  [[ ! -e "tmp/a b/cleanup-abc123" && $(cat tmp/a) == precious ]]
}

@test "another user's are kept, also from root" {
  setup_places
  touch probe
  foreign probe
  chmod 755 .
  chmod 777 tmp
  cp "$BIN/sysv-msgq-sender" "$BIN/sysv-shm-writer" .
  local UNDER=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  start queue ./sysv-msgq-sender
  finish queue
  start segment ./sysv-shm-writer
  finish segment
  start theirs mkfifo -m 600 tmp/example_fifo
  finish theirs
  UNDER=()
  inventory > before
  clean 0
  prints "Nothing to remove is left; what is kept is named above."
  [[ $(grep -c "kept: it belongs to another user (uid 65534)" "$LOGS/clean.out") == 3 ]]
  inventory | diff before -
  [[ -p tmp/example_fifo ]]
  # And a user's own are all that this user is told of.
  UNDER=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  start mkfifo mkfifo -m 600 tmp/logpipe
  finish mkfifo
  [[ -r $ROOT/scripts/clean-ipc ]] || skip "the project is not to be read by others"
  if "${UNDER[@]}" test -x "$ROOT/scripts/clean-ipc"; then
    clean 0
    [[ ! -e tmp/logpipe && ! -e tmp/example_fifo ]]
    diff "$LOGS/inventory.before" <(inventory)
  else
    UNDER=()
    ipcrm -q "$(id_of queue)" -m "$(id_of segment)"
    rm tmp/example_fifo tmp/logpipe
    skip "the project is not to be read by others"
  fi
}

@test "what a living process uses is kept, and the process named" {
  setup_places
  start receiver sysv-msgq-receiver
  start producer producer
  start writer fifo-writer tmp/example_fifo < <(echo hello) # asleep in open
  start server unix-echo-server tmp/my_socket
  start logger logger-service --fifo tmp/logpipe --log log
  wait_for receiver "Receiving"
  wait_for producer "index 9"
  wait_until asleep producer
  wait_for server listening
  wait_for logger reading
  wait_for writer "Opening FIFO"
  wait_until in_open writer
  (umask 077; truncate -s 4096 dev/shm/myshm)
  start reader sleep 100 < dev/shm/myshm

  clean 0
  prints "Nothing to remove is left; what is kept is named above."
  [[ $(about "ipcs -q | grep 0x4d") == "  kept: in use by sysv-msgq-receiver (kill ${PID[receiver]})" ]]
  [[ $(about ipcs -m) == "  kept: in use by producer (kill ${PID[producer]})" ]]
  [[ $(about "ipcs -s | grep 0x45") == "  kept: in use by producer (kill ${PID[producer]})" ]]
  [[ $(about "ls -ld $DIR/tmp/example_fifo") == "  kept: in use by fifo-writer (kill ${PID[writer]})" ]]
  [[ $(about "ls -ld $DIR/tmp/my_socket") == "  kept: in use by unix-echo-server (kill ${PID[server]})" ]]
  [[ $(about "ls -ld $DIR/tmp/logpipe") == "  kept: in use by logger-service (kill ${PID[logger]})" ]]
  [[ $(about "ls -ld $DIR/dev/shm/myshm") == "  kept: in use by sleep (kill ${PID[reader]})" ]]
  # Those of this project are listed as well, and to look has woken nobody.
  for program in receiver producer writer server logger; do
    prints "still running; Ctrl-C in its terminal ends it, or: kill ${PID[$program]}"
  done
  run ! grep -F "ends it, or: kill ${PID[reader]}" "$LOGS/clean.out"
  asleep writer
  [[ $(cat "$LOGS/writer.out") == "Writer: Opening FIFO..." ]]

  for program in receiver producer writer server logger reader; do kill_it $program; done
  clean 0
  [[ -z $(find tmp dev -mindepth 1 ! -type d) ]]
  diff "$LOGS/inventory.before" <(inventory)
}

@test "other programs count too: asleep in open, or with a descriptor" {
  setup_places
  mkfifo -m 600 tmp/example_fifo tmp/logpipe tmp/graceful_fifo
  start opening bash -c 'cd tmp; read -r line < example_fifo' # its path stands in its memory alone
  wait_until in_open opening
  start holding bash -c 'exec 3<> tmp/logpipe; kill -STOP $$'
  wait_until stopped holding
  clean 0
  prints "Leftovers: 1."
  if [[ $(cat "/proc/${PID[opening]}/wchan") == *partner* ]]; then
    [[ $(about "ls -ld $DIR/tmp/example_fifo") == "  kept: in use by bash (kill ${PID[opening]})" ]]
    [[ -p tmp/example_fifo ]]
  fi
  [[ $(about "ls -ld $DIR/tmp/logpipe") == "  kept: in use by bash (kill ${PID[holding]})" ]]
  [[ -p tmp/logpipe && ! -e tmp/graceful_fifo ]]
  kill_it opening
  kill_it holding
  clean 0
}
stopped() { [[ $(cut -d' ' -f3 "/proc/${PID[$1]}/stat") == T ]]; }

@test "a queue of this folder, a receiver of another one: it is no obstacle" {
  mkdir other
  run_to_end sysv-msgq-sender 0
  local UNDER=(env -C other)
  start receiver sysv-msgq-receiver
  UNDER=()
  wait_for receiver "Receiving"
  wait_until asleep receiver
  clean 0
  prints "Leftovers: 1."
  start clean env IPC_LAB_ROOT="$DIR" "$ROOT/scripts/clean-ipc" other
  finish clean
  [[ $(about "ipcs -q | grep 0x4d") == "  kept: in use by sysv-msgq-receiver (kill ${PID[receiver]})" ]]
  stop receiver
  finish receiver 143
}

@test "a socket with a relative name: the one of this folder, not of another" {
  setup_places
  mkdir other
  local UNDER=(env -C tmp)
  start server unix-echo-server my_socket
  UNDER=(env -C other)
  start elsewhere unix-echo-server my_socket
  UNDER=()
  wait_for server listening
  wait_for elsewhere listening
  clean 0
  [[ $(about "ls -ld $DIR/tmp/my_socket") == "  kept: in use by unix-echo-server (kill ${PID[server]})" ]]
  kill_it server
  clean 0
  prints "$ rm $DIR/tmp/my_socket"
  stop elsewhere
  finish elsewhere
}

@test "a stopped program (Ctrl-Z) is told how to end" {
  setup_places
  start writer fifo-writer tmp/example_fifo
  wait_until in_open writer
  stop writer STOP
  wait_until stopped writer
  look 0
  prints "it is stopped (Ctrl-Z), so after that: kill -CONT ${PID[writer]}"
  stop writer
  stop writer CONT
  finish writer 143
}

# asked ANSWER: runs it on a terminal, and answers there. COMMAND runs before the answer.
asked() {
  command -v script > /dev/null || skip "script is not installed"
  export IPC_LAB_ROOT=$DIR
  start_typing clean script -qec "$ROOT/scripts/clean-ipc" /dev/null
  wait_for clean "Remove them? [y/N]"
  eval "${2:-:}"
  type_in clean "$1"
}

@test "on a terminal it asks; only y removes" {
  setup_places
  mkfifo -m 600 tmp/logpipe
  asked ""
  finish clean
  prints "Nothing is removed"
  end_of_input clean
  rm "$LOGS/clean.keys"
  [[ -p tmp/logpipe ]]
  asked y
  finish clean
  end_of_input clean
  [[ ! -e tmp/logpipe ]]
}

@test "what has changed since the question was asked is kept" {
  setup_places
  mkfifo -m 600 tmp/logpipe tmp/example_fifo
  run_to_end sysv-msgq-sender 0
  # A new file gets the inode of the old one if that is free, so it is not set free.
  # shellcheck disable=SC2016  # for eval
  asked y 'mv tmp/logpipe tmp/old; echo precious > tmp/logpipe
    mv tmp/example_fifo tmp/older; mkfifo -m 600 tmp/example_fifo
    ipcrm -q "$(id_of sysv-msgq-sender)"; run_to_end sysv-msgq-sender 0'
  finish clean 1
  end_of_input clean
  prints "kept: fifo $DIR/tmp/logpipe, a regular file, and the lesson makes a fifo"
  prints "kept: fifo $DIR/tmp/example_fifo, another one by now"
  prints "kept: queue M, another one by now"
  [[ $(cat tmp/logpipe) == precious && -p tmp/example_fifo ]]
  grep -q "^ *[0-9]* *$(id_of sysv-msgq-sender) " /proc/sysvipc/msg
  rm tmp/*
  clean 0
}

@test "without a terminal only YES=1 removes" {
  setup_places
  mkfifo -m 600 tmp/logpipe
  for yes in "" 0; do
    clean_ipc "YES=$yes"
    finish clean 1
    prints "Nothing is removed: YES=1 make clean-ipc does it."
    [[ -p tmp/logpipe ]]
  done
  clean 0
  [[ ! -e tmp/logpipe ]]
}

@test "make clean-ipc, with DIR" {
  mkdir -p here/tmp
  cd here
  run_to_end sysv-msgq-sender 0
  mkfifo -m 600 tmp/logpipe
  start make make -s -C "$ROOT" clean-ipc "DIR=$DIR/here" YES=1 IPC_LAB_ROOT="$DIR/here"
  finish make
  grep -qF "Leftovers: 2." "$LOGS/make.out"
  diff "$LOGS/inventory.before" <(inventory)
  start make make -s -C "$ROOT" clean-ipc DIR=/nonsense
  finish make 2
  says make "clean-ipc: ftok(/nonsense): no such folder"
}

@test "objects without a key are counted, and left" {
  needs_own
  # A program that sleeps in its first write, after it has made its set, and is killed.
  mkfifo full
  local both
  exec {both}<> full
  dd if=/dev/zero of=full bs=4096 oflag=nonblock 2> /dev/null || true
  UNREAD=$both start sem sysv-sem
  wait_until nameless
  kill_it sem
  exec {both}>&-
  rm full
  clean 0
  grep -qE '^1 of your queues and semaphore sets have no key' "$LOGS/clean.out"
  nameless
  ipcrm -s "$(awk 'FNR > 1 && $1 == 0 { print $2 }' /proc/sysvipc/sem)"
}
nameless() { [[ -n $(awk 'FNR > 1 && $1 == 0' /proc/sysvipc/sem) ]]; }

@test "bad arguments, and --help" {
  local script=$ROOT/scripts/clean-ipc
  start bad "$script" missing
  finish bad 2
  says bad "clean-ipc: ftok(missing): no such folder"
  start bad "$script" --wrong
  finish bad 2
  says bad "unknown option --wrong"
  start bad "$script" . .
  finish bad 2
  says bad "one folder at a time"
  start help "$script" --help
  finish help
  grep -qF "Exit status: 0 nothing is left, or you said no; 1 leftovers are still there; 2 it could not look." "$LOGS/help.out"
}

@test "the list of leftovers is that of the programs" {
  source "$ROOT/scripts/lessons.bash"
  source "$ROOT/scripts/leftovers.bash"
  local entry kind name makers lesson program
  for entry in "${LEFTOVERS[@]}"; do
    read -r kind name makers <<< "$entry"
    for lesson in $makers; do
      [[ -n ${PROGRAMS[${lesson%=*}]:-} || -d $ROOT/crates/exercises/${lesson%=*} ]]
      echo "${lesson%=*} $name"
    done
  done | sort -u > listed
  # What the programs say: their defaults and keys in --help, and every name in /tmp in their code.
  for lesson in "${LESSONS[@]}"; do
    for program in ${PROGRAMS[$lesson]}; do
      # A client that has its server in another lesson makes nothing.
      [[ $program != tcp-echo-client ]] || continue
      "$BIN/$program" --help 2> /dev/null < /dev/null |
        grep -oE "\[default: /[^]]*|ftok\(DIR, '.'" | sed -E -e 's/.*: //' -e "s/.*'(.)'/\1/"
    done | sed "s#^#$lesson #"
    grep -rhoE '"/tmp/[^"]+"|"[^"]*-XXXXXX"' "$ROOT/crates/examples/$lesson/src" |
      sed -E -e 's/"//g' -e 's#^([^/])#/tmp/\1#' -e "s#^#$lesson #"
  done > said
  # Exercises: the names in their code, also those with a key in them, and the key of the lesson whose library they take.
  (cd "$ROOT/crates/exercises" && grep -roE 'str = "/[a-z_/]+"|format!\("/[^"]+"' --include '*.rs' .) |
    sed -nE -e 's/\{:08x\}/KEY/' -e 's#^\./([^/]*)/src/.*"(.*)"$#\1 \2#p' >> said
  echo "shm-database /sem.shm-database-KEY" >> said # with a POSIX semaphore beside it
  grep -rqF 'ftok(dir, queue)' "$ROOT/crates/exercises/task-queue/src" && echo "task-queue KEY" >> said
  grep -rlE 'ftok\(.*PROJECT' "$ROOT"/crates/exercises/*/src | while read -r source; do
    lesson=${source#*/crates/exercises/}
    grep -oE 'sysv_(shm|msgq)::' "$source" | sed -e 's/.*shm.*/S/' -e 's/.*msgq.*/M/' -e "s#^#${lesson%%/*} #"
  done >> said
  diff listed <(sort -u said)
}
