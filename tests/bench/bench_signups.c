/* Sign-ups under load: the front's core and its store actor over a real LMDB
 * store, held against LMDB itself writing the very same records a hundred at a
 * commit.  The price of cryptography is left aside: the vault is played by a
 * stub that answers at once, and the two signatures of a device are taken for
 * good; a second row shows the rate with these being checked. */
#include <dlfcn.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "broker/core/front_core.h"
#include "broker/store.h"
#include "host/curve.h"
#include "msg/cert.h"
#include "msg/codec.h"
#include "tests/bench/common.h"

#define ROUNDS 3
#define EACH 5000u          /* sign-ups of a round */
#define IN_FLIGHT 512u
#define A_COMMIT 100u       /* records, of the bare program */
#define MAP_BYTES ((size_t)1 << 30)

static bool checking; /* signatures */

/* Stands before libsodium's. */
int crypto_sign_verify_detached(const unsigned char *sig, const unsigned char *m, unsigned long long len,
                                const unsigned char *key);

int
crypto_sign_verify_detached(const unsigned char *sig, const unsigned char *m, unsigned long long len,
                            const unsigned char *key)
{
    static int (*real)(const unsigned char *, const unsigned char *, unsigned long long, const unsigned char *);

    if (real == NULL) {
        void *symbol = dlsym(RTLD_NEXT, "crypto_sign_verify_detached");
        BENCH_NEED(symbol != NULL);
        memcpy(&real, &symbol, sizeof real);
    }
    return checking ? real(sig, m, len, key) : 0;
}

/* ---- the store as the core reads it ---- */

struct reader {
    struct host_store *store;
    struct msg_buf key, value;
};

static bool
view_get(void *arg, enum broker_table table, struct msg_span key, struct msg_span *value)
{
    struct reader *self = arg;

    self->value.len = 0;
    if (host_store_get(self->store, (uint32_t)table, key, &self->value) != CONCLAVE_OK)
        return false;
    *value = msg_span_of_buf(&self->value);
    return true;
}

static bool
view_next(void *arg, enum broker_table table, struct msg_span after, struct msg_record_key *key,
          struct msg_span *value)
{
    struct reader *self = arg;

    self->key.len = self->value.len = 0;
    if (host_store_next(self->store, (uint32_t)table, after, &self->key, &self->value) != CONCLAVE_OK)
        return false;
    memcpy(key->at, self->key.at, self->key.len);
    key->len = self->key.len;
    *value = msg_span_of_buf(&self->value);
    return true;
}

/* ---- the records, as they were put ---- */

struct record {
    uint32_t table;
    size_t at, key_len, len; /* in bytes: the key, then the value */
};

struct log {
    struct record *list;
    size_t count, room;
    struct msg_buf bytes;
};

static void
log_add(struct log *log, const struct msg_effects *effects, const struct msg_effect *effect)
{
    const struct msg_span key = msg_effects_key(effects, effect), value = msg_effects_bytes(effects, effect);

    if (log->count == log->room) {
        log->room = log->room > 0 ? 2 * log->room : 1024;
        log->list = realloc(log->list, log->room * sizeof *log->list);
        BENCH_NEED(log->list != NULL);
    }
    while (log->bytes.cap - log->bytes.len < key.len + value.len) {
        log->bytes.cap = log->bytes.cap > 0 ? 2 * log->bytes.cap : 1u << 20;
        log->bytes.at = realloc(log->bytes.at, log->bytes.cap);
        BENCH_NEED(log->bytes.at != NULL);
    }
    log->list[log->count++] = (struct record){effect->table, log->bytes.len, key.len, value.len};
    memcpy(log->bytes.at + log->bytes.len, key.at, key.len);
    memcpy(log->bytes.at + log->bytes.len + key.len, value.at, value.len);
    log->bytes.len += key.len + value.len;
}

/* ---- sign-ups ---- */

struct registry {
    struct host_store *store;
    struct broker_store *writer;
    struct broker_front_core *core;
    struct reader reader;
    struct msg_effects effects, more;
    struct msg_buf answers;     /* of the vault: length and bytes of each, to be given to the core */
    struct msg_box_pub door;
    struct log *log;
    uint64_t admitted;
    double log_s;               /* spent on our own log, not the registry's */
    char dir[256];
};

