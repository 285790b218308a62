/* The publishing sockets.  An XPUB tells which topics somebody wants, so that
 * rows are made for nobody else.  Who may see names connects to another port
 * than who may not: a publisher cannot tell its subscribers apart. */
#include "broker/monitor.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/log.h"
#include "host/zap.h"
#include "msg/codec.h"
#include "msg/name.h"

#define LINGER_MS 200         /* for the last sample */
#define WAITING_MAX 256       /* messages for one monitor: a page of rows is one */
#define HEARD_BYTES 1024      /* that a monitor may say at once: a handshake, a subscription */
#define KEYS_BYTES 16384u
#define CONNECTIONS 64u
#define SOURCE_CONNECTIONS 16u
#define WORDS 64              /* that are read in one turn */
#define NEVER_MS (1ull << 40) /* a monitor that subscribes says no more */

static const char *const domains[BROKER_MONITOR_PLACES] = {"", "monitor", "monitor-names"};
static const char *const topics[BROKER_MONITOR_TOPICS] = {MSG_TOPIC_SAMPLE, MSG_TOPIC_ROOMS, MSG_TOPIC_SESSIONS};

/* Rooms and sessions have names. */
static bool
may_have(unsigned place, enum broker_monitor_topic topic)
{
    return place != BROKER_MONITOR_FIGURES || topic == BROKER_MONITOR_SAMPLES;
}

/* ---- keys ---- */

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of a line. */
static struct msg_text
take_word(struct msg_text *line)
{
    struct msg_text word;

    while (line->len > 0 && is_blank(*line->at))
        line->at++, line->len--;
    word = (struct msg_text){line->at, 0};
    while (line->len > 0 && !is_blank(*line->at))
        line->at++, line->len--, word.len++;
    return word;
}

static bool
read_key(struct broker_monitor_keys *self, struct msg_text line)
{
    struct broker_monitor_key key = {.names = false};
    const char *comment = line.len > 0 ? memchr(line.at, '#', line.len) : NULL;

    if (comment != NULL)
        line.len = (size_t)(comment - line.at);
    const struct msg_text hex = take_word(&line), names = take_word(&line), more = take_word(&line);
    if (hex.len == 0)
        return true;
    key.names = msg_text_equal(names, msg_text("names"));
    if (self->count == BROKER_MONITOR_KEYS || hex.len != MSG_BOX_HEX || more.len > 0 || (names.len > 0 && !key.names)
        || msg_keys_from_hex(key.key.at, sizeof key.key.at, hex) != CONCLAVE_OK)
        return false;
    self->list[self->count++] = key;
    return true;
}

enum conclave_err
broker_monitor_keys_read(struct broker_monitor_keys *self, struct msg_text text, char *why, size_t why_cap)
{
    self->count = 0;
    for (unsigned number = 1; text.len > 0; number++) {
        const char *end = memchr(text.at, '\n', text.len);
        const struct msg_text line = {text.at, end != NULL ? (size_t)(end - text.at) : text.len};
        if (!read_key(self, line)) {
            snprintf(why, why_cap,
                     "line %u of the monitor keys: it is the public key that conclave-top prints, 64 hex digits, "
                     "and the word names if it may see those; %u keys at most.",
                     number, BROKER_MONITOR_KEYS);
            return CONCLAVE_ERR_CONFIG;
        }
        text.at += line.len + (end != NULL);
        text.len -= line.len + (end != NULL);
    }
    return CONCLAVE_OK;
}

bool
broker_monitor_keys_admit(const struct broker_monitor_keys *self, const struct msg_box_pub *key, bool names)
{
    bool found = false;

    for (size_t i = 0; i < self->count; i++)
        if (msg_keys_equal(self->list[i].key.at, key->at, sizeof key->at))
            found = found || !names || self->list[i].names;
    return found;
}

static bool
is_new(struct broker_monitor *self, const struct broker_monitor_keys *keys)
{
    bool differ = keys->count != self->keys.count;

    for (size_t i = 0; i < keys->count && !differ; i++)
        differ = keys->list[i].names != self->keys.list[i].names
                 || !msg_keys_equal(keys->list[i].key.at, self->keys.list[i].key.at, sizeof keys->list[i].key.at);
    return differ;
}

