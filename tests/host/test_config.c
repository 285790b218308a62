/* Proves host/config.c: what the language takes, what it refuses and in which
 * line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/config.h"

struct settings {
    char name[8];
    uint64_t number;
    uint64_t choice;
    bool flag;
};

static const struct host_option options[] = {
    {"name", HOST_OPTION_TEXT, offsetof(struct settings, name), 0, 8, NULL, "nobody", "A name."},
    {"limits/number", HOST_OPTION_NUMBER, offsetof(struct settings, number), 2, 90, NULL, "7",
     "A number."},
    {"limits/flag", HOST_OPTION_BOOL, offsetof(struct settings, flag), 0, 0, NULL, "true",
     "Whether it is so; and this sentence is long enough that it has to be broken somewhere."},
    {"choice", HOST_OPTION_CHOICE, offsetof(struct settings, choice), 0, 0, "one|two|three", "two",
     "Which."},
};
#define COUNT (sizeof options / sizeof *options)

static enum conclave_err
read_text(struct settings *settings, const char *text, char why[512])
{
    memset(settings, 0, sizeof *settings);
    host_config_preset(settings, options, COUNT);
    why[0] = '\0';
    return host_config_read(settings, options, COUNT, msg_text(text), "x.conf", why, 512);
}

static void
nothing_given_leaves_the_defaults(void **state)
{
    struct settings s;
    char why[512];

    (void)state;
    assert_int_equal(read_text(&s, "", why), CONCLAVE_OK);
    assert_string_equal(s.name, "nobody");
    assert_int_equal(s.number, 7);
    assert_int_equal(s.choice, 1);
    assert_true(s.flag);
}

static void
what_is_given_is_taken(void **state)
{
    struct settings s;
    char why[512];

    (void)state;
    assert_int_equal(read_text(&s,
                               "# a comment\n"
                               "\n"
                               "name = ann   # hers\r\n"
                               "limits\n"
                               "    number = 90\n"
                               "        # a comment, anyhow indented\n"
                               "    flag = off\n"
                               "choice = three",
                               why),
                     CONCLAVE_OK);
    assert_string_equal(s.name, "ann");
    assert_int_equal(s.number, 90);
    assert_int_equal(s.choice, 2);
    assert_false(s.flag);
    assert_int_equal(read_text(&s, "name = \"a # b\"\n", why), CONCLAVE_OK);
    assert_string_equal(s.name, "a # b");
    assert_int_equal(read_text(&s, "name = ''", why), CONCLAVE_OK);
    assert_string_equal(s.name, "");
}

static void
mistakes_are_refused_with_their_line(void **state)
{
    static const struct {
        const char *text;
        const char *why;
    } cases[] = {
        {"nam = x", "x.conf:1: There is no option nam."},
        {"\n\nlimits\n    nunber = 3", "x.conf:4: There is no option limits/nunber."},
        {"limits = 3", "x.conf:1: limits is a section; its options stand below it, indented."},
        {"number = 3", "x.conf:1: There is no option number."},
        {"limits\n    number = 91", "x.conf:2: limits/number is a number from 2 to 90, not \"91\"."},
        {"limits\n    number = 1", "x.conf:2: limits/number is a number from 2 to 90, not \"1\"."},
        {"limits\n    number = -3", "x.conf:2: limits/number is a number from 2 to 90, not \"-3\"."},
        {"limits\n    number = 3x", "x.conf:2: limits/number is a number from 2 to 90, not \"3x\"."},
        {"limits\n    number = 99999999999999999999",
         "x.conf:2: limits/number is a number from 2 to 90, not \"99999999999999999999\"."},
        {"limits\n    number", "x.conf:2: limits/number has no value."},
        {"limits\n    flag = maybe", "x.conf:2: limits/flag is true or false, not \"maybe\"."},
        {"choice = four", "x.conf:1: choice is one of one|two|three, not \"four\"."},
        {"choice = one|two", "x.conf:1: choice is one of one|two|three, not \"one|two\"."},
        {"name = 12345678", "x.conf:1: name is longer than 7 bytes."},
        {"name = a\nname = b", "x.conf:2: name is given twice."},
        {"limits\n  number = 3", "x.conf:2: Indent by 4 spaces for each level, not by 2."},
        {"limits\n\tnumber = 3", "x.conf:2: Indent with spaces, not with tabs."},
        {"    number = 3", "x.conf:1: \"number\" is indented below no section."},
        {"limits\n        number = 3", "x.conf:2: \"number\" is indented below no section."},
        {"name = \"open", "x.conf:1: The quote is not closed."},
        {"name = \"a\" b", "x.conf:1: There is text behind the closing quote."},
        {"name: a", "x.conf:1: A line is \"name = value\" or the name of a section."},
        {"= a", "x.conf:1: A line is \"name = value\" or the name of a section."},
    };
    struct settings s;
    char why[512];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(read_text(&s, cases[i].text, why), CONCLAVE_ERR_CONFIG);
        assert_string_equal(why, cases[i].why);
    }
}

static void
a_nul_byte_is_refused(void **state)
{
    struct settings s;
    char why[512];

    (void)state;
    assert_int_equal(host_config_read(&s, options, COUNT, (struct msg_text){"name = a\0b", 10},
                                      "x.conf", why, sizeof why),
                     CONCLAVE_ERR_CONFIG);
    assert_string_equal(why, "x.conf:1: There is a NUL byte in the value.");
}

static void
add_line(void *arg, const char *text)
{
    char *all = arg;

    assert_true(strlen(text) <= 100);
    strcat(all, text);
    strcat(all, "\n");
}

/* Takes "# " off the lines that show an option. */
static void
uncomment(char *text)
{
    char *to = text;

    for (char *line = text; *line != '\0';) {
        char *end = strchr(line, '\n') + 1;
        const size_t indent = strspn(line, " ");
        const bool shows = line[indent] == '#' && memchr(line, '=', (size_t)(end - line)) != NULL;
        memmove(to, line, indent);
        to += indent;
        line += indent + (shows ? 2 : 0);
        memmove(to, line, (size_t)(end - line));
        to += end - line;
        line = end;
    }
    *to = '\0';
}