static struct msg_time
now(void)
{
    struct timespec wall;

    BENCH_NEED(clock_gettime(CLOCK_REALTIME, &wall) == 0);
    return (struct msg_time){(uint64_t)(bench_now_s() * 1e3), (uint64_t)wall.tv_sec * 1000};
}

static void
answer(struct registry *self, enum msg_kind kind, const void *message)
{
    uint8_t at[1024];
    struct msg_buf frame = {at, 0, sizeof at};

    BENCH_NEED(msg_codec_encode(&frame, kind, message) == CONCLAVE_OK);
    while (self->answers.cap - self->answers.len < frame.len + sizeof frame.len) {
        self->answers.cap = self->answers.cap > 0 ? 2 * self->answers.cap : 4096;
        self->answers.at = realloc(self->answers.at, self->answers.cap);
        BENCH_NEED(self->answers.at != NULL);
    }
    memcpy(self->answers.at + self->answers.len, &frame.len, sizeof frame.len);
    memcpy(self->answers.at + self->answers.len + sizeof frame.len, frame.at, frame.len);
    self->answers.len += sizeof frame.len + frame.len;
}

/* The vault, without its price. */
static void
play_vault(struct registry *self, struct msg_span frame)
{
    union msg_any any;
    enum msg_kind kind;

    BENCH_NEED(msg_codec_decode(frame, &kind, &any) == CONCLAVE_OK);
    if (kind == MSG_VAULT_HASH) {
        const struct msg_vault_hashed hashed = {
            any.MSG_ANY_VAULT_HASH.job,
            msg_text("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")};
        answer(self, MSG_VAULT_HASHED, &hashed);
    } else {
        BENCH_NEED(kind == MSG_VAULT_SIGN);
        const struct msg_vault_signed done = {.job = any.MSG_ANY_VAULT_SIGN.job};
        answer(self, MSG_VAULT_SIGNED, &done);
    }
}

static void
hear_door(struct registry *self, struct msg_span frame)
{
    union msg_any any;
    enum msg_kind kind;

    BENCH_NEED(msg_codec_decode(frame, &kind, &any) == CONCLAVE_OK && kind == MSG_DOOR_TELL);
    const struct msg_span inner = any.MSG_ANY_DOOR_TELL.frame;
    BENCH_NEED(msg_codec_decode(inner, &kind, &any) == CONCLAVE_OK);
    if (kind != MSG_ADMITTED)
        bench_die("a sign-up is refused: %.*s", (int)any.MSG_ANY_ERROR.text.len, any.MSG_ANY_ERROR.text.at);
    self->admitted++;
}

static void
perform(struct registry *self)
{
    for (size_t i = 0; i < self->effects.count; i++) {
        const struct msg_effect *effect = &self->effects.list[i];
        if (effect->kind == EFFECT_PUT || effect->kind == EFFECT_DELETE) {
            broker_store_gather(self->writer, &self->effects, effect);
            if (effect->kind == EFFECT_PUT && self->log != NULL) {
                const double t = bench_now_s();
                log_add(self->log, &self->effects, effect);
                self->log_s += bench_now_s() - t;
            }
        } else if (effect->kind == EFFECT_STORE) {
            broker_store_commit(self->writer, effect->id);
        } else if (effect->kind == EFFECT_SEND && effect->id == BROKER_LINK_VAULT) {
            play_vault(self, msg_effects_bytes(&self->effects, effect));
        } else if (effect->kind == EFFECT_SEND && effect->id == BROKER_LINK_DOOR) {
            hear_door(self, msg_effects_bytes(&self->effects, effect));
        }
    }
}

static void
step(struct registry *self, const struct msg_event *event)
{
    msg_effects_clear(&self->effects);
    broker_front_core_step(self->core, now(), event, &self->effects);
    perform(self);
}

/* What the vault answered, and what the disk has. */
static void
settle(struct registry *self)
{
    struct msg_event stored = {.kind = EVENT_STORED};

    while (self->answers.len > 0) {
        struct msg_buf answers = self->answers; /* those to these come after */
        self->answers = (struct msg_buf){0};
        for (size_t at = 0, len; at < answers.len; at += sizeof len + len) {
            memcpy(&len, answers.at + at, sizeof len);
            const struct msg_event event = {.kind = EVENT_FRAME, .link = BROKER_LINK_VAULT,
                                            .bytes = msg_span(answers.at + at + sizeof len, len)};
            step(self, &event);
        }
        free(answers.at);
    }
    while (broker_store_answer(self->writer, &stored.id, &stored.err))
        step(self, &stored);
}

