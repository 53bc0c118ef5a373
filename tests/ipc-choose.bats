#!/usr/bin/env bats
# The tool that helps to choose; and the proof, on this kernel, of each cell of its feature
# comparison and of each footnote.
load harness

export LC_ALL=C # the messages that are looked for

choose() { timeout "$DEADLINE" "$BIN/ipc-choose" "$@"; }

# ---- The decision tree ----------------------------------------------------------------------

FLAGS=(network fastest message-boundaries related bidirectional)

# Every way through the tree: the answers, where it ends, and the lesson.
PATHS=(
  "yes|Network Sockets (TCP/UDP)|tcp-echo"
  "no yes|Shared Memory + Semaphores|producer-consumer"
  "no no yes|Message Queues|sysv-msgq"
  "no no no yes|Pipes|pipe"
  "no no no no yes|Unix Domain Sockets|unix-echo"
  "no no no no no|Named Pipes (FIFOs)|fifo"
)

# answers ANSWER...: the options that give these answers, in the tree's order.
answers() {
  local i=0 answer
  for answer in "$@"; do
    echo "--${FLAGS[i++]} $answer"
  done
}

# choose_by ANSWER...: by options.
# shellcheck disable=SC2046  # words on purpose
choose_by() { run_to_end ipc-choose 0 $(answers "$@"); }

# take NAME: what it says to take.
take() { tr -d '\r' < "$LOGS/$1.out" | sed -n 's/.*Use \(.*\)\.$/\1/p'; }

@test "by options: every way through the tree, its end, and why" {
  for path in "${PATHS[@]}"; do
    IFS='|' read -r given end lesson <<< "$path"
    # shellcheck disable=SC2086  # words on purpose
    choose_by $given
    silent ipc-choose
    [[ $(take ipc-choose) == "$end" ]]
    grep -qF "make run-$lesson " "$LOGS/ipc-choose.out"
    # Why: each question on the way, with its answer.
    [[ $(grep -oE '\? +(yes|no)$' "$LOGS/ipc-choose.out" | tr -d '? ' | xargs) == "$given" ]]
    cat "$LOGS/ipc-choose.out" >> all
  done
  diff -u "$ROOT/tests/expected/ipc-choose.txt" all
}

@test "all 32 answers end where the tutorial's tree does" {
  for network in yes no; do for fastest in yes no; do for boundaries in yes no; do
    for related in yes no; do for bidirectional in yes no; do
      if [[ $network == yes ]]; then end="Network Sockets (TCP/UDP)"
      elif [[ $fastest == yes ]]; then end="Shared Memory + Semaphores"
      elif [[ $boundaries == yes ]]; then end="Message Queues"
      elif [[ $related == yes ]]; then end="Pipes"
      elif [[ $bidirectional == yes ]]; then end="Unix Domain Sockets"
      else end="Named Pipes (FIFOs)"; fi
      choose --network $network --fastest $fastest --message-boundaries $boundaries \
        --related $related --bidirectional $bidirectional > "$LOGS/all.out"
      [[ $(take all) == "$end" ]]
    done; done
  done; done; done
}

@test "a wish that the tree does not ask for on the way gets a hint" {
  run_to_end ipc-choose 0 --network no --fastest no --message-boundaries no --related yes --bidirectional yes
  grep -qF "take two pipes, one for each direction (make demo-pipe-bidirectional)" "$LOGS/ipc-choose.out"
  run_to_end ipc-choose 0 --network no --fastest no --message-boundaries no --related yes --bidirectional no
  run ! grep -F "two pipes" "$LOGS/ipc-choose.out"
  run_to_end ipc-choose 0 --network y --message-boundaries Y --fastest n
  grep -qF "make demo-udp-echo" "$LOGS/ipc-choose.out"
  run ! grep -F -- "--fastest" "$LOGS/ipc-choose.out"
}

@test "without a terminal an answer that is missing is one error that names its option" {
  given=()
  for flag in "${FLAGS[@]}"; do
    # shellcheck disable=SC2046  # words on purpose
    run_to_end ipc-choose 2 $(answers "${given[@]}") < <(yes)
    [[ $(grep -c '^error: ' "$LOGS/ipc-choose.err") == 1 ]]
    says ipc-choose "Without a terminal to ask in, give --$flag yes or --$flag no"
    [[ ! -s $LOGS/ipc-choose.out ]]
    given+=(no)
  done
  start ipc-choose ipc-choose <&-
  finish ipc-choose 2
}

# ---- The same in a terminal, that of script(1)

