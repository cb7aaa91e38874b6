/* Copyright: (c) 2026, the certops.acm authors
 * GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Stands between a process and the C library (LD_PRELOAD): counts the calls that change something below
 * some directories, logs each, and hurts the one that it is told to.
 *
 *   SHIM_MODE    count   hurt nothing
 *                before  kill the process before the call
 *                after   kill it after the call
 *                short   write one half, then kill; before the call where it is no write
 *                fail    let the call fail, once
 *                lasting let this call and all after it fail
 *   SHIM_NUMBER  of the call to hurt, from 1
 *   SHIM_ERRNO   how it fails
 *   SHIM_ROOTS   the directories, real paths, separated by colons
 *   SHIM_LOG     descriptor of the log
 *   SHIM_READS   if set, opening something to read it is counted, too
 *
 * A child of the process is left alone, unless it is a program of its own with the same environment.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum mode { OFF, COUNT, BEFORE, AFTER, SHORT, FAIL, LASTING };
static const char *const MODES[] = {"off", "count", "before", "after", "short", "fail", "lasting"};

static struct {
    enum mode mode;
    long number;
    int error;
    int reads;
    int log;
    pid_t pid;
    char roots[4 * PATH_MAX];
} config;
static long count;

/* One call: what it is about before it is made, and what the log says of it afterwards. */
struct hit {
    const char *operation;
    char path[PATH_MAX], other[PATH_MAX];
    struct stat object;
    ino_t directory, other_directory;
    int existed;
};

static ssize_t (*real_write)(int, const void *, size_t);

/* Read the environment and begin to count; a process that was forked calls it for itself. */
__attribute__((constructor)) void shim_arm(void) {
    const char *mode = getenv("SHIM_MODE"), *roots = getenv("SHIM_ROOTS");
    const char *number = getenv("SHIM_NUMBER"), *error = getenv("SHIM_ERRNO"), *log = getenv("SHIM_LOG");
    real_write = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    config.mode = OFF;
    for (int known = COUNT; mode && roots && known <= LASTING; known++)
        if (strcmp(mode, MODES[known]) == 0)
            config.mode = known;
    snprintf(config.roots, sizeof config.roots, "%s", roots ? roots : "");
    config.number = number ? atol(number) : 0;
    config.error = error ? atoi(error) : EIO;
    config.log = log ? atoi(log) : -1;
    config.reads = getenv("SHIM_READS") != NULL;
    config.pid = getpid();
    count = 0;
}

/* What the process calls to see that it is not alone. */
long shim_count(void) { return count; }

static int armed(void) { return config.mode != OFF && config.pid == getpid(); }

static int below_roots(const char *path) {
    for (const char *root = config.roots; *root;) {
        size_t length = strcspn(root, ":");
        if (length && strncmp(path, root, length) == 0 && (path[length] == '/' || path[length] == '\0'))
            return 1;
        root += length + (root[length] == ':');
    }
    return 0;
}

static void of_descriptor(int descriptor, char *found) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, found, PATH_MAX - 1);
    found[length > 0 ? length : 0] = '\0';
}

static int is_dots(const char *name) { return strcmp(name, ".") == 0 || strcmp(name, "..") == 0; }

/* The real path of a path's directory, with the last name as it is; return the directory's inode. */
static ino_t of_path(int directory, const char *path, char *found) {
    char whole[2 * PATH_MAX], parent[PATH_MAX];
    struct stat status = {0};
    int descriptor, end = 0;
    found[0] = '\0';
    if (!path || !*path) {
        of_descriptor(directory, found);
        return 0;
    }
    if (*path == '/' || directory == AT_FDCWD)
        snprintf(whole, sizeof whole, "%s%s", *path == '/' ? "" : "./", path);
    else
        snprintf(whole, sizeof whole, "/proc/self/fd/%d/%s", directory, path);
    if (sscanf(path, "/proc/self/fd/%d%n", &descriptor, &end) == 1 && path[end] == '\0') {
        of_descriptor(descriptor, found);
        return 0;
    }
    for (size_t length = strlen(whole); length > 1 && whole[length - 1] == '/';)
        whole[--length] = '\0';
    char *slash = strrchr(whole, '/');
    if (is_dots(slash + 1)) {
        if (!realpath(whole, found))
            found[0] = '\0';
        return 0;
    }
    *slash = '\0';
    if (!realpath(slash == whole ? "/" : whole, parent) || stat(parent, &status) != 0)
        snprintf(parent, sizeof parent, "%.*s", PATH_MAX - 1, whole);
    if (snprintf(found, PATH_MAX, "%s/%s", strcmp(parent, "/") == 0 ? "" : parent, slash + 1) >= PATH_MAX)
        found[0] = '\0';
    return status.st_ino;
}

