#!/usr/bin/env bats
# bats file_tags=slow
load harness

# Many applications at once, in a shell of their own: apps WRITERS LINES [ARG...]. "status"
# gets a line for each: its number and its exit status. $PADDING makes the lines longer.
setup_file() {
  cat > "$BATS_FILE_TMPDIR/apps" << 'SCRIPT'
app=$1 writers=$2 lines=$3
for ((writer = 1; writer <= writers; writer++)); do
  printf -v padding '%*s' $((${PADDING:-0} + writer * 5)) ''
  padding=${padding// /x} messages=()
  for ((line = 1; line <= lines; line++)); do messages+=("writer $writer line $line $padding end"); done
  "$app" --fifo fifo "${@:4}" "${messages[@]}" 2> "error.$writer" &
  pids[writer]=$!
done
echo "all started"
for ((writer = 1; writer <= writers; writer++)); do
  status=0
  wait "${pids[writer]}" || status=$?
  echo "$writer $status" >> status
done
SCRIPT
}
apps() { start apps bash "$BATS_FILE_TMPDIR/apps" "$BIN/logger-app" "$@"; }

# serve: starts the service, and waits until it is ready.
serve() {
  start service logger-service --fifo fifo --log log
  wait_for service "logger-service: reading fifo, appending to log"
}

# serve_no_more: ends it, which also writes down all that is still in the FIFO.
serve_no_more() {
  stop service "${1:-TERM}"
  finish service
  [[ ! -e fifo ]]
}

stamp='\[(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z][a-z] [ 123][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9] [0-9]{4}\]'

# messages: the log without its timestamps; fails if one is malformed.
messages() {
  if grep -vE "^$stamp " log; then echo "no timestamp" >&2; return 1; fi
  sed -E "s/^$stamp //" log
}

logged() { diff -u - <(messages); }

# well_kept: every line in the log is whole, and each writer's lines are in order, from its
# first on without a gap. Prints "WRITER COUNT".
well_kept() {
  messages > kept
  if grep -vxE 'writer [0-9]+ line [0-9]+ x* end' kept; then echo "torn" >&2; return 1; fi
  awk '
    $4 != ++count[$2] { print "out of order: " $0 > "/dev/stderr"; bad = 1 }
    END { for (writer in count) print writer, count[writer]; exit bad }' kept
}

wait_for_log() { wait_until grep -qsF "$1" log; }

# into_fifo COMMAND: its output goes into the FIFO, as that of any program can.
into_fifo() {
  start writer bash -c "exec > fifo; $1"
  finish writer
}

# has_open NAME FILE
has_open() { find "/proc/${PID[$1]}/fd" -lname "$PWD/$2" | grep -q .; }

# opened_by COUNT: that many processes of this test have the FIFO open.
opened_by() {
  local count
  # shellcheck disable=SC2046  # the folders are words
  count=$(find $(processes | sed 's#.*#/proc/&/fd#') -lname "$PWD/fifo" 2> /dev/null | cut -d/ -f3 | sort -u | wc -l)
  ((count == $1))
}

blocked_in_write() {
  case $(uname -m) in x86_64) number=1 ;; aarch64) number=64 ;; esac
  [[ $(cut -d' ' -f1 "/proc/${PID[$1]}/syscall") == "$number" ]]
}

@test "the service starts first" {
  serve
  [[ $(stat -c %a fifo log) == $'600\n600' ]]
  run_to_end logger-app 0 --fifo fifo
  silent logger-app
  serve_no_more
  logged <<< $'Application started\nProcessing complete'
  same_output service
  same_output logger-app
}

@test "the application starts first, and waits" {
  start app logger-app --fifo fifo --wait 20
  wait_for app "there is no fifo yet, waiting for logger-service"
  serve
  finish app
  serve_no_more
  logged <<< $'Application started\nProcessing complete'
}

