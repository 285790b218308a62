/* Subscribes to what the registry publishes. */
#include "tools/top/source.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/curve.h"
#include "msg/catalog_monitor.h"
#include "msg/keys.h"

#define WAITING_MAX 1000 /* messages, if we are slow */

/* As broker/home finds it. */
static bool
standard_dir(char dir[4096])
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    int len = 0;

    if (geteuid() == 0)
        len = snprintf(dir, 4096, "/var/lib/conclaved");
    else if (data != NULL && *data == '/')
        len = snprintf(dir, 4096, "%s/conclave", data);
    else if (home != NULL && *home == '/')
        len = snprintf(dir, 4096, "%s/.local/share/conclave", home);
    return len > 0 && len < 4096;
}

static bool
subscribe(struct top_source *self, bool rows)
{
    static const char *const topics[] = {MSG_TOPIC_WELCOME, MSG_TOPIC_SAMPLE, MSG_TOPIC_ROOMS, MSG_TOPIC_SESSIONS};

    zsock_set_linger(self->sub, 0);
    zsock_set_rcvhwm(self->sub, WAITING_MAX);
    for (size_t i = 0; i < (rows ? 4 : 2); i++)
        if (zmq_setsockopt(zsock_resolve(self->sub), ZMQ_SUBSCRIBE, topics[i], strlen(topics[i])) != 0)
            return false;
    return true;
}

/* ---- on this machine ---- */

static enum conclave_err
open_local(struct top_source *self, const char *dir, char *why, size_t why_cap)
{
    char standard[4096] = "";

    if (dir == NULL && !standard_dir(standard)) {
        snprintf(why, why_cap, "There is no home directory; name the registry's data directory with --data DIR.");
        return CONCLAVE_ERR_NOT_FOUND;
    }
    const char *path = dir != NULL ? dir : standard;
    /* A path from here is short enough for a socket, wherever the directory is. */
    if (chdir(path) != 0) {
        snprintf(why, why_cap, "The data directory %s cannot be entered: %s. Name the registry's with --data DIR.", path,
                 strerror(errno));
        return CONCLAVE_ERR_NOT_FOUND;
    }
    if (access(MSG_MONITOR_SOCKET, F_OK) == 0 && access(MSG_MONITOR_SOCKET, W_OK) != 0) {
        snprintf(why, why_cap, "The registry in %s is another user's: %s. Run this as that user.", path,
                 strerror(errno));
        return CONCLAVE_ERR_FORBIDDEN;
    }
    return zmq_connect(zsock_resolve(self->sub), "ipc://" MSG_MONITOR_SOCKET) == 0 ? CONCLAVE_OK : CONCLAVE_ERR_SYSTEM;
}

/* ---- elsewhere ---- */

/* A file of one line: our secret key in hex.  Made when it is not there. */
static enum conclave_err
make_key(const char *file, struct msg_box_sec *sec, char *why, size_t why_cap)
{
    char line[2 * sizeof sec->at + 2];
    struct msg_box_pub pub;

    const int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) {
        msg_keys_new_box(&pub, sec);
        msg_keys_to_hex(line, sec->at, sizeof sec->at);
        line[sizeof line - 2] = '\n';
        const bool written = write(fd, line, sizeof line - 1) == (ssize_t)sizeof line - 1 && fsync(fd) == 0;
        msg_keys_wipe(line, sizeof line);
        if (close(fd) == 0 && written)
            return CONCLAVE_OK;
        unlink(file);
    }
    snprintf(why, why_cap, "The key file %s cannot be made: %s.", file, strerror(errno));
    return CONCLAVE_ERR_NOT_FOUND;
}

static enum conclave_err
read_key(const char *file, struct msg_box_sec *sec, char *why, size_t why_cap)
{
    char line[2 * sizeof sec->at + 1] = "";
    struct stat about;
    enum conclave_err err = CONCLAVE_ERR_CONFIG;

    const int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return make_key(file, sec, why, why_cap);
    if (fd < 0 || fstat(fd, &about) != 0) {
        snprintf(why, why_cap, "The key file %s cannot be read: %s.", file, strerror(errno));
    } else if (!S_ISREG(about.st_mode) || (about.st_mode & 077) != 0) {
        snprintf(why, why_cap, "The key file %s can be read by others; make another one, and have its public key allowed "
                 "instead.", file);
        err = CONCLAVE_ERR_UNSAFE_FILE;
    } else if (read(fd, line, sizeof line - 1) != (ssize_t)sizeof line - 1
               || msg_keys_from_hex(sec->at, sizeof sec->at, msg_text(line)) != CONCLAVE_OK) {
        snprintf(why, why_cap, "%s is no key file: it has 64 hex digits. Name one that is not there, and it is made.",
                 file);
    } else {
        err = CONCLAVE_OK;
    }
    msg_keys_wipe(line, sizeof line);
    if (fd >= 0)
        close(fd);
    return err;
}

