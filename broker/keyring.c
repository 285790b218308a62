/* Reads and makes the key files: one line, what it is and the key in hex. */
#include "broker/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/home.h"

#define HEAD "conclave key 1 "
#define LINE_BYTES (sizeof HEAD - 1 + 16 + 1 + 128 + 1)

struct key_file {
    const char *path;
    const char *what; /* in the file, so that one cannot stand for another */
    size_t len;
};

static const struct key_file signer_file = {"signer.key", "signer", sizeof(struct msg_sign_sec)};
static const struct key_file door_file = {"door.key", "door", sizeof(struct msg_box_sec)};
static const struct key_file front_file = {"front.key", "front", sizeof(struct msg_box_sec)};

static enum conclave_err
check_file(int fd, const struct key_file *file, char *why, size_t why_cap)
{
    struct stat about;

    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        snprintf(why, why_cap, "%s is not a file; move it away.", file->path);
        return CONCLAVE_ERR_STORE_IO;
    }
    if ((about.st_mode & 077) != 0 || about.st_uid != geteuid()) {
        snprintf(why, why_cap,
                 "%s can be read by others (mode %04o); check who read it, then run: chmod 600 %s",
                 file->path, (unsigned)about.st_mode & 07777u, file->path);
        return CONCLAVE_ERR_UNSAFE_FILE;
    }
    return CONCLAVE_OK;
}

static enum conclave_err
read_key(const struct key_file *file, void *key, char *why, size_t why_cap)
{
    char line[LINE_BYTES + 1], head[64];
    enum conclave_err err = CONCLAVE_ERR_STORE_IO;

    const int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        err = errno == ENOENT ? CONCLAVE_ERR_NOT_FOUND : CONCLAVE_ERR_STORE_IO;
        snprintf(why, why_cap, "%s cannot be read: %s.", file->path, strerror(errno));
        return err;
    }
    err = check_file(fd, file, why, why_cap);
    if (err != CONCLAVE_OK)
        goto done;
    const ssize_t len = read(fd, line, sizeof line);
    const int head_len = snprintf(head, sizeof head, HEAD "%s ", file->what);
    const size_t want = (size_t)head_len + 2 * file->len;
    if (len < (ssize_t)want || memcmp(line, head, (size_t)head_len) != 0
        || msg_keys_from_hex(key, file->len,
                             (struct msg_text){line + head_len, 2 * file->len})
               != CONCLAVE_OK) {
        err = CONCLAVE_ERR_STORE_DAMAGED;
        snprintf(why, why_cap,
                 "%s is damaged; restore it from a backup. (Without it, everybody must be invited "
                 "anew.)",
                 file->path);
    }

done:
    msg_keys_wipe(line, sizeof line);
    close(fd);
    return err;
}

/* Written beside, synced, then given its name: there is never half a key. */
static enum conclave_err
write_key(const struct key_file *file, const void *key, char *why, size_t why_cap)
{
    char line[LINE_BYTES + 1], hex[2 * 64 + 1], beside[64];
    enum conclave_err err = CONCLAVE_ERR_STORE_IO;
    int dir = -1;

    snprintf(beside, sizeof beside, "%s.new", file->path);
    unlink(beside);
    const int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        goto done;
    msg_keys_to_hex(hex, key, file->len);
    const int len = snprintf(line, sizeof line, HEAD "%s %s\n", file->what, hex);
    dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0 && write(fd, line, (size_t)len) == len && fsync(fd) == 0
        && rename(beside, file->path) == 0 && fsync(dir) == 0)
        err = CONCLAVE_OK;

done:
    if (err != CONCLAVE_OK)
        snprintf(why, why_cap, "%s cannot be written: %s.%s", file->path, strerror(errno),
                 broker_home_advice(errno));
    msg_keys_wipe(line, sizeof line);
    msg_keys_wipe(hex, sizeof hex);
    if (dir >= 0)
        close(dir);
    if (fd >= 0)
        close(fd);
    return err;
}