static int at_paths(struct hit *hit, const char *operation, int from, const char *path, int to, const char *other) {
    int error = errno;
    memset(hit, 0, sizeof *hit);
    hit->operation = operation;
    hit->directory = of_path(from, path, hit->path);
    if (other)
        hit->other_directory = of_path(to, other, hit->other);
    hit->existed = lstat(hit->path, &hit->object) == 0;
    int counted = below_roots(hit->path) || (other && below_roots(hit->other));
    errno = error;
    return counted;
}

static int at_path(struct hit *hit, const char *operation, int directory, const char *path) {
    return at_paths(hit, operation, directory, path, 0, NULL);
}

static int at_descriptor(struct hit *hit, const char *operation, int descriptor) {
    int error = errno;
    memset(hit, 0, sizeof *hit);
    hit->operation = operation;
    of_descriptor(descriptor, hit->path);
    int counted = below_roots(hit->path);
    if (counted)
        hit->existed = fstat(descriptor, &hit->object) == 0;
    errno = error;
    return counted;
}

static void write_log(const struct hit *hit, const char *status, long result, int error) {
    char line[3 * PATH_MAX];
    mode_t type = hit->object.st_mode & S_IFMT;
    const char *kind = type == S_IFREG ? "file" : type == S_IFDIR ? "directory" : type == S_IFLNK ? "link" : "none";
    int length = snprintf(line, sizeof line, "%ld\t%s\t%s\t%ld\t%d\t%s\t%lu\t%d\t%lu\t%s\t%lu\t%s\n", count,
                          hit->operation, status, result, error, kind, (unsigned long)hit->object.st_ino, hit->existed,
                          (unsigned long)hit->directory, hit->path, (unsigned long)hit->other_directory, hit->other);
    if (config.log >= 0 && length > 0 && real_write(config.log, line, length) != length)
        abort();
}

