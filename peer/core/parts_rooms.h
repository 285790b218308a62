/* What the parts of the peer's core that are about rooms do for each other and
 * for the rest; a part of peer/core/parts.h, which alone includes it. */
#ifndef PEER_PARTS_ROOMS_H
#define PEER_PARTS_ROOMS_H

/* ---- room_ops.c ---- */
bool peer_room_take(struct peer_core *self, struct peer_room *room, const struct msg_entry *entry); /* one entry of its roster; false: stop with these */
void peer_room_disbelieve(struct peer_core *self, struct peer_room *room, uint64_t number, struct msg_text who, enum conclave_err err); /* an entry that does not hold: told once, and nothing after it is taken */
enum conclave_err CONCLAVE_CHECK peer_room_card(struct peer_core *self, const struct msg_cert *cert, struct msg_span certificate); /* takes an opened certificate of somebody in a room: PEER_KEY_CHANGED, REVOKED */

/* ---- room_read.c ---- */
bool peer_room_frame(struct peer_core *self, enum msg_kind kind, const union msg_any *any); /* of the front, nobody's answer; false: not about rooms */
void peer_room_entries(struct peer_core *self, struct peer_request *request, const struct msg_entries *entries); /* request NULL: pushed */
void peer_room_unread(struct peer_core *self, struct peer_request *request, enum conclave_err err); /* its roster could not be read */
void peer_room_read(struct peer_core *self, struct peer_room *room); /* the rest of its roster, soon */
struct peer_room *peer_room_make(struct peer_core *self, const struct msg_id *id); /* new or known; NULL: too many; told */
void peer_room_drop(struct peer_core *self, struct peer_room *room); /* with its records */
bool peer_room_concerns_us(const struct peer_room *room);          /* we are in it, or invited */
void peer_room_tick(struct peer_core *self);
void peer_room_away(struct peer_core *self);                       /* the front link is gone */
void peer_room_forget(struct peer_core *self);                     /* all rooms and cards */

/* ---- room_commands.c ---- */
void peer_room_create(struct peer_core *self, const struct msg_cmd_room_create *cmd);
void peer_room_join(struct peer_core *self, const struct msg_cmd_room_join *cmd);
void peer_room_act(struct peer_core *self, const struct msg_cmd_room_act *cmd);
void peer_room_list(struct peer_core *self, uint64_t cmd, bool detailed);
void peer_room_members(struct peer_core *self, uint64_t cmd, struct msg_text name);
void peer_room_watch(struct peer_core *self, uint64_t cmd, bool on);
void peer_room_describe(struct peer_core *self, uint64_t cmd, struct msg_text name);
void peer_room_described(struct peer_core *self, struct peer_request *request, const struct msg_room_info *info); /* answers it */
void peer_room_said(struct peer_core *self, const struct msg_cmd_say *say); /* to a name with # */
void peer_room_go_on(struct peer_core *self, struct peer_request *request); /* its room is known and read: the next step */

/* ---- room_asks.c: requests with a step ---- */
void peer_room_ask(struct peer_core *self, struct peer_request *request); /* sends what its step asks */
bool peer_room_fits(const struct peer_request *request, enum msg_kind answer);
void peer_room_answer(struct peer_core *self, struct peer_request *request, enum msg_kind kind, const union msg_any *any);
bool peer_room_refused(struct peer_core *self, struct peer_request *request, enum conclave_err err, struct msg_text text, uint64_t retry_ms); /* false: it goes on another way */
void peer_room_ended(struct peer_core *self, const struct msg_id *room); /* one request about it: the next may go on */
bool peer_room_has_turn(const struct peer_core *self, const struct peer_request *request);
bool peer_room_look(struct peer_core *self, struct peer_request *request); /* nobody of that name is in the room: reads the roster first; false: it did */
bool peer_room_pause(struct peer_core *self, struct peer_request *request); /* it does not fit the room: looks again after a while; false: it did */
void peer_room_ordered(struct peer_core *self, const struct peer_room *room, struct msg_span op); /* this operation is an entry of our roster now */
void peer_room_was_read(struct peer_core *self, const struct msg_id *room, bool over); /* some of it, or all there is */

