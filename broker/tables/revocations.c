/* See revocations.h. */
#include "broker/tables/revocations.h"

#include <assert.h>
#include <stdlib.h>

#include "broker/tables/accounts.h"
#include "msg/codec.h"

/* Room for the frame, its fields and the signature around the entries. */
#define ENTRIES_MAX (MSG_FRAME_MAX - 512u)
#define ENTRIES_COUNT 1500u

static bool
room(struct msg_buf *buf)
{
    *buf = (struct msg_buf){.at = malloc(MSG_FRAME_MAX), .cap = MSG_FRAME_MAX};
    return buf->at != NULL;
}

bool
broker_revocations_init(struct broker_revocations *self)
{
    *self = (struct broker_revocations){0};
    const bool list = room(&self->list), body = room(&self->body), entries = room(&self->entries);
    return list && body && entries;
}

void
broker_revocations_wipe(struct broker_revocations *self)
{
    free(self->list.at);
    free(self->body.at);
    free(self->entries.at);
    *self = (struct broker_revocations){0};
}

bool
broker_revocations_fresh(const struct broker_revocations *self, uint64_t version, uint64_t wall_ms)
{
    const uint64_t age_ms = wall_ms >= self->issued_ms ? wall_ms - self->issued_ms : self->issued_ms - wall_ms;

    return self->list.len > 0 && self->version == version && age_ms < BROKER_REVOKED_FRESH_MS;
}

void
broker_revocations_make(struct broker_revocations *self, const struct broker_view *view, uint64_t version,
                        uint64_t wall_ms)
{
    struct msg_revocations body = {.version = version, .issued_ms = wall_ms};
    struct msg_rec_revoked record;
    uint64_t at = version > ENTRIES_COUNT ? version - ENTRIES_COUNT : 0;

    self->entries.len = 0;
    self->body.len = 0;
    /* Should there be more than fit, the newest count: the certificates of the
     * older ones ran out first. */
    while (broker_accounts_next_revoked(view, &at, &record) && at <= version) {
        const struct msg_revocation entry = {record.version, record.account, record.device, record.revoked_ms};
        if (wall_ms > record.revoked_ms && wall_ms - record.revoked_ms > BROKER_REVOKED_KEEP_MS)
            continue;
        if (body.entries.count == ENTRIES_COUNT || self->entries.len + 64 > ENTRIES_MAX
            || msg_codec_append(&self->entries, &body.entries, MSG_REVOCATION, &entry) != CONCLAVE_OK)
            break;
    }
    const enum conclave_err err = msg_codec_encode(&self->body, MSG_REVOCATIONS, &body);
    assert(err == CONCLAVE_OK); /* the bounds above leave room */
    (void)err;
    self->body_version = version;
    self->body_issued_ms = wall_ms;
}

void
broker_revocations_keep(struct broker_revocations *self, const struct msg_sig *sig)
{
    self->list.len = 0;
    self->version = self->body_version;
    self->issued_ms = self->body_issued_ms;
    if (msg_cert_wrap(&self->list, msg_span_of_buf(&self->body), sig) != CONCLAVE_OK)
        self->list.len = 0; /* made again when it is asked for */
}

bool
broker_revocations_wait(struct broker_revocations *self, uint64_t conn, uint64_t generation, uint64_t req)
{
    if (self->waiting == BROKER_REVOKED_WAITERS)
        return false;
    self->waiters[self->waiting].conn = conn;
    self->waiters[self->waiting].generation = generation;
    self->waiters[self->waiting].req = req;
    self->waiting++;
    return true;
}
