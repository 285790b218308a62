/* The conformance suite of the store, run against each backend. */
#include "tests/host/stores.h"

static void
what_was_put_is_read_back_from_its_table_alone(void **state)
{
    struct fixture *f = *state;

    put_one(f->store, 0, "a", "one");
    put_one(f->store, 1, "a", "two");
    put_one(f->store, 1, "empty", "");
    expect(f->store, 0, "a", "one");
    expect(f->store, 1, "a", "two");
    expect(f->store, 1, "empty", "");
    expect(f->store, 2, "a", NULL);
    put_one(f->store, 0, "a", "a longer one than before");
    expect(f->store, 0, "a", "a longer one than before");
    put_one(f->store, 0, "a", "s");
    expect(f->store, 0, "a", "s");
}

static void
a_value_is_appended_or_there_is_no_space(void **state)
{
    struct fixture *f = *state;
    uint8_t bytes[8] = "head";
    struct msg_buf out = {bytes, 4, 6};

    put_one(f->store, 0, "k", "abcd");
    assert_int_equal(host_store_get(f->store, 0, text("k"), &out), CONCLAVE_ERR_SPACE);
    assert_int_equal(out.len, 4);
    out.cap = 8;
    assert_int_equal(host_store_get(f->store, 0, text("k"), &out), CONCLAVE_OK);
    assert_memory_equal(bytes, "headabcd", 8);
}

static void
nothing_is_seen_before_the_commit_and_nothing_stays_after_a_rollback(void **state)
{
    struct fixture *f = *state;

    put_one(f->store, 0, "old", "1");
    assert_int_equal(host_store_begin(f->store), CONCLAVE_OK);
    assert_int_equal(host_store_put(f->store, 0, text("new"), text("2")), CONCLAVE_OK);
    assert_int_equal(host_store_delete(f->store, 0, text("old")), CONCLAVE_OK);
    expect(f->store, 0, "new", NULL);
    expect(f->store, 0, "old", "1");
    host_store_rollback(f->store);
    expect(f->store, 0, "new", NULL);
    expect(f->store, 0, "old", "1");
}

static void
deleting_takes_away_and_a_missing_record_is_no_error(void **state)
{
    struct fixture *f = *state;

    put_one(f->store, 0, "k", "v");
    assert_int_equal(host_store_begin(f->store), CONCLAVE_OK);
    assert_int_equal(host_store_delete(f->store, 0, text("k")), CONCLAVE_OK);
    assert_int_equal(host_store_delete(f->store, 0, text("never")), CONCLAVE_OK);
    assert_int_equal(host_store_put(f->store, 0, text("k2"), text("x")), CONCLAVE_OK);
    assert_int_equal(host_store_delete(f->store, 0, text("k2")), CONCLAVE_OK);
    assert_int_equal(host_store_put(f->store, 0, text("k2"), text("y")), CONCLAVE_OK);
    assert_int_equal(host_store_commit(f->store), CONCLAVE_OK);
    expect(f->store, 0, "k", NULL);
    expect(f->store, 0, "k2", "y");
}

static void
next_walks_in_order_and_ends(void **state)
{
    struct fixture *f = *state;
    static const char *const keys[] = {"a", "ab", "b", "c\xff", "d"};
    uint8_t kbytes[HOST_STORE_KEY_MAX], vbytes[64];
    struct msg_buf key = {kbytes, 0, sizeof kbytes}, value = {vbytes, 0, sizeof vbytes};
    struct msg_span after = msg_span(NULL, 0);
    uint8_t last[HOST_STORE_KEY_MAX];

    for (size_t i = 5; i-- > 0;)
        put_one(f->store, 0, keys[i], keys[i]);
    put_one(f->store, 1, "aa", "another table");
    for (size_t i = 0; i < 5; i++) {
        key.len = value.len = 0;
        assert_int_equal(host_store_next(f->store, 0, after, &key, &value), CONCLAVE_OK);
        assert_true(msg_span_equal(msg_span_of_buf(&key), text(keys[i])));
        assert_true(msg_span_equal(msg_span_of_buf(&value), text(keys[i])));
        memcpy(last, key.at, key.len);
        after = msg_span(last, key.len);
    }
    key.len = value.len = 0;
    assert_int_equal(host_store_next(f->store, 0, after, &key, &value), CONCLAVE_ERR_NOT_FOUND);
    assert_int_equal(host_store_next(f->store, 0, text("bb"), &key, &value), CONCLAVE_OK);
    assert_true(msg_span_equal(msg_span_of_buf(&key), text("c\xff")));
}

static void
next_without_room_for_the_value_gives_no_key_either(void **state)
{
    struct fixture *f = *state;
    uint8_t bytes[64];
    struct msg_buf key = {bytes, 0, 32}, value = {bytes + 32, 0, 2};

    put_one(f->store, 0, "k", "abc");
    assert_int_equal(host_store_next(f->store, 0, msg_span(NULL, 0), &key, &value),
                     CONCLAVE_ERR_SPACE);
    assert_int_equal(key.len, 0);
    assert_int_equal(value.len, 0);
}

struct seen {
    struct host_store *store;
    unsigned count;
    unsigned stop_at;
};

static enum conclave_err
see(void *arg, struct msg_span key, struct msg_span value)
{
    struct seen *seen = arg;
    uint8_t bytes[64];
    struct msg_buf out = {bytes, 0, sizeof bytes};

    assert_int_equal(host_store_get(seen->store, 0, key, &out), CONCLAVE_OK); /* reads nest */
    assert_true(msg_span_equal(msg_span_of_buf(&out), value));
    return ++seen->count == seen->stop_at ? CONCLAVE_ERR_BUSY : CONCLAVE_OK;
}

