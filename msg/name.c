/* Names of people: one script, one shown form, one folded form.  Links and
 * endpoints are in msg/endpoint.c.  Pure. */
#include "msg/name.h"

#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#define TYPED_MAX  512u /* bytes; nothing longer is looked at */
#define POINTS_MAX 640u /* code points: NFKC makes up to 18 of one (U+FDFA) */
#define MARKS_MAX  2u   /* combining marks on one letter; more only hide it */

/* Not 0 where one of eight bytes is no ASCII, or is zero. */
static uint64_t
odd_bits(uint64_t word)
{
    return (word | (word - 0x0101010101010101u)) & 0x8080808080808080u;
}

bool
msg_text_valid(struct msg_text text)
{
    size_t i = 0;
    /* ASCII, 32 bytes at a time, then eight: neither a high bit nor a zero byte. */
    for (; text.len - i >= 32; i += 32) {
        uint64_t word[4];
        memcpy(word, text.at + i, sizeof word);
        if ((odd_bits(word[0]) | odd_bits(word[1]) | odd_bits(word[2]) | odd_bits(word[3])) != 0)
            break;
    }
    for (; text.len - i >= 8; i += 8) {
        uint64_t word;
        memcpy(&word, text.at + i, sizeof word);
        if (odd_bits(word) != 0)
            break;
    }
    for (; i < text.len && (unsigned char)text.at[i] < 0x80; i++) {
        if (text.at[i] == '\0')
            return false;
    }
    if (i == text.len)
        return true;
    if (memchr(text.at + i, '\0', text.len - i) != NULL)
        return false;
    return u8_check((const uint8_t *)text.at + i, text.len - i) == NULL;
}

static bool
is_separator(uint32_t c)
{
    return c == '.' || c == '_' || c == '-';
}

/* Letters, decimal digits, and marks on a letter; nothing that is not seen. */
static bool
is_allowed(uint32_t c)
{
    if (is_separator(c))
        return true;
    if (uc_is_property_default_ignorable_code_point(c) || uc_is_property_not_a_character(c))
        return false;
    return uc_is_general_category_withtable(c, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_Nd |
                                                   UC_CATEGORY_MASK_Mn | UC_CATEGORY_MASK_Mc);
}

static bool
is_mark(uint32_t c)
{
    return uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Mn | UC_CATEGORY_MASK_Mc);
}

/* Separators stand between; marks stand on letters, a few at most. */
static bool
well_formed(const uint32_t *at, size_t count)
{
    bool after_separator = true;
    size_t marks = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_allowed(at[i]))
            return false;
        if (is_separator(at[i]) || is_mark(at[i])) {
            if (after_separator)
                return false;
            marks = is_separator(at[i]) ? 0 : marks + 1;
            after_separator = is_separator(at[i]);
        } else {
            after_separator = false;
            marks = 0;
        }
        if (marks > MARKS_MAX)
            return false;
    }
    return count > 0 && !after_separator;
}

/* UTS 39, 5.1: the writing systems that mix scripts, as sets.  A script that is
 * in none of them stands for itself. */
enum { SYSTEM_JAPAN = 1, SYSTEM_KOREA = 2, SYSTEM_BOPOMOFO = 4 };

static unsigned
systems_of(const uc_script_t *script)
{
    static const struct {
        const char *name;
        unsigned systems;
    } rows[] = {
        {"Han", SYSTEM_JAPAN | SYSTEM_KOREA | SYSTEM_BOPOMOFO},
        {"Hiragana", SYSTEM_JAPAN},
        {"Katakana", SYSTEM_JAPAN},
        {"Hangul", SYSTEM_KOREA},
        {"Bopomofo", SYSTEM_BOPOMOFO},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(script->name, rows[i].name) == 0)
            return rows[i].systems;
    }
    return 0;
}

static bool
one_script(const uint32_t *at, size_t count)
{
    const uc_script_t *only = NULL;
    unsigned systems = SYSTEM_JAPAN | SYSTEM_KOREA | SYSTEM_BOPOMOFO;
    for (size_t i = 0; i < count; i++) {
        const uc_script_t *const script = uc_script(at[i]);
        if (script == NULL)
            return false;
        if (strcmp(script->name, "Common") == 0 || strcmp(script->name, "Inherited") == 0)
            continue;
        const unsigned its = systems_of(script);
        if (only != NULL && script != only && (its & systems) == 0)
            return false;
        if (only != NULL && script != only && systems_of(only) == 0)
            return false;
        systems &= its;
        only = script;
    }
    return true;
}

/* Digits of one row: "1" and its Arabic-Indic sister do not stand together. */
static bool
one_kind_of_digits(const uint32_t *at, size_t count)
{
    uint32_t zero = 0;
    for (size_t i = 0; i < count; i++) {
        const int value = uc_decimal_value(at[i]);
        if (value < 0)
            continue;
        if (zero != 0 && at[i] - (uint32_t)value != zero)
            return false;
        zero = at[i] - (uint32_t)value;
    }
    return true;
}

