/* What came sealed for this device and is no talk between two people, and what
 * became of parcels that are none: where the rooms part is called.  It does not
 * exist yet, so both are passed over: a key that was not taken is asked for
 * again, and a parcel's end changes nothing. */
#include "peer/parts.h"

/* ROOM_KEY or ROOM_ASK of a device, by a link or by mail.  The certificate is
 * the registry's and its device is not revoked; whether it belongs to a member
 * is for rooms to see.  What this stores is synced before the mail is collected. */
void
peer_rooms_sealed(struct peer_core *self, const struct msg_cert *from, enum msg_kind kind, const union msg_any *any)
{
    (void)from;
    (void)any;
    peer_step_log(self, MSG_LOG_DEBUG, "ROOMS-NONE", kind == MSG_ROOM_KEY ? "a room's key was passed over" : "a question for a room's key was passed over");
}

/* A parcel of peer_mail_parcel was deposited, or refused: NO_SUCH_USER,
 * QUOTA_EXCEEDED, STORE_FULL and what else the registry says; NOT_LOGGED_IN when
 * the account is gone. */
void
peer_rooms_mailed(struct peer_core *self, uint64_t ticket, enum conclave_err err)
{
    (void)self;
    (void)ticket;
    (void)err;
}
