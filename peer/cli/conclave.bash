# Completion of conclave(1) for bash.  The commands are those of the table in
# peer/cli/commands.c; a test compares them.
# shellcheck shell=bash

_conclave() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local commands=" register login logout passwd passphrase devices delete-account who search send create join leave rooms members topic invite kick ban unban mute unmute op deop delete recv block unblock trust stats help quit "
    local options="-r --registry -u --user --password-file --password-fd --home --listen --log-file --json --plain --timeout --help --version"
    local i command=
    COMPREPLY=()

    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -r | --registry | -u | --user | --password-file | --password-fd | --home | --listen | --log-file | --timeout)
            i=$((i + 1)) ;;
        -*) ;;
        *)
            command=${COMP_WORDS[i]}
            break
            ;;
        esac
    done

    case $prev in
    --password-file | --log-file)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    --home)
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        return
        ;;
    -r | --registry | -u | --user | --password-fd | --listen | --timeout | --count | --topic)
        return
        ;;
    esac

    case $command in
    '')
        if [[ $cur == -* ]]; then
            mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
        else
            mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur")
        fi
        ;;
    help) mapfile -t COMPREPLY < <(compgen -W "$commands all" -- "$cur") ;;
    who | rooms) mapfile -t COMPREPLY < <(compgen -W "-d" -- "$cur") ;;
    create) mapfile -t COMPREPLY < <(compgen -W "--private --password-file --history --topic" -- "$cur") ;;
    join) mapfile -t COMPREPLY < <(compgen -W "--password-file" -- "$cur") ;;
    logout) mapfile -t COMPREPLY < <(compgen -W "--forget" -- "$cur") ;;
    recv) mapfile -t COMPREPLY < <(compgen -W "--count" -- "$cur") ;;
    devices) mapfile -t COMPREPLY < <(compgen -W "revoke" -- "$cur") ;;
    esac
}
complete -F _conclave conclave
