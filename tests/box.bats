#!/usr/bin/env bats
load harness

# The box in which the grader runs a student's programs: what a program finds there, and what looks in.

setup_file() {
  "$BIN/ipc-grade" canary 2> /dev/null | grep -q 'level 1' || export SKIP_ALL="no boxes here: make doctor"
}

# make_box: as tests/exercise.bash does it, with the programs that this test has put into bin.
make_box() {
  local key value uid=()
  ((EUID)) || uid=(--uid 60999)
  mkdir -p bin work
  chmod 755 . bin
  mkfifo "$LOGS/box.in" "$LOGS/box.out"
  "$BIN/ipc-grade" box --level 1 "${uid[@]}" --dir work --bin "$DIR/bin" < "$LOGS/box.in" > "$LOGS/box.out" 2> "$LOGS/box.err" 3>&- 4>&- &
  BOX_PID=$!
  exec {BOX}> "$LOGS/box.in"
  ENTER=() OBSERVE=() INSPECT=()
  while IFS=' ' read -r key value && [[ -n $key ]]; do
    case $key in
      dir) SEEN=$value ;;
      enter) ENTER+=("$value") ;;
      observe) OBSERVE+=("$value") ;;
      look) INSPECT+=("$value") ;;
    esac
  done < "$LOGS/box.out"
  ((${#INSPECT[@]})) || { cat "$LOGS/box.err"; return 1; }
}

enter() { "${ENTER[@]}" -- "$@"; }
look() { "${INSPECT[@]}" "$@"; }

end_box() {
  exec {BOX}>&-
  wait "$BOX_PID" || { cat "$LOGS/box.err"; return 1; }
}

# compile NAME: a C program from the standard input, into bin.
compile() {
  command -v cc > /dev/null || skip "no C compiler here"
  mkdir -p bin
  cc -x c -o "bin/$1" -
}

@test "a program finds no descriptor but three, no environment of ours, and no rights" {
  make_box
  exec 57< /dev/null
  SECRET_TOKEN=x enter sh -c 'ls /proc/self/fd; env; grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status' > seen
  exec 57<&-
  # ls has the directory open itself.
  diff -u - <(head -n 4 seen) <<< $'0\n1\n2\n3'
  diff -u - <(sed -n '/=/s/=.*//p' seen | sort) <<< $'HOME\nMALLOC_ARENA_MAX\nPATH\nPWD\nTMPDIR'
  [[ $(grep -c '^Cap.*:.0000000000000000$' seen) == 5 ]] || { cat seen; return 1; }
  grep -q '^NoNewPrivs:.1$' seen
  grep -q '^Seccomp:.2$' seen
  end_box
}

@test "what it reads from a file it cannot write" {
  make_box
  echo secret > input
  chmod 666 input
  # shellcheck disable=SC2016
  enter sh -c 'read -r line; echo "$line"; echo forged > /proc/self/fd/0' < input > output 2> errors || true
  [[ $(< output) == secret && $(< input) == secret ]]
  grep -qi "not permitted" errors
  end_box
}

@test "it ends as the program ends, also of a signal" {
  make_box
  run enter sh -c 'exit 7'
  ((status == 7))
  # shellcheck disable=SC2016
  run enter sh -c 'kill -s USR1 $$'
  ((status == 128 + 10))
  run enter no-such-program
  ((status == 1))
  [[ $output == *"exec no-such-program"* ]]
  end_box
}

@test "calls that would escape the trace end the program, others fail" {
  # shellcheck disable=SC1003
  compile calls << 'END'
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv) {
  long number = atol(argv[1]), first = strtol(argv[2], 0, 0);
  long result = syscall(number, first, 0, 0, 0, 0);
  printf("%ld %d\n", result, result < 0 ? errno : 0);
}
END
  make_box
  local number
  # io_uring_setup; clone with CLONE_UNTRACED | SIGCHLD.
  run enter /programs/calls 425 1
  ((status == 128 + 31)) || { echo "$output"; return 1; }
  number=56
  [[ $(uname -m) == x86_64 ]] || number=220
  run enter /programs/calls "$number" $((0x00800000 | 17))
  ((status == 128 + 31)) || { echo "$output"; return 1; }
  if [[ $(uname -m) == x86_64 ]]; then
    # getpid of x32.
    run enter /programs/calls $((0x40000000 + 39)) 0
    ((status == 128 + 31)) || { echo "$output"; return 1; }
    # ptrace, unshare of a user namespace, keyctl, setns, seccomp, prctl(PR_SET_SECCOMP): EPERM. clone3: ENOSYS.
    for number in "101 0" "272 0x10000000" "250 0" "308 0" "317 1" "157 22"; do
      # shellcheck disable=SC2086  # two words
      run enter /programs/calls $number
      [[ $output == "-1 1" ]] || { echo "$number: $output"; return 1; }
    done
    run enter /programs/calls 435 0
    [[ $output == "-1 38" ]]
  fi
  end_box
}

waits() { [[ -n $(look processes) ]]; }

@test "two programs cannot look at each other, nor at what keeps the box" {
  ! "$BIN/ipc-grade" canary | grep -q 'without landlock' || skip "no landlock here"
  make_box
  enter mkfifo gate
  enter sh -c 'read -r line < gate' &
  local other=$! pid
  wait_until waits
  enter sh -c 'cat /proc/[0-9]*/environ | tr "\0" "\n" | grep -c ^PATH; ls -l /proc/[0-9]*/fd/0 | grep -c "> "' > seen 2> errors || true
  # Its own shell, cat and tr; not the other program, and neither of the two that keep the box.
  grep -q 'Permission denied' errors
  # shellcheck disable=SC2016
  enter sh -c 'for pid in /proc/[0-9]*; do [ "$pid" = "/proc/$$" ] || readlink "$pid/fd/0"; done' > links || true
  run ! grep -q . links
  pid=$(look processes | head -n 1)
  [[ -n $pid ]]
  enter sh -c 'echo > gate; rm gate'
  wait "$other"
  end_box
}

@test "what looks in follows no link and takes no FIFO, and lists hostile names in a line each" {
  make_box
  # shellcheck disable=SC2016
  enter sh -c 'echo inside > file; ln -s /etc/passwd link; ln -s . dir; mkfifo fifo; echo > "/dev/shm/a
ok 1 b"'
  [[ $(look read file) == inside ]]
  local path
  for path in link dir/file fifo ../etc/passwd /etc/passwd missing; do
    run look read "$path"
    ((status == 1)) || { echo "$path: $output"; return 1; }
  done
  enter rm fifo
  [[ $(look objects | grep -c /dev/shm) == 1 ]] || { look objects; return 1; }
  # shellcheck disable=SC2016
  run look objects
  [[ $output == *'/dev/shm/a\x0aok 1 b'* ]]
  enter ipcmk -Q > /dev/null
  look objects | grep -qE '^msg key [0-9-]+ id 0$'
  # Not one of the machine's.
  run ! grep -q . <(ipcs -q | grep -w 60999)
  end_box
}

@test "a partner of ours is outside: the box's programs do not see it" {
  make_box
  "${OBSERVE[@]}" -- sh -c 'grep -h ^Cap /proc/self/status; cat /proc/sysvipc/msg | wc -l; exec sleep 60' > partner 2>&1 &
  local partner=$!
  wait_until grep -q '^1$' partner
  run ! grep -q 'Cap.*[1-9a-f]$' partner
  enter sh -c 'cat /proc/[0-9]*/cmdline' | tr '\0' ' ' > seen
  run ! grep -q 'sleep 60' seen
  kill "$partner"
  # With --mounts it sees the box's files alone.
  enter ln -s /etc/hostname link
  run "${OBSERVE[@]}" --mounts -- cat link
  ((status == 1))
  run "${OBSERVE[@]}" --mounts -- sh -c 'echo here > file; ls /work'
  [[ $output == *file*link* ]] || { echo "$output"; return 1; }
  end_box
}

has_gone() { [[ ! -e /proc/$1 ]]; }

@test "a box that has ended says so, and leaves nothing" {
  make_box
  local init
  init=$(printf '%s\n' "${ENTER[@]}" | sed -n 's/^--init=//p')
  kill -KILL "$init"
  wait_until has_gone "$init"
  run enter true
  ((status == 1))
  run look objects
  ((status == 1))
  exec {BOX}>&-
  run ! wait "$BOX_PID"
}
