/* Preloaded into a process: the time of day is shifted by what a file says, and steps as soon as the file changes.
 * Monotonic clocks, and with them all waiting, stay as they are. The file holds a 64-bit number of nanoseconds. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL

static const volatile int64_t *shift;

static void refuse(const char *sentence, size_t length) {
  if (write(STDERR_FILENO, sentence, length) >= 0) _exit(127);
  _exit(127);
}
#define REFUSE(sentence) refuse(sentence, sizeof(sentence) - 1)

__attribute__((constructor)) static void open_shift(void) {
  const char *path = getenv("SHIFTED_CLOCK");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  void *mapped = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *shift, PROT_READ, MAP_SHARED, file, 0);
  if (mapped == MAP_FAILED) REFUSE("SHIFTED_CLOCK names no file that this user can read\n");
  close(file);
  shift = mapped;
}

static struct timespec moved(struct timespec at, int64_t by) {
  int64_t total = at.tv_sec * SECOND + at.tv_nsec + by;
  return (struct timespec){.tv_sec = total / SECOND, .tv_nsec = total % SECOND};
}

int clock_gettime(clockid_t clock, struct timespec *at) {
  int failed = (int)syscall(SYS_clock_gettime, clock, at);
  int is_time_of_day = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
  if (!failed && shift && is_time_of_day) *at = moved(*at, *shift);
  return failed;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
  struct timespec now;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
  *at = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
  return 0;
}

time_t time(time_t *at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}

/* Its deadline was computed with the shifted clock, and the kernel knows only the true one. */
int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until) {
  struct timespec true_until = moved(*until, shift ? -*shift : 0);
  return sem_clockwait(semaphore, CLOCK_REALTIME, &true_until);
}
