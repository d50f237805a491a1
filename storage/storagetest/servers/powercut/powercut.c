/*
 * powercut.so, preloaded into a server, writes down what the server asked the
 * kernel to make durable, so that a test can afterwards take away everything
 * else (see ../powercut_linux.go, which reads this and explains the model).
 *
 * It changes nothing of what the calls do. Into the file $POWERCUT_LOG it appends
 * one record for each call that concerns a regular file or folder below
 * $POWERCUT_DIR, each with a single write, so that records of threads and of
 * forked children do not mix:
 *
 *	create INODE PATH            open or fopen has made a file; it was linked into $POWERCUT_KEEP
 *	rename FROM <tab> TO         has been done
 *	unlink PATH                  has been done
 *	begin CALL INODE SIZE        fsync or fdatasync is about to be called
 *	end CALL                     and has returned 0
 *	undo INODE OFFSET LENGTH     what follows, LENGTH bytes, is about to be overwritten or cut off
 *
 * What is durable is told after it is, what is taken back before: a process that
 * is killed in between looks as if less were durable, never more.
 *
 * Appending needs no record: a file without one that covers it is as long as at
 * its last sync. Not seen are writes through mmap, stdio into the middle of a
 * file, fallocate, and syscall(2); no server of ours does these to its data.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int logfd = -1;
static char dir[PATH_MAX], keep[PATH_MAX];
static size_t dirlen;
static atomic_ulong calls;

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name) {
	void *f = dlsym(RTLD_NEXT, name);
	if (!f) abort();
	return f;
}

__attribute__((constructor)) static void begin(void) {
	const char *l = getenv("POWERCUT_LOG"), *d = getenv("POWERCUT_DIR"), *k = getenv("POWERCUT_KEEP");
	if (!l || !d || !k || strlen(d) >= sizeof dir || strlen(k) >= sizeof keep) return;
	strcpy(dir, d);
	strcpy(keep, k);
	dirlen = strlen(dir);
	logfd = REAL(open)(l, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (logfd < 0) abort();
}

/* emit appends one record; a log that is not whole would prove nothing. */
static void emit(const void *head, size_t n, const void *body, size_t m) {
	struct iovec parts[2] = {{(void *)head, n}, {(void *)body, m}};
	ssize_t done;
	do done = REAL(writev)(logfd, parts, m ? 2 : 1);
	while (done < 0 && errno == EINTR);
	if (done != (ssize_t)(n + m)) abort();
}

__attribute__((format(printf, 1, 2))) static void record(const char *format, ...) {
	char line[2 * PATH_MAX + 64];
	va_list args;
	va_start(args, format);
	int n = vsnprintf(line, sizeof line, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof line) abort();
	emit(line, n, NULL, 0);
}

/* absolute makes a path absolute; 0 when it does not lie in our folder. */
static int absolute(const char *path, char *out) {
	if (logfd < 0) return 0;
	if (path[0] == '/') {
		if (strlen(path) >= PATH_MAX) return 0;
		strcpy(out, path);
	} else {
		char here[PATH_MAX];
		if (!getcwd(here, sizeof here)) return 0;
		if (snprintf(out, PATH_MAX, "%s/%s", here, path) >= PATH_MAX) return 0;
	}
	return strncmp(out, dir, dirlen) == 0 && out[dirlen] == '/';
}

/* ours is whether a descriptor is a file or folder in our folder. */
static int ours(int fd, struct stat *st) {
	if (logfd < 0 || fstat(fd, st) || (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))) return 0;
	char name[32], path[PATH_MAX];
	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(name, path, sizeof path - 1);
	if (n < 0) return 0;
	path[n] = 0;
	return strncmp(path, dir, dirlen) == 0 && (path[dirlen] == '/' || path[dirlen] == 0);
}

/* save records what stands from an offset on, before it is lost. fd may not be
 * readable, so the file is opened anew by its link in keep, or its path. */
static void save(int fd, const struct stat *st, off_t from, off_t to) {
	if (to > st->st_size) to = st->st_size;
	if (from >= to) return;
	char name[32], head[96];
	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	int in = REAL(open)(name, O_RDONLY | O_CLOEXEC);
	char *old = malloc(to - from);
	if (in < 0 || !old) abort();
	for (off_t at = from; at < to;) {
		ssize_t n = pread(in, old + (at - from), to - at, at);
		if (n <= 0) abort();
		at += n;
	}
	close(in);
	int n = snprintf(head, sizeof head, "undo %lu %lld %lld\n", (unsigned long)st->st_ino, (long long)from, (long long)(to - from));
	emit(head, n, old, to - from);
	free(old);
}

/* saveat is save for a write of n bytes at the descriptor's own position. */
static void saveat(int fd, size_t n) {
	struct stat st;
	int kept = errno;
	if (ours(fd, &st) && !(fcntl(fd, F_GETFL) & O_APPEND)) {
		off_t at = lseek(fd, 0, SEEK_CUR);
		if (at >= 0) save(fd, &st, at, at + (off_t)n);
	}
	errno = kept;
}

