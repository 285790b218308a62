/* What each command does first: each starts a request and returns its number,
 * or answers by itself and returns 0.  Called through the table of commands. */
#ifndef CLI_ACTIONS_H
#define CLI_ACTIONS_H

#include "peer/cli/cli.h"

uint64_t cli_action_register(struct cli *cli, struct cli_call *call);
uint64_t cli_action_login(struct cli *cli, struct cli_call *call);
uint64_t cli_action_logout(struct cli *cli, struct cli_call *call);
uint64_t cli_action_passwd(struct cli *cli, struct cli_call *call);
uint64_t cli_action_passphrase(struct cli *cli, struct cli_call *call);
uint64_t cli_action_devices(struct cli *cli, struct cli_call *call);
uint64_t cli_action_delete_account(struct cli *cli, struct cli_call *call);
uint64_t cli_action_who(struct cli *cli, struct cli_call *call);
uint64_t cli_action_search(struct cli *cli, struct cli_call *call);
uint64_t cli_action_send(struct cli *cli, struct cli_call *call);
uint64_t cli_action_chat(struct cli *cli, struct cli_call *call);
uint64_t cli_action_recv(struct cli *cli, struct cli_call *call);
uint64_t cli_action_block(struct cli *cli, struct cli_call *call);
uint64_t cli_action_unblock(struct cli *cli, struct cli_call *call);
uint64_t cli_action_trust(struct cli *cli, struct cli_call *call);
uint64_t cli_action_away(struct cli *cli, struct cli_call *call);
uint64_t cli_action_back(struct cli *cli, struct cli_call *call);
uint64_t cli_action_stats(struct cli *cli, struct cli_call *call);
uint64_t cli_action_help(struct cli *cli, struct cli_call *call);
uint64_t cli_action_quit(struct cli *cli, struct cli_call *call);

uint64_t cli_action_create(struct cli *cli, struct cli_call *call);
uint64_t cli_action_join(struct cli *cli, struct cli_call *call);
uint64_t cli_action_rooms(struct cli *cli, struct cli_call *call);
uint64_t cli_action_topic(struct cli *cli, struct cli_call *call);
uint64_t cli_action_members(struct cli *cli, struct cli_call *call);
uint64_t cli_action_room(struct cli *cli, struct cli_call *call); /* all others that are done to a room */

/* What cli_action_room and its like do to a room; 0: call is none of them. */
enum conclave_act cli_rooms_act(const struct cli_call *call);

/* cli->call failed: true when it was a join that was started once more, with
 * the password that somebody was asked for. */
bool cli_rooms_join_again(struct cli *cli, enum conclave_err err);
/* What there is to say to that, better than `text`; or `text`. */
void cli_rooms_reason(struct cli_buf *out, const struct cli *cli, enum conclave_err err, const char *text);

/* cli->call went well: plain lines do not go to a room that it left. */
void cli_rooms_leave_focus(struct cli *cli);
/* A ROOM event: the room of cli->call is called from then on as it writes
 * itself; that it was joined tells the topic. */
void cli_rooms_name(struct cli *cli, const struct conclave_event *event);

/* Asks on the terminal without echo, beside the prompt; false: nobody answered. */
bool cli_actions_ask_secret(struct cli *cli, struct cli_secret *secret, const char *question, bool twice);

/* Name and password: those given, or asked for.  False after it has answered. */
bool cli_actions_credentials(struct cli *cli, bool fresh);

#endif
