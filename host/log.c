/* Log lines, for every process of ours: one write for each line, and never a
 * wait: where the reader of a pipe is stuck, lines are dropped and counted. */
#include "host/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "msg/name.h"

#define LINE_MAX_BYTES 2048u
#define PROGRAM_MAX 32u

/* One log for a process, as there is one stderr. */
static struct {
    pthread_mutex_t lock; /* over all of it */
    char program[PROGRAM_MAX];
    enum host_log_to to;
    enum msg_log_level level;
    int fd;
    unsigned long dropped;
} out = {.lock = PTHREAD_MUTEX_INITIALIZER, .program = "conclave", .level = MSG_LOG_INFO, .fd = 2};

enum conclave_err
host_log_open(const char *program, enum host_log_to to, const char *path, enum msg_log_level level)
{
    int fd = STDERR_FILENO;

    if (to == HOST_LOG_FILE) {
        fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
        if (fd < 0)
            return CONCLAVE_ERR_SYSTEM;
    }
    pthread_mutex_lock(&out.lock);
    if (out.fd > STDERR_FILENO)
        close(out.fd);
    msg_text_copy(out.program, sizeof out.program, msg_text(program));
    out.to = to;
    out.level = level;
    out.fd = fd;
    if (to == HOST_LOG_SYSLOG)
        openlog(out.program, LOG_PID | LOG_NDELAY, LOG_DAEMON);
    pthread_mutex_unlock(&out.lock);
    return CONCLAVE_OK;
}

/* Copies a line so that it stays one line on any terminal; returns its end.
 * Bytes that are not text, and controls of both tables, become \xNN. */
static size_t
copy_visible(char *to, size_t cap, struct msg_span line)
{
    static const char digits[] = "0123456789abcdef";
    const bool is_text = msg_text_valid((struct msg_text){(const char *)line.at, line.len});
    size_t len = 0;
    bool second = false; /* of a control of two bytes, c2 80 to c2 9f */

    for (size_t i = 0; i < line.len && len + 5 < cap; i++) {
        const uint8_t c = line.at[i];
        const bool first = c == 0xc2 && i + 1 < line.len && line.at[i + 1] < 0xa0;
        if (c < 0x20 || c == 0x7f || (c >= 0x80 && !is_text) || first || second) {
            to[len++] = '\\';
            to[len++] = 'x';
            to[len++] = digits[c >> 4];
            to[len++] = digits[c & 15];
        } else {
            to[len++] = (char)c;
        }
        second = first;
    }
    return len;
}

/* With the lock held. */
static void
write_line(enum msg_log_level level, struct msg_span line)
{
    static const char *const names[] = {"ERROR", "WARN ", "INFO ", "DEBUG"};
    char text[LINE_MAX_BYTES];
    struct timespec now;
    struct tm utc;
    struct pollfd ready = {out.fd, POLLOUT, 0};

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t len = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    const int head = snprintf(text + len, sizeof text - len, ".%03ldZ %s[%ld] %s ",
                              now.tv_nsec / 1000000, out.program, (long)getpid(), names[level]);
    len += (size_t)head;
    len += copy_visible(text + len, sizeof text - len - 1, line);
    text[len++] = '\n';
    /* A pipe that takes a byte takes PIPE_BUF of them, which is more than this. */
    if (poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0
        || write(out.fd, text, len) != (ssize_t)len)
        out.dropped++;
}

void
host_log_bytes(enum msg_log_level level, struct msg_span line)
{
    static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};
    char text[LINE_MAX_BYTES];

    pthread_mutex_lock(&out.lock);
    if (level <= out.level) {
        if (out.to == HOST_LOG_SYSLOG) {
            const size_t len = copy_visible(text, sizeof text, line);
            syslog(priorities[level], "%.*s", (int)len, text);
        } else {
            write_line(level, line);
        }
    }
    pthread_mutex_unlock(&out.lock);
}

void
host_log(enum msg_log_level level, const char *format, ...)
{
    char text[LINE_MAX_BYTES];
    va_list args;

    va_start(args, format);
    const int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (len < 0)
        return;
    const size_t used = (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
    host_log_bytes(level, msg_span(text, used));
}
