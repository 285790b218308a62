/* Rooms in words, for cli/face_text alone.  Every text from outside passes
 * through cli/view here. */
#ifndef CLI_FACE_ROOMS_H
#define CLI_FACE_ROOMS_H

#include "peer/cli/cli.h"

/* Each adds to `out`, without an end of line where it is one line. */

/* A ROOM event; nothing when it is what our own command is answered with. */
void cli_face_rooms_event(struct cli_buf *out, const struct cli *cli, const struct conclave_event *event);
void cli_face_rooms_gap(struct cli_buf *out, const struct conclave_event *event);
void cli_face_rooms_list(struct cli_buf *out, const struct cli *cli, const struct conclave_event *event);
void cli_face_rooms_topic(struct cli_buf *out, const struct cli *cli, const struct conclave_event *event); /* of the one room */
void cli_face_rooms_members(struct cli_buf *out, const struct conclave_event *event);
void cli_face_rooms_ok(struct cli_buf *out, const struct cli *cli); /* cli->call, that went well */

/* A room answers with a receipt from each member: those for one message that
 * are there together are told together.  True when this one was added to them;
 * false: tell those first. */
bool cli_face_rooms_gather(const struct conclave_event *event);
/* ", bob and 3 more" and so on of those that were gathered; forgets them.
 * Returns the id of their message, valid until the next one is gathered; NULL:
 * there are none. */
const char *cli_face_rooms_gathered(struct cli_buf *room, struct cli_buf *names);

#endif
