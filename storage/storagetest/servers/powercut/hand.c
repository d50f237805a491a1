/*
 * hand does to files what its arguments say, as a server would. The test of the
 * power cut runs it under the shim.
 *
 *	write PATH TEXT    make or empty, then write         append PATH TEXT
 *	stdio PATH TEXT    the same through stdio            over PATH TEXT   from the beginning on
 *	sync PATH          a file's content or a folder's names
 *	mv FROM TO         rm PATH ""                        cut PATH LENGTH
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int put(const char *path, int flags, const char *text) {
	int fd = open(path, O_WRONLY | O_CREAT | flags, 0600);
	return fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd);
}

static int stdio(const char *path, const char *text) {
	FILE *f = fopen(path, "w");
	return !f || fputs(text, f) < 0 || fclose(f);
}

static int synced(const char *path) {
	int fd = open(path, O_RDONLY);
	return fd < 0 || fsync(fd) || close(fd);
}

static int cut(const char *path, const char *length) {
	int fd = open(path, O_WRONLY);
	return fd < 0 || ftruncate(fd, atol(length)) || close(fd);
}

static int act(const char *what, const char *path, const char *rest) {
	if (!strcmp(what, "write")) return put(path, O_TRUNC, rest);
	if (!strcmp(what, "append")) return put(path, O_APPEND, rest);
	if (!strcmp(what, "over")) return put(path, 0, rest);
	if (!strcmp(what, "stdio")) return stdio(path, rest);
	if (!strcmp(what, "sync")) return synced(path);
	if (!strcmp(what, "mv")) return rename(path, rest);
	if (!strcmp(what, "rm")) return unlink(path);
	if (!strcmp(what, "cut")) return cut(path, rest);
	return 1;
}

int main(int argc, char **argv) {
	for (int i = 1; i + 2 < argc; i += 3) {
		if (act(argv[i], argv[i + 1], argv[i + 2])) {
			perror(argv[i]);
			return 1;
		}
	}
	return 0;
}
