/* Loaded before the C library (LD_PRELOAD): sees each call that changes files below one folder, and makes one of them
 * fail. It counts the calls of all threads, so "the 17th" is the same point of a run's work each time.
 *
 *   FAULTS_UNDER  the folder; calls on other files are not counted
 *   FAULTS_LOG    file that gets a line for each counted call: name, path, and its argument
 *   FAULTS_CALLS  names of the calls to count, with blanks around each; all if absent
 *   FAULTS_PATH   text that the path (or the new name of a file) must contain for a call to count
 *   FAULTS_AT     number of the call that fails, from 1
 *   FAULTS_DO     kill-before, kill-after, hang, or the number of the error that it returns
 *   FAULTS_FLOCK  result of every flock: 0 as if locks are not passed to other machines, or the number of an error
 *   FAULTS_EVER   if set, the calls after it fail, too
 *
 * Starts of threads count if FAULTS_CALLS names them ("thread").
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static char under[PATH_MAX];
static size_t under_length;
static const char *calls;
static const char *part;
static const char *what;
static int ever;
static long at;
static int log_to = -1;
static atomic_long count;

__attribute__((constructor)) static void start(void)
{
    const char *folder = getenv("FAULTS_UNDER"), *log = getenv("FAULTS_LOG"), *number = getenv("FAULTS_AT");
    if (!folder)
        return;
    snprintf(under, sizeof under, "%s", folder);
    under_length = strlen(under);
    calls = getenv("FAULTS_CALLS");
    part = getenv("FAULTS_PATH");
    what = getenv("FAULTS_DO");
    ever = getenv("FAULTS_EVER") != NULL;
    at = number ? atol(number) : 0;
    if (log)
        log_to = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int is_under(const char *path)
{
    return under_length && !strncmp(path, under, under_length) && (path[under_length] == '/' || !path[under_length]);
}

/* The path behind a descriptor. */
static void path_of(int fd, char *path)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
    path[length < 0 ? 0 : length] = 0;
}

static void absolute(int folder, const char *name, char *path)
{
    if (name[0] == '/' || folder == AT_FDCWD) {
        snprintf(path, PATH_MAX, "%s", name);
        return;
    }
    path_of(folder, path);
    size_t length = strlen(path);
    snprintf(path + length, PATH_MAX - length, "/%s", name);
}

static void die(void)
{
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;)
        pause();
}

/* What is to happen at this call: 0 nothing, -1 death after it, otherwise the error. */
static int fate(const char *call, const char *path, const char *with)
{
    if (!is_under(path) && !(with[0] == '/' && is_under(with)))
        return 0;
    char name[32];
    snprintf(name, sizeof name, " %s ", call);
    if (calls && !strstr(calls, name))
        return 0;
    if (part && !strstr(path, part) && !strstr(with, part))
        return 0;
    long number = atomic_fetch_add(&count, 1) + 1;
    if (log_to >= 0) {
        char line[2 * PATH_MAX + 64];
        int length = snprintf(line, sizeof line, "%s\t%s\t%s\n", call, path, with);
        syscall(SYS_write, log_to, line, (size_t)length);
    }
    if (!what || number < at || (number > at && !ever))
        return 0;
    if (!strcmp(what, "kill-before"))
        die();
    if (!strcmp(what, "kill-after"))
        return -1;
    while (!strcmp(what, "hang"))
        pause();
    return atoi(what);
}

#define DO(call, path, with, real)                                                                                     \
    do {                                                                                                               \
        int then = fate(call, path, with);                                                                             \
        if (then > 0) {                                                                                                \
            errno = then;                                                                                              \
            return -1;                                                                                                 \
        }                                                                                                              \
        long result = (real);                                                                                          \
        if (then < 0)                                                                                                  \
            die();                                                                                                     \
        return result;                                                                                                 \
    } while (0)

