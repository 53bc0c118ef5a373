#!/usr/bin/env bats
# make doctor: what it says is what the machine has, and what it lacks comes with a command.
load harness

doctor() { start doctor env "$@" "$ROOT/scripts/doctor"; }

# verdict NAME, value NAME: of that row.
verdict() { sed -nE "s#^  (ok|missing|mend) +$1 .*#\1#p" "$LOGS/doctor.out"; }
value() { sed -nE "s#^  (ok|missing|mend) +$1 +##p" "$LOGS/doctor.out"; }
# remedy NAME: the command below it.
remedy() { grep -E -A 1 "^  (missing|mend) +$1 " "$LOGS/doctor.out" | sed -nE 's/^ +with: //p'; }

prints() { grep -qF -- "$1" "$LOGS/doctor.out" || { echo "expected: $1"; show doctor; return 1; }; }

# without COMMAND...: in bin/ everything that doctor looks for or runs, but these.
without() {
  local command
  mkdir bin
  for command in apt-get awk bash bats cargo cat cc cut df dirname echo env find grep head ipcs ls make rustup setpriv \
    shellcheck sort ss stat strace sysctl tail tmux tr uname unshare wc; do
    [[ " $* " == *" $command "* ]] || ln -s "$(type -P "$command")" bin/ 2> /dev/null || true
  done
}

@test "every row is ok, missing or mend, and a command follows what is not ok" {
  doctor
  finish doctor
  silent doctor
  awk '
    /^  (ok|missing|mend) / { rows++; if (waiting) exit bad = 1; waiting = $1 != "ok"; next }
    /^          with: ./ { if (!waiting) exit bad = 1; waiting = 0; next }
    !/^\$ / && !/^$/ && !/^[A-Z][A-Za-z ,\/()*-]+$/ && !/^[0-9]+ ok, [0-9]+ missing, [0-9]+ to mend$/ { print "odd: " $0; bad = 1 }
    END { exit bad || waiting || rows < 25 }
  ' "$LOGS/doctor.out"
  # Each row says who needs it, in a column of its own.
  run ! grep -E '^  (ok|missing|mend) .* $' "$LOGS/doctor.out"
  local total
  total=$(grep -cE '^  (ok|missing|mend) ' "$LOGS/doctor.out")
  prints "$(grep -c '^  ok' "$LOGS/doctor.out") ok, $(grep -c '^  missing' "$LOGS/doctor.out") missing, $(grep -c '^  mend' "$LOGS/doctor.out") to mend"
  ((total > 25))
}

@test "its values are those of /proc" {
  run_to_end sysv-msgq-sender 0
  doctor
  finish doctor
  in_proc() { cat "/proc/sys/$1"; }
  [[ $(value 'Linux[*]') == "$(uname -r) "* ]]
  prints "$(awk 'FNR > 1' /proc/sysvipc/msg | wc -l) of $(in_proc kernel/msgmni) used; $(in_proc kernel/msgmax) bytes each, $(in_proc kernel/msgmnb) a queue"
  prints "$(awk 'FNR > 1' /proc/sysvipc/shm | wc -l) of $(in_proc kernel/shmmni) used; up to $(in_proc kernel/shmmax) bytes"
  prints "of $(cut -f4 /proc/sys/kernel/sem) sets used; up to $(cut -f1 /proc/sys/kernel/sem) in one"
  prints "up to $(in_proc fs/mqueue/queues_max); $(in_proc fs/mqueue/msg_max) messages of $(in_proc fs/mqueue/msgsize_max) bytes in one"
  for name in fifos regular symlinks hardlinks; do
    [[ $(value "fs.protected_$name") == "$(in_proc fs/protected_$name)"[\ :]* ]]
    case $(in_proc fs/protected_$name) in
      0) [[ $(verdict "fs.protected_$name") == mend && $(remedy "fs.protected_$name") == *"fs.protected_$name=1"* ]] ;;
      *) [[ $(verdict "fs.protected_$name") == ok ]] ;;
    esac
  done
  [[ $(value "/dev/shm") == *" of $(df -k --output=size /dev/shm | tail -n 1 | tr -d ' ') KiB free "* ]]
  [[ $(value "open files") == "$(ulimit -Hn) "* ]]
  [[ $(value 'cargo[*]') == "$(cargo --version | cut -d' ' -f2) "* ]]
  ipcrm -q "$(sed -nE 's/.*ID: ([0-9]+).*/\1/p' "$LOGS/sysv-msgq-sender.out")"
}