# seat NAME [ARG...]: ipc-choose in a terminal that `type_in` types into.
seat() {
  command -v script > /dev/null || skip "script (util-linux) is not installed: no terminal"
  start_typing "$1" script -qec "'$BIN/ipc-choose' ${*:2}" /dev/null
}
# press NAME KEY: a key that ends no line, such as $'\cC'.
press() { printf '%s' "$2" >&"${KEYBOARD[$1]}"; }
# asked NAME N: it has asked N times.
asked() { (($(grep -o '\[y/n\] ' "$LOGS/$1.out" | wc -l) == $2)); }
# leave NAME STATUS: it ends; then the keyboard goes.
leave() {
  finish "$1" "$2"
  end_of_input "$1"
  rm "$LOGS/$1.keys"
}

@test "in a terminal: every way through the tree, and no question more than it needs" {
  for path in "${PATHS[@]}"; do
    IFS='|' read -r given end lesson <<< "$path"
    count=0
    seat seat
    for answer in $given; do
      wait_until asked seat $((++count))
      type_in seat "$answer"
    done
    leave seat 0
    asked seat $count
    [[ $(take seat) == "$end" ]]
  done
}

@test "in a terminal: what is no answer is asked again; options are not asked for" {
  seat seat --related yes --fastest no
  n=0
  for typed in "" maybe "yes please" $'\xff' NO "  n  "; do
    wait_until asked seat $((++n))
    type_in seat "$typed"
  done
  leave seat 0
  [[ $(grep -c "Answer yes or no (y or n)." "$LOGS/seat.out") == 4 ]]
  [[ $(grep -c "^Need network communication? (" "$LOGS/seat.out") == 5 ]]
  run ! grep -F "Related processes? (" "$LOGS/seat.out"
  [[ $(take seat) == Pipes ]]
}

@test "in a terminal: Ctrl-D ends it with a word, Ctrl-C at once" {
  seat seat --network no
  wait_until asked seat 1
  press seat $'\cD'
  leave seat 1
  grep -F "Error: no answer to \"Need highest performance?\": end of input." "$LOGS/seat.out"
  grep -F -- "--fastest yes or --fastest no" "$LOGS/seat.out"
  seat seat
  wait_until asked seat 1
  press seat $'\cC'
  leave seat 130
  run ! grep Use "$LOGS/seat.out"
}

@test "README: the transcript is what happens, in a terminal" {
  transcript ipc-choose ipc-choose
  n=0
  seat seat
  while read -r answer; do
    wait_until asked seat $((++n))
    type_in seat "$answer"
  done < <(sed -n 's/.*\[y\/n\] //p' "$LOGS/ipc-choose.shown")
  leave seat 0
  tr -d '\r' < "$LOGS/seat.out" | diff -u "$LOGS/ipc-choose.shown" -
}

@test "tables are as wide as the terminal: no line is longer, no word is broken from 80 columns on" {
  command -v script > /dev/null || skip "script (util-linux) is not installed: no terminal"
  for page in --table --compare pipe; do
    for width in 40 80 100 200; do
      start seat script -qec "stty rows 30 cols $width && '$BIN/ipc-choose' $page" /dev/null
      finish seat
      (($(tr -d '\r' < "$LOGS/seat.out" | LC_ALL=C.UTF-8 wc -L) <= width))
      if ((width >= 80)); then
        # All words that are there without a terminal.
        tr -cs 'A-Za-z()' '\n' < "$LOGS/seat.out" | sort -u > words
        choose $page | tr -cs 'A-Za-z()' '\n' | sort -u | diff - words
      fi
    done
  done
}

# ---- The tables and lists

@test "--tree, --table and --compare are what the README shows" {
  # in_readme HEADING: the text below it, without the marks of code.
  in_readme() {
    awk -v heading="## $1" '/^## / { here = $0 == heading; next } here && !/^```/' "$ROOT/crates/tools/ipc-choose/README.md"
  }
  for page in tree table compare; do
    choose --$page > "$page"
    [[ -s $page ]]
    # Its lines, one after the other, somewhere in that section.
    heading=$(sed -n "s/^## \(.*--$page.*\)/\1/p" "$ROOT/crates/tools/ipc-choose/README.md")
    in_readme "$heading" > section
    [[ $(< section) == *"$(< "$page")"* ]] || diff "$page" section
  done
}