enum conclave_err
top_source_key(const char *file, char hex[MSG_BOX_HEX + 1], char *why, size_t why_cap)
{
    struct msg_box_sec sec;
    struct msg_box_pub pub;

    hex[0] = '\0';
    snprintf(why, why_cap, "There is no randomness for keys on this machine.");
    enum conclave_err err = msg_keys_init();
    if (err == CONCLAVE_OK)
        err = read_key(file, &sec, why, why_cap);
    if (err != CONCLAVE_OK)
        return err;
    msg_keys_box_pub_of(&pub, &sec);
    msg_keys_wipe(&sec, sizeof sec);
    msg_keys_to_hex(hex, pub.at, sizeof pub.at);
    return CONCLAVE_OK;
}

static enum conclave_err
open_remote(struct top_source *self, const struct top_options *options, char *why, size_t why_cap)
{
    char hex[MSG_BOX_HEX + 1];
    struct msg_box_sec sec;
    struct msg_box_pub pub;
    void *raw = zsock_resolve(self->sub);

    enum conclave_err err = msg_keys_init();
    if (err == CONCLAVE_OK)
        err = read_key(options->key, &sec, why, why_cap);
    if (err != CONCLAVE_OK)
        return err;
    msg_keys_box_pub_of(&pub, &sec);
    msg_keys_to_hex(hex, pub.at, sizeof pub.at);
    fprintf(stderr, "conclave-top: our key, for the registry's monitor/keys: %s\n", hex);
    int rc = host_curve_set_common(raw, MSG_FRAME_MAX + 1024);
    rc |= zmq_setsockopt(raw, ZMQ_CURVE_SERVERKEY, options->registry.at, sizeof options->registry.at);
    rc |= zmq_setsockopt(raw, ZMQ_CURVE_PUBLICKEY, pub.at, sizeof pub.at);
    rc |= zmq_setsockopt(raw, ZMQ_CURVE_SECRETKEY, sec.at, sizeof sec.at);
    msg_keys_wipe(&sec, sizeof sec);
    return rc == 0 && zmq_connect(raw, options->connect) == 0 ? CONCLAVE_OK : CONCLAVE_ERR_SYSTEM;
}

enum conclave_err
top_source_open(struct top_source *self, const struct top_options *options, bool rows, char *why, size_t why_cap)
{
    *self = (struct top_source){0};
    zmq_msg_init(&self->frame);
    why[0] = '\0';
    enum conclave_err err = host_curve_init(1);
    if (err == CONCLAVE_OK && (self->sub = host_curve_socket(ZMQ_SUB)) == NULL)
        err = CONCLAVE_ERR_SYSTEM;
    if (err == CONCLAVE_OK && !subscribe(self, rows))
        err = CONCLAVE_ERR_SYSTEM;
    if (err == CONCLAVE_OK)
        err = options->connect != NULL ? open_remote(self, options, why, why_cap)
                                       : open_local(self, options->data, why, why_cap);
    if (err != CONCLAVE_OK && why[0] == '\0')
        snprintf(why, why_cap, "The socket of the registry cannot be opened: %s.", zmq_strerror(errno));
    if (err != CONCLAVE_OK)
        top_source_close(self);
    return err;
}

void
top_source_close(struct top_source *self)
{
    zmq_msg_close(&self->frame);
    zsock_destroy(&self->sub);
    zsys_shutdown();
}

static bool
receive(void *raw, zmq_msg_t *msg)
{
    int rc;

    do
        rc = zmq_msg_recv(msg, raw, ZMQ_DONTWAIT);
    while (rc < 0 && errno == EINTR);
    return rc >= 0;
}

/* The frame in a message of one part, behind its topic; empty: it is none. */
static struct msg_span
welcomed(zmq_msg_t *msg)
{
    const size_t topic = strlen(MSG_TOPIC_WELCOME), size = zmq_msg_size(msg);
    const uint8_t *at = zmq_msg_data(msg);

    if (size <= topic || memcmp(at, MSG_TOPIC_WELCOME, topic) != 0)
        return msg_span(NULL, 0);
    return msg_span(at + topic, size - topic);
}

bool
top_source_next(struct top_source *self, struct msg_span *frame)
{
    void *raw = zsock_resolve(self->sub);

    for (;;) {
        if (!receive(raw, &self->frame)) /* the topic */
            return false;
        if (!zmq_msg_more(&self->frame)) {
            *frame = welcomed(&self->frame);
            if (frame->len > 0)
                return true;
            continue;
        }
        const bool two = receive(raw, &self->frame);
        const bool good = two && !zmq_msg_more(&self->frame);
        while (zmq_msg_more(&self->frame) && receive(raw, &self->frame))
            ;
        if (!good)
            continue;
        *frame = msg_span(zmq_msg_data(&self->frame), zmq_msg_size(&self->frame));
        return true;
    }
}
