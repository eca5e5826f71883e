// A clock that is wrong: preloaded (LD_PRELOAD) into a dynamically linked program, it makes the time of day CLOCK_AHEAD seconds
// later, or earlier. Clocks that only measure, such as CLOCK_MONOTONIC, stay right.
//
// libfaketime does the same and more, and can't do it to redis-server: it allocates memory, whose allocator asks for the time.
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long ahead(void) {
	static int known;
	static long seconds;
	if (!known) {
		const char *text = getenv("CLOCK_AHEAD");
		seconds = text ? atol(text) : 0;
		known = 1;
	}
	return seconds;
}

int clock_gettime(clockid_t clock, struct timespec *t) {
	int failed = (int)syscall(SYS_clock_gettime, clock, t);
	if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
		t->tv_sec += ahead();
	}
	return failed;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone) {
	struct timespec now;
	(void)zone; // obsolete: gettimeofday(2)
	if (clock_gettime(CLOCK_REALTIME, &now)) {
		return -1;
	}
	t->tv_sec = now.tv_sec;
	t->tv_usec = now.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *t) {
	struct timespec now;
	if (clock_gettime(CLOCK_REALTIME, &now)) {
		return -1;
	}
	if (t) {
		*t = now.tv_sec;
	}
	return now.tv_sec;
}
