# shellcheck shell=bash
# What the lessons make that can outlive them, under the names they take when they are given
# none. `make clean-ipc` knows no other; tests/clean-ipc.bats compares this list with the programs.
#
#   leftover KIND NAME LESSON[=SIZE]...     (an exercise, too)
#
# KIND         NAME                              SIZE
# queue        the letter of ftok(DIR, letter)
# segment      the letter                        bytes
# semaphores   the letter                        how many
# mqueue, shm  the name, with its slash          bytes, for shm
# (KEY as a letter, or in a name: any letter's, where it is for the student to choose; the size ? likewise)
# fifo, socket the path
# folder       the path; XXXXXX as in mkdtemp(3)
#
# All of it has mode 0600, a folder 0700. What has no name (IPC_PRIVATE: sysv-msgq-types, sysv-sem,
# shm-race, deadlock, timeouts) cannot be told from another program's, and is not here.

LEFTOVERS=()
leftover() { LEFTOVERS+=("$*"); }

leftover queue M sysv-msgq fix-msg-type
leftover queue KEY task-queue
leftover segment S sysv-shm=1024 producer-consumer=48 fix-shm-race=8 fix-shm-leftover=8192 'shm-database=?'
leftover semaphores E producer-consumer=3
leftover semaphores S shm-database
leftover mqueue /myqueue posix-msgq
leftover mqueue /exercise_queue fix-queue-full
leftover mqueue /task-queue-KEY task-queue
leftover shm /myshm posix-shm=4096 posix-shm=0 # 0: killed before it had a size
leftover shm /shm-database-KEY shm-database
leftover shm /sem.shm-database-KEY shm-database # a POSIX semaphore: sem_overview(7)
leftover fifo /tmp/example_fifo fifo
leftover fifo /tmp/exercise_fifo fix-fifo-open
leftover folder /tmp/fifo-open-modes-XXXXXX fifo-open-modes
leftover fifo /tmp/logpipe logger
leftover socket /tmp/chat_socket chat
leftover socket /tmp/my_socket unix-echo
leftover fifo /tmp/cleanup_fifo cleanup
leftover folder /tmp/cleanup-XXXXXX cleanup
leftover fifo /tmp/graceful_fifo graceful-shutdown
