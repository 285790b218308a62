/* Reading secrets from a file, a descriptor, the environment or a terminal. */
#include "peer/cli/password.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>
#include <unistr.h>

enum line { LINE, LINE_NONE, LINE_LONG, LINE_NUL, LINE_ERROR };

/* One byte at a time: what follows the line belongs to somebody else. */
static enum line
read_line(int fd, char *text, size_t cap)
{
    size_t len = 0;
    bool any = false;
    enum line result = LINE;
    for (;;) {
        char c;
        const ssize_t got = read(fd, &c, 1);
        if (got < 0)
            return LINE_ERROR; /* EINTR too: a signal ends what waits for a person */
        if (got == 0)
            break;
        any = true;
        if (c == '\n')
            break;
        if (c == '\0')
            result = LINE_NUL;
        else if (len + 1 >= cap)
            result = LINE_LONG;
        else
            text[len++] = c;
    }
    text[len] = '\0';
    return any ? result : LINE_NONE;
}

static bool
accept(struct cli_secret *self, enum line line, const char *where, struct cli_buf *why)
{
    const bool clean = u8_check((const uint8_t *)self->text, strlen(self->text)) == NULL;
    if (line == LINE && clean && self->text[0] != '\0') {
        self->set = true;
        return true;
    }
    const char *const what = line == LINE_LONG ? "is longer than 512 bytes"
                             : line == LINE_ERROR ? strerror(errno)
                             : line == LINE_NUL || !clean ? "is not UTF-8 text"
                                                          : "is empty";
    cli_buf_format(why, "No password from %s: it %s.", where, what);
    if (line == LINE_ERROR) {
        cli_buf_clear(why);
        cli_buf_format(why, "No password from %s: %s.", where, what);
    }
    cli_password_wipe(self);
    return false;
}

bool
cli_password_of_fd(struct cli_secret *self, int fd, struct cli_buf *why)
{
    const enum line line = read_line(fd, self->text, sizeof self->text);
    return accept(self, line, "the file descriptor", why);
}

bool
cli_password_of_file(struct cli_secret *self, const char *path, struct cli_buf *warning, struct cli_buf *why)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        cli_buf_format(why, "The password file %s cannot be read: %s.", path, strerror(errno));
        return false;
    }
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077) != 0)
        cli_buf_format(warning, "The password file %s can be read by others; run chmod 600 on it.", path);
    const bool ok = accept(self, read_line(fd, self->text, sizeof self->text), path, why);
    (void)close(fd); /* nothing was written */
    return ok;
}

bool
cli_password_of_environment(struct cli_secret *self, const char *name, struct cli_buf *why)
{
    char *const value = getenv(name);
    if (value == NULL)
        return true;
    const size_t len = strlen(value);
    const bool fits = len < sizeof self->text && u8_check((const uint8_t *)value, len) == NULL;
    if (fits) {
        memcpy(self->text, value, len + 1);
        self->set = true;
    } else {
        cli_buf_format(why, "%s is longer than 512 bytes or not UTF-8.", name);
    }
    explicit_bzero(value, len); /* what /proc shows as our environment */
    (void)unsetenv(name);       /* fails only for a bad name */
    return fits;
}

static void
say(int fd, const char *text)
{
    /* A terminal that is gone is noticed by the read that follows. */
    if (write(fd, text, strlen(text)) < 0)
        return;
}

static bool
ask(char *text, size_t cap, const char *question, bool echo)
{
    const int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return false;
    struct termios before, during;
    const bool known = tcgetattr(fd, &before) == 0;
    if (known) {
        during = before;
        during.c_lflag |= ICANON | ISIG;
        if (echo)
            during.c_lflag |= ECHO;
        else
            during.c_lflag &= ~(tcflag_t)ECHO;
        during.c_iflag |= ICRNL;
        during.c_oflag |= OPOST | ONLCR;
        /* What was typed before the question is no password.  A failure means
         * that it is asked with echo: better than not at all. */
        (void)tcsetattr(fd, echo ? TCSADRAIN : TCSAFLUSH, &during);
    }
    say(fd, question);
    const enum line line = read_line(fd, text, cap);
    if (known) {
        (void)tcsetattr(fd, TCSADRAIN, &before);
        if (!echo)
            say(fd, "\n");
    }
    (void)close(fd);
    if (line == LINE)
        return true;
    explicit_bzero(text, cap);
    return false;
}

bool
cli_password_ask(struct cli_secret *self, const char *question)
{
    self->set = ask(self->text, sizeof self->text, question, false);
    return self->set;
}

bool
cli_password_ask_twice(struct cli_secret *self, const char *question)
{
    const char *prompt = question;
    for (;;) {
        struct cli_secret again = {0};
        if (!cli_password_ask(self, prompt) || !cli_password_ask(&again, "Once more: ")) {
            cli_password_wipe(self);
            return false;
        }
        const bool same = strcmp(self->text, again.text) == 0;
        cli_password_wipe(&again);
        if (same)
            return true;
        cli_password_wipe(self);
        prompt = "These two were not the same. Again: ";
    }
}

bool
cli_password_ask_line(struct cli_buf *line, const char *question)
{
    char text[1024];
    cli_buf_clear(line);
    if (!ask(text, sizeof text, question, true))
        return false;
    size_t len = strlen(text);
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\r'))
        len--;
    const size_t blank = strspn(text, " ");
    cli_buf_add(line, text + (blank < len ? blank : len), blank < len ? len - blank : 0);
    return true;
}

bool
cli_password_can_ask(void)
{
    if (!isatty(STDIN_FILENO) && !isatty(STDERR_FILENO))
        return false;
    const int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return false;
    (void)close(fd);
    return true;
}

void
cli_password_wipe(struct cli_secret *self)
{
    explicit_bzero(self, sizeof *self);
}
