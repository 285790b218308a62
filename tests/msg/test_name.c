/* Proves msg/name.c and msg/endpoint.c: which names there are, which are the
 * same, and what links and endpoints look like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "msg/name.h"
#include "tests/msg/gen.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *
folded(const char *text)
{
    static struct msg_name names[2]; /* so that two can be compared */
    static unsigned turn;
    struct msg_name *const name = &names[turn++ % 2];
    if (msg_name_parse(name, msg_text(text)) != CONCLAVE_OK)
        fail_msg("%s is refused", text);
    assert_int_equal(strlen(name->folded), name->folded_len);
    return name->folded;
}

static void
assert_refused(struct msg_text text)
{
    struct msg_name name;
    const struct msg_name zero = {.shown = ""};
    memset(&name, 0xaa, sizeof name);
    if (msg_name_parse(&name, text) != CONCLAVE_ERR_BAD_NAME)
        fail_msg("\"%.*s\" is taken as a name", (int)text.len, text.at);
    assert_string_equal(name.shown, zero.shown);
    assert_int_equal(name.folded_len, 0);
}

static void
ordinary_names_are_taken_as_they_are(void **unused)
{
    (void)unused;
    const char *const names[] = {
        "a",           "Z",
        "7",           "alice",
        "Alice.B_c-d", "a.b",
        "a1",          "1a",
        "0123456789",  "abcdefghijklmnopqrstuvwxyz012345", /* 32 */
        "Zo\xc3\xab",  "Łukasz",
        "Ærøskøbing",  "Straße",
        "Дмитрий",     "Ελένη",
        "Արմեն",       "გიორგი",
        "דוד",         "محمد",
        "नेहा",         "น้ำ",
        "김철수",      "山田太郎",
        "やまだ",      "ヤマダ",
        "山田たろう",  "ㄅㄆㄇ",
        "李ㄅ",        "O.o-x",
    };
    for (size_t i = 0; i < COUNT(names); i++) {
        struct msg_name name;
        if (msg_name_parse(&name, msg_text(names[i])) != CONCLAVE_OK)
            fail_msg("%s is refused", names[i]);
        assert_string_equal(name.shown, names[i]);
    }
}

static void
malformed_names_are_refused(void **unused)
{
    (void)unused;
    const char *const names[] = {
        "",     " ",     "a b",
        ".a",   "a.",    "-",
        "_a",   "a_",    "a..b",
        "a.-b", "a__b",  "a@b",
        "a/b",  "#a",    "a\tb",
        "a\nb", "a\x7f", "\x1b[31m",
        "a,b",  "a:b",   "abcdefghijklmnopqrstuvwxyz0123456", /* 33 */
        "é.",   "é..é",  "-é",
        "ⅳ",    "½",     "a²",
    };
    for (size_t i = 0; i < COUNT(names); i++)
        assert_refused(msg_text(names[i]));
    assert_refused((struct msg_text){"a\0b", 3});
    assert_refused((struct msg_text){"\0", 1});
    assert_refused((struct msg_text){"\xff", 1});
    assert_refused((struct msg_text){"a\xc3", 2});
    assert_refused((struct msg_text){"\xed\xa0\x80", 3});
    static char longer[1u << 20];
    memset(longer, 'a', sizeof longer);
    assert_refused((struct msg_text){longer, sizeof longer});
    for (size_t i = 0; i + 2 <= sizeof longer; i += 2)
        memcpy(longer + i, "é", 2);
    assert_refused((struct msg_text){longer, sizeof longer});
    assert_refused((struct msg_text){longer, 66}); /* 33 of them */
}