/* ---- room_post.c ---- */
void peer_room_say(struct peer_core *self, struct peer_room *room, uint64_t cmd, struct msg_text text);
void peer_room_post_soon(struct peer_core *self, struct peer_room *room); /* look whether something can be posted */
void peer_room_flush(struct peer_core *self);
void peer_room_post_anew(struct peer_core *self, struct peer_room *room); /* all that is not stored */
void peer_room_post_end(struct peer_core *self, struct peer_room *room, enum conclave_err err); /* what waits cannot be said there any more */
void peer_room_settle_out(struct peer_core *self, struct peer_room *room); /* lets go of what is stored */
void peer_room_stored(struct peer_core *self, const struct msg_room_stored *answer);
void peer_room_own_logged(struct peer_core *self, struct peer_room *room, const struct msg_room_frame *frame);
void peer_room_post_refused(struct peer_core *self, const struct msg_room_refused *answer);
void peer_room_renumber(struct peer_core *self);
void peer_room_publish_again(struct peer_core *self, struct peer_room *room, struct peer_mark after); /* what waits in the outbox, from there on; nothing while the front is there */
void peer_room_post_tick(struct peer_core *self, struct peer_room *room);

/* ---- room_keys.c ---- */
bool peer_room_key_ready(struct peer_core *self, struct peer_room *room); /* our key can be used; if not, what is lacking is begun */
bool peer_room_key_usable(struct peer_core *self, const struct peer_room *room); /* the same, without the front */
void peer_room_key_used(struct peer_core *self, struct peer_room *room);
void peer_room_key_restored(struct peer_core *self, struct peer_room *room);
void peer_room_key_tick(struct peer_core *self, struct peer_room *room);
void peer_room_keys_tick(struct peer_core *self); /* those that no log can have frames of any more are forgotten */
void peer_room_keys_read(struct peer_core *self, struct peer_room *room); /* and those whose frames are all read */
void peer_room_cards(struct peer_core *self, struct peer_request *request, const struct msg_cards *page);
void peer_room_no_cards(struct peer_core *self, const struct peer_request *request);

/* ---- room_devices.c ---- */
void peer_room_device(struct peer_core *self, const struct peer_room *room, struct peer_mate *mate, const struct msg_cert *cert, bool listed); /* it is handed a key; listed: with all devices of the account */

/* ---- room_log.c ---- */
void peer_room_log_look(struct peer_core *self, struct peer_room *room); /* starts a pass over the log if one is due */
void peer_room_log_again(struct peer_core *self, struct peer_room *room, uint64_t from, uint64_t wait_ms); /* another pass, from that offset on */
void peer_room_log_page(struct peer_core *self, struct peer_request *request, const struct msg_room_log *page);
void peer_room_no_log(struct peer_core *self, const struct peer_request *request, enum conclave_err err);
void peer_room_read_log(struct peer_core *self, struct peer_request *request); /* sends ROOM_READ */
void peer_room_have(struct peer_core *self, const struct peer_room *room, struct msg_buf *buf, struct msg_list *have); /* MARKs of all that came and was taken */
void peer_room_cast(struct peer_core *self, const struct msg_room_cast *cast);

/* ---- room_hear.c ---- */
enum peer_heard { HEARD, HEARD_WAIT_ROSTER, HEARD_WAIT_DISK, HEARD_AHEAD };
enum peer_heard peer_room_hear(struct peer_core *self, struct peer_room *room, uint64_t offset, const struct msg_room_frame *frame); /* offset 0: it came directly; but for HEARD: it must come again */
const struct msg_cert *peer_room_cert(struct peer_core *self, uint64_t account, uint64_t device); /* NULL: not known */
void peer_room_broken(struct peer_core *self, const struct peer_room *room, struct peer_sender *sender); /* told once */
void peer_room_tell_gap(struct peer_core *self, struct peer_room *room, uint64_t account, uint64_t first, uint64_t last);