static void die(const struct hit *hit, long result) {
    write_log(hit, "killed", result, 0);
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

/* Count the call; return whether it may be made. */
static int allowed(struct hit *hit) {
    int error = errno, here = ++count == config.number;
    if (here && (config.mode == BEFORE || (config.mode == SHORT && strcmp(hit->operation, "write") != 0)))
        die(hit, -1);
    if ((here && config.mode == FAIL) || (config.mode == LASTING && count >= config.number)) {
        write_log(hit, "refused", -1, config.error);
        errno = config.error;
        return 0;
    }
    errno = error;
    return 1;
}

static long finish(struct hit *hit, long result) {
    int error = errno;
    if (!hit->existed)
        lstat(hit->other[0] && strcmp(hit->operation, "symlink") != 0 ? hit->other : hit->path, &hit->object);
    if (count == config.number && (config.mode == AFTER || config.mode == SHORT))
        die(hit, result);
    write_log(hit, "done", result, result < 0 ? error : 0);
    errno = error;
    return result;
}

/* A function in place of one of the C library: real() is that one, hit is what this call is about. */
#define AROUND(type, name, symbol, params, args, counted)                                                              \
    type name params {                                                                                                 \
        static type(*real) params;                                                                                     \
        struct hit hit;                                                                                                \
        if (!real)                                                                                                     \
            real = (type(*) params)dlsym(RTLD_NEXT, symbol);                                                           \
        if (!armed() || !(counted))                                                                                    \
            return real args;                                                                                          \
        if (!allowed(&hit))                                                                                            \
            return -1;                                                                                                 \
        return finish(&hit, real args);                                                                                \
    }
#define AT(name, operation, params, args, directory, path)                                                             \
    AROUND(int, name, #name, params, args, at_path(&hit, operation, directory, path))
#define TWO(name, operation, params, args, from, path, to, other)                                                      \
    AROUND(int, name, #name, params, args, at_paths(&hit, operation, from, path, to, other))
#define ON(type, name, operation, params, args, descriptor)                                                            \
    AROUND(type, name, #name, params, args, at_descriptor(&hit, operation, descriptor))

/* Opening is counted where it may make or empty a file. */
static int opens(struct hit *hit, int directory, const char *path, int flags) {
    int changes = (flags & (O_CREAT | O_TRUNC)) || (flags & O_TMPFILE) == O_TMPFILE;
    return (changes || config.reads) && at_path(hit, changes ? "open" : "open to read", directory, path);
}

#define MODE_ARGUMENT                                                                                                  \
    mode_t mode = 0;                                                                                                   \
    if ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE) {                                                       \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode = va_arg(rest, mode_t);                                                                                   \
        va_end(rest);                                                                                                  \
    }
#define OPEN(name)                                                                                                     \
    static AROUND(int, shim_##name, #name, (const char *path, int flags, mode_t mode), (path, flags, mode),            \
                  opens(&hit, AT_FDCWD, path, flags)) int name(const char *path, int flags, ...) {                     \
        MODE_ARGUMENT return shim_##name(path, flags, mode);                                                           \
    }
#define OPENAT(name)                                                                                                   \
    static AROUND(int, shim_##name, #name, (int directory, const char *path, int flags, mode_t mode),                  \
                  (directory, path, flags, mode), opens(&hit, directory, path, flags))                                 \
    int name(int directory, const char *path, int flags, ...) {                                                        \
        MODE_ARGUMENT return shim_##name(directory, path, flags, mode);                                                \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
/* What a compiler makes of the four above where no mode is given, and checks are on. */
AROUND(int, __open_2, "__open_2", (const char *path, int flags), (path, flags), opens(&hit, AT_FDCWD, path, flags))
AROUND(int, __open64_2, "__open64_2", (const char *path, int flags), (path, flags), opens(&hit, AT_FDCWD, path, flags))
AROUND(int, __openat_2, "__openat_2", (int at, const char *path, int flags), (at, path, flags),
       opens(&hit, at, path, flags))
AROUND(int, __openat64_2, "__openat64_2", (int at, const char *path, int flags), (at, path, flags),
       opens(&hit, at, path, flags))
AT(creat, "open", (const char *path, mode_t mode), (path, mode), AT_FDCWD, path)
AT(creat64, "open", (const char *path, mode_t mode), (path, mode), AT_FDCWD, path)

ssize_t write(int descriptor, const void *content, size_t size) {
    struct hit hit;
    if (!real_write)
        real_write = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    if (!armed() || !at_descriptor(&hit, "write", descriptor))
        return real_write(descriptor, content, size);
    if (!allowed(&hit))
        return -1;
    if (config.mode == SHORT && count == config.number)
        size /= 2;
    return finish(&hit, real_write(descriptor, content, size));
}

/* Other ways to write. */
ON(ssize_t, pwrite, "pwrite", (int to, const void *from, size_t size, off_t at), (to, from, size, at), to)
ON(ssize_t, pwrite64, "pwrite", (int to, const void *from, size_t size, off64_t at), (to, from, size, at), to)
ON(ssize_t, writev, "writev", (int to, const struct iovec *from, int size), (to, from, size), to)
ON(ssize_t, pwritev, "writev", (int to, const struct iovec *from, int size, off_t at), (to, from, size, at), to)
ON(ssize_t, pwritev64, "writev", (int to, const struct iovec *from, int size, off64_t at), (to, from, size, at), to)
ON(ssize_t, pwritev2, "writev", (int to, const struct iovec *from, int size, off_t at, int flags),
   (to, from, size, at, flags), to)
ON(ssize_t, pwritev64v2, "writev", (int to, const struct iovec *from, int size, off64_t at, int flags),
   (to, from, size, at, flags), to)
ON(ssize_t, sendfile, "sendfile", (int to, int from, off_t *at, size_t size), (to, from, at, size), to)
ON(ssize_t, sendfile64, "sendfile", (int to, int from, off64_t *at, size_t size), (to, from, at, size), to)
ON(ssize_t, copy_file_range, "sendfile",
   (int from, off64_t *at, int to, off64_t *there, size_t size, unsigned int flags), (from, at, to, there, size, flags),
   to)
ON(ssize_t, splice, "sendfile", (int from, off64_t *at, int to, off64_t *there, size_t size, unsigned int flags),
   (from, at, to, there, size, flags), to)
ON(int, ftruncate, "truncate", (int descriptor, off_t size), (descriptor, size), descriptor)
ON(int, ftruncate64, "truncate", (int descriptor, off64_t size), (descriptor, size), descriptor)
AT(truncate, "truncate", (const char *path, off_t size), (path, size), AT_FDCWD, path)
AT(truncate64, "truncate", (const char *path, off64_t size), (path, size), AT_FDCWD, path)
ON(int, fallocate, "truncate", (int on, int mode, off_t at, off_t size), (on, mode, at, size), on)
ON(int, fallocate64, "truncate", (int on, int mode, off64_t at, off64_t size), (on, mode, at, size), on)

ON(int, fsync, "fsync", (int descriptor), (descriptor), descriptor)
ON(int, fdatasync, "fsync", (int descriptor), (descriptor), descriptor)

/* Names. */
TWO(rename, "rename", (const char *path, const char *other), (path, other), AT_FDCWD, path, AT_FDCWD, other)
TWO(renameat, "rename", (int from, const char *path, int to, const char *other), (from, path, to, other), from, path,
    to, other)
TWO(renameat2, "rename", (int from, const char *path, int to, const char *other, unsigned int flags),
    (from, path, to, other, flags), from, path, to, other)
TWO(link, "link", (const char *path, const char *other), (path, other), AT_FDCWD, path, AT_FDCWD, other)
TWO(linkat, "link", (int from, const char *path, int to, const char *other, int flags), (from, path, to, other, flags),
    from, path, to, other)
AT(symlink, "symlink", (const char *target, const char *path), (target, path), AT_FDCWD, path)
AT(symlinkat, "symlink", (const char *target, int at, const char *path), (target, at, path), at, path)
AT(unlink, "unlink", (const char *path), (path), AT_FDCWD, path)
AT(unlinkat, flags & AT_REMOVEDIR ? "rmdir" : "unlink", (int at, const char *path, int flags), (at, path, flags), at,
   path)
AT(remove, "unlink", (const char *path), (path), AT_FDCWD, path)
AT(rmdir, "rmdir", (const char *path), (path), AT_FDCWD, path)
AT(mkdir, "mkdir", (const char *path, mode_t mode), (path, mode), AT_FDCWD, path)
AT(mkdirat, "mkdir", (int at, const char *path, mode_t mode), (at, path, mode), at, path)
AT(mknod, "mknod", (const char *path, mode_t mode, dev_t device), (path, mode, device), AT_FDCWD, path)
AT(mknodat, "mknod", (int at, const char *path, mode_t mode, dev_t device), (at, path, mode, device), at, path)
AT(mkfifo, "mknod", (const char *path, mode_t mode), (path, mode), AT_FDCWD, path)
AT(mkfifoat, "mknod", (int at, const char *path, mode_t mode), (at, path, mode), at, path)

/* Who may read. */
ON(int, fchmod, "chmod", (int descriptor, mode_t mode), (descriptor, mode), descriptor)
AT(chmod, "chmod", (const char *path, mode_t mode), (path, mode), AT_FDCWD, path)
AT(lchmod, "chmod", (const char *path, mode_t mode), (path, mode), AT_FDCWD, path)
AT(fchmodat, "chmod", (int at, const char *path, mode_t mode, int flags), (at, path, mode, flags), at, path)
ON(int, fchown, "chown", (int descriptor, uid_t user, gid_t group), (descriptor, user, group), descriptor)
AT(chown, "chown", (const char *path, uid_t user, gid_t group), (path, user, group), AT_FDCWD, path)
AT(lchown, "chown", (const char *path, uid_t user, gid_t group), (path, user, group), AT_FDCWD, path)
AT(fchownat, "chown", (int at, const char *path, uid_t user, gid_t group, int flags), (at, path, user, group, flags),
   at, path)
ON(int, fsetxattr, "setxattr", (int on, const char *name, const void *value, size_t size, int flags),
   (on, name, value, size, flags), on)
AT(setxattr, "setxattr", (const char *path, const char *name, const void *value, size_t size, int flags),
   (path, name, value, size, flags), AT_FDCWD, path)
AT(lsetxattr, "setxattr", (const char *path, const char *name, const void *value, size_t size, int flags),
   (path, name, value, size, flags), AT_FDCWD, path)
