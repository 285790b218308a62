/* The devices of members that our keys are handed to: of one that is new, of
 * somebody whose devices we know, the user is told once, before it can read
 * anything.  Numbers of devices are never used again, so that the highest one
 * and those shortly before it are all there is to remember. */
#include "peer/core/parts.h"

#include <stdio.h>

#define WINDOW 64u /* bits of peer_mate.devices; a device so much older than the newest counts as known */

static bool
knows(const struct peer_mate *mate, uint64_t device)
{
    return device <= mate->newest && (mate->newest - device >= WINDOW || (mate->devices >> (mate->newest - device) & 1) != 0);
}

static void
note(struct peer_mate *mate, uint64_t device)
{
    const uint64_t further = device > mate->newest ? device - mate->newest : 0;
    if (further > 0) {
        mate->devices = further < WINDOW ? mate->devices << further : 0;
        mate->newest = device;
    }
    if (mate->newest - device < WINDOW)
        mate->devices |= UINT64_C(1) << (mate->newest - device);
}

/* In another room the user was told of it, or it was among the first. */
static bool
is_known_elsewhere(struct peer_core *self, const struct peer_room *room, const struct msg_cert *cert)
{
    uint32_t at = 0;
    for (const struct peer_room *other; (other = peer_rooms_each(&self->rooms, &at)) != NULL;) {
        const struct peer_mate *mate = other != room ? peer_rooms_mate(&self->rooms, other, cert->account) : NULL;
        if (mate != NULL && mate->newest != 0 && knows(mate, cert->device))
            return true;
    }
    return false;
}

static void
tell(struct peer_core *self, const struct peer_room *room, const struct peer_mate *mate, const struct msg_cert *cert)
{
    char text[MSG_NOTICE_MAX + 1];
    const unsigned long long number = cert->device;
    if (cert->account == self->self.account)
        (void)snprintf(text, sizeof text, "Your account has a new device (number %llu), which is handed the keys of %s; if it is not yours, revoke it and change the password.", number, room->name);
    else
        (void)snprintf(text, sizeof text, "%s has a new device (number %llu) that nobody has confirmed; it is handed the keys of %s.", cert->name, number, room->name);
    peer_step_notice_kept(self, msg_text(mate->name), CONCLAVE_OK, msg_text(text));
}

void
peer_room_device(struct peer_core *self, const struct peer_room *room, struct peer_mate *mate, const struct msg_cert *cert, bool listed)
{
    if (knows(mate, cert->device) || (mate->newest == 0 && !listed))
        return; /* before all of them were listed once, nobody is new */
    mate->meeting = mate->meeting || mate->newest == 0;
    const bool news = !mate->meeting && !is_known_elsewhere(self, room, cert);
    note(mate, cert->device);
    if (mate->meeting)
        return; /* its record goes with that of the key */
    if (news)
        tell(self, room, mate, cert);
    peer_rooms_put_mate(&self->rooms, mate, self->out);
    (void)peer_step_store(self); /* only marks that this step writes */
}
