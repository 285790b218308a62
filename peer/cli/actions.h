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
uint64_t cli_action_help(struct cli *cli, struct cli_call *call);
uint64_t cli_action_quit(struct cli *cli, struct cli_call *call);

/* Name and password: those given, or asked for.  False after it has answered. */
bool cli_actions_credentials(struct cli *cli, bool fresh);

#endif
