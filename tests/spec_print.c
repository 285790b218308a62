/* Prints the catalog as the specification writes it: `spec_print cddl` gives
 * one CDDL rule a line, `spec_print kinds` one row of the table of kinds a
 * line, `spec_print errors` the codes, `spec_print figures` the rows of the table
 * of figures.  tests/spec.sh compares. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "msg/catalog.h"
#include "msg/error.h"

static void
print_name(const char *name)
{
    for (; *name != '\0'; name++)
        putchar(*name == '_' ? '-' : tolower((unsigned char)*name));
}

static void
print_range(const struct msg_field *field)
{
    if (field->min == field->max)
        printf("%llu", (unsigned long long)field->min);
    else
        printf("%llu..%llu", (unsigned long long)field->min, (unsigned long long)field->max);
}

static void
print_type(const struct msg_field *field)
{
    switch (field->kind) {
    case MSG_FIELD_U64:
        if (field->max == UINT64_MAX && field->min <= 1)
            printf("%s", field->min == 0 ? "uint" : "positive");
        else
            print_range(field);
        return;
    case MSG_FIELD_BOOL:
        printf("bool");
        return;
    case MSG_FIELD_TEXT:
    case MSG_FIELD_BIN:
    case MSG_FIELD_FIXED:
        printf("%s .size ", field->kind == MSG_FIELD_TEXT ? "tstr" : "bstr");
        if (field->min != field->max)
            printf("(");
        print_range(field);
        if (field->min != field->max)
            printf(")");
        return;
    case MSG_FIELD_LIST:
        printf("[%llu*%llu ", (unsigned long long)field->min, (unsigned long long)field->max);
        print_name(msg_catalog_shape(field->item)->name);
        printf("]");
        return;
    }
}

static void
print_rule(const struct msg_shape *shape)
{
    const char *before = "";
    print_name(shape->name);
    printf(" = [");
    if (!msg_catalog_is_item(shape->kind)) {
        printf("version, %u", (unsigned)shape->kind);
        before = ", ";
    }
    for (uint32_t i = 0; i < shape->count; i++) {
        printf("%s%s: ", before, shape->fields[i].name);
        print_type(&shape->fields[i]);
        before = ", ";
    }
    printf("]\n");
}

static void
print_row(const struct msg_shape *shape)
{
    printf("| %u | %s |", (unsigned)shape->kind, shape->name);
    for (uint32_t i = 0; i < shape->count; i++)
        printf("%s %s", i > 0 ? "," : "", shape->fields[i].name);
    printf(" |\n");
}

static int
print_errors(void)
{
#define PRINT(name, code, sentence) printf("%s\n", code);
    CONCLAVE_ERRORS(PRINT)
#undef PRINT
    return 0;
}

static int
print_figures(void)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};

    for (unsigned i = 0; i < MSG_FIGURE_COUNT_OF; i++) {
        const struct msg_figure_info *info = msg_figure_info((enum msg_figure)i);
        printf("| `%s` | %s | %s | %s |\n", info->name, types[info->type], info->label, info->help);
    }
    return 0;
}

int
main(int argc, char **argv)
{
    const struct msg_shape *shape;
    if (argc != 2 || strchr("ckef", argv[1][0]) == NULL) {
        fprintf(stderr, "usage: %s cddl|kinds|errors|figures\n", argv[0]);
        return 2;
    }
    if (argv[1][0] == 'e')
        return print_errors();
    if (argv[1][0] == 'f')
        return print_figures();
    if (argv[1][0] == 'c')
        printf("version = %u\npositive = 1..18446744073709551615\n", MSG_VERSION);
    for (size_t i = 0; (shape = msg_catalog_at(i)) != NULL; i++) {
        if (argv[1][0] == 'c')
            print_rule(shape);
        else
            print_row(shape);
    }
    return 0;
}