/* Into keys.  A file that is not there yet has none: nobody may connect. */
static enum conclave_err
load_keys(struct broker_monitor_keys *keys, const char *file, char *why, size_t why_cap)
{
    char text[KEYS_BYTES], sentence[256];
    struct stat about;
    enum conclave_err err = CONCLAVE_ERR_CONFIG;

    keys->count = 0;
    const int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
        host_log(MSG_LOG_WARN, "MONITOR-NO-KEYS %s is not there, so that no monitor may connect yet. conclave-top --key "
                               "FILE prints a line for it; then reload the configuration.",
                 file);
        return CONCLAVE_OK;
    }
    if (fd < 0 || fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        snprintf(why, why_cap, "monitor/tcp needs the keys of monitors in the file %s, which cannot be read.", file);
    } else if ((about.st_mode & 022) != 0 || (about.st_uid != geteuid() && about.st_uid != 0)) {
        snprintf(why, why_cap, "%s can be written by others; check it, then run: chmod go-w %s", file, file);
        err = CONCLAVE_ERR_UNSAFE_FILE;
    } else {
        const ssize_t len = read(fd, text, sizeof text);
        if (len < 0 || len == (ssize_t)sizeof text)
            snprintf(why, why_cap, "%s cannot be read, or is larger than %u bytes.", file, KEYS_BYTES);
        else if (broker_monitor_keys_read(keys, (struct msg_text){text, (size_t)len}, sentence, sizeof sentence)
                 != CONCLAVE_OK)
            snprintf(why, why_cap, "%s: %s", file, sentence);
        else
            err = CONCLAVE_OK;
    }
    if (fd >= 0)
        close(fd);
    return err;
}

bool
broker_monitor_reload(struct broker_monitor *self, const struct broker_settings *settings)
{
    struct broker_monitor_keys keys;
    char why[BROKER_WHY_MAX];

    if (self->sockets[BROKER_MONITOR_FIGURES].xpub == NULL && self->sockets[BROKER_MONITOR_NAMES].xpub == NULL)
        return true;
    if (load_keys(&keys, settings->monitor_keys, why, sizeof why) != CONCLAVE_OK) {
        host_log(MSG_LOG_ERROR, "MONITOR-KEYS-FAILED %s The old keys stay.", why);
        return false;
    }
    if (!is_new(self, &keys))
        return true;
    pthread_mutex_lock(&self->lock);
    self->keys = keys;
    pthread_mutex_unlock(&self->lock);
    for (unsigned i = BROKER_MONITOR_FIGURES; i < BROKER_MONITOR_PLACES; i++)
        if (self->sockets[i].watchdog != NULL)
            host_watchdog_cut_all(self->sockets[i].watchdog);
    host_log(MSG_LOG_INFO, "MONITOR-KEYS allowed from now on: %zu.", keys.count);
    return true;
}

/* ---- on the ZAP thread ---- */

static enum host_zap_answer
admit(struct broker_monitor *self, const struct msg_box_pub *key, bool names)
{
    pthread_mutex_lock(&self->lock);
    const bool may = broker_monitor_keys_admit(&self->keys, key, names);
    pthread_mutex_unlock(&self->lock);
    return may ? HOST_ZAP_ADMIT : HOST_ZAP_DENY;
}

static enum host_zap_answer
admit_any(void *arg, const struct msg_box_pub *key, const char *source)
{
    (void)source;
    return admit(arg, key, false);
}

static enum host_zap_answer
admit_names(void *arg, const struct msg_box_pub *key, const char *source)
{
    (void)source;
    return admit(arg, key, true);
}

/* ---- opening ---- */

static enum conclave_err
open_port(struct broker_monitor *self, enum broker_monitor_place place, const char *where,
          const struct msg_box_pub *pub, const struct msg_box_sec *sec, char *why, size_t why_cap)
{
    const struct host_watchdog_limits limits = {CONNECTIONS, SOURCE_CONNECTIONS, 0, NEVER_MS};
    struct broker_monitor_socket *socket = &self->sockets[place];
    char host[MSG_HOST_MAX + 1], hex[MSG_BOX_HEX + 1];
    uint16_t port;

    enum conclave_err err = msg_endpoint_parse(host, &port, msg_text(where));
    if (err == CONCLAVE_OK)
        err = host_zap_add(domains[place], place == BROKER_MONITOR_NAMES ? admit_names : admit_any, self);
    if (err == CONCLAVE_OK)
        err = host_curve_bind_xpub(&socket->xpub, host, &port, sec, domains[place], HEARD_BYTES);
    if (err == CONCLAVE_OK)
        err = host_watchdog_start(&socket->watchdog, socket->xpub, &limits);
    if (err != CONCLAVE_OK) {
        snprintf(why, why_cap, "Cannot listen on %s for monitors: %s. Choose another place with monitor/%s.", where,
                 zmq_strerror(errno), place == BROKER_MONITOR_NAMES ? "tcp_names" : "tcp");
        return err;
    }
    msg_keys_to_hex(hex, pub->at, sizeof pub->at);
    host_log(MSG_LOG_INFO, "MONITOR-OPEN %s on %s port %u; the registry's key is %s",
             place == BROKER_MONITOR_NAMES ? "figures and names" : "figures", host, (unsigned)port, hex);
    return CONCLAVE_OK;
}