static void
what_cannot_be_seen_or_turns_text_round_is_refused(void **unused)
{
    (void)unused;
    const char *const hidden[] = {
        "\xe2\x80\x8b", "\xe2\x80\x8c",     "\xe2\x80\x8d", "\xe2\x80\x8e", "\xe2\x80\x8f",
        "\xe2\x80\xaa", "\xe2\x80\xab",     "\xe2\x80\xac", "\xe2\x80\xad", "\xe2\x80\xae",
        "\xe2\x81\xa0", "\xe2\x81\xa6",     "\xe2\x81\xa7", "\xe2\x81\xa8", "\xe2\x81\xa9",
        "\xef\xbb\xbf", "\xc2\xad",         "\xc2\xa0",     "\xe2\x80\x83", "\xe3\x80\x80",
        "\xc2\x85",     "\xe1\x85\x9f",     "\xe3\x85\xa4", "\xef\xbe\xa0", "\xcd\x8f",
        "\xef\xb8\x8f", "\xf3\xa0\x81\x81", "\xee\x80\x80", "\xef\xbf\xbd", "\xef\xbf\xbf",
        "\xe2\x80\xa8", "\xe2\x80\xa9",     "\xd8\x9c",     "\xe1\xa0\x8e",
    };
    for (size_t i = 0; i < COUNT(hidden); i++) {
        char text[16];
        const size_t len = strlen(hidden[i]);
        memcpy(text, "a", 1);
        memcpy(text + 1, hidden[i], len);
        memcpy(text + 1 + len, "b", 2);
        assert_refused(msg_text(text));
        assert_refused(msg_text(hidden[i]));
    }
    assert_refused(msg_text("\xf0\x9f\x98\x80")); /* an emoji is no letter */
    assert_refused(msg_text("ﷺ"));                /* a letter; NFKC: a sentence with spaces */
    assert_refused(msg_text("a\xe2\x80\xa4"
                            "b")); /* one dot leader: NFKC would make it a dot */
    assert_refused(msg_text("\xcc\x81"
                            "a")); /* a mark with nothing under it */
    assert_refused(msg_text("a.\xcc\x81"
                            "b"));
    assert_refused(msg_text("x\xcc\x81\xcc\x81\xcc\x81")); /* a heap of marks */
}

static void
letters_of_two_scripts_are_refused(void **unused)
{
    (void)unused;
    const char *const names[] = {
        "p\xd0\xb0ypal", /* a Cyrillic a among Latin letters */
        "αbc",           "Аlice", "aliceԱ", "a한", "aあ", "あ한", "ㄅあ", "ㄅ한",
        "山田ㄅあ",      "дα",    "אa",     "1א٢", "a٣",  "1٣",   "𝐚а",   "ａа",
    };
    for (size_t i = 0; i < COUNT(names); i++)
        assert_refused(msg_text(names[i]));
}

static void
names_that_differ_in_case_or_form_are_the_same(void **unused)
{
    (void)unused;
    const char *const same[][2] = {
        {"Alice", "alice"},
        {"ALICE", "alice"},
        {"ａｌｉｃｅ", "alice"},
        {"Straße", "strasse"},
        {"STRASSE", "straße"},
        {"Zo\xc3\xab", "Zoe\xcc\x88"},
        {"ﬁn", "fin"},
        {"Дмитрий", "дмитрий"},
        {"ΣΊΣΥΦΟΣ", "σίσυφος"},
        {"ſam", "sam"},
        {"K", "k"},
        {"x2", "x２"},
        {"ガ", "ｶﾞ"},
    };
    for (size_t i = 0; i < COUNT(same); i++)
        assert_string_equal(folded(same[i][0]), folded(same[i][1]));
}

static void
look_alikes_of_latin_names_are_the_same_as_these(void **unused)
{
    (void)unused;
    assert_string_equal(folded("асе"), "ace");
    assert_string_equal(folded("АСЕ"), "ace");
    assert_string_equal(folded("раура1"), "paypa1");
    assert_string_equal(folded("ѕсоре"), "scope");
    assert_string_equal(folded("ВОВ"), "bob");
    assert_string_equal(folded("ТОМ"), "tom");
    assert_string_equal(folded("ӏо"), "lo");
    assert_string_equal(folded("һоре"), "hope");
    assert_string_equal(folded("ӓ"), folded("ä")); /* under an accent too */
    assert_string_equal(folded("οτο"), "oto");
    assert_string_equal(folded("ΑΒΕΚΜ"), "abekm");
    assert_string_equal(folded("օսո"), "oun");
    assert_string_equal(folded("ᎪᏴᏟ"), "abc");
    assert_string_equal(folded("ɑlice"), "alice");
    assert_string_equal(folded("bıll"), "bill");
    assert_string_equal(folded("alice"), "alice");
    assert_string_not_equal(folded("дом"), folded("dom"));
    assert_string_not_equal(folded("bob"), folded("b0b"));
}