/* Letters that look like Latin ones, small or as capitals, after case folding.
 * Facts of UTS 39, confusables.txt (Unicode 15), and of the common fonts; of a
 * letter that looks like two, the small form decides.  Cherokee folds to its
 * capitals.  Sorted. */
static const struct look_alike {
    uint32_t from;
    char to;
} look_alikes[] = {
    {0x0131, 'i'}, {0x01c0, 'l'}, {0x0251, 'a'}, {0x0261, 'g'}, {0x0269, 'i'}, {0x028b, 'u'},
    {0x03b1, 'a'}, {0x03b2, 'b'}, {0x03b3, 'y'}, {0x03b5, 'e'}, {0x03b6, 'z'}, {0x03b7, 'h'},
    {0x03b9, 'i'}, {0x03ba, 'k'}, {0x03bc, 'm'}, {0x03bd, 'v'}, {0x03bf, 'o'}, {0x03c1, 'p'},
    {0x03c3, 'o'}, {0x03c4, 't'}, {0x03c5, 'u'}, {0x03c7, 'x'}, {0x03f2, 'c'}, {0x03f3, 'j'},
    {0x0430, 'a'}, {0x0432, 'b'}, {0x0433, 'r'}, {0x0435, 'e'}, {0x043a, 'k'}, {0x043c, 'm'},
    {0x043d, 'h'}, {0x043e, 'o'}, {0x0440, 'p'}, {0x0441, 'c'}, {0x0442, 't'}, {0x0443, 'y'},
    {0x0445, 'x'}, {0x044c, 'b'}, {0x0455, 's'}, {0x0456, 'i'}, {0x0458, 'j'}, {0x0475, 'v'},
    {0x04af, 'y'}, {0x04bb, 'h'}, {0x04cf, 'l'}, {0x0501, 'd'}, {0x051b, 'q'}, {0x051d, 'w'},
    {0x0561, 'w'}, {0x0563, 'q'}, {0x0566, 'q'}, {0x056c, 'l'}, {0x0570, 'h'}, {0x0575, 'j'},
    {0x0578, 'n'}, {0x057d, 'u'}, {0x057f, 's'}, {0x0581, 'g'}, {0x0584, 'f'}, {0x0585, 'o'},
    {0x13a0, 'd'}, {0x13a1, 'r'}, {0x13a2, 't'}, {0x13a5, 'i'}, {0x13a9, 'y'}, {0x13aa, 'a'},
    {0x13ab, 'j'}, {0x13ac, 'e'}, {0x13b3, 'w'}, {0x13b7, 'm'}, {0x13bb, 'h'}, {0x13bd, 'y'},
    {0x13c0, 'g'}, {0x13c2, 'h'}, {0x13c3, 'z'}, {0x13ce, 'u'}, {0x13cf, 'b'}, {0x13d2, 'r'},
    {0x13d4, 'w'}, {0x13d5, 's'}, {0x13d9, 'v'}, {0x13da, 's'}, {0x13de, 'l'}, {0x13df, 'c'},
    {0x13e2, 'p'}, {0x13e6, 'k'}, {0x13e7, 'd'}, {0x13f3, 'g'}, {0x13f4, 'b'},
};

static uint32_t
look_like(uint32_t c)
{
    size_t low = 0;
    size_t high = sizeof look_alikes / sizeof look_alikes[0];
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (look_alikes[middle].from == c)
            return (uint32_t)look_alikes[middle].to;
        if (look_alikes[middle].from < c)
            low = middle + 1;
        else
            high = middle;
    }
    return c;
}

/* Text as code points in an array of ours; 0: it did not fit. */
struct points {
    uint32_t at[POINTS_MAX];
    size_t count;
};

/* libunistring writes into the array it is given, or returns a larger one. */
static bool
settle(struct points *out, uint32_t *result, size_t count)
{
    if (result != out->at)
        free(result);
    out->count = count;
    return result == out->at && count > 0;
}

static bool
normalise(struct points *out, uninorm_t form, const struct points *in)
{
    size_t count = POINTS_MAX;
    uint32_t *const result = u32_normalize(form, in->at, in->count, out->at, &count);
    return settle(out, result, count);
}

static bool
fold_case(struct points *out, const struct points *in)
{
    size_t count = POINTS_MAX;
    uint32_t *const result = u32_casefold(in->at, in->count, NULL, NULL, out->at, &count);
    return settle(out, result, count);
}

/* NFKC, case folded until nothing changes, taken apart so that a look-alike
 * under an accent is found, mapped, and put together again. */
