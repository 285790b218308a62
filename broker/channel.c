/* Notes between the supervisor and its children: one packet each. */
#include "broker/channel.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

enum conclave_err
broker_channel_send(int fd, const struct broker_note *note)
{
    ssize_t sent;

    do
        sent = send(fd, note, sizeof *note, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)sizeof *note ? CONCLAVE_OK : CONCLAVE_ERR_SYSTEM;
}

enum conclave_err
broker_channel_receive(int fd, struct broker_note *note)
{
    ssize_t len;

    do
        len = recv(fd, note, sizeof *note, MSG_DONTWAIT);
    while (len < 0 && errno == EINTR);
    if (len < 0 && errno == EAGAIN)
        return CONCLAVE_ERR_NOT_FOUND;
    return len == (ssize_t)sizeof *note ? CONCLAVE_OK : CONCLAVE_ERR_SYSTEM;
}

void
broker_channel_fail(int fd, const char *format, ...)
{
    struct broker_note note;
    va_list args;

    memset(&note, 0, sizeof note);
    note.word = BROKER_WORD_FAILED;
    va_start(args, format);
    vsnprintf(note.why, sizeof note.why, format, args);
    va_end(args);
    if (broker_channel_send(fd, &note) != CONCLAVE_OK)
        return; /* the supervisor is gone, and there is nobody else to tell */
}