/* What is said of ASCII by a shortcut must be what the long way says. */
static void
the_shortcut_for_ascii_agrees_with_the_long_way(void **unused)
{
    (void)unused;
    for (unsigned round = 0; round < 20000; round++) {
        static const char letters[] = "abcXYZ019._-. @\x01";
        char text[48];
        size_t len = gen_below(8);
        for (size_t i = 0; i < len; i++)
            text[i] = letters[gen_below(sizeof letters - 1)];
        struct msg_name a;
        struct msg_name b;
        const enum conclave_err err = msg_name_parse(&a, (struct msg_text){text, len});
        memcpy(text + len, "ë", 2); /* one letter that is not ASCII */
        const enum conclave_err longer = msg_name_parse(&b, (struct msg_text){text, len + 2});
        const bool open_end = len > 0 && strchr("._-", text[len - 1]) != NULL;
        if (err == CONCLAVE_OK) {
            assert_int_equal(longer, CONCLAVE_OK);
            assert_memory_equal(a.folded, b.folded, a.folded_len);
            assert_int_equal(b.folded_len, a.folded_len + 2);
        } else if (longer == CONCLAVE_OK) {
            assert_true(len == 0 || open_end); /* the letter made it whole */
        }
    }
}

static void
a_folded_name_folds_to_itself(void **unused)
{
    (void)unused;
    for (unsigned round = 0; round < 20000; round++) {
        struct msg_name a;
        struct msg_name b;
        const struct msg_text text = gen_text(1 + gen_below(12));
        if (msg_name_parse(&a, text) == CONCLAVE_OK) {
            assert_true(msg_text_valid(msg_text(a.shown)) && msg_text_valid(msg_text(a.folded)));
            /* A look-alike among letters of another script may fold to a mix that
             * is no name; when it is one, it is the same one. */
            if (msg_name_parse(&b, msg_text(a.folded)) == CONCLAVE_OK)
                assert_string_equal(a.folded, b.folded);
            assert_int_equal(msg_name_parse(&b, msg_text(a.shown)), CONCLAVE_OK);
            assert_string_equal(a.folded, b.folded);
        }
        gen_reset();
    }
}

static void
endpoints_read_and_print(void **unused)
{
    (void)unused;
    const struct {
        const char *text;
        const char *host;
        uint16_t port;
    } good[] = {
        {"localhost:1", "localhost", 1},
        {"127.0.0.1:15600", "127.0.0.1", 15600},
        {"[::1]:0", "::1", 0},
        {"[2001:db8::7]:65535", "2001:db8::7", 65535},
        {"[fe80::1%eth0]:5", "fe80::1%eth0", 5},
        {"a-b.example.org:80", "a-b.example.org", 80},
        {"[::ffff:1.2.3.4]:9", "::ffff:1.2.3.4", 9},
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        char host[MSG_HOST_MAX + 1];
        char text[MSG_ENDPOINT_MAX + 1];
        uint16_t port;
        assert_int_equal(msg_endpoint_parse(host, &port, msg_text(good[i].text)), CONCLAVE_OK);
        assert_string_equal(host, good[i].host);
        assert_int_equal(port, good[i].port);
        msg_endpoint_print(text, sizeof text, host, port);
        assert_string_equal(text, good[i].text);
    }
    const char *const bad[] = {
        "",
        ":",
        ":1",
        "a",
        "a:",
        "a:65536",
        "a:99999",
        "a:-1",
        "a:+1",
        "a: 1",
        "a:1 ",
        "a:01",
        "a:1x",
        "::1:5",
        "[::1]",
        "[::1]:",
        "[::1",
        "[]:1",
        "[1.2.3.4]:5",
        "[::g]:1",
        "[::1]x:1",
        "a b:1",
        "a/b:1",
        "a;b:1",
        ".a:1",
        "a..b:1",
        "-a:1",
        "a-:1",
        "*:1",
        "tcp://a:1",
        "a:1:2",
        "\xc3\xa9:1",
        "[fe80::1%]:1",
        "[fe80::1%a/b]:1",
        "a\n:1",
        "[:::1]:1",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        char host[MSG_HOST_MAX + 1] = "x";
        uint16_t port = 1;
        if (msg_endpoint_parse(host, &port, msg_text(bad[i])) != CONCLAVE_ERR_BAD_ARGUMENTS)
            fail_msg("%s is taken as an endpoint", bad[i]);
    }
    char longest[MSG_HOST_MAX + 8];
    char host[MSG_HOST_MAX + 1];
    uint16_t port;
    memset(longest, 'a', sizeof longest);
    memcpy(longest + MSG_HOST_MAX, ":1", 2);
    assert_int_equal(msg_endpoint_parse(host, &port, (struct msg_text){longest, MSG_HOST_MAX + 2}),
                     CONCLAVE_OK);
    longest[MSG_HOST_MAX] = 'a';
    memcpy(longest + MSG_HOST_MAX + 1, ":1", 2);
    assert_int_equal(msg_endpoint_parse(host, &port, (struct msg_text){longest, MSG_HOST_MAX + 3}),
                     CONCLAVE_ERR_BAD_ARGUMENTS);
}

