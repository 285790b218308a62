/* Claims about msg/pages: big tables that nobody touches cost nothing, however
 * often they are made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "msg/pages.h"

#if defined(__SANITIZE_ADDRESS__)
#define WATCHED true /* all of it is on the heap, and none of it is used again */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WATCHED true
#endif
#endif
#ifndef WATCHED
#define WATCHED false
#endif

#define BYTES (size_t)300000 /* no multiple of a page */
#define ROUNDS 20u

/* Pages of it that are in memory. */
static size_t
touched(const uint8_t *at, size_t bytes)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)at / page * page;
    const size_t count = ((uintptr_t)at + bytes - from + page - 1) / page;
    unsigned char *const there = calloc(count, 1);
    size_t n = 0;
    assert_non_null(there);
    assert_int_equal(mincore((void *)from, count * page, there), 0);
    for (size_t i = 0; i < count; i++)
        n += there[i] & 1u;
    free(there);
    return n;
}

static void
a_big_table_is_zero_and_touched_only_where_it_is_used_the_twentieth_time_as_the_first(void **state)
{
    (void)state;
    if (WATCHED)
        skip();
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint8_t *const one = msg_pages_new(1, BYTES), *const many = msg_pages_new(BYTES / 100, 100);
        assert_non_null(one);
        assert_non_null(many);
        assert_int_equal(touched(one, BYTES) + touched(many, BYTES), 0);
        many[BYTES - 1] = 1;
        assert_int_equal(touched(many, BYTES), 1);
        for (size_t i = 0; i < BYTES; i++)
            assert_int_equal(one[i], 0);
        memset(one, 0xa5, BYTES);
        memset(many, 0xa5, BYTES);
        msg_pages_free(many, BYTES / 100, 100);
        msg_pages_free(one, 1, BYTES);
    }
}

static void
a_small_one_is_zero_too_and_none_has_all_that_there_is(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint8_t *const at = msg_pages_new(7, 11);
        assert_non_null(at);
        for (size_t i = 0; i < 77; i++)
            assert_int_equal(at[i], 0);
        memset(at, 0xa5, 77);
        msg_pages_free(at, 7, 11);
    }
    msg_pages_free(msg_pages_new(0, 8), 0, 8);
    msg_pages_free(msg_pages_new(8, 0), 8, 0);
    msg_pages_free(NULL, 1, BYTES);
}

static void
what_does_not_fit_is_refused(void **state)
{
    (void)state;
    if (WATCHED)
        skip();
    assert_null(msg_pages_new(SIZE_MAX / 8 + 2, 8)); /* a product that comes round to 8 */
    assert_null(msg_pages_new(SIZE_MAX, SIZE_MAX));
    assert_null(msg_pages_new(1, SIZE_MAX / 4));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_big_table_is_zero_and_touched_only_where_it_is_used_the_twentieth_time_as_the_first),
        cmocka_unit_test(a_small_one_is_zero_too_and_none_has_all_that_there_is),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