/* A key may be made only while nobody can know the one that is missing. */
static enum conclave_err
may_make(const struct key_file *file, char *why, size_t why_cap)
{
    struct stat about;

    if (stat("store/data.mdb", &about) != 0)
        return CONCLAVE_OK;
    snprintf(why, why_cap,
             "%s is missing, but there are accounts in store/; restore it from a backup, or move "
             "the whole directory aside to start anew.",
             file->path);
    return CONCLAVE_ERR_STORE_DAMAGED;
}

static enum conclave_err
open_sign(struct msg_sign_pub *pub, char *why, size_t why_cap)
{
    struct msg_sign_sec sec;

    enum conclave_err err = read_key(&signer_file, &sec, why, why_cap);
    if (err == CONCLAVE_ERR_NOT_FOUND) {
        err = may_make(&signer_file, why, why_cap);
        msg_keys_new_sign(pub, &sec);
        if (err == CONCLAVE_OK)
            err = write_key(&signer_file, &sec, why, why_cap);
    }
    if (err == CONCLAVE_OK)
        msg_keys_sign_pub_of(pub, &sec);
    msg_keys_wipe(&sec, sizeof sec);
    return err;
}

static enum conclave_err
open_box(const struct key_file *file, struct msg_box_pub *pub, char *why, size_t why_cap)
{
    struct msg_box_sec sec;

    enum conclave_err err = read_key(file, &sec, why, why_cap);
    if (err == CONCLAVE_ERR_NOT_FOUND) {
        err = may_make(file, why, why_cap);
        msg_keys_new_box(pub, &sec);
        if (err == CONCLAVE_OK)
            err = write_key(file, &sec, why, why_cap);
    }
    if (err == CONCLAVE_OK)
        msg_keys_box_pub_of(pub, &sec);
    msg_keys_wipe(&sec, sizeof sec);
    return err;
}

/* What the process of its own says. */
struct report {
    enum conclave_err err;
    struct broker_public keys;
    char why[512];
};

static void
open_all(struct report *report)
{
    memset(report, 0, sizeof *report);
    /* One process at a time makes them: a link may be asked for while the
     * daemon starts.  The lock ends with the descriptor, which ends with us. */
    const int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || flock(dir, LOCK_EX) != 0) {
        snprintf(report->why, sizeof report->why, "The data directory cannot be locked: %s.",
                 strerror(errno));
        report->err = CONCLAVE_ERR_STORE_IO;
        return;
    }
    report->err = open_sign(&report->keys.signer, report->why, sizeof report->why);
    if (report->err == CONCLAVE_OK)
        report->err = open_box(&door_file, &report->keys.door, report->why, sizeof report->why);
    if (report->err == CONCLAVE_OK)
        report->err = open_box(&front_file, &report->keys.front, report->why, sizeof report->why);
}

enum conclave_err
broker_keyring_open(struct broker_public *out, char *why, size_t why_cap)
{
    struct report report;
    int ends[2];
    ssize_t len = -1;

    memset(&report, 0, sizeof report);
    memset(out, 0, sizeof *out);
    snprintf(why, why_cap, "The keys cannot be read: %s.", strerror(errno));
    if (pipe(ends) != 0)
        return CONCLAVE_ERR_SYSTEM;
    const pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        close(ends[0]);
        open_all(&report);
        _exit(write(ends[1], &report, sizeof report) == (ssize_t)sizeof report ? 0 : 1);
    }
    close(ends[1]);
    if (child > 0) {
        do
            len = read(ends[0], &report, sizeof report);
        while (len < 0 && errno == EINTR);
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    close(ends[0]);
    if (len != (ssize_t)sizeof report)
        return CONCLAVE_ERR_SYSTEM;
    *out = report.keys;
    snprintf(why, why_cap, "%s", report.why);
    return report.err;
}

enum conclave_err
broker_keyring_signer(struct msg_sign_sec *out, char *why, size_t why_cap)
{
    return read_key(&signer_file, out, why, why_cap);
}

enum conclave_err
broker_keyring_door(struct msg_box_sec *out, char *why, size_t why_cap)
{
    return read_key(&door_file, out, why, why_cap);
}

enum conclave_err
broker_keyring_front(struct msg_box_sec *out, char *why, size_t why_cap)
{
    return read_key(&front_file, out, why, why_cap);
}
