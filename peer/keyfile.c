/* Reads and writes the key file; the frame in it is REC_KEYS. */
#include "peer/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "msg/codec.h"

#define FILE_MAX 1024u      /* bytes; a key file is a quarter of that */
#define SALT_BYTES 16u
#define SECRET_BYTES 128u
#define ABOUT "conclave keys 1" /* bound to the locked secrets */

/* The order of the secrets in the file. */
struct secrets {
    struct msg_sign_sec sign;
    struct msg_box_sec transport;
    struct msg_sym_key storage;
};
_Static_assert(sizeof(struct secrets) == SECRET_BYTES, "the secrets are one run of bytes");

static void
complete(struct peer_identity *identity)
{
    msg_keys_sign_pub_of(&identity->sign, &identity->sign_sec);
    msg_keys_box_pub_of(&identity->transport, &identity->transport_sec);
}

void
peer_keys_make(struct peer_keys *self)
{
    msg_keys_new_sign(&self->identity.sign, &self->identity.sign_sec);
    msg_keys_new_box(&self->identity.transport, &self->identity.transport_sec);
    msg_keys_random(self->storage.at, sizeof self->storage.at);
}

void
peer_keys_wipe(struct peer_keys *self)
{
    msg_keys_wipe(self, sizeof *self);
}

/* Opens a file that only its owner can have written and read. */
static enum conclave_err
open_own(int *fd, int dir_fd, const char *name, char *why, size_t why_cap)
{
    struct stat st;
    *fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0) {
        if (errno == ENOENT)
            return CONCLAVE_ERR_NOT_FOUND;
        (void)snprintf(why, why_cap, "The key file %s cannot be opened: %s.", name, strerror(errno));
        return errno == ELOOP ? CONCLAVE_ERR_UNSAFE_FILE : CONCLAVE_ERR_STORE_IO;
    }
    if (fstat(*fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        (void)snprintf(why, why_cap, "The key file %s is not a plain file.", name);
        return CONCLAVE_ERR_UNSAFE_FILE;
    }
    if (st.st_uid != geteuid()) {
        (void)snprintf(why, why_cap, "The key file %s belongs to another user.", name);
        return CONCLAVE_ERR_UNSAFE_FILE;
    }
    if ((st.st_mode & 077) != 0) {
        (void)snprintf(why, why_cap, "The key file %s can be read or changed by others (its mode is %03o); "
                                     "run chmod 600 on it after checking who read it.",
                       name, (unsigned)(st.st_mode & 0777));
        return CONCLAVE_ERR_UNSAFE_FILE;
    }
    return CONCLAVE_OK;
}

