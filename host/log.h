/* One line for each event: time, level, a stable id and a sentence; to stderr
 * or syslog.  Control characters in what comes from outside are made visible
 * (\x1b), so that a line is one line.  Never a secret, never a message body. */
#ifndef HOST_LOG_H
#define HOST_LOG_H

#include "msg/step.h"

enum host_log_to { HOST_LOG_STDERR, HOST_LOG_SYSLOG, HOST_LOG_FILE };

/* `program` stands in each line; path is for HOST_LOG_FILE.  May be called
 * again, to reopen or to change the level. */
enum conclave_err CONCLAVE_CHECK
host_log_open(const char *program, enum host_log_to to, const char *path, enum msg_log_level level);
void host_log(enum msg_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void host_log_bytes(enum msg_log_level level, struct msg_span line);

#endif
