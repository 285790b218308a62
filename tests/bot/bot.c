/* A whole bot: signs up, or logs in where it has signed up before, and says
 * back what it is told.  It knows libconclave's public header alone.
 *
 *     bot HOME LINK NAME       its password comes from CONCLAVE_PASSWORD */
#include <conclave.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Waits for the answer to a request; true: it was done. */
static bool
done(struct conclave *self, uint64_t request)
{
    const struct conclave_event *event;
    while ((event = conclave_next(self, 60000)) != NULL) {
        if (event->request != request)
            continue;
        if (event->kind == CONCLAVE_EVENT_FAILED)
            fprintf(stderr, "bot: %s\n", event->text);
        return event->kind != CONCLAVE_EVENT_FAILED;
    }
    return false;
}

int
main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: bot HOME LINK NAME\n");
        return 2;
    }
    const struct conclave_options options = {.home = argv[1], .link = argv[2], .listen = "127.0.0.1:0"};
    struct conclave *self = NULL;
    if (conclave_open(&self, &options) != CONCLAVE_OK) {
        fprintf(stderr, "bot: %s\n", conclave_why());
        return 1;
    }
    struct conclave_state state;
    conclave_get_state(self, &state);
    if (!state.enrolled && !done(self, conclave_register(self, argv[3], getenv("CONCLAVE_PASSWORD")))) {
        conclave_close(&self);
        return 1;
    }
    printf("%s is there\n", argv[3]);
    fflush(stdout);
    const struct conclave_event *event;
    while ((event = conclave_next(self, -1)) != NULL) {
        if (event->kind != CONCLAVE_EVENT_MESSAGE)
            continue;
        conclave_send(self, event->from, event->text, event->text_bytes);
        if (strcmp(event->text, "go") == 0)
            break;
    }
    conclave_close(&self); /* says goodbye, and syncs what is still to be sent */
    return 0;
}