static bool
fold(struct points *out, const struct points *compatible)
{
    struct points a;
    struct points b;
    if (!fold_case(&a, compatible) || !normalise(&b, UNINORM_NFKC, &a) || !fold_case(&a, &b) ||
        !normalise(&b, UNINORM_NFKD, &a))
        return false;
    for (size_t i = 0; i < b.count; i++)
        b.at[i] = look_like(b.at[i]);
    return normalise(out, UNINORM_NFC, &b);
}

/* The points as a C string of at most max bytes. */
static bool
to_text(char *text, size_t max, size_t *len, const struct points *in)
{
    size_t n = max;
    uint8_t *const result = u32_to_u8(in->at, in->count, (uint8_t *)text, &n);
    if (result != (uint8_t *)text) {
        free(result);
        return false;
    }
    text[n] = '\0';
    *len = n;
    return true;
}

/* Where a parsed name goes, and how long it may be. */
struct form {
    char *shown;
    char *folded;
    size_t *folded_len;
    size_t shown_max;   /* bytes */
    size_t folded_max;  /* bytes */
    size_t chars;
};

static enum conclave_err
parse_unicode(const struct form *form, struct msg_text text)
{
    struct points typed = {.count = POINTS_MAX};
    struct points shown;
    struct points compatible;
    struct points folded;
    size_t len;
    uint32_t *const result = u8_to_u32((const uint8_t *)text.at, text.len, typed.at, &typed.count);
    if (!settle(&typed, result, typed.count) || !normalise(&shown, UNINORM_NFC, &typed) ||
        !normalise(&compatible, UNINORM_NFKC, &typed))
        return CONCLAVE_ERR_BAD_NAME;
    if (shown.count > form->chars || !well_formed(shown.at, shown.count) ||
        !well_formed(compatible.at, compatible.count) ||
        !one_script(compatible.at, compatible.count) ||
        !one_kind_of_digits(compatible.at, compatible.count))
        return CONCLAVE_ERR_BAD_NAME;
    if (!fold(&folded, &compatible) || !to_text(form->shown, form->shown_max, &len, &shown) ||
        !to_text(form->folded, form->folded_max, form->folded_len, &folded))
        return CONCLAVE_ERR_BAD_NAME;
    return CONCLAVE_OK;
}

static bool
is_ascii(struct msg_text text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.at[i] >= 0x80)
            return false;
    }
    return true;
}

/* The same rules without tables: the names of most people, and of all bots. */
static enum conclave_err
parse_ascii(const struct form *form, struct msg_text text)
{
    bool after_separator = true;
    if (text.len > form->chars)
        return CONCLAVE_ERR_BAD_NAME;
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.at[i];
        const bool capital = c >= 'A' && c <= 'Z';
        const bool separator = is_separator((unsigned char)c);
        if (!capital && !separator && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
            return CONCLAVE_ERR_BAD_NAME;
        if (separator && after_separator)
            return CONCLAVE_ERR_BAD_NAME;
        after_separator = separator;
        form->shown[i] = c;
        form->folded[i] = capital ? (char)(c - 'A' + 'a') : c;
    }
    if (after_separator)
        return CONCLAVE_ERR_BAD_NAME;
    *form->folded_len = text.len;
    return CONCLAVE_OK;
}

/* The form's buffers are zeros. */
static enum conclave_err
parse(const struct form *form, struct msg_text text)
{
    if (text.len == 0 || text.len > TYPED_MAX || !msg_text_valid(text))
        return CONCLAVE_ERR_BAD_NAME;
    return is_ascii(text) ? parse_ascii(form, text) : parse_unicode(form, text);
}

enum conclave_err
msg_name_parse(struct msg_name *name, struct msg_text text)
{
    memset(name, 0, sizeof *name);
    const struct form form = {name->shown, name->folded, &name->folded_len, MSG_NAME_MAX, MSG_FOLD_MAX, MSG_NAME_CHARS};
    const enum conclave_err err = parse(&form, text);
    if (err != CONCLAVE_OK)
        memset(name, 0, sizeof *name);
    return err;
}

enum conclave_err
msg_room_name_parse(struct msg_room_name *name, struct msg_text text)
{
    memset(name, 0, sizeof *name);
    const struct form form = {name->shown + 1, name->folded + 1, &name->folded_len, MSG_ROOM_NAME_MAX - 1, MSG_ROOM_FOLD_MAX - 1, MSG_ROOM_NAME_CHARS};
    if (text.len == 0 || text.at[0] != '#')
        return CONCLAVE_ERR_BAD_NAME;
    const enum conclave_err err = parse(&form, (struct msg_text){text.at + 1, text.len - 1});
    if (err != CONCLAVE_OK) {
        memset(name, 0, sizeof *name);
        return err;
    }
    name->shown[0] = name->folded[0] = '#';
    name->folded_len++;
    return CONCLAVE_OK;
}
