/* The meshes that this device has a part in: our XPUB of each, whom it admits,
 * and whose XPUBs we hear.  Pure tables; all memory is taken at init, and
 * touched only as it is used. */
#ifndef PEER_MESHES_H
#define PEER_MESHES_H

#include "msg/catalog.h"
#include "msg/step.h"
#include "peer/tables/outbox.h"

#define PEER_MESHES_MAX 64u     /* rooms; further ones go by relay */
#define PEER_MESH_KEYS 128u     /* devices that one of our XPUBs admits */
#define PEER_PUBLISHERS 1024u   /* devices whose XPUBs we hear, in all rooms */

/* Somebody whom our XPUB admits. */
struct peer_mesh_key {
    uint64_t account;
    uint64_t device;
    struct msg_box_pub key;
};

/* A device that publishes in a room. */
struct peer_publisher {
    bool used;
    uint32_t mesh;              /* index */
    uint64_t account;
    uint64_t device;
    size_t endpoint_count;
    size_t candidate;           /* of them, the one that is dialled, or next to be */
    char endpoints[MSG_ENDPOINT_COUNT][MSG_ENDPOINT_MAX + 1];
    bool up;                    /* our SUB is connected */
    bool routed;                /* the front was told, in this session */
    bool listed;                /* the front spoke of it, in this session */
    uint64_t until_ms;          /* being dialled: give it up then */
    uint64_t at_ms;             /* dial (again) then; 0: not planned */
    uint64_t heard_ms;          /* while it is up: when anything came last */
    uint32_t failures;          /* rounds over all its endpoints, in a row */
    uint64_t answered_ms;       /* when it was answered what it wanted */
    uint32_t owes;              /* frames whose signature was put off, which the last one's vouches for: */
    struct msg_room_frame owed; /* without its box */
    struct msg_sign_pub owed_by;
    uint64_t owes_ms;           /* checked then at the latest */
    bool lied;                  /* it was wrong, and the user is to be told */
};

struct peer_room_mesh {
    bool used;
    uint32_t room;              /* index */
    bool open;                  /* bound, or to be, and dialling */
    uint64_t link;              /* of our XPUB; 0: none */
    bool settled;               /* its port is known, or there is none */
    bool heard;                 /* ROOM_STATE said that it is one, in this session */
    bool said;                  /* so did we: ROOM_MESH */
    bool admit_due;             /* somebody came, or a certificate did */
    uint64_t published_ms;      /* when anything was, last */
    uint32_t key_count;
    struct peer_mesh_key keys[PEER_MESH_KEYS];
};

struct peer_meshes {
    struct peer_room_mesh *list;        /* PEER_MESHES_MAX */
    uint32_t count;                     /* slots ever used */
    struct peer_publisher *publishers;  /* PEER_PUBLISHERS */
    uint64_t *links;                    /* of their SUBs, side by side: what is searched; 0: none */
    uint32_t publisher_count;           /* slots ever used */
    struct peer_publisher *speaking;    /* whose own frame is being heard; NULL: nobody's */
};

/* False when there is not enough memory: wipe it then. */
bool CONCLAVE_CHECK peer_meshes_init(struct peer_meshes *self);
void peer_meshes_wipe(struct peer_meshes *self);

/* By the room's index; add: a new or known one.  NULL: none, or too many. */
struct peer_room_mesh *peer_meshes_find(struct peer_meshes *self, uint32_t room);
struct peer_room_mesh *peer_meshes_add(struct peer_meshes *self, uint32_t room);
void peer_meshes_remove(struct peer_meshes *self, struct peer_room_mesh *mesh); /* it has no publishers any more */

/* By the link of our XPUB; NULL: it is none. */
struct peer_room_mesh *peer_meshes_bound(struct peer_meshes *self, uint64_t link);

/* Likewise. */
struct peer_publisher *peer_meshes_publisher(struct peer_meshes *self, const struct peer_room_mesh *mesh, uint64_t account, uint64_t device);
struct peer_publisher *peer_meshes_add_publisher(struct peer_meshes *self, const struct peer_room_mesh *mesh, uint64_t account, uint64_t device);
void peer_meshes_remove_publisher(struct peer_meshes *self, struct peer_publisher *publisher);
struct peer_publisher *peer_meshes_linked(struct peer_meshes *self, uint64_t link); /* by the link of our SUB */
uint64_t *peer_meshes_link(const struct peer_meshes *self, const struct peer_publisher *publisher);

/* Those of a mesh (NULL: all), from index 0 on; NULL at the end. */
struct peer_publisher *peer_meshes_each(struct peer_meshes *self, const struct peer_room_mesh *mesh, uint32_t *index);

#endif
