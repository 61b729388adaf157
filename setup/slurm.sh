#!/bin/sh
# A whole Slurm (controller, nodes, accounting, REST) for the tests that run jobs on a real one. Only where root and apt
# exist; elsewhere those tests skip and say why. None of its daemons is started here: the tests start and stop their own.
set -eu
PATH=$PATH:/usr/sbin:/sbin
policy=/usr/sbin/policy-rc.d

has_slurm() {
    for program in munged mariadbd mariadb-install-db slurmdbd slurmctld slurmd slurmrestd sbatch sacct sacctmgr; do
        command -v "$program" >/dev/null || return 1
    done
}

if has_slurm; then
    exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Slurm for the tests on a real cluster (once; about half a minute) ..."
    export DEBIAN_FRONTEND=noninteractive
    if [ ! -e "$policy" ]; then  # what apt asks whether it may start a package's daemons
        trap 'rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' > "$policy"
        chmod 755 "$policy"
    fi
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends slurm-wlm slurmdbd slurmrestd munge \
        slurm-wlm-basic-plugins slurm-wlm-mysql-plugin slurm-wlm-jwt-plugin mariadb-server; } >/dev/null 2>&1 ||
        echo "Slurm could not be installed; the tests on a real cluster will skip." >&2
else
    echo "No Slurm, and no root with apt to install it; the tests on a real cluster will skip." >&2
fi
