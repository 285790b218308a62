#!/bin/bash
# Whether every change of tests/mutants.sh still changes the code that it is
# meant to break: the whole of it takes too long for every day.
exec bash "$(dirname "${BASH_SOURCE[0]}")/mutants.sh" --fit
