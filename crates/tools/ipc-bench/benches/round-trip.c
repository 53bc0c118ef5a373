// The least that a round trip can be in C: the calls of one mechanism in a loop, and nothing else.
// ipc-bench --versus runs it beside its own rows, in the same repetitions.
//
// cc -O2 round-trip.c -o round-trip && echo | ./round-trip pipe 64 100 0
// MECHANISM BYTES MS PROCESSOR: for each line that it reads measures MS milliseconds and prints the
// nanoseconds of a round trip, both processes on that processor; exits with 2 if it does not know the
// mechanism.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NEED(call) do { if ((call) == -1) { perror(#call); exit(1); } } while (0)

static size_t size;
static char *message;                // this process's own copy
static struct { long type; char text[1 << 16]; } *letter;
static int in[2], out[2];            // descriptors or queues, [0] the parent's and [1] the child's
static int side;                     // 0 the parent, 1 the child
static int queue = -1, set = -1;
static char *slot[2];                // shared memory, one slot for each direction
static struct gate { sem_t sem; atomic_int value; } *gate;

static void write_all(void) {
  for (size_t done = 0; done < size;) {
    ssize_t n = write(out[side], message + done, size - done);
    NEED(n);
    done += n;
  }
}
static void read_all(void) {
  for (size_t done = 0; done < size;) {
    ssize_t n = read(in[side], message + done, size - done);
    NEED(n);
    done += n;
  }
}

static void send_mq(void) { NEED(mq_send(out[side], message, size, 0)); }
static void receive_mq(void) { NEED(mq_receive(in[side], message, size, NULL)); }

static void send_sysv(void) {
  letter->type = 1 + side;
  memcpy(letter->text, message, size);
  NEED(msgsnd(queue, letter, size, 0));
}
static void receive_sysv(void) {
  NEED(msgrcv(queue, letter, size, 2 - side, 0));
  memcpy(message, letter->text, size);
}

static void post_semaphore(int n) { NEED(sem_post(&gate[n].sem)); }
static void wait_semaphore(int n) { NEED(sem_wait(&gate[n].sem)); }
static void post_set(int n) { struct sembuf op = {n, 1, 0}; NEED(semop(set, &op, 1)); }
static void wait_set(int n) { struct sembuf op = {n, -1, 0}; NEED(semop(set, &op, 1)); }
static void post_event(int n) { eventfd_t one = 1; NEED(write(n ? out[0] : in[0], &one, 8)); }
static void wait_event(int n) { eventfd_t one; NEED(read(n ? out[0] : in[0], &one, 8)); }
static void post_futex(int n) {
  atomic_store(&gate[n].value, 1);
  syscall(SYS_futex, &gate[n].value, FUTEX_WAKE, 1, NULL);
}
static void wait_futex(int n) {
  while (!atomic_exchange(&gate[n].value, 0)) syscall(SYS_futex, &gate[n].value, FUTEX_WAIT, 0, NULL);
}

static void (*post)(int), (*wait_for)(int);
static void send_slot(void) { memcpy(slot[side], message, size); post(side); }
static void receive_slot(void) { wait_for(1 - side); memcpy(message, slot[1 - side], size); }

static void (*send_one)(void) = write_all, (*receive_one)(void) = read_all;

static void pair(int ends[2][2]) {
  in[0] = ends[0][0]; out[1] = ends[0][1];
  in[1] = ends[1][0]; out[0] = ends[1][1];
}

static void fifos(void) {
  char folder[] = "/tmp/round-trip.XXXXXX", name[64];
  int ends[2][2];
  if (!mkdtemp(folder)) { perror("mkdtemp"); exit(1); }
  snprintf(name, sizeof name, "%s/fifo", folder);
  for (int i = 0; i < 2; i++) {
    NEED(mkfifo(name, 0600));
    NEED(ends[i][0] = open(name, O_RDONLY | O_NONBLOCK));
    NEED(ends[i][1] = open(name, O_WRONLY));
    NEED(fcntl(ends[i][0], F_SETFL, 0));
    NEED(unlink(name));
  }
  NEED(rmdir(folder));
  pair(ends);
}

static void queues(void) {
  struct mq_attr attributes = {.mq_maxmsg = 10, .mq_msgsize = size};
  int ends[2][2];
  for (int i = 0; i < 2; i++) {
    char name[64];
    snprintf(name, sizeof name, "/round-trip-%d-%d", getpid(), i);
    NEED(ends[i][0] = ends[i][1] = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes));
    NEED(mq_unlink(name));
  }
  pair(ends);
  send_one = send_mq;
  receive_one = receive_mq;
}

