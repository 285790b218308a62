/* Proves that frames and seals are still those of tests/vectors, byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "msg/cert.h"
#include "msg/codec.h"
#include "msg/chain.h"
#include "msg/envelope.h"
#include "msg/name.h"
#include "tests/vectors/vectors.h"

static char contents[1u << 18];

static const char *
read_vector(const char *name, const char *ending)
{
    const char *const top = getenv("srcdir");
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/tests/vectors/%s%s", top != NULL ? top : ".", name,
                   ending);
    FILE *const file = fopen(path, "r");
    if (file == NULL)
        fail_msg("%s cannot be read", path);
    const size_t len = fread(contents, 1, sizeof contents - 1, file);
    fclose(file);
    contents[len] = '\0';
    return contents;
}

/* One line, without its newline. */
static struct msg_text
read_line(const char *name, const char *ending)
{
    struct msg_text text = msg_text(read_vector(name, ending));
    assert_true(text.len > 0 && text.at[text.len - 1] == '\n');
    text.len--;
    return text;
}

static void
each_golden_frame_decodes_prints_and_encodes_as_it_stands(void **unused)
{
    (void)unused;
    static uint8_t frame[MSG_FRAME_MAX];
    static uint8_t again[MSG_FRAME_MAX];
    static char text[1u << 18];
    const struct msg_shape *shape;
    for (size_t i = 0; (shape = msg_catalog_at(i)) != NULL; i++) {
        char name[64];
        enum msg_kind kind;
        union msg_any any;
        if (msg_catalog_is_item(shape->kind))
            continue;
        vectors_name(name, shape);
        const struct msg_text hex = read_line(name, ".hex");
        const size_t len = hex.len / 2;
        assert_int_equal(msg_keys_from_hex(frame, len, hex), CONCLAVE_OK);
        assert_int_equal(msg_codec_decode(msg_span(frame, len), &kind, &any), CONCLAVE_OK);
        assert_int_equal(kind, shape->kind);
        struct msg_buf out = {again, 0, sizeof again};
        assert_int_equal(msg_codec_encode(&out, kind, &any), CONCLAVE_OK);
        assert_true(msg_span_equal(msg_span_of_buf(&out), msg_span(frame, len)));
        msg_codec_print(text, sizeof text, msg_span(frame, len));
        const struct msg_text expected = read_line(name, ".exp");
        assert_true(msg_text_equal(msg_text(text), expected));
        /* And the generator still makes the same. */
        out.len = 0;
        vectors_frame(&out, shape->kind);
        assert_true(msg_span_equal(msg_span_of_buf(&out), msg_span(frame, len)));
    }
}

static void
keys_signatures_seals_and_heads_are_made_as_they_stand(void **unused)
{
    (void)unused;
    char *made = NULL;
    size_t len = 0;
    FILE *const to = open_memstream(&made, &len);
    assert_non_null(to);
    vectors_crypto(to);
    fclose(to);
    assert_string_equal(made, read_vector("crypto", ".txt"));
    free(made);
}

/* The value of one line of crypto.txt, as bytes in at. */
static struct msg_span
value(uint8_t *at, size_t cap, const char *name)
{
    char key[64];
    (void)snprintf(key, sizeof key, "\n%s ", name);
    const char *const line = strstr(contents, key);
    if (line == NULL)
        fail_msg("%s is not in crypto.txt", name);
    const char *const begin = line + strlen(key);
    const struct msg_text hex = {begin, strcspn(begin, "\n")};
    assert_true(hex.len / 2 <= cap);
    assert_int_equal(msg_keys_from_hex(at, hex.len / 2, hex), CONCLAVE_OK);
    return msg_span(at, hex.len / 2);
}

#define VALUE(into, name)                                                                          \
    assert_int_equal(value((into).at, sizeof(into).at, name).len, sizeof(into).at)

static void
what_stands_there_verifies_and_opens(void **unused)
{
    (void)unused;
    uint8_t at[1024];
    uint8_t opened_at[1024];
    uint8_t batch[1024];
    struct msg_sign_pub signer = {{0}};
    struct msg_cert alice;
    struct msg_cert bob;
    struct msg_box_pub door;
    struct msg_box_sec bob_mail;
    struct msg_sig proof;
    struct msg_run run;
    struct msg_revocations list;
    enum msg_kind kind;
    union msg_any any;
    (void)read_vector("crypto", ".txt");
    VALUE(signer, "signer-public");
    VALUE(door, "door-public");
    VALUE(bob_mail, "bob-mail-secret");
    VALUE(proof, "alice-enrol-proof");
    assert_int_equal(msg_cert_open(&alice, value(at, sizeof at, "alice-certificate"), &signer),
                     CONCLAVE_OK);
    assert_int_equal(msg_cert_open(&bob, value(at, sizeof at, "bob-certificate"), &signer),
                     CONCLAVE_OK);
    assert_int_equal(msg_cert_open_revocations(&list, value(at, sizeof at, "revocations"), &signer),
                     CONCLAVE_OK);
    assert_int_equal(list.entries.count, 2);
    assert_int_equal(msg_cert_check_proof(&proof, &alice.transport, &door, &alice.sign),
                     CONCLAVE_OK);
    assert_int_equal(msg_codec_decode(value(at, sizeof at, "run-frame"), &kind, &any), CONCLAVE_OK);
    assert_int_equal(msg_run_accept(&run, &any.MSG_ANY_RUN, &alice, 2, 1, &bob.mail, &bob_mail, 0),
                     CONCLAVE_OK);
    const struct msg_span expected = value(batch, sizeof batch, "batch");
    for (unsigned i = 0; i < 2; i++) {
        struct msg_buf opened = {opened_at, 0, sizeof opened_at};
        const struct msg_span frame =
            value(at, sizeof at, i == 0 ? "sealed-1-frame" : "sealed-2-frame");
        assert_int_equal(msg_codec_decode(frame, &kind, &any), CONCLAVE_OK);
        assert_int_equal(msg_envelope_open(&run, &opened, &any.MSG_ANY_SEALED), CONCLAVE_OK);
        assert_true(msg_span_equal(msg_span_of_buf(&opened), expected));
    }
    /* The batch is CHAIN and three SAY, each chained to the one before. */
    struct msg_span in = expected;
    char name[64];
    struct msg_id id;
    assert_int_equal(msg_codec_next_frame(&in, &kind, &any), CONCLAVE_OK);
    assert_int_equal(kind, MSG_CHAIN);
    struct msg_place place = msg_chain_begins(&any.MSG_ANY_CHAIN);
    for (uint64_t number = 1; number <= 3; number++) {
        assert_int_equal(msg_codec_next_frame(&in, &kind, &any), CONCLAVE_OK);
        assert_int_equal(kind, MSG_SAY);
        const struct msg_said said = msg_chain_take(&place, &any.MSG_ANY_SAY);
        assert_int_equal(said.at.number, number);
        (void)snprintf(name, sizeof name, "chain-%llu-id", (unsigned long long)number);
        VALUE(id, name);
        assert_memory_equal(&said.id, &id, sizeof id);
    }
    assert_int_equal(in.len, 0);
    struct msg_head last;
    VALUE(last, "chain-3-head");
    assert_memory_equal(&last, &place.prev, sizeof last);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_golden_frame_decodes_prints_and_encodes_as_it_stands),
        cmocka_unit_test(keys_signatures_seals_and_heads_are_made_as_they_stand),
        cmocka_unit_test(what_stands_there_verifies_and_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
