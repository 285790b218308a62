/* Proves broker/settings.c: each option by its own line, and the example file
 * that is shipped against the table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/settings.h"

static void
the_defaults_are_good(void **state)
{
    struct broker_settings s;
    char why[BROKER_WHY_MAX];

    (void)state;
    assert_int_equal(broker_settings_load(&s, NULL, why, sizeof why), CONCLAVE_OK);
    assert_string_equal(s.listen, "0.0.0.0:15600");
    assert_int_equal(s.lease_expiry_ms, 45000);
    assert_int_equal(s.password_memory_kib, 19456);
    assert_int_equal(s.limit_signups, 50);
}

/* Another value than the default that the option takes. */
static void
other_value(const struct host_option *option, char text[64])
{
    switch (option->kind) {
    case HOST_OPTION_TEXT:
        snprintf(text, 64, "127.0.0.1:7");
        break;
    case HOST_OPTION_NUMBER:
        snprintf(text, 64, "%llu",
                 (unsigned long long)(strtoull(option->preset, NULL, 10) == option->max
                                          ? option->min
                                          : option->max));
        break;
    case HOST_OPTION_BOOL:
        snprintf(text, 64, "%s", strcmp(option->preset, "true") == 0 ? "false" : "true");
        break;
    case HOST_OPTION_CHOICE:
        snprintf(text, 64, "%s", strrchr(option->choices, '|') + 1);
        break;
    }
}

static void
each_option_is_read_into_its_own_field_and_no_other(void **state)
{
    size_t count;
    const struct host_option *options = broker_settings_options(&count);
    char line[256], value[64], why[BROKER_WHY_MAX];

    (void)state;
    assert_true(count > 30);
    for (size_t i = 0; i < count; i++) {
        struct broker_settings before, after;
        const char *slash = strchr(options[i].path, '/');
        memset(&before, 0, sizeof before);
        memset(&after, 0, sizeof after);
        host_config_preset(&before, options, count);
        host_config_preset(&after, options, count);
        other_value(&options[i], value);
        snprintf(line, sizeof line, "%.*s%s%s = %s\n",
                 slash != NULL ? (int)(slash - options[i].path) : 0, options[i].path,
                 slash != NULL ? "\n    " : "", slash != NULL ? slash + 1 : options[i].path, value);
        assert_int_equal(
            host_config_read(&after, options, count, msg_text(line), "x", why, sizeof why),
            CONCLAVE_OK);
        size_t changed = 0;
        for (size_t b = 0; b < sizeof before; b++)
            if (((const uint8_t *)&before)[b] != ((const uint8_t *)&after)[b]) {
                assert_true(b >= options[i].offset);
                assert_true(b < options[i].offset + (options[i].kind == HOST_OPTION_TEXT ? options[i].max : 8));
                changed++;
            }
        assert_true(changed > 0);
        assert_true(strlen(options[i].help) > 10);
    }
}

static void
fields_of_two_options_do_not_overlap(void **state)
{
    size_t count;
    const struct host_option *options = broker_settings_options(&count);

    (void)state;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(options[i].offset, options[j].offset);
            assert_string_not_equal(options[i].path, options[j].path);
        }
}

static void
append(void *arg, const char *line)
{
    strcat(arg, line);
    strcat(arg, "\n");
}

static void
the_shipped_example_is_what_the_table_prints(void **state)
{
    static char want[32768], have[32768];
    char path[512];
    size_t count;
    const struct host_option *options = broker_settings_options(&count);
    const char *srcdir = getenv("srcdir");

    (void)state;
    snprintf(path, sizeof path, "%s/broker/conclaved.conf", srcdir != NULL ? srcdir : ".");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    have[fread(have, 1, sizeof have - 1, file)] = '\0';
    fclose(file);
    host_config_print(options, count, append, want);
    assert_string_equal(have, want);
}

static void
the_manual_names_each_option_with_its_default(void **state)
{
    static char manual[65536];
    char path[512], item[256];
    size_t count;
    const struct host_option *options = broker_settings_options(&count);
    const char *srcdir = getenv("srcdir");

    (void)state;
    snprintf(path, sizeof path, "%s/broker/conclaved.conf.5", srcdir != NULL ? srcdir : ".");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    manual[fread(manual, 1, sizeof manual - 1, file)] = '\0';
    fclose(file);
    for (size_t i = 0; i < count; i++) {
        const char *quote = options[i].kind == HOST_OPTION_TEXT ? "\\(dq" : "";
        snprintf(item, sizeof item, ".It Cm %s No = Ar %s%s%s\n", options[i].path, quote,
                 options[i].preset, quote);
        assert_non_null(strstr(manual, item));
    }
}

static void
what_does_not_fit_together_is_refused(void **state)
{
    static const char *const bad[] = {
        "listen = nowhere\n",
        "listen = 1.2.3.4:65536\n",
        "lease\n    ping_ms = 5000\n    expiry_ms = 9999\n",
        "throttle\n    first_ms = 500\n    last_ms = 400\n",
        "monitor\n    tcp = nowhere\n",
        "monitor\n    tcp_names = 1.2.3.4\n",
        "rooms\n    mesh_join = 9\n    mesh_stay = 8\n",
    };
    struct broker_settings s;
    char why[BROKER_WHY_MAX], path[] = "/tmp/conclave-test-settings-XXXXXX";
    const int fd = mkstemp(path);

    (void)state;
    close(fd);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        FILE *file = fopen(path, "w");
        fputs(bad[i], file);
        fclose(file);
        assert_int_equal(broker_settings_load(&s, path, why, sizeof why), CONCLAVE_ERR_CONFIG);
        assert_non_null(strstr(why, path));
    }
    unlink(path);
}

static void
a_reload_keeps_what_only_a_start_can_change(void **state)
{
    struct broker_settings before, now;
    char why[BROKER_WHY_MAX];

    (void)state;
    assert_int_equal(broker_settings_load(&before, NULL, why, sizeof why), CONCLAVE_OK);
    now = before;
    assert_null(broker_settings_keep(&now, &before));
    now.store_map_mib = 77;
    now.limit_devices = 3;
    snprintf(now.listen, sizeof now.listen, "127.0.0.1:1");
    assert_string_equal(broker_settings_keep(&now, &before), "listen");
    assert_int_equal(now.store_map_mib, before.store_map_mib);
    assert_string_equal(now.listen, before.listen);
    assert_int_equal(now.limit_devices, 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_good),
        cmocka_unit_test(each_option_is_read_into_its_own_field_and_no_other),
        cmocka_unit_test(fields_of_two_options_do_not_overlap),
        cmocka_unit_test(the_shipped_example_is_what_the_table_prints),
        cmocka_unit_test(the_manual_names_each_option_with_its_default),
        cmocka_unit_test(what_does_not_fit_together_is_refused),
        cmocka_unit_test(a_reload_keeps_what_only_a_start_can_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
