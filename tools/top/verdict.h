/* What --fail-if comes to: the worst of its conditions, as plug-ins of Nagios
 * tell it.  Pure. */
#ifndef TOP_VERDICT_H
#define TOP_VERDICT_H

#include "tools/top/model.h"
#include "tools/top/options.h"

/* Critical before warning before unknown before OK, so that what is unknown
 * hides nothing that is known to be wrong.  While nothing is heard no condition
 * is well: one that is not true is unknown.  *why: the first condition that it
 * is owed to, borrowed from the options; "" with OK. */
enum top_exit top_verdict(const struct top_options *options, const struct top_model *model, uint64_t now_ms,
                          const char **why);

#endif
