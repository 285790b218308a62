/* See ticks.h.  A message is followed from its first tick to its last; a few
 * are at once, and the oldest is told as it is when there are more.
 *
 *   #3 #lab: stored at the registry, delivered to bob
 *   #4 to #6 #lab: delivered to all 2 */
#include "peer/cli/ticks.h"

#include <string.h>

#include "peer/cli/view.h"

#define FOLLOWED 8u       /* messages */
#define NAMES_MAX 3u      /* of those that have it; the others are counted */
#define PATIENCE_MS 1200u /* members of a room say once a second what they have */

struct followed {
    char id[33];            /* "": free */
    char first_id[33];      /* of those told together, the first; "": it is alone */
    struct cli_buf to;      /* whom, or the room, ready for the terminal */
    bool room;
    enum conclave_tick tick;
    bool told;              /* told before ... */
    enum conclave_tick told_tick; /* ... as this */
    unsigned have;          /* members of the room that have it */
    unsigned fresh;         /* of them, not told yet */
    uint64_t others;        /* members in all; 0: not known */
    struct cli_buf names;   /* of the first fresh ones */
    uint64_t due_ms;        /* told then at the latest; UINT64_MAX: nothing is new */
};

static struct followed self[FOLLOWED]; /* the latest first */

/* Messages of this run have numbers, others 0. */
static unsigned
number_of(struct cli *cli, const char *id)
{
    const struct cli_sent *const sent = cli_sent_find(cli, id, false);
    return sent != NULL ? sent->number : 0;
}

static void
put_number(struct cli *cli, struct cli_buf *line, const char *id)
{
    const unsigned number = number_of(cli, id);
    if (number != 0)
        cli_buf_format(line, "#%u ", number);
    else
        cli_buf_format(line, "#%.8s ", id);
}

static bool
is_done(const struct followed *one)
{
    return one->room ? one->others > 0 && one->have >= one->others : one->tick >= CONCLAVE_TICK_DELIVERED;
}

static const char *
tick_name(enum conclave_tick tick)
{
    switch (tick) {
    case CONCLAVE_TICK_QUEUED:
        return "queued";
    case CONCLAVE_TICK_STORED:
        return "stored at the registry";
    case CONCLAVE_TICK_DELIVERED:
        return "delivered";
    case CONCLAVE_TICK_READ:
        return "read";
    }
    return "queued";
}

static void
put_members(struct cli_buf *line, const struct followed *one)
{
    if (is_done(one) && one->have > 1) {
        cli_buf_format(line, "delivered to all %u", one->have);
        return;
    }
    cli_buf_format(line, "delivered to %s", one->names.at);
    if (one->fresh > NAMES_MAX)
        cli_buf_format(line, " and %u more", one->fresh - NAMES_MAX);
}

static void
tell(struct cli *cli, struct followed *one)
{
    struct cli_buf line = {0};
    const bool tick = !one->told || one->tick != one->told_tick;
    one->due_ms = UINT64_MAX;
    if (!tick && one->fresh == 0)
        return; /* it was something else in between */
    cli_buf_text(&line, "  ");
    if (one->first_id[0] != '\0') {
        put_number(cli, &line, one->first_id);
        cli_buf_text(&line, "to ");
    }
    put_number(cli, &line, one->id);
    cli_buf_format(&line, "%s: ", one->to.at);
    if (tick && !(one->fresh > 0 && is_done(one))) /* that all have it says enough */
        cli_buf_format(&line, "%s%s", tick_name(one->tick), one->fresh > 0 ? ", " : "");
    if (one->fresh > 0)
        put_members(&line, one);
    cli_buf_char(&line, '\n');
    cli_print(cli, &line);
    cli_buf_wipe(&line);
    cli_buf_wipe(&one->names);
    one->told = true;
    one->told_tick = one->tick;
    one->fresh = 0;
}

static void
forget(struct followed *one)
{
    cli_buf_wipe(&one->to);
    cli_buf_wipe(&one->names);
    *one = (struct followed){.due_ms = UINT64_MAX};
}