static void
links_read_and_print(void **unused)
{
    (void)unused;
    const char *const hosts[] = {"chat.example.org", "::1", "10.0.0.1"};
    for (size_t i = 0; i < COUNT(hosts); i++) {
        struct msg_link link = {.port = 15600};
        struct msg_link got;
        char text[MSG_LINK_MAX + 1];
        msg_text_copy(link.host, sizeof link.host, msg_text(hosts[i]));
        msg_keys_random(link.door.at, sizeof link.door.at);
        msg_keys_random(link.signer, sizeof link.signer);
        msg_link_print(text, sizeof text, &link);
        assert_int_equal(msg_link_parse(&got, msg_text(text)), CONCLAVE_OK);
        assert_memory_equal(&got, &link, sizeof link);
        /* Cut anywhere it is no link. */
        for (size_t len = 0; len < strlen(text); len++)
            assert_int_equal(msg_link_parse(&got, (struct msg_text){text, len}),
                             CONCLAVE_ERR_BAD_ARGUMENTS);
        text[strlen(text) - 1] = '=';
        assert_int_equal(msg_link_parse(&got, msg_text(text)), CONCLAVE_ERR_BAD_ARGUMENTS);
    }
    struct msg_link got;
    const char *const key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const char *const bad[] = {"conclave://h:0/#",   "conclave://h/#",   "Conclave://h:1/#",
                               "http://h:1/#",       "conclave://h:1#",  "conclave://h:1/",
                               "conclave://h:1/x/#", " conclave://h:1/#"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        char text[200];
        memcpy(text, bad[i], strlen(bad[i]));
        memcpy(text + strlen(bad[i]), key, strlen(key) + 1);
        assert_int_equal(msg_link_parse(&got, msg_text(text)), CONCLAVE_ERR_BAD_ARGUMENTS);
    }
}

static void
the_longest_host_still_makes_a_link(void **unused)
{
    (void)unused;
    struct msg_link link = {.port = 65535};
    struct msg_link got;
    char text[MSG_LINK_MAX + 1];
    memset(link.host, 'a', MSG_HOST_MAX);
    msg_link_print(text, sizeof text, &link);
    assert_int_equal(msg_link_parse(&got, msg_text(text)), CONCLAVE_OK);
    assert_string_equal(got.host, link.host);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_names_are_taken_as_they_are),
        cmocka_unit_test(malformed_names_are_refused),
        cmocka_unit_test(what_cannot_be_seen_or_turns_text_round_is_refused),
        cmocka_unit_test(letters_of_two_scripts_are_refused),
        cmocka_unit_test(names_that_differ_in_case_or_form_are_the_same),
        cmocka_unit_test(look_alikes_of_latin_names_are_the_same_as_these),
        cmocka_unit_test(the_shortcut_for_ascii_agrees_with_the_long_way),
        cmocka_unit_test(a_folded_name_folds_to_itself),
        cmocka_unit_test(endpoints_read_and_print),
        cmocka_unit_test(links_read_and_print),
        cmocka_unit_test(the_longest_host_still_makes_a_link),
    };
    gen_seed(7);
    if (msg_keys_init() != CONCLAVE_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
