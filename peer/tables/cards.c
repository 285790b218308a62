/* Cards in a table, found through buckets by account and kept in the order of
 * their use. */
#include "peer/tables/cards.h"

#include "msg/pages.h"
#include "peer/tables/tables.h"

bool
peer_cards_init(struct peer_cards *self, uint32_t count)
{
    memset(self, 0, sizeof *self);
    uint32_t buckets = 1;
    while (buckets < count)
        buckets *= 2;
    self->room = count;
    self->bucket_mask = buckets - 1;
    self->cards = msg_pages_new(count, sizeof *self->cards);
    self->buckets = msg_pages_new(buckets, sizeof *self->buckets);
    return self->cards != NULL && self->buckets != NULL;
}

void
peer_cards_wipe(struct peer_cards *self)
{
    msg_pages_free(self->cards, self->room, sizeof *self->cards);
    msg_pages_free(self->buckets, self->bucket_mask + 1, sizeof *self->buckets);
    memset(self, 0, sizeof *self);
}

static uint32_t *
bucket_of(const struct peer_cards *self, uint64_t account)
{
    const uint64_t x = account * UINT64_C(0x9e3779b97f4a7c15);
    return &self->buckets[(uint32_t)(x >> 32) & self->bucket_mask];
}

/* ---- the order of use ---- */

static void
take_out(struct peer_cards *self, struct peer_card *card)
{
    if (card->newer != 0)
        self->cards[card->newer - 1].older = card->older;
    else
        self->newest = card->older;
    if (card->older != 0)
        self->cards[card->older - 1].newer = card->newer;
    else
        self->oldest = card->newer;
}

static void
put_first(struct peer_cards *self, struct peer_card *card)
{
    const uint32_t at = (uint32_t)(card - self->cards) + 1;
    card->newer = 0;
    card->older = self->newest;
    if (self->newest != 0)
        self->cards[self->newest - 1].newer = at;
    else
        self->oldest = at;
    self->newest = at;
}

/* ---- finding ---- */

static struct peer_card *
look(const struct peer_cards *self, uint64_t account, uint64_t device)
{
    for (uint32_t at = *bucket_of(self, account); at != 0; at = self->cards[at - 1].chain)
        if (self->cards[at - 1].cert.account == account && self->cards[at - 1].cert.device == device)
            return &self->cards[at - 1];
    return NULL;
}

const struct peer_card *
peer_cards_find(struct peer_cards *self, uint64_t account, uint64_t device)
{
    struct peer_card *card = look(self, account, device);
    if (card != NULL && card->newer != 0) {
        take_out(self, card);
        put_first(self, card);
    }
    return card;
}

const struct peer_card *
peer_cards_next(const struct peer_cards *self, uint64_t account, const struct peer_card *card)
{
    uint32_t at = card == NULL ? *bucket_of(self, account) : card->chain;
    while (at != 0 && self->cards[at - 1].cert.account != account)
        at = self->cards[at - 1].chain;
    return at == 0 ? NULL : &self->cards[at - 1];
}

/* ---- changing ---- */

static void
give_back(struct peer_cards *self, struct peer_card *card)
{
    const uint32_t at = (uint32_t)(card - self->cards) + 1;
    uint32_t *link = bucket_of(self, card->cert.account);
    while (*link != at)
        link = &self->cards[*link - 1].chain;
    *link = card->chain;
    take_out(self, card);
    card->used = false;
    card->chain = self->free;
    self->free = at;
}

static void
delete_record(const struct peer_card *card, struct msg_effects *out)
{
    const struct msg_record_key key = msg_record_key2(card->cert.account, card->cert.device);
    msg_effects_delete(out, PEER_TABLE_CARDS, msg_record_key_span(&key));
}

/* A slot in the bucket of the account; out NULL: no record of whom it replaces
 * is deleted. */
static struct peer_card *
make(struct peer_cards *self, uint64_t account, struct msg_effects *out)
{
    if (self->free == 0 && self->count == self->room) {
        if (out != NULL)
            delete_record(&self->cards[self->oldest - 1], out);
        give_back(self, &self->cards[self->oldest - 1]);
    }
    const uint32_t at = self->free != 0 ? self->free - 1 : self->count++;
    struct peer_card *card = &self->cards[at];
    if (self->free != 0)
        self->free = card->chain;
    uint32_t *const bucket = bucket_of(self, account);
    card->used = true;
    card->chain = *bucket;
    *bucket = at + 1;
    put_first(self, card);
    return card;
}

static void
fill(struct peer_card *card, const struct msg_cert *cert, struct msg_span certificate)
{
    card->cert = *cert;
    memcpy(card->certificate, certificate.at, certificate.len);
    card->certificate_len = certificate.len;
}

enum conclave_err
peer_cards_take(struct peer_cards *self, const struct msg_cert *cert, struct msg_span certificate, struct msg_effects *out, bool *written)
{
    struct peer_card *card = look(self, cert->account, cert->device);
    *written = false;
    if (certificate.len > MSG_CERT_MAX)
        return CONCLAVE_ERR_TOO_LARGE;
    if (card != NULL && (!msg_keys_equal(&card->cert.sign, &cert->sign, sizeof cert->sign)
                         || !msg_keys_equal(&card->cert.transport, &cert->transport, sizeof cert->transport)))
        return CONCLAVE_ERR_PEER_KEY_CHANGED;
    if (card != NULL && cert->serial <= card->cert.serial)
        return CONCLAVE_OK; /* an older one says nothing new */
    if (card == NULL)
        card = make(self, cert->account, out);
    fill(card, cert, certificate);
    const struct msg_rec_card record = {certificate};
    const struct msg_record_key key = msg_record_key2(cert->account, cert->device);
    msg_effects_put(out, PEER_TABLE_CARDS, msg_record_key_span(&key), MSG_REC_CARD, &record);
    *written = true;
    return CONCLAVE_OK;
}

void
peer_cards_restore(struct peer_cards *self, const struct msg_cert *cert, struct msg_span certificate)
{
    if (certificate.len <= MSG_CERT_MAX && look(self, cert->account, cert->device) == NULL)
        fill(make(self, cert->account, NULL), cert, certificate);
}

bool
peer_cards_drop(struct peer_cards *self, uint64_t account, uint64_t device, struct msg_effects *out)
{
    struct peer_card *card = look(self, account, device);
    if (card == NULL)
        return false;
    delete_record(card, out);
    give_back(self, card);
    return true;
}

void
peer_cards_clear(struct peer_cards *self, struct msg_effects *out)
{
    while (self->newest != 0) {
        delete_record(&self->cards[self->newest - 1], out);
        give_back(self, &self->cards[self->newest - 1]);
    }
}