enum conclave_err
broker_monitor_open(struct broker_monitor *self, const struct broker_settings *settings,
                    const struct msg_box_pub *pub, const struct msg_box_sec *sec, char *why, size_t why_cap)
{
    const char *const places[BROKER_MONITOR_PLACES] = {"", settings->monitor_tcp, settings->monitor_tcp_names};
    enum conclave_err err = CONCLAVE_OK;

    zmq_msg_init(&self->frame.body);
    pthread_mutex_init(&self->lock, NULL);
    if (*settings->monitor_tcp != '\0' || *settings->monitor_tcp_names != '\0')
        err = load_keys(&self->keys, settings->monitor_keys, why, why_cap);
    for (unsigned i = BROKER_MONITOR_FIGURES; i < BROKER_MONITOR_PLACES && err == CONCLAVE_OK; i++)
        if (*places[i] != '\0')
            err = open_port(self, (enum broker_monitor_place)i, places[i], pub, sec, why, why_cap);
    return err;
}

static void
close_socket(struct broker_monitor_socket *socket)
{
    if (socket->watchdog != NULL)
        host_watchdog_stop(&socket->watchdog);
    if (socket->xpub != NULL)
        zsock_set_linger(socket->xpub, LINGER_MS);
    zsock_destroy(&socket->xpub);
    *socket = (struct broker_monitor_socket){.xpub = NULL};
}

void
broker_monitor_close(struct broker_monitor *self)
{
    for (unsigned i = 0; i < BROKER_MONITOR_PLACES; i++)
        close_socket(&self->sockets[i]);
    zmq_msg_close(&self->frame.body);
    for (unsigned i = BROKER_MONITOR_FIGURES; i < BROKER_MONITOR_PLACES; i++)
        host_zap_remove(domains[i]);
    pthread_mutex_destroy(&self->lock);
}

enum conclave_err
broker_monitor_open_local(struct broker_monitor *self)
{
    struct broker_monitor_socket *socket = &self->sockets[BROKER_MONITOR_LOCAL];
    const int linger = LINGER_MS, waiting = WAITING_MAX;

    socket->xpub = host_curve_socket(ZMQ_XPUB);
    if (socket->xpub == NULL)
        return CONCLAVE_ERR_SYSTEM;
    void *raw = zsock_resolve(socket->xpub);
    if ((zmq_setsockopt(raw, ZMQ_LINGER, &linger, sizeof linger)
         | zmq_setsockopt(raw, ZMQ_SNDHWM, &waiting, sizeof waiting) | zmq_bind(raw, "ipc://" MSG_MONITOR_SOCKET))
        == 0)
        return CONCLAVE_OK;
    close_socket(socket);
    return CONCLAVE_ERR_SYSTEM;
}

void
broker_monitor_close_local(struct broker_monitor *self)
{
    close_socket(&self->sockets[BROKER_MONITOR_LOCAL]);
}

void
broker_monitor_welcome(struct broker_monitor *self, uint64_t interval_ms)
{
    const struct msg_monitor_welcome welcome = {interval_ms};
    const size_t topic = strlen(MSG_TOPIC_WELCOME);
    uint8_t at[64] = MSG_TOPIC_WELCOME;
    struct msg_buf out = {at, topic, sizeof at};

    if (interval_ms == 0 || msg_codec_encode(&out, MSG_MONITOR_WELCOME, &welcome) != CONCLAVE_OK)
        out.len = 0;
    for (unsigned i = 0; i < BROKER_MONITOR_PLACES; i++)
        if (self->sockets[i].xpub != NULL
            && zmq_setsockopt(zsock_resolve(self->sockets[i].xpub), ZMQ_XPUB_WELCOME_MSG, at, out.len) != 0)
            host_log(MSG_LOG_WARN, "MONITOR-NO-WELCOME monitors learn of the interval with the first sample: %s.",
                     zmq_strerror(errno));
}

