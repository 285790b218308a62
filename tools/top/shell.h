/* The loops of conclave-top: what the view in the terminal and the server have
 * in common with the rest. */
#ifndef TOP_SHELL_H
#define TOP_SHELL_H

#include "tools/top/model.h"
#include "tools/top/options.h"
#include "tools/top/source.h"

struct top_shell {
    struct top_options options;
    struct top_source source;
    struct top_model *model;
};

/* Monotonic. */
uint64_t top_now_ms(void);

/* Takes all that came; true: a sample was among it. */
bool top_shell_hear(struct top_shell *self);

/* Each runs until it is told to end, and returns the exit code. */
int top_view_run(struct top_shell *self);
int top_http_run(struct top_shell *self);

#endif
