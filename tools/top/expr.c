/* A recursive descent over the text: the same walk checks and evaluates. */
#include "tools/top/expr.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define DEPTH_MAX 32u
#define WORD_MAX (MSG_FIGURE_NAME_MAX + 1)

struct walk {
    const char *at;
    const struct top_model *model; /* NULL: it is only checked */
    uint64_t now_ms;
    bool rates;
    unsigned depth;
    char *why;                  /* "" while all is well */
};

/* What a part of it comes to; unknown where a figure is missing. */
struct term {
    double value;
    bool known;
};

static struct term either(struct walk *self);

static void fail(struct walk *self, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The first thing that is wrong is the one that is told. */
static void
fail(struct walk *self, const char *format, ...)
{
    va_list args;

    if (self->why[0] != '\0')
        return;
    va_start(args, format);
    vsnprintf(self->why, TOP_EXPR_WHY_MAX, format, args);
    va_end(args);
}

static void
skip_space(struct walk *self)
{
    while (isspace((unsigned char)*self->at))
        self->at++;
}

static bool
is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Whether that comes next, and past it; a word ends where it ends. */
static bool
take(struct walk *self, const char *what)
{
    const size_t len = strlen(what);

    skip_space(self);
    if (strncmp(self->at, what, len) != 0 || (is_word(*what) && is_word(self->at[len])))
        return false;
    self->at += len;
    return true;
}

static struct term
known(double value)
{
    return (struct term){value, true};
}

static struct term
number(struct walk *self)
{
    char *end;
    double value = strtod(self->at, &end);

    self->at = end;
    if (*end == 'k' || *end == 'M' || *end == 'G') {
        value *= *end == 'k' ? 1e3 : *end == 'M' ? 1e6 : 1e9;
        self->at++;
    }
    if (is_word(*self->at) || *self->at == '.')
        fail(self, "a number is digits, and k, M or G: %.40s", end);
    return known(value);
}

static void
read_word(struct walk *self, char word[WORD_MAX])
{
    size_t len = 0;

    skip_space(self);
    while (is_word(self->at[len]))
        len++;
    snprintf(word, WORD_MAX, "%.*s", (int)(len < WORD_MAX ? len : WORD_MAX - 1), self->at);
    self->at += len;
}

/* name, or name{label} */
static const struct msg_figure_info *
read_figure(struct walk *self, char word[WORD_MAX], char label[WORD_MAX], bool *labelled)
{
    *labelled = false;
    skip_space(self);
    if (*self->at == '{') {
        const size_t len = strcspn(++self->at, "}");
        if (self->at[len] != '}' || len >= WORD_MAX) {
            fail(self, "a label ends with }: %.40s", self->at);
            return NULL;
        }
        snprintf(label, WORD_MAX, "%.*s", (int)len, self->at);
        self->at += len + 1;
        *labelled = true;
    }
    const enum msg_figure figure = msg_figure_by_name(msg_text(word));
    if (figure == MSG_FIGURE_COUNT_OF) {
        fail(self, "there is no figure \"%s\"; conclave-top --once lists them", word);
        return NULL;
    }
    if (*labelled && *msg_figure_info(figure)->label == '\0') {
        fail(self, "%s has no labels", word);
        return NULL;
    }
    return msg_figure_info(figure);
}

static struct term
measure(struct walk *self, const char *function, uint64_t permille)
{
    char word[WORD_MAX], label[WORD_MAX];
    struct msg_histogram times;
    double value = 0;
    bool labelled, found;

    read_word(self, word);
    const struct msg_figure_info *info = read_figure(self, word, label, &labelled);
    if (info == NULL)
        return known(0);
    const bool of_times = info->type == MSG_FIGURE_HISTOGRAM;
    if (of_times != (permille > 0))
        fail(self, of_times ? "%s is of times: ask for p50(), p99() or p999() of it" : "%s is not of times", word);
    self->rates = self->rates || strcmp(function, "rate") == 0;
    if (self->model == NULL)
        return known(0);
    if (of_times) {
        found = top_model_times(self->model, word, labelled ? label : NULL, &times);
        value = (double)msg_histogram_at(&times, permille);
    } else if (strcmp(function, "rate") == 0) {
        found = top_model_rate(self->model, word, labelled ? label : NULL, &value) && self->model->compares;
    } else {
        found = top_model_value(self->model, word, labelled ? label : NULL, &value);
    }
    /* What is old tells nothing; one that has labels may be left out while it is 0. */
    const bool hears = top_model_hears(self->model, self->now_ms);
    return (struct term){value, hears && (found || *info->label != '\0')};
}

static struct term
call(struct walk *self, const char *function, uint64_t permille)
{
    if (!take(self, "(")) {
        fail(self, "%s is followed by a figure in parentheses", function);
        return known(0);
    }
    const struct term term = measure(self, function, permille);
    if (!take(self, ")"))
        fail(self, "a parenthesis is open: %.40s", self->at);
    return term;
}

static struct term
factor(struct walk *self)
{
    struct term term = known(0);

    skip_space(self);
    if (take(self, "(")) {
        term = either(self);
        if (!take(self, ")"))
            fail(self, "a parenthesis is open: %.40s", self->at);
    } else if (take(self, "live")) {
        term.value = self->model != NULL && top_model_is_live(self->model, self->now_ms);
    } else if (take(self, "ready")) {
        term.value = self->model != NULL && top_model_is_ready(self->model, self->now_ms);
    } else if (take(self, "rate")) {
        term = call(self, "rate", 0);
    } else if (take(self, "p50")) {
        term = call(self, "p50", 500);
    } else if (take(self, "p999")) {
        term = call(self, "p999", 999);
    } else if (take(self, "p99")) {
        term = call(self, "p99", 990);
    } else if (isdigit((unsigned char)*self->at) || *self->at == '.') {
        term = number(self);
    } else if (is_word(*self->at)) {
        term = measure(self, "", 0);
    } else {
        fail(self, *self->at != '\0' ? "a figure or a number is missing before \"%.40s\"" : "it ends too early%s",
             self->at);
    }
    return term;
}

static struct term
product(struct walk *self)
{
    struct term left = factor(self);

    for (;;) {
        const bool times = take(self, "*");
        if (!times && !take(self, "/"))
            return left;
        const struct term right = factor(self);
        left.known = left.known && right.known;
        left.value = times              ? left.value * right.value
                     : right.value != 0 ? left.value / right.value
                                        : 0; /* of nothing: nothing */
    }
}

static struct term
sum(struct walk *self)
{
    struct term left = product(self);

    for (;;) {
        const bool plus = take(self, "+");
        if (!plus && !take(self, "-"))
            return left;
        const struct term right = product(self);
        left.known = left.known && right.known;
        left.value += plus ? right.value : -right.value;
    }
}

static bool
compare(const char *how, double left, double right)
{
    switch (how[0]) {
    case '>':
        return how[1] == '=' ? left >= right : left > right;
    case '<':
        return how[1] == '=' ? left <= right : left < right;
    case '=':
        return left == right;
    default:
        return left != right;
    }
}

static struct term
comparison(struct walk *self)
{
    static const char *const operators[] = {">=", "<=", "==", "!=", ">", "<"};
    const struct term left = sum(self);

    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (!take(self, operators[i]))
            continue;
        const struct term right = sum(self);
        return (struct term){compare(operators[i], left.value, right.value), left.known && right.known};
    }
    return left;
}

