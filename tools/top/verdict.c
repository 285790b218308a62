/* See verdict.h. */
#include "tools/top/verdict.h"

#include "tools/top/expr.h"

static unsigned
weight(enum top_exit status)
{
    switch (status) {
    case TOP_EXIT_OK:
        return 0;
    case TOP_EXIT_UNKNOWN:
        return 1;
    case TOP_EXIT_WARNING:
        return 2;
    case TOP_EXIT_CRITICAL:
        return 3;
    }
    return 0;
}

static enum top_exit
judge(const struct top_fail *fail, const struct top_model *model, uint64_t now_ms)
{
    const enum top_expr_result result = top_expr_eval(fail->text, model, now_ms);

    if (result == TOP_EXPR_TRUE)
        return fail->status;
    return result == TOP_EXPR_UNKNOWN || !top_model_hears(model, now_ms) ? TOP_EXIT_UNKNOWN : TOP_EXIT_OK;
}

enum top_exit
top_verdict(const struct top_options *options, const struct top_model *model, uint64_t now_ms, const char **why)
{
    enum top_exit worst = TOP_EXIT_OK;

    *why = "";
    for (size_t i = 0; i < options->fails_count; i++) {
        const enum top_exit status = judge(&options->fails[i], model, now_ms);
        if (weight(status) <= weight(worst))
            continue;
        worst = status;
        *why = options->fails[i].text;
    }
    return worst;
}
