/* The server for Prometheus: /metrics, /healthz and a page at /.  libmicrohttpd
 * has no thread of its own here: everything happens in this loop. */
#include <microhttpd.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>

#include "tools/top/render.h"
#include "tools/top/shell.h"

#define CONNECTIONS_MAX 64u
#define CONNECTION_S 10u

static volatile sig_atomic_t told_to_end;

static void
end(int number)
{
    (void)number;
    told_to_end = 1;
}

/* What is there under a path; 0: nothing is. */
static unsigned
answer(struct top_shell *self, const char *path, struct top_text *out, const char **type)
{
    const uint64_t now_ms = top_now_ms();

    (void)top_shell_hear(self); /* what waits comes first */
    if (strcmp(path, "/metrics") == 0) {
        *type = "text/plain; version=0.0.4; charset=utf-8";
        top_render_prometheus(out, self->model, now_ms);
    } else if (strcmp(path, "/healthz") == 0) {
        *type = "application/json";
        top_render_health(out, self->model, now_ms);
        return top_model_is_ready(self->model, now_ms) ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
    } else if (strcmp(path, "/") == 0) {
        *type = "text/html; charset=utf-8";
        top_render_page(out, self->model, now_ms);
    } else {
        *type = "text/plain; charset=utf-8";
        top_text_add(out, "There is /, /metrics and /healthz.\n");
        return MHD_HTTP_NOT_FOUND;
    }
    return MHD_HTTP_OK;
}

static enum MHD_Result
serve(void *arg, struct MHD_Connection *connection, const char *path, const char *method, const char *version,
      const char *upload, size_t *upload_size, void **context)
{
    static int begun;
    struct top_text out = {0};
    const char *type = "text/plain; charset=utf-8";
    unsigned status = MHD_HTTP_METHOD_NOT_ALLOWED;

    (void)version;
    (void)upload;
    if (*context == NULL) { /* the first call of a request has its head alone */
        *context = &begun;
        return MHD_YES;
    }
    if (*upload_size > 0) { /* what nobody asked for is passed over, and answered when it ends */
        *upload_size = 0;
        return MHD_YES;
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0)
        status = answer(arg, path, &out, &type);
    else
        top_text_add(&out, "There is only GET.\n");
    struct MHD_Response *response = MHD_create_response_from_buffer(out.len, out.at, MHD_RESPMEM_MUST_COPY);
    top_text_wipe(&out);
    if (response == NULL)
        return MHD_NO;
    enum MHD_Result done = MHD_add_response_header(response, "Content-Type", type);
    if (done == MHD_YES)
        done = MHD_add_response_header(response, "Cache-Control", "no-store");
    if (done == MHD_YES)
        done = MHD_add_response_header(response, "Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
    if (done == MHD_YES)
        done = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return done;
}

static struct MHD_Daemon *
open_server(struct top_shell *self)
{
    const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    const struct top_options *options = &self->options;
    struct addrinfo *found = NULL;
    char port[8];

    snprintf(port, sizeof port, "%u", (unsigned)options->port);
    const int rc = getaddrinfo(options->host, port, &hints, &found);
    if (rc != 0) {
        fprintf(stderr, "conclave-top: %s: %s.\n", options->host, gai_strerror(rc));
        return NULL;
    }
    const unsigned flags = MHD_USE_EPOLL | (found->ai_family == AF_INET6 ? MHD_USE_IPv6 : 0u);
    struct MHD_Daemon *daemon =
        MHD_start_daemon(flags, options->port, NULL, NULL, serve, self, MHD_OPTION_SOCK_ADDR, found->ai_addr,
                         MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_S,
                         MHD_OPTION_END);
    if (daemon == NULL)
        fprintf(stderr, "conclave-top: %s port %s cannot be listened on: %s. Choose another with --prometheus "
                        "HOST:PORT.\n",
                options->host, port, strerror(errno));
    freeaddrinfo(found);
    return daemon;
}

static void
loop(struct top_shell *self, struct MHD_Daemon *daemon)
{
    const union MHD_DaemonInfo *epoll = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    zmq_pollitem_t items[] = {{zsock_resolve(self->source.sub), 0, ZMQ_POLLIN, 0},
                              {NULL, epoll->epoll_fd, ZMQ_POLLIN, 0}};

    while (told_to_end == 0) {
        MHD_UNSIGNED_LONG_LONG wait_ms;
        if (MHD_get_timeout(daemon, &wait_ms) != MHD_YES || wait_ms > 1000)
            wait_ms = 1000;
        if (zmq_poll(items, 2, (long)wait_ms) < 0 && errno != EINTR)
            return;
        (void)top_shell_hear(self); /* whoever asks is told */
        if (MHD_run(daemon) != MHD_YES)
            return;
    }
}

int
top_http_run(struct top_shell *self)
{
    const struct sigaction action = {.sa_handler = end}; /* without SA_RESTART: the loop looks */

    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    struct MHD_Daemon *daemon = open_server(self);
    if (daemon == NULL)
        return TOP_EXIT_UNKNOWN;
    const union MHD_DaemonInfo *bound = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    printf(strchr(self->options.host, ':') != NULL ? "serving http://[%s]:%u/\n" : "serving http://%s:%u/\n",
           self->options.host, (unsigned)bound->port);
    fflush(stdout);
    loop(self, daemon);
    MHD_stop_daemon(daemon);
    return TOP_EXIT_OK;
}