@test "each mechanism by its name, its other names and its lessons" {
  source "$ROOT/scripts/lessons.bash"
  shows() { # TITLE NAME...
    for name in "${@:2}"; do
      # shellcheck disable=SC2086  # words on purpose
      [[ $(choose $name | head -n 1) == "$1" ]] || { echo "$name is not $1"; return 1; }
    done
  }
  shows "Pipes" pipe pipes Pipes anonymous-pipe sigpipe pipeline pipe-bidirectional
  shows "Named Pipes (FIFOs)" fifo FIFOs "named pipe" named_pipes logger
  shows "Message Queues" message-queue "message queues" queue msgq mq sysv-msgq-types posix-msgq
  shows "Shared Memory" shared-memory "Shared Memory" shm producer-consumer sysv-sem
  shows "Unix Domain Sockets" unix-socket "unix domain sockets" unix-echo
  shows "Network Sockets" network-socket tcp udp threaded-server
  # What is both is both.
  for both in socket sockets framing; do
    [[ $(choose $both | grep -cE '^(Unix Domain|Network) Sockets$') == 2 ]]
  done
  # All lessons that it names are there.
  for name in pipe fifo message-queue shared-memory socket; do
    choose $name | sed -n 's/^  make run-\([^ ]*\) .*/\1/p'
  done > named
  [[ $(wc -l < named) -ge 20 ]]
  while read -r lesson; do
    echo "$lesson"
    known "$lesson"
    [[ -f $ROOT/crates/examples/$lesson/README.md ]]
  done < named
}

@test "a mechanism that there is not: the names that there are" {
  run_to_end ipc-choose 2 telepathy
  says ipc-choose "there is no mechanism 'telepathy': there are pipe, fifo, message-queue, shared-memory, unix-socket, network-socket"
  [[ ! -s $LOGS/ipc-choose.out ]]
}

@test "bad arguments, and --help" {
  run_to_end ipc-choose 2 --network maybe
  says ipc-choose "invalid value 'maybe' for '--network <yes|no>': Answer yes or no"
  run_to_end ipc-choose 2 --network
  run_to_end ipc-choose 2 --wrong
  run_to_end ipc-choose 2 --table --tree
  run_to_end ipc-choose 2 --network yes pipe
  says ipc-choose "cannot be used with"
  run_to_end ipc-choose 0 --help
  for flag in "${FLAGS[@]}"; do grep -qF -- "--$flag <yes|no>" "$LOGS/ipc-choose.out"; done
  run ! grep -E '^.{81}' "$LOGS/ipc-choose.out"
}

@test "output that nobody reads, and a full disk" {
  for page in --table --compare --tree pipe "--network yes"; do
    # shellcheck disable=SC2086  # words on purpose
    start_unread ipc-choose ipc-choose $page
    finish ipc-choose 141
    silent ipc-choose
  done
  FULL=1 start ipc-choose ipc-choose --table
  finish ipc-choose 1
  one_error ipc-choose "write to standard output: No space left on device"
}

# ---- The feature comparison -----------------------------------------------------------------
#
# A proof lets the kernel decide, and compares what happened with the cell that is printed:
#
#   proves ROW COLUMN RESULT
#   footnote ROW COLUMN TEXT    the cell's footnote says so, and it is proved beside it

cell() {
  choose --table | awk -F ' *[|] *' -v row="$1" -v column="$2" '
    NR == 1 { for (i = 1; i <= NF; i++) if ($i == column) at = i }
    $2 == row { print $at }'
}

