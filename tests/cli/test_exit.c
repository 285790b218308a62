/* peer/cli/exit: the published codes, and no others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "peer/cli/exit.h"

static void
exit_codes_are_the_published_ones(void **state)
{
    static const struct {
        enum conclave_err err;
        int status;
    } rows[] = {
        {CONCLAVE_ERR_OK, 0},
        {CONCLAVE_ERR_NAME_TAKEN, 1},
        {CONCLAVE_ERR_IN_USE, 1},
        {CONCLAVE_ERR_BAD_ARGUMENTS, 2},
        {CONCLAVE_ERR_UNKNOWN_COMMAND, 2},
        {CONCLAVE_ERR_WRONG_CREDENTIALS, 3},
        {CONCLAVE_ERR_BLOCKED, 3},
        {CONCLAVE_ERR_NOT_LOGGED_IN, 3},
        {CONCLAVE_ERR_NO_SUCH_USER, 4},
        {CONCLAVE_ERR_NO_SUCH_ROOM, 4},
        {CONCLAVE_ERR_USER_OFFLINE, 5},
        {CONCLAVE_ERR_REGISTRY_UNREACHABLE, 6},
        {CONCLAVE_ERR_REGISTRY_KEY_CHANGED, 7},
        {CONCLAVE_ERR_PEER_KEY_CHANGED, 7},
        {CONCLAVE_ERR_REFUSED, 8},
        {CONCLAVE_ERR_FORBIDDEN, 8},
        {CONCLAVE_ERR_NOT_A_MEMBER, 8},
        {CONCLAVE_ERR_ROOM_EXISTS, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(cli_exit_status(rows[i].err), rows[i].status);
}

static void
json_has_the_published_codes_alone(void **state)
{
    static const char *const published[] = {
        "ok", "bad-arguments", "unknown-command", "not-logged-in", "already-online", "name-taken", "bad-name",
        "weak-password", "wrong-credentials", "blocked", "busy", "no-such-user", "user-offline", "no-such-room",
        "room-exists", "not-a-member", "forbidden", "too-large", "registry-unreachable", "registry-key-changed",
        "peer-key-changed", "quota-exceeded", "version-mismatch", "internal",
    };
    (void)state;
#define CHECK_ROW(name, text, sentence)                                                             \
    {                                                                                               \
        bool found = false;                                                                         \
        for (size_t i = 0; i < sizeof published / sizeof *published; i++)                           \
            found = found || strcmp(published[i], cli_exit_code(CONCLAVE_ERR_##name)) == 0;         \
        assert_true(found);                                                                         \
        assert_true(strlen(cli_exit_sentence(CONCLAVE_ERR_##name)) > 3);                            \
        assert_in_range(cli_exit_status(CONCLAVE_ERR_##name), 0, 8);                                \
    }
    CONCLAVE_ERRORS(CHECK_ROW)
    assert_string_equal(cli_exit_code(CONCLAVE_ERR_NAME_TAKEN), "name-taken");
    assert_string_equal(cli_exit_code(CONCLAVE_ERR_REFUSED), "forbidden");
    assert_string_equal(cli_exit_code(CONCLAVE_ERR_IN_USE), "internal");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_codes_are_the_published_ones),
        cmocka_unit_test(json_has_the_published_codes_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
