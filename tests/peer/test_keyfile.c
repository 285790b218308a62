/* Proves peer/keyfile: whole or not at all, for its owner alone, locked when
 * there is a passphrase. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "peer/keyfile.h"

static char dir[64];
static int dir_fd;
static struct peer_keys keys;
static char why[512];

static int
set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/test_keyfile.XXXXXX");
    assert_non_null(mkdtemp(dir));
    dir_fd = open(dir, O_RDONLY | O_DIRECTORY);
    assert_true(dir_fd >= 0);
    peer_keys_make(&keys);
    why[0] = '\0';
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    unlinkat(dir_fd, "keys", 0);
    unlinkat(dir_fd, "real", 0);
    close(dir_fd);
    return rmdir(dir); /* fails when something was left behind */
}

static enum conclave_err
write_keys(const char *passphrase)
{
    return peer_keyfile_write(&keys, dir_fd, "keys", msg_text(passphrase), why, sizeof why);
}

static enum conclave_err
read_keys(struct peer_keys *out, const char *passphrase)
{
    return peer_keyfile_read(out, dir_fd, "keys", msg_text(passphrase), why, sizeof why);
}

static size_t
load(uint8_t *at, size_t cap)
{
    const int fd = openat(dir_fd, "keys", O_RDONLY);
    const ssize_t n = read(fd, at, cap);
    close(fd);
    assert_true(n > 0);
    return (size_t)n;
}

static void
save(const uint8_t *at, size_t len)
{
    const int fd = openat(dir_fd, "keys", O_WRONLY | O_TRUNC);
    assert_int_equal(write(fd, at, len), len);
    close(fd);
}

static void
assert_zero(const struct peer_keys *got)
{
    static const struct peer_keys none;
    assert_memory_equal(got, &none, sizeof none);
}

static void
keys_come_back_as_they_were(void **state)
{
    (void)state;
    struct peer_keys got;
    assert_int_equal(write_keys(""), CONCLAVE_OK);
    assert_int_equal(read_keys(&got, ""), CONCLAVE_OK);
    assert_memory_equal(&got, &keys, sizeof got);
    assert_int_equal(read_keys(&got, "a passphrase that is not needed"), CONCLAVE_OK);
}

static void
a_home_without_keys_says_so(void **state)
{
    (void)state;
    struct peer_keys got;
    assert_int_equal(read_keys(&got, ""), CONCLAVE_ERR_NOT_FOUND);
}

