/* What the parts of the played library share; nothing for tests. */
#ifndef TESTS_CLI_FAKE_INNER_H
#define TESTS_CLI_FAKE_INNER_H

#include "tests/cli/fake_conclave.h"

void fake_trace_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Puts an event into the queue. */
void fake_add(struct conclave *self, const struct conclave_event *event);
/* The same for what a request is answered with; its number. */
uint64_t fake_answer(struct conclave *self, struct conclave_event event);
uint64_t fake_fail(struct conclave *self, enum conclave_err err, const char *text);
/* What every request meets first; 0: go on. */
uint64_t fake_refuse(struct conclave *self);

/* What goes on in #lab when fake.in_room. */
void fake_happen(struct conclave *self);
void fake_mates(struct conclave *self); /* who comes and goes when fake.mates */
uint64_t fake_send_to_room(struct conclave *self, const char *room, const char *text, size_t text_bytes);

#endif
