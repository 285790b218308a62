/* The store actor.  A transaction travels as one block of memory over an inproc
 * pipe: its id, then its records; its id and an error come back. */
#include "broker/store.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "host/log.h"

#define RECORDS_MAX 1000u /* of one commit, about */
#define WARN_EVERY 100u    /* failures in a row, after the first */

/* A transaction; records follow each other in bytes. */
struct transaction {
    struct transaction *next;
    uint64_t id;
    uint32_t records;
    struct msg_buf bytes;
};

struct record {
    uint32_t table;
    uint32_t key_len;
    uint32_t value_len;
    uint32_t delete;
};

struct answer {
    uint64_t id;
    enum conclave_err err;
    uint32_t records;       /* of its transaction */
    bool first;             /* of its commit, ... */
    uint64_t took_us;       /* ... which took so long */
};

struct broker_store {
    struct host_store *store;
    zactor_t *actor;
    struct transaction *open;   /* what gathers; the front's */
    uint64_t given, answered;   /* transactions; the front's */
    uint64_t since_us;          /* the last answer, or when the first was given that waits; the front's */
    struct broker_store_counts counts; /* the front's */
    struct transaction *first;  /* what waits; the actor's, as is all below */
    struct transaction **last_p;
    uint32_t failures;          /* in a row */
    uint64_t took_us;           /* the last commit */
};

static uint64_t
now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void *
checked(void *at)
{
    if (at == NULL)
        abort(); /* out of memory: there is nothing better to do */
    return at;
}

static void
reserve(struct msg_buf *buf, size_t more)
{
    if (more <= buf->cap - buf->len)
        return;
    buf->cap = 2 * (buf->len + more);
    buf->at = checked(realloc(buf->at, buf->cap));
}

void
broker_store_gather(struct broker_store *self, const struct msg_effects *effects,
                    const struct msg_effect *effect)
{
    const struct msg_span key = msg_effects_key(effects, effect);
    const struct msg_span value = effect->kind == EFFECT_PUT ? msg_effects_bytes(effects, effect)
                                                             : msg_span(NULL, 0);
    const struct record record = {effect->table, (uint32_t)key.len, (uint32_t)value.len,
                                  effect->kind == EFFECT_DELETE};

    if (self->open == NULL)
        self->open = checked(calloc(1, sizeof *self->open));
    struct msg_buf *to = &self->open->bytes;
    reserve(to, sizeof record + key.len + value.len);
    assert(to->at != NULL);
    memcpy(to->at + to->len, &record, sizeof record);
    memcpy(to->at + to->len + sizeof record, key.at, key.len);
    if (value.len > 0)
        memcpy(to->at + to->len + sizeof record + key.len, value.at, value.len);
    to->len += sizeof record + key.len + value.len;
    self->open->records++;
}

void
broker_store_commit(struct broker_store *self, uint64_t id)
{
    struct transaction *transaction = self->open;

    if (transaction == NULL)
        transaction = checked(calloc(1, sizeof *transaction));
    transaction->id = id;
    self->open = NULL;
    if (self->given == self->answered)
        self->since_us = now_us();
    self->given++;
    zmq_send(zsock_resolve(self->actor), &transaction, sizeof transaction, 0);
}

/* Puts the records of a transaction into the one that LMDB has open. */
static enum conclave_err
write_out(struct host_store *store, const struct transaction *transaction)
{
    const uint8_t *at = transaction->bytes.at, *end = at + transaction->bytes.len;
    enum conclave_err err = CONCLAVE_OK;

    while (at != end && err == CONCLAVE_OK) {
        struct record record;
        memcpy(&record, at, sizeof record);
        const struct msg_span key = msg_span(at + sizeof record, record.key_len);
        const struct msg_span value = msg_span(key.at + key.len, record.value_len);
        err = record.delete ? host_store_delete(store, record.table, key)
                            : host_store_put(store, record.table, key, value);
        at = value.at + value.len;
    }
    return err;
}

/* One commit, from the first that waits; *end gets the first one that is not
 * in it. */
static enum conclave_err
commit(struct broker_store *self, uint64_t records_max, struct transaction **end)
{
    const uint64_t began_us = now_us();
    uint64_t records = 0;
    enum conclave_err err = host_store_begin(self->store);

    if (err != CONCLAVE_OK) {
        /* Not for want of space: it wrote nothing yet.  LMDB gave the store up,
         * and only who opens it anew can go on: the front is started again. */
        host_log(MSG_LOG_ERROR, "STORE-BROKEN %s The front starts anew.", msg_error_sentence(err));
        abort();
    }
    *end = self->first;
    do {
        err = write_out(self->store, *end);
        records += (*end)->records;
        *end = (*end)->next;
    } while (*end != NULL && records < records_max && err == CONCLAVE_OK);
    if (err == CONCLAVE_OK)
        err = host_store_commit(self->store);
    self->took_us = now_us() - began_us;
    return err;
}

static void
free_transaction(struct transaction *transaction)
{
    free(transaction->bytes.at);
    free(transaction);
}

