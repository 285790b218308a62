/* The vault: it alone has the signing key, and it alone hashes passwords.  The
 * main thread signs at once; a thread behind a bounded queue does Argon2id, so
 * that neither waits for the other.  No network. */
#include <czmq.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "broker/channel.h"
#include "broker/keyring.h"
#include "broker/local.h"
#include "broker/sandbox.h"
#include "broker/self.h"
#include "host/curve.h"
#include "host/log.h"
#include "msg/cert.h"
#include "msg/codec.h"

#define QUEUE_MAX 64u
#define NICE 10
#define SLICE_NS 100000u /* the least that Linux takes */
#define BASE_BYTES (768ull << 20) /* of address space, besides the hash's memory */

/* What HASH and CHECK ask for, on its way to the hash thread and back. */
struct job {
    struct broker_local_id asker;
    uint64_t number;
    uint64_t asked_us; /* monotonic */
    bool check;
    char password[MSG_PASSWORD_MAX + 1];
    size_t password_len;
    char hash[crypto_pwhash_STRBYTES]; /* to check against, or the result */
    uint64_t memory_kib;
    uint64_t passes;
    bool done; /* false: there was no memory for it */
    bool ok;
    bool rehash;
};

struct vault {
    const struct broker_child *child;
    struct broker_settings settings;
    struct msg_sign_sec signer;
    zsock_t *router;
    zactor_t *hasher;
    struct job *jobs[QUEUE_MAX]; /* at the hasher */
    uint64_t waiting;   /* so many of them */
    uint64_t hash_ms;   /* what one took lately */
    uint64_t hashes, busy, signatures, waiting_most; /* for the front, when it asks */
    struct msg_histogram took;
    struct broker_sample sample;
    uint8_t out[MSG_FRAME_MAX];
};

static uint64_t
now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static bool
hash(struct job *job, char out[crypto_pwhash_STRBYTES])
{
    return crypto_pwhash_str(out, job->password, job->password_len, job->passes,
                             (size_t)job->memory_kib * 1024)
           == 0;
}

/* An unknown name costs what a known one costs: a hash of the same price that
 * no password opens is checked in its place. */
static void
check(struct job *job)
{
    char dummy[crypto_pwhash_STRBYTES];

    if (job->hash[0] == '\0') {
        job->done = hash(job, dummy);
        return;
    }
    errno = 0;
    job->ok = crypto_pwhash_str_verify(job->hash, job->password, job->password_len) == 0;
    job->done = job->ok || errno == EINVAL; /* else there was no memory for it */
    job->rehash = job->ok
                  && crypto_pwhash_str_needs_rehash(job->hash, job->passes,
                                                    (size_t)job->memory_kib * 1024)
                         != 0;
}

/* This thread yields to all others at once: members wait for no hash.  Newer
 * kernels let a thread run its slice to the end before they look at whoever
 * woke up, so it gets a short one; older ones ignore that. */
static void
give_way(void)
{
    const struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t slice_ns, deadline_ns, period_ns;
    } wanted = {.size = sizeof wanted, .nice = NICE, .slice_ns = SLICE_NS}; /* struct sched_attr, as it began */

    setpriority(PRIO_PROCESS, 0, NICE); /* of this thread, on Linux */
    syscall(SYS_sched_setattr, 0, &wanted, 0);
}

static void
run_hasher(zsock_t *pipe, void *arg)
{
    struct job *job;

    (void)arg;
    give_way();
    zsock_signal(pipe, 0);
    while (zmq_recv(zsock_resolve(pipe), &job, sizeof job, 0) == sizeof job) {
        if (job->check)
            check(job);
        else
            job->done = job->ok = hash(job, job->hash);
        zmq_send(zsock_resolve(pipe), &job, sizeof job, 0);
    }
}

static void
answer(struct vault *self, const struct broker_local_id *to, enum msg_kind kind,
       const void *message)
{
    struct msg_buf out = {self->out, 0, sizeof self->out};

    if (msg_codec_encode(&out, kind, message) == CONCLAVE_OK
        && broker_local_send(self->router, to, msg_span_of_buf(&out)) != CONCLAVE_OK)
        host_log(MSG_LOG_DEBUG, "VAULT-ASKER-GONE an answer found nobody.");
}

static void
say_busy(struct vault *self, const struct broker_local_id *to, uint64_t number)
{
    const struct msg_vault_busy busy = {number, 1 + self->waiting * self->hash_ms};

    self->busy++;
    answer(self, to, MSG_VAULT_BUSY, &busy);
}

