/* The invite link: which host it names, and where it is left for a `conclave`
 * of the same user to find. */
#ifndef BROKER_LINK_H
#define BROKER_LINK_H

#include "broker/keyring.h"
#include "broker/settings.h"
#include "msg/name.h"

/* The link of a daemon that listens on `host` and `port`. */
void broker_link_print(char text[MSG_LINK_MAX + 1], const struct broker_settings *settings,
                       const char *host, uint16_t port, const struct broker_public *keys);

/* Makes an address of a host that is a name or an interface, so that those who
 * dial and we mean the same one.  NOT_FOUND with the sentence. */
enum conclave_err CONCLAVE_CHECK
broker_link_resolve(char host[MSG_HOST_MAX + 1], char *why, size_t why_cap);

/* Leaves it in $XDG_RUNTIME_DIR/conclaved.link, else in conclaved/link below
 * the user's state directory; and takes it away if it still is this one. */
enum conclave_err CONCLAVE_CHECK broker_link_save(const char *text);
void broker_link_remove(const char *text);

#endif