static void
answer(struct broker_store *self, void *pipe, enum conclave_err err, bool first)
{
    struct transaction *done = self->first;
    struct answer what;

    memset(&what, 0, sizeof what); /* the gaps too: all of it is sent */
    what.id = done->id;
    what.err = err;
    what.records = done->records;
    what.first = first;
    what.took_us = self->took_us;
    if (err != CONCLAVE_OK) {
        if (self->failures++ % WARN_EVERY == 0)
            host_log(MSG_LOG_ERROR,
                     "STORE-FAILED %s Until then changes are refused, with nothing lost; reading "
                     "goes on.",
                     msg_error_sentence(err));
    } else if (self->failures > 0 && done->records > 0) {
        self->failures = 0;
        host_log(MSG_LOG_INFO, "STORE-RECOVERED The store takes records again.");
    }
    self->first = done->next;
    zmq_send(pipe, &what, sizeof what, 0);
    free_transaction(done);
}

/* Commits all that waits and answers it. */
static void
work(struct broker_store *self, void *pipe)
{
    while (self->first != NULL) {
        struct transaction *end;
        enum conclave_err err = commit(self, RECORDS_MAX, &end);
        if (err == CONCLAVE_OK || self->first->next == end) {
            for (bool first = true; self->first != end; first = false)
                answer(self, pipe, err, first);
            continue;
        }
        while (self->first != end) { /* each alone */
            struct transaction *next;
            err = commit(self, 0, &next);
            answer(self, pipe, err, true);
        }
    }
    self->last_p = &self->first;
}

static void
run(zsock_t *pipe, void *arg)
{
    struct broker_store *self = arg;
    void *raw = zsock_resolve(pipe);
    bool stop = false;

    zsock_signal(pipe, 0);
    while (!stop) {
        struct transaction *transaction;
        zmq_msg_t msg;
        int flags = 0; /* it waits for the first, and for no other */
        zmq_msg_init(&msg);
        for (;;) {
            const bool came = zmq_msg_recv(&msg, raw, flags) >= 0;
            stop = came ? zmq_msg_size(&msg) != sizeof transaction || memcmp(zmq_msg_data(&msg), "$TERM", 5) == 0
                        : errno != EINTR && errno != EAGAIN;
            if (!came || stop)
                break;
            flags = ZMQ_DONTWAIT;
            memcpy(&transaction, zmq_msg_data(&msg), sizeof transaction);
            *self->last_p = transaction;
            self->last_p = &transaction->next;
        }
        zmq_msg_close(&msg);
        work(self, raw);
    }
}

enum conclave_err
broker_store_start(struct broker_store **self_p, struct host_store *store)
{
    *self_p = NULL;
    struct broker_store *self = calloc(1, sizeof *self);
    if (self == NULL)
        return CONCLAVE_ERR_SYSTEM;
    self->store = store;
    self->last_p = &self->first;
    zsys_set_pipehwm(0); /* neither end may wait for the other */
    self->actor = zactor_new(run, self);
    if (self->actor == NULL) {
        free(self);
        return CONCLAVE_ERR_SYSTEM;
    }
    *self_p = self;
    return CONCLAVE_OK;
}

void
broker_store_stop(struct broker_store **self_p, int wait_ms)
{
    struct broker_store *self = *self_p;
    enum conclave_err err;
    uint64_t id;

    if (self == NULL)
        return;
    zmq_pollitem_t item = {zsock_resolve(self->actor), 0, ZMQ_POLLIN, 0};
    while (broker_store_waiting(self) > 0 && zmq_poll(&item, 1, wait_ms) > 0)
        while (broker_store_answer(self, &id, &err))
            ;
    zactor_destroy(&self->actor);
    if (self->open != NULL)
        free_transaction(self->open);
    free(self);
    *self_p = NULL;
}

zsock_t *
broker_store_socket(struct broker_store *self)
{
    return zactor_sock(self->actor);
}

static void
count(struct broker_store_counts *counts, const struct answer *what)
{
    if (what->err != CONCLAVE_OK) {
        counts->failed += what->first;
        counts->refused++;
        counts->refuses = true;
        return;
    }
    if (what->first) {
        counts->commits++;
        msg_histogram_add(&counts->commit, what->took_us);
    }
    counts->transactions++;
    counts->records += what->records;
    if (what->records > 0)
        counts->refuses = false;
}

bool
broker_store_answer(struct broker_store *self, uint64_t *id, enum conclave_err *err)
{
    struct answer what;
    int len;

    do
        len = zmq_recv(zsock_resolve(self->actor), &what, sizeof what, ZMQ_DONTWAIT);
    while (len < 0 && errno == EINTR);
    if (len != sizeof what)
        return false;
    *id = what.id;
    *err = what.err;
    self->answered++;
    self->since_us = now_us();
    count(&self->counts, &what);
    return true;
}

void
broker_store_counts(const struct broker_store *self, struct broker_store_counts *out)
{
    *out = self->counts;
}

uint64_t
broker_store_waiting(const struct broker_store *self)
{
    return self->given - self->answered;
}

uint64_t
broker_store_silent_ms(const struct broker_store *self)
{
    return self->given == self->answered ? 0 : (now_us() - self->since_us) / 1000;
}
