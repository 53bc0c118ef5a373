// What two processors can do in C, where ipc-bench's own figures depend on them most: bytes through a
// pipe, a larger pipe and a ring in shared memory beside a copy of as many; one and two cache lines there
// and back. All of it in turn, so often; the median counts.
//
// cc -O2 two-processors.c -o two-processors && ./two-processors 20 15
// MS TIMES: each MS milliseconds, so often, on the first two processors that it may use
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NEED(call) do { if ((call) == -1) { perror(#call); exit(1); } } while (0)

enum { SIZE = 1 << 16, RING = 8 << 20 };

// What the two processes share. Lines that lie side by side are fetched together: each is alone.
static struct shared {
  _Alignas(256) atomic_ulong written;
  _Alignas(256) atomic_ulong read;
  _Alignas(256) atomic_int over;
  _Alignas(256) atomic_ulong numbers[2]; // one of each side, in one line
  struct { _Alignas(256) atomic_ulong number; } own[2];
  _Alignas(4096) char ring[RING];
} *shared;
static char *message;
static int processors[2];
static double seconds;

// As Rust's std::hint::spin_loop: a processor that looks less often gets in the other's way less.
static inline void rest(void) {
#ifdef __x86_64__
  __builtin_ia32_pause();
#elif defined __aarch64__
  __asm__ volatile("isb");
#endif
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static void pin(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  NEED(sched_setaffinity(0, sizeof set, &set));
}

// Has another process do `what` on the second processor; this one goes to the first.
static pid_t beside(void (*what)(int), int argument) {
  atomic_store(&shared->written, 0);
  atomic_store(&shared->read, 0);
  atomic_store(&shared->over, 0);
  for (int side = 0; side < 2; side++) {
    atomic_store(&shared->numbers[side], 0);
    atomic_store(&shared->own[side].number, 0);
  }
  pid_t child = fork();
  NEED(child);
  if (child == 0) {
    NEED(prctl(PR_SET_PDEATHSIG, SIGKILL));
    pin(processors[1]);
    what(argument);
    _exit(0);
  }
  pin(processors[0]);
  return child;
}
static void join(pid_t child) {
  int status;
  NEED(waitpid(child, &status, 0));
  if (status != 0) exit(1);
}

// GiB/s of `send`, which sends SIZE bytes, after a quarter of the time to get under way.
static double rate(void (*send)(int), int argument) {
  double begin = now();
  while (now() - begin < seconds / 4) send(argument);
  long count = 0;
  for (begin = now(); now() - begin < seconds; count += 4)
    for (int i = 0; i < 4; i++) send(argument);
  return count * (double)SIZE / (now() - begin) / (1 << 30);
}

static void copy(int unused) {
  (void)unused;
  memcpy(message + SIZE, message, SIZE);
  __asm__ volatile("" ::: "memory");
}
static double copies(int unused) {
  pin(processors[0]);
  return rate(copy, unused);
}

static void read_pipe(int descriptor) {
  ssize_t n;
  while ((n = read(descriptor, message, SIZE)) > 0) {}
  NEED(n);
}
static void write_pipe(int descriptor) {
  for (size_t done = 0; done < SIZE;) {
    ssize_t n = write(descriptor, message + done, SIZE - done);
    NEED(n);
    done += n;
  }
}
static double pipes(int size) {
  int ends[2];
  NEED(pipe2(ends, O_CLOEXEC));
  if (size) NEED(fcntl(ends[1], F_SETPIPE_SZ, size));
  pid_t child = fork();
  NEED(child);
  if (child == 0) {
    NEED(prctl(PR_SET_PDEATHSIG, SIGKILL));
    pin(processors[1]);
    NEED(close(ends[1]));
    read_pipe(ends[0]);
    _exit(0);
  }
  pin(processors[0]);
  NEED(close(ends[0]));
  double result = rate(write_pipe, ends[1]);
  NEED(close(ends[1]));
  join(child);
  return result;
}

// One producer, one consumer, messages of SIZE; each side keeps what it has seen of the other's index.
static void write_ring(int unused) {
  (void)unused;
  static unsigned long seen;
  unsigned long at = atomic_load_explicit(&shared->written, memory_order_relaxed);
  if (at == 0) seen = 0;
  while (at - seen == RING) {
    seen = atomic_load_explicit(&shared->read, memory_order_acquire);
    rest();
  }
  memcpy(shared->ring + at % RING, message, SIZE);
  atomic_store_explicit(&shared->written, at + SIZE, memory_order_release);
}
static void read_ring(int unused) {
  (void)unused;
  unsigned long at = 0, seen = 0;
  while (!atomic_load_explicit(&shared->over, memory_order_relaxed)) {
    if (at == seen) {
      seen = atomic_load_explicit(&shared->written, memory_order_acquire);
      rest();
      continue;
    }
    memcpy(message, shared->ring + at % RING, SIZE);
    __asm__ volatile("" ::: "memory");
    at += SIZE;
    atomic_store_explicit(&shared->read, at, memory_order_release);
  }
}
static double rings(int unused) {
  pid_t child = beside(read_ring, unused);
  double result = rate(write_ring, unused);
  atomic_store(&shared->over, 1);
  join(child);
  return result;
}

// A number in the line that both sides write, and in one of its own, if there are two; whoever waits looks
// at what is written last.
static void say(int side, int lines, unsigned long number) {
  atomic_store_explicit(&shared->numbers[side], number, memory_order_release);
  if (lines == 2) atomic_store_explicit(&shared->own[side].number, number, memory_order_release);
}
static int hears(int side, int lines, unsigned long number) {
  atomic_ulong *last = lines == 2 ? &shared->own[side].number : &shared->numbers[side];
  while (atomic_load_explicit(last, memory_order_acquire) != number) {
    if (atomic_load_explicit(&shared->over, memory_order_relaxed)) return 0;
    rest();
  }
  return atomic_load_explicit(&shared->numbers[side], memory_order_relaxed) == number;
}
static void answer(int lines) {
  for (unsigned long number = 1; hears(0, lines, number); number++) say(1, lines, number);
}
// Microseconds there and back.
static double lines(int lines) {
  pid_t child = beside(answer, lines);
  unsigned long number = 0;
  double begin = now();
  while (now() - begin < seconds)
    for (int i = 0; i < 100; i++) {
      say(0, lines, ++number);
      hears(1, lines, number);
    }
  double result = (now() - begin) / number * 1e6;
  atomic_store(&shared->over, 1);
  join(child);
  return result;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  int times = argc == 3 ? atoi(argv[2]) : 0;
  seconds = argc == 3 ? atof(argv[1]) / 1000 : 0;
  if (seconds <= 0 || times <= 0) {
    fprintf(stderr, "usage: %s MS TIMES\n", argv[0]);
    return 2;
  }
  cpu_set_t may;
  int found = 0;
  NEED(sched_getaffinity(0, sizeof may, &may));
  for (int it = 0; it < CPU_SETSIZE && found < 2; it++)
    if (CPU_ISSET(it, &may)) processors[found++] = it;
  if (found < 2) {
    puts("nothing: this process may use one processor only");
    return 0;
  }
  int flags = MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE;
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (shared == MAP_FAILED) { perror("mmap"); return 1; }
  message = aligned_alloc(4096, 2 * SIZE);
  if (!message) { perror("aligned_alloc"); return 1; }
  memset(message, 1, 2 * SIZE);

  // Each beside an earlier one, or none.
  struct {
    const char *name;
    double (*measure)(int);
    int argument, beside;
    const char *unit;
    double *results;
  } rows[] = {
    {"a copy of 64 KiB", copies, 0, -1, "GiB/s", NULL},
    {"pipe", pipes, 0, 0, "GiB/s", NULL},
    {"pipe of 1 MiB (F_SETPIPE_SZ)", pipes, 1 << 20, 1, "GiB/s", NULL},
    {"ring of 8 MiB", rings, 0, 0, "GiB/s", NULL},
    {"a cache line there and back", lines, 1, -1, "µs", NULL},
    {"two cache lines", lines, 2, 4, "µs", NULL},
  };
  int count = sizeof rows / sizeof *rows;
  for (int row = 0; row < count; row++) {
    rows[row].results = calloc(times, sizeof(double));
    if (!rows[row].results) { perror("calloc"); return 1; }
  }
  for (int time = 0; time < times; time++)
    for (int row = 0; row < count; row++)
      rows[row].results[time] = rows[row].measure(rows[row].argument);
  for (int row = 0; row < count; row++) {
    double *results = rows[row].results;
    qsort(results, times, sizeof *results, compare);
    double median = results[times / 2];
    printf("%-30s %6.2f %-5s (%.2f–%.2f)", rows[row].name, median, rows[row].unit, results[0],
           results[times - 1]);
    if (rows[row].beside >= 0) { // whose results are sorted
      double of = rows[rows[row].beside].results[times / 2];
      printf("  %.2f times %s", median / of, rows[rows[row].beside].name);
    }
    putchar('\n');
  }
  if (fflush(stdout) != 0) { perror("stdout"); return 1; }
  return 0;
}
