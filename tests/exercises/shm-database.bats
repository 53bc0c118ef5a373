#!/usr/bin/env bats
load ../exercise

# db STATUS COMMAND...: a process of its own for one command.
db() {
  start db shm-database "${@:2}"
  finish db "$1"
}

# db_prints TEXT COMMAND...: and that is its answer.
db_prints() {
  db 0 "${@:2}"
  prints db <(echo "$1")
}

# db_fails TEXT COMMAND...: with one error that says so.
db_fails() {
  db 1 "${@:2}"
  one_error db "$1"
  prints db /dev/null
}

# In a session each line is a command. What it has printed before is counted in SEEN.
declare -gA SEEN
open_session() {
  start_typing "$1" shm-database session
  wait_for "$1" Ready
  SEEN[$1]=1
}
close_session() {
  end_of_input "$1"
  finish "$1"
  rm "$LOGS/$1.keys"
}

# tell NAME LINE ANSWER: types it, and the answer comes.
tell() {
  type_in "$1" "$2"
  answered "$1" "$3" "$2"
}
# answered NAME ANSWER [LINE]: the next line that it prints is that.
answered() {
  local n_next
  number n_next "${SEEN[$1]}" || return
  n_next=$((n_next + 1))
  wait_until has_answer "$1" || { echo "$1 has not answered: ${3:-}"; return 1; }
  diff -u --label "expected answer of $1${3:+ to: $3}" --label actual <(echo "$2") <(sed -n "${n_next}p" "$LOGS/$1.out")
  SEEN[$1]=$n_next
}
# refuses NAME LINE: the answer to it is a failure, in whatever words.
refuses() {
  local answer n_next
  number n_next "${SEEN[$1]}" || return
  n_next=$((n_next + 1))
  type_in "$1" "$2"
  wait_until has_answer "$1" || { echo "$1 has not answered: $2"; return 1; }
  SEEN[$1]=$n_next
  answer=$(sed -n "${n_next}p" "$LOGS/$1.out")
  [[ $answer == "Failed: "* ]] || { echo "expected of $1 is 'Failed: …', its answer to '$2' is: $answer"; return 1; }
}
has_answer() {
  local n_lines n_seen
  number n_lines "$(wc -l < "$LOGS/$1.out")" && number n_seen "${SEEN[$1]}" && ((n_lines > n_seen))
}