static void
open_registry(struct registry *self)
{
    struct broker_front_settings settings = {
        .accounts = 1000000, .devices = 8, .sessions = 100, .watches = 10, .rooms = 10, .room_members = 10,
        .memberships = 100, .account_rooms = 10, .requests_burst = 100,
        .requests_per_s = 100, .lease_ms = 15000, .expiry_ms = 45000, .gather_ms = 1000, .throttle_failures = 3,
        .throttle_first_ms = 10000, .throttle_last_ms = 900000, .registration = true, .front_port = 1};
    const struct broker_view view = {&self->reader, view_get, view_next};
    char why[1024];

    bench_dir(self->dir, sizeof self->dir);
    const struct host_store_options options = {self->dir, MAP_BYTES >> 20, BROKER_TABLES, true};
    if (host_store_open(&self->store, &options, why, sizeof why) != CONCLAVE_OK)
        bench_die("%s", why);
    self->reader.store = self->store;
    self->reader.key = (struct msg_buf){malloc(MSG_RECORD_KEY_MAX), 0, MSG_RECORD_KEY_MAX};
    self->reader.value = (struct msg_buf){malloc(MSG_FRAME_MAX), 0, MSG_FRAME_MAX};
    BENCH_NEED(broker_store_start(&self->writer, self->store) == CONCLAVE_OK);
    settings.door = self->door;
    self->core = broker_front_core_new(&settings, &view);
    BENCH_NEED(self->core != NULL);
    msg_effects_init(&self->effects);
    const struct msg_event event = {.kind = EVENT_START};
    step(self, &event);
    while (broker_store_waiting(self->writer) > 0) {
        zmq_pollitem_t item = {zsock_resolve(broker_store_socket(self->writer)), 0, ZMQ_POLLIN, 0};
        zmq_poll(&item, 1, 1000);
        settle(self);
    }
}

/* One knock as the door hands it in. */
struct knock {
    struct msg_box_pub key;
    uint8_t at[700];
    size_t len;
};

static struct knock *
make_knocks(size_t count, const struct msg_box_pub *door)
{
    struct knock *list = bench_share(count * sizeof *list);

    for (size_t i = 0; i < count; i++) {
        struct msg_box_sec box_sec;
        struct msg_sign_sec sign_sec;
        char name[32];
        uint8_t at[600];
        struct msg_buf inner = {at, 0, sizeof at}, outer = {list[i].at, 0, sizeof list[i].at};
        snprintf(name, sizeof name, "newcomer%zu", i);
        struct msg_signup signup = {.req = 1, .name = msg_text(name), .password = msg_text("a bench of wood 7")};
        msg_keys_new_sign(&signup.sign, &sign_sec);
        msg_keys_new_box(&list[i].key, &box_sec);
        msg_keys_new_box(&signup.mail, &box_sec);
        msg_cert_sign_mail(&signup.mail_sig, &signup.mail, &sign_sec);
        msg_cert_prove(&signup.proof, &list[i].key, door, &sign_sec);
        BENCH_NEED(msg_codec_encode(&inner, MSG_SIGNUP, &signup) == CONCLAVE_OK);
        const struct msg_door_ask ask = {i + 1, msg_text("127.0.0.1"), list[i].key, msg_span_of_buf(&inner)};
        BENCH_NEED(msg_codec_encode(&outer, MSG_DOOR_ASK, &ask) == CONCLAVE_OK);
        list[i].len = outer.len;
    }
    return list;
}

/* Records each second, from the first knock to the last answer. */
static double
sign_up(struct registry *self, const struct knock *list, struct log *log)
{
    const uint64_t before = self->admitted;
    size_t given = 0;

    self->log = log;
    self->log_s = 0;
    const double t = bench_now_s();
    while (self->admitted - before < EACH) {
        while (given < EACH && given - (self->admitted - before) < IN_FLIGHT) {
            const struct msg_event event = {.kind = EVENT_FRAME, .link = BROKER_LINK_DOOR,
                                            .bytes = msg_span(list[given].at, list[given].len)};
            step(self, &event);
            settle(self);
            given++;
        }
        zmq_pollitem_t item = {zsock_resolve(broker_store_socket(self->writer)), 0, ZMQ_POLLIN, 0};
        BENCH_NEED(zmq_poll(&item, 1, 20000) > 0);
        settle(self);
    }
    return (double)log->count / (bench_now_s() - t - self->log_s);
}