static int open_any(int folder, const char *name, int flags, mode_t mode)
{
    char path[PATH_MAX];
    absolute(folder, name, path);
    const char *how = flags & O_CREAT ? "create" : (flags & O_ACCMODE) == O_RDONLY ? "read" : "write";
    DO("openat", path, how, syscall(SYS_openat, folder, name, flags, mode));
}

#define MODE                                                                                                           \
    mode_t mode = 0;                                                                                                   \
    if (flags & (O_CREAT | O_TMPFILE)) {                                                                               \
        va_list list;                                                                                                  \
        va_start(list, flags);                                                                                         \
        mode = va_arg(list, mode_t);                                                                                   \
        va_end(list);                                                                                                  \
    }

int open(const char *name, int flags, ...) { MODE return open_any(AT_FDCWD, name, flags, mode); }
int open64(const char *name, int flags, ...) { MODE return open_any(AT_FDCWD, name, flags, mode); }
int openat(int folder, const char *name, int flags, ...) { MODE return open_any(folder, name, flags, mode); }
int openat64(int folder, const char *name, int flags, ...) { MODE return open_any(folder, name, flags, mode); }

#define ON_FD(call, with, real)                                                                                        \
    char path[PATH_MAX];                                                                                               \
    path_of(fd, path);                                                                                                 \
    DO(call, path, with, real)

static const char *number(char *text, long value)
{
    sprintf(text, "%ld", value);
    return text;
}

ssize_t write(int fd, const void *data, size_t size)
{
    char text[24];
    ON_FD("write", number(text, size), syscall(SYS_write, fd, data, size));
}
ssize_t writev(int fd, const struct iovec *parts, int n)
{
    ON_FD("write", "parts", syscall(SYS_writev, fd, parts, n));
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
    char text[24];
    ON_FD("write", number(text, size), syscall(SYS_pwrite64, fd, data, size, offset));
}
ssize_t copy_file_range(int from, off64_t *in, int fd, off64_t *out, size_t size, unsigned flags)
{
    ON_FD("write", "copy", syscall(SYS_copy_file_range, from, in, fd, out, size, flags));
}
int fsync(int fd) { ON_FD("fsync", "", syscall(SYS_fsync, fd)); }
int fdatasync(int fd) { ON_FD("fdatasync", "", syscall(SYS_fdatasync, fd)); }
int ftruncate64(int fd, off64_t size)
{
    char text[24];
    ON_FD("ftruncate", number(text, size), syscall(SYS_ftruncate, fd, size));
}
int flock(int fd, int operation)
{
    const char *gives = getenv("FAULTS_FLOCK");
    if (!gives)
        return syscall(SYS_flock, fd, operation);
    errno = atoi(gives);
    return errno ? -1 : 0;
}
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*work)(void *), void *with)
{
    int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = dlsym(RTLD_NEXT, "pthread_create");
    int then = calls && strstr(calls, " thread ") ? fate("thread", under, "") : 0;
    return then > 0 ? then : create(thread, attributes, work, with);
}
int fchmod(int fd, mode_t mode) { ON_FD("chmod", "", syscall(SYS_fchmod, fd, mode)); }
int chmod(const char *path, mode_t mode) { DO("chmod", path, "", syscall(SYS_chmod, path, mode)); }
int close(int fd) { ON_FD("close", "", syscall(SYS_close, fd)); }
int rename(const char *from, const char *to) { DO("rename", from, to, syscall(SYS_rename, from, to)); }
int mkdir(const char *path, mode_t mode) { DO("mkdir", path, "", syscall(SYS_mkdir, path, mode)); }
int rmdir(const char *path) { DO("unlink", path, "folder", syscall(SYS_rmdir, path)); }
int unlink(const char *path) { DO("unlink", path, "", syscall(SYS_unlink, path)); }
int unlinkat(int folder, const char *name, int flags)
{
    char path[PATH_MAX];
    absolute(folder, name, path);
    DO("unlink", path, flags & AT_REMOVEDIR ? "folder" : "", syscall(SYS_unlinkat, folder, name, flags));
}
