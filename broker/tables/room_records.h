/* The registry's records of rooms as structs, and the table of rooms filled
 * from them.  What comes out points into the view's memory: it is valid until
 * the next call of anything here or in broker/tables/accounts.  Pure. */
#ifndef BROKER_ROOM_RECORDS_H
#define BROKER_ROOM_RECORDS_H

#include "broker/tables/rooms.h"
#include "broker/tables/view.h"

/* One record of the table of rooms; false: it is none. */
bool broker_room_records_read(struct msg_span value, struct msg_rec_room *out);
bool broker_room_records_room(const struct broker_view *view, const struct msg_id *room, struct msg_rec_room *out);
bool broker_room_records_entry(const struct broker_view *view, const struct msg_id *room, uint64_t number,
                               struct msg_rec_room_entry *out);
/* What an account is to a room, also one that is gone; zeros but for the
 * account, and false, where there is no record. */
bool broker_room_records_part(const struct broker_view *view, const struct msg_id *room, uint64_t account,
                              struct msg_room_part *out, uint64_t *ended);

/* Walks those who ever had a part in a room, in the order of their accounts:
 * start with *account = 0. */
bool broker_room_records_next_part(const struct broker_view *view, const struct msg_id *room, uint64_t *account,
                                   struct msg_rec_room_member *out);

/* Writes down what a member is, as it is now. */
void broker_room_records_put_part(struct msg_effects *out, const struct msg_id *room,
                                  const struct broker_member *member);

/* Fills the empty table.  How many rooms or members found no place in it, or
 * did not decode, comes back in *left. */
void broker_room_records_restore(struct broker_rooms *rooms, const struct broker_view *view, uint64_t *left);

/* The room and those whom the table has of it are as the store has them, again;
 * false: the store does not have it. */
bool broker_room_records_reload(struct broker_rooms *rooms, const struct broker_view *view, uint32_t room);

#endif