@test "tmux and bats are missing: it says so, with the command" {
  without tmux bats
  cp -r "$ROOT/scripts" . # beside it, no target/tools
  start doctor env PATH="$DIR/bin" bash scripts/doctor
  finish doctor
  [[ $(verdict tmux) == missing && $(verdict bats) == missing ]]
  if command -v apt-get; then [[ $(remedy tmux) == *"apt-get install tmux" ]]; fi
  [[ $(remedy bats) == "make tools" ]]
  [[ $(verdict bubblewrap) == missing && $(verdict zip) == missing ]]
  mkdir -p target/tools/bats/bin
  touch target/tools/bats/bin/bats
  start doctor env PATH="$DIR/bin" bash scripts/doctor
  finish doctor
  [[ $(verdict bats) == ok ]]
}

@test "without cargo or a linker nothing runs: exit status 1" {
  without cargo cc
  start doctor env PATH="$DIR/bin" bash "$ROOT/scripts/doctor"
  finish doctor 1
  [[ $(verdict 'cargo[*]') == missing && $(remedy 'cargo[*]') == *"https://sh.rustup.rs | sh" ]]
  [[ $(verdict 'cc[*]') == missing ]]
  prints "Nothing runs without the rows marked * that are not ok."
}

@test "an old cargo" {
  mkdir old
  printf '#!/bin/sh\necho cargo 1.75.0 "(1d8b05cdd 2023-11-20)"\n' > old/cargo
  chmod +x old/cargo
  doctor PATH="$DIR/old:$PATH"
  finish doctor 1
  [[ $(verdict 'cargo[*]') == mend && $(value 'cargo[*]') == "1.75.0, older than 1.85 "* ]]
  [[ $(remedy 'cargo[*]') == *rustup* ]]
}

@test "without procps and apt-get it still answers" {
  without sysctl apt-get ss tmux
  doctor PATH="$DIR/bin" IPC_LAB_PROC="$DIR/proc"
  finish doctor
  silent doctor
  [[ $(remedy tmux) == "the package that this system has for Debian's tmux" ]]
  [[ $(verdict "System V IPC") == missing ]]
}

# A copy of what it reads, to change.
copy_of_proc() {
  local file
  for file in sys/kernel/{msgmni,msgmax,msgmnb,shmmni,shmmax,sem} sys/fs/mqueue/{queues_max,msg_max,msgsize_max} \
    sys/fs/protected_{fifos,regular,symlinks,hardlinks} sysvipc/{msg,shm,sem} net/{tcp,udp}; do
    mkdir -p "proc/${file%/*}"
    cat "/proc/$file" > "proc/$file"
  done
}

@test "limits that are too low, and how to raise them" {
  copy_of_proc
  echo 1000 > proc/sys/kernel/msgmnb
  echo 0 > proc/sys/kernel/shmmni
  echo 5 > proc/sys/fs/mqueue/msg_max
  echo 0 > proc/sys/fs/protected_fifos
  echo 2 > proc/sys/fs/protected_regular
  rm proc/sys/fs/protected_hardlinks
  doctor IPC_LAB_PROC="$DIR/proc"
  finish doctor
  [[ $(grep -c '^  mend    message queues' "$LOGS/doctor.out") == 2 ]]
  [[ $(remedy "message queues") == *"kernel.msgmnb=16384"*"fs.mqueue.msg_max=10"* ]]
  [[ $(verdict "shared memory") == mend && $(remedy "shared memory") == "make clean-ipc, or "*"kernel.shmmni=4096"* ]]
  [[ $(verdict "fs.protected_fifos") == mend && $(remedy "fs.protected_fifos") == *"fs.protected_fifos=1"* ]]
  [[ $(verdict "fs.protected_regular") == ok && $(verdict "fs.protected_hardlinks") == missing ]]
}