static struct term
negation(struct walk *self)
{
    bool flips = false;

    skip_space(self);
    while (take(self, "not") || (*self->at == '!' && take(self, "!"))) {
        flips = !flips;
        skip_space(self);
    }
    struct term term = comparison(self);
    term.value = flips ? term.value == 0 : term.value;
    return term;
}

/* Either side alone may settle it, whatever the other is. */
static struct term
join(struct term left, struct term right, bool settles)
{
    const bool left_settles = left.known && (left.value != 0) == settles;
    const bool right_settles = right.known && (right.value != 0) == settles;

    if (left_settles || right_settles)
        return known(settles);
    return (struct term){!settles, left.known && right.known};
}

static struct term
both(struct walk *self)
{
    struct term left = negation(self);

    while (take(self, "and") || take(self, "&&"))
        left = join(left, negation(self), false);
    return left;
}

static struct term
either(struct walk *self)
{
    if (++self->depth > DEPTH_MAX) {
        fail(self, "too many parentheses in one another");
        return known(0);
    }
    struct term left = both(self);
    while (take(self, "or") || take(self, "||"))
        left = join(left, both(self), true);
    self->depth--;
    return left;
}

static struct term
walk_all(struct walk *self)
{
    const struct term term = either(self);

    skip_space(self);
    if (*self->at != '\0')
        fail(self, "this cannot be read: %.40s", self->at);
    return term;
}

enum conclave_err
top_expr_check(const char *text, bool *rates, char why[TOP_EXPR_WHY_MAX])
{
    struct walk walk = {.at = text, .why = why};

    why[0] = '\0';
    (void)walk_all(&walk); /* there are no values yet */
    *rates = walk.rates;
    return why[0] == '\0' ? CONCLAVE_OK : CONCLAVE_ERR_BAD_ARGUMENTS;
}

enum top_expr_result
top_expr_eval(const char *text, const struct top_model *model, uint64_t now_ms)
{
    char why[TOP_EXPR_WHY_MAX] = "";
    struct walk walk = {.at = text, .model = model, .now_ms = now_ms, .why = why};
    const struct term term = walk_all(&walk);

    if (!term.known || why[0] != '\0')
        return TOP_EXPR_UNKNOWN;
    return term.value != 0 ? TOP_EXPR_TRUE : TOP_EXPR_FALSE;
}
