/* What the registry keeps, read with the keys of those whom it is for: so that
 * a tick that says "stored" can be held against the registry's disk. */
#include <stdlib.h>

#include "msg/cert.h"
#include "msg/envelope.h"
#include "tests/sim/sim.h"

/* The process with the mail key on its disk that a run is sealed to; SIM_NONE:
 * its reader's disk was put back, or has not synced the key. */
static uint32_t
find_key(const struct sim *sim, const struct msg_box_pub *pub, struct msg_box_sec *sec)
{
    for (uint32_t i = SIM_FRONT + 1; i < sim->proc_count; i++) {
        const struct sim_disk *const disk = &sim->procs[i].disk;
        const struct sim_record *at = sim_disk_after(disk, PEER_TABLE_MAIL_KEYS, msg_span(NULL, 0));
        for (; at != NULL && at < disk->records + disk->count && at->table == PEER_TABLE_MAIL_KEYS; at++) {
            union msg_any any;
            enum msg_kind kind;
            if (msg_codec_decode(msg_span(at->at, at->len), &kind, &any) != CONCLAVE_OK ||
                memcmp(&any.MSG_ANY_REC_MAIL_KEY.pub, pub, sizeof *pub) != 0)
                continue;
            *sec = any.MSG_ANY_REC_MAIL_KEY.sec;
            return i;
        }
    }
    return SIM_NONE;
}

static void
read_batch(struct sim *sim, uint32_t reader, struct msg_span batch)
{
    union msg_any any;
    enum msg_kind kind;
    while (batch.len > 0 && msg_codec_next_frame(&batch, &kind, &any) == CONCLAVE_OK)
        if (kind == MSG_SAY) {
            struct sim_said *const said = sim_check_text(sim, any.MSG_ANY_SAY.text);
            if (said != NULL)
                said->mailed = true;
        } else if (kind == MSG_ROOM_KEY)
            sim_room_handed(sim, reader, &any.MSG_ANY_ROOM_KEY.key, any.MSG_ANY_ROOM_KEY.counter);
}

void
sim_check_mail(struct sim *sim, const struct msg_rec_mail *record)
{
    struct msg_span in = record->frames;
    union msg_any run, sealed;
    enum msg_kind kind, other;
    struct msg_cert from;
    struct msg_box_sec sec;
    if (msg_codec_next_frame(&in, &kind, &run) != CONCLAVE_OK || kind != MSG_RUN ||
        msg_codec_decode(in, &other, &sealed) != CONCLAVE_OK || other != MSG_SEALED) {
        sim_fail(sim, "the registry keeps mail that is not a run and its envelope");
        return;
    }
    if (msg_cert_open(&from, record->certificate, &sim->signer) != CONCLAVE_OK) {
        sim_fail(sim, "the registry keeps mail without its sender's certificate");
        return;
    }
    const uint32_t reader = find_key(sim, &run.MSG_ANY_RUN.mail, &sec);
    if (reader == SIM_NONE)
        return;
    struct msg_run open = {0};
    uint8_t *const room = malloc(MSG_BATCH_MAX);
    struct msg_buf batch = {room, 0, MSG_BATCH_MAX};
    if (room == NULL)
        abort();
    if (msg_run_accept(&open, &run.MSG_ANY_RUN, &from, run.MSG_ANY_RUN.to_account,
                       run.MSG_ANY_RUN.to_device, &run.MSG_ANY_RUN.mail, &sec, 0) != CONCLAVE_OK ||
        msg_envelope_open(&open, &batch, &sealed.MSG_ANY_SEALED) != CONCLAVE_OK)
        sim_fail(sim, "the registry keeps mail that does not open");
    else
        read_batch(sim, reader, msg_span_of_buf(&batch));
    free(room);
}