@test "README: the transcript is what happens" {
  transcript logger logger-service
  # The test's FIFO is not in /tmp; the ^C is the terminal's echo.
  sed -i 's#/tmp/##' "$LOGS/logger-service.shown"
  MERGED=1 start logger-service logger-service --fifo logpipe
  wait_for logger-service "Ctrl-C ends it"
  run_to_end logger-app 0 --fifo logpipe
  stop logger-service INT
  finish logger-service
  same_as_in_readme logger-service
  mv system.log log
  sed -n "/^## You should see/,/^## Read/p" "$ROOT"/crates/*/logger/README.md |
    grep -E "^$stamp" | sed -E "s/^$stamp //" | logged
}

@test "the timestamp is the local time, in ctime's format" {
  export TZ=XYZ-5:30
  before=$(date +%s)
  serve
  run_to_end logger-app 0 --fifo fifo message
  serve_no_more
  written=$(grep -oE "^$stamp" log | tr -d '[]')
  at=$(date -d "$written" +%s)
  ((before <= at && at <= $(date +%s)))
  [[ $(LC_ALL=C date -d "@$at" '+%a %b %e %H:%M:%S %Y') == "$written" ]]
}

@test "50 applications at once, many lines each: none torn, none lost, none out of order" {
  local each=$((20 + $(rounds 200)))
  serve
  # Each has more to say than a FIFO holds, so none can end while the service is stopped, and
  # then all of them compete for every free page.
  freeze service
  PADDING=$((70000 / each)) apps 50 "$each"
  wait_for apps "all started"
  wait_until opened_by 51
  stop service CONT
  finish apps
  serve_no_more
  [[ $(grep -c ' 0$' status) == 50 ]]
  diff <(well_kept | sort) <(for writer in {1..50}; do echo "$writer $each"; done | sort)
  [[ $(wc -l < log) == $((50 * each)) ]]
}

@test "SIGTERM: what writers with the FIFO open still write is logged" {
  serve
  start_typing writer sh -c 'exec cat > fifo'
  type_in writer "before"
  wait_for_log before
  stop service
  wait_until test ! -e fifo
  type_in writer "after"
  wait_for_log after
  end_of_input writer
  finish writer
  finish service
  logged <<< $'before\nafter'
  run ! grep "still has the FIFO open" "$LOGS/service.err"
}

@test "SIGTERM while applications write: whoever succeeded is in the log" {
  serve
  apps 20 200 --wait 0
  wait_for_log "line 100 "
  serve_no_more
  finish apps
  # Each has either written everything, or has come too late and written nothing.
  diff <(well_kept | sort) <(sed -n 's/ 0$/ 200/p' status | sort)
  for error in error.*; do
    [[ ! -s $error ]] || grep -qF "there is no fifo: start logger-service first" "$error"
  done
}

@test "SIGTERM: a writer that never closes does not keep the service" {
  serve
  start_typing writer sh -c 'exec cat > fifo'
  type_in writer "one"
  wait_for_log one
  stop service
  finish service
  says service "a writer still has the FIFO open after 2 s: ended without it"
  [[ ! -e fifo ]]
  end_of_input writer
  finish writer
  logged <<< one
}

@test "Ctrl-C and SIGTERM: exit status 0, the FIFO is removed; again and again" {
  for signal in INT TERM INT TERM; do
    serve
    run_to_end logger-app 0 --fifo fifo "$signal"
    serve_no_more "$signal"
  done
  logged <<< $'INT\nTERM\nINT\nTERM'
}

@test "a signal that comes before the service is ready" {
  # shellcheck disable=SC2016  # the inner shell's arguments
  start service env --block-signal=TERM sh -c 'kill -s TERM $$ && exec "$@"' \
    sh "$BIN/logger-service" --fifo fifo --log log
  finish service
  [[ ! -e fifo ]]
}

@test "Ctrl-C in an application that waits" {
  for signal in INT TERM; do
    start app logger-app --fifo fifo
    wait_for app "waiting for logger-service"
    stop app $signal
    finish app $((128 + $(kill -l $signal)))
    [[ ! -e fifo ]]
  done
}

@test "each line goes into the log by one write(2)" {
  strace -o probe true 2> /dev/null || skip "strace may not trace here"
  # -D: the service keeps its pid, and strace is the process beside it.
  start service strace -D -f -y -e trace=write -o trace "$BIN/logger-service" --fifo fifo --log log
  wait_for service "reading fifo"
  run_to_end logger-app 0 --fifo fifo one "$(printf '%5000s' two)" three
  stop service
  finish service
  wait_until nothing_runs
  [[ $(grep -c "write([0-9]*<$PWD/log>" trace) == 3 && $(wc -l < log) == 3 ]]
}

nothing_runs() { [[ -z $(processes) ]]; }

@test "kill -9 of the service: what is in the log stays whole; a restart appends" {
  for line in 10 50 100 200 400; do
    serve
    apps 10 1000 --wait 0
    wait_for_log "line $line "
    stop service KILL
    finish service 137
    finish apps
    rm status
    [[ -p fifo ]] # left behind: the next run takes it over
    cp log before
    serve
    run_to_end logger-app 0 --fifo fifo "restarted"
    serve_no_more
    cmp before <(head -c "$(stat -c %s before)" log)
    if [[ $(tail -c 1 before | od -An -tx1) != " 0a" ]]; then
      # The kernel stopped in the middle of the last write(2), where a page of the file ends.
      (($(stat -c %s before) % $(getconf PAGESIZE) == 0))
      grep -q ' \[cut\]$' log
      sed -i '/ \[cut\]$/d' log
    fi
    [[ $(messages | tail -n 1) == restarted ]]
    messages | sed '$d' > kept
    [[ -s kept ]]
    if grep -vxE 'writer [0-9]+ line [0-9]+ x* end' kept; then return 1; fi
    rm log
  done
}

@test "a line that was torn is marked, the next one starts afresh" {
  printf '[Thu Jan  1 00:00:00 1970] whole\n[Thu Jan  1 00:00:00 1970] to' > log
  serve
  says service "the last line of log is torn, marked as cut"
  run_to_end logger-app 0 --fifo fifo "next"
  serve_no_more
  logged <<< $'whole\nto [cut]\nnext'
}

@test "the service killed half-way: the application says so and exits 1" {
  serve
  freeze service
  mapfile -t messages < <(yes "$(printf '%4000s' x)" | head -50) # more than a pipe holds
  start app logger-app --fifo fifo "${messages[@]}"
  wait_until has_open app fifo
  stop service KILL
  finish service 137
  finish app 1
  one_error app "write fifo: the service has gone (EPIPE): start logger-service again"
  rm fifo
}

@test "a full pipe makes the application wait, not fail" {
  serve
  freeze service
  mapfile -t messages < <(seq -f "%04000g" 50)
  start app logger-app --fifo fifo "${messages[@]}"
  wait_until blocked_in_write app
  stop service CONT
  finish app
  serve_no_more
  printf '%s\n' "${messages[@]}" | logged
}

@test "the application killed half-way: the service goes on" {
  serve
  start_typing writer sh -c 'exec cat > fifo'
  type_in writer "one"
  wait_for_log one
  stop writer KILL
  finish writer 137
  run_to_end logger-app 0 --fifo fifo "two"
  serve_no_more
  logged <<< $'one\ntwo'
}

@test "a message with newlines is several lines; an empty one is an empty line" {
  serve
  run_to_end logger-app 0 --fifo fifo $'one\ntwo\n' "" "three" $'four\n\nfive'
  serve_no_more
  logged <<< $'one\ntwo\n\nthree\nfour\n\nfive'
}

@test "bytes that are no UTF-8 arrive as they are" {
  serve
  run_to_end logger-app 0 --fifo fifo $'\xff\xfe caf\xe9'
  serve_no_more
  LC_ALL=C messages > kept
  cmp kept <(printf '\xff\xfe caf\xe9\n')
}

@test "a line of 4,095 bytes is whole, a longer one is cut by the application, and it says so" {
  longest=$(head -c 4095 /dev/zero | tr '\0' x)
  serve
  run_to_end logger-app 0 --fifo fifo "$longest"
  silent logger-app
  run_to_end logger-app 0 --fifo fifo "${longest}y" "short" "$longest$longest"
  says logger-app "lines longer than 4095 bytes, cut: 2"
  serve_no_more
  run ! grep "cut" "$LOGS/service.err" # they came no longer than allowed
  cut=$(head -c 4089 /dev/zero | tr '\0' x)
  printf '%s\n' "$longest" "$cut [cut]" "short" "$cut [cut]" | logged
}

@test "no UTF-8 character is cut in half" {
  serve
  for shift in "" a ab; do # 3 bytes each: the limit falls on each of them
    run_to_end logger-app 0 --fifo fifo "$shift$(printf '€%.0s' {1..2000})"
    into_fifo "printf '$shift'; printf '€%.0s' {1..2000}; echo"
  done
  serve_no_more
  [[ $(messages | grep -c '€ \[cut\]$') == 6 ]]
  iconv -f UTF-8 -t UTF-8 log > /dev/null
}

@test "over-long lines of other writers: cut, counted, and in bounded memory" {
  serve
  into_fifo "head -c 64M /dev/zero | tr '\\0' x; echo; echo short"
  into_fifo "head -c 4096 /dev/zero | tr '\\0' y; echo; printf 'no newline'"
  memory=$(awk '/^VmHWM/ { print $2 }' "/proc/${PID[service]}/status")
  serve_no_more
  says service "lines longer than 4095 bytes, cut: 2"
  {
    head -c 4089 /dev/zero | tr '\0' x
    printf ' [cut]\nshort\n'
    head -c 4089 /dev/zero | tr '\0' y
    printf ' [cut]\nno newline\n'
  } | logged
  ((memory < 30000)) || { echo "$memory KiB"; false; }
}

@test "a second service on the same FIFO is refused, the first goes on" {
  serve
  run_to_end logger-service 1 --fifo fifo --log other
  one_error logger-service "fifo is locked (flock): another logger-service reads it"
  [[ ! -e other ]]
  run_to_end logger-app 0 --fifo fifo
  serve_no_more
  logged <<< $'Application started\nProcessing complete'
}

@test "ten services at once: one of them serves" {
  for number in {0..9}; do
    start "service$number" logger-service --fifo fifo --log log
  done
  refused() { [[ $(cat "$LOGS"/service?.err | grep -c "is locked (flock)") == 9 ]]; }
  wait_until refused
  run_to_end logger-app 0 --fifo fifo
  for number in {0..9}; do
    if grep -q "is locked" "$LOGS/service$number.err"; then
      finish "service$number" 1
    else
      stop "service$number"
      finish "service$number"
    fi
  done
  [[ ! -e fifo ]]
  logged <<< $'Application started\nProcessing complete'
}

@test "a service that ends leaves the FIFO of its successor alone" {
  serve
  rm fifo
  start next logger-service --fifo fifo --log next
  wait_for next "reading fifo"
  stop service
  finish service
  [[ -p fifo ]]
  run_to_end logger-app 0 --fifo fifo "two"
  stop next
  finish next
  mv next log
  logged <<< "two"
}

@test "no service: one error that says what to start" {
  run_to_end logger-app 1 --fifo fifo --wait 0
  one_error logger-app "there is no fifo: start logger-service first (in another terminal: cargo run -q --bin logger-service -- --fifo fifo)"
  run_to_end logger-app 1 --fifo missing/fifo --wait 1
  one_error logger-app "there is no missing/fifo: start logger-service first"
  mkfifo fifo # of a service that was killed
  run_to_end logger-app 1 --fifo fifo --wait 0
  one_error logger-app "nobody reads fifo: start logger-service first"
  rm fifo
}

@test "what is not a FIFO of ours is refused by name; nothing is touched" {
  echo precious > file
  mkdir folder
  mkfifo real
  ln -s real link
  for program in logger-service logger-app; do
    run_to_end $program 1 --fifo file
    one_error $program "file is a regular file, left as it is"
    run_to_end $program 1 --fifo folder
    one_error $program "folder is a directory"
    run_to_end $program 1 --fifo link
    one_error $program "link is a symbolic link"
    run_to_end $program 1 --fifo file/fifo
    one_error $program "file/fifo: ENOTDIR"
  done
  run_to_end logger-service 1 --fifo missing/fifo
  one_error logger-service "mkfifo missing/fifo: ENOENT"
  [[ $(cat file) == precious && -d folder && -L link && ! -e system.log ]]
  rm real
}

@test "another user's FIFO is refused" {
  mkfifo fifo
  chmod 666 fifo
  foreign fifo
  for program in logger-service logger-app; do
    run_to_end $program 1 --fifo fifo
    one_error $program "fifo is a FIFO of another user"
  done
  rm fifo
}

@test "no permission" {
  mkdir closed
  touch readonly
  chmod 0 closed readonly
  for program in logger-service logger-app; do
    start_unprivileged denied $program --fifo closed/fifo
    finish denied 1
    one_error denied "closed/fifo: EACCES"
  done
  for log in closed/log readonly; do
    start_unprivileged denied logger-service --fifo fifo --log $log
    finish denied 1
    one_error denied "open the log $log: EACCES"
    [[ ! -e fifo ]]
  done
}

@test "a log that cannot be opened: a named error, and no FIFO is left" {
  mkdir folder
  mkfifo pipe
  run_to_end logger-service 1 --fifo fifo --log missing/log
  one_error logger-service "open the log missing/log: ENOENT"
  run_to_end logger-service 1 --fifo fifo --log folder
  one_error logger-service "open the log folder: EISDIR"
  run_to_end logger-service 1 --fifo fifo --log pipe
  one_error logger-service "open the log pipe: ENXIO"
  [[ ! -e fifo ]]
  rm pipe
}

@test "a log that cannot be written is an error, not silence" {
  start service logger-service --fifo fifo --log /dev/full
  wait_for service "reading fifo"
  run_to_end logger-app 0 --fifo fifo "message"
  finish service 1
  one_error service "write the log /dev/full: ENOSPC"
  [[ ! -e fifo ]]
}

@test "bad arguments, and --help" {
  for program in logger-service logger-app; do
    run_to_end $program 2 --wrong
    says $program "unexpected argument '--wrong'"
    run_to_end $program 0 --help
    grep -qF "/tmp/logpipe" "$LOGS/$program.out"
  done
  run_to_end logger-service 2 message
  run_to_end logger-app 2 --wait soon
  says logger-app "invalid value 'soon' for '--wait <SECONDS>'"
}

@test "output that nobody reads: neither prints any" {
  start_unread service logger-service --fifo fifo --log log
  wait_for service "reading fifo"
  start_unread app logger-app --fifo fifo
  finish app
  serve_no_more
  logged <<< $'Application started\nProcessing complete'
}
