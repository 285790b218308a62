/* Checks an LMDB data file before LMDB believes it: that each page that can be
 * reached is what its parent says, lies inside the file, and keeps its nodes
 * inside itself, and that each record has its checksum.  Reads only; the
 * format is that of LMDB 0.9 (data version 1) on this machine's byte order. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/store_backend.h"

#define MAGIC 0xBEEFC0DEu
#define VERSION 1u
#define DEPTH_MAX 32u
#define NO_PAGE UINT64_MAX

enum { PAGE_BRANCH = 0x01, PAGE_LEAF = 0x02, PAGE_OVERFLOW = 0x04, PAGE_META = 0x08 };
enum { NODE_BIG = 0x01, NODE_TREE = 0x02 };

struct page { /* heads each page */
    uint64_t number;
    uint16_t pad;
    uint16_t flags;
    uint16_t lower; /* bytes: end of the offsets of nodes; overflow: low half of the count */
    uint16_t upper; /* bytes: where the nodes begin; overflow: high half */
};
#define PAGE_HEAD 16u

struct node { /* then the key, then the data, or the page number of big data */
    uint16_t low;
    uint16_t high;
    uint16_t flags; /* in a branch: the top of the page number */
    uint16_t key_len;
};
#define NODE_HEAD 8u

struct tree {
    uint32_t pad; /* of the free list's tree: the page size */
    uint16_t flags;
    uint16_t depth;
    uint64_t branch_pages;
    uint64_t leaf_pages;
    uint64_t overflow_pages;
    uint64_t entries;
    uint64_t root;
};

struct meta {
    uint32_t magic;
    uint32_t version;
    uint64_t address;
    uint64_t map_size;
    struct tree trees[2]; /* the free list's, and the one of names */
    uint64_t last_page;
    uint64_t txn;
};

enum what { FREE_LIST, NAMES, TABLE, ABOUT };

struct walk {
    const uint8_t *file;
    uint64_t pages; /* whole ones in the file */
    uint64_t page_bytes;
    uint64_t budget; /* pages still to be seen: a circle uses it up */
    bool in_part;    /* there are more pages than that */
};

static const uint8_t *
page_at(struct walk *walk, uint64_t number, struct page *page)
{
    if (number >= walk->pages || walk->budget == 0)
        return NULL;
    walk->budget--;
    const uint8_t *at = walk->file + number * walk->page_bytes;
    memcpy(page, at, sizeof *page);
    return page->number == number ? at : NULL;
}

/* The bytes of a value that has pages of its own; at NULL: damaged. */
static struct msg_span
big_value(struct walk *walk, uint64_t number, uint64_t len)
{
    struct page page;
    const uint8_t *at = page_at(walk, number, &page);

    if (at == NULL || page.flags != PAGE_OVERFLOW)
        return msg_span(NULL, 0);
    const uint64_t count = (uint64_t)page.upper << 16 | page.lower;
    if (count == 0 || count > walk->pages - number || len > count * walk->page_bytes - PAGE_HEAD)
        return msg_span(NULL, 0);
    return msg_span(at + PAGE_HEAD, len);
}

static bool walk_tree(struct walk *walk, const struct tree *tree, enum what what, uint32_t table);

static bool
check_leaf_node(struct walk *walk, const struct node *node, const uint8_t *at, uint64_t room,
                enum what what, uint32_t table)
{
    const uint64_t len = (uint64_t)node->high << 16 | node->low;
    const struct msg_span key = msg_span(at + NODE_HEAD, node->key_len);
    struct msg_span value = msg_span(at + NODE_HEAD + node->key_len, len);
    uint64_t number, sum;

    room -= NODE_HEAD + node->key_len;
    if ((node->flags & NODE_BIG) != 0) {
        if (room < sizeof number)
            return false;
        memcpy(&number, value.at, sizeof number);
        value = big_value(walk, number, len);
        if (value.at == NULL)
            return false;
    } else if (len > room) {
        return false;
    }
    if (what == NAMES) {
        struct tree tree;
        if (node->flags != NODE_TREE || value.len != sizeof tree || key.len == 0)
            return false;
        memcpy(&tree, value.at, sizeof tree);
        uint32_t which = 0;
        if (key.at[0] == 't')
            for (size_t i = 1; i < key.len; i++)
                which = which * 10 + (uint32_t)(key.at[i] - '0');
        return walk_tree(walk, &tree, key.at[0] == 't' ? TABLE : ABOUT, which);
    }
    if ((node->flags & ~NODE_BIG) != 0)
        return false;
    if (what == TABLE) {
        if (value.len < HOST_STORE_SUM_BYTES)
            return false;
        memcpy(&sum, value.at, sizeof sum);
        return sum
               == host_store_sum(table, key,
                                 msg_span(value.at + HOST_STORE_SUM_BYTES,
                                          value.len - HOST_STORE_SUM_BYTES));
    }
    if (what == FREE_LIST) { /* a count, then as many page numbers */
        if (key.len != 8 || value.len < 8)
            return false;
        memcpy(&number, value.at, sizeof number);
        return number <= value.len / 8 - 1;
    }
    return true;
}

