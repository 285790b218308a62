/* Enters and locks the data directory, for broker/main and the supervisor. */
#include "broker/home.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/settings.h"

#define LOCK_WAIT_MS 5000
#define LOCK_STEP_MS 20

const char *
broker_home_of_user(void)
{
    const char *home = getenv("HOME");

    if (home != NULL && *home != '\0')
        return home;
    const struct passwd *user = getpwuid(geteuid());
    return user != NULL ? user->pw_dir : NULL;
}

const char *
broker_home_advice(int error)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT:
        return " Make room on its disk.";
    case EROFS:
    case EACCES:
    case EPERM:
        return " Choose another data directory with --data DIR.";
    case ELOOP:
    case EISDIR:
    case ENOTDIR:
        return " Move it away.";
    default:
        return "";
    }
}

enum conclave_err
broker_home_make(const char *path)
{
    char part[BROKER_PATH_MAX];
    const size_t len = strlen(path);

    if (len == 0 || len >= sizeof part) {
        errno = len == 0 ? ENOENT : ENAMETOOLONG;
        return CONCLAVE_ERR_STORE_IO;
    }
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST && errno != EISDIR)
            return CONCLAVE_ERR_STORE_IO;
    }
    return CONCLAVE_OK;
}

static enum conclave_err
default_dir(char dir[BROKER_PATH_MAX])
{
    const char *data = getenv("XDG_DATA_HOME");
    const char *home = broker_home_of_user();
    int len = 0;

    if (geteuid() == 0)
        len = snprintf(dir, BROKER_PATH_MAX, "/var/lib/conclaved");
    else if (data != NULL && *data == '/')
        len = snprintf(dir, BROKER_PATH_MAX, "%s/conclave", data);
    else if (home != NULL)
        len = snprintf(dir, BROKER_PATH_MAX, "%s/.local/share/conclave", home);
    return len > 0 && len < (int)BROKER_PATH_MAX ? CONCLAVE_OK : CONCLAVE_ERR_NOT_FOUND;
}

enum conclave_err
broker_home_enter(const char *dir, char *why, size_t why_cap)
{
    char standard[BROKER_PATH_MAX];
    struct stat about;

    if (dir == NULL && default_dir(standard) != CONCLAVE_OK) {
        snprintf(why, why_cap, "There is no home directory; name a data directory with --data DIR.");
        return CONCLAVE_ERR_STORE_IO;
    }
    const char *path = dir != NULL ? dir : standard;
    if (broker_home_make(path) != CONCLAVE_OK || chdir(path) != 0 || stat(".", &about) != 0
        || access(".", W_OK | X_OK) != 0) {
        snprintf(why, why_cap, "The data directory %s cannot be used: %s. Choose another with "
                 "--data DIR.",
                 path, strerror(errno));
        return CONCLAVE_ERR_STORE_IO;
    }
    if ((about.st_mode & 022) != 0) {
        snprintf(why, why_cap,
                 "The data directory %s can be written by others; choose one of your own with "
                 "--data DIR, or run: chmod 700 %s",
                 path, path);
        return CONCLAVE_ERR_UNSAFE_FILE;
    }
    if (mkdir("store", 0700) != 0 && errno != EEXIST) {
        snprintf(why, why_cap, "%s/store cannot be made: %s.%s", path, strerror(errno),
                 broker_home_advice(errno));
        return CONCLAVE_ERR_STORE_IO;
    }
    if (stat("store", &about) != 0 || !S_ISDIR(about.st_mode)) {
        snprintf(why, why_cap, "%s/store is not a directory; move it away.", path);
        return CONCLAVE_ERR_STORE_IO;
    }
    return CONCLAVE_OK;
}

/* The process that wrote itself into the lock; 0: none. */
static pid_t
holder(int fd)
{
    char text[32] = "";

    if (pread(fd, text, sizeof text - 1, 0) <= 0)
        return 0;
    const long pid = strtol(text, NULL, 10);
    return pid > 0 ? (pid_t)pid : 0;
}

enum conclave_err
broker_home_lock(int *fd_out, char *why, size_t why_cap)
{
    char text[32];

    const int fd = open("lock", O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
    if (fd < 0) {
        snprintf(why, why_cap, "The file lock in the data directory cannot be opened: %s.%s",
                 strerror(errno), broker_home_advice(errno));
        return CONCLAVE_ERR_STORE_IO;
    }
    for (int waited = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; waited += LOCK_STEP_MS) {
        const pid_t pid = holder(fd);
        const bool lives = pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);
        if (waited < LOCK_WAIT_MS && !lives) { /* its children are about to end */
            poll(NULL, 0, LOCK_STEP_MS);
            continue;
        }
        snprintf(why, why_cap,
                 "Another conclaved (process %ld) is using this data directory; stop it first, or "
                 "choose another with --data DIR.",
                 (long)pid);
        close(fd);
        return CONCLAVE_ERR_IN_USE;
    }
    const int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)len, 0) != len) {
        snprintf(why, why_cap, "The data directory cannot be written: %s.%s", strerror(errno),
                 broker_home_advice(errno));
        close(fd);
        return errno == ENOSPC ? CONCLAVE_ERR_STORE_FULL : CONCLAVE_ERR_STORE_IO;
    }
    *fd_out = fd;
    return CONCLAVE_OK;
}

enum conclave_err
broker_home_check(char *why, size_t why_cap)
{
    struct stat about;

    if (broker_home_port(BROKER_FRONT_PORT) == 0 || stat("store/data.mdb", &about) == 0)
        return CONCLAVE_OK;
    snprintf(why, why_cap,
             "store/data.mdb is missing (%s), though this registry has had accounts; mount or restore "
             "it, or remove " BROKER_FRONT_PORT " to start with none.",
             strerror(errno));
    return CONCLAVE_ERR_STORE_DAMAGED;
}

uint16_t
broker_home_port(const char *file)
{
    char text[16] = "";
    FILE *from = fopen(file, "r");

    if (from == NULL)
        return 0;
    const bool read = fgets(text, sizeof text, from) != NULL;
    fclose(from);
    const unsigned long port = read ? strtoul(text, NULL, 10) : 0;
    return port <= UINT16_MAX ? (uint16_t)port : 0;
}

enum conclave_err
broker_home_save_port(const char *file, uint16_t port)
{
    char beside[64];
    enum conclave_err err = CONCLAVE_ERR_STORE_IO;

    snprintf(beside, sizeof beside, "%s.new", file);
    FILE *to = fopen(beside, "w");
    if (to == NULL)
        return err;
    const bool written = fprintf(to, "%u\n", (unsigned)port) > 0 && fflush(to) == 0
                         && fsync(fileno(to)) == 0;
    if (fclose(to) == 0 && written && rename(beside, file) == 0)
        err = CONCLAVE_OK;
    return err;
}
