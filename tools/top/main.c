/* conclave-top: shows how a registry is. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tools/top/render.h"
#include "tools/top/shell.h"
#include "tools/top/verdict.h"

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

static uint64_t
longer(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Waits until so many samples came, or for so many intervals: the registry says
 * how long one is as soon as it is connected.  No shorter than least_ms. */
static bool
wait_for(struct top_shell *self, uint64_t samples, uint64_t intervals, uint64_t least_ms)
{
    zmq_pollitem_t item = {zsock_resolve(self->source.sub), 0, ZMQ_POLLIN, 0};
    const uint64_t began_ms = top_now_ms();

    for (;;) {
        (void)top_shell_hear(self); /* the model says how many there were */
        const uint64_t now_ms = top_now_ms();
        const uint64_t until_ms = began_ms + longer(intervals * self->model->interval_ms, least_ms);
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

/* One line for people, as Nagios wants it. */
static int
judge(const struct top_shell *self)
{
    static const char *const words[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
    const uint64_t now_ms = top_now_ms();
    const char *why;
    const enum top_exit status = top_verdict(&self->options, self->model, now_ms, &why);

    if (!self->options.json)
        printf("%s%s%s - %s\n", words[status], *why != '\0' ? ": " : "", why,
               top_model_is_ready(self->model, now_ms) ? "live and ready" : top_model_reason(self->model, now_ms));
    return status;
}

/* One sample, or conditions on one; where rates are asked for, on two. */
static int
look_once(struct top_shell *self)
{
    const struct top_options *options = &self->options;
    const uint64_t samples = options->rates ? 2 : 1, intervals = TOP_MISSING + samples - 1;
    const uint64_t least_ms = intervals * options->interval_ms; /* it also takes some time to connect */
    const bool came = wait_for(self, samples, intervals, least_ms), prints = options->json || options->fails_count == 0;

    if (!came && prints)
        fprintf(stderr, "conclave-top: No sample came within %.1f s; is conclaved running, and its monitor/interval_ms "
                        "not 0?\n",
                (double)longer(intervals * self->model->interval_ms, least_ms) / 1000);
    if (self->model->samples > 0 && prints && !print(self))
        return TOP_EXIT_UNKNOWN;
    return options->fails_count > 0 ? judge(self) : came ? TOP_EXIT_OK : TOP_EXIT_UNKNOWN;
}

/* An object a line, until nobody reads them.  A change is told at once, also
 * that nothing comes any more: with what came last. */
static int
stream(struct top_shell *self)
{
    uint64_t next_ms = 0;
    bool was_live = false, was_ready = false;

    for (;;) {
        const bool came = wait_for(self, self->model->samples + 1, 1, 0);
        const uint64_t now_ms = top_now_ms();
        const bool is_live = top_model_is_live(self->model, now_ms), is_ready = top_model_is_ready(self->model, now_ms);
        if (is_live == was_live && is_ready == was_ready && (!came || now_ms < next_ms))
            continue;
        was_live = is_live;
        was_ready = is_ready;
        next_ms = now_ms + self->options.interval_ms - self->options.interval_ms / 4; /* samples jitter */
        if (!print(self))
            return TOP_EXIT_OK;
    }
}

/* The line on standard output, what to do with it beside it. */
static int
tell_key(const char *file)
{
    char hex[MSG_BOX_HEX + 1], why[TOP_WHY_MAX];

    if (top_source_key(file, hex, why, sizeof why) != CONCLAVE_OK) {
        fprintf(stderr, "conclave-top: %s\n", why);
        return TOP_EXIT_UNKNOWN;
    }
    puts(hex);
    fputs("This is a line for the file monitor.keys in the registry's data directory, with the word names\n"
          "behind it if this monitor may see names of users and rooms. The registry reads the file at its\n"
          "start, and at a SIGHUP: systemctl reload conclaved.\n",
          stderr);
    return fflush(stdout) == 0 ? TOP_EXIT_OK : TOP_EXIT_UNKNOWN;
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
    if (shell.options.tells_key)
        return tell_key(shell.options.key);
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
