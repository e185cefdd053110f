#!/usr/bin/env bash
# A sweep on a real Slurm, started on this machine alone from Debian's packages, beside the same sweep without it.
#
#   benches/slurm.sh [PROGRAM]        as root; PROGRAM: target/release/neuropil by default
#
# Twelve runs as a job array. One task is killed, one requeued, then the whole array is cancelled and what is left
# submitted again. In the end the merged tables must be those of the local run, byte for byte. What is printed is kept
# in benches/results/slurm.txt.
set -euo pipefail
cd "$(dirname "$0")/.."
program=$(realpath "${1:-target/release/neuropil}")
[ -x "$program" ] || { echo "no program $program: cargo build --release -p neuropil" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "Slurm's daemons are started as root" >&2; exit 2; }
work=$(mktemp -d)
started=()
stop() { for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done; rm -rf "$work"; }
trap stop EXIT

install_slurm() {
    command -v slurmctld >/dev/null && command -v slurmd >/dev/null && command -v sbatch >/dev/null && return
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
        slurmctld slurmd slurm-client munge >/dev/null
}

start_slurm() {
    local host
    host=$(hostname -s)
    grep -qw "$host" /etc/hosts || echo "127.0.0.1 $host" >>/etc/hosts
    install -d -m 0755 -o munge -g munge /run/munge /var/log/munge
    [ -S /run/munge/munge.socket.2 ] || runuser -u munge -- /usr/sbin/munged
    install -d /etc/slurm "$work/ctld" "$work/d"
    cat >/etc/slurm/slurm.conf <<CONF
ClusterName=loopback
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
StateSaveLocation=$work/ctld
SlurmdSpoolDir=$work/d
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SchedulerType=sched/backfill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
MaxArraySize=1001
KillWait=5
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=2000 State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
    slurmctld && sleep 2 && slurmd && sleep 3
    started+=("$(cat "$work/slurmctld.pid")" "$(cat "$work/slurmd.pid")")
    sinfo --noheader
}

say() { echo "── $*"; }
status() { { "$program" sweep status "$work/array" || true; } | sed "s|$work|FOLDER|"; }
# Waits until as many runs of the array as that are done, or at work.
wait_for() { # STATE NUMBER
    local n
    for _ in $(seq 600); do
        n=$({ "$program" sweep status "$work/array" --json || true; } |
            python3 -c "import json, sys; print(len(json.load(sys.stdin)['$1']))")
        [ "$n" -ge "$2" ] && return
        sleep 1
    done
    echo "no $2 runs $1 after 10 minutes" >&2
    exit 1
}
array_task() { squeue --noheader --states=running --format=%F_%K | head -n "$1" | tail -n 1; }
task_pid() { pgrep -f -- "sweep $work/array --shard ${1#*_}/12" | tail -n 1; }

proof() {
    say "$("$program" --version), Slurm $(sinfo --version | cut -d' ' -f2), $(nproc) cores"
    local what=(rdm --seeds 1..3 --set policy.units=20,30 --set policy.learning_rate=0.004,0.01 --set value.units=20
        --set training.check_every=100 --set training.validation_trials=100 --dt 50 --updates "${UPDATES:-4000}")
    say "locally: neuropil sweep ${what[*]}"
    "$program" -q sweep "${what[@]}" --out "$work/local"
    "$program" sweep merge "$work/local" >/dev/null 2>&1

    say "as a job array"
    "$program" -q sweep "${what[@]}" --out "$work/array" --slurm --mem 200M 2>&1 | sed "s|$work|FOLDER|"
    sed "s|$work|FOLDER|; s|$program|neuropil|" "$work/array/sweep.sbatch"
    wait_for running 1
    sleep 3
    local killed requeued array
    killed=$(array_task 1)
    kill -9 "$(task_pid "$killed")"
    say "task ${killed#*_} killed"
    wait_for done 1
    wait_for running 1
    sleep 2
    requeued=$(array_task 1)
    array=${requeued%_*}
    scontrol requeue "$requeued"
    say "task ${requeued#*_} requeued"
    wait_for done 4
    scancel "$array"
    say "array cancelled"
    while squeue --noheader | grep -q .; do sleep 1; done
    status
    say "what is left, submitted again"
    "$program" -q sweep "$work/array" --slurm --mem 200M 2>&1 | sed "s|$work|FOLDER|"
    grep -- --array= "$work/array/sweep.sbatch"
    wait_for done 12
    status
    "$program" sweep merge "$work/array" 2>/dev/null
    local file
    for file in table.csv table.json cells.csv comparison.html; do
        cmp "$work/local/$file" "$work/array/$file" && say "$file: the same bytes, $(stat -c %s "$work/array/$file") of them"
    done
    say "the tasks' logs"
    cat "$work"/array/logs/*.log | grep -v '^$' | sed "s|$work|FOLDER|" | head -40 || true
}

install_slurm
start_slurm
proof 2>&1 | tee benches/results/slurm.txt