/* ---- bare ---- */

struct bare {
    MDB_env *env;
    MDB_dbi tables[BROKER_TABLES];
    char dir[256];
};

static void
open_bare(struct bare *self)
{
    MDB_txn *txn;

    bench_dir(self->dir, sizeof self->dir);
    BENCH_NEED(mdb_env_create(&self->env) == 0 && mdb_env_set_mapsize(self->env, MAP_BYTES) == 0);
    BENCH_NEED(mdb_env_set_maxdbs(self->env, BROKER_TABLES) == 0);
    BENCH_NEED(mdb_env_open(self->env, self->dir, 0, 0600) == 0);
    BENCH_NEED(mdb_txn_begin(self->env, NULL, 0, &txn) == 0);
    for (unsigned i = 0; i < BROKER_TABLES; i++) {
        char name[8];
        snprintf(name, sizeof name, "%u", i);
        BENCH_NEED(mdb_dbi_open(txn, name, MDB_CREATE, &self->tables[i]) == 0);
    }
    BENCH_NEED(mdb_txn_commit(txn) == 0);
}

static double
write_bare(struct bare *self, const struct log *log)
{
    const double t = bench_now_s();

    for (size_t from = 0; from < log->count; from += A_COMMIT) {
        const size_t to = from + A_COMMIT < log->count ? from + A_COMMIT : log->count;
        MDB_txn *txn;
        BENCH_NEED(mdb_txn_begin(self->env, NULL, 0, &txn) == 0);
        for (size_t i = from; i < to; i++) {
            const struct record *record = &log->list[i];
            uint8_t *at = log->bytes.at + record->at;
            MDB_val key = {record->key_len, at}, value = {record->len, at + record->key_len};
            BENCH_NEED(mdb_put(txn, self->tables[record->table], &key, &value, 0) == 0);
        }
        BENCH_NEED(mdb_txn_commit(txn) == 0);
    }
    return (double)log->count / (bench_now_s() - t);
}

int
main(void)
{
    static struct registry registry;
    struct bare bare;
    struct msg_box_sec door_sec;
    double rate[3][ROUNDS];
    size_t records = 0;

    BENCH_NEED(msg_keys_init() == CONCLAVE_OK && host_curve_init(1) == CONCLAVE_OK);
    msg_keys_new_box(&registry.door, &door_sec);
    const struct knock *knocks = make_knocks((size_t)EACH * ROUNDS * 2, &registry.door);
    open_registry(&registry);
    open_bare(&bare);
    struct host_store_stat before, after;
    double grouped[ROUNDS];
    for (int i = 0; i < 2 * ROUNDS; i++) {
        struct log log = {0};
        checking = i % 2 != 0;
        host_store_stat(registry.store, &before);
        const double got = sign_up(&registry, knocks + (size_t)i * EACH, &log);
        host_store_stat(registry.store, &after);
        rate[checking ? 2 : 0][i / 2] = got;
        if (!checking) {
            grouped[i / 2] = (double)log.count / (double)(after.commits - before.commits);
            rate[1][i / 2] = write_bare(&bare, &log);
        }
        records = log.count;
        free(log.list);
        free(log.bytes.at);
    }
    const double base = bench_median(rate[1], ROUNDS);
    bench_row("sign-ups: records stored, cryptography aside", bench_median(rate[0], ROUNDS), base, "rec/s",
              BENCH_AT_LEAST, 0.6);
    bench_row("sign-ups: the same with signatures checked", bench_median(rate[2], ROUNDS), base, "rec/s", BENCH_SHOWN, 0);
    bench_note("a sign-up is %.0f records; %.0f of them in one commit", (double)records / EACH,
               bench_median(grouped, ROUNDS));
    broker_store_stop(&registry.writer, 1000);
    broker_front_core_destroy(&registry.core);
    host_store_close(&registry.store);
    mdb_env_close(bare.env);
    return 0;
}
