/* Passwords before libpwquality, which wants C strings and says why not. */
#include "broker/judge.h"

#include <pwquality.h>
#include <stdio.h>
#include <stdlib.h>
#include <unictype.h>
#include <unistr.h>

#include "msg/name.h"

#define PROBE "vQ7#tmZp!x2Rk9Lw" /* good by any rule: refused only when there is no dictionary */

struct broker_judge {
    uint64_t min_length;
    pwquality_settings_t *rules; /* NULL: length alone */
};

struct broker_judge *
broker_judge_new(uint64_t min_length, bool quality)
{
    void *detail;
    struct broker_judge *self = calloc(1, sizeof *self);

    if (self == NULL)
        return NULL;
    self->min_length = min_length;
    if (!quality)
        return self;
    self->rules = pwquality_default_settings();
    if (self->rules == NULL) {
        free(self);
        return NULL;
    }
    pwquality_set_int_value(self->rules, PWQ_SETTING_MIN_LENGTH, (int)min_length);
    if (pwquality_check(self->rules, PROBE, NULL, NULL, &detail) == PWQ_ERROR_CRACKLIB_CHECK)
        pwquality_set_int_value(self->rules, PWQ_SETTING_DICT_CHECK, 0);
    return self;
}

void
broker_judge_destroy(struct broker_judge **self_p)
{
    if (*self_p == NULL)
        return;
    if ((*self_p)->rules != NULL)
        pwquality_free_settings((*self_p)->rules);
    free(*self_p);
    *self_p = NULL;
}

/* Characters, as people count them, of text that is UTF-8. */
static uint64_t
characters(struct msg_text text)
{
    uint64_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += ((uint8_t)text.at[i] & 0xc0) != 0x80;
    return count;
}

/* Characters that terminals and editors swallow, or that turn the order of the
 * others around: what was typed is not what was meant, and the same cannot be
 * typed everywhere.  Of text that is UTF-8. */
static bool
has_unseen(struct msg_text text)
{
    ucs4_t c;

    for (size_t at = 0; at < text.len; ) {
        const int len = u8_mbtouc(&c, (const uint8_t *)text.at + at, text.len - at);
        if (uc_is_property_bidi_control(c)
            || uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Cc | UC_CATEGORY_MASK_Zl | UC_CATEGORY_MASK_Zp))
            return true;
        at += (size_t)len;
    }
    return false;
}

enum conclave_err
broker_judge_password(void *arg, struct msg_text name, struct msg_text password, char why[256])
{
    const struct broker_judge *self = arg;
    char user[MSG_NAME_MAX + 1], word[MSG_PASSWORD_MAX + 1];
    void *detail = NULL;
    int score = 0;

    if (!msg_text_valid(password) || password.len > MSG_PASSWORD_MAX) {
        snprintf(why, 256, "A password is text of at most %u bytes.", MSG_PASSWORD_MAX);
        return CONCLAVE_ERR_WEAK_PASSWORD;
    }
    if (has_unseen(password)) {
        snprintf(why, 256, "A password has no control characters (tabs, ends of lines), and none that turn the "
                           "direction of text; choose one without them.");
        return CONCLAVE_ERR_WEAK_PASSWORD;
    }
    if (characters(password) < self->min_length) {
        snprintf(why, 256, "A password has at least %llu characters; choose a longer one.",
                 (unsigned long long)self->min_length);
        return CONCLAVE_ERR_WEAK_PASSWORD;
    }
    if (self->rules == NULL)
        return CONCLAVE_OK;
    msg_text_copy(user, sizeof user, name);
    msg_text_copy(word, sizeof word, password);
    score = pwquality_check(self->rules, word, NULL, user, &detail);
    msg_keys_wipe(word, sizeof word);
    if (score >= 0)
        return CONCLAVE_OK;
    char reason[PWQ_MAX_ERROR_MESSAGE_LEN];
    snprintf(why, 256, "%s. Choose a longer or less common one.",
             pwquality_strerror(reason, sizeof reason, score, detail));
    return CONCLAVE_ERR_WEAK_PASSWORD;
}