proves() {
  local says
  says=$(cell "$1" "$2")
  [[ ${says% \[*} == "$3" ]] && return
  echo "$1, $2: the table says '$says', this kernel says '$3'"
  return 1
}

footnote() {
  local number
  number=$(cell "$1" "$2" | grep -o '\[[0-9]*\]') || { echo "$1, $2: no footnote"; return 1; }
  choose --table | grep -F "  $number " | grep -F -- "$3"
}

# prove WHAT...: what no lesson's program shows by itself, made of the lessons' libraries.
prove() { timeout "$DEADLINE" "$BIN/examples/prove" "$@"; }

# seen COMMAND...: yes or no.
seen() { if "$@" > /dev/null; then echo yes; else echo no; fi; }

# prints NAME TEXT: it has printed this line.
prints() { grep -qxF -- "$2" "$LOGS/$1.out"; }

# echoes LESSON ADDRESS: a line goes to the server and comes back over the same socket.
echoes() {
  local address=$2
  start server "$1-server" "$address"
  wait_for server listening
  [[ $address != *:0 ]] || address=${address%:0}:$(port_of server)
  start client "$1-client" "$address" < <(echo question)
  finish client
  stop server 2> /dev/null || true # it ends with its client, but for that of UDP
  finish server
  grep -qE '^(Server )?[Ee]cho: question$' "$LOGS/client.out"
}

@test "Bidirectional, Pipes: each end does one thing" {
  result=yes
  true | (echo back >&0) 2> read-end || result=no
  (read -r <&1) 2> write-end | cat || true
  grep "Bad file descriptor" write-end
  proves "Bidirectional" "Pipes" $result
  grep "Bad file descriptor" read-end
  footnote "Bidirectional" "Pipes" "write(2) into the read end fails with EBADF"
  # What it takes: two pipes.
  run_to_end pipe-bidirectional 0
  prints pipe-bidirectional "Parent received: Got it!"
}

@test "Bidirectional, FIFOs: one stream, also for who opens it for both" {
  mkfifo fifo
  exec {both}<> fifo
  exec {read_end}< fifo
  # shellcheck disable=SC2016  # the inner shell's argument
  result=$(seen bash -c 'echo back >&"$1"' bash "$read_end" 2> refused)
  grep "Bad file descriptor" refused
  proves "Bidirectional" "FIFOs" "$result"
  # Who writes a question and waits for the answer gets the question.
  echo question >&"$both"
  read -r -t "$DEADLINE" received <&"$both"
  [[ $received == question ]]
  footnote "Bidirectional" "FIFOs" "a process may read what it has written itself"
  exec {both}>&- {read_end}<&-
  rm fifo
}

@test "Bidirectional, Msg Queues: a type for each direction" {
  proves "Bidirectional" "Msg Queues" "$(seen test "$(prove both-ways sysv)" = "question answered")"
  [[ $(prove both-ways posix "/choose-$$") == question ]]
  footnote "Bidirectional" "Msg Queues" "a process may receive what it has sent itself"
}

@test "Bidirectional, Shared Mem: both write, both read" {
  proves "Bidirectional" "Shared Mem" "$(seen test "$(prove both-ways memory .)" = "question answered")"
}

@test "Bidirectional, Sockets: the line comes back over the same socket" {
  proves "Bidirectional" "Sockets" "$(seen echoes unix-echo socket)"
  proves "Bidirectional" "Sockets" "$(seen echoes tcp-echo 127.0.0.1:0)"
  proves "Bidirectional" "Sockets" "$(seen echoes udp-echo 127.0.0.1:0)"
}

# start_owner: a process that is the only one to have a certain pipe, $pipe, with data in it.
start_owner() {
  start owner sleep 1000 < <(echo data)
  pipe=$(readlink "/proc/${PID[owner]}/fd/0")
  wait_until only_owner # the writer has ended
}
only_owner() { [[ $(descriptors "$pipe" | cut -d/ -f3 | sort -u) == "${PID[owner]}" ]]; }
# descriptors PIPE: all that /proc knows of.
descriptors() { find /proc/[0-9]*/fd -lname "${1//[/\\[}" 2> /dev/null; }
export -f descriptors

# has NAME PIPE: one of its descriptors is that pipe, or a file name leads there.
has() { descriptors "$2" | grep "^/proc/${PID[$1]}/" || [[ -e $2 ]]; }

@test "Unrelated Processes, Pipes: they are inherited, and have no name" {
  run_to_end pipe 0
  prints pipe "Child received: Hello from parent!"
  start_owner
  start stranger sleep 1000
  [[ $pipe == "pipe:["* ]]
  has owner "$pipe"
  proves "Unrelated Processes" "Pipes" "$(seen has stranger "$pipe")"
  # A way in all the same, if /proc is there and the user is the same.
  [[ $(timeout "$DEADLINE" cat "/proc/${PID[owner]}/fd/0") == data ]]
  footnote "Unrelated Processes" "Pipes" "open the other's /proc/PID/fd/N"
  stop owner
  stop stranger
  finish owner 143
  finish stranger 143
  # And another: a descriptor as a message.
  start giver "$BIN/examples/prove" hand-over socket
  wait_for giver listening
  [[ $(prove take-over socket) == "through the pipe" ]]
  finish giver
  footnote "Unrelated Processes" "Pipes" "hand a descriptor over: SCM_RIGHTS"
}

@test "Unrelated Processes, FIFOs: they meet at a path" {
  start writer fifo-writer fifo < <(echo hello)
  start reader fifo-reader fifo
  finish writer
  finish reader
  proves "Unrelated Processes" "FIFOs" "$(seen prints reader "Received: hello")"
}

@test "Unrelated Processes, Msg Queues: they meet at a key, and at a name" {
  run_to_end sysv-msgq-sender 0
  run_to_end sysv-msgq-receiver 0
  proves "Unrelated Processes" "Msg Queues" "$(seen prints sysv-msgq-receiver "Priority 3: High priority message")"
  run_to_end posix-msgq-sender 0 "/choose-$$"
  run_to_end posix-msgq-receiver 0 "/choose-$$"
  proves "Unrelated Processes" "Msg Queues" "$(seen same_output posix-msgq-receiver)"
}

@test "Unrelated Processes, Shared Mem: they meet at a key, and at a name" {
  run_to_end sysv-shm-writer 0
  run_to_end sysv-shm-reader 0
  proves "Unrelated Processes" "Shared Mem" "$(seen same_output sysv-shm-reader)"
  run_to_end posix-shm-writer 0 "/choose-$$"
  run_to_end posix-shm-reader 0 "/choose-$$"
  proves "Unrelated Processes" "Shared Mem" "$(seen same_output posix-shm-reader)"
}

@test "Unrelated Processes, Sockets: they meet at a path, and at an address" {
  proves "Unrelated Processes" "Sockets" "$(seen echoes unix-echo socket)"
  proves "Unrelated Processes" "Sockets" "$(seen echoes tcp-echo 127.0.0.1:0)"
}

# ---- Network: another machine, as far as IPC can tell. Its network, its IPC objects and its
# working folder are its own, and all that leads there is a cable.

machine() {
  unshare --net --ipc --mount true 2> /dev/null || skip "no namespaces here: no second machine"
  # shellcheck disable=SC2016  # the inner shell's argument
  start "$1" unshare --net --ipc --mount sh -c \
    'mount -t tmpfs none "$1" && echo up && exec sleep 1000' sh "$DIR"
  wait_for "$1" up
}

# on MACHINE COMMAND...: for a short while; start_on MACHINE NAME PROGRAM [ARG...]: as `start`.
# shellcheck disable=SC2016  # the inner shell's arguments
entering() { UNDER=(nsenter --target "${PID[$1]}" --net --ipc --mount sh -c 'cd "$0" && exec "$@"' "$DIR"); }
on() { local UNDER=() && entering "$1" && timeout "$DEADLINE" "${UNDER[@]}" "${@:2}"; }
start_on() {
  local UNDER=() program=$3
  entering "$1"
  start "$2" "$program" "${@:4}"
}

off() {
  local name
  for name in "$@"; do
    stop "$name"
    finish "$name" 143
  done
}

@test "Network Capable, Pipes: nothing to inherit from another machine, nothing in its /proc" {
  unshare --pid --fork --mount-proc true 2> /dev/null || skip "no namespaces here: no second machine"
  start_owner
  there=$(unshare --pid --fork --mount-proc bash -c "descriptors $pipe")
  proves "Network Capable" "Pipes" "$(seen test -n "$there")"
  off owner
}

@test "Network Capable, FIFOs: the same name on two machines is two FIFOs" {
  machine here
  machine there
  start_on there far fifo-reader fifo
  wait_for far "Opening FIFO"
  start_on here writer fifo-writer fifo < <(echo hello)
  wait_for writer "Opening FIFO"
  wait_until asleep writer
  wait_until asleep far
  # They wait at the same path, but not for each other; a reader on the same machine will do.
  start_on here near fifo-reader fifo
  finish writer
  finish near
  prints near "Received: hello"
  proves "Network Capable" "FIFOs" "$(seen grep "FIFO opened" "$LOGS/far.out")"
  footnote "Network Capable" "FIFOs" "they share the name, and each kernel keeps the data to itself"
  off far here there
}

# The folder that makes the key is one that both machines see, as over a network file system.
@test "Network Capable, Msg Queues: the same key on two machines is two queues" {
  machine here
  machine there
  mkdir "$LOGS/shared"
  for place in here here there; do
    start_on $place sender-$place sysv-msgq-sender "$LOGS/shared"
    finish sender-$place
  done
  # The second sender here finds the messages of the first.
  says sender-here "holds 3 messages already"
  proves "Network Capable" "Msg Queues" "$(seen says sender-there "holds")"
  off here there
}

@test "Network Capable, Shared Mem: the same key on two machines is two segments" {
  machine here
  machine there
  mkdir "$LOGS/shared"
  start_on here writer sysv-shm-writer "$LOGS/shared"
  finish writer
  exists_on() { ! on "$1" "$BIN/examples/make-segment" "$LOGS/shared" 1024; }
  exists_on here
  proves "Network Capable" "Shared Mem" "$(seen exists_on there)"
  off here there
}

@test "Network Capable, Sockets: through the cable between two machines" {
  command -v ip > /dev/null || skip "ip (iproute2) is not installed: no cable"
  machine here
  machine there
  on here ip link add cable type veth peer name cable netns "${PID[there]}"
  on here ip address add 192.0.2.1/24 dev cable
  on there ip address add 192.0.2.2/24 dev cable
  on here ip link set cable up
  on there ip link set cable up
  for lesson in tcp-echo udp-echo; do
    start_on here server $lesson-server 192.0.2.1:0
    port=$(port_of server)
    start_on there client $lesson-client "192.0.2.1:$port" < <(echo question)
    finish client
    stop server 2> /dev/null || true
    finish server
    proves "Network Capable" "Sockets" "$(seen prints client "Echo: question")"
  done
  # A Unix socket is there for its own machine alone.
  start_on here server unix-echo-server socket
  wait_for server listening
  start_on there far unix-echo-client socket
  finish far 1
  one_error far "there is no such socket"
  start_on here near unix-echo-client socket < <(echo question)
  finish near
  finish server
  prints near "Server echo: question"
  footnote "Network Capable" "Sockets" "A Unix socket (AF_UNIX) never leaves its machine"
  off here there
}

# ---- Message boundaries: "Hello" and "World" are sent, then comes one receive.

# kept TEXT: whether the boundary between them was.
kept() {
  case $1 in
    Hello) echo yes ;;
    HelloWorld) echo no ;;
    *) echo "$1?" ;;
  esac
}

