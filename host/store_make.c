/* Makes the data file of an LMDB store: whole, under another name, and then
 * renamed.  So an empty or half file under its own name is damage, and never
 * the trace of a first start that was interrupted. */
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "host/store_backend.h"

#define PATH_BYTES 4096u
#define ROOM_BYTES (64u << 10) /* less than this on a disk: full */

enum conclave_err
host_store_err(int rc)
{
    switch (rc) {
    case MDB_SUCCESS:
        return CONCLAVE_OK;
    case MDB_NOTFOUND:
        return CONCLAVE_ERR_NOT_FOUND;
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
    case ENOSPC:
    case EDQUOT:
        return CONCLAVE_ERR_STORE_FULL;
    case MDB_CORRUPTED:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_PAGE_NOTFOUND:
    case MDB_CURSOR_FULL:
    case MDB_INCOMPATIBLE:
    case MDB_BAD_DBI:
        return CONCLAVE_ERR_STORE_DAMAGED;
    default:
        return CONCLAVE_ERR_STORE_IO;
    }
}

/* LMDB says EIO when a disk took a part: that is a full one as well. */
enum conclave_err
host_store_err_write(MDB_env *env, int rc)
{
    struct statvfs disk;
    int fd;

    if (rc == EIO && mdb_env_get_fd(env, &fd) == MDB_SUCCESS && fstatvfs(fd, &disk) == 0
        && (uint64_t)disk.f_bavail * disk.f_frsize < ROOM_BYTES)
        return CONCLAVE_ERR_STORE_FULL;
    return host_store_err(rc);
}

void
host_store_table_name(char name[HOST_STORE_NAME], uint32_t table)
{
    snprintf(name, HOST_STORE_NAME, "t%u", table);
}

int
host_store_fill(MDB_env *env, uint32_t tables)
{
    uint32_t format = HOST_STORE_FORMAT;
    MDB_val key = {6, (char[]){"format"}}, value = {sizeof format, &format};
    MDB_txn *txn;
    MDB_dbi table;

    int rc = mdb_txn_begin(env, NULL, 0, &txn);
    if (rc != MDB_SUCCESS)
        return rc;
    rc = mdb_dbi_open(txn, "about", MDB_CREATE, &table);
    if (rc == MDB_SUCCESS)
        rc = mdb_put(txn, table, &key, &value, 0);
    for (uint32_t i = 0; i < tables && rc == MDB_SUCCESS; i++) {
        char name[HOST_STORE_NAME];
        host_store_table_name(name, i);
        rc = mdb_dbi_open(txn, name, MDB_CREATE, &table);
    }
    if (rc == MDB_SUCCESS)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return rc;
}

/* An environment of this one file, which nobody else knows of. */
static enum conclave_err
make(const char *path, const struct host_store_options *options)
{
    MDB_env *env;
    int rc = mdb_env_create(&env);

    if (rc != MDB_SUCCESS)
        return host_store_err(rc);
    rc = mdb_env_set_mapsize(env, (size_t)(options->map_mib << 20));
    if (rc == MDB_SUCCESS)
        rc = mdb_env_set_maxdbs(env, HOST_STORE_TABLES + 1);
    if (rc == MDB_SUCCESS)
        rc = mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOLOCK, 0600);
    if (rc == MDB_SUCCESS)
        rc = host_store_fill(env, options->tables);
    const enum conclave_err err = host_store_err_write(env, rc);
    mdb_env_close(env);
    return err;
}

/* The new name is on disk when this returns. */
static int
move(const char *dir, const char *from, const char *to)
{
    if (rename(from, to) != 0)
        return -1;
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int rc = fd >= 0 ? fsync(fd) : -1;
    const int reason = errno;
    if (fd >= 0)
        close(fd);
    errno = reason;
    return rc;
}

enum conclave_err
host_store_make(const struct host_store_options *options, char *why, size_t why_cap)
{
    char path[PATH_BYTES], made[PATH_BYTES];
    struct stat about;
    const int len = snprintf(made, sizeof made, "%s/data.mdb.new", options->dir);

    if (len < 0 || (size_t)len >= sizeof made) {
        snprintf(why, why_cap, "The path of the store is too long.");
        return CONCLAVE_ERR_STORE_IO;
    }
    snprintf(path, sizeof path, "%s/data.mdb", options->dir); /* shorter than that one */
    if (lstat(path, &about) == 0 || errno != ENOENT)
        return CONCLAVE_OK; /* what it is was checked, or will be found */
    (void)unlink(made); /* of a first start that was interrupted; nothing is in it */
    enum conclave_err err = make(made, options);
    if (err == CONCLAVE_OK && move(options->dir, made, path) != 0)
        err = host_store_err(errno);
    if (err != CONCLAVE_OK) {
        (void)unlink(made);
        snprintf(why, why_cap, "%s: %s", options->dir, msg_error_sentence(err));
    }
    return err;
}