/* ---- room_proof.c ---- */
bool peer_room_is_signed(struct peer_core *self, const struct msg_room_frame *frame, const struct msg_sign_pub *device); /* by itself, or by one of those ahead that goes on from it; or it is its sender's own word, and the signature can wait */
bool peer_room_proves(struct peer_publisher *publisher); /* checks what waits; false: it lied, and that is still to be told */

/* ---- room_lack.c ---- */
struct peer_sender *peer_room_sender(struct peer_core *self, struct peer_room *room, uint64_t account, uint64_t device); /* known or new; NULL: there are too many; logged */
void peer_room_lacks(struct peer_core *self, struct peer_room *room, uint64_t offset, const struct msg_room_frame *frame, bool certificate);
void peer_room_found_key(struct peer_core *self, struct peer_room *room, const struct msg_room_key *key);
bool peer_room_lacks_key(struct peer_core *self, const struct peer_room *room, const struct msg_room_key *key); /* it is asked for */
void peer_room_card_of(struct peer_core *self, struct peer_request *request, const struct msg_cards *answer);
void peer_room_lack_tick(struct peer_core *self, struct peer_room *room);

/* ---- room_ticks.c ---- */
void peer_room_took(struct peer_core *self, struct peer_room *room, struct peer_sender *sender); /* this step's transaction brings its chain up to its mark */
void peer_room_synced(struct peer_core *self, uint64_t store);
void peer_room_receipt(struct peer_core *self, struct peer_room *room, const struct msg_room_receipt *receipt);
void peer_room_ticks_go_on(struct peer_core *self);                /* the disk has caught up */
void peer_room_tip(struct peer_core *self, struct peer_room *room, const struct msg_room_tip *tip);
void peer_room_tick_tick(struct peer_core *self, struct peer_room *room);

/* ---- room_present.c ---- */
void peer_room_presence(struct peer_core *self, const struct msg_room_presence *presence);
void peer_room_present_online(struct peer_core *self);             /* a session has begun */
void peer_room_present_came(struct peer_core *self, const struct peer_room *room, uint64_t account); /* it may be ours */
uint64_t peer_room_present_status(struct peer_core *self, uint64_t account); /* enum msg_status; offline where nothing is known */

/* ---- room_mesh.c ---- */
void peer_room_mesh_started(struct peer_core *self, struct peer_room *room); /* all records were restored */
void peer_room_mesh_heard(struct peer_core *self, struct peer_room *room); /* ROOM_STATE spoke of it */
void peer_room_mesh_bound(struct peer_core *self, uint64_t link, uint16_t port); /* port 0: it could not be */
void peer_room_mesh_say(struct peer_core *self, struct peer_room_mesh *mesh); /* what the front does not know yet */
void peer_room_mesh_away(struct peer_core *self);                  /* the front link is gone */
void peer_room_mesh_dropped(struct peer_core *self, struct peer_room *room);
void peer_room_mesh_admit_soon(struct peer_core *self);            /* somebody came, or a certificate did */
void peer_room_mesh_left(struct peer_core *self, struct peer_room *room, uint64_t account);
void peer_room_mesh_revoked(struct peer_core *self, uint64_t account, uint64_t device);
bool peer_room_mesh_talks(struct peer_core *self, const struct peer_room *room); /* our XPUB is bound: it can do without the front */
void peer_room_mesh_publish(struct peer_core *self, struct peer_room *room, struct msg_span frame); /* what is posted; nothing where there is no mesh */
void peer_room_mesh_tick(struct peer_core *self, struct peer_room *room);

