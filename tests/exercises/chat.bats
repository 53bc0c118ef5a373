#!/usr/bin/env bats
load ../exercise

PROCESSES=256

# serve [start_traced]: on the socket of the test's folder.
serve() {
  "${1:-start}" server chat-server socket
  wait_for server "Listening on socket"
}

# kill_server: stages 1 to 4 ask for no clean end.
kill_server() {
  stop server KILL
  finish server 137
  inside rm -f socket
}

# talk: plays the clients of the script on standard input; its steps are in crates/tools/talk.
talk() { beside "$TOOLS/talk" socket; }

# joins NAME...: the script's steps by which they join one after the other, the others being told.
joins() {
  local name one earlier=()
  for name; do
    printf '%s\n' "$name open" "$name > $name" "$name < * welcome $name"
    for one in "${earlier[@]}"; do echo "$one < * $name has joined"; done
    earlier+=("$name")
  done
}

# pick_names: ADA, BOB and EVE are other names in each run.
pick_names() { ADA=ada$RANDOM BOB=bob$RANDOM EVE=eve$RANDOM; }

word() { random_lines 1; }

# join_typing NAME: a chat-client with a keyboard, until it is in.
join_typing() {
  HOW=start_typing "${2:-start_typing}" "$1" chat-client "$1" socket
  wait_for "$1" "* welcome $1"
}

@test "[2] stage 1: a name is welcomed, or refused" {
  hint "The first line of a connection is its name, of ASCII letters and digits (is_ascii_alphanumeric), at most 20. It is welcomed, or it is refused with one line that begins with '! ', and then the connection is closed. A name is free again when its client has left."
  pick_names
  serve
  talk <<- END
	silent open
	$(joins "$ADA" "$BOB")
	again open
	again > $BOB
	again < ! $BOB is taken
	again end
	empty open
	empty > 
	empty < ! a name is 1 to 20 letters and digits
	empty end
	long open
	long > abcdefghijklmnopqrstu
	long < ! a name is 1 to 20 letters and digits
	long end
	blank open
	blank > $BOB x
	blank < ! a name is 1 to 20 letters and digits
	blank end
	umlaut open
	umlaut > Jörg$RANDOM
	umlaut < ! a name is 1 to 20 letters and digits
	umlaut end
	longest open
	longest > abcdefghij0123456789
	longest < * welcome abcdefghij0123456789
	$ADA < * abcdefghij0123456789 has joined
	$BOB < * abcdefghij0123456789 has joined
	silent > $EVE
	silent < * welcome $EVE
	$ADA < * $EVE has joined
	END
  kill_server
}

@test "[2] stage 1: everybody hears who comes, what is said, and who leaves" {
  hint "What one says goes to all others, not to itself, as '<NAME> TEXT'. When a read gives 0 bytes, or fails, the client has left, and all others are told."
  pick_names
  serve
  local first second third
  first=$(word) second="$(word) @$BOB: $(word)" third=$(word)
  talk <<- END
	$(joins "$ADA" "$BOB" "$EVE")
	$ADA > $first
	$BOB < <$ADA> $first
	$EVE < <$ADA> $first
	$BOB > $second
	$ADA < <$BOB> $second
	$EVE < <$BOB> $second
	$BOB close
	$ADA < * $BOB has left
	$EVE < * $BOB has left
	$EVE > $third
	$ADA < <$EVE> $third
	$BOB open
	$BOB > $BOB
	$BOB < * welcome $BOB
	$ADA < * $BOB has joined
	END
  for name in "$ADA" "$BOB" "$EVE"; do wait_for server "$name has left"; done
  hint "The server prints 'NAME has joined' and 'NAME has left', and nothing else after 'Listening on PATH'."
  diff -u --label expected --label actual \
    <(echo "Listening on socket"
      printf '%s has joined\n' "$ADA" "$BOB" "$EVE"
      echo "$BOB has left"
      echo "$BOB has joined") <(head -n 6 "$LOGS/server.out")
  kill_server
}

