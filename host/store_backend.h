/* What a backend of the store provides; host/store.c checks the arguments and
 * calls it.  Included by host/store*.c alone. */
#ifndef HOST_STORE_BACKEND_H
#define HOST_STORE_BACKEND_H

#include "host/store.h"

struct host_store_backend {
    void (*close)(struct host_store *self);
    enum conclave_err (*begin)(struct host_store *self);
    enum conclave_err (*put)(struct host_store *self, uint32_t table, struct msg_span key,
                             struct msg_span value);
    enum conclave_err (*delete)(struct host_store *self, uint32_t table, struct msg_span key);
    enum conclave_err (*commit)(struct host_store *self);
    void (*rollback)(struct host_store *self);
    enum conclave_err (*get)(struct host_store *self, uint32_t table, struct msg_span key,
                             struct msg_buf *out);
    enum conclave_err (*next)(struct host_store *self, uint32_t table, struct msg_span after,
                              struct msg_buf *key, struct msg_buf *value);
    enum conclave_err (*each)(struct host_store *self, uint32_t table, struct msg_span prefix,
                              host_store_each_fn *fn, void *arg);
    void (*stat)(struct host_store *self, struct host_store_stat *out);
};

/* The first member of every backend's own struct. */
struct host_store {
    const struct host_store_backend *backend;
    uint32_t tables;
    bool writing;       /* between begin and commit or rollback; the writer's */
    uint64_t commits;   /* the writer's */
};

/* Appends bytes to out; SPACE leaves it as it was. */
enum conclave_err CONCLAVE_CHECK host_store_copy(struct msg_buf *out, struct msg_span bytes);

/* Tells a damaged value from a good one: over its table, key and bytes, so
 * that a value that stands under a wrong key is found too.  Not against
 * somebody who can write to the disk: they can write a checksum as well. */
uint64_t host_store_sum(uint32_t table, struct msg_span key, struct msg_span value);

/* Walks the file data.mdb of an LMDB environment that nobody has open, page by
 * page, and every record's checksum: LMDB itself believes its pages, and a
 * damaged one would end the process.  OK for a file that is not there; an
 * empty one is STORE_DAMAGED, for none is made so.  `why` gets the sentence. */
enum conclave_err CONCLAVE_CHECK
host_store_check(const char *dir, char *why, size_t why_cap);

/* Makes the file data.mdb with its tables, when there is none yet. */
enum conclave_err CONCLAVE_CHECK
host_store_make(const struct host_store_options *options, char *why, size_t why_cap);

/* The tables that an environment lacks, in one transaction; a code of LMDB's. */
struct MDB_env;
int host_store_fill(struct MDB_env *env, uint32_t tables);
#define HOST_STORE_NAME 16u
void host_store_table_name(char name[HOST_STORE_NAME], uint32_t table);

/* What a code of LMDB's means; when it came of writing to `env`. */
enum conclave_err host_store_err(int rc);
enum conclave_err host_store_err_write(struct MDB_env *env, int rc);

#define HOST_STORE_SUM_BYTES 8u         /* before each value on disk */
#define HOST_STORE_FORMAT 2u
#define HOST_STORE_CHECK_MAX (256u << 20) /* bytes looked at before opening; the others as they are read */

#endif
