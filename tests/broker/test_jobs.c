/* Claims about broker/tables/jobs: ids, locks and the order of those who wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/tables/jobs.h"

static struct broker_jobs jobs;

static int
setup(void **state)
{
    (void)state;
    assert_true(broker_jobs_init(&jobs, 123456));
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    broker_jobs_wipe(&jobs);
    return 0;
}

static void
an_answer_finds_its_job_in_its_stage_and_no_later_one(void **state)
{
    struct broker_job *job = broker_jobs_add(&jobs, BROKER_JOB_SIGNUP, 1000);

    (void)state;
    broker_jobs_enter(&jobs, job, BROKER_STAGE_HASH, 1000);
    const uint64_t hash = job->id;
    assert_ptr_equal(broker_jobs_find(&jobs, hash, BROKER_STAGE_HASH), job);
    assert_null(broker_jobs_find(&jobs, hash, BROKER_STAGE_CHECK));
    broker_jobs_enter(&jobs, job, BROKER_STAGE_SIGN, 1000);
    assert_null(broker_jobs_find(&jobs, hash, BROKER_STAGE_HASH));
    const uint64_t sign = job->id;
    broker_jobs_end(&jobs, job);
    assert_null(broker_jobs_find(&jobs, sign, BROKER_STAGE_SIGN));
    job = broker_jobs_add(&jobs, BROKER_JOB_SIGNUP, 1000);
    broker_jobs_enter(&jobs, job, BROKER_STAGE_SIGN, 1000);
    assert_null(broker_jobs_find(&jobs, sign, BROKER_STAGE_SIGN));
    assert_true(broker_jobs_store_id(&jobs) > job->id);
}

static void
an_account_has_one_job_and_those_who_wait_come_in_order(void **state)
{
    struct broker_job *first = broker_jobs_add(&jobs, BROKER_JOB_REVOKE, 1000);
    struct broker_job *second = broker_jobs_add(&jobs, BROKER_JOB_REVOKE, 1000);
    struct broker_job *third = broker_jobs_add(&jobs, BROKER_JOB_REVOKE, 1000);
    struct broker_job *other = broker_jobs_add(&jobs, BROKER_JOB_REVOKE, 1000);

    (void)state;
    assert_true(broker_jobs_lock(&jobs, first, 7));
    assert_true(broker_jobs_lock(&jobs, first, 7));
    assert_false(broker_jobs_lock(&jobs, third, 7));
    broker_jobs_enter(&jobs, third, BROKER_STAGE_LOCK, 1000);
    assert_false(broker_jobs_lock(&jobs, second, 7));
    broker_jobs_enter(&jobs, second, BROKER_STAGE_LOCK, 1000);
    assert_true(broker_jobs_lock(&jobs, other, 8));
    assert_null(broker_jobs_next_unlocked(&jobs));
    broker_jobs_end(&jobs, first);
    assert_true(jobs.released);
    assert_ptr_equal(broker_jobs_next_unlocked(&jobs), third);
}

static void
a_job_that_ended_leaves_no_secret(void **state)
{
    struct broker_job *job = broker_jobs_add(&jobs, BROKER_JOB_PASSWD, 1000);
    static const char zero[sizeof job->password];

    (void)state;
    strcpy(job->password, "correct horse");
    strcpy(job->fresh, "battery staple");
    broker_jobs_end(&jobs, job);
    assert_memory_equal(job->password, zero, sizeof job->password);
    assert_memory_equal(job->fresh, zero, sizeof job->fresh);
}

static void
the_table_is_full_at_its_size_and_has_room_again(void **state)
{
    struct broker_job *last = NULL;

    (void)state;
    for (unsigned i = 0; i < BROKER_JOBS; i++) {
        last = broker_jobs_add(&jobs, BROKER_JOB_LOGIN, 1000);
        assert_non_null(last);
    }
    assert_null(broker_jobs_add(&jobs, BROKER_JOB_LOGIN, 1000));
    broker_jobs_end(&jobs, last);
    assert_non_null(broker_jobs_add(&jobs, BROKER_JOB_LOGIN, 1000));
}

static void
a_job_at_the_vault_is_due_and_one_at_the_disk_is_not(void **state)
{
    struct broker_job *vault = broker_jobs_add(&jobs, BROKER_JOB_SIGNUP, 1000);
    struct broker_job *disk = broker_jobs_add(&jobs, BROKER_JOB_SIGNUP, 1000);

    (void)state;
    assert_null(broker_jobs_due(&jobs, 1000));
    broker_jobs_enter(&jobs, vault, BROKER_STAGE_HASH, 1000);
    broker_jobs_enter(&jobs, disk, BROKER_STAGE_HASH, 1000);
    broker_jobs_enter(&jobs, disk, BROKER_STAGE_STORE, 1000);
    assert_ptr_equal(broker_jobs_due(&jobs, 1000 + BROKER_JOB_ASK_MS + 50), vault);
    assert_null(broker_jobs_due(&jobs, 1000000));
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(an_answer_finds_its_job_in_its_stage_and_no_later_one),
        CASE(an_account_has_one_job_and_those_who_wait_come_in_order),
        CASE(a_job_that_ended_leaves_no_secret),
        CASE(the_table_is_full_at_its_size_and_has_room_again),
        CASE(a_job_at_the_vault_is_due_and_one_at_the_disk_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
