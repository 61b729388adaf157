#!/bin/sh
# Branch coverage room by room, from what a run left in .coverage. The rooms where a mistake costs money or opens a door
# must reach 95%: below that it fails and names the lines and branches that no test has taken.
set -eu
cd "$(dirname "$0")/.."
coverage=.venv/bin/coverage
least=95
must="settlement treasury law compute/metering parties"

figure() { "$coverage" report --format=total --precision=1 --include="src/huisuan/$1/*" 2>/dev/null || echo "-"; }

bad=
for room in base law parties compute compute/metering treasury settlement programmes api portal serving client cli; do
    found=$(figure "$room")
    printf '%-20s %s%%\n' "$room" "$found"
    case " $must " in
        *" $room "*) [ "$found" != - ] && [ "$(printf '%s\n%s\n' "$least" "$found" | sort -n | head -n 1)" = "$least" ] || bad="$bad $room" ;;
    esac
done
printf '%-20s %s%%\n' all "$("$coverage" report --format=total --precision=1)"
[ -z "$bad" ] && exit 0
for room in $bad; do
    echo "$room is below $least%:"
    "$coverage" report --include="src/huisuan/$room/*" --sort=miss
done
exit 1
