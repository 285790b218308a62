/* Judges new passwords: that each character can be seen and typed again, the
 * least length that the operator set, and libpwquality with its default rules
 * and its dictionary where it is installed. */
#ifndef BROKER_JUDGE_H
#define BROKER_JUDGE_H

#include "broker/core/door_core.h"

struct broker_judge;

/* NULL when there is not enough memory. */
struct broker_judge *broker_judge_new(uint64_t min_length, bool quality);
void broker_judge_destroy(struct broker_judge **self_p);

/* A broker_judge_fn; arg is the judge.  WEAK_PASSWORD with the sentence for
 * the user in `why`: too long or no text, control or bidi characters, too
 * short, or what libpwquality says. */
broker_judge_fn broker_judge_password;

#endif
