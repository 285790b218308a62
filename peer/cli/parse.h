/* What the words of a command mean; false when they do not fit it.  Called
 * through the table of commands only. */
#ifndef CLI_PARSE_H
#define CLI_PARSE_H

#include "peer/cli/commands.h"

bool cli_parse_nothing(struct cli_call *call);
bool cli_parse_name(struct cli_call *call);
bool cli_parse_say(struct cli_call *call);
bool cli_parse_focus(struct cli_call *call);
bool cli_parse_forget(struct cli_call *call);
bool cli_parse_detailed(struct cli_call *call);
bool cli_parse_rooms(struct cli_call *call);
bool cli_parse_devices(struct cli_call *call);
bool cli_parse_count(struct cli_call *call);
bool cli_parse_help(struct cli_call *call);
bool cli_parse_create(struct cli_call *call);
bool cli_parse_join(struct cli_call *call);
bool cli_parse_room(struct cli_call *call);
bool cli_parse_room_name(struct cli_call *call);
bool cli_parse_room_text(struct cli_call *call);

#endif