/* made records that a path has come to be; was: it had been there before. */
static void made(const char *path, int was) {
	struct stat st;
	char link_[PATH_MAX + 32];
	int kept = errno;
	if (!was && stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
		snprintf(link_, sizeof link_, "%s/%lu", keep, (unsigned long)st.st_ino);
		if (link(path, link_) && errno != EEXIST) abort();
		record("create %lu %s\n", (unsigned long)st.st_ino, path);
	}
	errno = kept;
}

/* before looks at a path that is about to be opened: is it there, and will it
 * be emptied? */
static int before(const char *path, int truncates) {
	struct stat st;
	int kept = errno, was = stat(path, &st) == 0;
	if (was && truncates && S_ISREG(st.st_mode)) {
		int fd = REAL(open)(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0) abort();
		save(fd, &st, 0, st.st_size);
		close(fd);
	}
	errno = kept;
	return was;
}

static int opened(int (*f)(const char *, int, ...), const char *path, int flags, mode_t mode) {
	char full[PATH_MAX];
	if (!(flags & (O_CREAT | O_TRUNC)) || !absolute(path, full)) return f(path, flags, mode);
	int was = before(full, flags & O_TRUNC);
	int fd = f(path, flags, mode);
	if (fd >= 0) made(full, was);
	return fd;
}

#define OPEN(name) \
	int name(const char *path, int flags, ...) { \
		mode_t mode = 0; \
		if (flags & (O_CREAT | O_TMPFILE)) { \
			va_list args; \
			va_start(args, flags); \
			mode = va_arg(args, mode_t); \
			va_end(args); \
		} \
		return opened((int (*)(const char *, int, ...))real(#name), path, flags, mode); \
	}
OPEN(open)
OPEN(open64)

#define FOPEN(name) \
	FILE *name(const char *path, const char *mode) { \
		char full[PATH_MAX]; \
		FILE *(*f)(const char *, const char *) = (FILE * (*)(const char *, const char *)) real(#name); \
		if (mode[0] == 'r' || !absolute(path, full)) return f(path, mode); \
		int was = before(full, mode[0] == 'w'); \
		FILE *file = f(path, mode); \
		if (file) made(full, was); \
		return file; \
	}
FOPEN(fopen)
FOPEN(fopen64)

static int synced(int (*f)(int), int fd) {
	struct stat st;
	if (!ours(fd, &st)) return f(fd);
	unsigned long call = atomic_fetch_add(&calls, 1);
	record("begin %d-%lu %lu %lld\n", getpid(), call, (unsigned long)st.st_ino, (long long)st.st_size);
	int failed = f(fd);
	if (!failed) record("end %d-%lu\n", getpid(), call);
	return failed;
}

int fsync(int fd) { return synced(REAL(fsync), fd); }
int fdatasync(int fd) { return synced(REAL(fdatasync), fd); }

ssize_t write(int fd, const void *bytes, size_t n) {
	saveat(fd, n);
	return REAL(write)(fd, bytes, n);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
	size_t n = 0;
	for (int i = 0; i < count; i++) n += parts[i].iov_len;
	saveat(fd, n);
	return REAL(writev)(fd, parts, count);
}

#define PWRITE(name) \
	ssize_t name(int fd, const void *bytes, size_t n, off_t at) { \
		struct stat st; \
		if (ours(fd, &st)) save(fd, &st, at, at + (off_t)n); \
		return ((ssize_t(*)(int, const void *, size_t, off_t))real(#name))(fd, bytes, n, at); \
	}
PWRITE(pwrite)
PWRITE(pwrite64)

#define FTRUNCATE(name) \
	int name(int fd, off_t size) { \
		struct stat st; \
		if (ours(fd, &st)) save(fd, &st, size, st.st_size); \
		return ((int (*)(int, off_t))real(#name))(fd, size); \
	}
FTRUNCATE(ftruncate)
FTRUNCATE(ftruncate64)

#define TRUNCATE(name) \
	int name(const char *path, off_t size) { \
		char full[PATH_MAX]; \
		if (absolute(path, full)) { \
			int fd = REAL(open)(full, O_RDONLY | O_CLOEXEC); \
			struct stat st; \
			if (fd >= 0) { \
				if (!fstat(fd, &st)) save(fd, &st, size, st.st_size); \
				close(fd); \
			} \
		} \
		return ((int (*)(const char *, off_t))real(#name))(path, size); \
	}
TRUNCATE(truncate)
TRUNCATE(truncate64)

/* renamed: a file that comes from elsewhere was not linked into keep yet. */
int rename(const char *from, const char *to) {
	char a[PATH_MAX], b[PATH_MAX];
	int into = absolute(to, b), outof = absolute(from, a);
	int failed = REAL(rename)(from, to);
	if (!failed && into && outof) record("rename %s\t%s\n", a, b);
	if (!failed && into && !outof) made(b, 0);
	return failed;
}

int unlink(const char *path) {
	char full[PATH_MAX];
	int in = absolute(path, full), failed = REAL(unlink)(path);
	if (!failed && in) record("unlink %s\n", full);
	return failed;
}