static bool
is_queued(const struct vault *self, const struct broker_local_id *from, uint64_t number)
{
    for (uint64_t i = 0; i < self->waiting; i++) {
        const struct job *job = self->jobs[i];
        if (job->number == number && job->asker.len == from->len
            && memcmp(job->asker.at, from->at, from->len) == 0)
            return true;
    }
    return false;
}

static void
queue(struct vault *self, const struct broker_local_id *from, uint64_t number,
      struct msg_text password, const struct msg_text *against)
{
    if (is_queued(self, from, number))
        return; /* asked again, since it takes long: one answer is enough */
    if (self->waiting >= QUEUE_MAX) {
        say_busy(self, from, number);
        return;
    }
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL) {
        say_busy(self, from, number);
        return;
    }
    job->asker = *from;
    job->number = number;
    job->asked_us = now_us();
    job->memory_kib = self->settings.password_memory_kib;
    job->passes = self->settings.password_passes;
    job->password_len = password.len;
    msg_text_copy(job->password, sizeof job->password, password);
    if (against != NULL) {
        job->check = true;
        msg_text_copy(job->hash, sizeof job->hash, *against);
    }
    self->jobs[self->waiting++] = job;
    if (self->waiting > self->waiting_most)
        self->waiting_most = self->waiting;
    zmq_send(zsock_resolve(self->hasher), &job, sizeof job, 0);
}

static void
sign(struct vault *self, const struct broker_local_id *from, const struct msg_vault_sign *ask)
{
    struct msg_vault_signed done = {.job = ask->job};

    if (msg_cert_sign(&done.sig, ask->body, &self->signer) != CONCLAVE_OK) {
        host_log(MSG_LOG_ERROR, "VAULT-REFUSED to sign what is no certificate and no list.");
        return;
    }
    self->signatures++;
    answer(self, from, MSG_VAULT_SIGNED, &done);
}

/* What we counted. */
static void
tell_front(struct vault *self, const struct broker_local_id *from, uint64_t number)
{
    struct broker_sample *sample = &self->sample;

    broker_sample_clear(sample);
    broker_self_add(sample, "vault");
    broker_sample_add(sample, MSG_FIGURE_HASHES, "", self->hashes);
    broker_sample_add_times(sample, MSG_FIGURE_HASH, "", &self->took);
    broker_sample_add(sample, MSG_FIGURE_HASHES_BUSY, "", self->busy);
    broker_sample_add(sample, MSG_FIGURE_HASH_QUEUE, "", self->waiting);
    broker_sample_add(sample, MSG_FIGURE_HASH_QUEUE_MOST, "", self->waiting_most);
    broker_sample_add(sample, MSG_FIGURE_SIGNATURES, "", self->signatures);
    self->waiting_most = self->waiting;
    const struct msg_counts counts = {number, sample->figures, sample->histograms};
    answer(self, from, MSG_COUNTS, &counts);
}

static void
hear(struct vault *self, const struct broker_local_id *from, struct msg_span frame)
{
    enum msg_kind kind;
    union msg_any any;

    if (msg_codec_decode(frame, &kind, &any) != CONCLAVE_OK)
        kind = MSG_KIND_NONE;
    if (kind == MSG_VAULT_SIGN)
        sign(self, from, &any.MSG_ANY_VAULT_SIGN);
    else if (kind == MSG_VAULT_HASH)
        queue(self, from, any.MSG_ANY_VAULT_HASH.job, any.MSG_ANY_VAULT_HASH.password, NULL);
    else if (kind == MSG_VAULT_CHECK)
        queue(self, from, any.MSG_ANY_VAULT_CHECK.job, any.MSG_ANY_VAULT_CHECK.password,
              &any.MSG_ANY_VAULT_CHECK.hash);
    else if (kind == MSG_COUNTS_OF)
        tell_front(self, from, any.MSG_ANY_COUNTS_OF.number);
    else
        host_log(MSG_LOG_WARN, "VAULT-GARBAGE a frame that is none of the vault's.");
}