static void
only_the_owner_may_read_the_file(void **state)
{
    (void)state;
    struct stat st;
    const mode_t before = umask(0);
    assert_int_equal(write_keys(""), CONCLAVE_OK);
    umask(before);
    assert_int_equal(fstatat(dir_fd, "keys", &st, 0), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void
a_file_that_others_can_read_or_change_is_refused(void **state)
{
    (void)state;
    static const mode_t modes[] = {0640, 0604, 0620, 0602, 0610, 0666};
    struct peer_keys got;
    assert_int_equal(write_keys(""), CONCLAVE_OK);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        assert_int_equal(fchmodat(dir_fd, "keys", modes[i], 0), 0);
        assert_int_equal(read_keys(&got, ""), CONCLAVE_ERR_UNSAFE_FILE);
        assert_zero(&got);
        assert_non_null(strstr(why, "chmod 600"));
    }
    assert_int_equal(fchmodat(dir_fd, "keys", 0400, 0), 0);
    assert_int_equal(read_keys(&got, ""), CONCLAVE_OK);
}

static void
what_is_no_plain_file_is_refused(void **state)
{
    (void)state;
    struct peer_keys got;
    assert_int_equal(write_keys(""), CONCLAVE_OK);
    assert_int_equal(renameat(dir_fd, "keys", dir_fd, "real"), 0);
    assert_int_equal(symlinkat("real", dir_fd, "keys"), 0);
    assert_int_equal(read_keys(&got, ""), CONCLAVE_ERR_UNSAFE_FILE);
    assert_int_equal(unlinkat(dir_fd, "keys", 0), 0);
    assert_int_equal(mkfifoat(dir_fd, "keys", 0600), 0);
    assert_int_equal(read_keys(&got, ""), CONCLAVE_ERR_UNSAFE_FILE); /* and does not wait for a writer */
}

static void
a_bit_that_flipped_anywhere_is_noticed(void **state)
{
    (void)state;
    struct peer_keys got;
    uint8_t file[1024];
    assert_int_equal(write_keys(""), CONCLAVE_OK);
    const size_t len = load(file, sizeof file);
    for (size_t i = 0; i < len; i++) {
        file[i] ^= 1;
        save(file, len);
        assert_int_not_equal(read_keys(&got, ""), CONCLAVE_OK);
        assert_zero(&got);
        file[i] ^= 1;
    }
    save(file, len);
    assert_int_equal(read_keys(&got, ""), CONCLAVE_OK);
}

static void
a_locked_file_opens_with_its_passphrase_alone(void **state)
{
    (void)state;
    struct peer_keys got;
    uint8_t file[1024];
    assert_int_equal(write_keys("correct horse"), CONCLAVE_OK);
    const size_t len = load(file, sizeof file);
    assert_null(memmem(file, len, keys.identity.transport_sec.at, 32));
    assert_null(memmem(file, len, keys.storage.at, 32));
    assert_null(memmem(file, len, keys.identity.sign_sec.at, 32));
    assert_int_equal(read_keys(&got, ""), CONCLAVE_ERR_LOCKED);
    assert_zero(&got);
    assert_int_equal(read_keys(&got, "correct horsf"), CONCLAVE_ERR_LOCKED);
    assert_zero(&got);
    assert_int_equal(read_keys(&got, "correct horse"), CONCLAVE_OK);
    assert_memory_equal(&got, &keys, sizeof got);
    assert_int_equal(write_keys(""), CONCLAVE_OK);
    assert_int_equal(read_keys(&got, ""), CONCLAVE_OK);
}

static void
a_damaged_file_is_refused_wherever_it_is_cut(void **state)
{
    (void)state;
    struct peer_keys got;
    uint8_t file[1024];
    assert_int_equal(write_keys(""), CONCLAVE_OK);
    const size_t len = load(file, sizeof file);
    for (size_t cut = 0; cut < len; cut++) {
        save(file, cut);
        assert_int_equal(read_keys(&got, ""), CONCLAVE_ERR_STORE_DAMAGED);
        assert_zero(&got);
    }
    uint8_t more[1025] = {0};
    memcpy(more, file, len);
    save(more, len + 1);
    assert_int_equal(read_keys(&got, ""), CONCLAVE_ERR_STORE_DAMAGED);
    save(more, sizeof more);
    assert_int_equal(read_keys(&got, ""), CONCLAVE_ERR_STORE_DAMAGED);
    file[0] ^= 0x10;
    save(file, len);
    assert_int_equal(read_keys(&got, ""), CONCLAVE_ERR_STORE_DAMAGED);
}

static void
a_write_that_crashed_leaves_the_old_file_and_does_not_hinder_the_next(void **state)
{
    (void)state;
    struct peer_keys got;
    assert_int_equal(write_keys(""), CONCLAVE_OK);
    const int fd = openat(dir_fd, ".keys.new", O_WRONLY | O_CREAT, 0644);
    assert_int_equal(write(fd, "half", 4), 4);
    close(fd);
    assert_int_equal(read_keys(&got, ""), CONCLAVE_OK);
    peer_keys_make(&keys);
    assert_int_equal(write_keys(""), CONCLAVE_OK);
    assert_int_equal(read_keys(&got, ""), CONCLAVE_OK);
    assert_memory_equal(&got, &keys, sizeof got);
}

int
main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(keys_come_back_as_they_were),
        TEST(a_home_without_keys_says_so),
        TEST(only_the_owner_may_read_the_file),
        TEST(a_file_that_others_can_read_or_change_is_refused),
        TEST(what_is_no_plain_file_is_refused),
        TEST(a_bit_that_flipped_anywhere_is_noticed),
        TEST(a_locked_file_opens_with_its_passphrase_alone),
        TEST(a_damaged_file_is_refused_wherever_it_is_cut),
        TEST(a_write_that_crashed_leaves_the_old_file_and_does_not_hinder_the_next),
    };
    if (msg_keys_init() != CONCLAVE_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
