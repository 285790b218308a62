/* Conditions on figures, for --fail-if:
 *
 *     sessions > 1000 or not ready
 *     store_used_bytes / store_map_bytes >= 0.8
 *     rate(refused{busy}) > 5 and p99(commit_us) > 50000
 *
 * A figure stands for its value, of all labels together unless one is named in
 * braces; rate() is its growth a second, p50(), p99() and p999() are of times,
 * in us; live and ready are 1 or 0.  Numbers may end with k, M or G.  Operators
 * as in C, or as words: not and or.  Pure. */
#ifndef TOP_EXPR_H
#define TOP_EXPR_H

#include "tools/top/model.h"

#define TOP_EXPR_WHY_MAX 256u

enum top_expr_result { TOP_EXPR_FALSE, TOP_EXPR_TRUE, TOP_EXPR_UNKNOWN /* a figure is missing */ };

/* Checks that it can be read, against the table of figures; *rates: it needs
 * two samples.  BAD_ARGUMENTS with the sentence in why. */
enum conclave_err CONCLAVE_CHECK top_expr_check(const char *text, bool *rates, char why[TOP_EXPR_WHY_MAX]);

/* Of an expression that was checked. */
enum top_expr_result top_expr_eval(const char *text, const struct top_model *model, uint64_t now_ms);

#endif