@test "[2] stage 2: the client says what is typed, and shows what comes" {
  local shows="The client waits for two things at once, the server and the keyboard: a thread for each, or poll. It prints a line as soon as it comes, and ends with status 0 at the end of its input, once the server has closed the connection."
  hint "$shows"
  pick_names
  serve
  join_typing "$ADA"
  join_typing "$BOB"
  wait_for "$ADA" "* $BOB has joined"
  random_lines 6 > lines
  local name n_number=0 other
  while IFS= read -r line; do
    name=$ADA other=$BOB
    ((n_number++ % 2)) && name=$BOB other=$ADA
    type_in "$name" "$line"
    wait_for "$other" "<$name> $line"
  done < lines
  hint "While nothing happens server and client sleep: in poll, read or accept, without O_NONBLOCK, or with a poll that has no time limit and asks for POLLOUT only while something waits."
  for name in server "$ADA" "$BOB"; do wait_until rests "$name"; done
  hint "$shows"
  # The last line of a file may lack its newline.
  printf '%s' "$(random_lines 3 | tee more)" > input
  start "$EVE" chat-client "$EVE" socket < input
  finish "$EVE"
  prints "$EVE" <(echo "* welcome $EVE")
  wait_for "$ADA" "<$EVE> $(tail -n 1 more)"
  wait_for "$BOB" "<$EVE> $(tail -n 1 more)"
  for name in "$BOB" "$ADA"; do
    end_of_input "$name"
    finish "$name"
    silent "$name"
  done
  diff -u --label expected --label actual \
    <(echo "* welcome $ADA"
      echo "* $BOB has joined"
      awk -v name="$BOB" 'NR % 2 == 0 { print "<" name "> " $0 }' lines
      echo "* $EVE has joined"
      sed "s/^/<$EVE> /" more) <(grep -v 'has left$' "$LOGS/$ADA.out")
  kill_server
}

@test "[1] stage 2: the lines go through Unix sockets" {
  hint "A client sends its name, then what is typed, each as a line, on a Unix stream socket; the server sends what it prints on the same one."
  pick_names
  serve start_traced
  join_typing "$BOB" start_traced
  random_lines 20 > input
  start_traced "$ADA" chat-client "$ADA" socket < input
  finish "$ADA"
  wait_for "$BOB" "<$ADA> $(tail -n 1 input)"
  end_of_input "$BOB"
  finish "$BOB"
  kill_server
  { echo "$ADA"; cat input; } > said
  went_through "$ADA" server said
  sed "s/^/<$ADA> /" input > heard
  { echo "* welcome $BOB"; echo "* $ADA has joined"; cat heard; } > all
  head -n 22 "$LOGS/$BOB.out" | diff -u --label expected --label actual all -
  went_through server "$BOB" all
}

# went_through FROM TO FILE: that went first. Which client has which of the server's connections
# is told by the order in which they came, so all logs are looked at.
went_through() {
  local name logs=()
  for name in server "$ADA" "$BOB"; do logs+=(--log "$LOGS/$name.trace"); done
  from_trace carried --whole "${logs[@]}" --carried unix --raw --from "$1.trace" --to "$2.trace" || return
  head -c "$(wc -c < "$3")" carried | diff -u --label "expected from $1 to $2" --label actual "$3" -
}

@test "[2] stage 2: a client that cannot talk says why" {
  hint "Nobody listens, the name is refused, the server is gone: each is one line on standard error, 'Error: …', and exit status 1, also when the client's own input has ended already."
  pick_names
  start alone chat-client "$ADA" socket < /dev/null
  finish alone 1
  one_error alone chat-server
  serve
  start refused chat-client "$ADA+" socket < /dev/null
  finish refused 1
  one_error refused "a name is 1 to 20 letters and digits"
  prints refused /dev/null
  join_typing "$ADA"
  stop server KILL
  finish server 137
  finish "$ADA" 1
  one_error "$ADA" "Error: "
  end_of_input "$ADA"
  # Its socket is still there, and nobody listens.
  start late chat-client "$BOB" socket < /dev/null
  finish late 1
  one_error late chat-server
  inside rm -f socket
}

@test "[2] stage 3: a private message reaches one alone" {
  hint "A line '@NAME TEXT' goes to NAME alone, as '[FROM] TEXT', with all blanks and @ that TEXT holds. Who writes to nobody is told so: '! nobody is called NAME'."
  pick_names
  serve
  local secret answer public
  secret="$(word)  @$EVE $(word)" answer=$(word) public=$(word)
  talk <<- END
	$(joins "$ADA" "$BOB" "$EVE")
	$ADA > @$BOB $secret
	$BOB < [$ADA] $secret
	$BOB > @$ADA $answer
	$ADA < [$BOB] $answer
	$ADA > @nobody $secret
	$ADA < ! nobody is called nobody
	$ADA > $public
	$BOB < <$ADA> $public
	$EVE < <$ADA> $public
	END
  kill_server
}