static void
finish(struct vault *self, struct job *job)
{
    for (uint64_t i = 0; i < self->waiting; i++)
        if (self->jobs[i] == job)
            self->jobs[i] = self->jobs[--self->waiting];
    self->hashes += job->done;
    msg_histogram_add(&self->took, now_us() - job->asked_us);
    if (!job->done) {
        host_log(MSG_LOG_ERROR, "VAULT-NO-MEMORY a password could not be hashed; give the vault "
                                "more memory, or lower password/memory_kib.");
        say_busy(self, &job->asker, job->number);
    } else if (job->check) {
        const struct msg_vault_checked checked = {job->number, job->ok, job->rehash};
        answer(self, &job->asker, MSG_VAULT_CHECKED, &checked);
    } else {
        const struct msg_vault_hashed hashed = {job->number, msg_text(job->hash)};
        answer(self, &job->asker, MSG_VAULT_HASHED, &hashed);
    }
    msg_keys_wipe(job, sizeof *job);
    free(job);
}

static void
drain(struct vault *self)
{
    struct broker_local_id from;
    struct job *job;
    zmq_msg_t body;

    while (zmq_recv(zsock_resolve(self->hasher), &job, sizeof job, ZMQ_DONTWAIT) == sizeof job)
        finish(self, job);
    zmq_msg_init(&body);
    for (;;) {
        const enum conclave_err err = broker_local_receive(self->router, &from, &body);
        if (err == CONCLAVE_ERR_NOT_FOUND)
            break;
        if (err == CONCLAVE_OK)
            hear(self, &from, msg_span(zmq_msg_data(&body), zmq_msg_size(&body)));
        msg_keys_wipe(zmq_msg_data(&body), zmq_msg_size(&body));
    }
    zmq_msg_close(&body);
}

/* False: told to stop, or the supervisor is gone. */
static bool
hear_supervisor(struct vault *self)
{
    struct broker_note note;
    enum conclave_err err;

    while ((err = broker_channel_receive(self->child->channel, &note)) == CONCLAVE_OK) {
        if (note.word == BROKER_WORD_STOP)
            return false;
        if (note.word == BROKER_WORD_SETTINGS) {
            self->settings = note.settings;
            if (host_log_open("conclaved", (enum host_log_to)note.settings.log_to, NULL,
                              (enum msg_log_level)note.settings.log_level)
                != CONCLAVE_OK)
                return false;
        }
    }
    return err == CONCLAVE_ERR_NOT_FOUND;
}

static bool
open_all(struct vault *self)
{
    const struct broker_sandbox rules = {
        .no_network = true,
        .memory_bytes = BASE_BYTES + 2 * 1024 * self->settings.password_memory_kib};
    char why[BROKER_WHY_MAX];
    const int channel = self->child->channel;

    if (broker_keyring_signer(&self->signer, why, sizeof why) != CONCLAVE_OK) {
        broker_channel_fail(channel, "%s", why);
        return false;
    }
    if (broker_sandbox_enter(&rules) != CONCLAVE_OK) {
        broker_channel_fail(channel, "The vault's sandbox (seccomp) was refused by the system.");
        return false;
    }
    if (host_curve_init(1) == CONCLAVE_OK
        && broker_local_bind(&self->router, BROKER_LOCAL_VAULT) == CONCLAVE_OK) {
        zsys_set_pipehwm(0); /* the queue's bound is ours */
        self->hasher = zactor_new(run_hasher, NULL);
    }
    if (self->hasher == NULL) {
        broker_channel_fail(channel, "The vault cannot open its sockets: %s.", strerror(errno));
        return false;
    }
    return true;
}

static int
serve(struct vault *self)
{
    const struct broker_note ready = {.word = BROKER_WORD_READY};
    zmq_pollitem_t items[] = {{zsock_resolve(self->router), 0, ZMQ_POLLIN, 0},
                              {zsock_resolve(self->hasher), 0, ZMQ_POLLIN, 0},
                              {NULL, self->child->channel, ZMQ_POLLIN, 0}};

    if (broker_channel_send(self->child->channel, &ready) != CONCLAVE_OK)
        return 1;
    for (;;) {
        if (zmq_poll(items, 3, -1) < 0 && errno != EINTR)
            return 1;
        if (items[2].revents != 0 && !hear_supervisor(self))
            return 0;
        drain(self);
    }
}

int
broker_vault_run(const struct broker_child *child)
{
    static struct vault vault; /* one in a process, and as long as it lives */
    struct vault *const self = &vault;

    self->child = child;
    self->settings = child->settings;
    self->hash_ms = 12; /* OWASP's parameters on a usual core */
    const int status = open_all(self) ? serve(self) : 1;
    msg_keys_wipe(&self->signer, sizeof self->signer);
    return status; /* the caller ends the process, and with it the rest */
}
