/* Whom a peer lets in at its inbound socket: a set of transport keys that the
 * core fills and that the ZAP thread asks. */
#ifndef PEER_ADMIT_H
#define PEER_ADMIT_H

#include "host/zap.h"
#include "msg/keys.h"

struct peer_admit;

/* Registers `domain` with the ZAP handler of this process: call it before the
 * socket of that domain is bound. */
enum conclave_err CONCLAVE_CHECK peer_admit_new(struct peer_admit **self_p, const char *domain);
void peer_admit_destroy(struct peer_admit **self_p);

void peer_admit_add(struct peer_admit *self, const struct msg_box_pub *key);
void peer_admit_remove(struct peer_admit *self, const struct msg_box_pub *key);
bool peer_admit_has(struct peer_admit *self, const struct msg_box_pub *key);

#endif