@test "[1] stage 3: a line is a line, in whatever pieces it comes" {
  hint "A stream has no messages: a read may bring half a line, or three lines. Keep what has come until its newline is there (lesson framing), but no more than 1000 bytes of it."
  pick_names
  serve
  local one two three longest
  one=$(word) two=$(word) three=$(word)
  longest=$(random_lines 60 | tr -d '\n' | head -c 1000)
  # What the second one says in between has gone through the server after the first one's half.
  talk <<- END
	$ADA open
	$ADA >> ${ADA::2}
	$BOB open
	$BOB > $BOB
	$BOB < * welcome $BOB
	$ADA >> ${ADA:2}\\n
	$ADA < * welcome $ADA
	$BOB < * $ADA has joined
	$ADA >> $one
	$BOB > $two
	$ADA < <$BOB> $two
	$ADA >> $three\\n\\n$one\\n$two
	$BOB < <$ADA> $one$three
	$BOB < <$ADA> $one
	$ADA > $one
	$BOB < <$ADA> $two$one
	$ADA > $longest
	$BOB < <$ADA> $longest
	$ADA > ${longest}x
	$ADA < ! a line has at most 1000 bytes
	$ADA end
	$BOB aside * $ADA has left
	$BOB >> ${longest}xx
	$BOB < ! a line has at most 1000 bytes
	$BOB end
	END
  kill_server
}

@test "[2] stage 4: a hundred clients" {
  hint "A hundred connections at the same time, all of which hear all lines: neither a fixed number of places nor one client at a time will do."
  serve
  local tag=$RANDOM
  # Each one says a line, all of them at once, and everybody else hears it, once.
  awk -v tag="$tag" 'BEGIN {
    for (i = 1; i <= 100; i++) {
      print i " open"; print i " > n" i; print i " < * welcome n" i
      for (j = 1; j < i; j++) print j " < * n" i " has joined"
    }
    for (i = 1; i <= 100; i++) for (j = 1; j <= 100; j++) if (i != j) print i " aside <n" j "> " tag j
    for (i = 1; i <= 100; i++) print i " > " tag i
    for (i = 1; i <= 100; i++) for (j = 1; j <= 100; j++) if (i != j) print i " had <n" j "> " tag j
    print "100 > the end"
    for (i = 1; i < 100; i++) print i " < <n100> the end"
  }' > script
  talk < script
  kill_server
}

# big_lines N: of 1000 bytes, with the script's steps by which ADA says and BOB hears them.
big_lines() {
  random_lines 60 | tr -d '\n' | head -c 994 > big
  awk -v n="$1" -v ada="$ADA" -v bob="$BOB" '{
    for (i = 1; i <= n; i++) printf "%s > %s%06d\n%s < <%s> %s%06d\n", ada, $0, i, bob, ada, $0, i
  }' <(cat big; echo)
}

@test "[2] stage 4: a client that does not read harms no other" {
  hint "write waits for a client that does not read, and with it everybody else. Let no client's write wait: O_NONBLOCK and a buffer for each, or a thread with a queue for each. It hears all of it later, up to 1 MiB."
  pick_names
  serve
  # 1030 of these lines, with the name and what stands around it, are a little less than 1 MiB.
  {
    joins "$ADA" "$BOB" "$EVE"
    big_lines 1030
    awk -v ada="$ADA" -v eve="$EVE" '{
      for (i = 1; i <= 1030; i++) printf "%s < <%s> %s%06d\n", eve, ada, $0, i
    }' <(cat big; echo)
  } > script
  talk < script
  for name in "$ADA" "$BOB" "$EVE"; do wait_for server "$name has left"; done
  hint "What waits for a client that never reads must not grow for ever: from 1 MiB to 2 MiB its connection is closed, and it has left."
  {
    joins "$ADA" "$BOB" "$EVE"
    printf '%s\n' "$ADA aside * $EVE has left" "$BOB aside * $EVE has left"
    big_lines 3000
    printf '%s\n' "$ADA had * $EVE has left" "$BOB had * $EVE has left"
  } > script
  talk < script
  kill_server
}