/* The one just before it, if that was said in the same room and nothing was told
 * of it yet: the ticks of a room are cumulative. */
static struct followed *
joins(struct cli *cli, const struct conclave_event *event, const struct cli_buf *to)
{
    const unsigned number = number_of(cli, event->id);
    for (size_t i = 0; i < FOLLOWED && number > 1 && event->tick == CONCLAVE_TICK_QUEUED; i++)
        if (self[i].room && strcmp(self[i].to.at, to->at) == 0 && number_of(cli, self[i].id) == number - 1)
            return !self[i].told && self[i].have == 0 ? &self[i] : NULL;
    return NULL;
}

/* Whether it is told with others, one of which came after it. */
static bool
is_covered(struct cli *cli, const struct conclave_event *event)
{
    const unsigned number = number_of(cli, event->id);
    bool covered = false;
    for (size_t i = 0; i < FOLLOWED && number != 0; i++)
        covered = covered || (self[i].first_id[0] != '\0' && number >= number_of(cli, self[i].first_id) && number < number_of(cli, self[i].id));
    return covered;
}

/* What is followed of that message, new or known. */
static struct followed *
follow(struct cli *cli, const struct conclave_event *event)
{
    struct followed *one = NULL;
    for (size_t i = 0; i < FOLLOWED && one == NULL; i++)
        if (strcmp(self[i].id, event->id) == 0)
            one = &self[i];
    if (one != NULL)
        return one;
    const bool room = event->room != NULL && event->room[0] != '\0';
    struct cli_buf to = {0};
    cli_view_line(&to, room ? event->room : event->to);
    one = room ? joins(cli, event, &to) : NULL;
    if (one != NULL) {
        cli_buf_wipe(&to);
        if (one->first_id[0] == '\0')
            memcpy(one->first_id, one->id, sizeof one->first_id);
    } else {
        one = &self[FOLLOWED - 1];
        if (one->id[0] != '\0' && one->due_ms != UINT64_MAX)
            tell(cli, one);
        forget(one);
        memmove(self + 1, self, sizeof self - sizeof *self);
        one = &self[0];
        *one = (struct followed){.to = to, .room = room, .due_ms = UINT64_MAX};
    }
    memcpy(one->id, event->id, sizeof one->id);
    return one;
}

void
cli_ticks_take(struct cli *cli, const struct conclave_event *event)
{
    if (is_covered(cli, event))
        return;
    struct followed *const one = follow(cli, event);
    if (one->room && event->to != NULL && event->to[0] != '\0') {
        if (one->fresh < NAMES_MAX) {
            cli_buf_text(&one->names, one->fresh > 0 ? ", " : "");
            cli_view_line(&one->names, event->to);
        }
        one->fresh++;
        one->have++;
        one->others = event->others;
        if (one->tick == CONCLAVE_TICK_QUEUED && !one->told) { /* it came from us, without the registry */
            one->told = true;
            one->told_tick = CONCLAVE_TICK_QUEUED;
        }
    } else {
        one->tick = event->tick;
        if (one->room && one->told && is_done(one))
            return; /* all have it: that it is stored, too, is no news */
    }
    if (is_done(one))
        one->due_ms = 0;
    else if (one->due_ms == UINT64_MAX)
        one->due_ms = cli_now_ms() + PATIENCE_MS;
}

uint64_t
cli_ticks_settle(struct cli *cli, bool all)
{
    const uint64_t now = cli_now_ms();
    uint64_t next = UINT64_MAX;
    for (size_t i = FOLLOWED; i-- > 0;) { /* the oldest first */
        struct followed *const one = &self[i];
        if (one->id[0] == '\0' || one->due_ms == UINT64_MAX)
            continue;
        if (all || one->due_ms <= now) {
            tell(cli, one);
            if (!one->room && one->tick == CONCLAVE_TICK_READ)
                forget(one); /* nothing more comes */
        } else if (one->due_ms < next) {
            next = one->due_ms;
        }
    }
    return next;
}