@test "Message Boundaries, Pipes: two writes, one read" {
  run_to_end pipe-behavior 0
  received=$(sed -nE 's/^4\. Two writes, "Hello" and "World", and one read: "(.*)"$/\1/p' "$LOGS/pipe-behavior.out")
  proves "Message Boundaries" "Pipes" "$(kept "$received")"
  [[ $(kept "$(prove boundaries packet-pipe)") == yes ]]
  footnote "Message Boundaries" "Pipes" "a packet mode, O_DIRECT"
}

@test "Message Boundaries, FIFOs: two writes, one read" {
  mkfifo fifo
  exec {both}<> fifo
  printf Hello >&"$both"
  printf World >&"$both"
  received=$(timeout "$DEADLINE" dd bs=10 count=1 status=none <&"$both")
  proves "Message Boundaries" "FIFOs" "$(kept "$received")"
  exec {both}>&-
  rm fifo
  [[ $(kept "$(prove boundaries packet-fifo)") == yes ]]
  footnote "Message Boundaries" "FIFOs" "a packet mode, O_DIRECT"
}

@test "Message Boundaries, Msg Queues: each message arrives by itself" {
  run_to_end posix-msgq-sender 0 "/choose-$$" -m 0:Hello -m 0:World
  run_to_end posix-msgq-receiver 0 "/choose-$$"
  received=$(sed -n 's/^Received (priority 0): //p' "$LOGS/posix-msgq-receiver.out")
  proves "Message Boundaries" "Msg Queues" "$(kept "$received")"
  run_to_end sysv-msgq-sender 0
  run_to_end sysv-msgq-receiver 0
  proves "Message Boundaries" "Msg Queues" "$(seen same_output sysv-msgq-receiver)"
}

