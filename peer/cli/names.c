/* A short list, the latest first. */
#include "peer/cli/names.h"

#include <string.h>
#include <strings.h>

#include "peer/cli/view.h"

#define NAME_BYTES 258 /* with its # and its NUL */

static struct {
    char names[CLI_NAMES_MAX][NAME_BYTES];
    size_t count;
} self;

/* Whether a terminal may show it as it is, and a line have it as one word. */
static bool
is_plain(const char *name)
{
    struct cli_buf shown = {0};
    cli_view_line(&shown, name);
    const bool plain = strcmp(shown.at, name) == 0 && strpbrk(name, " \t") == NULL;
    cli_buf_wipe(&shown);
    return plain;
}

static void
add(const char *name)
{
    size_t at = 0;
    if (name == NULL || name[0] == '\0' || strlen(name) >= NAME_BYTES)
        return;
    while (at < self.count && strcmp(self.names[at], name) != 0)
        at++;
    if (at == 0 && self.count > 0)
        return; /* it is the latest already */
    if (at == self.count && !is_plain(name))
        return;
    if (at == self.count && self.count < CLI_NAMES_MAX)
        self.count++;
    else if (at == CLI_NAMES_MAX)
        at--; /* the oldest goes */
    memmove(self.names[1], self.names[0], at * NAME_BYTES);
    (void)memcpy(self.names[0], name, strlen(name) + 1);
}

void
cli_names_learn(const struct conclave_event *event)
{
    for (size_t i = event->users_count; i > 0; i--)
        add(event->users[i - 1].name);
    for (size_t i = event->members_count; i > 0; i--)
        add(event->members[i - 1].name);
    for (size_t i = event->rooms_count; i > 0; i--)
        add(event->rooms[i - 1].name);
    if (event->user.status != CONCLAVE_STATUS_NOT_FOUND)
        add(event->user.name);
    add(event->from);
    add(event->room);
}

const char *
cli_names_next(const char *prefix, size_t *at)
{
    const bool room = prefix[0] == '#';
    const char *const begin = prefix[0] == '@' ? prefix + 1 : prefix;
    while (*at < self.count) {
        const char *const name = self.names[(*at)++];
        if ((name[0] == '#') == room && strncasecmp(name, begin, strlen(begin)) == 0)
            return name;
    }
    return NULL;
}
