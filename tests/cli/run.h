/* The whole program in a process of its own, over a library that is played
 * (fake_conclave): what goes in, what comes out, and the exit code. */
#ifndef TESTS_CLI_RUN_H
#define TESTS_CLI_RUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "peer/cli/cli.h"
#include "tests/cli/fake_conclave.h"

#define OUT_MAX 65536

static char dir[64];
static char out[OUT_MAX], err[OUT_MAX], said[OUT_MAX]; /* stdout, stderr, the trace of the fake */

static inline void
collect(int fd, char *text)
{
    size_t len = 0;
    ssize_t got;
    while ((got = read(fd, text + len, OUT_MAX - 1 - len)) > 0)
        len += (size_t)got;
    text[len] = '\0';
    (void)close(fd);
}

/* Runs `conclave WORDS` with `input` on stdin; the exit code, 256 for a crash.
 * kill_with: sent once the first line came out; 0: none. */
static inline int
run_with(const char *input, int kill_with, const char *const words[])
{
    char path[128], *argv[24] = {0};
    int argc = 0, in_pipe[2], out_pipe[2], err_pipe[2];
    (void)snprintf(path, sizeof path, "%s/trace", dir);
    (void)unlink(path);
    fake_trace = path;
    for (; words[argc] != NULL; argc++)
        argv[argc] = strdup(words[argc]);
    assert_int_equal(pipe(in_pipe) | pipe(out_pipe) | pipe(err_pipe), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        (void)setsid(); /* no terminal to ask anything on */
        (void)dup2(in_pipe[0], 0);
        (void)dup2(out_pipe[1], 1);
        (void)dup2(err_pipe[1], 2);
        for (int fd = 3; fd < 16; fd++)
            (void)close(fd);
        const int status = cli_run(argc, argv);
        for (int i = 0; i < argc; i++)
            free(argv[i]);
        exit(status);
    }
    (void)close(in_pipe[0]);
    (void)close(out_pipe[1]);
    (void)close(err_pipe[1]);
    (void)signal(SIGPIPE, SIG_IGN);
    assert_true(write(in_pipe[1], input, strlen(input)) >= 0 || errno == EPIPE);
    if (kill_with != 0) {
        struct pollfd item = {out_pipe[0], POLLIN, 0};
        assert_int_equal(poll(&item, 1, 20000), 1);
        assert_int_equal(kill(pid, kill_with), 0);
    } else {
        (void)close(in_pipe[1]);
    }
    collect(out_pipe[0], out);
    collect(err_pipe[0], err);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (kill_with != 0)
        (void)close(in_pipe[1]);
    const int trace = open(path, O_RDONLY);
    said[0] = '\0';
    if (trace >= 0)
        collect(trace, said);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    fake_trace = NULL; /* it is ours */
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256;
}

#define RUN(input, ...) run_with(input, 0, (const char *const[]){"conclave", __VA_ARGS__, NULL})

static inline bool
has(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        return true;
    print_error("missing: %s\nin: %s\n(stderr: %s)\n", part, text, err);
    return false;
}

static inline int
fresh(void **state)
{
    (void)state;
    fake = (struct fake){0};
    (void)unsetenv("CONCLAVE_PASSWORD");
    (void)unsetenv("CONCLAVE_NEW_PASSWORD");
    return 0;
}

static inline int
enrolled(void **state)
{
    (void)fresh(state);
    fake.enrolled = true;
    return 0;
}

/* The order of `type` and `command` in what came out. */
static inline void
expect_lines(const char *const lines[])
{
    const char *at = out;
    for (size_t i = 0; lines[i] != NULL; i++) {
        const char *const found = strstr(at, lines[i]);
        if (found == NULL)
            fail_msg("missing, or out of order: %s\nin: %s", lines[i], out);
        at = found + strlen(lines[i]);
    }
}

static inline bool
make_dir(void)
{
    (void)snprintf(dir, sizeof dir, "/tmp/conclave-cli.XXXXXX");
    return mkdtemp(dir) != NULL;
}

static inline void
remove_dir(void)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/trace", dir);
    (void)unlink(path);
    (void)rmdir(dir);
}

#endif
