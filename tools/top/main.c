/* conclave-top: shows how a registry is. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tools/top/expr.h"
#include "tools/top/render.h"
#include "tools/top/shell.h"

#define ROWS_MS 250   /* are waited for after a sample, */
#define ROWS_TRIES 3u /* unless none came for so many */

uint64_t
top_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool
top_shell_hear(struct top_shell *self)
{
    const uint64_t before = self->model->samples;
    struct msg_span frame;

    while (top_source_next(&self->source, &frame))
        if (top_model_hear(self->model, frame, top_now_ms()) != CONCLAVE_OK)
            continue; /* of a registry that speaks otherwise: it counts as not heard */
    return self->model->samples > before;
}

/* Waits until so many samples came, or that time. */
static bool
wait_for(struct top_shell *self, uint64_t samples, uint64_t until_ms)
{
    zmq_pollitem_t item = {zsock_resolve(self->source.sub), 0, ZMQ_POLLIN, 0};

    for (;;) {
        (void)top_shell_hear(self); /* the model says how many there were */
        const uint64_t now_ms = top_now_ms();
        if (self->model->samples >= samples)
            return true;
        if (now_ms >= until_ms)
            return false;
        if (zmq_poll(&item, 1, (long)(until_ms - now_ms)) < 0 && errno != EINTR)
            return false;
    }
}

/* Rows come right behind their sample, for those who may see names. */
static void
wait_for_rows(struct top_shell *self)
{
    const struct top_model *model = self->model;
    const bool lately = model->rooms_whole != 0 && model->number - model->rooms_whole <= ROWS_TRIES;
    zmq_pollitem_t item = {zsock_resolve(self->source.sub), 0, ZMQ_POLLIN, 0};
    const uint64_t number = model->number, until_ms = top_now_ms() + ROWS_MS;

    while (self->options.json && (lately || model->samples <= ROWS_TRIES) && !top_model_has_rows(model)
           && model->number == number) {
        const uint64_t now_ms = top_now_ms();
        if (now_ms >= until_ms || (zmq_poll(&item, 1, (long)(until_ms - now_ms)) < 0 && errno != EINTR))
            return;
        (void)top_shell_hear(self); /* the model says what came */
    }
}

static bool
print(struct top_shell *self)
{
    struct top_text out = {0};

    wait_for_rows(self);
    if (self->options.json)
        top_render_json(&out, self->model, top_now_ms());
    else
        top_render_text(&out, self->model, top_now_ms());
    fwrite(out.at, 1, out.len, stdout);
    top_text_wipe(&out);
    return fflush(stdout) == 0;
}

/* The worst of the conditions; text for people, as Nagios wants it. */
static int
judge(const struct top_shell *self)
{
    static const char *const words[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
    const char *why = "";
    enum top_exit worst = TOP_EXIT_OK;

    for (size_t i = 0; i < self->options.fails_count; i++) {
        const struct top_fail *fail = &self->options.fails[i];
        const enum top_expr_result result = top_expr_eval(fail->text, self->model, top_now_ms());
        const enum top_exit status = result == TOP_EXPR_TRUE      ? fail->status
                                     : result == TOP_EXPR_UNKNOWN ? TOP_EXIT_UNKNOWN
                                                                  : TOP_EXIT_OK;
        /* What is unknown hides nothing that is known to be wrong. */
        if (status == TOP_EXIT_OK || worst == TOP_EXIT_CRITICAL || (worst != TOP_EXIT_OK && status == TOP_EXIT_WARNING))
            continue;
        worst = status;
        why = fail->text;
    }
    if (!self->options.json)
        printf("%s%s%s - %s\n", words[worst], *why != '\0' ? ": " : "", why,
               top_model_is_ready(self->model, top_now_ms()) ? "live and ready"
                                                             : top_model_reason(self->model, top_now_ms()));
    return worst;
}

/* One sample, or a condition on one. */
static int
look_once(struct top_shell *self)
{
    const struct top_options *options = &self->options;
    const uint64_t samples = options->rates ? 2 : 1;
    const uint64_t wait_ms = (TOP_MISSING + samples - 1) * options->interval_ms;

    if (!wait_for(self, samples, top_now_ms() + wait_ms)) {
        fprintf(options->fails_count > 0 && !options->json ? stdout : stderr,
                "%sNo sample came within %.1f s; is conclaved running, and is --interval its monitor/interval_ms?\n",
                options->fails_count > 0 ? "UNKNOWN: " : "conclave-top: ",
                (double)wait_ms / 1000);
        return TOP_EXIT_UNKNOWN;
    }
    if ((options->fails_count == 0 || options->json) && !print(self))
        return TOP_EXIT_UNKNOWN;
    return options->fails_count > 0 ? judge(self) : TOP_EXIT_OK;
}

/* An object a line, until nobody reads them. */
static int
stream(struct top_shell *self)
{
    uint64_t next_ms = 0;
    bool was_ready = false;

    for (;;) {
        if (!wait_for(self, self->model->samples + 1, top_now_ms() + TOP_MISSING * self->model->interval_ms))
            continue;
        const bool is_ready = top_model_is_ready(self->model, top_now_ms());
        if (top_now_ms() < next_ms && is_ready == was_ready) /* a change is told at once */
            continue;
        was_ready = is_ready;
        next_ms = top_now_ms() + self->options.interval_ms - self->options.interval_ms / 4; /* samples jitter */
        if (!print(self))
            return TOP_EXIT_OK;
    }
}

int
main(int argc, char **argv)
{
    struct top_shell shell = {.model = NULL};
    char why[TOP_WHY_MAX];

    if (top_options_read(&shell.options, argc, argv, why) != CONCLAVE_OK) {
        fprintf(stderr, "conclave-top: %s\nTry: conclave-top --help\n", why);
        return TOP_EXIT_UNKNOWN;
    }
    if (shell.options.help || shell.options.version) {
        if (shell.options.help)
            fputs(top_options_usage, stdout);
        else
            printf("conclave-top %s, protocol %u\n", PACKAGE_VERSION, MSG_VERSION);
        return TOP_EXIT_OK;
    }
    const bool view = !shell.options.once && !shell.options.json && !shell.options.prometheus
                      && shell.options.fails_count == 0;
    signal(SIGPIPE, SIG_IGN);
    if (top_source_open(&shell.source, &shell.options, view || shell.options.json, why, sizeof why) != CONCLAVE_OK) {
        fprintf(stderr, "conclave-top: %s\n", why);
        return TOP_EXIT_UNKNOWN;
    }
    shell.model = top_model_new();
    shell.model->interval_ms = shell.options.interval_ms;
    const int status = view                                                      ? top_view_run(&shell)
                       : shell.options.prometheus                                ? top_http_run(&shell)
                       : shell.options.once || shell.options.fails_count > 0     ? look_once(&shell)
                                                                                 : stream(&shell);
    top_model_destroy(&shell.model);
    top_source_close(&shell.source);
    return status;
}