static enum conclave_err
read_all(int fd, struct msg_buf *out)
{
    while (out->len < out->cap) {
        const ssize_t n = read(fd, out->at + out->len, out->cap - out->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return CONCLAVE_ERR_STORE_IO;
        if (n == 0)
            return CONCLAVE_OK;
        out->len += (size_t)n;
    }
    return CONCLAVE_ERR_STORE_DAMAGED; /* larger than any key file */
}

static enum conclave_err
unlock(struct secrets *secrets, const struct msg_rec_keys *record, struct msg_text passphrase, char *why, size_t why_cap)
{
    struct msg_sym_key key;
    struct msg_buf out = {(uint8_t *)secrets, 0, sizeof *secrets};
    if (passphrase.len == 0) {
        (void)snprintf(why, why_cap, "%s", msg_error_sentence(CONCLAVE_ERR_LOCKED));
        return CONCLAVE_ERR_LOCKED;
    }
    enum conclave_err err = msg_keys_from_passphrase(&key, passphrase, record->salt.at);
    if (err == CONCLAVE_OK) {
        err = msg_keys_unlock(&out, record->sec, msg_span(ABOUT, sizeof ABOUT - 1), &key);
        if (err != CONCLAVE_OK) {
            (void)snprintf(why, why_cap, "That passphrase does not open the key file.");
            err = CONCLAVE_ERR_LOCKED;
        }
    }
    msg_keys_wipe(&key, sizeof key);
    return err;
}

/* Without a passphrase a checksum stands in the place of the salt: keys with a
 * flipped bit would be refused by everybody, and nobody would know why. */
static void
checksum(uint8_t salt[SALT_BYTES], const struct secrets *secrets)
{
    msg_keys_hash(salt, SALT_BYTES, ABOUT, msg_span(secrets, sizeof *secrets));
}

static enum conclave_err
decode(struct secrets *secrets, struct msg_span file, struct msg_text passphrase, char *why, size_t why_cap)
{
    enum msg_kind kind;
    union msg_any any;
    enum conclave_err err = msg_codec_decode(file, &kind, &any);
    const struct msg_rec_keys record = any.MSG_ANY_REC_KEYS;
    msg_keys_wipe(&any, sizeof any);
    const size_t expected = SECRET_BYTES + (record.locked ? MSG_LOCK_BYTES : 0u);
    bool whole = err == CONCLAVE_OK && kind == MSG_REC_KEYS && record.sec.len == expected;
    if (whole && !record.locked) {
        uint8_t sum[SALT_BYTES];
        memcpy(secrets, record.sec.at, sizeof *secrets);
        checksum(sum, secrets);
        whole = record.salt.len == sizeof sum && memcmp(sum, record.salt.at, sizeof sum) == 0;
    }
    if (!whole) {
        (void)snprintf(why, why_cap, "The key file is damaged; restore it from a backup, or move the home aside "
                                     "to start anew as another device.");
        return CONCLAVE_ERR_STORE_DAMAGED;
    }
    return record.locked ? unlock(secrets, &record, passphrase, why, why_cap) : CONCLAVE_OK;
}

enum conclave_err
peer_keyfile_read(struct peer_keys *keys, int dir_fd, const char *name, struct msg_text passphrase, char *why, size_t why_cap)
{
    uint8_t file[FILE_MAX];
    struct msg_buf buf = {file, 0, sizeof file};
    struct secrets secrets;
    int fd;

    *keys = (struct peer_keys){0};
    enum conclave_err err = open_own(&fd, dir_fd, name, why, why_cap);
    if (err != CONCLAVE_OK)
        goto done;
    err = read_all(fd, &buf);
    if (err == CONCLAVE_ERR_STORE_IO) {
        (void)snprintf(why, why_cap, "The key file %s cannot be read: %s.", name, strerror(errno));
        goto done;
    }
    err = decode(&secrets, msg_span_of_buf(&buf), passphrase, why, why_cap);
    if (err != CONCLAVE_OK)
        goto done;
    keys->identity.sign_sec = secrets.sign;
    keys->identity.transport_sec = secrets.transport;
    keys->storage = secrets.storage;
    complete(&keys->identity);

done:
    if (fd >= 0)
        (void)close(fd); /* only read from */
    msg_keys_wipe(file, sizeof file);
    msg_keys_wipe(&secrets, sizeof secrets);
    return err;
}

static enum conclave_err
write_all(int fd, struct msg_span bytes)
{
    while (bytes.len > 0) {
        const ssize_t n = write(fd, bytes.at, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == ENOSPC || errno == EDQUOT ? CONCLAVE_ERR_STORE_FULL : CONCLAVE_ERR_STORE_IO;
        bytes = msg_span(bytes.at + n, bytes.len - (size_t)n);
    }
    return fsync(fd) == 0 ? CONCLAVE_OK : CONCLAVE_ERR_STORE_IO;
}

enum conclave_err
peer_keyfile_replace(int dir_fd, const char *name, struct msg_span bytes)
{
    char beside[160];
    const int n = snprintf(beside, sizeof beside, ".%s.new", name);
    if (n < 0 || (size_t)n >= sizeof beside)
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    /* one that was left behind by a crash is ours: the home is locked */
    if (unlinkat(dir_fd, beside, 0) != 0 && errno != ENOENT)
        return CONCLAVE_ERR_STORE_IO;
    const int fd = openat(dir_fd, beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == ENOSPC || errno == EDQUOT ? CONCLAVE_ERR_STORE_FULL : CONCLAVE_ERR_STORE_IO;
    enum conclave_err err = write_all(fd, bytes);
    if (close(fd) != 0 && err == CONCLAVE_OK)
        err = CONCLAVE_ERR_STORE_IO;
    if (err == CONCLAVE_OK && renameat(dir_fd, beside, dir_fd, name) != 0)
        err = CONCLAVE_ERR_STORE_IO;
    if (err == CONCLAVE_OK && fsync(dir_fd) != 0)
        err = CONCLAVE_ERR_STORE_IO;
    if (err != CONCLAVE_OK)
        (void)unlinkat(dir_fd, beside, 0); /* tidying: the error is what counts */
    return err;
}

enum conclave_err
peer_keyfile_write(const struct peer_keys *keys, int dir_fd, const char *name, struct msg_text passphrase, char *why, size_t why_cap)
{
    uint8_t salt[SALT_BYTES];
    uint8_t locked[SECRET_BYTES + MSG_LOCK_BYTES];
    uint8_t file[FILE_MAX];
    struct secrets secrets = {keys->identity.sign_sec, keys->identity.transport_sec, keys->storage};
    struct msg_buf buf = {file, 0, sizeof file};
    struct msg_buf box = {locked, 0, sizeof locked};
    struct msg_sym_key key;
    enum conclave_err err = CONCLAVE_OK;

    if (passphrase.len > 0)
        msg_keys_random(salt, sizeof salt);
    else
        checksum(salt, &secrets);
    struct msg_rec_keys record = {.locked = passphrase.len > 0, .salt = msg_span(salt, sizeof salt),
                                  .sec = msg_span(&secrets, sizeof secrets)};
    if (record.locked) {
        err = msg_keys_from_passphrase(&key, passphrase, salt);
        if (err == CONCLAVE_OK)
            err = msg_keys_lock(&box, record.sec, msg_span(ABOUT, sizeof ABOUT - 1), &key);
        record.sec = msg_span_of_buf(&box);
    }
    if (err == CONCLAVE_OK)
        err = msg_codec_encode(&buf, MSG_REC_KEYS, &record);
    if (err == CONCLAVE_OK)
        err = peer_keyfile_replace(dir_fd, name, msg_span_of_buf(&buf));
    if (err != CONCLAVE_OK)
        (void)snprintf(why, why_cap, "The key file %s cannot be written. %s", name, msg_error_sentence(err));
    msg_keys_wipe(&key, sizeof key);
    msg_keys_wipe(&secrets, sizeof secrets);
    msg_keys_wipe(file, sizeof file);
    return err;
}