@test "Message Boundaries, Shared Mem: bytes, unless the programs agree on more" {
  [[ $(kept "$(prove boundaries memory .)") == no ]]
  # They do: the ring's items come out as they went in.
  start producer producer --items 30 --delay-ms 0
  wait_for producer "Produced item 1 "
  start consumer consumer --items 30 --delay-ms 0
  finish producer
  finish consumer
  seq 30 | diff - <(sed -n 's/^Producer: Produced item \(.*\) at .*/\1/p' "$LOGS/producer.out")
  seq 30 | diff - <(sed -n 's/^Consumer: Consumed item \(.*\) from .*/\1/p' "$LOGS/consumer.out")
  proves "Message Boundaries" "Shared Mem" Manual
}

@test "Message Boundaries, Sockets: it depends on their type" {
  for stream in stream tcp; do
    for datagram in datagram udp; do
      result="$(kept "$(prove boundaries $stream)"), $(kept "$(prove boundaries $datagram)")"
      [[ $result == "no, yes" ]] || echo "$stream, $datagram: $result"
      proves "Message Boundaries" "Sockets" "$([[ $result == "no, yes" ]] && echo Stream/Datagram)"
    done
  done
  footnote "Message Boundaries" "Sockets" "SOCK_STREAM (TCP): no. SOCK_DGRAM (UDP): yes."
  [[ $(kept "$(prove boundaries seqpacket)") == yes ]]
  footnote "Message Boundaries" "Sockets" "SOCK_SEQPACKET"
}

