#!/usr/bin/env bats
load ../exercise

PROCESSES=256

# serve NAME [ARG...]: a server, on $PORT then.
serve() {
  "${BY:-start}" "$1" tcp-service-server "${@:2}" "${ADDR:-127.0.0.1:0}"
  PORT=$(port_of "$1") || { show "$1"; return 1; }
}

# ask NAME: a client.
ask() { "${BY:-start}" "$1" tcp-service-client "127.0.0.1:$PORT"; }

# frames: each line of the input with its length in front.
frames() {
  local LC_ALL=C line
  while IFS= read -r line; do frame "${#line}" "$line"; done
}
# frame LENGTH [TEXT]: the length has four bytes, big endian.
frame() {
  local length
  printf -v length %08x "$1"
  printf '%b%s' "\\x${length:0:2}\\x${length:2:2}\\x${length:4:2}\\x${length:6:2}" "${2:-}"
}

# peer NAME BYTES|all: sends its input, all of it before it reads a byte, and then reads so many
# bytes, or until the server closes the connection.
peer() {
  # shellcheck disable=SC2016  # the inner shell's variables
  WHERE=observe "${BY:-start}" "$1" bash -c '
    exec 3<> "/dev/tcp/127.0.0.1/$1"
    cat >&3
    if [[ $2 == all ]]; then cat <&3; else head -c "$2" <&3; fi' peer "$PORT" "$2"
}

# say_to NAME: the standard input goes to a peer that was started with BY=start_typing.
say_to() {
  local n_keys
  number n_keys "${KEYBOARD[$1]}" && cat >&"$n_keys"
}

# heard NAME: the peer has received just the bytes of the input.
heard() {
  cat > expected
  cmp -s expected "$LOGS/$1.out" || {
    diff -u --label "expected by $1" --label "actual" \
      <(printable < expected) <(printable < "$LOGS/$1.out") | cut -c 1-120 | head -n 20
    return 1
  }
}
# A frame a line, as far as one can guess where they begin.
printable() { head -c 100000 | tr -c '[:print:]' . | sed -E 's/\.{3}/\n&/g'; }

# answered NAME REQUESTS ANSWERS: a peer that says what is in the one file hears what is in the other.
answered() {
  frames < "$2" > "$1.bytes"
  peer "$1" "$(frames < "$3" | wc -c)" < "$1.bytes"
  finish "$1"
  frames < "$3" | heard "$1"
}

# lives_on: the server still answers.
lives_on() {
  local word=$RANDOM
  printf '%s\n' "put life $word" "get life" > life
  printf '%s\n' ok "ok $word" > life.answers
  answered "life-$word" life life.answers
}

# end_server: its end is for other tests. Bash would tell of it in ten lines.
end_server() {
  stop server KILL
  finish server 137
} 2> /dev/null

# words N: of 20 letters and digits.
words() { random_lines "$1" | cut -c 1-20; }

# pairs N: into `requests` that many random puts and gets of them, and into `answers` what comes back.
pairs() {
  words "$1" | awk '{ print "put key-" NR " " $0; print "get key-" NR }' > requests
  awk '/^put/ { value = $3; print "ok" } /^get/ { print "ok " value }' requests > answers
}

# connections: of the server, a line each: state, bytes that the kernel still has to send, bytes that
# the server has not read. State 01 is ESTABLISHED, 08 CLOSE_WAIT, 0A LISTEN; see proc(5), /proc/net/tcp.
connections() {
  # shellcheck disable=SC2016  # awk's variables
  kernel net/tcp | awk -v port=":$(printf %04X "$PORT")" \
    'substr($2, 9) == port { split($5, bytes, ":"); print $4, bytes[1], bytes[2] }'
}
in_state() { connections | grep -q "^$1"; }
nobody_listens() { ! in_state 0A; }

# all_came BYTES: on a connection whose client has shut its side down, and the server has read none of them.
all_came() {
  local unread n_unread n_least
  unread=$(connections | sed -n 's/^08 .* //p')
  [[ -n $unread ]] && number --hex n_unread "$unread" && number n_least "$1" && ((n_unread >= n_least))
}

