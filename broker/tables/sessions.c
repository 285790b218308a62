/* See sessions.h.  A lease is renewed by writing down the time alone; its
 * timer looks at it when it fires, once in a lease. */
#include "broker/tables/sessions.h"

#include <stdlib.h>

#include "msg/codec.h"
#include "msg/name.h"

static void
reach_add(struct broker_reach *self, struct msg_text endpoint)
{
    struct msg_text known;
    size_t at = 0;

    while (broker_reach_next(self, &at, &known))
        if (msg_text_equal(known, endpoint))
            return;
    if (self->count >= MSG_ENDPOINT_COUNT || endpoint.len + 2 > sizeof self->endpoints - self->len)
        return;
    self->endpoints[self->len] = (char)(endpoint.len >> 8);
    self->endpoints[self->len + 1] = (char)(endpoint.len & 0xff);
    memcpy(&self->endpoints[self->len + 2], endpoint.at, endpoint.len);
    self->len = (uint16_t)(self->len + 2 + endpoint.len);
    self->count++;
}

bool
broker_reach_next(const struct broker_reach *self, size_t *at, struct msg_text *endpoint)
{
    if (*at >= self->len)
        return false;
    const uint8_t high = (uint8_t)self->endpoints[*at];
    const uint8_t low = (uint8_t)self->endpoints[*at + 1];
    *endpoint = (struct msg_text){&self->endpoints[*at + 2], (size_t)(high << 8 | low)};
    *at += 2 + endpoint->len;
    return true;
}

enum conclave_err
broker_reach_set(struct broker_reach *self, const struct msg_login *login, struct msg_text source)
{
    char host[MSG_HOST_MAX + 1], plain[MSG_HOST_MAX + 1], text[MSG_ENDPOINT_MAX + 1];
    struct msg_list addresses = login->addresses;
    struct msg_address address;
    uint16_t port;

    memset(self, 0, sizeof *self);
    self->direct = (uint8_t)login->direct;
    self->status = (uint8_t)login->status;
    broker_source_print(self->observed, sizeof self->observed, source);
    if (login->port != 0 && self->observed[0] != '\0') {
        msg_endpoint_print(text, sizeof text, self->observed, (uint16_t)login->port);
        reach_add(self, msg_text(text));
    }
    while (msg_codec_next(&addresses, MSG_ADDRESS, &address)) {
        if (msg_endpoint_parse(host, &port, address.endpoint) != CONCLAVE_OK || port == 0)
            return CONCLAVE_ERR_BAD_ARGUMENTS;
        broker_source_print(plain, sizeof plain, msg_text(host));
        msg_endpoint_print(text, sizeof text, plain, port);
        reach_add(self, msg_text(text));
    }
    return CONCLAVE_OK;
}

bool
broker_sessions_init(struct broker_sessions *self, uint32_t capacity, uint64_t expiry_ms, uint64_t seed)
{
    *self = (struct broker_sessions){.capacity = capacity};
    self->list = calloc(capacity > 0 ? capacity : 1, sizeof *self->list);
    return self->list != NULL && broker_index_init(&self->by_key, capacity, seed)
           && broker_index_init(&self->by_conn, capacity, seed ^ 0x5bd1e995u)
           && broker_wheel_init(&self->leases, capacity, expiry_ms / (BROKER_WHEEL_SPOKES / 2));
}

void
broker_sessions_wipe(struct broker_sessions *self)
{
    free(self->list);
    self->list = NULL;
    broker_index_wipe(&self->by_key);
    broker_index_wipe(&self->by_conn);
    broker_wheel_wipe(&self->leases);
}

uint32_t
broker_sessions_by_key(const struct broker_sessions *self, const struct msg_box_pub *key)
{
    const uint32_t hash = broker_index_hash(&self->by_key, key->at, sizeof key->at);
    uint32_t at = hash, slot;

    do
        slot = broker_index_next(&self->by_key, hash, &at);
    while (slot != BROKER_NONE && memcmp(self->list[slot].key.at, key->at, sizeof key->at) != 0);
    return slot;
}

uint32_t
broker_sessions_by_conn(const struct broker_sessions *self, uint64_t conn)
{
    const uint32_t hash = broker_index_hash_u64(&self->by_conn, conn);
    uint32_t at = hash, slot;

    do
        slot = broker_index_next(&self->by_conn, hash, &at);
    while (slot != BROKER_NONE && self->list[slot].conn != conn);
    return slot;
}

uint32_t
broker_sessions_add(struct broker_sessions *self, const struct msg_box_pub *key, uint64_t conn)
{
    uint32_t slot;

    if (self->free_first != 0) {
        slot = self->free_first - 1;
        self->free_first = self->list[slot].next_free;
    } else if (self->high < self->capacity) {
        slot = self->high++;
    } else {
        return BROKER_NONE;
    }
    self->list[slot] = (struct broker_session){.used = true, .conn = conn, .key = *key, .person = BROKER_NONE};
    broker_index_add(&self->by_key, broker_index_hash(&self->by_key, key->at, sizeof key->at), slot);
    broker_index_add(&self->by_conn, broker_index_hash_u64(&self->by_conn, conn), slot);
    self->count++;
    return slot;
}

void
broker_sessions_move(struct broker_sessions *self, uint32_t slot, uint64_t conn)
{
    struct broker_session *session = &self->list[slot];

    broker_index_remove(&self->by_conn, broker_index_hash_u64(&self->by_conn, session->conn), slot);
    session->conn = conn;
    broker_index_add(&self->by_conn, broker_index_hash_u64(&self->by_conn, conn), slot);
}

void
broker_sessions_remove(struct broker_sessions *self, uint32_t slot)
{
    struct broker_session *session = &self->list[slot];

    broker_wheel_clear(&self->leases, slot);
    broker_index_remove(&self->by_key, broker_index_hash(&self->by_key, session->key.at, sizeof session->key.at),
                        slot);
    broker_index_remove(&self->by_conn, broker_index_hash_u64(&self->by_conn, session->conn), slot);
    *session = (struct broker_session){.next_free = self->free_first};
    self->free_first = slot + 1;
    self->count--;
}

void
broker_sessions_heard(struct broker_sessions *self, uint32_t slot, uint64_t now_ms, uint64_t expiry_ms)
{
    self->list[slot].heard_ms = now_ms;
    if (!broker_wheel_is_set(&self->leases, slot))
        broker_wheel_set(&self->leases, slot, now_ms + expiry_ms);
}

uint32_t
broker_sessions_expired(struct broker_sessions *self, uint64_t now_ms, uint64_t expiry_ms)
{
    uint32_t slot;

    while ((slot = broker_wheel_pop(&self->leases, now_ms)) != BROKER_NONE) {
        const uint64_t due_ms = self->list[slot].heard_ms + expiry_ms;
        if (due_ms <= now_ms)
            return slot;
        broker_wheel_set(&self->leases, slot, due_ms);
    }
    return BROKER_NONE;
}