static void
each_gives_the_records_of_a_prefix_until_told_to_stop(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {f->store, 0, 0};

    put_one(f->store, 0, "a", "0");
    put_one(f->store, 0, "b", "1");
    put_one(f->store, 0, "b1", "2");
    put_one(f->store, 0, "b2", "3");
    put_one(f->store, 0, "c", "4");
    assert_int_equal(host_store_each(f->store, 0, text("b"), see, &seen), CONCLAVE_OK);
    assert_int_equal(seen.count, 3);
    seen = (struct seen){f->store, 0, 0};
    assert_int_equal(host_store_each(f->store, 0, msg_span(NULL, 0), see, &seen), CONCLAVE_OK);
    assert_int_equal(seen.count, 5);
    seen = (struct seen){f->store, 0, 2};
    assert_int_equal(host_store_each(f->store, 0, msg_span(NULL, 0), see, &seen),
                     CONCLAVE_ERR_BUSY);
    assert_int_equal(seen.count, 2);
    seen = (struct seen){f->store, 0, 0};
    assert_int_equal(host_store_each(f->store, 2, msg_span(NULL, 0), see, &seen), CONCLAVE_OK);
    assert_int_equal(seen.count, 0);
}

/* The model: values[i] is what number i holds, 0 for nothing. */
enum { NUMBERS = 3000, ROUNDS = 400, BATCH = 50 };

static enum conclave_err
compare_with_model(void *arg, struct msg_span key, struct msg_span value)
{
    uint32_t **model = arg;
    uint32_t number = (uint32_t)msg_record_key_u64(key, 0), stored;

    while ((*model)[0] == 0)
        (*model)++; /* skipped numbers hold nothing */
    memcpy(&stored, value.at, sizeof stored);
    assert_int_equal(value.len, sizeof stored);
    assert_int_equal(stored, (*model)[0]);
    assert_int_equal(number, stored % NUMBERS);
    (*model)++;
    return CONCLAVE_OK;
}

static void
thousands_of_puts_and_deletes_agree_with_a_model(void **state)
{
    struct fixture *f = *state;
    uint32_t *model = calloc(NUMBERS + 1, sizeof *model);
    uint64_t seed = 7, records = 0;
    struct host_store_stat stat;

    for (uint32_t round = 0; round < ROUNDS; round++) {
        const bool deletes = round % 3 == 2;
        assert_int_equal(host_store_begin(f->store), CONCLAVE_OK);
        for (uint32_t i = 0; i < BATCH; i++) {
            const uint32_t number =
                round < NUMBERS / BATCH ? round * BATCH + i : random_u32(&seed) % NUMBERS;
            const struct msg_record_key key = msg_record_key1(number);
            if (deletes) {
                model[number] = 0;
                assert_int_equal(host_store_delete(f->store, 0, msg_record_key_span(&key)),
                                 CONCLAVE_OK);
                continue;
            }
            model[number] = number + NUMBERS * (round + 1);
            assert_int_equal(host_store_put(f->store, 0, msg_record_key_span(&key),
                                            msg_span(&model[number], sizeof model[number])),
                             CONCLAVE_OK);
        }
        assert_int_equal(host_store_commit(f->store), CONCLAVE_OK);
    }
    model[NUMBERS] = 1; /* ends the skipping */
    for (uint32_t i = 0; i < NUMBERS; i++)
        records += model[i] != 0;
    uint32_t *at = model;
    assert_int_equal(host_store_each(f->store, 0, msg_span(NULL, 0), compare_with_model, &at),
                     CONCLAVE_OK);
    while (at < model + NUMBERS)
        assert_int_equal(*at++, 0);
    host_store_stat(f->store, &stat);
    assert_int_equal(stat.records, records);
    assert_int_equal(stat.commits, ROUNDS);
    free(model);
}

static void
large_values_come_back_whole(void **state)
{
    struct fixture *f = *state;
    static uint8_t value[70000], back[70000];
    struct msg_buf out = {back, 0, sizeof back};

    for (size_t i = 0; i < sizeof value; i++)
        value[i] = (uint8_t)(i * 31);
    assert_int_equal(host_store_begin(f->store), CONCLAVE_OK);
    assert_int_equal(host_store_put(f->store, 0, text("k"), msg_span(value, sizeof value)),
                     CONCLAVE_OK);
    assert_int_equal(host_store_commit(f->store), CONCLAVE_OK);
    assert_int_equal(host_store_get(f->store, 0, text("k"), &out), CONCLAVE_OK);
    assert_memory_equal(back, value, sizeof value);
}

#define BOTH(test) \
    cmocka_unit_test_setup_teardown(test, set_up_memory, tear_down), \
        cmocka_unit_test_setup_teardown(test, set_up_lmdb, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(what_was_put_is_read_back_from_its_table_alone),
        BOTH(a_value_is_appended_or_there_is_no_space),
        BOTH(nothing_is_seen_before_the_commit_and_nothing_stays_after_a_rollback),
        BOTH(deleting_takes_away_and_a_missing_record_is_no_error),
        BOTH(next_walks_in_order_and_ends),
        BOTH(next_without_room_for_the_value_gives_no_key_either),
        BOTH(each_gives_the_records_of_a_prefix_until_told_to_stop),
        BOTH(thousands_of_puts_and_deletes_agree_with_a_model),
        BOTH(large_values_come_back_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
