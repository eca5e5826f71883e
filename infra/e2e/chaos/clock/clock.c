// A clock that is wrong: preloaded (LD_PRELOAD) into a dynamically linked program, it makes the time of day so many seconds later, or
// earlier, as the file CLOCK_FILE says at that moment: a signed number of 8 bytes. Clocks that only measure, such as CLOCK_MONOTONIC,
// stay right.
//
// libfaketime does the same and more, and can't do it to redis-server: it allocates memory, whose allocator asks for the time.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t ahead(void) {
	static const int64_t right = 0;
	static const volatile int64_t *seconds;
	if (!seconds) {
		const char *path = getenv("CLOCK_FILE");
		int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
		void *page = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *seconds, PROT_READ, MAP_SHARED, file, 0);
		if (file >= 0) {
			close(file);
		}
		seconds = page == MAP_FAILED ? &right : page;
	}
	return *seconds;
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
