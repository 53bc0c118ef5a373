#!/usr/bin/env bats
# Message queues, with the tutorial's C programs.
load ../harness
load languages

one_after_the_other() {
  start sysv-msgq-sender "$1"
  finish sysv-msgq-sender
  start sysv-msgq-receiver "$2"
  finish sysv-msgq-receiver
  prints sysv-msgq-sender
  prints sysv-msgq-receiver
}

@test "sysv-msgq: every pair" {
  each_pair sysv-msgq-sender sysv-msgq-receiver one_after_the_other
}

posix() {
  start posix-msgq-sender "$1"
  finish posix-msgq-sender
  start posix-msgq-receiver "$2"
  finish posix-msgq-receiver
  prints posix-msgq-sender
  prints posix-msgq-receiver
}

@test "posix-msgq: every pair" {
  each_pair posix-msgq-sender posix-msgq-receiver posix
}