@test "[1] stage 5: the socket of a killed server is replaced" {
  hint "bind makes a file that outlives its server: Address already in use. If nobody listens there (connect is refused) the file may go, and bind is tried again (lesson unix-echo)."
  pick_names
  serve
  stop server KILL
  finish server 137
  is_socket
  # Whoever does not set the mode gives all rights to everybody.
  umask 0
  if can_trace; then serve_in_steps; else serve; fi
  talk <<< "$(joins "$ADA" "$BOB")"
  hint "Anybody could connect to your socket: its mode is to be 0600 from the first moment on (umask before bind)."
  mode_0600
  kill_server
  needs_trace
}

# is_socket: what the name is of, and not what a link leads to.
is_socket() { [[ $(stat -c %F "$DIR/socket" 2> /dev/null) == socket ]]; }

mode_0600() {
  [[ $(stat -c %a "$DIR/socket") == 600 ]] || { echo "the mode of the socket is $(stat -c %a "$DIR/socket")"; return 1; }
}

# serve_in_steps: stops the server (SIGSTOP) when listen returns, from which moment on clients can connect.
serve_in_steps() {
  local stale=$HINT INJECT=(-e inject=listen:signal=STOP:when=1)
  start_traced server chat-server socket
  INJECT=()
  wait_until frozen server
  hint "At first anybody could connect to your socket, for its mode was changed too late: it is to be 0600 when listen is called (umask before bind)."
  # It may also be made elsewhere, and be moved here later.
  [[ ! -e $DIR/socket && ! -L $DIR/socket ]] || mode_0600
  hint "$stale"
  stop server CONT 2> /dev/null || true # or it has ended
  wait_for server "Listening on socket"
}

@test "[1] stage 5: the socket of a live server, and what is no socket, stay" {
  hint "Remove only a socket on which nobody listens: not that of a server that runs, and never another file. Such a start ends with status 1 and an error that names the path."
  pick_names
  random_lines 2 > before
  give notes < before
  start other chat-server notes
  finish other 1
  one_error other notes
  diff -u --label "the file before" --label "the file after" before <(taken notes)
  serve
  local inode
  inode=$(stat -c %i "$DIR/socket")
  start other chat-server socket
  finish other 1
  one_error other socket
  prints other /dev/null
  is_socket && [[ $(stat -c %i "$DIR/socket") == "$inode" ]] ||
    { echo "the socket of the server that runs has been removed or replaced"; return 1; }
  talk <<< "$(joins "$ADA" "$BOB")"
  hint "Also at its end the server removes its own socket alone: by then another file may stand at that path."
  inside rm socket
  give socket < before
  stop server
  ends server
  diff -u --label "the file before" --label "the file after" before <(taken socket)
  inside rm socket
}

@test "[2] stage 5: Ctrl-C ends the server, and everybody is told" {
  hint "On SIGINT and SIGTERM the server tells all clients '* the server ends', removes its socket and exits with status 0 (lesson graceful-shutdown); the clients end with status 0, though nobody types anything."
  local signal name
  for signal in INT TERM; do
    pick_names
    serve
    join_typing "$ADA"
    join_typing "$BOB"
    stop server "$signal"
    finish server
    for name in "$ADA" "$BOB"; do
      finish "$name"
      silent "$name"
      [[ $(tail -n 1 "$LOGS/$name.out") == "* the server ends" ]] || { show "$name"; return 1; }
      end_of_input "$name"
    done
    [[ ! -e $DIR/socket && ! -L $DIR/socket ]] || { echo "the socket is still there"; return 1; }
  done
  hint "One client that does not read must not keep the server from its end: it waits for it no longer than a second."
  pick_names
  serve
  join_typing "$EVE"
  freeze "$EVE"
  stop server
  finish server
  [[ ! -e $DIR/socket && ! -L $DIR/socket ]] || { echo "the socket is still there"; return 1; }
  # fg: it finds in its socket what it has been told.
  stop "$EVE" CONT 2> /dev/null || true # or has ended already
  finish "$EVE"
  end_of_input "$EVE"
}