static void sockets(int type) {
  int ends[2];
  NEED(socketpair(AF_UNIX, type, 0, ends));
  for (int i = 0; i < 2; i++) in[i] = out[i] = ends[i];
}

static void tcp(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int listener, ends[2], one = 1;
  NEED(listener = socket(AF_INET, SOCK_STREAM, 0));
  NEED(bind(listener, (struct sockaddr *)&address, length));
  NEED(getsockname(listener, (struct sockaddr *)&address, &length));
  NEED(listen(listener, 1));
  NEED(ends[0] = socket(AF_INET, SOCK_STREAM, 0));
  NEED(connect(ends[0], (struct sockaddr *)&address, length));
  NEED(ends[1] = accept(listener, NULL, NULL));
  for (int i = 0; i < 2; i++) {
    NEED(setsockopt(ends[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one));
    in[i] = out[i] = ends[i];
  }
}

static void shared(void (*posts)(int), void (*waits)(int)) {
  char *memory = mmap(NULL, 4096 + 2 * (1 << 16), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) { perror("mmap"); exit(1); }
  gate = (struct gate *)memory;
  for (int i = 0; i < 2; i++) {
    slot[i] = memory + 4096 + i * (1 << 16);
    NEED(sem_init(&gate[i].sem, 1, 0));
  }
  post = posts;
  wait_for = waits;
  send_one = send_slot;
  receive_one = receive_slot;
}

static int open_mechanism(const char *name) {
  int ends[2][2];
  if (!strcmp(name, "pipe")) { NEED(pipe(ends[0])); NEED(pipe(ends[1])); pair(ends); }
  else if (!strcmp(name, "fifo")) fifos();
  else if (!strcmp(name, "posix-mq")) queues();
  else if (!strcmp(name, "sysv-mq")) {
    NEED(queue = msgget(IPC_PRIVATE, 0600));
    send_one = send_sysv;
    receive_one = receive_sysv;
  }
  else if (!strcmp(name, "sysv-shm+sem")) { NEED(set = semget(IPC_PRIVATE, 2, 0600)); shared(post_set, wait_set); }
  else if (!strcmp(name, "posix-shm+futex")) shared(post_futex, wait_futex);
  else if (!strcmp(name, "posix-shm+sem")) shared(post_semaphore, wait_semaphore);
  else if (!strcmp(name, "eventfd")) {
    NEED(in[0] = eventfd(0, 0));
    NEED(out[0] = eventfd(0, 0));
    shared(post_event, wait_event);
  }
  else if (!strcmp(name, "unix-stream")) sockets(SOCK_STREAM);
  else if (!strcmp(name, "unix-seqpacket")) sockets(SOCK_SEQPACKET);
  else if (!strcmp(name, "unix-dgram")) sockets(SOCK_DGRAM);
  else if (!strcmp(name, "tcp")) tcp();
  else return 0;
  return 1;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e9 + time.tv_nsec;
}

static double round_trips(double ns) {
  double begin = now();
  long count = 0;
  while (now() - begin < ns)
    for (int i = 0; i < 16; i++, count++) { send_one(); receive_one(); }
  return (now() - begin) / count;
}

int main(int argc, char **argv) {
  if (argc != 5) return 1;
  size = atol(argv[2]);
  if (size < 1 || size > 1 << 16) return 2;
  message = calloc(1, size);
  letter = calloc(1, sizeof *letter);
  cpu_set_t processor;
  CPU_ZERO(&processor);
  CPU_SET(atoi(argv[4]), &processor);
  NEED(sched_setaffinity(0, sizeof processor, &processor));
  // Ctrl-C comes to this program too: it goes on to its end, which is near, and removes what it made.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  NEED(sigprocmask(SIG_BLOCK, &signals, NULL));
  if (!open_mechanism(argv[1])) return 2;
  pid_t child = fork();
  NEED(child);
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    side = 1;
    for (;;) { receive_one(); send_one(); }
  }
  round_trips(1e7);
  for (int c; (c = getchar()) != EOF;) {
    if (c != '\n') continue;
    printf("%.1f\n", round_trips(atof(argv[3]) * 1e6));
    fflush(stdout);
  }
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  if (queue != -1) msgctl(queue, IPC_RMID, NULL);
  if (set != -1) semctl(set, 0, IPC_RMID);
}