# waits NAME LINE: types it, and the program has read it, sleeps, and has not answered.
waits() {
  type_in "$1" "$2"
  wait_until has_read "$1"
  wait_until threads_sleep "$1"
  no_answer "$1"
}
# no_answer NAME: it still waits.
no_answer() {
  ! has_answer "$1" || { echo "$1 does not wait, but answers:"; tail -n 1 "$LOGS/$1.out"; return 1; }
}
# Nothing that was typed is left in its keyboard, a FIFO.
has_read() {
  local keys
  exec {keys}<> "$LOGS/$1.keys"
  if read -rt 0 -u "$keys"; then exec {keys}>&-; return 1; fi
  exec {keys}>&-
}
threads_sleep() {
  local thread
  for thread in /proc/"$(program_pid "$1")"/task/*; do
    { read -r STATE < "$thread/stat"; } 2> /dev/null || return
    [[ ${STATE##*) } == S* ]] || return
  done
}

# rest NAME...: none of their threads runs for half a second. Those of a program do that looks from time
# to time whether the lock is free.
rest() {
  local before n_pauses
  before=$(switches "$@") || return
  for ((n_pauses = 0; n_pauses < 50; n_pauses++)); do pause; done
  [[ $(switches "$@") == "$before" ]]
}
switches() {
  local name pid
  for name; do
    pid=$(program_pid "$name")
    cat "/proc/$pid"/task/*/status | grep -E '^(Pid|.*_switches):' || return
    # That tells of longer times, too, where the kernel says in which call a thread sleeps.
    ! grep -qs nanosleep "/proc/$pid"/task/*/wchan || return
  done 2> /dev/null
}

# some_text: 19 letters and digits that nobody can know beforehand.
some_text() { random_lines 1 | cut -c 1-19; }

@test "[2] stage 1: what one process puts, the next one gets, until destroy" {
  hint "The database stays when a process ends: only destroy removes it, and create makes one only where there is none."
  local one two three
  one=$(some_text) two=$(some_text) three="$(some_text) $(some_text)"
  db_fails create get "$one"
  db_prints Created create
  db_fails "no such key: $one" get "$one"
  db_prints "Records: 0" list
  db_prints "Stored: b-$one" put "b-$one" "$two"
  db_prints "Stored: a-$one" put "a-$one" "$one"
  db_prints "b-$one $two" get "b-$one"
  db_fails "" create
  db_prints "Stored: a-$one" put "a-$one" "$three"
  db 0 list
  prints db <(echo "a-$one $three"; echo "b-$one $two"; echo "Records: 2")
  db_prints "Deleted: b-$one" delete "b-$one"
  db_fails "no such key: b-$one" delete "b-$one"
  db_fails "no such key: b-$one" get "b-$one"
  db 0 list
  prints db <(echo "a-$one $three"; echo "Records: 1")
  db_prints Destroyed destroy
  nothing_left
  db_fails create list
  db_fails create destroy
  db_prints Created create
  db_prints "Records: 0" list
  db_prints Destroyed destroy
}

# replace OLD NEW: where OLD stands in the database's memory, puts NEW, which is as long.
replace() {
  local LC_ALL=C name
  if segment read . > memory 2> /dev/null; then
    grep -qaF -- "$1" memory || { echo "not in the segment: $1"; return 1; }
    sed "s/$1/$2/g" memory | segment write .
    return
  fi
  # shellcheck disable=SC2016  # the inner shell's variables
  name=$(inside bash -c 'grep -laF -- "$1" /dev/shm/shm-database-*' find "$1" 2> /dev/null) ||
    { echo "there is no segment in which this stands: $1"; return 1; }
  shared_memory "$name" > memory
  # shellcheck disable=SC2016  # the inner shell's variables
  sed "s/$1/$2/g" memory | inside bash -c 'cat 1<> "$1" >&1' write "$name"
}

@test "[2] stage 1: the records stand in shared memory" {
  hint "Each process attaches the same segment (shmget and shmat, or shm_open and mmap), and keys and values stand there as text: what somebody changes there, get finds."
  local key old new
  key=$(some_text) old=$(random_lines 1) new=$(random_lines 9 | tr -d '\n' | head -c 99)
  new=${new::${#old}}
  db_prints Created create
  start_traced put shm-database put "$key" "$old"
  finish put
  start_traced get shm-database get "$key"
  finish get
  prints get <(echo "$key $old")
  share segment put get
  replace "$old" "$new"
  db_prints "$key $new" get "$key"
  db_prints Destroyed destroy
}

@test "[2] stage 2: a session does one command after the other" {
  hint "In a session each line of standard input is a command, with one answer at once. A command that fails is answered by Failed:, and the session goes on. What others destroy and make anew it must find again."
  local key value
  key=$(some_text) value=$(some_text)
  open_session one
  tell one create Created
  open_session two
  tell one "put $key $value" "Stored: $key"
  tell two "get $key" "$key $value"
  tell two "delete $key" "Deleted: $key"
  tell one "get $key" "Failed: no such key: $key"
  tell one "delete $key" "Failed: no such key: $key"
  tell one list "Records: 0"
  tell one "take $key" "Failed: not a command: \"take $key\""
  tell two "put $key $value $value" "Stored: $key"
  tell one destroy Destroyed
  # A database made anew is another one.
  db_prints Created create
  tell two list "Records: 0"
  tell one "put $key $key" "Stored: $key"
  tell two "get $key" "$key $key"
  close_session one
  close_session two
  db_prints Destroyed destroy
}

@test "[2] stage 2: what does not fit is refused" {
  hint "A key has 1 to 32 bytes, a value 1 to 100, all of them to be used (bytes, not characters: len); 64 records fit, and one that is there can be changed when all are taken."
  local key value more n_more
  key=$(random_lines 2 | tr -d '\n' | head -c 32)
  value=$(random_lines 9 | tr -d '\n' | head -c 100)
  open_session one
  tell one create Created
  tell one "put $key $value" "Stored: $key"
  tell one "get $key" "$key $value"
  tell one "put ${key}x $value" "Failed: a key has 1 to 32 bytes"
  tell one "put  $value" "Failed: a key has 1 to 32 bytes"
  tell one "put $key x$value" "Failed: a value has 1 to 100 bytes"
  tell one "put $key " "Failed: a value has 1 to 100 bytes"
  tell one "get $key" "$key $value"
  db_fails "a key has 1 to 32 bytes" put "${key}x" x
  # A character may have more than one byte.
  tell one "put ${key::31}ö $value" "Failed: a key has 1 to 32 bytes"
  tell one "put $key ${value::99}ö" "Failed: a value has 1 to 100 bytes"
  tell one "put ${key::30}ö ${value::97}€" "Stored: ${key::30}ö"
  tell one "get ${key::30}ö" "${key::30}ö ${value::97}€"
  tell one "delete ${key::30}ö" "Deleted: ${key::30}ö"
  for ((n_more = 2; n_more <= 64; n_more++)); do type_in one "put key-$n_more $n_more"; done
  for ((n_more = 2; n_more <= 64; n_more++)); do answered one "Stored: key-$n_more"; done
  tell one "put more x" "Failed: the database is full: 64 records"
  db_fails "the database is full: 64 records" put more x
  tell one "put key-9 new" "Stored: key-9"
  tell one "delete $key" "Deleted: $key"
  tell one "put more x" "Stored: more"
  tell one "put $key x" "Failed: the database is full: 64 records"
  close_session one
  db 0 list
  prints db <({ echo "more x"; echo "key-9 new"; for more in {2..8} {10..64}; do echo "key-$more $more"; done; } | LC_ALL=C sort
    echo "Records: 64")
  db_prints Destroyed destroy
}

@test "[2] stage 3: a block that writes keeps all others out" {
  local keeps_out="From write to end nobody else reads or writes: get, list, put, delete, destroy and the blocks of others wait for the lock."
  local key value session
  hint "$keeps_out"
  key=$(some_text) value=$(some_text)
  db_prints Created create
  db_prints "Stored: $key" put "$key" old
  open_session writer
  for session in get list put delete read write destroy; do open_session "$session"; done
  tell writer write Writing
  tell writer "put $key $value" "Stored: $key"
  tell writer "get $key" "$key $value"
  waits get "get $key"
  waits list list
  waits read read
  hint "Who waits for the lock leaves the processor alone, and has the lock at once when it is free: sleep in the call that takes it (flock, F_SETLKW, semop), and do not ask again and again."
  wait_until rest get list read
  hint "$keeps_out"
  # Ctrl-Z and fg, in the middle: who is stopped has not ended.
  freeze writer
  stop writer CONT
  tell writer "get $key" "$key $value"
  no_answer get
  tell writer end Ended
  answered get "$key $value"
  answered list "$key $value"
  answered list "Records: 1"
  answered read Reading
  tell read end Ended
  tell writer write Writing
  waits put "put other x"
  tell writer "put $key $key" "Stored: $key"
  tell writer end Ended
  answered put "Stored: other"
  tell writer write Writing
  waits delete "delete other"
  tell writer "get other" "other x"
  tell writer end Ended
  answered delete "Deleted: other"
  tell writer write Writing
  waits write write
  tell writer "put $key 1" "Stored: $key"
  tell writer end Ended
  answered write Writing
  waits destroy destroy
  tell write "get $key" "$key 1"
  tell write end Ended
  answered destroy Destroyed
  for session in writer get list put delete read write destroy; do close_session "$session"; done
  nothing_left
}

@test "[2] stage 3: readers at the same time, and writers wait for them" {
  local share="Any number of processes may read at once (flock LOCK_SH, F_RDLCK, or a semaphore that counts); who wants to write waits until none of them reads."
  local refused="put and delete in a block that reads, create, destroy, read and write in any block, and end without one, are answered by Failed:, and the block goes on as before."
  local key value session command
  hint "$share"
  key=$(some_text) value=$(some_text)
  db_prints Created create
  db_prints "Stored: $key" put "$key" "$value"
  for session in one two three; do open_session "$session"; done
  for session in one two three; do
    tell "$session" read Reading
    tell "$session" "get $key" "$key $value"
  done
  hint "$refused"
  tell one "put $key x" "Failed: a read block changes nothing"
  tell one "delete $key" "Failed: a read block changes nothing"
  for command in create destroy read write; do refuses one "$command"; done
  hint "$share"
  db_prints "$key $value" get "$key"
  tell three end Ended
  tell three "get $key" "$key $value"
  waits three "put $key new"
  tell one "get $key" "$key $value"
  tell one end Ended
  wait_until threads_sleep three
  no_answer three
  tell two "get $key" "$key $value"
  tell two end Ended
  answered three "Stored: $key"
  tell one "get $key" "$key new"
  hint "$refused"
  refuses one end
  tell one write Writing
  tell one "put $key last" "Stored: $key"
  for command in create destroy read write; do refuses one "$command"; done
  tell one "get $key" "$key last"
  tell one end Ended
  tell two "get $key" "$key last"
  for session in one two three; do close_session "$session"; done
  db_prints Destroyed destroy
}

@test "[2] stage 4: a block counts when it ends, as a whole" {
  hint "Until its end a block may still come to nothing: at end-of-file in the middle of it all that it has changed is as before."
  local key value
  key=$(some_text) value=$(some_text)
  db_prints Created create
  db_prints "Stored: a-$key" put "a-$key" "$value"
  db_prints "Stored: b-$key" put "b-$key" "$value"
  open_session one
  tell one write Writing
  tell one "put a-$key new" "Stored: a-$key"
  tell one "delete b-$key" "Deleted: b-$key"
  tell one "put c-$key new" "Stored: c-$key"
  close_session one
  db 0 list
  prints db <(echo "a-$key $value"; echo "b-$key $value"; echo "Records: 2")
  open_session one
  tell one write Writing
  tell one "put a-$key new" "Stored: a-$key"
  tell one "get c-$key" "Failed: no such key: c-$key"
  tell one "delete b-$key" "Deleted: b-$key"
  tell one "put c-$key new" "Stored: c-$key"
  tell one end Ended
  tell one write Writing
  tell one "delete a-$key" "Deleted: a-$key"
  close_session one
  db 0 list
  prints db <(echo "a-$key new"; echo "c-$key new"; echo "Records: 2")
  db_prints Destroyed destroy
}

@test "[2] stage 4: who is killed in a block lets go of the lock" {
  hint "A lock that its holder must give back stays locked when that is killed. The kernel gives back a flock or fcntl lock, and a semaphore that was taken with SEM_UNDO, of readers as well. And a signal ends the process, not the database."
  local signal block
  local -A opened=([read]=Reading [write]=Writing)
  db_prints Created create
  db_prints "Stored: key" put key 0
  for signal in KILL TERM INT; do
    for block in read write; do
      open_session killed
      open_session next
      tell killed "$block" "${opened[$block]}"
      waits next "put key $signal-$block"
      stop killed "$signal"
      finish killed "$(ended_by "$signal")"
      end_of_input killed
      answered next "Stored: key"
      close_session next
      rm "$LOGS/killed.keys"
      db_prints "key $signal-$block" get key
    done
  done
  db_prints Destroyed destroy
}

# generations STEP: without end, blocks in which every STEPth of 64 records gets the same value, another
# one in each block.
generations() {
  awk -v step="$1" -v salt="$RANDOM" 'BEGIN {
    dots = sprintf("%100s", "")
    gsub(" ", ".", dots)
    for (;;) {
      value = substr(salt "-" ++block "-" dots, 1, 100)
      print "write"
      for (key = 1; key <= 64; key += step) printf "put key-%02d %s\n", key, value
      print "end"
    }
  }' 2> /dev/null
}

# whole STEP LISTS: in each of them the value of all those records is the same.
whole() {
  awk -v step="$1" '
    /^Records: / {
      lists++
      if ($2 != 64 || values != 1) {
        print "list " lists " is torn: " $2 " records, " values " different values"
        exit torn = 1
      }
      delete seen
      values = 0
      next
    }
    (substr($1, 5) - 1) % step == 0 && !seen[$2]++ { values++ }
    END { exit torn || !lists }' "$2"
}

@test "[2] stage 4: of a block whose process is killed nothing is there, at any moment" {
  hint "Storing takes many steps, and a process can die between any two of them. Store where nobody looks, and let one last store make that the database; or write down what was there, and have the next one put it back."
  local n_round
  db_prints Created create
  start first shm-database session < <(generations 1 | head -n 66)
  finish first
  open_session killed
  tell killed write Writing
  tell killed "put key-01 torn" "Stored: key-01"
  tell killed "delete key-02" "Deleted: key-02"
  stop killed KILL
  finish killed 137
  end_of_input killed
  db 0 list
  whole 1 "$LOGS/db.out"
  # From the first to the last, but few: so it is storing most of the time.
  generations 21 | head -n 6000 > blocks
  number n_round "$(rounds 500)"
  for ((; n_round > 0; n_round--)); do
    start killed shm-database session < <(while cat blocks 2> /dev/null; do :; done)
    wait_for killed Ended
    read -rt "0.00$RANDOM" -u "$NEVER" || true # the moment is anybody's guess
    stop killed KILL
    finish killed 137
    db 0 list
    whole 21 "$LOGS/db.out"
  done
  db_prints Destroyed destroy
}

@test "[2] stage 5: many processes at the same time" {
  hint "Each look and each change is one step for all others: whoever reads holds the lock until the last record is read, whoever writes from the first look at what is there to the last store. And only one create makes the database."
  local name n_ended n_i
  for name in a b c d e f; do start "$name" shm-database create; done
  for name in a b c d e f; do ends "$name"; done
  diff -u --label "expected of six that create" --label actual <(echo Created) <(cat "$LOGS"/[a-f].out)
  start first shm-database session < <(generations 1 | head -n 66)
  finish first
  for name in a b c; do
    start "list-$name" shm-database session < <(yes list | head -n 100)
    start "write-$name" shm-database session < <(generations 1 | head -n $((66 * 20)))
  done
  for name in a b c; do
    finish "list-$name"
    finish "write-$name"
    tail -n +2 "$LOGS/list-$name.out" > lists
    diff --label "expected number of lists" --label actual <(echo 100) <(grep -c ^Records: lists)
    whole 1 lists
    number n_ended "$(grep -c ^Ended "$LOGS/write-$name.out")"
    ((n_ended == 20)) || { show "write-$name"; return 1; }
  done
  # Now none is lost, though all of them store at once.
  db 0 destroy
  db 0 create
  for name in a b c d; do
    start "$name" shm-database session < <(for n_i in {1..16}; do echo "put $name-$n_i $n_i"; done)
  done
  for name in a b c d; do finish "$name"; done
  db 0 list
  prints db <(for name in a b c d; do for n_i in {1..16}; do echo "$name-$n_i $n_i"; done; done | LC_ALL=C sort
    echo "Records: 64")
  db_prints Destroyed destroy
}