static void
the_printed_file_is_read_back_with_and_without_its_comment_signs(void **state)
{
    struct settings s, preset;
    char why[512], text[8192] = "";

    (void)state;
    assert_int_equal(read_text(&preset, "", why), CONCLAVE_OK);
    host_config_print(options, COUNT, add_line, text);
    assert_int_equal(read_text(&s, text, why), CONCLAVE_OK);
    assert_memory_equal(&s, &preset, sizeof s);
    uncomment(text);
    assert_non_null(strstr(text, "\n    number = 7\n"));
    assert_int_equal(read_text(&s, text, why), CONCLAVE_OK);
    assert_memory_equal(&s, &preset, sizeof s);
}

static void
a_file_that_is_not_there_is_not_found(void **state)
{
    struct settings s;
    char why[512];

    (void)state;
    assert_int_equal(host_config_load(&s, options, COUNT, "/nonexistent/x.conf", why, sizeof why),
                     CONCLAVE_ERR_NOT_FOUND);
    assert_string_equal(why, "/nonexistent/x.conf cannot be read: No such file or directory.");
}

static void
a_file_is_read(void **state)
{
    struct settings s;
    char why[512], path[] = "/tmp/conclave-test-config-XXXXXX";
    const int fd = mkstemp(path);

    (void)state;
    assert_int_equal(write(fd, "choice = one\nx\n", 15), 15);
    close(fd);
    assert_int_equal(host_config_load(&s, options, COUNT, path, why, sizeof why),
                     CONCLAVE_ERR_CONFIG);
    assert_non_null(strstr(why, ":2: There is no option x."));
    unlink(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_given_leaves_the_defaults),
        cmocka_unit_test(what_is_given_is_taken),
        cmocka_unit_test(mistakes_are_refused_with_their_line),
        cmocka_unit_test(a_nul_byte_is_refused),
        cmocka_unit_test(the_printed_file_is_read_back_with_and_without_its_comment_signs),
        cmocka_unit_test(a_file_that_is_not_there_is_not_found),
        cmocka_unit_test(a_file_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