/* ---- room_publishers.c ---- */
void peer_room_publishers_heard(struct peer_core *self, const struct msg_room_peers *peers);
void peer_room_publisher_restore(struct peer_core *self, const struct msg_room_peers *record);
void peer_room_publisher_dial(struct peer_core *self, struct peer_publisher *publisher);
void peer_room_publisher_forget(struct peer_core *self, struct peer_room *room, struct peer_publisher *publisher); /* with its record */
bool peer_room_publisher_up(struct peer_core *self, uint64_t link); /* false: it is no publisher's; so with these: */
bool peer_room_publisher_down(struct peer_core *self, uint64_t link);
void peer_room_hear_direct(struct peer_core *self, struct peer_room *room, const struct msg_room_frame *frame); /* by its sender's XPUB, or by CAST among frames that come so: what is ahead of a gap is read in the log */
bool peer_room_publisher_frame(struct peer_core *self, uint64_t link, struct msg_span bytes);
void peer_room_publishers_prove(struct peer_core *self, struct peer_room *room); /* before what came is acknowledged or handed on */
void peer_room_publishers_stop(struct peer_core *self); /* and before the process ends */
void peer_room_publishers_tick(struct peer_core *self, struct peer_room *room, const struct peer_room_mesh *mesh);

/* ---- room_routes.c ---- */
void peer_room_route(struct peer_core *self, struct peer_room *room, struct peer_publisher *publisher, bool direct); /* we hear it from itself from now on, or no longer; the front is told soon */
void peer_room_routes_heard(struct peer_core *self, struct peer_room *room, uint64_t routes); /* the version that the front leaves frames out by; 0: it leaves out none */
void peer_room_routes_spoken(struct peer_core *self, const struct msg_room_spoken *spoken);
void peer_room_routes_passed(struct peer_core *self, struct peer_room *room, uint64_t from, uint64_t upto); /* the log was read to its end, from here to there */
void peer_room_routes_away(struct peer_core *self);                /* the front link is gone; nothing is routed any more */
void peer_room_routes_tick(struct peer_core *self, struct peer_room *room);

/* ---- room_want.c ---- */
void peer_room_spoken(struct peer_core *self, struct peer_room *room, uint64_t account, uint64_t device, struct peer_mark mark); /* its chain goes up to there */
void peer_room_heads(struct peer_core *self, struct peer_room *room, const struct msg_room_receipt *receipt); /* likewise all in a receipt, once its signature is checked */
void peer_room_passed_on(struct peer_core *self, struct peer_room *room, const struct msg_room_frame *frame); /* published by somebody else than its sender */
void peer_room_keep(struct peer_core *self, const struct peer_room *room, const struct msg_room_frame *frame, bool ours); /* for members who miss it */
void peer_room_wanted(struct peer_core *self, struct peer_room *room, struct peer_publisher *asker, const struct msg_room_want *want);
void peer_room_want_came(struct peer_core *self, struct peer_room *room); /* some of what is missing, what stands behind it, or somebody who may have it */
void peer_room_want_away(struct peer_core *self, struct peer_room *room); /* the front link is gone, or was never there */
void peer_room_want_online(struct peer_room *room);
void peer_room_want_tick(struct peer_core *self, struct peer_room *room);

/* ---- room_hooks.c ---- */
void peer_room_online(struct peer_core *self);                     /* a session has begun */
void peer_room_started(struct peer_core *self);                    /* all records were restored */
void peer_room_turn(struct peer_core *self);                       /* what is due, in all rooms */
void peer_room_epoch_began(struct peer_core *self, struct peer_room *room);
void peer_room_joined(struct peer_core *self, struct peer_room *room, uint64_t account, uint64_t offset); /* where the log stood */
void peer_room_left(struct peer_core *self, struct peer_room *room, uint64_t account);
void peer_room_heard(struct peer_core *self, struct peer_room *room);
void peer_room_dropped(struct peer_core *self, struct peer_room *room);

#endif