@test "namespaces are refused: what Ubuntu 24.04 needs for them" {
  copy_of_proc
  echo 1 > proc/sys/kernel/apparmor_restrict_unprivileged_userns
  mkdir refusing
  printf '#!/bin/sh\nexit 1\n' | tee refusing/bwrap > refusing/unshare
  chmod +x refusing/*
  doctor PATH="$DIR/refusing:$PATH" IPC_LAB_PROC="$DIR/proc"
  finish doctor
  for row in bubblewrap "user namespaces"; do
    [[ $(verdict "$row") == mend ]]
    [[ $(remedy "$row") == *apparmor_restrict_unprivileged_userns* ]]
  done
}

@test "/dev/mqueue: mounted or not" {
  doctor IPC_LAB_MQUEUE="$DIR"
  finish doctor
  [[ $(verdict "/dev/mqueue") == missing ]]
  [[ $(remedy "/dev/mqueue") == *"mount -t mqueue none $DIR" || $(remedy "/dev/mqueue") == *"--cap-add SYS_ADMIN" ]]
  [[ -n ${IPC_LAB_NAMESPACE:-} ]] || skip "nothing is mounted here to look at"
  doctor
  finish doctor
  [[ $(verdict "/dev/mqueue") == ok ]]
}

@test "port 8080, taken and free" {
  [[ $("$BIN/tcp-echo-server" --help) == *"[default: 127.0.0.1:8080]"* ]]
  local net=(unshare --net)
  "${net[@]}" true 2> /dev/null || net=(unshare --user --map-root-user --net)
  "${net[@]}" true 2> /dev/null || skip "unshare is refused"
  # In a network namespace of its own, where nobody else has it. Its lo is down: 0.0.0.0.
  # shellcheck disable=SC2016  # the inner shell's variables
  start doctor "${net[@]}" bash -c '
    coproc server { exec "$1/tcp-echo-server" 0.0.0.0:8080; }
    read -r line <&"${server[0]}"
    "$2/scripts/doctor"; status=$?
    echo "server: $server_PID"
    kill "$server_PID"; wait "$server_PID"
    exit "$status"' bash "$BIN" "$ROOT"
  finish doctor
  local pid
  pid=$(sed -n 's/^server: //p' "$LOGS/doctor.out")
  [[ $(verdict "port 8080") == mend && $(value "port 8080") == "taken by tcp-echo-server, pid $pid "* ]]
  [[ $(remedy "port 8080") == "kill $pid, or another ADDR: cargo run -q --bin tcp-echo-server 127.0.0.1:0" ]]
  start doctor "${net[@]}" "$ROOT/scripts/doctor"
  finish doctor
  [[ $(verdict "port 8080") == ok && $(verdict IPv6) == missing ]]
}

@test "in a container: what cannot be mended from inside is said" {
  # Without CAP_SYS_ADMIN in the bounding set nobody in here can mount.
  local UNDER=(setpriv --bounding-set=-sys_admin)
  # shellcheck disable=SC2016  # of awk
  (((0x$("${UNDER[@]}" awk '/^CapBnd/ { print $2 }' /proc/self/status) >> 21 & 1) == 0)) ||
    skip "only root can give up capabilities"
  doctor IPC_LAB_MQUEUE="$DIR"
  finish doctor
  [[ $(remedy "/dev/mqueue") == "not from inside this container, which lacks CAP_SYS_ADMIN: start it with --cap-add SYS_ADMIN" ]]
  unshare --mount true || skip "unshare is refused"
  # And with /proc/sys mounted read-only, nobody can set a sysctl.
  copy_of_proc
  echo 1000 > proc/sys/kernel/msgmnb
  echo 0 > proc/sys/fs/protected_fifos
  UNDER=(unshare --mount)
  # shellcheck disable=SC2016  # the inner shell's variables
  start doctor bash -c 'mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys && IPC_LAB_PROC=$PWD/proc exec "$1"' \
    bash "$ROOT/scripts/doctor"
  finish doctor
  [[ $(remedy "message queues") == "not from inside this container: start it with --sysctl kernel.msgmax=8192 --sysctl kernel.msgmnb=16384" ]]
  [[ $(remedy "fs.protected_fifos") == "not from inside this container: sysctl fs.protected_fifos=1 on its host" ]]
}

@test "colour on a terminal alone, and not with NO_COLOR" {
  doctor
  finish doctor
  run ! grep -q $'\e' "$LOGS/doctor.out"
  command -v script > /dev/null || skip "script is not installed"
  start doctor script -qec "$ROOT/scripts/doctor" /dev/null
  finish doctor
  grep -q $'\e\[32mok' "$LOGS/doctor.out"
  start doctor env NO_COLOR=1 script -qec "$ROOT/scripts/doctor" /dev/null
  finish doctor
  run ! grep -q $'\e' "$LOGS/doctor.out"
}

@test "make doctor; bad arguments; --help; output that nobody reads" {
  start doctor make -s -C "$ROOT" doctor
  finish doctor
  prints "System V IPC"
  start doctor "$ROOT/scripts/doctor" wrong
  finish doctor 2
  says doctor "it takes no arguments"
  start doctor "$ROOT/scripts/doctor" --help
  finish doctor
  prints "Exit status: 0, or 1 if"
}