# ---- Synchronization

# sleeps_in NAME CALL: its main thread is in that system call.
sleeps_in() {
  local numbers number
  case $(uname -m).$2 in
    x86_64.read) numbers=0 ;;
    x86_64.recvfrom) numbers=45 ;;
    x86_64.msgrcv) numbers=70 ;;
    x86_64.mq_timedreceive) numbers=243 ;;
    x86_64.nanosleep) numbers="35 230" ;; # or clock_nanosleep
    aarch64.read) numbers=63 ;;
    aarch64.recvfrom) numbers=207 ;;
    aarch64.msgrcv) numbers=188 ;;
    aarch64.mq_timedreceive) numbers=183 ;;
    aarch64.nanosleep) numbers="101 115" ;;
    *) skip "the number of $2 on $(uname -m) is not known here" ;;
  esac
  # By this shell itself: where ptrace is restricted, its parent is who may look at a process.
  { read -r number _ < "/proc/${PID[$1]}/syscall"; } 2> /dev/null
  [[ -n $number && " $numbers " == *" $number "* ]]
}

@test "Synchronization, Pipes: the reader of an empty pipe sleeps until data comes" {
  run_to_end pipe-behavior 0
  # The lesson looks at the child's state in /proc, and writes only when it sleeps.
  head -n 2 "$LOGS/pipe-behavior.out" | diff - <(
    echo '1. Empty pipe: the child sleeps in read'
    echo "   \"data\" arrives: the child's read returns it"
  )
  proves "Synchronization" "Pipes" Built-in
}

@test "Synchronization, FIFOs: the reader sleeps in read until data comes" {
  start reader fifo-reader fifo
  start_typing writer fifo-writer fifo
  wait_for reader "FIFO opened"
  wait_until sleeps_in reader read
  type_in writer hello
  wait_for reader "Received: hello"
  proves "Synchronization" "FIFOs" Built-in
  end_of_input writer
  finish writer
  finish reader
}

@test "Synchronization, Msg Queues: the receiver sleeps in its call until a message comes" {
  start receiver sysv-msgq-receiver
  wait_until sleeps_in receiver msgrcv
  run_to_end sysv-msgq-sender 0
  finish receiver
  same_output receiver
  proves "Synchronization" "Msg Queues" Built-in
  start receiver posix-msgq-receiver "/choose-$$"
  wait_until sleeps_in receiver mq_timedreceive
  run_to_end posix-msgq-sender 0 "/choose-$$"
  finish receiver
  same_output receiver
}

@test "Synchronization, Shared Mem: no call to sleep in; the reader looks again and again" {
  "$BIN/examples/make-segment" . 1024
  start reader sysv-shm-reader
  # Between two looks it sleeps for a time of its own choice, whether the writer comes or not.
  wait_until sleeps_in reader nanosleep
  stop reader
  finish reader 143
  run_to_end sysv-shm-writer 0
  run_to_end sysv-shm-reader 0
  same_output sysv-shm-reader
  # And if nobody keeps order, updates are lost.
  run_to_end shm-race 0
  (($(awk 'NR == 2 { print $NF }' "$LOGS/shm-race.out") > 0))
  proves "Synchronization" "Shared Mem" Manual
}

@test "Synchronization, Sockets: the receiver sleeps in its call until data comes" {
  for lesson in unix-echo tcp-echo udp-echo; do
    address=127.0.0.1:0
    [[ $lesson != unix-echo ]] || address=socket
    start server $lesson-server "$address"
    wait_for server listening
    [[ $lesson == unix-echo ]] || address=127.0.0.1:$(port_of server)
    start_typing $lesson $lesson-client "$address"
    [[ $lesson == udp-echo ]] || wait_for server connected
    wait_until sleeps_in server recvfrom
    type_in $lesson hello
    wait_for server "Received: hello"
    end_of_input $lesson
    finish $lesson
    stop server 2> /dev/null || true
    finish server
  done
  proves "Synchronization" "Sockets" Built-in
  # The sender of datagrams is never made to wait: all were sent, before any was received.
  [[ $(prove flood) =~ ^5000\ sent,\ [1-9][0-9]*\ lost$ ]]
  footnote "Synchronization" "Sockets" "datagrams for which there is no room are lost"
}

