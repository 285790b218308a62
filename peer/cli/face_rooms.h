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

#endif
