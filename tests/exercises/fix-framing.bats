#!/usr/bin/env bats
load ../exercise

# The length of what the peer below sends, 65792, is 00 01 01 00: the same from either end, so that
# the byte order is a question of one test alone.
LENGTH='\x00\x01\x01\x00'

start_receiver() {
  start receiver fix-framing-receiver 127.0.0.1:0
  PORT=$(port_of receiver)
}

# start_peer close|keep SIZE...: sends its input to the receiver in pieces of these sizes, each once
# the one before has been read; then closes the connection, or keeps it until the receiver closes it.
# With HOW=start_typing its input, and with it the connection, ends when the test says so.
# The kernel has no event for "was read", so it looks at the queues of the connection.
start_peer() {
  # shellcheck disable=SC2016  # the inner shell's variables
  WHERE=observe "${HOW:-start}" peer bash -c '
    exec 3<> "/dev/tcp/127.0.0.1/$1"
    port=$(printf ":%04X " "$1")
    for size in "${@:3}"; do
      head -c "$size" >&3
      while grep -F "$port" /proc/net/tcp | grep " 01 [0-9A-F]*:" | grep -qvF " 00000000:00000000 "; do
        sleep 0.01
      done
    done
    [[ $2 == close ]] || cat <&3 > /dev/null' peer "$PORT" "$@"
}

# received FILE: what the receiver should print for these lines.
received() {
  echo "Receiver listening on port $PORT"
  awk '{ print "Message " NR ", " length($0) " bytes: " $0 } END { print "Received: " NR " messages" }' "$1"
}

# they_talked: both end, and every line of the input has arrived as one message.
they_talked() {
  finish sender
  finish receiver
  prints sender <(echo "Sent: $(wc -l < input) messages")
  prints receiver <(received input)
}

# nothing_received: the receiver has failed, with one error, and has printed no message.
nothing_received() {
  finish receiver 1
  one_error receiver "${1:-}"
  prints receiver <(echo "Receiver listening on port $PORT")
}

@test "[2] messages arrive as they were sent" {
  hint "One read is not one message: the receiver must know from the length in front of each where it ends. An empty message has a length, too."
  # An empty line in the middle.
  { random_lines $((RANDOM % 20 + 5)); echo; random_lines $((RANDOM % 20 + 5)); } > input
  start_receiver
  start sender fix-framing-sender "127.0.0.1:$PORT" < input
  they_talked
  : > input
  start_receiver
  start sender fix-framing-sender "127.0.0.1:$PORT" < input
  they_talked
}

@test "[3] a message that comes in pieces arrives whole" {
  hint "read returns what has come so far: go on reading until all of the length, and then all of the message, is there (read_exact)."
  # Exactly the limit, which no socket carries in one piece.
  random_lines 20000 | tr -d '\n' | head -c $((1 << 20)) > input
  echo >> input
  start_receiver
  start sender fix-framing-sender "127.0.0.1:$PORT" < input
  they_talked

  random_lines 2000 | tr -d '\n' | head -c 65792 > input
  { printf '%b' "$LENGTH"; cat input; } > bytes
  echo >> input
  start_receiver
  start_peer close 1 4 29995 35796 < bytes
  finish receiver
  finish peer
  prints receiver <(received input)

  hint "Hand on a message as soon as all of it is there: the sender may keep the connection open, and send the next one much later, or never."
  start_receiver
  HOW=start_typing start_peer close 65796 1
  local n_keys
  number n_keys "${KEYBOARD[peer]}"
  cat bytes >&"$n_keys"
  wait_for receiver "Message 1, "
  end_of_input peer
  finish receiver
  finish peer
  prints receiver <(received input)
}

@test "[2] a message above the limit is neither accepted nor sent" {
  hint "A length comes from the other side and may be anything: compare it with MAX before you allocate or wait for so many bytes."
  # A random one, the same from either end (see LENGTH), and the highest there is.
  local n_byte=$((RANDOM % 100 + 20)) length
  printf '%b' "\\x00\\x$(printf %02x "$n_byte")\\x$(printf %02x "$n_byte")\\x00" > some
  printf '\xff\xff\xff\xff' > most
  for length in "some $((n_byte * 65792))" "most 4294967295"; do
    # As in the grader: who allocates 4 GiB gets none.
    UNDER=(prlimit --as=1073741824)
    start_receiver
    UNDER=()
    start_peer keep 4 < "${length% *}"
    nothing_received ""
    diff -u --label "expected on stderr" --label "actual on stderr" \
      <(echo "Error: a message of ${length#* } bytes: the limit is 1048576") "$LOGS/receiver.err"
    finish peer
  done

  head -c $(((1 << 20) + 1)) /dev/zero | tr '\0' x > input
  start_receiver
  start sender fix-framing-sender "127.0.0.1:$PORT" < input
  finish sender 1
  one_error sender "a message of 1048577 bytes"
  finish receiver
  prints receiver <(received /dev/null)
}

@test "[1] the end inside a message is an error" {
  hint "End-of-file where a message could begin is the end. Inside a length or a message it means that the sender has died: that is an error, and half a message is none."
  { printf '%b' "$LENGTH"; random_lines 10; } > message
  printf '%b' "$LENGTH" | head -c 2 > header
  printf '%b' "$LENGTH" > length # and not a byte of the message
  for bytes in message header length; do
    start_receiver
    start_peer close 100000 < "$bytes"
    nothing_received
    finish peer
  done
}

@test "[2] the length goes through the socket as four bytes, big endian" {
  hint "The length is a u32 in network byte order, the most significant byte first (to_be_bytes), and the message follows; nothing else goes through the socket."
  random_lines 8 > input
  random_lines 20 | tr -d '\n' | head -c $((RANDOM % 300 + 300)) >> input
  echo >> input
  while IFS= read -r line; do
    printf '%b%s' "$(printf '\\x%02x\\x%02x\\x%02x\\x%02x' 0 0 $((${#line} >> 8)) $((${#line} & 255)))" "$line"
  done < input > bytes
  start_traced receiver fix-framing-receiver 127.0.0.1:0
  PORT=$(port_of receiver)
  start_traced sender fix-framing-sender "127.0.0.1:$PORT" < input
  they_talked
  through tcp sender receiver bytes
}
