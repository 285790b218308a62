# Probing of compiler and linker flags, one by one: a flag that the tool does
# not take, or warns about, is left out.

# CONCLAVE_CFLAG(VARIABLE, FLAG...)
# Appends to VARIABLE each FLAG that the C compiler takes.
AC_DEFUN([CONCLAVE_CFLAG], [
AC_SUBST([$1])
m4_foreach([conclave_flag], [m4_shift($@)], [
    AC_MSG_CHECKING([whether $CC takes conclave_flag])
    conclave_saved_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS -Werror conclave_flag"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM()],
        [AC_MSG_RESULT([yes])
         AS_VAR_APPEND([$1], [" conclave_flag"])],
        [AC_MSG_RESULT([no])])
    CFLAGS=$conclave_saved_CFLAGS
])])

# CONCLAVE_LDFLAG(VARIABLE, FLAG...)
# Appends to VARIABLE each FLAG that linking a program takes.
AC_DEFUN([CONCLAVE_LDFLAG], [
AC_SUBST([$1])
m4_foreach([conclave_flag], [m4_shift($@)], [
    AC_MSG_CHECKING([whether linking takes conclave_flag])
    conclave_saved_CFLAGS=$CFLAGS
    conclave_saved_LDFLAGS=$LDFLAGS
    CFLAGS="$CFLAGS $HARDEN_CFLAGS"
    LDFLAGS="$LDFLAGS -Werror conclave_flag"
    AC_LINK_IFELSE([AC_LANG_PROGRAM()],
        [AC_MSG_RESULT([yes])
         AS_VAR_APPEND([$1], [" conclave_flag"])],
        [AC_MSG_RESULT([no])])
    CFLAGS=$conclave_saved_CFLAGS
    LDFLAGS=$conclave_saved_LDFLAGS
])])

# CONCLAVE_FORTIFY(VARIABLE)
# Appends -D_FORTIFY_SOURCE=2 where it can work: it needs optimisation.
AC_DEFUN([CONCLAVE_FORTIFY], [
    AC_MSG_CHECKING([whether _FORTIFY_SOURCE can be used])
    conclave_saved_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS -Werror -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <string.h>]])],
        [AC_MSG_RESULT([yes])
         AS_VAR_APPEND([$1], [" -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"])],
        [AC_MSG_RESULT([no, CFLAGS has no optimisation])])
    CFLAGS=$conclave_saved_CFLAGS
])

# CONCLAVE_SANITIZERS(VARIABLE, LIST)
# Appends -fsanitize=LIST, or ends configure if it does not link.
AC_DEFUN([CONCLAVE_SANITIZERS], [
    AC_MSG_CHECKING([whether $CC links with -fsanitize=$2])
    conclave_saved_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS -fsanitize=$2 -fno-sanitize-recover=all"
    AC_LINK_IFELSE([AC_LANG_PROGRAM()],
        [AC_MSG_RESULT([yes])
         AS_VAR_APPEND([$1], [" -fsanitize=$2 -fno-sanitize-recover=all"])],
        [AC_MSG_RESULT([no])
         AC_MSG_ERROR([the compiler cannot build with -fsanitize=$2])])
    CFLAGS=$conclave_saved_CFLAGS
])