# ---- Persistence: all processes that have used it are gone.

@test "Persistence, Pipes: gone with the last process that has it open" {
  start_owner
  stop owner
  finish owner 143
  proves "Persistence" "Pipes" "$(seen test -n "$(descriptors "$pipe")")"
}

@test "Persistence, FIFOs: the name stays, the data do not" {
  start reader fifo-reader fifo
  start_typing writer fifo-writer fifo
  wait_for reader "FIFO opened"
  stop reader STOP
  stopped() { [[ $(cut -d' ' -f3 "/proc/${PID[reader]}/stat") == T ]]; }
  wait_until stopped
  type_in writer "never read"
  end_of_input writer
  finish writer
  stop reader KILL
  finish reader 137
  proves "Persistence" "FIFOs" "$(seen test -p fifo)"
  # Nothing is in it: a read that may not wait finds end-of-file.
  [[ $(timeout "$DEADLINE" dd if=fifo iflag=nonblock status=none | wc -c) == 0 ]]
  footnote "Persistence" "FIFOs" "Data that nobody has read are gone"
  rm fifo
}

@test "Persistence, Msg Queues: the messages wait in the kernel" {
  run_to_end sysv-msgq-sender 0
  run_to_end posix-msgq-sender 0 "/choose-$$"
  [[ -z $(processes) ]]
  proves "Persistence" "Msg Queues" "$(seen run_to_end sysv-msgq-receiver 0 --timeout 1)"
  prints sysv-msgq-receiver "Priority 3: High priority message"
  proves "Persistence" "Msg Queues" "$(seen run_to_end posix-msgq-receiver 0 "/choose-$$" --timeout 1)"
  prints posix-msgq-receiver "Received (priority 0): Hello POSIX MQ!"
  # The receiver has removed it: a new one can be made.
  prove both-ways posix "/choose-$$"
  footnote "Persistence" "Msg Queues" "Until it is removed"
}

@test "Persistence, Shared Mem: the text waits in memory" {
  run_to_end sysv-shm-writer 0
  run_to_end posix-shm-writer 0 "/choose-$$"
  [[ -z $(processes) ]]
  [[ $(stat -f -c %T "/dev/shm/choose-$$") == tmpfs ]]
  footnote "Persistence" "Shared Mem" "it is kept in memory, not on a disk"
  proves "Persistence" "Shared Mem" "$(seen run_to_end sysv-shm-reader 0)"
  prints sysv-shm-reader "Read: Hello from shared memory!"
  proves "Persistence" "Shared Mem" "$(seen run_to_end posix-shm-reader 0 "/choose-$$")"
  prints posix-shm-reader "Read: Hello from POSIX shared memory!"
  [[ ! -e /dev/shm/choose-$$ ]]
  footnote "Persistence" "Shared Mem" "Until it is removed"
}

@test "Persistence, Sockets: nobody listens any more" {
  start server unix-echo-server socket
  wait_for server listening
  stop server KILL
  finish server 137
  proves "Persistence" "Sockets" "$(seen run_to_end unix-echo-client 0 socket)"
  [[ -S socket ]]
  run_to_end unix-echo-client 1 socket
  one_error unix-echo-client "connect socket: nobody listens"
  [[ $(prove bind socket) == EADDRINUSE ]]
  footnote "Persistence" "Sockets" "a connect(2) fails with ECONNREFUSED, and the next bind(2) with EADDRINUSE"
  rm socket
  start server tcp-echo-server 127.0.0.1:0
  address=127.0.0.1:$(port_of server)
  stop server KILL
  finish server 137
  proves "Persistence" "Sockets" "$(seen run_to_end tcp-echo-client 0 "$address")"
}

@test "each cell has its proof, and each footnote too" {
  [[ $(choose --table | grep -c '^| [^-F]') == 6 ]]
  choose --table | grep '^| ' > table
  IFS='|' read -ra columns < <(tr -s ' ' < table)
  tail -n +2 table | while IFS='|' read -ra cells; do
    for ((i = 2; i < ${#cells[@]}; i++)); do
      at="\"$(xargs <<< "${cells[1]}")\" \"$(xargs <<< "${columns[i]}")\""
      echo "$at"
      grep -qF "  proves $at " "$BATS_TEST_FILENAME"
      [[ ${cells[i]} != *'['* ]] || grep -qF "  footnote $at " "$BATS_TEST_FILENAME"
    done
  done > proofs
  [[ $(wc -l < proofs) == 30 ]]
}