static bool
walk_page(struct walk *walk, uint64_t number, uint32_t depth, enum what what, uint32_t table,
          uint64_t *entries)
{
    struct page page;
    const uint8_t *at = page_at(walk, number, &page);

    if (at == NULL || depth == 0)
        return false;
    const bool leaf = depth == 1;
    if (page.flags != (leaf ? PAGE_LEAF : PAGE_BRANCH))
        return false;
    if (page.lower < PAGE_HEAD || page.lower > page.upper || page.upper > walk->page_bytes
        || page.lower % 2 != 0)
        return false;
    const uint32_t count = (page.lower - PAGE_HEAD) / 2u;
    if (count == 0 || (!leaf && count < 2))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint16_t offset;
        struct node node;
        memcpy(&offset, at + PAGE_HEAD + 2 * i, sizeof offset);
        if (offset < page.upper || offset % 2 != 0 || offset > walk->page_bytes - NODE_HEAD)
            return false;
        memcpy(&node, at + offset, sizeof node);
        const uint64_t room = walk->page_bytes - offset;
        if (node.key_len > room - NODE_HEAD)
            return false;
        if (leaf) {
            if (!check_leaf_node(walk, &node, at + offset, room, what, table))
                return false;
            ++*entries;
            continue;
        }
        const uint64_t child =
            (uint64_t)node.flags << 32 | (uint64_t)node.high << 16 | (uint64_t)node.low;
        if (!walk_page(walk, child, depth - 1, what, table, entries))
            return false;
    }
    return true;
}

static bool
walk_tree(struct walk *walk, const struct tree *tree, enum what what, uint32_t table)
{
    uint64_t entries = 0;

    if (tree->root == NO_PAGE)
        return tree->entries == 0;
    if (tree->depth == 0 || tree->depth > DEPTH_MAX)
        return false;
    return walk_page(walk, tree->root, tree->depth, what, table, &entries)
           && entries == tree->entries;
}

/* One of the two metas at the head of the file; false: not one. */
static bool
read_meta(const uint8_t *file, uint64_t bytes, uint64_t at, struct meta *meta)
{
    struct page page;

    if (bytes < at || bytes - at < PAGE_HEAD + sizeof *meta)
        return false;
    memcpy(&page, file + at, sizeof page);
    memcpy(meta, file + at + PAGE_HEAD, sizeof *meta);
    return (page.flags & PAGE_META) != 0 && meta->magic == MAGIC && meta->version == VERSION;
}

static bool
check_file(const uint8_t *file, uint64_t bytes)
{
    struct meta first, second;

    if (!read_meta(file, bytes, 0, &first))
        return false;
    const uint64_t page_bytes = first.trees[0].pad;
    if (page_bytes < 512 || page_bytes > 65536 || (page_bytes & (page_bytes - 1)) != 0)
        return false;
    if (!read_meta(file, bytes, page_bytes, &second) || second.trees[0].pad != page_bytes)
        return false;
    const struct meta *meta = second.txn > first.txn ? &second : &first;
    struct walk walk = {file, bytes / page_bytes, page_bytes, meta->last_page + 1, false};
    if (walk.budget > walk.pages)
        walk.budget = walk.pages;
    if (walk.budget > HOST_STORE_CHECK_MAX / page_bytes) {
        walk.budget = HOST_STORE_CHECK_MAX / page_bytes;
        walk.in_part = true;
    }
    const bool good = walk_tree(&walk, &meta->trees[0], FREE_LIST, 0)
                      && walk_tree(&walk, &meta->trees[1], NAMES, 0);
    return good || (walk.in_part && walk.budget == 0); /* as far as was looked */
}

enum conclave_err
host_store_check(const char *dir, char *why, size_t why_cap)
{
    char path[4096];
    struct stat about;
    enum conclave_err err = CONCLAVE_OK;

    if (snprintf(path, sizeof path, "%s/data.mdb", dir) >= (int)sizeof path) {
        snprintf(why, why_cap, "The path of the store is too long.");
        return CONCLAVE_ERR_STORE_IO;
    }
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return CONCLAVE_OK;
    if (fd < 0 || fstat(fd, &about) != 0) {
        snprintf(why, why_cap, "%s cannot be read: %s.", path, strerror(errno));
        err = CONCLAVE_ERR_STORE_IO;
    } else if (!S_ISREG(about.st_mode)) {
        snprintf(why, why_cap, "%s is not a file; move it away.", path);
        err = CONCLAVE_ERR_STORE_IO;
    } else if (about.st_size == 0) {
        snprintf(why, why_cap,
                 "%s is damaged: it is empty; nothing was changed. Restore it from a backup, or "
                 "move the directory %s aside to start anew.",
                 path, dir);
        err = CONCLAVE_ERR_STORE_DAMAGED;
    } else {
        const size_t bytes = (size_t)about.st_size;
        void *file = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
        if (file == MAP_FAILED) {
            snprintf(why, why_cap, "%s cannot be read: %s.", path, strerror(errno));
            err = CONCLAVE_ERR_STORE_IO;
        } else {
            if (!check_file(file, bytes)) {
                snprintf(why, why_cap,
                         "%s is damaged; nothing was changed. Restore it from a backup, or move the "
                         "directory %s aside to start anew.",
                         path, dir);
                err = CONCLAVE_ERR_STORE_DAMAGED;
            }
            munmap(file, bytes);
        }
    }
    if (fd >= 0)
        close(fd);
    return err;
}
