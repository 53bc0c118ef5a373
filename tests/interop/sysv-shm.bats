#!/usr/bin/env bats
# System V shared memory and semaphores, with the tutorial's C programs.
load ../harness
load languages

text() {
  start sysv-shm-writer "$1"
  finish sysv-shm-writer
  start sysv-shm-reader "$2"
  finish sysv-shm-reader
  prints sysv-shm-writer
  prints sysv-shm-reader
}

@test "sysv-shm: every pair" {
  each_pair sysv-shm-writer sysv-shm-reader text
}

ring() {
  start producer "$1"
  wait_for producer "Produced item 1 " # the C consumer cannot wait for it
  start consumer "$2"
  finish producer
  finish consumer
  prints producer
  prints consumer
}

@test "producer-consumer: every pair" {
  each_pair producer consumer ring
}

@test "a producer killed half-way, a consumer in Rust: it says so within a second" {
  for language in c rust; do
    UNDER=(stdbuf -oL)
    start producer "$(the $language producer)"
    wait_for producer "Produced item 1 "
    start consumer consumer
    wait_for consumer "Consumed item 1 "
    stop producer KILL
    finish producer 137
    finish consumer 1
    one_error consumer "the producer has gone"
  done
}

@test "a consumer killed half-way, a producer in Rust: it says so and removes both objects" {
  for language in c rust; do
    UNDER=(stdbuf -oL)
    start producer producer
    wait_for producer "Produced item 1 "
    start consumer "$(the $language consumer)"
    wait_for consumer "Consumed item 1 "
    stop consumer KILL
    finish consumer 137
    finish producer 1
    one_error producer "the consumer has gone"
  done
}

@test "a C producer killed while it sleeps: the next run in Rust starts clean" {
  UNDER=(stdbuf -oL)
  start producer "$(the c producer)"
  wait_for producer "Produced item 10 "
  stop producer KILL
  finish producer 137
  start producer producer
  wait_for producer "Produced item 1 "
  run_to_end consumer 0
  finish producer
  prints producer
  prints consumer
}
