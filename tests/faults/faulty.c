/* Lets one system call under a folder fail, or kills the process there: loaded with LD_PRELOAD, armed by fault_arm(). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { KILL_BEFORE, KILL_AFTER, NO_SPACE, IO_ERROR, SHORT };

static char folder[PATH_MAX];
static int chosen = -1, kind, seen;

void fault_arm(const char *path, int call, int fault) {
  snprintf(folder, sizeof folder, "%s", path);
  chosen = call, kind = fault, seen = 0;
}

int fault_count(void) { return seen; }

static int inside(const char *path) { return chosen >= -1 && folder[0] && strncmp(path, folder, strlen(folder)) == 0; }

static int inside_fd(int fd) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return inside(path);
}

/* 1: this is the call; it fails with errno set, unless the fault is a kill afterwards or a short write. */
static int strikes(int is_inside) {
  if (!is_inside || seen++ != chosen) return 0;
  if (kind == KILL_BEFORE) raise(SIGKILL);
  if (kind == NO_SPACE) errno = ENOSPC;
  if (kind == IO_ERROR) errno = EIO;
  return 1;
}

#define REAL(name) static __typeof__(&name) real; if (!real) real = dlsym(RTLD_NEXT, #name)
#define CALL(is_inside, expression)                                         \
  int strike = strikes(is_inside);                                          \
  if (strike && (kind == NO_SPACE || kind == IO_ERROR)) return -1;          \
  __typeof__(expression) result = expression;                               \
  if (strike && kind == KILL_AFTER) raise(SIGKILL);                         \
  return result

ssize_t write(int fd, const void *data, size_t size) {
  REAL(write);
  int strike = strikes(inside_fd(fd));
  if (strike && (kind == NO_SPACE || kind == IO_ERROR)) return -1;
  ssize_t result = real(fd, data, strike && size > 1 ? size / 2 : size);
  if (strike && kind == KILL_AFTER) raise(SIGKILL); /* half of it is written */
  return result;
}

static int opens(int (*real)(const char *, int, ...), const char *path, int flags, mode_t mode) {
  int is_written = (flags & (O_WRONLY | O_RDWR | O_CREAT)) != 0;
  CALL(is_written && inside(path), real(path, flags, mode));
}

#define OPEN(name)                            \
  int name(const char *path, int flags, ...) { \
    REAL(name);                                \
    va_list more;                              \
    va_start(more, flags);                     \
    mode_t mode = va_arg(more, int);           \
    va_end(more);                              \
    return opens(real, path, flags, mode);     \
  }
OPEN(open)
OPEN(open64)

int fsync(int fd) { REAL(fsync); CALL(inside_fd(fd), real(fd)); }
int rename(const char *from, const char *to) { REAL(rename); CALL(inside(to), real(from, to)); }
int unlink(const char *path) { REAL(unlink); CALL(inside(path), real(path)); }
int mkdir(const char *path, mode_t mode) { REAL(mkdir); CALL(inside(path), real(path, mode)); }
