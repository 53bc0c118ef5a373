#!/usr/bin/env bats
# crates/TROUBLESHOOTING.md: each symptom is made to happen, and each command of the page shows what
# the page says. The commands are taken from the page and typed into shells ("terminals").
# shellcheck disable=SC2016  # headings and commands of the page, which are not for this shell
load harness

PAGE=$ROOT/crates/TROUBLESHOOTING.md

# on_page HEADING: the commands of this section, $COMMANDS, and what each shows, $SHOWN.
on_page() {
  local line
  COMMANDS=() SHOWN=()
  while IFS= read -r line; do
    case $line in
      '$ '*) COMMANDS+=("${line#??}") SHOWN+=("") ;;
      *) SHOWN[-1]+=$line$'\n' ;;
    esac
  done < <(awk -v heading="### $1" '
    /^###? / { here = $0 == heading }
    /^```/ { inside = $0 == "```console"; next }
    here && inside' "$PAGE")
  ((${#COMMANDS[@]})) || { echo "the page has no section: $1"; return 1; }
  # A port that nobody uses, in place of 8080 and 8081.
  while PORT=$((20000 + RANDOM % 12000)); do
    grep -qi "$(printf ':%04X ' "$PORT")" /proc/net/{tcp,tcp6,udp,udp6} || break
  done
}

# of_program NAME: the pids of this test's processes whose name begins like that.
of_program() {
  local pid
  for pid in $(processes); do
    [[ $(cat "/proc/$pid/comm" 2> /dev/null) != "$1"* ]] || echo "$pid"
  done
}

# sleeps CALL NAME: such a process sleeps in that function of the kernel. runs, gone NAME.
sleeps() { [[ $(for pid in $(of_program "$2"); do cat "/proc/$pid/wchan"; done 2> /dev/null) == *"$1"* ]]; }
runs() { [[ -n $(of_program "$1") ]]; }
gone() { ! runs "$1"; }

# terminals NAME...: shells with this test's programs, names and port.
terminals() {
  local name
  mkdir -p target "$LOGS/bin"
  ln -s "$BIN" target/debug
  # cargo run -q [-p PACKAGE] --bin|--example NAME [--] ARG...: the program takes cargo's place.
  cat > "$LOGS/bin/cargo" << END
#!/usr/bin/env bash
shift 2
[[ \$1 != -p ]] || shift 2
program=$BIN/\$2
[[ \$1 != --example ]] || program=$BIN/examples/\$2
shift 2
[[ \${1:-} != -- ]] || shift
exec "\$program" "\$@"
END
  # pgrep -n NAME, without procps, and among this test's processes.
  cat > "$LOGS/bin/pgrep" << END
#!/usr/bin/env bash
DIR=$DIR
$(declare -f processes of_program)
of_program "\$2" | tail -n 1
END
  # make clean-ipc, for this test's folder.
  cat > "$LOGS/bin/make" << END
#!/usr/bin/env bash
exec $(command -v make) -s -C "$ROOT" "\$@" DIR="$DIR" IPC_LAB_ROOT="$DIR"
END
  chmod +x "$LOGS"/bin/*
  for name in "$@"; do
    PATH=$LOGS/bin:$PATH MERGED=1 start_typing "$name" bash
  done
}

# The command of this section in which TEXT stands, as it is typed here.
typed() {
  local i
  for i in "${!COMMANDS[@]}"; do
    [[ ${COMMANDS[i]} != *"$1"* ]] || break
  done
  [[ ${COMMANDS[i]} == *"$1"* ]] || { echo "not on the page: $1"; return 1; }
  EXPECTED=${SHOWN[i]}
  sed -e "s#/tmp/mine#$DIR/mine#g" -e "s/808[01]/$PORT/g" -e "s#sender /mine#sender /ipc-lab-$PORT#" <<< "${COMMANDS[i]}" > "$LOGS/typed"
}

# hangs TERMINAL TEXT: that command does not end, and prints what the page says before that.
hangs() {
  local line
  typed "$2" || return
  type_in "$1" "$(cat "$LOGS/typed")"
  while IFS= read -r line; do
    [[ $line == *'←'* ]] || wait_until printed "$1" "$(plain <<< "$line")" || { cat "$LOGS/$1.out"; return 1; }
  done <<< "$EXPECTED"
}
printed() { [[ $(plain < "$LOGS/$1.out") == *"$2"* ]]; }

# shows TERMINAL TEXT: that command shows what the page says. (AFTER=wait, if a job of it may still print.)
shows() {
  typed "$2" || return
  local from
  from=$(wc -l < "$LOGS/$1.out")
  ends=$((${ends:-0} + 1))
  type_in "$1" "$(cat "$LOGS/typed")"
  type_in "$1" "${AFTER:+$AFTER; }echo end of $ends"
  wait_for "$1" "end of $ends" || return
  tail -n "+$((from + 1))" "$LOGS/$1.out" | sed '/^end of [0-9]*$/d' > "$LOGS/really"
  diff -u <(plain <<< "$EXPECTED" | in_order) <(plain < "$LOGS/really" | in_order) || { echo "typed: $(cat "$LOGS/typed")"; return 1; }
}

# SORTED=1 shows ...: where the order is chance.
in_order() { if [[ -n ${SORTED:-} ]]; then sort; else cat; fi; }

# really TEXT: the last command has shown it, to the letter.
really() { grep -qF -- "$1" "$LOGS/really" || { cat "$LOGS/really"; return 1; }; }

# What differs by nature: pids, ids, inodes, addresses, users, dates, and the kernel's names.
plain() {
  sed -E -e '/←/d' -e "s#$DIR/#/tmp/#g" -e "s/ipc-lab-$PORT/mine/g" -e "s/\b($PORT|8081)\b/8080/g" \
    -e '/^bash: line .* Killed /d' -e 's/^(bash: )?.*(Segmentation fault).*/\2/' \
    -e 's/anon_(pipe_read)/\1/' -e 's/^__do/do/' \
    -e 's/^([-a-z]{10})[.+]? .* ([^ ]+ -> [^ ]+|[^ ]+)$/\1 \2/' \
    -e 's#/proc/[0-9]+#/proc/N#g' -e 's/(pipe|socket):\[[0-9]+\]/\1:[N]/' \
    -e 's/(pid=|uid=|fd=|Process )[0-9]+/\1N/g' \
    -e 's/0x[0-9a-f]*[0-9a-e][0-9a-f]*/0xN/g' -e 's/^[0-9]+ 0xN.*/call 0xN/' \
    -e 's/^0xN +[0-9]+ +[^ ]+ /0xN N you /' -e 's/^[0-9]+ +[^ ]+ +[0-9]+ +[0-9]+ *$/N you N N/' \
    -e 's/(ID: |shared memory |ipcrm -[msq] )[0-9]+/\1N/g' \
    -e 's/127\.0\.0\.1:[1-9][0-9]{4}\b/127.0.0.1:P/g' -e '/^State /d' \
    -e 's/^(read|write)\([0-9]+, /\1(N, /' -e 's/^write\(N, "y.*, [0-9]+\) = /write(N, "y", N) = /' \
    -e 's/[#.]{5,}/BAR/' -e 's/^(load, then store BAR) [0-9]+, lost [0-9]+/\1 N, lost N/' \
    -e 's/^[0-9a-f]+-[0-9a-f]+ (rw-s) .* ([^ ]+ \(deleted\))/\1 \2/' \
    -e 's/^(max .* =) [0-9]+/\1 N/' \
    -e 's/[ \t]+/ /g' -e 's/ $//' -e '/^$/d'
}

# close NAME...: the terminals are closed, and whatever still runs in them ends.
close() {
  local name
  for name in "$@"; do end_of_input "$name"; done
  wait_until none_left
  for name in "$@"; do wait "${PID[$name]}" || true; done
  rm -f mine
}
none_left() {
  local pid
  for pid in $(processes); do kill -KILL "$pid" 2> /dev/null || true; done
  [[ -z $(processes) ]]
}

needs_ss() { command -v ss > /dev/null || skip "ss is not installed"; }

# needs_strace_for NAME...: what comes after it in a test does; without strace these terminals are closed.
needs_strace_for() {
  strace -qq -e trace=none true 2> /dev/null && return
  close "$@"
  skip "strace is not installed, or not allowed here: its part is left out"
}

@test "pipes: read never returns, even though the writer has finished" {
  on_page '`read` never returns, even though the writer has finished'
  terminals one two
  hangs one '(sleep 1000'
  wait_until sleeps pipe_read cat
  shows two wchan
  SORTED=1 shows two 'readlink'
  # The process with the write end (w) is the sleep.
  local pid
  pid=$(sed -nE 's#^l-wx.*/proc/([0-9]+)/fd/.*#\1#p' "$LOGS/really")
  [[ $(cat "/proc/$pid/comm") == sleep ]]
  # It ends once that has gone.
  kill "$pid"
  type_in one 'echo cat has ended'
  wait_for one 'cat has ended'
  close one two
}

@test "pipes: broken pipe (SIGPIPE)" {
  on_page 'Broken pipe (SIGPIPE)'
  terminals one
  shows one 'PIPESTATUS'
  shows one 'kill -l 141'
  # head closes the FIFO before it prints what it has read.
  SORTED=1 AFTER=wait shows one 'fifo-writer'
  # What the page says of SigIgn.
  start writer fifo-writer mine
  wait_for writer "Opening"
  (((0x$(awk '/^SigIgn/ { print $2 }' "/proc/${PID[writer]}/status") & 0x1000) != 0))
  stop writer
  finish writer 143
  needs_strace_for one
  shows one 'strace'
  close one
}

@test "FIFOs: open blocks for ever" {
  on_page '`open` blocks for ever'
  terminals one two
  hangs one 'fifo-writer'
  wait_until sleeps wait_for_partner fifo-writer
  shows two wchan
  # No descriptor yet, and it is the lack of a reader: one lets it go.
  [[ -z $(find "/proc/$(of_program fifo-writer)/fd" -lname '*/mine') ]]
  needs_strace_for one two
  hangs two 'strace'
  start reader cat mine
  wait_for one 'Writer: FIFO opened'
  end_of_input one
  finish reader
  close two
}

@test "FIFOs: File exists" {
  on_page '"File exists"'
  terminals one
  shows one 'mkfifo'
  shows one 'ls -l'
  really 'prw'
  shows one 'touch'
  shows one 'fifo-writer'
  [[ -f mine ]]
  close one
}

@test "shared memory: segmentation fault" {
  on_page 'Segmentation fault in shared memory'
  terminals one
  shows one 'cargo run -q -p sysv-shm'
  shows one 'kill -l 139'
  shows one 'sysv-shm-reader'
  needs_strace_for one
  shows one 'strace'
  really 'shmat(-1, NULL, 0)'
  really 'si_addr=0xffffffffffffffff'
  close one
}

@test "shared memory: race conditions" {
  on_page 'Race conditions'
  terminals one two
  shows one 'shm-race'
  run ! grep -E '^load, then store .* lost 0$' "$LOGS/really"
  # The same again, with time to look at the memory of one of its processes.
  start race shm-race --rounds 100000000
  wait_for race "4 processes"
  shows two 'rw-s'
  stop race
  finish race 143
  close one two
}

@test "shared memory: it persists after a crash" {
  on_page 'Shared memory persists after a crash'
  terminals one two
  hangs one 'producer'
  [[ $EXPECTED == *'kill -9 $(pgrep -n producer)'* ]]
  # shellcheck disable=SC2016  # for that terminal
  type_in two 'kill -9 $(pgrep -n producer)'
  type_in one 'echo the producer is gone'
  wait_for one 'the producer is gone'
  shows one 'sysv-shm-writer'
  if [[ -n ${IPC_LAB_NAMESPACE:-} ]]; then # elsewhere ipcs shows others' objects, too
    shows one 'ipcs -m'
    shows one 'ipcs -m -p'
    [[ ! -e /proc/$(awk '$1 ~ /^[0-9]+$/ { print $3 }' "$LOGS/really") ]]
  fi
  type_in one 'YES=1 make clean-ipc; echo that was it'
  wait_for one 'that was it'
  diff "$LOGS/inventory.before" <(inventory)
  close one two
}

@test "sockets: address already in use" {
  on_page '"Address already in use"'
  needs_ss
  terminals one
  hangs one 'tcp-echo-server 127.0.0.1:8080 &'
  COMMANDS[0]=
  shows one 'tcp-echo-server 127.0.0.1:8080'
  shows one 'ss -ltnp'
  hangs one '/dev/tcp'
  shows one 'kill $!'
  shows one 'ss -tan'
  # With the option nothing is in the way.
  start server tcp-echo-server "127.0.0.1:$PORT"
  wait_for server "Server listening"
  stop server
  finish server
  needs_strace_for one
  shows one 'inject=setsockopt'
  close one
}

@test "sockets: the client cannot connect" {
  on_page 'The client cannot connect'
  needs_ss
  terminals one
  shows one 'tcp-echo-client'
  shows one 'ss -ltn'
  hangs one 'tcp-echo-server'
  shows one 'kill -STOP'
  hangs one 'for i in'
  wait_until syn_sent
  shows one 'SYN-SENT'
  shows one 'kill -KILL'
  close one
}
syn_sent() { [[ -n $(ss -tan state syn-sent "dport = :$PORT" | tail -n +2) ]]; }

@test "sockets: data corruption or incomplete messages" {
  on_page 'Data corruption or incomplete messages'
  terminals one
  shows one 'framing'
  needs_strace_for one
  shows one 'strace'
  close one
}

@test "message queues: messages are not received" {
  on_page 'Messages are not received'
  terminals one two
  hangs one 'sysv-msgq-receiver'
  wait_until sleeps do_msgrcv sysv-msgq
  shows two 'send-type'
  [[ -z ${IPC_LAB_NAMESPACE:-} ]] || shows two 'ipcs -q'
  shows two 'wchan'
  shows two '/syscall'
  [[ $(cut -d' ' -f 4,5 "$LOGS/really") == "0x64 0x3" ]]
  # It was the type: what it waits for lets it go.
  "$BIN/sysv-msgq-sender"
  wait_for one 'Message queue removed'
  close one two
}

@test "message queues: the queue fills up" {
  on_page 'The queue fills up'
  (($(cat /proc/sys/kernel/msgmnb) == 16384)) || skip "a queue holds another number of bytes here"
  terminals one two
  hangs one 'sysv-msgq-sender'
  wait_until sleeps do_msgsnd sysv-msgq
  shows two 'wchan'
  if [[ -n ${IPC_LAB_NAMESPACE:-} ]]; then
    shows two 'ipcs -q'
  fi
  shows two 'ipcs -q -l'
  really "max size of queue (bytes) = 16384"
  "$BIN/sysv-msgq-receiver" # there is room again, and then there is not
  wait_until gone sysv-msgq-sende
  if (($(cat /proc/sys/fs/mqueue/msg_max) == 10)); then
    shows two 'msg_max'
    shows two '{1..10}'
    shows two 'posix-msgq-sender /mine --timeout 1'
    "$BIN/posix-msgq-receiver" "/ipc-lab-$PORT" --count 10 > /dev/null
  fi
  close one two
}
@test "the page: every problem has its section, its lessons exist, and its table names them all" {
  source "$ROOT/scripts/lessons.bash"
  local lesson
  [[ $(grep -c '^### ' "$PAGE") == 12 ]]
  # As many tests as sections, and this one.
  [[ $(grep -c "^  on_page '" "$BATS_TEST_FILENAME") == 12 ]]
  # The table links to each section, by its heading.
  grep '^### ' "$PAGE" | sed 's/^### //' | tr '[:upper:] ' '[:lower:]-' | tr -cd 'a-z0-9\n-' | sort > headings
  grep -oE '\]\(#[^)]*\)' "$PAGE" | tr -d '](#)' | sort > links
  diff headings links
  # Each section ends with a lesson.
  [[ $(grep -cE '^Lessons? \[' "$PAGE") == 12 ]]
  for lesson in $(grep -oE '\(examples/[^)]*\)' "$PAGE" | tr -d '()' | sort -u); do
    echo "$lesson"
    [[ -f $ROOT/crates/$lesson/README.md ]]
  done
}
