#!/usr/bin/env bash
# A Slurm of one machine for the tests: nothing outside the folder DIR, nothing reachable but on loopback.
#
#   up.sh DIR [CORES]     writes DIR/slurm.conf and starts munged, slurmctld and slurmd with it
#   export SLURM_CONF=DIR/slurm.conf      then sbatch, squeue, scancel and sinfo speak to this Slurm
#   down.sh DIR           ends the three again
#
# One node called box with CORES cores (default: the machine's) and most of its memory. No systemd, no cgroups, no
# database: memory limits are not enforced and sacct knows nothing; DIR/log/jobs.txt has a line for each job that ended.
set -euo pipefail

home=$(realpath -m "${1:?usage: up.sh DIR [CORES]}")
cores=${2:-$(nproc)}
me=$(id -un)
machine=$(hostname -s 2>/dev/null || uname -n)  # what the daemons compare themselves with; it need not resolve
megabytes=$(awk '/^MemTotal:/ {print int($2 / 1024 * 0.8)}' /proc/meminfo)

for tool in munged slurmctld slurmd sbatch; do
  command -v "$tool" >/dev/null || { echo "$tool is not installed: apt-get install slurm-wlm munge" >&2; exit 3; }
done

read -r control node < <(python3 - <<'EOF'
import socket
free = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(one.getsockname()[1] for one in free))
EOF
)

mkdir -p "$home"/{auth,state,spool,log}
chmod 755 "$home"
chmod 711 "$home/auth"  # munged refuses a socket that others cannot reach, and a key that they can read
(umask 077; head -c 1024 /dev/urandom > "$home/auth/key")

cat > "$home/slurm.conf" <<EOF
ClusterName=rapport
SlurmctldHost=$machine(127.0.0.1)
SlurmctldPort=$control
SlurmdPort=$node
SlurmUser=$me
SlurmdUser=$me
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny

AuthType=auth/munge
AuthInfo=socket=$home/auth/socket
CredType=cred/munge

ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$home/log/jobs.txt

SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,bf_interval=1
ReturnToService=2
KillWait=3
MinJobAge=30
SlurmctldTimeout=30
SlurmdTimeout=30

StateSaveLocation=$home/state
SlurmdSpoolDir=$home/spool
SlurmctldPidFile=$home/slurmctld.pid
SlurmdPidFile=$home/slurmd.pid
SlurmctldLogFile=$home/log/slurmctld.log
SlurmdLogFile=$home/log/slurmd.log

NodeName=box NodeHostname=$machine NodeAddr=127.0.0.1 CPUs=$cores RealMemory=$megabytes State=UNKNOWN
PartitionName=all Nodes=box Default=YES MaxTime=INFINITE State=UP
EOF

export SLURM_CONF=$home/slurm.conf
munged --force --num-threads=2 --key-file="$home/auth/key" --socket="$home/auth/socket" \
  --pid-file="$home/munged.pid" --seed-file="$home/auth/seed" --log-file="$home/log/munged.log"
slurmctld -c -f "$SLURM_CONF"
slurmd -N box -f "$SLURM_CONF"

for _ in $(seq 100); do
  state=$(timeout 5 sinfo --noheader --format=%t 2>/dev/null || true)
  [[ $state == idle* ]] && exit 0
  sleep 0.1
done
echo "Slurm did not come up; its node is '${state}'" >&2
tail -n 5 "$home"/log/*.log >&2
exit 1
