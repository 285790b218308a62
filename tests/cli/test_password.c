/* peer/cli/password: the first line and nothing beyond it, and nothing left
 * where others could find it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "peer/cli/password.h"

/* A descriptor to read `bytes` from. */
static int
pipe_of(const char *bytes, size_t len)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], bytes, len), (ssize_t)len);
    (void)close(ends[1]);
    return ends[0];
}

static bool
take(struct cli_secret *secret, const char *bytes, size_t len)
{
    struct cli_buf why = {0};
    const int fd = pipe_of(bytes, len);
    *secret = (struct cli_secret){0};
    const bool ok = cli_password_of_fd(secret, fd, &why);
    assert_true(ok == (why.len == 0));
    assert_true(ok == secret->set);
    cli_buf_wipe(&why);
    (void)close(fd);
    return ok;
}

static void
a_descriptor_gives_its_first_line_and_keeps_the_rest(void **state)
{
    struct cli_secret secret = {0};
    struct cli_buf why = {0};
    char rest[16] = "";
    (void)state;
    const int fd = pipe_of("secret \xc3\xa9\r\nrest", 15);
    assert_true(cli_password_of_fd(&secret, fd, &why));
    assert_string_equal(secret.text, "secret \xc3\xa9\r"); /* only the newline goes */
    assert_int_equal(read(fd, rest, sizeof rest), 4);
    assert_string_equal(rest, "rest");
    (void)close(fd);
    assert_true(take(&secret, "no newline", 10));
    assert_string_equal(secret.text, "no newline");
}

static void
what_is_no_password_is_refused(void **state)
{
    struct cli_secret secret;
    char longest[CLI_SECRET_MAX + 1];
    (void)state;
    memset(longest, 'x', sizeof longest);
    assert_true(take(&secret, longest, CLI_SECRET_MAX));
    assert_false(take(&secret, longest, CLI_SECRET_MAX + 1));
    assert_false(take(&secret, "", 0));
    assert_false(take(&secret, "\nsecret\n", 8));
    assert_false(take(&secret, "a\0b\n", 4));
    assert_false(take(&secret, "\xff\n", 2));
    struct cli_buf why = {0};
    assert_false(cli_password_of_fd(&secret, 1 << 19, &why)); /* not open */
    assert_non_null(why.at);
    cli_buf_wipe(&why);
}

static void
a_file_that_others_can_read_earns_a_warning(void **state)
{
    struct cli_secret secret = {0};
    struct cli_buf warning = {0}, why = {0};
    char path[] = "/tmp/conclave-password.XXXXXX";
    (void)state;
    const int fd = mkstemp(path);
    assert_int_equal(write(fd, "secret\nmore\n", 12), 12);
    (void)close(fd);
    assert_true(cli_password_of_file(&secret, path, &warning, &why));
    assert_string_equal(secret.text, "secret");
    assert_int_equal(warning.len, 0);
    assert_int_equal(chmod(path, 0644), 0);
    assert_true(cli_password_of_file(&secret, path, &warning, &why));
    assert_non_null(strstr(warning.at, "chmod 600"));
    (void)unlink(path);
    assert_false(cli_password_of_file(&secret, path, &warning, &why));
    assert_non_null(strstr(why.at, path));
    cli_buf_wipe(&warning);
    cli_buf_wipe(&why);
}

static void
the_environment_keeps_no_copy(void **state)
{
    struct cli_secret secret = {0};
    struct cli_buf why = {0};
    static char entry[] = "CONCLAVE_TEST_SECRET=hunter2 hunter2";
    (void)state;
    assert_true(cli_password_of_environment(&secret, "CONCLAVE_TEST_SECRET", &why));
    assert_false(secret.set);
    assert_int_equal(putenv(entry), 0);
    assert_true(cli_password_of_environment(&secret, "CONCLAVE_TEST_SECRET", &why));
    assert_string_equal(secret.text, "hunter2 hunter2");
    assert_null(getenv("CONCLAVE_TEST_SECRET"));
    assert_null(strstr(entry, "hunter2"));
    cli_password_wipe(&secret);
    assert_int_equal(secret.text[0], 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_descriptor_gives_its_first_line_and_keeps_the_rest),
        cmocka_unit_test(what_is_no_password_is_refused),
        cmocka_unit_test(a_file_that_others_can_read_earns_a_warning),
        cmocka_unit_test(the_environment_keeps_no_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