# threads_sleep NAME: each of them is blocked.
threads_sleep() {
  local thread
  for thread in /proc/"$(program_pid "$1")"/task/*; do
    { read -r STATE < "$thread/stat"; } 2> /dev/null || return
    [[ ${STATE##*) } == S* ]] || return
  done
}

# stuck: the server has bytes to send, they do not get fewer, and it sleeps: somebody does not read.
stuck() {
  local before
  before=$(connections)
  grep -qE '^01 0*[1-9A-F]' <<< "$before" && threads_sleep server && pause && [[ $(connections) == "$before" ]]
}

# big_value: a million letters and digits, into the file `value`.
big_value() { LC_ALL=C tr -dc 'a-zA-Z0-9' < /dev/urandom | head -c 1000000 > value; }
# times N FILE
times() { yes "$2" | head -n "$1" | xargs cat; }
# too_many: that many answers of the kind do not fit into the sockets of a connection.
too_many() {
  local read write n_read n_write
  read -r _ _ read < <(kernel sys/net/ipv4/tcp_rmem)
  read -r _ _ write < <(kernel sys/net/ipv4/tcp_wmem)
  number n_read "$read" && number n_write "$write" || return
  echo $(((n_read + n_write) / 1000000 + 3))
}

# deaf NAME: a peer that sends requests and reads no answers, until the server can send no more of them.
# All of them have come to the server; what it answers stands in `answer.bytes`.
deaf() {
  big_value
  { frame 1000008 "put big "; cat value; } > put.bytes
  yes "get big" | head -n "$(too_many)" | frames > get.bytes
  echo ok | frames > answer.bytes
  { frame 1000003 "ok "; cat value; } > got.bytes
  times "$(too_many)" got.bytes >> answer.bytes
  BY=start_typing peer "$1" all
  say_to "$1" < put.bytes
  wait_until have_answers 1
  # So few bytes come in one piece.
  say_to "$1" < get.bytes
  wait_until stuck
}
# have_answers COUNT: so many peers, which have not read them yet.
have_answers() {
  # shellcheck disable=SC2016  # awk's variables
  kernel net/tcp | awk -v port=":$(printf %04X "$PORT")" -v count="$1" \
    'substr($3, 9) == port && $4 == "01" && $5 !~ /:0*$/ { found++ } END { exit found < count }'
}

@test "[2] stage 1: a client's requests are answered" {
  hint "A line is a request, and each answer is printed as a line. The address is the argument; nobody listens there (ECONNREFUSED) until the server has been started."
  PORT=$(free_port)
  ask early < /dev/null
  finish early 1
  one_error early tcp-service-server
  serve server
  pairs 3
  printf '%s\n' "get nothing" "put text  two words " "get text" "add key $((RANDOM + 1))" "add key -1" >> requests
  printf '%s\n' "error: no such key" ok "ok  two words " "ok $(awk '/^add/ { print $3; exit }' requests)" \
    "ok $(awk '/^add/ { print $3 - 1; exit }' requests)" >> answers
  ask client < requests
  finish client
  prints client answers
  prints server <(echo "Server listening on port $PORT")
  end_server
}

@test "[2] stage 1: requests and answers go through TCP as frames" {
  hint "Four bytes, the length in network byte order, then the text, without a newline: write_frame and read_frame of the lesson framing. Nothing else goes through the socket."
  pairs 5
  BY=start_traced serve server
  BY=start_traced ask client < requests
  finish client
  prints client answers
  end_server
  frames < requests > request.bytes
  frames < answers > answer.bytes
  through tcp client server request.bytes
  through tcp server client answer.bytes
}

@test "[1] stage 2: the server takes requests in whatever pieces they come" {
  hint "One read may bring half a request, or three: a request ends where its length says, and the bytes behind it are the next one's."
  pairs 60
  serve server
  # Many before the first answer is read.
  answered all requests answers
  # The first two, of 34 and 13 bytes, in pieces: a part of a length, a part of a text, the rest of it
  # and of the next length a part, the rest. The kernel has no event for "was read", so this looks at
  # the queue of the server's socket.
  head -n 2 requests | frames > bytes
  # shellcheck disable=SC2016  # the inner shell's variables
  start_partner torn bash -c '
    exec 3<> "/dev/tcp/127.0.0.1/$1"
    port=$(printf ":%04X" "$1")
    for size in 2 6 27 12; do
      head -c "$size" >&3
      while awk -v port="$port" "substr(\$2, 9) == port && \$4 == \"01\" && \$5 !~ /:0*\$/ { found = 1 }
          END { exit !found }" /proc/net/tcp; do
        sleep 0.01
      done
    done
    head -c "$2" <&3' torn "$PORT" "$(head -n 2 answers | frames | wc -c)" < bytes
  finish torn
  head -n 2 answers | frames | heard torn
  end_server
}

@test "[2] stage 2: the client sends all, half-closes, and gets all answers" {
  hint "The client sends on without an answer, and at the end of its input shuts down its side alone (Shutdown::Write). The server answers what has come, and then closes."
  pairs 20
  serve server
  # The kernel accepts connections and bytes also for a server that is stopped.
  freeze server
  ask client < requests
  wait_until all_came "$(frames < requests | wc -c)"
  stop server CONT
  finish client
  prints client answers
  wait_until all_closed
  end_server
}
all_closed() { ! in_state '0[18]'; }

@test "[2] stage 2: the client sends and receives at the same time" {
  hint "While the client sends or waits for a line, it must also receive (two threads). If it only sends, and the sockets are full of requests and answers, the two wait for each other."
  serve server
  BY=start_typing ask typing
  local word
  word=$(words 1)
  type_in typing "put word $word"
  wait_for typing ok
  type_in typing "get word"
  wait_for typing "ok $word"
  end_server
  finish typing 1
  one_error typing ""
  end_of_input typing
  # More than the sockets hold, in both directions.
  big_value
  local many
  many=$(too_many)
  echo "put big $(< value)" > put
  echo "ok $(< value)" > got
  { cat put; yes "get big" | head -n "$many"; times "$many" put; } > requests
  { echo ok; times "$many" got; yes ok | head -n "$many"; } > answers
  serve server
  ask client < requests
  finish client
  cmp "$LOGS/client.out" answers
  end_server
}

@test "[2] stage 3: 100 clients at once, and one store" {
  hint "A thread for each client, so that all are served at the same time; the store is one for all of them (Arc<Mutex<Store>>)."
  words 100 > values
  local n_number n_summand n_sum=10000000
  printf '%s\n' "put sum $n_sum" > first
  echo ok > first.answers
  for ((n_number = 0; n_number < 100; n_number++)); do
    n_summand=$((RANDOM + 10000))
    n_sum=$((n_sum + n_summand))
    echo "$n_summand"
  done > summands
  # Frames of one length each. All are connected before the first one speaks, and the last one is heard
  # first; then each asks for what another one has said.
  serve server
  answered first first first.answers
  # shellcheck disable=SC2016  # the inner shell's variables
  start_partner crowd bash -c '
    mapfile -t values; n_sockets=()
    for value in "${values[@]}"; do
      exec {n_socket}<> "/dev/tcp/127.0.0.1/$1" || exit
      n_sockets+=("$n_socket")
    done
    for n_i in "${!values[@]}"; do
      printf "\0\0\0\x20%s\0\0\0\x0d%s" "put key-$((n_i + 100)) ${values[n_i]% *}" "add sum ${values[n_i]#* }" >&"${n_sockets[n_i]}"
    done
    for ((n_i = 99; n_i >= 0; n_i--)); do head -c 21 <&"${n_sockets[n_i]}"; done
    for n_i in "${!values[@]}"; do
      printf "\0\0\0\x0b%s" "get key-$(((n_i + 1) % 100 + 100))" >&"${n_sockets[n_i]}"
      head -c 27 <&"${n_sockets[n_i]}"
    done' crowd "$PORT" < <(paste -d ' ' values summands)
  finish crowd
  # The sums depend on who came first; what has been added does not.
  diff -u --label "expected to be added" --label "added" <(sort summands) \
    <(head -c 2100 "$LOGS/crowd.out" | grep -aoE 'ok 1[0-9]{7}' | sort |
      awk -v before=10000000 '{ print $2 - before; before = $2 }' | sort)
  tail -c +2101 "$LOGS/crowd.out" > others
  { tail -n +2 values; head -n 1 values; } | sed 's/^/ok /' | frames | cmp - others
  echo "get sum" > last
  echo "ok $n_sum" > last.answers
  answered last last last.answers
  end_server
}

@test "[1] stage 3: a client that reads no answers keeps nobody waiting" {
  hint "Sending an answer may take for ever, so nothing that others need may be locked meanwhile: lock the store for Store::answer alone."
  serve server --timeout-ms 700
  deaf deaf
  lives_on
  hint "--timeout-ms is for a request of which only a part has come. Who does not read may stay, and has all the answers in the end."
  # That time passes is no event.
  for _ in {1..350}; do pause; done
  end_of_input deaf # from here on it reads
  wait_until all_heard deaf
  heard deaf < answer.bytes
  end_server
  ends deaf
}
all_heard() {
  local n_heard n_all
  number n_heard "$(stat -c %s "$LOGS/$1.out")" && number n_all "$(stat -c %s answer.bytes)" && ((n_heard >= n_all))
}

@test "[1] stage 4: what is no request is answered with an error" {
  hint "A frame whose text is empty, unknown or no UTF-8 still ends where its length says: answer it with the error, and go on with the next. A thread that panics answers nobody."
  printf '%s\n' "" $'\xff\xfe' "unknown $RANDOM" "put" "add key x" "get key" > requests
  printf 'error: %s\n' "unknown operation" "not UTF-8" "unknown operation" "no key" "not a number" "no such key" > answers
  pairs_after requests answers
  serve server
  answered peer requests answers
  # End-of-file inside a request, which is none.
  frames < requests | head -c $((RANDOM % 3 + 1)) > bytes
  peer half 0 < bytes
  finish half
  lives_on
  end_server
}
# pairs_after REQUESTS ANSWERS: appends a put and a get.
pairs_after() {
  local word
  word=$(words 1)
  printf '%s\n' "put key $word" "get key" >> "$1"
  printf '%s\n' ok "ok $word" >> "$2"
}

@test "[1] stage 4: a length above the limit ends the conversation" {
  hint "The length comes from a stranger: compare it with MAX before anything is allocated or read. One answer that says so, and then close: where the next request begins nobody knows."
  # As in the grader: who allocates 4 GiB gets none.
  UNDER=(prlimit --as=1073741824)
  serve server --timeout-ms 60000
  UNDER=()
  local length name n_size
  for length in '\xff\xff\xff\xff' '\x00\x10\x00\x01'; do
    name=over-${length:2:2}
    pairs 1
    frames < answers > answer.bytes
    { frames < requests; printf '%b' "$length"; } > bytes
    peer "$name" all < bytes
    finish "$name"
    # The text of the error is free.
    head -c "$(wc -c < answer.bytes)" "$LOGS/$name.out" | cmp - answer.bytes
    number n_size "$(wc -c < answer.bytes)"
    tail -c "+$((n_size + 5))" "$LOGS/$name.out" | tr -d '\0' > last
    [[ $(< last) == "error: "* ]] || { echo "the last answer is no error:"; show "$name"; return 1; }
    { cat answer.bytes; { cat last; echo; } | frames; } | heard "$name"
  done
  # A request of exactly MAX bytes is one.
  { echo "put long $(head -c $(((1 << 20) - 9)) /dev/zero | tr '\0' x)"; echo "get long"; } > requests
  { echo ok; sed -n '1s/^put long/ok/p' requests; } > answers
  answered longest requests answers
  end_server
}

@test "[2] stage 4: half a request is dropped after the timeout" {
  hint "From the first byte of a request the time runs (SO_RCVTIMEO, set_read_timeout), and it does not begin anew with each byte. While no request has begun a client may be silent for as long as it likes."
  pairs 2
  # The same half of a request, and its rest much later, where the timeout is long.
  serve patient --timeout-ms 60000
  local patient=$PORT
  frames < requests > bytes
  BY=start_typing peer late "$(frames < answers | wc -c)"
  head -c 10 bytes | say_to late
  serve server --timeout-ms 700
  BY=start_typing peer idle "$(frames < answers | wc -c)"
  head -n 2 requests | frames | say_to idle
  local name n_waited n_now n_before
  number n_before "${EPOCHREALTIME/./}"
  # A part of a length, and a part of a text.
  peer header all < <(head -c 3 bytes)
  peer text all < <(head -c 10 bytes)
  # A byte now and then, for as long as the connection lasts.
  # shellcheck disable=SC2016  # the inner shell's variables
  start_partner slow bash -c '
    trap "" PIPE
    exec 3<> "/dev/tcp/127.0.0.1/$1"
    printf "\0\1\0\0" >&3
    while printf x >&3; do sleep 0.05; done' slow "$PORT"
  # The text first: a server that drops a torn length at once fails another test.
  for name in text header slow; do
    finish "$name"
    prints "$name" /dev/null
    number n_now "${EPOCHREALTIME/./}"
    n_waited=$(((n_now - n_before) / 1000))
    in_time "$n_waited" 700 3000 || { echo "with --timeout-ms 700 it was dropped after $n_waited ms"; return 1; }
  done
  tail -n 2 requests | frames | say_to idle
  end_of_input idle
  finish idle
  frames < answers | heard idle
  lives_on
  end_server
  hint "The time is that of --timeout-ms, whatever that is: with 60000 a client has a minute for the rest of its request."
  # This pause is the test itself, as nothing must happen: 700 ms or more before it, as many as are too
  # late for the other server after it.
  sleep 3
  tail -c +11 bytes | say_to late
  end_of_input late
  finish late
  frames < answers | heard late
  PORT=$patient
  stop patient KILL
  finish patient 137
}

@test "[2] stage 5: Ctrl-C: what was received is answered" {
  hint "shutdown wakes who is blocked, in accept too. After Shutdown::Read the server reads what has come, then end-of-file; with Shutdown::Both no answer gets out. Then wait for the conversations, but no longer than the timeout."
  serve server --timeout-ms 60000
  BY=start_typing peer idle all
  wait_until in_state 01
  deaf deaf
  stop server TERM
  # At once, and not when the last answer has been sent.
  wait_until nobody_listens
  end_of_input deaf
  finish deaf
  heard deaf < answer.bytes
  finish server
  end_of_input idle
  finish idle
  prints idle /dev/null

  serve server --timeout-ms 2000
  deaf deafer
  stop server INT
  finish server
  end_of_input deafer
  ends deafer
}

@test "[1] stage 5: ended or killed, it can be started again at once" {
  hint "Connections that the server has closed stay in TIME_WAIT and keep the port for a minute: SO_REUSEADDR, before bind, lets the next server have it."
  serve server
  local signal peer
  for signal in TERM KILL; do
    # Three, as a packet that comes twice can end one TIME_WAIT at once (RFC 1337).
    for peer in {first,second,third}-at-"$signal"; do
      BY=start_typing peer "$peer" all
      echo "get nothing" | frames | say_to "$peer"
    done
    wait_until have_answers 3
    stop server "$signal"
    if [[ $signal == KILL ]]; then finish server 137; else finish server; fi
    for peer in {first,second,third}-at-"$signal"; do
      end_of_input "$peer"
      ends "$peer"
      echo "error: no such key" | frames | heard "$peer"
    done
    wait_until in_state 06
    ADDR=127.0.0.1:$PORT serve server
  done
  lives_on
  end_server
}

@test "[1] stage 5: a port that is taken is one clear error" {
  hint "While another server listens, bind fails with EADDRINUSE: say so, with the address, and exit with 1. SO_REUSEPORT would let both listen, and each get a part of the clients."
  serve server
  start second tcp-service-server "127.0.0.1:$PORT"
  finish second 1
  prints second /dev/null
  one_error second "127.0.0.1:$PORT"
  lives_on
  end_server
}