/* ---- who wants what ---- */

/* 1 or 0, and a prefix: the first who wants it, or the last who did.  It stands
 * for all topics that begin with it. */
static void
note(struct broker_monitor_socket *socket, struct msg_span word)
{
    for (size_t i = 0; i < BROKER_MONITOR_TOPICS && word.len > 0; i++) {
        if (word.len - 1 > strlen(topics[i]) || memcmp(word.at + 1, topics[i], word.len - 1) != 0)
            continue;
        if (word.at[0] == 1)
            socket->wants[i]++;
        else if (word.at[0] == 0 && socket->wants[i] > 0)
            socket->wants[i]--;
    }
}

static bool
hear_local(struct broker_monitor_socket *socket, zmq_msg_t *word)
{
    for (unsigned i = 0; i < WORDS; i++) {
        const bool heard = zmq_msg_recv(word, zsock_resolve(socket->xpub), ZMQ_DONTWAIT) >= 0;
        if (!heard && errno != EINTR)
            return false;
        if (heard && !zmq_msg_more(word))
            note(socket, msg_span(zmq_msg_data(word), zmq_msg_size(word)));
    }
    return true;
}

static bool
hear_port(struct broker_monitor_socket *socket, struct host_frame *frame)
{
    for (unsigned i = 0; i < WORDS; i++) {
        const enum host_read read = host_curve_read_xpub(socket->xpub, frame);
        if (read == HOST_READ_NOTHING)
            return false;
        const struct msg_span word = host_frame_bytes(frame);
        if (read == HOST_READ_FRAME)
            host_watchdog_delivered(socket->watchdog, frame->fd, word.len);
        /* libzmq says itself that the last one is gone; nobody else comes without a name. */
        if (read == HOST_READ_FRAME || (word.len > 0 && word.at[0] == 0))
            note(socket, word);
    }
    return true;
}

bool
broker_monitor_hear(struct broker_monitor *self)
{
    bool more = false;

    for (unsigned i = 0; i < BROKER_MONITOR_PLACES; i++) {
        struct broker_monitor_socket *socket = &self->sockets[i];
        if (socket->xpub == NULL)
            continue;
        if (i == BROKER_MONITOR_LOCAL)
            more = hear_local(socket, &self->frame.body) || more;
        else
            more = hear_port(socket, &self->frame) || more;
    }
    return more;
}

bool
broker_monitor_wants(const struct broker_monitor *self, enum broker_monitor_topic topic)
{
    for (unsigned i = 0; i < BROKER_MONITOR_PLACES; i++)
        if (may_have(i, topic) && self->sockets[i].wants[topic] > 0)
            return true;
    return false;
}

/* Who connects to a port may say what no subscriber says, and be counted wrongly:
 * nobody else loses samples by it. */
static bool
has_guests(const struct broker_monitor *self)
{
    struct host_watchdog_counts counts = {0};

    for (unsigned i = 0; i < BROKER_MONITOR_PLACES && counts.open == 0; i++)
        if (self->sockets[i].watchdog != NULL)
            host_watchdog_counts(self->sockets[i].watchdog, &counts);
    return counts.open > 0;
}

bool
broker_monitor_wants_any(const struct broker_monitor *self)
{
    return broker_monitor_wants(self, BROKER_MONITOR_SAMPLES) || broker_monitor_wants(self, BROKER_MONITOR_ROOMS)
           || broker_monitor_wants(self, BROKER_MONITOR_SESSIONS) || has_guests(self);
}

void
broker_monitor_publish(struct broker_monitor *self, enum broker_monitor_topic topic, struct msg_span frame)
{
    for (unsigned i = 0; i < BROKER_MONITOR_PLACES; i++) {
        if (self->sockets[i].xpub == NULL || !may_have(i, topic))
            continue;
        void *raw = zsock_resolve(self->sockets[i].xpub);
        /* An XPUB drops for whoever is full, and says nothing. */
        if (zmq_send(raw, topics[topic], strlen(topics[topic]), ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0)
            (void)zmq_send(raw, frame.at, frame.len, ZMQ_DONTWAIT);
    }
}
