/* Memory of big tables that are made whole and filled little by little.  They
 * stand in pages of their own, which cost nothing before they are touched and
 * go back when the table does.  calloc promises that the first time only: it
 * clears what somebody had before, and so touches all of it. */
#ifndef MSG_PAGES_H
#define MSG_PAGES_H

#include "msg/base.h"

#define MSG_PAGES_LEAST 32768u /* bytes; what is smaller comes from the heap */

/* count things of size bytes, all zero; NULL: there is not so much memory.
 * msg_pages_free takes it back, given the same numbers. */
void *CONCLAVE_CHECK msg_pages_new(size_t count, size_t size);
void msg_pages_free(void *at, size_t count, size_t size); /* at may be NULL */

#endif
